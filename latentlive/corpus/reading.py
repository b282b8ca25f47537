"""Audio files as mono float32 at the model's rate, kept decoded and memory-mapped in the cache.

The render workers map what was decoded here and import no audio library.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.cache import cache_folder, write_whole
from latentlive.errors import SoundError
from latentlive.units import Samples

MAX_SECONDS = 4 * 3600


@dataclass(frozen=True, eq=False)
class Audio:
    """A decoded recording.

    Parameters
    ----------
    samples : array [shape=(n,), float32, n >= 1]
        Mono, at the rate asked for; read-only.
    digest : str
        The digest of these samples.
    """

    samples: Samples
    digest: str


def audio_digest(samples: Samples) -> str:
    """Return the digest of some samples."""
    data = np.ascontiguousarray(samples, np.float32)
    return hashlib.blake2b(data.tobytes(), digest_size=16).hexdigest()


def keep(samples: Samples) -> Audio:
    """Store samples in the cache under their digest and return them memory-mapped."""
    digest = audio_digest(samples)
    path = cache_folder("audio") / f"{digest}.npy"
    if not path.exists():
        write_whole(path, lambda p: np.save(p, np.ascontiguousarray(samples, np.float32)))
    return Audio(stored(digest), digest)


def stored(digest: str) -> Samples:
    """Return the samples that `keep` stored under a digest, memory-mapped.

    Raises
    ------
    SoundError
        If the cache holds none, or a broken one.
    """
    if not (len(digest) == 32 and set(digest) <= set("0123456789abcdef")):
        raise SoundError(f"sound: {digest!r} is no digest")
    path = cache_folder("audio") / f"{digest}.npy"
    try:
        samples: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise SoundError(f"sound: the decoded sound {digest} is gone from {path}") from error
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
    try:
        state = path.stat()
    except OSError as error:
        raise SoundError(f"sound: cannot read {path}: {error.strerror}") from None
    # A file that has not changed was decoded before: a small note beside the samples says where.
    seen = f"{path.resolve()} {state.st_size} {state.st_mtime_ns} {sample_rate}"
    note = (
        cache_folder("audio") / f"{hashlib.blake2b(seen.encode(), digest_size=16).hexdigest()}.txt"
    )
    if note.exists():
        digest = note.read_text()
        try:
            return Audio(stored(digest), digest)
        except SoundError:
            note.unlink(missing_ok=True)
    audio = keep(_decode(path, sample_rate))
    write_whole(note, lambda p: _write_text(p, audio.digest))
    return audio


def _write_text(path: Path, text: str) -> None:
    path.write_text(text)


def _decode(path: Path, sample_rate: int) -> Samples:
    import soundfile
    import soxr

    try:
        with soundfile.SoundFile(path) as file:
            if file.frames > MAX_SECONDS * file.samplerate:
                raise SoundError(f"sound: {path} is longer than {MAX_SECONDS // 3600} hours")
            data = file.read(dtype="float32", always_2d=True)
            rate = file.samplerate
    except (soundfile.SoundFileError, OSError, MemoryError) as error:
        raise SoundError(f"sound: cannot read {path}: {error}") from None
    if not len(data):
        raise SoundError(f"sound: {path} is empty")
    if not np.isfinite(data).all():
        raise SoundError(f"sound: {path} holds NaN or infinity")
    mono = np.ascontiguousarray(data.mean(axis=1), np.float32)
    if rate != sample_rate:
        mono = soxr.resample(mono, rate, sample_rate, quality="VHQ").astype(np.float32)
    return mono if len(mono) else np.zeros(1, np.float32)
