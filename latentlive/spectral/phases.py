"""Phases of partials: no memory beyond a block, and yet continuous.

At the first frame of each block, `anchored` gives a partial its phase, a function of frequency
and position alone. Inside the block the phase follows the frequency, frame by frame, from the
nearest partial before it. It misses the `anchored` phase at the next block's first frame by at
most half a cycle; the block spreads this error, a detuning of at most 1.3 Hz. A steady partial
needs less: its anchors advance nearly as it does.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from latentlive.spectral.grid import BLOCK, F32, F64, HOP, RATE, Ints

NEAR = 65.0
"""Hz: a partial continues one that was at most this far away."""

FINE = 8
"""Anchors round frequencies to 1 / `FINE` of a cycle a block."""

CYCLES = HOP / RATE
"""Cycles a hop of 1 Hz."""


@lru_cache(maxsize=1)
def _starts() -> F64:
    """Return a fixed random phase for each 21.5 Hz [cycles]."""
    return np.random.Generator(np.random.Philox(0x5BEC)).random(1024)


def anchored(hz: F64, frame: Ints) -> F64:
    """Return the phases [cycles] of partials that begin at a frame.

    It rounds frequencies to an eighth of a cycle a block, so that a steady partial advances, from
    block to block, by its own cycles in whole eighths.
    """
    step = RATE / (HOP * BLOCK * FINE)
    whole = np.rint(hz / step).astype(np.int64)
    # Exact at any hour: cycles in units of 1 / (BLOCK * FINE).
    turns = (whole * (frame % (BLOCK * FINE))) % (BLOCK * FINE) / (BLOCK * FINE)
    start: F64 = _starts()[np.clip(hz / 21.5, 0, 1023).astype(np.int64)]
    return start + turns


def _neighbours(hz: F64) -> tuple[Ints, Ints]:
    """Return for each partial the nearest in the frame before (all frames but the first), and the
    nearest in the frame after (all but the last) [hz shape=(n, k), sorted; both (n - 1, k), counted
    through the rows].
    """
    n, k = hz.shape
    before, after = hz[:-1], hz[1:]
    row = np.arange(0, (n - 1) * k, k)[:, None]
    # One search in all rows: each is raised 100 kHz above the one before it.
    apart = np.arange(n - 1)[:, None] * 1e5
    lower = np.searchsorted((before + apart).ravel(), (after + apart).ravel())
    upper = np.cumsum(np.bincount(lower, minlength=(n - 1) * k + 1))[:-1]
    return _nearer(lower, row, after, before), _nearer(upper, row, before, after)


def _nearer(at: Ints, row: Ints, of: F64, among: F64) -> Ints:
    """Return the indices of the nearest of sorted numbers, given how many are below.

    Parameters
    ----------
    at : array [shape=(n * k,)]
    row : array [shape=(n, 1)]
        Where each row begins.
    of, among : array [shape=(n, k)]
    """
    at = at.reshape(of.shape)
    right, left = np.minimum(at, row + of.shape[1] - 1), np.maximum(at - 1, row)
    return np.where(np.abs(among.take(left) - of) <= np.abs(among.take(right) - of), left, right)


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
    before, after = hz[:-1], hz[1:]
    parent, child = _neighbours(hz)
    came, goes = before.take(parent), after.take(child)
    # A new partial starts at its anchored phase; the nearest partial steers it.
    born = np.abs(came - after) > NEAR
    follows = np.where(born, 0.0, 1.0)
    advance = np.where(born, fresh[1:], (after + came) * (0.5 * CYCLES))
    phase = np.empty_like(hz)
    phase[0] = fresh[0]
    known = phase.ravel()
    for came_from, follow, step, here in zip(parent, follows, advance, phase[1:], strict=True):
        np.add(known[came_from] * follow, step, here)
    lives = np.where(np.abs(goes - before) > NEAR, 0.0, 1.0)
    missing = np.empty_like(hz)
    missing[-1] = fresh[-1] - phase[-1]
    missing[-1] -= np.rint(missing[-1])
    later = missing[1:].ravel()
    for goes_to, live, here in zip(child[::-1], lives[::-1], missing[-2::-1], strict=True):
        np.multiply(later[goes_to], live, here)
    x = np.linspace(0.0, 1.0, count)[:, None]
    phase += missing * x * x * (3.0 - 2.0 * x)
    return (phase[:-1] - np.floor(phase[:-1])).astype(np.float32)
