"""One pitch a frame, or none: strengths of pitches, the best path through them, a refinement."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from latentlive.spectral.grid import BIN, F32, F64, Ints

STEPS = 48
"""Pitches to an octave."""

PITCHES: F64 = 55.0 * 2.0 ** (np.arange(int(STEPS * 4.6)) / STEPS)
"""Candidates in Hz."""

HEARD = int(6000 / BIN) + 1
"""Bins that determine a pitch: up to 6 kHz."""

UNPITCHED = 0.30
"""The strength that a pitch must exceed."""

CHANGE = 0.12
"""The cost of becoming pitched or unpitched."""

JUMP = 0.5
"""The cost of any leap; a small step costs 2 an octave."""

REACH = int(JUMP / 2.0 * STEPS)


@lru_cache(maxsize=1)
def _kernels() -> F32:
    """Return the spectral template of each pitch [shape=(bins, pitches)].

    Lobes at the first and prime harmonics, valleys between them, as in SWIPE' (Camacho 2007).
    """
    hz = np.arange(HEARD) * BIN
    ratio = hz / PITCHES[:, None]
    kernel = np.zeros_like(ratio)
    for harmonic in (1, 2, 3, 5, 7, 11):
        away = np.abs(ratio - harmonic)
        weight = np.where(away < 0.25, 1.0, np.where(away < 0.75, 0.5, 0.0))
        kernel += weight * np.cos(2 * np.pi * ratio)
    kernel *= np.where(hz > 0, 1.0 / np.sqrt(np.maximum(hz, 1.0)), 0.0)
    kernel /= np.sqrt(np.sum(np.maximum(kernel, 0.0) ** 2, 1, keepdims=True))
    return np.ascontiguousarray(kernel.T, np.float32)


def strengths(power: F32) -> F32:
    """Return how strong each pitch is in power spectra, about 0..1 [shape=(n, pitches)]."""
    root = np.sqrt(np.sqrt(power[:, :HEARD]))
    norm = np.sqrt(np.sum(root * root, 1, keepdims=True))
    # Row by row, so that a frame's bits do not depend on the number of frames.
    found: F32 = np.matmul((root / np.maximum(norm, np.float32(1e-9)))[:, None], _kernels())[:, 0]
    return found


def track(strength: F32) -> Ints:
    """Return the best path: the index of each frame's pitch, or -1 for no pitch."""
    count, pitches = strength.shape
    if not count:
        return np.empty(0, np.int64)
    cost = (2.0 / STEPS * np.abs(np.arange(-REACH, REACH + 1))).astype(np.float32)
    padded = np.full(pitches + 2 * REACH, -np.inf, np.float32)
    near = np.lib.stride_tricks.sliding_window_view(padded, 2 * REACH + 1)
    score, none = strength[0].copy(), np.float32(UNPITCHED)
    came = np.empty((count, pitches), np.int16)
    came_none = np.empty(count, np.int16)
    for i in range(1, count):
        padded[REACH:-REACH] = score
        steps = near - cost
        move = steps.argmax(1)
        best = steps[np.arange(pitches), move]
        source = np.arange(pitches) + move - REACH
        top = int(score.argmax())
        start = none - CHANGE
        leap, origin = max((score[top] - JUMP, top), (start, -1))
        source[best < leap] = origin
        came[i] = source
        came_none[i] = top if score[top] - CHANGE > none else -1
        none = max(none, score[top] - np.float32(CHANGE)) + np.float32(UNPITCHED)
        score = strength[i] + np.maximum(best, np.float32(leap))
    path = np.empty(count, np.int64)
    path[-1] = score.argmax() if score.max() > none else -1
    for i in range(count - 1, 0, -1):
        path[i - 1] = came[i, path[i]] if path[i] >= 0 else came_none[i]
    return path


def refined(guess: F64, tonal: F32, place: F32) -> F64:
    """Return pitches refined to fit their first eight harmonics.

    Parameters
    ----------
    guess : array [shape=(n,), bins]
    tonal : array [shape=(n, bins)]
        The tonal energy of each bin.
    place : array [shape=(n, bins), bins]
        The place of that energy.
    """
    number = np.arange(1, 9)
    rows = np.arange(len(guess))[:, None, None]
    for _ in range(2):
        centre = guess[:, None] * number
        wide = int(np.ceil(0.03 * centre.max())) + 1 if len(guess) else 1
        bins = np.rint(centre).astype(np.int64)[:, :, None] + np.arange(-wide, wide + 1)
        bins = np.clip(bins, 0, tonal.shape[1] - 1)
        where = place[rows, bins].astype(np.float64)
        near = np.abs(where / centre[:, :, None] - 1.0) < 0.03
        energy = np.where(near, tonal[rows, bins], 0.0).astype(np.float64)
        total = energy.sum(2)
        found = (energy * where).sum(2) / np.maximum(total, 1e-30) / number
        weight = np.sqrt(total) * number
        summed = weight.sum(1)
        moved = (weight * found).sum(1) / np.maximum(summed, 1e-30)
        guess = np.where(summed > 0, moved, guess)
    return guess
