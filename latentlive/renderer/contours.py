"""How a descriptor of a recording moves along it: values at even steps, kept on disk."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from latentlive.corpus import Audio
from latentlive.corpus.descriptors import (
    FRAME,
    HOP,
    STRETCH,
    centroid,
    flatness,
    roughness,
    spectra,
)
from latentlive.errors import ExpressionError
from latentlive.ground.files import cache_folder, write_whole
from latentlive.latent.contour import LONGEST
from latentlive.spectral import grid, pitch
from latentlive.units import Floats, Samples

KIND = 1
"""Which way of measuring a kept contour was made with."""

AT_ONCE = 256
"""Frames measured together."""

SILENT = 1e-7
"""The power below which a frame has no descriptor but its level."""

KEPT_FROM = 2.0
"""Seconds from which on a contour is kept on disk: shorter ones are measured as fast."""

FLOOR_DB = -120.0


def contour(audio: Audio, rate: int, descriptor: str, called: str) -> tuple[Floats, float]:
    """Return a descriptor along a recording [shape=(n,)], and how long it lasts [seconds].

    Value i stands for the middle of part i of n equal parts.

    Parameters
    ----------
    audio : Audio
    rate : int [samples a second]
    descriptor : str
        A key of `MEASURES`.
    called : str
        The recording's name in refusals.

    Raises
    ------
    ExpressionError
        ``contour: 'rain' has no pitch``
    """
    seconds = len(audio.samples) / rate
    if seconds > LONGEST:
        raise ExpressionError(
            f"contour: {called} lasts {seconds:.0f} seconds, {LONGEST:g} is the most"
        )
    path = _place(f"{KIND} {audio.digest} {rate} {descriptor}") if seconds > KEPT_FROM else None
    found = None if path is None else _kept(path)
    if found is None:
        found = _whole(_measured(np.asarray(audio.samples), rate, descriptor), descriptor, called)
        if path is not None:
            with contextlib.suppress(OSError):  # it is measured again next time
                write_whole(path, partial(np.save, arr=found))
    return found, seconds


def _place(text: str) -> Path | None:
    try:
        folder = cache_folder("contours")
    except OSError:
        return None
    return folder / f"{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}.npy"


def _kept(path: Path) -> Floats | None:
    """Return the values of a file; None if it is missing or damaged."""
    try:
        found: Floats = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    sound = found.dtype == np.float64 and found.ndim == 1 and np.isfinite(found).all()
    return found if sound and len(found) else None


def _measured(samples: Samples, rate: int, descriptor: str) -> Floats:
    """Return the descriptor of each frame [shape=(n,)], NaN where there is none."""
    size, measure = MEASURES[descriptor]
    count = max(-(-len(samples) // HOP), 1)
    padded = np.zeros(count * HOP + size, np.float64)
    first = (size - HOP) // 2  # a frame lies around the middle of its part
    padded[first : first + len(samples)] = samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::HOP][:count]
    parts = [measure(frames[start : start + AT_ONCE], rate) for start in range(0, count, AT_ONCE)]
    found = np.concatenate(parts)
    if descriptor == "pitch":
        path = pitch.track(found.astype(np.float32))
        hz: Floats = np.where(path >= 0, pitch.PITCHES[path] * (rate / grid.RATE), np.nan)
        return hz
    return found


def _whole(values: Floats, descriptor: str, called: str) -> Floats:
    """Return values without gaps: what is missing lasts as it was before."""
    there = np.isfinite(values)
    if not there.any():
        raise ExpressionError(f"contour: {called} has no {descriptor}")
    last = np.maximum.accumulate(np.where(there, np.arange(len(values)), -1))
    return values[np.where(last < 0, np.flatnonzero(there)[0], last)]


def _sounding(frames: Floats, values: Floats) -> Floats:
    return np.where(np.mean(frames**2, axis=1) > SILENT, values, np.nan)


def _centroid(frames: Floats, rate: int) -> Floats:
    power, hz = spectra(frames, rate)
    return _sounding(frames, 2.0 ** centroid(power[:, 0], hz))


def _flatness(frames: Floats, rate: int) -> Floats:
    power, hz = spectra(frames, rate)
    return _sounding(frames, flatness(power[:, 0], hz))


def _roughness(frames: Floats, rate: int) -> Floats:
    return _sounding(frames, roughness(frames, rate))


def _loudness(frames: Floats, rate: int) -> Floats:
    power = np.mean(frames**2, axis=1)
    level: Floats = np.maximum(10.0 * np.log10(np.maximum(power, 1e-30)), FLOOR_DB)
    return level


def _strengths(frames: Floats, rate: int) -> Floats:
    """Return how strong each pitch is [shape=(n, pitches)]; none is where it is silent."""
    window = np.hanning(grid.SIZE + 1)[:-1]
    power = (np.abs(np.fft.rfft(frames * window)) ** 2).astype(np.float32)
    loud = np.mean(frames**2, axis=1) > SILENT
    found: Floats = np.where(loud[:, None], pitch.strengths(power).astype(np.float64), 0.0)
    return found


MEASURES: dict[str, tuple[int, Callable[[Floats, int], Floats]]] = {
    "centroid": (FRAME, _centroid),
    "flatness": (FRAME, _flatness),
    "roughness": (STRETCH, _roughness),
    "loudness": (FRAME, _loudness),
    "pitch": (grid.SIZE, _strengths),
}
"""Samples of a frame, and what measures frames, by descriptor."""
