"""Drive: soft clipping by tanh. Full scale stays full scale, quiet sounds rise by `db`.

`y = tanh(k u) / tanh(k)`, with k so that its slope at 0 is the gain asked for. It runs at eight
times the rate, between two windowed-sinc filters of 11 samples on either side, so that most of
what tanh adds above half the rate is gone before it folds back: together 22 samples of latency,
half a millisecond at 44.1 kHz. Only what tanh changes goes through the second filter; the sound
itself is delayed, exact to the bit at 0 dB.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from latentlive.effects.block import BLOCK, F32, F64, QUIET, Setting
from latentlive.effects.declared import INDEX
from latentlive.mixer import GRID

TIMES = 8
"""Values for each sample."""

REACH = 11
"""Samples on either side that each of the two filters needs."""

LATENCY = 2 * REACH
"""Samples by which what comes out is late."""

_CUT = 0.97
"""Middle of the filters' slope, as a part of half the rate."""

_BETA = 5.65
"""Of the filters' Kaiser window: 60 dB."""

_CELL = 16
_LEAST = 1e-4


def kernel() -> F64:
    """Return the filter [shape=(177,)] at eight times the rate; its middle is sample 88."""
    count = REACH * TIMES
    at = np.arange(-count, count + 1)
    shape = np.sinc(_CUT * at / TIMES) * np.kaiser(2 * count + 1, _BETA)
    found: F64 = shape / shape.sum()
    return found


def _up() -> F32:
    """Return the matrix from 16 + 22 samples to the 128 values of the 16 in the middle."""
    shape, count = kernel() * TIMES, REACH * TIMES
    matrix = np.zeros((_CELL + 2 * REACH, _CELL * TIMES))
    for row in range(len(matrix)):
        lag = np.arange(_CELL * TIMES) - (row - REACH) * TIMES
        inside = np.abs(lag) <= count
        matrix[row, inside] = shape[lag[inside] + count]
    return matrix.astype(np.float32)


def _down() -> F32:
    """Return the matrix from 128 + 176 values to the 16 samples of the 128 in the middle."""
    shape, count = kernel(), REACH * TIMES
    matrix = np.zeros((_CELL * TIMES + 2 * count, _CELL))
    for column in range(_CELL):
        matrix[column * TIMES : column * TIMES + 2 * count + 1, column] = shape
    return matrix.astype(np.float32)


_UP, _DOWN = _up(), _down()
_RISE = np.arange(GRID * TIMES) / (GRID * TIMES)


def steepness(db: F64) -> F64:
    """Return k of some gains [shape=(n,)] in decibels: k / tanh(k) is the gain, 0 at 0 dB.

    >>> k = steepness(np.array([0.0, 12.0]))
    >>> float(k[0]), round(float(k[1] / np.tanh(k[1])), 4)
    (0.0, 3.9811)
    """
    gain = 10.0 ** (db / 20.0)
    # k coth k <= 1 + k^2 / 3: a start below the root, from where Newton's steps converge.
    k = np.sqrt(3.0 * np.maximum(gain - 1.0, 1e-12))
    k = np.minimum(k, gain)
    for _ in range(6):
        tanh = np.tanh(k)
        over = k / tanh
        slope = 1.0 / tanh - k * (1.0 / tanh**2 - 1.0)
        k = k - (over - gain) / np.maximum(slope, 1e-9)
    return np.where(db > 0.0, np.maximum(k, 0.0), 0.0)


@lru_cache(maxsize=256)
def _steep(db: float) -> tuple[np.float32, np.float32]:
    """Return k and 1 / tanh(k) of a gain that stands."""
    k = float(steepness(np.array([db]))[0])
    return np.float32(k), np.float32(1.0 / math.tanh(k))


class Drive:
    """The drive of one chain, with the samples that its filters still need."""

    def __init__(self, rate: int) -> None:
        self._on, self._db = INDEX["drive.on"], INDEX["drive.db"]
        self._given = np.zeros((2, 2 * REACH + BLOCK))
        self._values = np.zeros((2, 2 * REACH * TIMES + BLOCK * TIMES), np.float32)
        self.idle = True

    def reset(self) -> None:
        """Forget all that was heard."""
        self._given[:] = 0.0
        self._values[:] = 0.0
        self.idle = True

    def process(self, x: F64 | None, setting: Setting) -> F64 | None:
        """Return what comes out of a block [shape=(2, 1024)]; None is silence."""
        if setting.off(self._on) or (x is None and self._quiet()):
            if not self.idle:
                self.reset()
            return x
        self.idle = False
        given = self._given
        given[:, : 2 * REACH] = given[:, BLOCK:]
        given[:, 2 * REACH :] = 0.0 if x is None else x
        y: F64 = given[:, :BLOCK] + self._changed(setting)
        if setting.steady(self._on) != 1.0:
            straight = given[:, 2 * REACH :]
            y -= straight
            y *= setting.samples(self._on)
            y += straight
        return y

    def _quiet(self) -> bool:
        """Return whether nothing is left of what was heard."""
        if self.idle:
            return True
        left = np.abs(self._values[:, BLOCK * TIMES :]).max()
        return bool(left < QUIET and np.abs(self._given[:, BLOCK:]).max() < QUIET)

    def _changed(self, setting: Setting) -> F32:
        """Return what tanh adds to the sound, 22 samples late [shape=(2, 1024)]."""
        values, kept = self._values, 2 * REACH * TIMES
        values[:, :kept] = values[:, BLOCK * TIMES :]
        fresh, changed = values[:, kept:], np.zeros((2, BLOCK), np.float32)
        if setting.steady(self._db) == 0.0:
            fresh[:] = 0.0
            if not values.any():
                return changed
        else:
            self._shape(setting, fresh)
        for side in (0, 1):
            _products(values[side], _DOWN, changed[side])
        return changed

    def _shape(self, setting: Setting, out: F32) -> None:
        """Write what tanh adds at eight times the rate, 11 samples late [shape=(2, 8192)]."""
        given = self._given.astype(np.float32)
        for side in (0, 1):
            _products(given[side], _UP, out[side])
        if (db := setting.steady(self._db)) is not None:
            steep, over = _steep(db)
            bent = np.multiply(out, steep)
            np.tanh(bent, out=bent)
            bent *= over
        else:
            k = np.maximum(steepness(setting.points(self._db)), _LEAST)
            curve = (k[:-1, None] + (k[1:] - k[:-1])[:, None] * _RISE).reshape(-1)
            bent = out * curve.astype(np.float32)
            np.tanh(bent, out=bent)
            bent *= (1.0 / np.tanh(curve)).astype(np.float32)
        np.subtract(bent, out, out=out)


def _products(values: F32, matrix: F32, out: F32) -> None:
    """Write what a matrix makes of the values around each 16 samples."""
    width, rows = len(matrix), BLOCK // _CELL
    step = (len(values) - width) // (rows - 1)
    strides = step * values.strides[0], values.strides[0]
    # A copy: as rows that overlap, they would be multiplied without OpenBLAS.
    cut = np.lib.stride_tricks.as_strided(values, (rows, width), strides).copy()
    whole = out.reshape(rows, -1)
    for part in (slice(None, rows // 2), slice(rows // 2, None)):
        # OpenBLAS does products of this size in one thread, so bits do not depend on how many.
        np.matmul(cut[part], matrix, out=whole[part])
