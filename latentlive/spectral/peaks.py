"""From atoms and harmonics to a fixed number of sinusoids a frame."""

from __future__ import annotations

import numpy as np

from latentlive.spectral.grid import F32, HIGHEST, RATE

PEAKS = 96
"""Sinusoids of a frame, a fixed number: sums of another length would have other bits."""

CELL = RATE / 4096
"""Width in Hz of the cells that gather atoms."""

CELLS = int(HIGHEST / CELL) + 12


def peaks(hz: F32, energy: F32) -> tuple[F32, F32]:
    """Return frequencies [Hz] and amplitudes [shape=(n, peaks)] of sinusoids, one for each heap.

    It spreads the atoms' energies over cells and smooths them; between two minima is a heap. A heap
    sounds as one sinusoid of its energy at its mean frequency. The strongest heaps stay, ordered by
    frequency; if there are fewer, sinusoids of amplitude 0 fill the frame.

    Parameters
    ----------
    hz, energy : array [shape=(n, atoms)]
    """
    n, count = hz.shape
    rows = np.arange(n)[:, None]
    # Atoms without energy change no sum.
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
    # at once: no atom is within four cells of a row's end.
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
    # Number heaps along the frequency axis; apart from ripples of rounding, they never outnumber
    # the atoms.
    label = minima.take(flat) - minima.take(row * CELLS)
    room = max(count + 2, PEAKS)  # a residue alone has fewer atoms
    index = np.minimum(label, room - 1) + row * room
    total = np.bincount(index, energy, n * room).reshape(n, room)
    moment = np.bincount(index, energy * hz, n * room).reshape(n, room)
    best = np.sort(np.argpartition(total, room - PEAKS, axis=1)[:, room - PEAKS :], axis=1)
    best += rows * room
    total, moment = total.take(best), moment.take(best)
    sounds = total > 1e-12
    # A silent sinusoid takes the frequency of the one below it, so that they stay in order.
    mean = np.where(sounds, moment / np.where(sounds, total, 1.0), 0.0)
    frequency = np.maximum.accumulate(mean, axis=1)
    amplitude = np.where(sounds, np.sqrt(total), 0.0)
    return frequency.astype(np.float32), amplitude.astype(np.float32)
