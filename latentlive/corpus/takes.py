"""Audio files that stay readable while they grow, even if the writer is killed."""

from __future__ import annotations

import errno
import shutil
import struct
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import EngineError

F32 = NDArray[np.float32]


class Take(Protocol):
    """A file that grows."""

    path: Path
    frames: int

    def write(self, samples: F32) -> None:
        """Append samples [shape=(n, channels)]; OSError if they cannot be written."""

    def settle(self) -> None:
        """Let readers see all samples written so far."""

    def close(self) -> None:
        """End the file."""


class Wav:
    """A WAV file of 32-bit floats; beyond 4 GB it becomes RF64.

    It reserves room for 64-bit sizes from the start (EBU Tech 3306, "on-the-fly conversion").

    Parameters
    ----------
    path : Path
    rate : int [samples per second]
    channels : int

    Raises
    ------
    OSError
        If it cannot be written.
    """

    def __init__(self, path: Path, rate: int, channels: int) -> None:
        self.path, self.frames, self._rate, self._channels = path, 0, rate, channels
        self._file: BinaryIO = path.open("wb", buffering=0)
        self._start = self._file.write(self._header(0))

    def write(self, samples: F32) -> None:
        """Append samples [shape=(n, channels)]; OSError if they cannot be written."""
        data = np.ascontiguousarray(samples, "<f4").tobytes()
        width = 4 * self._channels
        done = 0
        try:
            while done < len(data):
                done += self._file.write(data[done:])
        finally:
            self.frames += done // width
            if done % width:
                self._file.truncate(self._start + self.frames * width)

    def settle(self) -> None:
        """Let readers see all samples written so far."""
        self._file.seek(0)
        self._file.write(self._header(self.frames))
        self._file.seek(0, 2)

    def close(self) -> None:
        """End the file."""
        self.settle()
        self._file.close()

    def _header(self, frames: int) -> bytes:
        channels, width = self._channels, 4 * self._channels
        # 3: IEEE float. More than two channels need the extensible form, which repeats the code.
        plain = struct.pack("<HIIHH", channels, self._rate, self._rate * width, width, 32)
        if channels > 2:
            float_id = b"\x03\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
            form = struct.pack("<H", 0xFFFE) + plain + struct.pack("<HHI", 22, 32, 0) + float_id
        else:
            form = struct.pack("<H", 3) + plain + struct.pack("<H", 0)
        data = frames * width
        whole = 4 + 36 + 8 + len(form) + 12 + 8 + data
        if whole < 2**32 - 8:
            start = (
                b"RIFF" + struct.pack("<I", whole) + b"WAVE" + b"JUNK" + struct.pack("<I28x", 28)
            )
            sizes = frames, data
        else:
            long = struct.pack("<IQQQI", 28, whole, data, frames, 0)
            start = b"RF64" + struct.pack("<I", 2**32 - 1) + b"WAVE" + b"ds64" + long
            sizes = 2**32 - 1, 2**32 - 1
        middle = b"fmt " + struct.pack("<I", len(form)) + form
        return start + middle + struct.pack("<4sII4sI", b"fact", 4, sizes[0], b"data", sizes[1])


class Flac:
    """A FLAC file of 24 bits.

    Its encoder writes the length only at the end, and readers refuse a file without one:
    `settle` writes the length of the whole blocks in the file so far.

    Parameters
    ----------
    path : Path
    rate : int [samples per second]
    channels : int

    Raises
    ------
    OSError
        If it cannot be written.
    """

    def __init__(self, path: Path, rate: int, channels: int) -> None:
        import soundfile

        self.path, self.frames = path, 0
        self._error = soundfile.SoundFileError
        try:
            self._sound = soundfile.SoundFile(path, "w", rate, channels, "PCM_24", format="FLAC")
        except soundfile.SoundFileError as error:
            raise OSError(str(error)) from None
        self._file = path.open("r+b", buffering=0)

    def write(self, samples: F32) -> None:
        """Append samples [shape=(n, channels)]; OSError if they cannot be written."""
        try:
            self._sound.write(samples)
        except (self._error, AssertionError) as error:
            # The encoder reports a failure without its reason.
            full = shutil.disk_usage(self.path.parent).free < samples.nbytes + 4096
            raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from None
        self.frames += len(samples)

    def settle(self) -> None:
        """Let readers see all samples written so far."""
        # Bytes 8 and 9: the block size; 18 to 25: rate, channels, bits, and 36 bits of length.
        self._file.seek(8)
        block = int.from_bytes(self._file.read(2), "big")
        if not block:
            return
        self._file.seek(18)
        known = int.from_bytes(self._file.read(8), "big")
        whole = max(self.frames - 1, 0) // block * block
        self._file.seek(18)
        self._file.write((known >> 36 << 36 | whole).to_bytes(8, "big"))

    def close(self) -> None:
        """End the file."""
        self._file.close()
        try:
            self._sound.close()
        except self._error as error:
            raise OSError(str(error)) from None


FLAC_CHANNELS = 8


def check_kind(word: str, path: Path, channels: int) -> None:
    """Refuse a file that cannot hold a recording or a bounce.

    Raises
    ------
    EngineError
        For another ending than ``.wav`` and ``.flac``, or too many channels.
    """
    kind = path.suffix.lower()
    if kind not in (".wav", ".flac"):
        raise EngineError(f"{word}: the file must end in .wav or .flac, got {path.name!r}")
    if kind == ".flac" and channels > FLAC_CHANNELS:
        raise EngineError(
            f"{word}: FLAC holds at most {FLAC_CHANNELS} channels, got {channels}; write a .wav"
        )


def open_take(path: Path, rate: int, channels: int, word: str = "record") -> Take:
    """Open a file by its ending: ``.wav`` (32-bit float) or ``.flac`` (24-bit).

    Raises
    ------
    EngineError
        For another ending, too many channels, or a file that cannot be written.
    """
    check_kind(word, path, channels)
    try:
        return (Wav if path.suffix.lower() == ".wav" else Flac)(path, rate, channels)
    except OSError as error:
        raise EngineError(f"{word}: cannot write {path}: {error.strerror or error}") from None
