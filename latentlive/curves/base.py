"""The base of all curves; operators attach the words that every curve carries.

After Tidal's patterns: a curve *is* a function of time, and operators are a few lines each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlive.curves.tapes import Clock, Heard
from latentlive.curves.words import Words
from latentlive.expr import Node
from latentlive.units import Floats

LIMIT = 1e12
"""Every curve stays in -LIMIT..LIMIT, and NaN becomes 0."""


Factor = float | Fraction | np.floating[Any]
"""A factor of time, kept as a fraction."""


@dataclass(frozen=True)
class Time:
    """The query of a curve: beats, the part of the whole length, and the seeds for chance.

    Parameters
    ----------
    beats : array [shape=(n,), beats]
    part : array [shape=(n,), 0..1] or None
        How far through the finite expression that carries the curve; None where it never ends.
    seed : int
        The performance's seed.
    own : int or None
        The seed of ``.seed(n)``; with None each node draws from its own digest.
    clock : Clock or None
        The layer's clock, for what is read live or looks back in seconds; None where nobody plays.
    """

    beats: Floats
    part: Floats | None = None
    seed: int = 0
    own: int | None = None
    clock: Clock | None = None
    memo: dict[tuple[str, bytes], Floats] = field(default_factory=dict, repr=False, compare=False)

    def value(self, curve: CurveLike) -> Floats:
        """Return the curve's values here [shape=(n,)]; a shared curve is computed once."""
        node = cast("Curve", curve)  # fields hold nodes: `coerce` has converted them
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
        clock = b"" if self.clock is None else self.clock.samples.tobytes()
        key = head + parts + self.beats.tobytes() + clock
        return hashlib.blake2b(key, digest_size=16).digest()

    def at(self, beats: Floats, part: Floats | None = None) -> Time:
        """Return another time with the same seeds and memo."""
        return replace(self, beats=beats, part=self.part if part is None else part)

    def moved(self, beats: float, behind: float = 0.0) -> Time:
        """Return the time `beats` later; what is read live lies `behind` beats (>= 0) earlier."""
        clock = self.clock.back_by_beats(behind) if self.clock and behind else self.clock
        return replace(self, beats=self.beats + beats, clock=clock)

    def back(self, seconds: float) -> Time:
        """Return the time some seconds earlier; a beat is a second where no clock runs."""
        if self.clock is None:
            return replace(self, beats=self.beats - seconds)
        clock = self.clock.back(seconds * self.clock.tempo.sample_rate)
        beats = self.clock.tempo.beats
        passed = beats(self.clock.samples) - beats(clock.samples)
        return replace(self, beats=self.beats - passed, clock=clock)

    def live(self, curve: Heard) -> Floats:
        """Return the values of a live curve here [shape=(n,)]: its start where nothing arrives."""
        if self.clock is None:
            return np.full(self.beats.shape, float(curve.start))
        return self.clock.read(curve)

    def slowed(self, by: Fraction) -> Time:
        """Return the time at which to read a curve slowed `by` a factor."""
        part = None if self.part is None else self.part * by.denominator / by.numerator
        return self.at(self.beats * by.denominator / by.numerator, part)


class Curve(Words, Node):
    """A function of beats to a number, evaluated at any beat, in any order."""

    family = "curve"

    def values(self, t: Time) -> Floats:
        """Return the values at a time [shape=(n,)]; every operator defines this."""
        raise NotImplementedError

    @property
    def span(self) -> float | None:
        """The curve's own length in beats; None if it has none."""
        spans = [c.span for c in self.children if isinstance(c, Curve) and c.span is not None]
        return max(spans, default=None)

    def at(self, beats: ArrayLike, seed: int = 0) -> Floats:
        """Return the values at the given beats.

        Parameters
        ----------
        beats : array [shape=(n,), beats]
        seed : int
            The performance's seed, for random curves.

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

    def __neg__(self) -> Curve:
        return -1.0 * self


CurveLike = Curve | float | Sequence[float] | NDArray[np.floating[Any] | np.integer[Any]]
"""A curve, a number (constant), or an array (stretched over the whole length)."""


def hashed(*parts: object) -> int:
    """Return 63 bits of digest of plain values: a key for random draws."""
    text = "/".join(str(p) for p in parts).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1
