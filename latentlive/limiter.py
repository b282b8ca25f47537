"""The limiter behind the master: keeps true peaks below -1 dBFS, passes lower levels untouched.

A look-ahead limiter on the mixer's grid, with finite memory: the gain at a grid point is the mean
of 16 running minima of the gains that steps allow, so it is down when a peak arrives and recovers
slowly. Every value depends on a fixed number of steps around it, never on block boundaries.

Fourfold oversampling estimates true peaks (ITU-R BS.1770-5, annex 2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentlive.mixer import GRID

F32 = NDArray[np.float32]

CEILING = np.float32(10.0 ** (-1.35 / 20.0))
"""A little below -1 dBFS, since fourfold oversampling sees most of a peak, not all."""

AHEAD = 16
"""Look-ahead, and duration of a gain change, in steps: 23 ms at 44.1 kHz."""

HOLD = 64
"""Steps for which the gain stays down after a peak: 93 ms."""

MEMORY = AHEAD + HOLD
"""Earlier steps on which a gain depends."""

REACH = 12
"""Samples on either side that an oversampled value needs."""


def _phases() -> F32:
    """Return the three filters between two samples [shape=(3, 24)]: a windowed sinc."""
    places = np.arange(-REACH + 1, REACH + 1)
    filters = []
    for part in (0.25, 0.5, 0.75):
        x = part - places
        filters.append(np.sinc(x) * np.cos(np.pi * x / (2 * REACH + 1)) ** 2)
    return np.array(filters, np.float32)


PHASES = _phases()
SAFE = CEILING / np.float32(np.abs(PHASES).sum(axis=1).max())
"""Below this sample value no oversampled one can reach the ceiling."""


def allowed(mixed: F32) -> F32:
    """Return the gain that each step's true peak allows, at most 1.

    Parameters
    ----------
    mixed : array [shape=(steps * 64 + 24, 2)]
        The mix with 12 more samples on either side.

    Returns
    -------
    array [shape=(steps,)]
    """
    inner = mixed[REACH:-REACH]
    steps = len(inner) // GRID
    peak = np.abs(inner).reshape(steps, -1).max(axis=1)
    if float(np.abs(mixed).max(initial=0.0)) > SAFE:
        over = between(mixed).max(axis=0).reshape(steps, -1).max(axis=1)
        peak = np.maximum(peak, over)
    allows: F32 = CEILING / np.maximum(peak, CEILING)
    return allows


def between(mixed: F32) -> F32:
    """Return the amplitudes between each sample and the next [shape=(3, n, channels)].

    Parameters
    ----------
    mixed : array [shape=(n + 24, channels)]
        The samples with 12 more on either side.
    """
    count = len(mixed) - 2 * REACH
    found = np.zeros((3, count, mixed.shape[1]), np.float32)
    for tap in range(2 * REACH):
        # Tap by tap: the same sum in the same order for every sample.
        found += PHASES[:, tap, None, None] * mixed[1 + tap : 1 + tap + count]
    return np.abs(found, out=found)


def gains(allows: F32) -> F32:
    """Return the limiter's gain at grid points.

    Parameters
    ----------
    allows : array [shape=(steps + MEMORY + AHEAD,)]
        Gains that steps allow, from MEMORY steps before the first to AHEAD steps after the last.

    Returns
    -------
    array [shape=(steps + 1,)]
        At the left edge of each step, and at the right edge of the last.
    """
    width = AHEAD + HOLD + 1
    least = np.lib.stride_tricks.sliding_window_view(allows, width).min(axis=1)
    points = len(allows) - MEMORY - AHEAD + 1
    total = np.zeros(points, np.float32)
    for lag in range(AHEAD):
        total += least[lag : lag + points]
    total /= np.float32(AHEAD)
    return total


def limited(mixed: F32, points: F32) -> F32:
    """Return the mix [shape=(steps * 64, 2)] under gains at grid points [shape=(steps + 1,)]."""
    if float(points.min()) == 1.0:
        return mixed
    rise = np.arange(GRID, dtype=np.float32) / np.float32(GRID)
    curve = points[:-1, None] + (points[1:, None] - points[:-1, None]) * rise
    return mixed * curve.reshape(-1, 1)
