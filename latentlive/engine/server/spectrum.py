"""The spectrum of what is heard, in a few bands, for what shows the engine."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SAMPLES = 2048
"""Samples of a spectrum, the last ones that were heard."""

BANDS = 24
LOWEST, HIGHEST = 40.0, 16_000.0
"""Hz of the lowest and the highest edge; each band is as many times wider than the one below."""

FLOOR_DB = -96


@lru_cache(maxsize=2)
def _window() -> NDArray[np.float32]:
    return np.hanning(SAMPLES).astype(np.float32)


@lru_cache(maxsize=4)
def _edges(rate: int) -> NDArray[np.int64]:
    """Return the first bin of each band, and the end of the last."""
    edges = np.geomspace(LOWEST, min(HIGHEST, 0.49 * rate), BANDS + 1) * (SAMPLES / rate)
    bins = np.rint(edges).astype(np.int64)
    for band in range(1, BANDS + 1):
        bins[band] = max(bins[band], bins[band - 1] + 1)
    return bins


def bands(heard: NDArray[np.float32], rate: int) -> list[int]:
    """Return the level of each band [dB, 0 is a full-scale sine].

    Parameters
    ----------
    heard : array [shape=(SAMPLES, channels)]
    rate : int [samples a second]

    Example
    -------
    >>> sine = np.sin(2 * np.pi * 1000 / 44100 * np.arange(SAMPLES)).astype(np.float32)
    >>> levels = bands(sine[:, None], 44100)
    >>> levels[12], levels.index(max(levels))
    (0, 12)
    """
    window = _window()
    spectrum = np.fft.rfft(heard.mean(axis=1) * window)
    power = np.square(np.abs(spectrum)) * (4.0 / (SAMPLES * np.square(window).sum()))
    edges = _edges(rate)
    summed = np.add.reduceat(power[: edges[-1]], edges[:-1])
    found: list[int] = np.rint(10.0 * np.log10(np.maximum(summed, 1e-10))).astype(int).tolist()
    return [max(level, FLOOR_DB) for level in found]
