"""Operators on time: stretching, looping, cutting, turning round."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from latentlive.curves import CurveLike, Factor, as_curve, slowing
from latentlive.errors import ExpressionError
from latentlive.expr import Beats, Children, child, declared, number, operator, ratio, whole
from latentlive.latent.base import Latent, LatentLike, as_latent
from latentlive.latent.query import Latents, Length, Query, Scope
from latentlive.units import Floats


def finite(scope: Scope, of: LatentLike, word: str) -> Fraction:
    """Return a length, or raise ExpressionError if `of` never ends."""
    length = scope.length(of)
    if not isinstance(length, Fraction):
        raise ExpressionError(f"{word}: {of!r} never ends, so it has no whole; slice it first")
    return length


@operator(form="method")
class Extend(Latent):
    """Lasts longer; the curves stay as they are in what is heard."""

    of: Latent = child(as_latent)
    factor: Fraction = ratio()

    def length(self, scope: Scope) -> Length:
        return scope.stretched(self.factor, beats_too=False).length(self.of) * self.factor

    def at(self, query: Query) -> Latents:
        frames = query.frames * self.factor.denominator / self.factor.numerator
        scope = query.scope.stretched(self.factor, beats_too=False)
        return query.at(frames, scope=scope, room=_shrunk(query, self.factor)).latents(self.of)


@operator(form="method")
class Slow(Latent):
    """Lasts longer, curves and all."""

    of: Latent = child(as_latent)
    factor: Fraction = ratio()

    def length(self, scope: Scope) -> Length:
        return scope.stretched(self.factor, beats_too=True).length(self.of) * self.factor

    def at(self, query: Query) -> Latents:
        up, down = self.factor.numerator, self.factor.denominator
        scope = query.scope.stretched(self.factor, beats_too=True)
        frames, beats = query.frames * down / up, query.beats * down / up
        there = query.at(frames, beats, scope=scope, room=_shrunk(query, self.factor))
        return there.latents(self.of)


def _shrunk(query: Query, factor: Fraction) -> Floats | None:
    """Return a query's room in frames of what is stretched."""
    return None if query.room is None else query.room / float(factor)


def extended(of: Latent, factor: Factor) -> Latent:
    """Return ``of.extend(factor)``; two in a row make one, a factor of 1 none."""
    by = slowing(of.factor if isinstance(of, Extend) else Fraction(1), factor, "extend")
    base = of.of if isinstance(of, Extend) else of
    return base if by == 1 else Extend(base, by)


def slowed(of: Latent, factor: Factor, word: str) -> Latent:
    """Return ``of.slow(factor)`` or ``of.fast(factor)``; two in a row make one."""
    by = slowing(of.factor if isinstance(of, Slow) else Fraction(1), factor, word)
    base = of.of if isinstance(of, Slow) else of
    return base if by == 1 else Slow(base, by)


@operator(form="method")
class Loop(Latent):
    """Plays n times; 0 stands for ever."""

    of: Latent = child(as_latent)
    n: int = whole("times", default=0, most=10**6)

    def length(self, scope: Scope) -> Length:
        last = finite(scope, self.of, "loop")
        if not self.n:
            return math.inf
        return finite(scope.whole, self.of, "loop") * (self.n - 1) + last

    def at(self, query: Query) -> Latents:
        once = float(query.scope.length(self.of))
        turn = np.floor(query.frames / once)
        last = self.n - 1 if self.n else math.inf
        turn = np.clip(turn, 0, last)
        wrap = (query.frames >= 0) & ((turn < last) | query.wrap)
        if query.world.exact:
            wrap = np.zeros_like(wrap)  # each turn is padded to whole windows, as the first is
        return query.at(query.frames - turn * once, wrap=wrap).latents(self.of)


@operator(form="method")
class Rev(Latent):
    """Runs backwards, frame by frame, curves and all."""

    of: Latent = child(as_latent)

    def length(self, scope: Scope) -> Length:
        return finite(scope.whole, self.of, "rev")

    def at(self, query: Query) -> Latents:
        last = float(query.scope.length(self.of)) - 1.0
        frames = last - query.frames
        beats = query.beats + (frames - query.frames) / query.scope.beat_frames
        return query.at(frames, beats).latents(self.of)


@operator(form="method")
class Slice(Latent):
    """From one second to another."""

    of: Latent = child(as_latent)
    start: float = number("seconds", least=0.0, most=1e9)
    stop: float = number("seconds", least=0.0, most=1e9)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stop <= self.start:
            raise ExpressionError(
                f"slice: stop must be after start {self.start:g} seconds, got {self.stop:g}"
            )

    def length(self, scope: Scope) -> Length:
        whole, world = scope.length(self.of), scope.world
        start, stop = world.frames(self.start), world.frames(self.stop)
        if whole <= start:
            seconds = float(whole / world.frames(1.0))
            raise ExpressionError(
                f"slice: start must be before the end at {seconds:.2f} seconds, got {self.start:g}"
            )
        return max(min(whole, stop) - start, Fraction(1, world.window))

    def at(self, query: Query) -> Latents:
        return query.at(query.frames + float(query.world.frames(self.start))).latents(self.of)


@operator(form="method")
class Early(Latent):
    """Begins some beats into itself, or, where negative, later."""

    of: Latent = child(as_latent)
    beats: float = declared(Beats())

    def length(self, scope: Scope) -> Length:
        whole = scope.length(self.of)
        if not isinstance(whole, Fraction):
            return whole
        left = whole - Fraction(self.beats * scope.beat_frames).limit_denominator(2**20)
        if left <= 0:
            raise ExpressionError(
                f"early: nothing is left after {self.beats:g} beats; "
                f"it lasts {float(whole) / scope.beat_frames:.2f}"
            )
        return left

    def at(self, query: Query) -> Latents:
        frames = query.frames + self.beats * query.scope.beat_frames
        there = query.at(frames, query.beats + self.beats)
        if self.beats >= 0:
            return there.latents(self.of)
        mean, std = there.latents(self.of)
        # A source that has no beginning must be silent before it, as a recording is.
        waiting = (frames <= -1.0)[:, None]
        quiet = query.world.silence()
        return Latents(np.where(waiting, quiet.mean, mean), np.where(waiting, quiet.std, std))


@operator(form="method")
class Freeze(Latent):
    """Stays at one moment."""

    of: Latent = child(as_latent)
    second: float = number("seconds", least=0.0, most=1e9)

    def length(self, scope: Scope) -> Length:
        scope.length(self.of)
        return math.inf

    def at(self, query: Query) -> Latents:
        return query.at(np.full_like(query.frames, float(query.world.frames(self.second)))).latents(
            self.of
        )


@operator(form="method")
class Scrub(Latent):
    """Goes where a curve says."""

    of: Latent = child(as_latent)
    curve: CurveLike = child(as_curve)

    def length(self, scope: Scope) -> Length:
        finite(scope, self.of, "scrub")
        return math.inf

    def at(self, query: Query) -> Latents:
        last = max(float(query.scope.length(self.of)) - 1.0, 0.0)
        where = np.clip(query.curve(self.curve, self), 0.0, 1.0) * last
        return query.at(where).latents(self.of)


@operator(word="cat", form="spread")
class Cat(Latent):
    """See `cat`."""

    items: Sequence[LatentLike] = declared(Children(as_latent))

    def length(self, scope: Scope) -> Length:
        ends = [finite(scope.whole, item, "cat") for item in self.items[:-1]]
        return sum(ends, Fraction(0)) + scope.length(self.items[-1])

    def at(self, query: Query) -> Latents:
        lengths = [float(query.scope.length(item)) for item in self.items]
        starts = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
        index = np.clip(np.searchsorted(starts, query.frames, side="right") - 1, 0, None)
        shape = (len(query.frames), query.world.dims)
        mean, std = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for i in np.unique(index):
            here = index == i
            there = query.only(here)
            mean[here], std[here] = there.at(there.frames - starts[i]).latents(self.items[i])
        return Latents(mean, std)


def cat(*items: LatentLike) -> Latent:
    """Play several latents one after the other; only the last may be endless.

    Example
    -------
    >>> cat(sound("gong"), sound("rain").extend(2))
    cat(sound('gong'), sound('rain').extend(2))
    """
    return Cat(items)
