"""Periodic curves: one period is `period` beats, values 0..1; a 2 after the name: -1..1."""

from __future__ import annotations

import numpy as np

from latentlive.curves.base import Curve, Time
from latentlive.expr import lasting, number, operator
from latentlive.units import Floats


class Wave(Curve):
    """A curve that repeats every `period` beats."""

    period: float

    @property
    def span(self) -> float:
        return self.period

    def phase(self, t: Time) -> Floats:
        """Return the wave's phase [shape=(n,), 0 <= phase < 1]."""
        turns = t.beats / self.period
        return turns - np.floor(turns)


@operator
class Sine(Wave):
    """Raised sine: 0 at beat 0, 1 half a period later.

    Parameters
    ----------
    period : float [beats, > 0]

    Example
    -------
    >>> sine(8).at([0, 4, 8])
    array([0., 1., 0.])
    """

    period: float = lasting()

    def values(self, t: Time) -> Floats:
        return 0.5 - 0.5 * np.cos(2 * np.pi * self.phase(t))


@operator
class Cosine(Wave):
    """Raised cosine: 1 at beat 0, 0 half a period later.

    Parameters
    ----------
    period : float [beats, > 0]

    Example
    -------
    >>> cosine(8).at([0, 4])
    array([1., 0.])
    """

    period: float = lasting()

    def values(self, t: Time) -> Floats:
        return 0.5 + 0.5 * np.cos(2 * np.pi * self.phase(t))


@operator
class Saw(Wave):
    """Rise from 0 towards 1 over each period, then drop at once.

    Parameters
    ----------
    period : float [beats, > 0]

    Example
    -------
    >>> saw(8).at([0, 4, 8])
    array([0. , 0.5, 0. ])
    """

    period: float = lasting()

    def values(self, t: Time) -> Floats:
        return self.phase(t)


@operator
class Isaw(Wave):
    """Fall from 1 towards 0 over each period, then jump back.

    Parameters
    ----------
    period : float [beats, > 0]

    Example
    -------
    >>> isaw(8).at([0, 2])
    array([1.  , 0.75])
    """

    period: float = lasting()

    def values(self, t: Time) -> Floats:
        return 1.0 - self.phase(t)


@operator
class Tri(Wave):
    """Triangle: 0 at beat 0, straight to 1 at half the period and back.

    Parameters
    ----------
    period : float [beats, > 0]

    Example
    -------
    >>> tri(8).at([0, 2, 4])
    array([0. , 0.5, 1. ])
    """

    period: float = lasting()

    def values(self, t: Time) -> Floats:
        return 1.0 - np.abs(2.0 * self.phase(t) - 1.0)


@operator
class Square(Wave):
    """Switch from 0 to 1 after the first part of each period.

    Parameters
    ----------
    period : float [beats, > 0]
    low : float [0..1]
        The part of each period at 0.

    Example
    -------
    >>> square(8).at([0, 4])
    array([0., 1.])
    """

    period: float = lasting()
    low: float = number(default=0.5, least=0.0, most=1.0)

    def values(self, t: Time) -> Floats:
        return np.where(self.phase(t) < self.low, 0.0, 1.0)


def sine2(period: float) -> Curve:
    """Return ``sine`` over -1..1: ``sine(period).range(-1, 1)``."""
    return Sine(period).range(-1, 1)


def cosine2(period: float) -> Curve:
    """Return ``cosine`` over -1..1: ``cosine(period).range(-1, 1)``."""
    return Cosine(period).range(-1, 1)


def saw2(period: float) -> Curve:
    """Return ``saw`` over -1..1: ``saw(period).range(-1, 1)``."""
    return Saw(period).range(-1, 1)


def isaw2(period: float) -> Curve:
    """Return ``isaw`` over -1..1: ``isaw(period).range(-1, 1)``."""
    return Isaw(period).range(-1, 1)


def tri2(period: float) -> Curve:
    """Return ``tri`` over -1..1: ``tri(period).range(-1, 1)``."""
    return Tri(period).range(-1, 1)


def square2(period: float) -> Curve:
    """Return ``square`` over -1..1: ``square(period).range(-1, 1)``."""
    return Square(period).range(-1, 1)
