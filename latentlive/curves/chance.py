"""Random curves at any beat, in any order: a hash of (seed, own seed, step), never a state.

After diffrax's VirtualBrownianTree: a random path is a function of its key.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentlive.curves.base import Curve, Time, hashed
from latentlive.expr import lasting, operator
from latentlive.units import Floats

BROWN_OCTAVES = 10


def uniform(key: int, steps: Floats) -> Floats:
    """Return one number in [0, 1) for each whole step: the SplitMix64 finaliser of a counter.

    Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (OOPSLA 2014).
    """
    x: NDArray[np.uint64] = steps.astype(np.int64).astype(np.uint64)
    x = x * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(11)).astype(np.float64) * 2.0**-53


def wandering(key: int, turns: Floats) -> Floats:
    """Return value noise: a random number at each whole turn, joined by Perlin's quintic."""
    step = np.floor(turns)
    x = turns - step
    low, high = uniform(key, step), uniform(key, step + 1)
    return low + (high - low) * (x * x * x * (x * (6.0 * x - 15.0) + 10.0))


class Chance(Curve):
    """A random curve with a new number every `period` beats."""

    period: float

    @property
    def span(self) -> None:
        return None

    def key(self, t: Time, *more: int) -> int:
        """Return the key that this curve draws from."""
        return hashed(t.seed, self.digest if t.own is None else t.own, *more)


@operator
class Rand(Chance):
    """Hold a new random number in 0..1 for each period.

    Parameters
    ----------
    period : float [beats, > 0]

    Example
    -------
    >>> bool(rand(4).at([0.0]) == rand(4).at([3.9]))
    True
    """

    period: float = lasting()

    def values(self, t: Time) -> Floats:
        return uniform(self.key(t), np.floor(t.beats / self.period))


@operator
class Perlin(Chance):
    """Glide to a new random number in 0..1 every period.

    Value noise with the quintic fade of Perlin: Improving Noise (SIGGRAPH 2002).

    Parameters
    ----------
    period : float [beats, > 0]

    Example
    -------
    >>> x = perlin(4).at([0, 1, 2, 3])
    >>> bool((0 <= x).all() and (x <= 1).all())
    True
    """

    period: float = lasting()

    def values(self, t: Time) -> Floats:
        return wandering(self.key(t), t.beats / self.period)


@operator
class Brown(Chance):
    """Wander within 0..1 like Brownian motion; the fastest detail lasts `period` beats.

    Sums octaves of value noise, each twice as slow and twice as strong as the one before: power
    falls with the square of frequency. The slowest octave lasts 512 periods.

    Parameters
    ----------
    period : float [beats, > 0]

    Example
    -------
    >>> x = brown(1).at([0, 1, 2, 3])
    >>> bool((0 <= x).all() and (x <= 1).all())
    True
    """

    period: float = lasting()

    def values(self, t: Time) -> Floats:
        turns = t.beats / self.period
        total = np.zeros_like(turns)
        for octave in range(BROWN_OCTAVES):
            total += 2.0**octave * wandering(self.key(t, octave), turns / 2.0**octave)
        return total / (2.0**BROWN_OCTAVES - 1.0)


def rand2(period: float) -> Curve:
    """Return ``rand`` over -1..1: ``rand(period).range(-1, 1)``."""
    return Rand(period).range(-1, 1)


def perlin2(period: float) -> Curve:
    """Return ``perlin`` over -1..1: ``perlin(period).range(-1, 1)``."""
    return Perlin(period).range(-1, 1)


def brown2(period: float) -> Curve:
    """Return ``brown`` over -1..1: ``brown(period).range(-1, 1)``."""
    return Brown(period).range(-1, 1)
