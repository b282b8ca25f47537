"""Operators on time: stretch, loop, slice, reverse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from latentlive.curves import CurveLike, Factor, as_curve, slowing
from latentlive.errors import ExpressionError
from latentlive.expr import (
    Beats,
    Children,
    Whole,
    child,
    declared,
    method_of,
    number,
    operator,
    ratio,
    whole,
)
from latentlive.latent.base import Latent, LatentLike
from latentlive.latent.query import Latents, Length, Query, Scope
from latentlive.latent.sources import as_latent


def finite(scope: Scope, of: LatentLike, word: str) -> Fraction:
    """Return a length, or raise ExpressionError if `of` never ends."""
    length = scope.length(of)
    if not isinstance(length, Fraction):
        raise ExpressionError(f"{word}: {of!r} never ends, so it has no whole; slice it first")
    return length


def _extend(self: Latent, factor: Factor) -> Latent:
    of, inner = (self.of, self.factor) if isinstance(self, Extend) else (self, Fraction(1))
    by = slowing(inner, factor, "extend")
    return of if by == 1 else Extend(of, by)


@operator(form="method", make=_extend)
class Extend(Latent):
    """Last `factor` (> 0) times longer; the curves keep their speed.

    Reads the sources by re-windowing the real audio at each position (strategy 3 of
    Tatar et al., SMC 2023).

    Example
    -------
    >>> sound("gong").extend(2).extend(2)
    sound('gong').extend(4)
    """

    of: Latent = child(as_latent)
    factor: Fraction = ratio()

    def length(self, scope: Scope) -> Length:
        return scope.stretched(self.factor, beats_too=False).length(self.of) * self.factor

    def at(self, query: Query) -> Latents:
        frames = query.frames * self.factor.denominator / self.factor.numerator
        scope = query.scope.stretched(self.factor, beats_too=False)
        return query.at(frames, scope=scope).shrunk(self.factor).latents(self.of)


def _slowed(of: Latent, factor: Factor, word: str) -> Latent:
    """Fold two slowings in a row into one, and drop a factor of 1."""
    of, inner = (of.of, of.factor) if isinstance(of, Slow) else (of, Fraction(1))
    by = slowing(inner, factor, word)
    return of if by == 1 else Slow(of, by)


def _slow(self: Latent, factor: Factor) -> Latent:
    return _slowed(self, factor, "slow")


@operator(form="method", make=_slow)
class Slow(Latent):
    """Last `factor` (> 0) times longer; slow the curves too.

    Example
    -------
    >>> sound("gong").slow(1 / 3)
    sound('gong').slow(1/3)
    """

    of: Latent = child(as_latent)
    factor: Fraction = ratio()

    def length(self, scope: Scope) -> Length:
        return scope.stretched(self.factor, beats_too=True).length(self.of) * self.factor

    def at(self, query: Query) -> Latents:
        up, down = self.factor.numerator, self.factor.denominator
        scope = query.scope.stretched(self.factor, beats_too=True)
        frames, beats = query.frames * down / up, query.beats * down / up
        since = None if query.since is None else query.since * down / up
        there = query.at(frames, beats, scope=scope, since=since)
        return there.shrunk(self.factor).latents(self.of)


@method_of(Latent)
def fast(self: Latent, factor: Factor) -> Latent:
    """Last `factor` (> 0) times shorter; speed up the curves too. Undoes ``slow``.

    Example
    -------
    >>> sound("gong").slow(3).fast(3)
    sound('gong')
    """
    return _slowed(self, factor, "fast")


def _loop(self: Latent, n: int | None = None) -> Latent:
    return Loop(self, 0) if n is None else Loop(self, _times(n))


def _times(n: int) -> int:
    times: int = Whole("times", least=1, most=10**6).coerce(n, "loop: n")
    return times


@operator(form="method", make=_loop)
class Loop(Latent):
    """Play `n` (>= 1) times, or for ever without a number; the curves' clock runs on.

    Example
    -------
    >>> sound("gong").loop(3)
    sound('gong').loop(3)
    """

    of: Latent = child(as_latent)
    n: int = whole("times", default=0, most=10**6)

    def length(self, scope: Scope) -> Length:
        once = finite(scope, self.of, "loop")
        return once * self.n if self.n else math.inf

    def at(self, query: Query) -> Latents:
        once = float(query.scope.length(self.of))
        turn = np.floor(query.frames / once)
        last = self.n - 1 if self.n else math.inf
        turn = np.clip(turn, 0, last)
        wrap = (query.frames >= 0) & ((turn < last) | query.wrap)
        again = (turn > 0) | query.after(query.scope.length(self))
        before = np.where(again, once, 0.0)
        there = query.at(query.frames - turn * once, wrap=wrap, before=before).within(once)
        return there.latents(self.of)


def _rev(self: Latent) -> Latent:
    return self.of if isinstance(self, Rev) else Rev(self)


@operator(form="method", make=_rev)
class Rev(Latent):
    """Play backwards, frame by frame, curves included; needs an end.

    Example
    -------
    >>> sound("gong").rev().rev()
    sound('gong')
    """

    of: Latent = child(as_latent)

    def length(self, scope: Scope) -> Length:
        return finite(scope, self.of, "rev")

    def at(self, query: Query) -> Latents:
        length = query.scope.length(self.of)
        frames = float(length) - 1.0 - query.frames
        beats = query.beats + (frames - query.frames) / query.scope.beat_frames
        # Reversed, the next frame is the one before: swap wrap and before.
        before = np.where(query.wrap, float(length), 0.0)
        there = query.elsewhere(frames, beats, wrap=query.after(length), before=before)
        return there.apart().latents(self.of)


@operator(form="method")
class Slice(Latent):
    """Play from second `start` to second `stop` only (0 <= start < stop).

    Seconds of the sliced recording, at any tempo and in any space.

    Example
    -------
    >>> sound("gong").slice(0.5, 2)
    sound('gong').slice(0.5, 2)
    """

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
        again = query.after(query.scope.length(self))
        if query.wrap.any() or again.any():
            return query.meeting(self, query.wrap, self, again, self)
        return self.source(query).latents(self.of)

    def source(self, query: Query) -> Query:
        """Return the query of the sliced latent."""
        return query.at(query.frames + float(query.world.frames(self.start)))


@operator(form="method")
class Early(Latent):
    """Begin `beats` into the latent, curves included.

    Example
    -------
    >>> sound("gong").early(2)
    sound('gong').early(2)
    """

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
        # An endless source must be silent before its start, as a recording is.
        waiting = (frames <= -1.0)[:, None]
        quiet = query.world.silence()
        return Latents(np.where(waiting, quiet.mean, mean), np.where(waiting, quiet.std, std))


@method_of(Latent)
def late(self: Latent, beats: float) -> Latent:
    """Begin `beats` later, curves included, after silence.

    Example
    -------
    >>> sound("gong").late(2)
    sound('gong').early(-2)
    """
    shift: float = Beats().coerce(beats, "late: beats")
    return Early(self, -shift)


def _freeze(self: Latent, at: float) -> Latent:
    return Freeze(self, at)


@operator(form="method", make=_freeze)
class Freeze(Latent):
    """Hold the moment at second `at` (>= 0) for ever.

    Example
    -------
    >>> sound("gong").freeze(0.3)
    sound('gong').freeze(0.3)
    """

    of: Latent = child(as_latent)
    second: float = number("seconds", least=0.0, most=1e9)

    def length(self, scope: Scope) -> Length:
        scope.length(self.of)
        return math.inf

    def at(self, query: Query) -> Latents:
        second = np.full_like(query.frames, float(query.world.frames(self.second)))
        return query.at(second, before=None).apart().latents(self.of)


@operator(form="method")
class Scrub(Latent):
    """Follow a curve for ever: 0 is the first frame, 1 the last; needs an end.

    Example
    -------
    >>> sound("gong").scrub(perlin(4))
    sound('gong').scrub(perlin(4))
    """

    of: Latent = child(as_latent)
    curve: CurveLike = child(as_curve)

    def length(self, scope: Scope) -> Length:
        finite(scope, self.of, "scrub")
        return math.inf

    def at(self, query: Query) -> Latents:
        last = max(float(query.scope.length(self.of)) - 1.0, 0.0)
        where = np.clip(query.curve(self.curve, self), 0.0, 1.0) * last
        return query.at(where, before=None).apart().latents(self.of)


@operator(word="cat", form="spread")
class Cat(Latent):
    """See `cat`."""

    items: Sequence[LatentLike] = declared(Children(as_latent))

    def length(self, scope: Scope) -> Length:
        ends = [finite(scope, item, "cat") for item in self.items[:-1]]
        return sum(ends, Fraction(0)) + scope.length(self.items[-1])

    def at(self, query: Query) -> Latents:
        items, last = self.items, len(self.items) - 1
        lengths = [float(query.scope.length(item)) for item in items]
        starts = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
        middles = query.frames + query.middle
        index = np.clip(np.searchsorted(starts, middles, side="right") - 1, 0, None)
        again = query.after(query.scope.length(self))
        shape = (len(query.frames), query.world.dims)
        mean, std = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for i in np.unique(index):
            here = index == i
            there, mid = query.only(here), np.full(np.sum(here), True)
            mean[here], std[here] = there.at(there.frames - starts[i]).meeting(
                items[i],
                mid if i < last else there.wrap,
                items[(i + 1) % len(items)],
                mid if i else again[here],
                items[i - 1],
            )
        return Latents(mean, std)


def cat(*items: LatentLike) -> Latent:
    """Play several latents one after the other; only the last may be endless.

    Example
    -------
    >>> cat(sound("gong"), sound("rain").extend(2))
    cat(sound('gong'), sound('rain').extend(2))
    """
    return Cat(items)
