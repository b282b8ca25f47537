"""Phases of partials: without memory beyond a block, and continuous all the same.

At the first frame of each block, a partial of frequency f has the phase that `anchored` says, a
function of frequency and position alone. Inside the block it follows its frequency, frame by
frame, from the nearest partial before it. That will not lead to what `anchored` says at the next
block's first frame: by at most half a cycle, which is spread over the block, a detuning of at most
1.3 Hz. A partial that stands still needs less: its anchors advance nearly as it does.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from latentlive.spectral.grid import BLOCK, F32, F64, HOP, RATE, Ints

NEAR = 65.0
"""Hz: a partial goes on from one that was at most so far away."""

FINE = 8
"""Frequencies are told apart by this part of a cycle a block when phases are anchored."""

CYCLES = HOP / RATE
"""Cycles a hop of 1 Hz."""


@lru_cache(maxsize=1)
def _starts() -> F64:
    """Return a fixed random phase for each 21.5 Hz [cycles]."""
    return np.random.Generator(np.random.Philox(0x5BEC)).random(1024)


def anchored(hz: F64, frame: Ints) -> F64:
    """Return the phases [cycles] that partials have if they begin at a frame.

    Frequencies are rounded to an eighth of a cycle a block, so that a partial that stands still
    has, from block to block, the phase that it had plus its own cycles, in whole eighths.
    """
    step = RATE / (HOP * BLOCK * FINE)
    whole = np.rint(hz / step).astype(np.int64)
    # Exact at any hour: cycles in units of 1 / (BLOCK * FINE).
    turns = (whole * (frame % (BLOCK * FINE))) % (BLOCK * FINE) / (BLOCK * FINE)
    start: F64 = _starts()[np.clip(hz / 21.5, 0, 1023).astype(np.int64)]
    return start + turns


def _nearest(of: F64, among: F64) -> Ints:
    """Return for each row the index of the nearest of sorted numbers [shape=(n, k) both]."""
    n, k = of.shape
    offset = np.arange(n)[:, None] * 1e5
    at = np.searchsorted((among + offset).ravel(), (of + offset).ravel()).reshape(n, k)
    at -= np.arange(n)[:, None] * k
    rows = np.arange(n)[:, None]
    right, left = np.minimum(at, k - 1), np.maximum(at - 1, 0)
    nearer = np.abs(among[rows, left] - of) <= np.abs(among[rows, right] - of)
    return np.where(nearer, left, right)


def phases(frequency: F32, first: int) -> F32:
    """Return the phase of each partial in the middle of its frame [cycles, 0..1].

    Parameters
    ----------
    frequency : array [shape=(block + 1, peaks), Hz]
        Those of a block, by frequency, and those of the next one's first frame.
    first : int
        The index of the block's first frame.

    Returns
    -------
    array [shape=(block, peaks)]
    """
    hz = frequency.astype(np.float64)
    count = len(hz)
    frames = first + np.arange(count)
    fresh = anchored(hz, frames[:, None])
    rows = np.arange(count - 1)[:, None]
    parent = _nearest(hz[1:], hz[:-1])
    born = np.abs(hz[:-1][rows, parent] - hz[1:]) > NEAR
    # A newcomer starts as if it had been there since its anchor; the nearest gives its steering.
    advance = np.where(born, 0.0, (hz[1:] + hz[:-1][rows, parent]) * (0.5 * CYCLES))
    phase = np.empty_like(hz)
    phase[0] = fresh[0]
    for i in range(1, count):
        phase[i] = np.where(born[i - 1], fresh[i], phase[i - 1][parent[i - 1]] + advance[i - 1])
    child = _nearest(hz[:-1], hz[1:])
    died = np.abs(hz[1:][rows, child] - hz[:-1]) > NEAR
    missing = np.empty_like(hz)
    missing[-1] = fresh[-1] - phase[-1]
    missing[-1] -= np.rint(missing[-1])
    for i in range(count - 2, -1, -1):
        missing[i] = np.where(died[i], 0.0, missing[i + 1][child[i]])
    x = np.linspace(0.0, 1.0, count)[:, None]
    phase += missing * x * x * (3.0 - 2.0 * x)
    return (phase[:-1] - np.floor(phase[:-1])).astype(np.float32)
