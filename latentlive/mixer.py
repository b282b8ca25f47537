"""Layers to one stereo block: the same pure function live, offline and in replay.

All runs on a grid of 64 samples of global position: gains are linear between grid points, and
voices add up in slot order. No sample depends on the device's block size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

GRID = 64
"""Samples between two gain points."""

_RISE = (np.arange(GRID, dtype=np.float32) / np.float32(GRID))[None, None, :]


def mix(audio: F32, gains: F32) -> F32:
    """Mix mono voices into stereo, step by step of the grid.

    Parameters
    ----------
    audio : array [shape=(voices, steps * 64)]
    gains : array [shape=(2, voices, steps + 1)]
        Left and right gain of each voice at each grid point.

    Returns
    -------
    array [shape=(steps * 64, 2)]

    Example
    -------
    >>> mix(np.ones((1, 64), np.float32), np.ones((2, 1, 2), np.float32)).shape
    (64, 2)
    """
    voices, samples = audio.shape
    out = np.zeros((samples, 2), np.float32)
    if not voices:
        return out
    steps = audio.reshape(voices, samples // GRID, GRID)
    voiced = np.empty_like(steps)
    for side in (0, 1):
        start, stop = gains[side, :, :-1, None], gains[side, :, 1:, None]
        moving = np.flatnonzero((start != stop).any(axis=(1, 2)))
        if len(moving) < voices:
            # A voice with a constant gain needs no ramp: start + 0 * rise is start.
            np.multiply(steps, start, out=voiced)
        if len(moving):
            chosen = moving if len(moving) < voices else slice(None)
            ramp = (stop[chosen] - start[chosen]) * _RISE
            ramp += start[chosen]
            voiced[chosen] = np.multiply(ramp, steps[chosen], out=ramp)
        # Reducing the first axis adds voice after voice for any number of samples.
        out[:, side] = np.add.reduce(voiced, axis=0).reshape(-1)
    return out


def grid_floor(sample: int) -> int:
    """Return the last grid position at or before a sample."""
    return sample // GRID * GRID


def grid_ceil(sample: int) -> int:
    """Return the first grid position at or after a sample."""
    return -(-sample // GRID) * GRID
