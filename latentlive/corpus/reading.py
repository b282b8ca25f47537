"""Audio files as float32 at the model's rate, decoded into the cache and memory-mapped.

Of a file with two channels the cache holds three sounds: left, right, and the mix of both, by which
it is mapped, measured and cut. The render workers map the decoded samples and import no audio
library.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.decoder import DECODER, besides
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

NOTES = "with channels"
"""Which notes count: those of before there were channels name the mix alone."""

HEADER = 128
"""Bytes before the samples of a decoded sound: NumPy's header for one axis."""


@dataclass(frozen=True, eq=False)
class Audio:
    """A decoded recording.

    Parameters
    ----------
    samples : array [shape=(n,), float32, n >= 1]
        At the requested rate, channels mixed to one; read-only.
    digest : str
        The digest of these samples, and of the level.
    level : float [> 0]
        The divisor of the samples when they are encoded.
    known_peak : float, optional
        The largest magnitude, if the decoder measured it.
    sides : tuple of Audio
        Left and right of a stereo recording, each as long as the mix; empty for a mono one.
    """

    samples: Samples
    digest: str
    level: float = 1.0
    known_peak: float | None = None
    sides: tuple[Audio, ...] = ()

    @property
    def channels(self) -> int:
        """1, or 2 of a stereo recording."""
        return 2 if self.sides else 1

    @property
    def recording(self) -> str:
        """What `recording` finds it by: its digest, with those of its sides where it has two."""
        return " ".join(one.digest for one in (self, *self.sides))

    @property
    def loudest(self) -> float:
        """The largest magnitude of all channels."""
        return max(one.peak for one in (self, *self.sides))

    def side(self, channel: int | None) -> Audio:
        """Return a channel, 0 left or 1 right, or with None the mix; a mono one has no others."""
        return self if channel is None or not self.sides else self.sides[channel]

    def part(self, first: int, count: int) -> Audio:
        """Return a stretch of it, not stored."""
        samples, told = self.samples[first : first + count], f"{self.digest} {first} {count}"
        return Audio(samples, told, sides=tuple(one.part(first, count) for one in self.sides))

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
        sides = tuple(side.lowered(level) for side in self.sides)
        return replace(self, digest=f"{self.digest} 1/{level:g}", level=level, sides=sides)


def audio_digest(samples: Samples) -> str:
    """Return the digest of some samples."""
    data = np.ascontiguousarray(samples, np.float32)
    return hashlib.blake2b(data.tobytes(), digest_size=16).hexdigest()


def audio_of(samples: Samples) -> Audio:
    """Return the recording of some samples [shape=(n,) or (n, 2)], not stored.

    Two channels that are the same are one.
    """
    if samples.ndim == 1:
        return Audio(samples, audio_digest(samples))
    left, right = (np.ascontiguousarray(side) for side in samples.T)
    if np.array_equal(left, right):
        return audio_of(left)
    mix = _mixed(samples)
    return Audio(mix, audio_digest(mix), sides=(audio_of(left), audio_of(right)))


def _mixed(samples: Samples) -> Samples:
    """Return the mean of all channels [shape=(n,)]."""
    return np.ascontiguousarray(samples.mean(axis=1), np.float32)


def keep(audio: Audio) -> Audio:
    """Store a recording in the cache under its digests and return it memory-mapped."""
    return replace(_kept(audio.samples), sides=tuple(_kept(side.samples) for side in audio.sides))


def _kept(samples: Samples) -> Audio:
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
    told = " ".join(part.recording for part in parts)
    mark = hashlib.blake2b(told.encode(), digest_size=16).hexdigest()
    with _refusal_told():
        note = working_file(f"{mark}.txt", "audio")
    known = _noted(note)
    if known is None:
        sides = range(2 if any(part.sides for part in parts) else 0)
        found = [np.concatenate([part.side(i).samples for part in parts]) for i in (None, *sides)]
        mix, *others = (Audio(samples, "") for samples in found)
        known = keep(replace(mix, sides=tuple(others)))
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


def read_audio(path: Path, sample_rate: int) -> Audio:
    """Return a file's audio, resampled to `sample_rate`, finite, not empty.

    Two channels that differ are kept; of more than two there is only the mix.

    Raises
    ------
    SoundError
        If the file is missing, not audio, empty, too long, or holds NaN or infinity.
    """
    note = _note_of(path, sample_rate)
    known = _noted(note)
    if known is None:
        with _refusal_told():
            decoded = DECODER.decode(path, sample_rate, working_folder("audio"))
        mix, *sides = (Audio(stored(digest), digest, 1.0, peak) for digest, peak in decoded)
        known = replace(mix, sides=tuple(sides))
        _take_note(note, known)
    return known


def remember(path: Path, sample_rate: int, samples: Samples) -> Audio:
    """Return the audio of a file whose samples are known, so that nobody has to decode it.

    Raises
    ------
    SoundError
        As `read_audio`.
    """
    known = keep(audio_of(samples))
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
    seen = f"{path.resolve()} {state.st_size} {when} {sample_rate} {NOTES}"
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
        mix, *sides = (_named_in(line) for line in note.read_text().splitlines())
    except (OSError, ValueError, SoundError):
        return None
    return replace(mix, sides=tuple(sides))


def _named_in(line: str) -> Audio:
    """Return the sound that a line of a note names.

    Raises
    ------
    OSError, ValueError, SoundError
        If it is missing or damaged.
    """
    digest, *told = line.split(" ")
    path = working_file(f"{digest}.npy", "audio")
    # A file unchanged since it was written needs no check of all its samples.
    if told[1:] != _stamp(path) and not _whole(path, digest):
        _say_if_damaged(path)
        raise SoundError(f"sound: {path} is damaged")
    return Audio(stored(digest), digest, known_peak=float(told[0]) if told else None)


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
        told = "\n".join(_line_of(one) for one in (audio, *audio.sides))
        write_whole(note, lambda p: _write_text(p, told))


def _line_of(audio: Audio) -> str:
    if audio.known_peak is None:
        return audio.digest
    path = working_file(f"{audio.digest}.npy", "audio")
    return " ".join([audio.digest, repr(audio.known_peak), *_stamp(path)])


def _stamp(path: Path) -> list[str]:
    """Return numbers that change whenever a file changes."""
    state = path.stat()
    return [str(n) for n in (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)]


def _write_text(path: Path, text: str) -> None:
    path.write_text(text)


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
                parts = [_mixed(data)]
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
