"""The operators on curves: arithmetic, ranges, shapes, time and seeds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any, Literal, cast

import numpy as np

from latentlive.curves.base import Curve, CurveLike, Factor, Time, hashed
from latentlive.curves.literals import Num, as_curve
from latentlive.errors import ExpressionError
from latentlive.expr import (
    Beats,
    Node,
    Ratio,
    child,
    choice,
    declared,
    lasting,
    method_of,
    number,
    operator,
    operators,
    positive,
    ratio,
    whole,
)
from latentlive.units import Floats


def _fold(sign: str, a: Any, b: Any) -> Any:
    """Return ``a + b`` or another sum; two numbers make a number.

    If one side is a latent, return NotImplemented, and Python calls the latent's method.
    """
    if any(isinstance(side, Node) and not isinstance(side, Curve) for side in (a, b)):
        return NotImplemented
    left, right = as_curve(a, f"{sign}: left side"), as_curve(b, f"{sign}: right side")
    made = cast("type[Any]", operators()[f"curve.{sign}"])(left, right)
    if isinstance(left, Num) and isinstance(right, Num):
        return Num(float(made.at(0.0)[0]))
    return made


@operator(form="+", make=partial(_fold, "+"))
class Add(Curve):
    """Sum of two curves."""

    a: CurveLike = child(as_curve)
    b: CurveLike = child(as_curve)

    def values(self, t: Time) -> Floats:
        return t.value(self.a) + t.value(self.b)


@operator(form="-", make=partial(_fold, "-"))
class Sub(Curve):
    """Difference of two curves."""

    a: CurveLike = child(as_curve)
    b: CurveLike = child(as_curve)

    def values(self, t: Time) -> Floats:
        return t.value(self.a) - t.value(self.b)


@operator(form="*", make=partial(_fold, "*"))
class Mul(Curve):
    """Product of two curves."""

    a: CurveLike = child(as_curve)
    b: CurveLike = child(as_curve)

    def values(self, t: Time) -> Floats:
        return t.value(self.a) * t.value(self.b)


@operator(form="/", make=partial(_fold, "/"))
class Div(Curve):
    """Quotient of two curves; 0 where the divisor is 0."""

    a: CurveLike = child(as_curve)
    b: CurveLike = child(as_curve)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.b == Num(0):
            raise ExpressionError("/: a curve cannot be divided by 0")

    def values(self, t: Time) -> Floats:
        a, b = t.value(self.a), t.value(self.b)
        return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


@operator(form="method")
class Range(Curve):
    """Map 0 to `low` and 1 to `high`, linearly.

    Example
    -------
    >>> sine(8).range(-12, -6).at([0, 4])
    array([-12.,  -6.])
    """

    of: CurveLike = child(as_curve)
    low: CurveLike = child(as_curve)
    high: CurveLike = child(as_curve)

    def values(self, t: Time) -> Floats:
        low, high = t.value(self.low), t.value(self.high)
        return low + (high - low) * t.value(self.of)


@operator(form="method")
class Rangex(Curve):
    """Map 0 to `low` and 1 to `high`, exponentially; both must be above 0.

    Example
    -------
    >>> saw(4).rangex(1, 100).at([2])
    array([10.])
    """

    of: CurveLike = child(as_curve)
    low: float = positive()
    high: float = positive()

    def values(self, t: Time) -> Floats:
        return self.low * (self.high / self.low) ** np.clip(t.value(self.of), -1e3, 1e3)


@operator(form="method")
class Quantise(Curve):
    """Round to the nearest of `steps` equal steps to the unit (1 to 10000).

    Example
    -------
    >>> saw(1).quantise(4).at([0.3])
    array([0.25])
    """

    of: CurveLike = child(as_curve)
    steps: int = whole(least=1, most=10_000)

    def values(self, t: Time) -> Floats:
        return np.rint(t.value(self.of) * self.steps) / self.steps


@operator(form="method")
class Smooth(Curve):
    """Average over `beats` (> 0) around each moment, of what arrives live before it.

    Example
    -------
    >>> square(8).smooth(2).at([4])
    array([0.5])
    """

    asks = 32
    of: CurveLike = child(as_curve)
    beats: float = lasting()

    def values(self, t: Time) -> Floats:
        points = (np.arange(32) + 0.5) / 32 - 0.5
        total = np.zeros_like(t.beats)
        for point in points:
            behind = (0.5 - point) * self.beats  # what arrives is known up to now only
            total += t.moved(point * self.beats, behind).value(self.of)
        return total / 32


LAGS = 64
"""Moments on which a lag looks back: each weighs the same."""


@operator(form="method")
class Lag(Curve):
    """Follow slowly: 63 % of the way to a new value in `seconds` (> 0, at most 5).

    A one-pole filter, as the mean of moments that lie as far back as it remembers them.

    Example
    -------
    >>> knob("sea").lag(0.5)
    knob('sea').lag(0.5)
    """

    asks = LAGS
    of: CurveLike = child(as_curve)
    seconds: float = number("seconds", above=0.0, most=5.0)

    def values(self, t: Time) -> Floats:
        total = np.zeros_like(t.beats)
        for moment in -np.log1p(-(np.arange(LAGS) + 0.5) / LAGS):
            total += t.back(float(moment) * self.seconds).value(self.of)
        return total / LAGS


@operator(form="method")
class Ease(Curve):
    """Bend 0..1: 'in' starts slowly, 'out' ends slowly, 'inout' does both (cubic).

    Example
    -------
    >>> line(0, 1, 2).ease("in").at([1])
    array([0.125])
    """

    of: CurveLike = child(as_curve)
    kind: Literal["in", "out", "inout"] = choice("in", "out", "inout")

    def values(self, t: Time) -> Floats:
        x = np.clip(t.value(self.of), 0.0, 1.0)
        if self.kind == "in":
            return x**3
        if self.kind == "out":
            return 1.0 - (1.0 - x) ** 3
        return x * x * (3.0 - 2.0 * x)


def slowing(inner: Fraction, factor: Any, word: str) -> Fraction:
    """Return the slowing of `inner` and one more ``slow(factor)`` or ``fast(factor)``."""
    by: Fraction = Ratio().coerce(factor, f"{word}: factor")
    product: Fraction = Ratio().coerce(
        inner * by if word != "fast" else inner / by, f"{word}: the product of factors"
    )
    return product


def _slowed(of: Curve, factor: Factor, word: str) -> Curve:
    """Fold two slowings in a row into one, and drop a factor of 1."""
    base, inner = (as_curve(of.of), of.factor) if isinstance(of, Slowed) else (of, Fraction(1))
    by = slowing(inner, factor, word)
    return base if by == 1 else Slowed(base, by)


def _slow(self: Curve, factor: Factor) -> Curve:
    return _slowed(self, factor, "slow")


@operator(word="slow", form="method", make=_slow)
class Slowed(Curve):
    """Play `factor` (> 0) times slower.

    Example
    -------
    >>> sine(4).slow(2).at([4])
    array([1.])
    """

    of: CurveLike = child(as_curve)
    factor: Fraction = ratio()

    @property
    def span(self) -> float | None:
        inner = as_curve(self.of).span
        return None if inner is None else inner * float(self.factor)

    def values(self, t: Time) -> Floats:
        return t.slowed(self.factor).value(self.of)


@method_of(Curve)
def fast(self: Curve, factor: Factor) -> Curve:
    """Play `factor` (> 0) times faster; ``fast(k)`` undoes ``slow(k)``.

    Example
    -------
    >>> sine(8).fast(2).at([2])
    array([1.])
    """
    return _slowed(self, factor, "fast")


@operator(form="method")
class Early(Curve):
    """Shift to sound `beats` earlier.

    Example
    -------
    >>> sine(8).early(4).at([0])
    array([1.])
    """

    of: CurveLike = child(as_curve)
    beats: float = declared(Beats())

    def values(self, t: Time) -> Floats:
        return t.moved(self.beats, max(-self.beats, 0.0)).value(self.of)


@method_of(Curve)
def late(self: Curve, beats: float) -> Curve:
    """Shift to sound `beats` later.

    Example
    -------
    >>> sine(8).late(4).at([4])
    array([0.])
    """
    shift: float = Beats().coerce(beats, "late: beats")
    return Early(self, -shift)


@operator(word="seed", form="method")
class Reseed(Curve):
    """Draw every random curve inside from seed `n` (0 to 2**63 - 1).

    Curves with the same seed draw the same numbers; different seeds draw different ones.

    Example
    -------
    >>> bool(rand(1).seed(1).at([0.5]) == rand(1).seed(2).at([0.5]))
    False
    """

    of: CurveLike = child(as_curve)
    n: int = whole()

    def values(self, t: Time) -> Floats:
        own = self.n if t.own is None else hashed(t.own, self.n)
        return replace(t, own=own).value(self.of)
