"""Spectra cut into shares of equal weight: atoms with a position and an energy."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from latentlive.spectral.grid import BIN, F32, F64, HIGHEST, LOWEST, Ints, erbs
from latentlive.spectral.layout import REFERENCE

NARROW = 371
"""Bins that each form a band: up to 4 kHz."""

WIDE = 4
"""Bins in a band above that."""

PARTIAL = 2.0
"""Weight of a partial against noise of the same energy in cutting shares."""


@lru_cache(maxsize=1)
def _bands() -> tuple[Ints, F32]:
    """Return the first bin of each band for cutting atoms, and its width in ERB.

    A band is one bin up to 4 kHz and four above, where hearing is no finer.
    """
    first = np.r_[1 : NARROW + 1, NARROW + 1 : int(HIGHEST / BIN) : WIDE]
    edges = np.r_[first, first[-1] + WIDE] * BIN
    return first, np.diff(erbs(edges)).astype(np.float32)


def banded(x: F32 | F64) -> F32:
    """Return sums over bands [shape=(n, bins) -> (n, bands)]."""
    first, _ = _bands()
    wide = len(first) - NARROW
    high = x[:, NARROW + 1 : NARROW + 1 + wide * WIDE].reshape(len(x), wide, WIDE)
    pairs = high[:, :, :2] + high[:, :, 2:]
    return np.concatenate([x[:, 1 : NARROW + 1], pairs[:, :, 0] + pairs[:, :, 1]], 1)


def weighed(tonal: F32, noise: F32, place: F32) -> tuple[F32, F32, F32]:
    """Return bands for cutting atoms: their energies and places [shape=(n, bands) each].

    Parameters
    ----------
    tonal, noise : array [shape=(n, bins)]
        Energies, parts of the whole.
    place : array [shape=(n, bins), bins]
        The place of the tonal energy.
    """
    bands = banded(tonal)
    where = banded(tonal * place)
    np.divide(where, bands, out=where, where=bands > np.float32(1e-20))
    return bands, banded(noise), where


def atoms(bands: tuple[F32, F32, F32], count: int) -> tuple[F32, F32, F32]:
    """Cut spectra, as `weighed` gives them, into shares of equal weight.

    Returns
    -------
    positions [octaves from 640 Hz], energies, tonal shares : arrays [shape=(n, count)]
    """
    tonal, noise, place = bands
    n, width = tonal.shape
    first, per_erb = _bands()
    rows = np.arange(n)[:, None]
    total = np.maximum((tonal + noise).sum(1, keepdims=True), np.float32(1e-20))
    # The fourth root is close to loudness; energy 75 dB below the total has no weight.
    share = np.float32(PARTIAL) * np.sqrt(np.sqrt(tonal / total))
    share += np.sqrt(np.sqrt(noise / total))
    share = np.maximum(share - np.float32(10.0 ** (-7.5 / 4)), np.float32(1e-6)) * per_erb
    mass = np.cumsum(share, 1, dtype=np.float64)
    mass /= mass[:, -1:]
    # One search in all rows: each is raised by one above the one before it.
    cuts = np.arange(1, count + 1) / count - 1e-9
    at = np.searchsorted((mass + rows).ravel(), (cuts + rows).ravel()).reshape(n, -1)
    at = np.clip(at - rows * width, 0, width - 1)
    before = np.where(at > 0, mass[rows, at - 1], 0.0)
    part = np.clip((cuts - before) / np.maximum(mass[rows, at] - before, 1e-30), 0.0, 1.0)
    # Shares split a band only if they have no other: no share ends with a bit of the next.
    ends = np.ones((n, count), np.bool_)
    ends[:, :-1] = at[:, 1:] != at[:, :-1]
    part[ends] = 1.0
    sums = []
    running = np.zeros((n, width + 1))
    for kind in (tonal, noise, noise * first.astype(np.float32)):
        np.cumsum(kind, axis=1, out=running[:, 1:])
        inside = running[rows, at] + part * (running[rows, at + 1] - running[rows, at])
        sums.append(np.maximum(np.diff(inside, axis=1, prepend=0.0), 0.0))
    tone, energy, moment = sums
    # Noise takes the mean position, partials that of the strongest, since a mean would invent
    # one between two. Bits of positive floats sort in order; the band's number fills the low bits.
    start = np.zeros((n, count), np.int64)
    start[:, 1:] = at[:, :-1] + ends[:, :-1]
    start = np.minimum(start, at)
    key = (tonal.view(np.int32).astype(np.int64) << 16) + np.arange(width)
    best = np.maximum.reduceat(key.ravel(), (start + rows * width).ravel()).reshape(n, count)
    last = (part * tonal[rows, at]).astype(np.float32).view(np.int32).astype(np.int64)
    strongest = np.maximum(best, (last << 16) + at) & 0xFFFF
    middle = np.where(energy > 1e-14, moment / np.maximum(energy, 1e-14), first[at])
    energy += tone
    tone = np.clip(tone / np.maximum(energy, 1e-30), 0.0, 1.0)
    bins = np.where(tone > 0.5, place[rows, strongest], middle)
    hz = np.clip(bins * BIN, LOWEST, HIGHEST)
    position = np.maximum.accumulate(np.log2(hz / REFERENCE), axis=1)
    return position.astype(np.float32), energy.astype(np.float32), tone.astype(np.float32)
