"""The operators on curves: arithmetic, ranges, shapes, time and seeds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from latentlive.curves.base import Curve, CurveLike, Factor, Time, as_curve, hashed
from latentlive.errors import ExpressionError
from latentlive.expr import (
    Beats,
    Node,
    Ratio,
    child,
    choice,
    declared,
    lasting,
    number,
    operator,
    positive,
    ratio,
    whole,
)
from latentlive.units import Floats


@operator(word="number", form="literal")
class Num(Curve):
    """The same number at every beat."""

    value: float = number()

    def values(self, t: Time) -> Floats:
        return np.full(t.beats.shape, self.value)


def folded(sign: str, a: Any, b: Any) -> Any:
    """Return ``a + b`` and the like; two numbers make a number.

    Where a side is a latent, Python is told to ask the latent.
    """
    if any(isinstance(side, Node) and not isinstance(side, Curve) for side in (a, b)):
        return NotImplemented
    left, right = as_curve(a, f"{sign}: left side"), as_curve(b, f"{sign}: right side")
    made = {"+": Add, "-": Sub, "*": Mul, "/": Div}[sign](left, right)
    if isinstance(left, Num) and isinstance(right, Num):
        return Num(float(made.at(0.0)[0]))
    return made


@operator(form="+")
class Add(Curve):
    """Sum of two curves."""

    a: CurveLike = child(as_curve)
    b: CurveLike = child(as_curve)

    def values(self, t: Time) -> Floats:
        return t.value(self.a) + t.value(self.b)


@operator(form="-")
class Sub(Curve):
    """Difference of two curves."""

    a: CurveLike = child(as_curve)
    b: CurveLike = child(as_curve)

    def values(self, t: Time) -> Floats:
        return t.value(self.a) - t.value(self.b)


@operator(form="*")
class Mul(Curve):
    """Product of two curves."""

    a: CurveLike = child(as_curve)
    b: CurveLike = child(as_curve)

    def values(self, t: Time) -> Floats:
        return t.value(self.a) * t.value(self.b)


@operator(form="/")
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
    """0..1 mapped linearly to low..high."""

    of: CurveLike = child(as_curve)
    low: CurveLike = child(as_curve)
    high: CurveLike = child(as_curve)

    def values(self, t: Time) -> Floats:
        low, high = t.value(self.low), t.value(self.high)
        return low + (high - low) * t.value(self.of)


@operator(form="method")
class Rangex(Curve):
    """0..1 mapped exponentially to low..high."""

    of: CurveLike = child(as_curve)
    low: float = positive()
    high: float = positive()

    def values(self, t: Time) -> Floats:
        return self.low * (self.high / self.low) ** np.clip(t.value(self.of), -1e3, 1e3)


@operator(form="method")
class Quantise(Curve):
    """Rounded to equal steps."""

    of: CurveLike = child(as_curve)
    steps: int = whole(least=1, most=10_000)

    def values(self, t: Time) -> Floats:
        return np.rint(t.value(self.of) * self.steps) / self.steps


@operator(form="method")
class Smooth(Curve):
    """Averaged over a span, by 32 points of the midpoint rule."""

    asks = 32
    of: CurveLike = child(as_curve)
    beats: float = lasting()

    def values(self, t: Time) -> Floats:
        points = (np.arange(32) + 0.5) / 32 - 0.5
        total = np.zeros_like(t.beats)
        for point in points:
            total += t.at(t.beats + point * self.beats).value(self.of)
        return total / 32


@operator(form="method")
class Ease(Curve):
    """0..1 bent by a cubic."""

    of: CurveLike = child(as_curve)
    kind: Literal["in", "out", "inout"] = choice("in", "out", "inout")

    def values(self, t: Time) -> Floats:
        x = np.clip(t.value(self.of), 0.0, 1.0)
        if self.kind == "in":
            return x**3
        if self.kind == "out":
            return 1.0 - (1.0 - x) ** 3
        return x * x * (3.0 - 2.0 * x)


@operator(word="slow", form="method")
class Slowed(Curve):
    """Played slower by a factor."""

    of: CurveLike = child(as_curve)
    factor: Fraction = ratio()

    @property
    def span(self) -> float | None:
        inner = as_curve(self.of).span
        return None if inner is None else inner * float(self.factor)

    def values(self, t: Time) -> Floats:
        return t.slowed(self.factor).value(self.of)


def slowed(of: Curve, factor: Factor, word: str) -> Curve:
    """Return ``of.slow(factor)`` or ``of.fast(factor)``; two in a row make one."""
    by = slowing(of.factor if isinstance(of, Slowed) else Fraction(1), factor, word)
    base = as_curve(of.of) if isinstance(of, Slowed) else of
    return base if by == 1 else Slowed(base, by)


def slowing(inner: Fraction, factor: Any, word: str) -> Fraction:
    """Return the slowing that `inner` and one more ``slow(factor)`` or ``fast(factor)`` make."""
    by: Fraction = Ratio().coerce(factor, f"{word}: factor")
    product: Fraction = Ratio().coerce(
        inner * by if word != "fast" else inner / by, f"{word}: the product of factors"
    )
    return product


@operator(form="method")
class Early(Curve):
    """Shifted to sound earlier."""

    of: CurveLike = child(as_curve)
    beats: float = declared(Beats())

    def values(self, t: Time) -> Floats:
        return t.at(t.beats + self.beats).value(self.of)


@operator(word="seed", form="method")
class Reseed(Curve):
    """Its chances drawn from a seed of its own."""

    of: CurveLike = child(as_curve)
    n: int = whole()

    def values(self, t: Time) -> Floats:
        own = self.n if t.own is None else hashed(t.own, self.n)
        return replace(t, own=own).value(self.of)
