"""Decoded sounds in the cache, each a file of samples under their digest, memory-mapped.

The render workers map them and import no audio library.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.audio import Audio, audio_digest
from latentlive.corpus.decoder import besides
from latentlive.errors import SoundError
from latentlive.ground.files import working_file, write_whole
from latentlive.ground.lines import say_once
from latentlive.units import Samples

HEADER = 128
"""Bytes before the samples of a decoded sound: NumPy's header for one axis."""


def keep(audio: Audio) -> Audio:
    """Store a recording in the cache under its digests and return it memory-mapped."""
    return replace(_kept(audio.samples), sides=tuple(_kept(side.samples) for side in audio.sides))


def _kept(samples: Samples) -> Audio:
    digest = audio_digest(samples)
    with refusal_told():
        path = file_of(digest)
        if not is_whole(path, digest):
            say_if_damaged(path)
            write_whole(path, lambda p: np.save(p, np.ascontiguousarray(samples, np.float32)))
    return Audio(stored(digest), digest)


@contextlib.contextmanager
def refusal_told() -> Iterator[None]:
    """Turn an OSError of the cache into one line for the performer."""
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise SoundError(
            f"sound: no room for decoded sounds: {why}; free some, or set LATENTLIVE_CACHE"
        ) from None


def file_of(digest: str) -> Path:
    """Return where a decoded sound lies, or is to lie.

    Raises
    ------
    OSError
        If there is no room for it.
    """
    return working_file(f"{digest}.npy", "audio")


def stored(digest: str) -> Samples:
    """Return the samples that `keep` stored under a digest, memory-mapped.

    Raises
    ------
    SoundError
        If the cache holds no such file, or a damaged one.
    """
    if not (len(digest) == 32 and set(digest) <= set("0123456789abcdef")):
        raise SoundError(f"sound: {digest!r} is no digest")
    try:
        path = file_of(digest)
        samples: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise SoundError(f"sound: the decoded sound {digest} is gone from the cache") from error
    if samples.dtype != np.float32 or samples.ndim != 1 or samples.size == 0:
        raise SoundError(f"sound: {path} is not a decoded sound; delete it")
    return samples


def recording(told: str) -> Audio:
    """Return the recording that `Audio.recording` told, from the cache.

    Raises
    ------
    SoundError
        As `stored`, or if its channels do not belong together.
    """
    mix, *sides = (Audio(stored(digest), digest) for digest in told.split(" "))
    if len(sides) not in (0, 2) or any(len(one.samples) != len(mix.samples) for one in sides):
        raise SoundError(f"sound: {told!r} is no recording")
    return replace(mix, sides=tuple(sides))


def is_whole(path: Path, digest: str) -> bool:
    """Return whether a decoded sound exists and its samples match its name."""
    try:
        state = path.stat()
        return _has_digest(path, digest, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    except OSError:
        return False


def say_if_damaged(path: Path) -> None:
    """Say once that a decoded sound is not what its name says."""
    if path.is_file():
        say_once(f"a decoded sound in the cache was damaged, and is made anew: {path}")


@lru_cache(maxsize=4096)
def _has_digest(path: Path, digest: str, size: int, *times: int) -> bool:
    found = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        file.seek(HEADER)
        while part := file.read(1 << 20):
            found.update(part)
    return found.hexdigest() == digest


class Decoded(NamedTuple):
    """What a decoded sound is stored under, and its peak."""

    digest: str
    peak: float


def store_blocks(blocks: Iterator[list[Samples]], beside: Path) -> list[Decoded]:
    """Store samples block by block in a folder, like `keep`, with one block in memory.

    Parameters
    ----------
    blocks : iterator of lists of arrays
        The mix, and two channels of a stereo recording.
    beside : Path
        A temporary file in the folder, renamed at the end, as are those beside it.

    Returns
    -------
    list of Decoded
        One for each; the mix alone where both channels are the same.
    """
    writers: list[_Writer] = []
    with contextlib.ExitStack() as stack:
        for block in blocks:
            if not writers:
                files = [stack.enter_context(p.open("xb")) for p in besides(beside)[: len(block)]]
                writers = [_Writer(file) for file in files]
            for writer, samples in zip(writers, block, strict=True):
                writer.write(samples)
        found = [writer.end() for writer in writers]
    if len(found) > 1 and found[1] == found[2]:
        found = found[:1]
    for path, one in zip(besides(beside), found, strict=False):
        os.replace(path, path.with_name(f"{one.digest}.npy"))
    return found


class _Writer:
    """Writes samples to a file as `numpy.save` does, and counts as it goes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest, self._count, self._peak = hashlib.blake2b(digest_size=16), 0, 0.0
        self._file.write(bytes(HEADER))

    def write(self, block: Samples) -> None:
        """Append samples."""
        samples = np.ascontiguousarray(block, "<f4")
        data = samples.tobytes()
        self._digest.update(data)
        self._file.write(data)
        self._count += len(block)
        self._peak = max(self._peak, float(np.abs(samples).max(initial=0.0)))

    def end(self) -> Decoded:
        """Write the header, and return what the file is."""
        if not self._count:  # so short that resampling leaves no samples
            self.write(np.zeros(1, np.float32))
        self._file.seek(0)
        head = {"descr": "<f4", "fortran_order": False, "shape": (self._count,)}
        np.lib.format.write_array_header_1_0(self._file, head)
        assert self._file.tell() == HEADER
        return Decoded(self._digest.hexdigest(), self._peak)
