"""Operators on time: stretching and looping."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from latentlive.curves import slowing
from latentlive.errors import ExpressionError
from latentlive.expr import child, operator, ratio, whole
from latentlive.latent.base import Latent, Latents, Length, Query, Scope, as_latent
from latentlive.units import Floats


@operator(form="method")
class Extend(Latent):
    """Lasts longer; the curves stay as they are in what is heard."""

    of: Latent = child(as_latent)
    factor: Fraction = ratio()

    def length(self, scope: Scope) -> Length:
        return scope.stretched(self.factor).length(self.of) * self.factor

    def at(self, query: Query) -> Latents:
        return _rewound(query, self.factor, query.beats).latents(self.of)


@operator(form="method")
class Slow(Latent):
    """Lasts longer, curves and all."""

    of: Latent = child(as_latent)
    factor: Fraction = ratio()

    def length(self, scope: Scope) -> Length:
        return scope.stretched(self.factor).length(self.of) * self.factor

    def at(self, query: Query) -> Latents:
        beats = query.beats * self.factor.denominator / self.factor.numerator
        return _rewound(query, self.factor, beats).latents(self.of)


def _rewound(query: Query, factor: Fraction, beats: Floats) -> Query:
    frames = query.frames * factor.denominator / factor.numerator
    return query.at(frames, beats, scope=query.scope.stretched(factor))


def extended(of: Latent, factor: float) -> Latent:
    """Return ``of.extend(factor)``; two in a row make one, a factor of 1 none."""
    by = slowing(of.factor if isinstance(of, Extend) else Fraction(1), factor, "extend")
    base = of.of if isinstance(of, Extend) else of
    return base if by == 1 else Extend(base, by)


def slowed(of: Latent, factor: float, word: str) -> Latent:
    """Return ``of.slow(factor)`` or ``of.fast(factor)``; two in a row make one."""
    by = slowing(of.factor if isinstance(of, Slow) else Fraction(1), factor, word)
    base = of.of if isinstance(of, Slow) else of
    return base if by == 1 else Slow(base, by)


@operator(form="method")
class Loop(Latent):
    """Plays n times; 0 stands for ever."""

    of: Latent = child(as_latent)
    n: int = whole("times", default=0)

    def length(self, scope: Scope) -> Length:
        once = scope.length(self.of)
        if math.isinf(once):
            raise ExpressionError(f"loop: {self.of!r} never ends, so it cannot be looped")
        return once * self.n if self.n else math.inf

    def at(self, query: Query) -> Latents:
        once = float(query.scope.length(self.of))
        turn = np.floor(query.frames / once)
        last = self.n - 1 if self.n else math.inf
        turn = np.clip(turn, 0, last)
        wrap = (query.frames >= 0) & ((turn < last) | query.wrap)
        return query.at(query.frames - turn * once, wrap=wrap).latents(self.of)
