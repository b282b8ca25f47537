"""Audio files as streams of blocks at the model's rate: nothing is cached, no file held whole."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from latentlive.corpus.audio import mixed
from latentlive.corpus.unended import streamed_wav
from latentlive.errors import SoundError
from latentlive.units import Samples

MAX_SECONDS = 4 * 3600
RATES = (1000, 768_000)
"""Range of plausible sample rates of a file: others mean a damaged header."""

UNKNOWN = 1 << 62
"""The length that the library reports if a file states none."""


def streamed(
    path: Path, sample_rate: int, block: int = 1 << 18, quality: str = "HQ"
) -> Iterator[Samples]:
    """Yield a file's audio block by block, channels mixed to one, without caching.

    Parameters
    ----------
    path : Path
    sample_rate : int [samples per second]
    block : int [samples of the file, all channels together]
    quality : str
        Of the resampler.

    Raises
    ------
    SoundError
        As `read_audio`.
    """
    for mix, *_ in streamed_channels(path, sample_rate, block, quality, apart=False):
        yield mix


def streamed_channels(
    path: Path, sample_rate: int, block: int = 1 << 18, quality: str = "HQ", apart: bool = True
) -> Iterator[list[Samples]]:
    """Yield a file's audio block by block: the mix, and two channels if it has two.

    Parameters
    ----------
    path, sample_rate, block, quality
        As for `streamed`.
    apart : bool
        Whether the two channels are wanted.

    Raises
    ------
    SoundError
        As `read_audio`.
    """
    import soundfile
    import soxr

    seen = 0
    try:
        _check_regular(path)
        path.open("rb").close()  # gives better reasons than the library
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(soundfile.SoundFile(_named(path)))
            if not file.frames and (unended := stack.enter_context(streamed_wav(path))):
                file = stack.enter_context(soundfile.SoundFile(unended))
            # Otherwise the library seeks after each block, and fails if the length is unknown.
            file.seekable = lambda: False
            rate = file.samplerate
            low, high = RATES
            if not low <= rate <= high:
                raise SoundError(f"sound: {path} has {rate} samples a second, not {low} to {high}")
            apart = apart and file.channels == 2
            resamplers = []
            if rate != sample_rate:  # one for each, so that the mix has the bits it has alone
                resamplers = [
                    soxr.ResampleStream(rate, sample_rate, 1, quality=quality)
                    for _ in range(3 if apart else 1)
                ]
            size = max(block // file.channels, 1)
            # A length that was never written counts as endless: count the samples read instead.
            if MAX_SECONDS * rate < file.frames < UNKNOWN:
                raise SoundError(f"sound: {path} is longer than {MAX_SECONDS // 3600} hours")
            while len(data := file.read(size, dtype="float32", always_2d=True)):
                if not np.isfinite(data).all():
                    raise SoundError(f"sound: {path} holds NaN or infinity")
                seen += len(data)
                if seen > MAX_SECONDS * rate:
                    raise SoundError(f"sound: {path} is longer than {MAX_SECONDS // 3600} hours")
                parts = [mixed(data)]
                if apart:
                    parts += [np.ascontiguousarray(channel) for channel in data.T]
                if resamplers:
                    both = zip(resamplers, parts, strict=True)
                    parts = [resampler.resample_chunk(part) for resampler, part in both]
                yield parts
            if resamplers:
                nothing = np.empty(0, np.float32)
                yield [one.resample_chunk(nothing, last=True) for one in resamplers]
    except (soundfile.SoundFileError, OSError, MemoryError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise SoundError(f"sound: cannot read {path}: {why}") from None
    if not seen:
        raise SoundError(f"sound: {path} is empty")


def _check_regular(path: Path) -> None:
    """Refuse pipes and devices: reading a pipe without a writer would wait forever."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise SoundError(f"sound: {path} is no file with an end, but a pipe, a folder or a device")


def _named(path: Path) -> str | bytes:
    """Return a path for the library: as bytes if it is not valid text."""
    name = os.fspath(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return name
