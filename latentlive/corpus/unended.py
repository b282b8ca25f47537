"""WAV files without sizes: the recorder was cut off, or wrote into a pipe."""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Iterator
from pathlib import Path

MOST = 2**32 - 1


class _Sized(io.FileIO):
    """A file in which patches replace some bytes on reading.

    Parameters
    ----------
    path : Path
    patches : mapping of place to bytes
    """

    def __init__(self, path: Path, patches: dict[int, bytes]) -> None:
        super().__init__(path)
        self._patches = patches

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read like a file, with the patches applied."""
        start = self.tell()
        view = memoryview(buffer).cast("B")
        count = super().readinto(view) or 0
        for place, patch in self._patches.items():
            for i, byte in enumerate(patch, place - start):
                if 0 <= i < count:
                    view[i] = byte
        return count


@contextlib.contextmanager
def streamed_wav(path: Path) -> Iterator[io.FileIO | None]:
    """Open a WAV file whose data chunk states 0 bytes as one that extends to the file's end.

    None for any other file.
    """
    place = _unsized(path)
    if place is None:
        yield None
        return
    size = min(path.stat().st_size - place - 8, MOST - place)
    patches = {4: struct.pack("<I", place + size), place + 4: struct.pack("<I", size)}
    with _Sized(path, patches) as file:
        yield file


def _unsized(path: Path) -> int | None:
    """Return the start of a data chunk that states 0 bytes but is followed by some."""
    with path.open("rb") as file:
        kind = file.read(12)
        if kind[:4] != b"RIFF" or kind[8:] != b"WAVE":
            return None
        while len(head := file.read(8)) == 8:
            name, size = head[:4], struct.unpack("<I", head[4:])[0]
            if name == b"data":
                return file.tell() - 8 if not size and file.read(1) else None
            file.seek(size + size % 2, 1)
    return None
