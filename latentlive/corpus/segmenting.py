"""Where a recording falls into parts: at its onsets, or where its sound changes.

It reads a recording block by block, so an hour needs little memory. It runs in a process of its
own, started as ``python -m latentlive.corpus.segmenting DIGEST RATE BY SHORTEST``; the parts of a
sound are kept in the cache under its digest.

Sources: Böck and Widmer, Maximum filter vibrato suppression for onset detection (DAFx 2013), as in
librosa; Foote, Automatic audio segmentation using a measure of audio novelty (ICME 2000).
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from latentlive.corpus.audio import Audio
from latentlive.corpus.store import keep, stored
from latentlive.errors import SoundError
from latentlive.ground.extras import lacking
from latentlive.ground.files import working_file, write_whole
from latentlive.ground.launch import command
from latentlive.units import Floats, Samples

By = Literal["onsets", "novelty"]

VERSION = 1
"""Raise it when boundaries change, to find those of kept sounds anew."""

FRAME, HOP = 2048, 512
BANDS = 80
FRAMES_AT_ONCE = 2048

QUIET = 1e-7
"""The least power that counts: 70 dB below the loudest sample."""

HEARD = 1e-3
"""The part of the loudest sample below which a lead-in counts as silence."""

LAG, WIDTH = 2, 3
"""Frames back, and bands around, with which a frame is compared."""

RISE = 1.5
"""An onset is louder by so many dB, in the mean of all bands, than what is usual around it."""

NEAR, USUAL = 0.03, 0.1
"""Seconds around an onset in which no stronger one lies, and in which the usual is measured."""

STEP = 64
"""Samples from one place that is tried for an onset to the next."""

BESIDE = 512
"""Samples before and after it that tell where an attack begins."""

MFCCS = 13
KERNEL = 2.0
"""Seconds before and after a moment that novelty compares."""

GATHERED = 8
"""Frames averaged for novelty: 93 ms."""

NEW = 0.03
"""How much more novel a change is than what is usual around it, from 0 to 1."""

PATIENCE = 900.0


def boundaries(samples: Samples, rate: int, by: By = "onsets", shortest: float = 0.1) -> Floats:
    """Return where the parts of a recording begin, and where the last one ends.

    Parameters
    ----------
    samples : array [shape=(n,), float32, n >= 1]
        Mono; may be memory-mapped.
    rate : int [samples per second]
    by : 'onsets' or 'novelty'
        Where notes and strokes begin, or where a texture turns into another.
    shortest : float [seconds, > 0]
        No part is shorter, unless the recording is.

    Returns
    -------
    array [shape=(parts + 1,), seconds]
        Rising. Silence before the first onset belongs to no part.

    Example
    -------
    >>> clicks = np.zeros(44100, np.float32)
    >>> clicks[[4410, 22050]] = 1.0
    >>> boundaries(clicks, 44100).round(1)
    array([0.1, 0.5, 1. ])
    """
    end = len(samples) / rate
    peak = _peak(samples)
    if peak == 0.0 or len(samples) < FRAME:
        return np.array([0.0, end])
    if by == "novelty":
        found = _changes(samples, rate, peak, shortest)
    else:
        found = _onsets(samples, rate, peak, shortest)
    first = _loud(samples[: int(found[0] * rate)] if len(found) else samples, peak)
    starts = np.concatenate([[0.0], found]) if first or not len(found) else found
    kept = [float(starts[0])]
    for start in starts[1:]:
        if start - kept[-1] >= shortest and end - start >= shortest:
            kept.append(float(start))
    return np.array([*kept, end])


def _peak(samples: Samples) -> float:
    return max(float(np.abs(part).max()) for part in _blocks(samples))


def _blocks(samples: Samples, size: int = 1 << 20) -> Iterator[Samples]:
    for first in range(0, len(samples), size):
        yield samples[first : first + size]


def _loud(samples: Samples, peak: float) -> bool:
    """Return whether anything is heard in some samples."""
    return any(float(np.abs(part).max()) > peak * HEARD for part in _blocks(samples))


@lru_cache(maxsize=2)
def _bank(rate: int) -> tuple[Samples, Samples]:
    """Return the window, and the mel filters [shape=(bins, bands)]."""
    import librosa

    window = np.hanning(FRAME + 1)[:-1].astype(np.float32)
    mel = librosa.filters.mel(sr=rate, n_fft=FRAME, n_mels=BANDS, norm=None).T
    return window / (window.sum() / 2), np.ascontiguousarray(mel, np.float32)


def _spectra(samples: Samples, rate: int, peak: float) -> Iterator[Samples]:
    """Yield mel spectra in dB [shape=(frames, BANDS)], block by block; frames are centred."""
    window, mel = _bank(rate)
    frames = 1 + len(samples) // HOP
    for first in range(0, frames, FRAMES_AT_ONCE):
        count = min(FRAMES_AT_ONCE, frames - first)
        start = first * HOP - FRAME // 2
        stop = start + (count - 1) * HOP + FRAME
        part = np.zeros(stop - start, np.float32)
        inside = slice(max(start, 0), min(stop, len(samples)))
        part[inside.start - start : inside.stop - start] = samples[inside]
        cut = np.lib.stride_tricks.sliding_window_view(part / np.float32(peak), FRAME)[::HOP]
        power = np.abs(np.fft.rfft(cut * window, axis=1)).astype(np.float32) ** 2
        yield np.float32(10.0) * np.log10(np.maximum(power @ mel, np.float32(QUIET)))


def _onsets(samples: Samples, rate: int, peak: float, shortest: float) -> Floats:
    import librosa

    strengths, before = [], None
    for spectra in _spectra(samples, rate, peak):
        if before is None:  # all is quiet before the first sample
            before = np.full((LAG, BANDS), 10.0 * np.log10(QUIET), np.float32)
        joined = np.concatenate([before, spectra])
        rises = librosa.onset.onset_strength(
            S=joined.T, sr=rate, hop_length=HOP, lag=LAG, max_size=WIDTH, center=False
        )
        strengths.append(rises[LAG:].astype(np.float32))
        before = joined[-LAG:]
    second = rate / HOP
    found = _peaks(
        np.concatenate(strengths), NEAR * second, USUAL * second, RISE, shortest * second
    )
    return np.array([_placed(samples, frame * HOP) / rate for frame in found])


def _peaks(values: Samples, near: float, usual: float, more: float, apart: float) -> list[int]:
    """Return the places of peaks that rise by `more` above what is usual around them.

    Parameters
    ----------
    values : array [shape=(n,)]
    near, usual : float
        Values around a peak among which it is the largest, and whose mean is the usual.
    apart : float
        Of two peaks that lie closer the larger one is kept.
    """
    import librosa

    close, wide = max(round(near), 1), max(round(usual), 1)
    found = librosa.util.peak_pick(
        values, pre_max=close, post_max=close, pre_avg=wide, post_avg=wide, delta=more, wait=1
    )
    kept = np.zeros(len(values), np.bool_)
    reach = max(int(np.ceil(apart)) - 1, 0)
    for place in sorted(found, key=lambda at: (-values[at], at)):
        if not kept[max(place - reach, 0) : place + reach + 1].any():
            kept[place] = True
    return [int(place) for place in np.flatnonzero(kept)]


def _placed(samples: Samples, near: int) -> int:
    """Return the sample at which the attack around a frame begins: energy rises most there."""
    start = near - FRAME - BESIDE
    part = np.zeros(2 * (FRAME + BESIDE), np.float32)
    inside = slice(max(start, 0), min(start + len(part), len(samples)))
    part[inside.start - start : inside.stop - start] = samples[inside]
    energy = np.concatenate([[0.0], np.cumsum(part.astype(np.float64) ** 2)])[::STEP]
    beside = BESIDE // STEP
    before = energy[beside:-beside] - energy[: -2 * beside]
    after = energy[2 * beside :] - energy[beside:-beside]
    least = QUIET * BESIDE * float(np.abs(part).max()) ** 2
    rise = int(np.argmax((after + least) / (before + least)))
    first = start + BESIDE + rise * STEP
    # From there on the first sample that is louder than all before it.
    quiet = float(np.abs(part[first - start - BESIDE : first - start]).max())
    loud = np.abs(part[first - start : first - start + STEP]) > quiet
    return min(max(first + int(np.argmax(loud)), 0), len(samples) - 1)


def _changes(samples: Samples, rate: int, peak: float, shortest: float) -> Floats:
    import librosa

    gathered, left = [], np.empty((0, BANDS), np.float32)
    for spectra in _spectra(samples, rate, peak):
        rows = np.concatenate([left, spectra])
        whole = len(rows) // GATHERED * GATHERED
        gathered.append(rows[:whole].reshape(-1, GATHERED, BANDS).mean(axis=1))
        left = rows[whole:]
    timbre = librosa.feature.mfcc(S=np.concatenate(gathered).T, n_mfcc=MFCCS).T
    second = rate / (GATHERED * HOP)
    half = max(round(KERNEL * second), 2)
    found = _peaks(_novelty(timbre, half), half / 2, half, NEW, shortest * second)
    inside = range(half + 1, len(timbre) - half - 1)  # beyond, what is compared has no other half
    return np.array([place / second for place in found if place in inside])


def _novelty(features: Any, half: int) -> Samples:
    """Return how new each moment is [shape=(n,), 0 to 1]: Foote's checkerboard on similarity.

    Parameters
    ----------
    features : array [shape=(n, any)]
    half : int
        Moments compared before and after each.
    """
    spread = features.std(axis=0)
    normal = (features - features.mean(axis=0)) / np.where(spread > 1e-6, spread, 1.0)
    at = (np.arange(2 * half) - half + 0.5) / half
    taper = np.exp(-2.0 * at**2)
    kernel = np.outer(taper * np.sign(at), taper * np.sign(at))
    kernel /= np.abs(kernel).sum()
    novel = np.zeros(len(normal), np.float32)
    scale = 2.0 * features.shape[1]  # twice the mean distance of two moments
    for moment in range(half, len(normal) - half):
        near = normal[moment - half : moment + half]
        squares = np.sum(near * near, axis=1)
        apart = squares[:, None] + squares - 2.0 * near @ near.T
        novel[moment] = np.sum(kernel * np.exp(-apart / scale))
    return np.maximum(novel, 0.0)


def segmented(audio: Audio, rate: int, by: By = "onsets", shortest: float = 0.1) -> Floats:
    """Return the `boundaries` of a decoded sound of the cache, found once, in another process.

    Raises
    ------
    SoundError
        If they cannot be found.
    """
    try:
        stored(audio.digest)
    except SoundError:  # an array that was typed
        audio = keep(audio)
    name = f"{audio.digest}-{rate}-{by}-{shortest:g}-{VERSION}.json"
    try:
        path = working_file(name, "segments")
    except OSError as error:
        raise SoundError(f"segments: the cache takes no files: {error.strerror}") from None
    known = _read(path)
    if known is not None:
        return known
    if line := lacking("segments", "corpus", "librosa"):
        raise SoundError(line)
    asked = audio.digest, str(rate), by, repr(float(shortest))
    heard = command("latentlive.corpus.segmenting", *asked)
    try:
        told = subprocess.run(heard, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise SoundError(f"segments: the sound took over {PATIENCE:g} s") from None
    if told.returncode:
        lines = told.stderr.strip().splitlines() or ["no reason given"]
        raise SoundError(f"segments: the sound cannot be read: {lines[-1]}")
    with contextlib.suppress(OSError):  # found anew next time
        write_whole(path, lambda beside: beside.write_text(told.stdout))
    return np.array(json.loads(told.stdout))


def _read(path: Path) -> Floats | None:
    """Return kept boundaries, None if there are none or they are damaged."""
    try:
        found = np.array(json.loads(path.read_text()), np.float64)
    except (OSError, ValueError, TypeError):
        return None
    sound = found.ndim == 1 and len(found) > 1 and np.isfinite(found).all()
    return found if sound and found[0] >= 0.0 and (np.diff(found) > 0.0).all() else None


def main(digest: str, rate: int, by: By, shortest: float) -> None:
    """Print the boundaries of a decoded sound of the cache as JSON."""
    print(json.dumps(boundaries(stored(digest), rate, by, shortest).tolist()))


if __name__ == "__main__":
    digest, rate, by, shortest = sys.argv[1:]
    main(digest, int(rate), cast("By", by), float(shortest))
