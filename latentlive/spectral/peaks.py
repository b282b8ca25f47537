"""From atoms and harmonics to a fixed number of sinusoids a frame."""

from __future__ import annotations

import numpy as np

from latentlive.spectral.grid import F32, HIGHEST, RATE

PEAKS = 96
"""Sinusoids of a frame, always as many: sums of another length would have other bits."""

CELL = RATE / 4096
"""Hz of a cell in which atoms are gathered."""

CELLS = int(HIGHEST / CELL) + 12


def peaks(hz: F32, energy: F32) -> tuple[F32, F32]:
    """Return frequencies [Hz] and amplitudes [shape=(n, peaks)] of what lies in one heap each.

    The atoms' energies are spread over cells and smoothed; between two minima lies a heap. It
    sounds as one sinusoid of its energy at its mean frequency. The strongest heaps are kept, by
    frequency; where there are fewer, sinusoids of amplitude 0 fill up.

    Parameters
    ----------
    hz, energy : array [shape=(n, atoms)]
    """
    n, count = hz.shape
    rows = np.arange(n)[:, None]
    # What has no energy changes no sum.
    sounding = np.flatnonzero(energy)
    hz, energy = hz.take(sounding), energy.take(sounding)
    row = sounding // count
    at = hz * np.float32(1.0 / CELL) + np.float32(4.0)
    cell = at.astype(np.int64)
    upper = (at - cell) * energy
    flat = cell + row * CELLS
    heap = np.bincount(flat, energy - upper, n * CELLS)
    heap[1:] += np.bincount(flat, upper, n * CELLS)[:-1]
    # Twice a mean of four cells: [1 2 3 4 3 2 1] / 16; the middle moves three cells down. All rows
    # in one go: no atom lies within four cells of the end of one.
    heaps, turn = heap.astype(np.float32), np.empty(n * CELLS, np.float32)
    for lag in (1, 2, 1, 2):
        np.add(heaps[:-lag], heaps[lag:], out=turn[:-lag])
        heaps, turn = turn[:-lag], heaps[:-lag]
    low = np.zeros(n * CELLS, np.bool_)
    inner = heaps[1:-1]
    np.less_equal(inner, heaps[:-2], out=low[4:-4])
    low[4:-4] &= inner < heaps[2:]
    ends = low.reshape(n, CELLS)
    ends[:, :4] = ends[:, -4:] = False
    minima = np.cumsum(low, dtype=np.int32)
    # Heaps are numbered along the frequency axis; there are at most as many as atoms, but for
    # ripples of rounding.
    label = minima.take(flat) - minima.take(row * CELLS)
    room = count + 2
    index = np.minimum(label, room - 1) + row * room
    total = np.bincount(index, energy, n * room).reshape(n, room)
    moment = np.bincount(index, energy * hz, n * room).reshape(n, room)
    best = np.sort(np.argpartition(total, room - PEAKS, axis=1)[:, room - PEAKS :], axis=1)
    best += rows * room
    total, moment = total.take(best), moment.take(best)
    sounds = total > 1e-12
    # A silent one waits beside the one below it, so that frequencies stay in order.
    mean = np.where(sounds, moment / np.where(sounds, total, 1.0), 0.0)
    frequency = np.maximum.accumulate(mean, axis=1)
    amplitude = np.where(sounds, np.sqrt(total), 0.0)
    return frequency.astype(np.float32), amplitude.astype(np.float32)
