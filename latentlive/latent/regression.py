"""From moments of a movement to vectors: ridge regression on bumps, the same bits everywhere.

Sums run in an order of our own: that of a linear algebra library depends on its threads and on how
many rows are asked for at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.units import Floats

F32 = NDArray[np.float32]

BUMPS = 16
"""Bumps along a curve's range, and along that of its speed. 8 explain less of unheard sound, 20 as
much; random cosines of the whole window explain less than bumps."""

PENALTY = 1e-3
"""On squared weights, against the mean squared error: from 1e-4 to 1e-2 as much is explained."""

HELD_OUT = 0.2
"""The part at the end that is not learned from, to measure what is explained."""


class Ranges(NamedTuple):
    """The movement that was seen: `moments` as of `features`.

    Parameters
    ----------
    mean, scale : array [shape=(curves, points)]
        Of the values of each moment.
    low, high : array [shape=(2, curves)]
        Least and largest newest value, and newest speed.
    """

    mean: Floats
    scale: Floats
    low: Floats
    high: Floats


def ranges(moments: Floats) -> Ranges:
    """Return the ranges of some moments [shape=(curves, points, n)]."""
    newest = np.stack([moments[:, 0], moments[:, 0] - moments[:, 1]])
    scale = np.maximum(moments.std(axis=2), 1e-9)
    return Ranges(moments.mean(axis=2), scale, newest.min(axis=2), newest.max(axis=2))


def features(moments: Floats, seen: Ranges) -> Floats:
    """Return the features of some moments [shape=(features, n)].

    Of each curve its values, bumps along the newest and along the newest speed; of every two
    curves the product of their newest.

    Parameters
    ----------
    moments : array [shape=(curves, points, n)]
        The newest point first.
    seen : Ranges
    """
    plain = (moments - seen.mean[:, :, None]) / seen.scale[:, :, None]
    newest = np.stack([moments[:, 0], moments[:, 0] - moments[:, 1]])
    step = np.maximum(seen.high - seen.low, 1e-9)[:, :, None] / (BUMPS - 1)
    away = (newest - seen.low[:, :, None]) / step
    bumps = np.exp(-0.5 * (away[:, :, None] - np.arange(BUMPS)[:, None]) ** 2)
    curves, _, count = moments.shape
    first, second = np.triu_indices(curves, 1)
    both = plain[first, 0] * plain[second, 0]
    return np.concatenate([plain.reshape(-1, count), bumps.reshape(-1, count), both])


class Learned(NamedTuple):
    """A map from moments of a movement to vectors.

    Parameters
    ----------
    seen : Ranges
    weights : array [shape=(features, dims)]
    constant : array [shape=(dims,)]
    low, high : array [shape=(dims,)]
        The range of the vectors that were heard: no other is given.
    explained : float
        Of vectors that were not learned from: 1 less the mean error, against that of their mean.
    """

    seen: Ranges
    weights: Floats
    constant: Floats
    low: F32
    high: F32
    explained: float

    def vectors(self, moments: Floats) -> F32:
        """Return the vectors [shape=(n, dims)] of some moments [shape=(curves, points, n)]."""
        total = np.repeat(self.constant[None], moments.shape[2], axis=0)
        for feature, weights in zip(features(moments, self.seen), self.weights, strict=True):
            total += feature[:, None] * weights
        kept: F32 = np.clip(total.astype(np.float32), self.low, self.high)
        return kept


def learn(moments: Floats, vectors: F32) -> Learned:
    """Return the map that fits moments and vectors best.

    Parameters
    ----------
    moments : array [shape=(curves, points, n)]
    vectors : array [shape=(n, dims)]
    """
    first = round(len(vectors) * (1.0 - HELD_OUT))
    early, late = vectors[:first], vectors[first:]
    unheard = np.abs(
        _fitted(moments[:, :, :first], early, 0.0).vectors(moments[:, :, first:]) - late
    )
    plain = np.abs(early.mean(axis=0, dtype=np.float64) - late)
    explained = 1.0 - float(unheard.sum(dtype=np.float64)) / max(float(plain.sum()), 1e-9)
    return _fitted(moments, vectors, explained)


def _fitted(moments: Floats, vectors: F32, explained: float) -> Learned:
    seen = ranges(moments)
    rows = np.ascontiguousarray(features(moments, seen).T)
    middle = rows.mean(axis=0)
    rows -= middle
    centre = vectors.mean(axis=0, dtype=np.float64)
    square = np.einsum("nf,ng->fg", rows, rows) + PENALTY * len(rows) * np.eye(rows.shape[1])
    weights = solved(square, np.einsum("nf,nd->fd", rows, vectors - centre))
    constant = centre - np.add.reduce(middle[:, None] * weights, axis=0)
    return Learned(seen, weights, constant, vectors.min(axis=0), vectors.max(axis=0), explained)


def solved(square: Floats, right: Floats) -> Floats:
    """Return x of ``square x = right``, by Cholesky's decomposition.

    Parameters
    ----------
    square : array [shape=(n, n)]
        Symmetric and positive.
    right : array [shape=(n, m)]

    Example
    -------
    >>> solved(np.array([[4.0, 2.0], [2.0, 5.0]]), np.array([[8.0], [8.0]]))
    array([[1.5],
           [1. ]])
    """
    left, found = square.copy(), right.copy()
    for i in range(len(left)):
        left[i:, i] /= np.sqrt(left[i, i])
        below = left[i + 1 :, i]
        left[i + 1 :, i + 1 :] -= below[:, None] * below
        found[i] /= left[i, i]
        found[i + 1 :] -= below[:, None] * found[i]
    for i in reversed(range(len(left))):
        found[i] /= left[i, i]
        found[:i] -= left[i, :i, None] * found[i]
    return found
