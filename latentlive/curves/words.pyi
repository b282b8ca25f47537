"""Written by docs/make_words.py."""

from typing import Literal

from latentlive.curves.base import Curve, CurveLike, Factor

class Words:
    def __add__(self, other: CurveLike) -> Curve:
        """Sum of two curves."""
    def __radd__(self, other: CurveLike) -> Curve:
        """Sum of two curves."""
    def __sub__(self, other: CurveLike) -> Curve:
        """Difference of two curves."""
    def __rsub__(self, other: CurveLike) -> Curve:
        """Difference of two curves."""
    def __mul__(self, other: CurveLike) -> Curve:
        """Product of two curves."""
    def __rmul__(self, other: CurveLike) -> Curve:
        """Product of two curves."""
    def __truediv__(self, other: CurveLike) -> Curve:
        """Quotient of two curves; 0 where the divisor is 0."""
    def __rtruediv__(self, other: CurveLike) -> Curve:
        """Quotient of two curves; 0 where the divisor is 0."""
    def range(self, low: CurveLike, high: CurveLike) -> Curve:
        """Map 0 to `low` and 1 to `high`, linearly."""
    def rangex(self, low: float, high: float) -> Curve:
        """Map 0 to `low` and 1 to `high`, exponentially; both must be above 0."""
    def quantise(self, steps: int) -> Curve:
        """Round to the nearest of `steps` equal steps to the unit (1 to 10000)."""
    def smooth(self, beats: float) -> Curve:
        """Average over `beats` (> 0) around each moment, of what arrives live before it."""
    def lag(self, seconds: float) -> Curve:
        """Follow slowly: 63 % of the way to a new value in `seconds` (> 0, at most 5)."""
    def ease(self, kind: Literal["in", "out", "inout"]) -> Curve:
        """Bend 0..1: 'in' starts slowly, 'out' ends slowly, 'inout' does both (cubic)."""
    def slow(self, factor: Factor) -> Curve:
        """Play `factor` (> 0) times slower."""
    def fast(self, factor: Factor) -> Curve:
        """Play `factor` (> 0) times faster; ``fast(k)`` undoes ``slow(k)``."""
    def early(self, beats: float) -> Curve:
        """Shift to sound `beats` earlier."""
    def late(self, beats: float) -> Curve:
        """Shift to sound `beats` later."""
    def seed(self, n: int) -> Curve:
        """Draw every random curve inside from seed `n` (0 to 2**63 - 1)."""
