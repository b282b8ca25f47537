"""Audio files as mono float32 at the model's rate, decoded into the cache and memory-mapped.

The render workers map the decoded samples and import no audio library.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.decoder import DECODER
from latentlive.corpus.unended import streamed_wav
from latentlive.errors import SoundError
from latentlive.ground.files import say_once, working_file, working_folder, write_whole
from latentlive.units import Samples

MAX_SECONDS = 4 * 3600
PEAK_PART = 1 << 20
RATES = (1000, 768_000)
"""Range of plausible sample rates of a file: others mean a damaged header."""

UNKNOWN = 1 << 62
"""The length that the library reports if a file states none."""

HEADER = 128
"""Bytes before the samples of a decoded sound: NumPy's header for one axis."""


@dataclass(frozen=True, eq=False)
class Audio:
    """A decoded recording.

    Parameters
    ----------
    samples : array [shape=(n,), float32, n >= 1]
        Mono, at the requested rate; read-only.
    digest : str
        The digest of these samples, and of the level.
    level : float [> 0]
        The divisor of the samples when they are encoded.
    known_peak : float, optional
        The largest magnitude, if the decoder measured it.
    """

    samples: Samples
    digest: str
    level: float = 1.0
    known_peak: float | None = None

    @cached_property
    def peak(self) -> float:
        """The largest magnitude of its samples, measured part by part unless known."""
        if self.known_peak is not None:
            return self.known_peak
        parts = range(0, len(self.samples), PEAK_PART)
        return max(float(np.abs(self.samples[i : i + PEAK_PART]).max()) for i in parts)

    def lowered(self, level: float) -> Audio:
        """Return the same recording, to be encoded at another level."""
        if level == self.level:
            return self
        return Audio(self.samples, f"{self.digest} 1/{level:g}", level, self.known_peak)


def audio_digest(samples: Samples) -> str:
    """Return the digest of some samples."""
    data = np.ascontiguousarray(samples, np.float32)
    return hashlib.blake2b(data.tobytes(), digest_size=16).hexdigest()


def keep(samples: Samples) -> Audio:
    """Store samples in the cache under their digest and return them memory-mapped."""
    digest = audio_digest(samples)
    with _refusal_told():
        path = working_file(f"{digest}.npy", "audio")
        if not _whole(path, digest):
            _say_if_damaged(path)
            write_whole(path, lambda p: np.save(p, np.ascontiguousarray(samples, np.float32)))
    return Audio(stored(digest), digest)


@contextlib.contextmanager
def _refusal_told() -> Iterator[None]:
    """Turn an OSError of the cache into one line for the performer."""
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise SoundError(
            f"sound: no room for decoded sounds: {why}; free some, or set LATENTLIVE_CACHE"
        ) from None


def joined(parts: Sequence[Audio]) -> Audio:
    """Return several sounds one after another; reuse an earlier join of the same sounds."""
    if len(parts) == 1:
        return parts[0]
    mark = hashlib.blake2b(" ".join(p.digest for p in parts).encode(), digest_size=16).hexdigest()
    with _refusal_told():
        note = working_file(f"{mark}.txt", "audio")
    known = _noted(note)
    if known is None:
        known = keep(np.concatenate([part.samples for part in parts]))
        _take_note(note, known)
    return known


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
        path = working_file(f"{digest}.npy", "audio")
        samples: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise SoundError(f"sound: the decoded sound {digest} is gone from the cache") from error
    if samples.dtype != np.float32 or samples.ndim != 1 or samples.size == 0:
        raise SoundError(f"sound: {path} is not a decoded sound; delete it")
    return samples


def read_audio(path: Path, sample_rate: int) -> Audio:
    """Return a file's audio: channels averaged, resampled to `sample_rate`, finite, not empty.

    Raises
    ------
    SoundError
        If the file is missing, not audio, empty, too long, or holds NaN or infinity.
    """
    note = _note_of(path, sample_rate)
    known = _noted(note)
    if known is None:
        with _refusal_told():
            digest, peak = DECODER.decode(path, sample_rate, working_folder("audio"))
        known = Audio(stored(digest), digest, known_peak=peak)
        _take_note(note, known)
    return known


def remember(path: Path, sample_rate: int, samples: Samples) -> Audio:
    """Return the audio of a file whose samples are known, so that nobody has to decode it.

    Raises
    ------
    SoundError
        As `read_audio`.
    """
    known = keep(samples)
    _take_note(_note_of(path, sample_rate), known)
    return known


def _note_of(path: Path, sample_rate: int) -> Path:
    """Return the note of what an unchanged file holds at a rate, written or to be written."""
    try:
        state = path.stat()
    except OSError as error:
        raise SoundError(f"sound: cannot read {path}: {error.strerror}") from None
    # For an unchanged file, a small note beside the decoded samples names them. Programs can set
    # the modification time (mtime) back, but not the change time (ctime).
    when = f"{state.st_mtime_ns} {state.st_ctime_ns} {state.st_ino}"
    seen = f"{path.resolve()} {state.st_size} {when} {sample_rate}"
    mark = hashlib.blake2b(os.fsencode(seen), digest_size=16).hexdigest()
    with _refusal_told():
        return working_file(f"{mark}.txt", "audio")


def _named(path: Path) -> str | bytes:
    """Return a path for the library: as bytes if it is not valid text."""
    name = os.fspath(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return name


def _noted(note: Path) -> Audio | None:
    """Return the sound that a note names, or None if it is missing or damaged."""
    try:
        digest, *told = note.read_text().split(" ")
        path = working_file(f"{digest}.npy", "audio")
        # A file unchanged since it was written needs no check of all its samples.
        if told[1:] != _stamp(path) and not _whole(path, digest):
            _say_if_damaged(path)
            return None
        return Audio(stored(digest), digest, known_peak=float(told[0]) if told else None)
    except (OSError, ValueError, SoundError):
        return None


def _whole(path: Path, digest: str) -> bool:
    """Return whether a decoded sound exists and its samples match its name."""
    try:
        state = path.stat()
        return _has_digest(path, digest, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    except OSError:
        return False


def _say_if_damaged(path: Path) -> None:
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


def _take_note(note: Path, audio: Audio) -> None:
    with contextlib.suppress(OSError):  # without a note, the next run decodes it again
        told = [audio.digest]
        if audio.known_peak is not None:
            path = working_file(f"{audio.digest}.npy", "audio")
            told += [repr(audio.known_peak), *_stamp(path)]
        write_whole(note, lambda p: _write_text(p, " ".join(told)))


def _stamp(path: Path) -> list[str]:
    """Return numbers that change whenever a file changes."""
    state = path.stat()
    return [str(n) for n in (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)]


def _write_text(path: Path, text: str) -> None:
    path.write_text(text)


def streamed(
    path: Path, sample_rate: int, block: int = 1 << 18, quality: str = "HQ"
) -> Iterator[Samples]:
    """Yield a file's audio block by block, like `read_audio` but without caching.

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
            resampler = None
            if rate != sample_rate:
                resampler = soxr.ResampleStream(rate, sample_rate, 1, quality=quality)
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
                mono = np.ascontiguousarray(data.mean(axis=1), np.float32)
                yield mono if resampler is None else resampler.resample_chunk(mono)
            if resampler is not None:
                yield resampler.resample_chunk(np.empty(0, np.float32), last=True)
    except (soundfile.SoundFileError, OSError, MemoryError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise SoundError(f"sound: cannot read {path}: {why}") from None
    if not seen:
        raise SoundError(f"sound: {path} is empty")


def _check_regular(path: Path) -> None:
    """Refuse pipes and devices: reading a pipe without a writer would wait forever."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise SoundError(f"sound: {path} is no file with an end, but a pipe, a folder or a device")


def store_blocks(blocks: Iterator[Samples], beside: Path) -> tuple[str, float]:
    """Store samples block by block in a folder, like `keep`, with one block in memory.

    Parameters
    ----------
    blocks : iterator of arrays
    beside : Path
        A temporary file in the folder, renamed at the end.

    Returns
    -------
    str, float
        Their digest, which names the file, and their peak.
    """
    digest, count, peak = hashlib.blake2b(digest_size=16), 0, 0.0
    with beside.open("xb") as file:
        file.write(bytes(HEADER))
        for block in blocks:
            samples = np.ascontiguousarray(block, "<f4")
            data = samples.tobytes()
            digest.update(data)
            file.write(data)
            count += len(block)
            peak = max(peak, float(np.abs(samples).max(initial=0.0)))
        if not count:  # so short that resampling leaves no samples
            count = 1
            digest.update(bytes(4))
            file.write(bytes(4))
        file.seek(0)
        head = {"descr": "<f4", "fortran_order": False, "shape": (count,)}
        np.lib.format.write_array_header_1_0(file, head)
        assert file.tell() == HEADER
    known = digest.hexdigest()
    os.replace(beside, beside.with_name(f"{known}.npy"))
    return known, peak
