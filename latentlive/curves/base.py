"""What a curve is, and the words that every curve carries.

After Tidal's patterns: a curve *is* a function of time, and operators are a few lines each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlive.errors import ExpressionError
from latentlive.expr import Beats, Node
from latentlive.expr.fields import shown
from latentlive.units import Floats

LIMIT = 1e12
"""No curve leaves -LIMIT..LIMIT, and what would be no number is 0."""


Factor = float | Fraction | np.floating[Any]
"""What stretches time: a number, kept as a fraction."""


@dataclass(frozen=True)
class Time:
    """When a curve is asked: beats, the part of the whole length, and the seeds for chance.

    Parameters
    ----------
    beats : array [shape=(n,), beats]
    part : array [shape=(n,), 0..1] or None
        How far through the finite expression that carries the curve; None where it never ends.
    seed : int
        The performance's seed.
    own : int or None
        The seed that ``.seed(n)`` gave; None lets each node draw from its own digest.
    """

    beats: Floats
    part: Floats | None = None
    seed: int = 0
    own: int | None = None
    memo: dict[tuple[str, bytes], Floats] = field(default_factory=dict, repr=False, compare=False)

    def value(self, curve: CurveLike) -> Floats:
        """Return the curve's values here [shape=(n,)]; a shared curve is computed once."""
        node = as_curve(curve)
        key = (node.digest, self._key)
        found = self.memo.get(key)
        if found is None:
            with np.errstate(over="ignore", invalid="ignore"):
                found = np.clip(np.nan_to_num(node.values(self)), -LIMIT, LIMIT)
            self.memo[key] = found
        return found

    @property
    def _key(self) -> bytes:
        parts = b"" if self.part is None else self.part.tobytes()
        head = f"{self.own} {len(parts)} ".encode()
        return hashlib.blake2b(head + parts + self.beats.tobytes(), digest_size=16).digest()

    def at(self, beats: Floats, part: Floats | None = None) -> Time:
        """Return another time with the same seeds and memo."""
        return replace(self, beats=beats, part=self.part if part is None else part)

    def slowed(self, by: Fraction) -> Time:
        """Return the time at which a curve slowed `by` a factor is read."""
        part = None if self.part is None else self.part * by.denominator / by.numerator
        return self.at(self.beats * by.denominator / by.numerator, part)


class Curve(Node):
    """A function of beats to a number; it can be asked at any beat, in any order."""

    family = "curve"

    def values(self, t: Time) -> Floats:
        """Return the values at a time [shape=(n,)]; every operator defines this."""
        raise NotImplementedError

    @property
    def span(self) -> float | None:
        """The beats in which the curve tells its story once; None if it has no such length."""
        spans = [c.span for c in self.children if isinstance(c, Curve) and c.span is not None]
        return max(spans, default=None)

    def at(self, beats: ArrayLike, seed: int = 0) -> Floats:
        """Return the values at some beats.

        Parameters
        ----------
        beats : array [shape=(n,), beats]
        seed : int
            The performance's seed, for curves that draw by chance.

        Returns
        -------
        array [shape=(n,)]

        Example
        -------
        >>> line(0, 1, 4).at([0, 2, 8])
        array([0. , 0.5, 1. ])
        """
        asked = np.ascontiguousarray(np.atleast_1d(np.asarray(beats, np.float64)))
        return Time(asked, seed=seed).value(self)

    def __add__(self, other: CurveLike) -> Curve:
        return _combined("+", self, other)

    def __radd__(self, other: CurveLike) -> Curve:
        return _combined("+", other, self)

    def __sub__(self, other: CurveLike) -> Curve:
        return _combined("-", self, other)

    def __rsub__(self, other: CurveLike) -> Curve:
        return _combined("-", other, self)

    def __mul__(self, other: CurveLike) -> Curve:
        return _combined("*", self, other)

    def __rmul__(self, other: CurveLike) -> Curve:
        return _combined("*", other, self)

    def __truediv__(self, other: CurveLike) -> Curve:
        return _combined("/", self, other)

    def __rtruediv__(self, other: CurveLike) -> Curve:
        return _combined("/", other, self)

    def __neg__(self) -> Curve:
        return _combined("*", -1.0, self)

    def range(self, low: CurveLike, high: CurveLike) -> Curve:
        """Map 0 to `low` and 1 to `high`, linearly.

        Example
        -------
        >>> sine(8).range(-12, -6).at([0, 4])
        array([-12.,  -6.])
        """
        from latentlive.curves.operators import Range

        return Range(self, low, high)

    def rangex(self, low: float, high: float) -> Curve:
        """Map 0 to `low` and 1 to `high`, exponentially; both must be above 0.

        Example
        -------
        >>> saw(4).rangex(1, 100).at([2])
        array([10.])
        """
        from latentlive.curves.operators import Rangex

        return Rangex(self, low, high)

    def quantise(self, steps: int) -> Curve:
        """Round to the nearest of `steps` equal steps to the unit (1 to 10000).

        Example
        -------
        >>> saw(1).quantise(4).at([0.3])
        array([0.25])
        """
        from latentlive.curves.operators import Quantise

        return Quantise(self, steps)

    def smooth(self, beats: float) -> Curve:
        """Average over a span of `beats` (> 0) around each moment.

        Example
        -------
        >>> square(8).smooth(2).at([4])
        array([0.5])
        """
        from latentlive.curves.operators import Smooth

        return Smooth(self, beats)

    def ease(self, kind: Literal["in", "out", "inout"]) -> Curve:
        """Bend 0..1: 'in' starts slowly, 'out' ends slowly, 'inout' does both (cubic).

        Example
        -------
        >>> line(0, 1, 2).ease("in").at([1])
        array([0.125])
        """
        from latentlive.curves.operators import Ease

        return Ease(self, kind)

    def slow(self, factor: Factor) -> Curve:
        """Play `factor` (> 0) times slower.

        Example
        -------
        >>> sine(4).slow(2).at([4])
        array([1.])
        """
        from latentlive.curves.operators import slowed

        return slowed(self, factor, "slow")

    def fast(self, factor: Factor) -> Curve:
        """Play `factor` (> 0) times faster; ``fast(k)`` undoes ``slow(k)``.

        Example
        -------
        >>> sine(8).fast(2).at([2])
        array([1.])
        """
        from latentlive.curves.operators import slowed

        return slowed(self, factor, "fast")

    def early(self, beats: float) -> Curve:
        """Shift to sound `beats` earlier.

        Example
        -------
        >>> sine(8).early(4).at([0])
        array([1.])
        """
        from latentlive.curves.operators import Early

        return Early(self, beats)

    def late(self, beats: float) -> Curve:
        """Shift to sound `beats` later.

        Example
        -------
        >>> sine(8).late(4).at([4])
        array([0.])
        """
        from latentlive.curves.operators import Early

        return Early(self, -_beats(beats, "late: beats"))

    def seed(self, n: int) -> Curve:
        """Draw every random curve in here from seed `n` (0 to 2**63 - 1).

        Curves with the same seed share their chances; with different seeds they part.

        Example
        -------
        >>> bool(rand(1).seed(1).at([0.5]) == rand(1).seed(2).at([0.5]))
        False
        """
        from latentlive.curves.operators import Reseed

        return Reseed(self, n)


CurveLike = Curve | float | Sequence[float] | NDArray[np.floating[Any] | np.integer[Any]]
"""A curve, a number (the same at every beat), or an array (stretched over the whole length)."""


def _combined(sign: str, a: CurveLike, b: CurveLike) -> Curve:
    from latentlive.curves.operators import folded

    made: Curve = folded(sign, a, b)
    return made


def hashed(*parts: object) -> int:
    """Return 63 bits of digest of some plain values: keys for everything drawn by chance."""
    text = "/".join(str(p) for p in parts).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


def as_curve(value: Any, place: str = "curve") -> Curve:
    """Return the curve that a value is or stands for."""
    from latentlive.curves.operators import Num

    if isinstance(value, Curve):
        return value
    if isinstance(value, np.ndarray | list | tuple) and np.ndim(value) > 0:
        from latentlive.curves.shapes import Fit

        return Fit(value)
    if isinstance(value, bool | str | Node) or value is None:
        raise ExpressionError(f"{place} must be a curve, a number or an array, got {shown(value)}")
    try:
        return Num(value)
    except ExpressionError:
        raise ExpressionError(
            f"{place} must be a curve, a finite number or an array, got {shown(value)}"
        ) from None


def _beats(value: Any, place: str) -> float:
    beats: float = Beats().coerce(value, place)
    return beats
