"""Operators on several latents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import CurveLike, as_curve
from latentlive.errors import ExpressionError
from latentlive.expr import Children, child, choice, declared, number, operator
from latentlive.latent.base import Latent, LatentLike
from latentlive.latent.query import Latents, Length, Query, Scope
from latentlive.latent.sources import as_latent
from latentlive.units import Floats

F32 = NDArray[np.float32]

BEYOND = np.float32(0.5)
"""How far a curve can extrapolate past 0 and 1. Further out, sound is loud and noisy: at 1 beyond,
real pairs of sounds came out up to 14 dB above their inputs, at 0.5 up to 11."""


def _held(c: F32) -> F32:
    """Return amounts that continue smoothly past 0 and 1, by less than BEYOND."""
    near = np.clip(c, 0.0, 1.0)
    return np.where(c == near, c, near + BEYOND * np.tanh((c - near) / BEYOND)).astype(np.float32)


def lerp(a: F32, b: F32, c: F32) -> F32:
    """Mix so that c=0 gives a, c=1 gives b, and equal sides stay the same, bit for bit."""
    mixed = b - a
    mixed *= c
    mixed += a
    there = c[:, 0] == 1.0
    if there.any():
        mixed[there] = b[there]
    return mixed


def _mixed(a: Latents, b: Latents, c: F32, law: str = "std") -> Latents:
    """Return ``(1 - c) a + c b`` [c: shape=(n, 1)], kept within or near the two sides."""
    return Latents(lerp(a.mean, b.mean, _held(c)), spread(a, b, np.clip(c, 0.0, 1.0), law))


def spread(a: Latents, b: Latents, c: F32, law: str) -> F32:
    """Return the std between `a` and `b` [c: shape=(n, 1)] by one of the laws of `Interp`."""
    if law == "std":
        return lerp(a.std, b.std, c)
    # A point has no spread and so no log-variance; use the least one.
    least = np.float32(1e-12)
    log_a, log_b = np.log(np.maximum(a.std, least)), np.log(np.maximum(b.std, least))
    ends = np.where(c == 1.0, b.std, np.exp(lerp(log_a, log_b, c)))
    return np.where(c == 0.0, a.std, ends)


class Pair(Latent):
    """An operator on two latents, as long as the shorter."""

    a: LatentLike
    b: LatentLike

    def length(self, scope: Scope) -> Length:
        return min(scope.length(self.a), scope.length(self.b))


@operator
class Interp(Pair):
    """Go from `a` to `b`: exactly `a` where the curve is 0, exactly `b` where it is 1.

    Parameters
    ----------
    a, b : Latent
    curve : curve, number or array
        The amount of `b`; outside 0..1 it extrapolates. An array stretches over the whole.
    match : 'crop' or 'repeat'
        Crop to the shorter, or repeat the shorter; an endless side never crops.
    law : 'std' or 'logvar'
        Interpolate the std linearly, as in the paper, or the log-variance, as in the paper's
        code.

    Returns
    -------
    Latent
        ``(1 - c) a + c b``. Outside 0..1 the spread is that of the nearer end and the mean
        continues smoothly, at most half the distance between the ends.

    Example
    -------
    >>> interp(sound("gong"), sound("rain"), curve=sine(8))
    interp(sound('gong'), sound('rain'), sine(8))

    Source: Tatar, Cotton, Bisig (SMC 2023), strategies 1 and 2.
    """

    a: LatentLike = child(as_latent)
    b: LatentLike = child(as_latent)
    curve: CurveLike = child(as_curve, default=0.5)
    match: Literal["crop", "repeat"] = choice("crop", "repeat", default="crop")
    law: Literal["std", "logvar"] = choice("std", "logvar", default="std")

    def length(self, scope: Scope) -> Length:
        lengths = scope.length(self.a), scope.length(self.b)
        return min(lengths) if self.match == "crop" else max(lengths)

    def at(self, query: Query) -> Latents:
        a, b = (self.side(query, side, query.scope) for side in (self.a, self.b))
        return _mixed(a, b, amount(query, self.curve, self), self.law)

    def side(self, query: Query, side: LatentLike, scope: Scope) -> Latents:
        """Return the latents of one side, repeated if `match` says so; `scope` has the lengths."""
        once = scope.length(side)
        if self.match == "crop" or math.isinf(once) or once >= scope.length(self):
            return query.latents(side)
        turn = np.maximum(np.floor(query.frames / float(once)), 0.0)
        wrap, before = query.frames >= 0, np.where(turn > 0, float(once), 0.0)
        there = query.at(query.frames - turn * float(once), wrap=wrap, before=before)
        return there.latents(side)


def amount(query: Query, curve: CurveLike, carrier: Latent) -> F32:
    """Return the values of a curve of `carrier`, as factors of vectors [shape=(n, 1)]."""
    return query.curve(curve, carrier)[:, None].astype(np.float32)


@operator
class Slerp(Pair):
    """Go from `a` to `b` on a great circle: the mean keeps its length on the way.

    Parameters
    ----------
    a, b : Latent
    curve : curve, number or array
        The amount of `b`, kept within 0..1.

    Example
    -------
    >>> slerp(sound("gong"), sound("rain"), sine(8))
    slerp(sound('gong'), sound('rain'), sine(8))

    Source: Shoemake: Animating Rotation with Quaternion Curves (SIGGRAPH 1985).
    """

    a: LatentLike = child(as_latent)
    b: LatentLike = child(as_latent)
    curve: CurveLike = child(as_curve, default=0.5)

    def at(self, query: Query) -> Latents:
        if query.world.linear:
            raise ExpressionError(
                f"slerp: the space {query.world.space!r} mixes in straight lines only; write interp"
            )
        c = np.clip(amount(query, self.curve, self), 0.0, 1.0)
        a, b = query.latents(self.a), query.latents(self.b)
        long_a, long_b = _norm(a.mean), _norm(b.mean)
        with np.errstate(divide="ignore", invalid="ignore"):
            cosine = np.sum(a.mean * b.mean, axis=1, keepdims=True) / (long_a * long_b)
            angle = np.arccos(np.clip(cosine, -1.0, 1.0))
            turned = (
                np.sin((1 - c) * angle) * (a.mean / long_a) + np.sin(c * angle) * (b.mean / long_b)
            ) / np.sin(angle)
        straight = lerp(a.mean, b.mean, c)
        # Parallel, opposite or zero means have no unique great circle.
        curved = np.isfinite(turned).all(axis=1, keepdims=True) & (np.sin(angle) > 1e-3)
        mean = np.where(curved, turned * lerp(long_a, long_b, c), straight)
        ends = np.where(c == 0.0, a.mean, np.where(c == 1.0, b.mean, mean))
        return Latents(ends.astype(np.float32), lerp(a.std, b.std, c))


def _norm(mean: F32) -> F32:
    long: F32 = np.sqrt(np.sum(mean * mean, axis=1, keepdims=True))
    return long


@operator
class Steps(Latent):
    """Play two short sounds whole, mixed at one amount after another, stop included.

    Parameters
    ----------
    a, b : Latent
        Cropped to the shorter.
    start, stop, step : float
        Amounts of `b`: start, start + step, ... stop.

    Example
    -------
    >>> steps(sound("gong"), sound("rain"), 0, 1, 0.2)
    steps(sound('gong'), sound('rain'))

    Source: Tatar, Cotton, Bisig (SMC 2023), strategy 1.
    """

    a: LatentLike = child(as_latent)
    b: LatentLike = child(as_latent)
    start: float = number(default=0.0)
    stop: float = number(default=1.0)
    step: float = number(default=0.2)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.step == 0 or (self.stop - self.start) / self.step < 0:
            raise ExpressionError(
                f"steps: step must lead from start {self.start:g} to stop {self.stop:g}, "
                f"got {self.step:g}"
            )
        if self._last > 9_999:
            raise ExpressionError(f"steps: at most 10000 steps, got {self._last + 1:.10g}")

    @property
    def _last(self) -> float:
        """The number of steps from the first amount to the last."""
        return (self.stop - self.start) / self.step + 1e-6

    @property
    def count(self) -> int:
        """The number of amounts."""
        return math.floor(self._last) + 1

    def once(self, scope: Scope) -> Fraction:
        """Return the length of the shorter sound in frames."""
        once = min(scope.length(self.a), scope.length(self.b))
        if not isinstance(once, Fraction):
            raise ExpressionError("steps: both sounds never end; slice one of them")
        return once

    def length(self, scope: Scope) -> Length:
        return self.once(scope) * self.count

    def at(self, query: Query) -> Latents:
        frames, amounts = self.step_at(query)
        once = float(self.once(query.scope))
        # Each sound starts again at every step.
        goes_on = query.frames - frames < once * (self.count - 1.5)
        wrap = (query.frames >= 0) & (goes_on | query.wrap)
        again = (query.frames - frames > 0) | query.after(query.scope.length(self))
        there = query.at(frames, wrap=wrap, before=np.where(again, once, 0.0)).within(once)
        return _mixed(there.latents(self.a), there.latents(self.b), amounts)

    def step_at(self, query: Query) -> tuple[Floats, F32]:
        """Return the sounds' frame at each position, and the amount there [shape=(n, 1)]."""
        once = float(self.once(query.scope))
        index = np.clip(np.floor(query.frames / once), 0, self.count - 1)
        amounts = (self.start + index * self.step)[:, None].astype(np.float32)
        return query.frames - index * once, amounts


@operator
class Path(Latent):
    """Go through several latents: 0 is the first, 1 the last, equal parts between.

    Parameters
    ----------
    points : list of Latent
        At least two; cropped to the shortest.
    curve : curve, number or array
        The place on the path, kept within 0..1.

    Example
    -------
    >>> path([sound("gong"), prior(3), sound("rain")], saw(60))
    path([sound('gong'), prior(3), sound('rain')], saw(60))
    """

    points: Sequence[LatentLike] = declared(Children(as_latent, least=2))
    curve: CurveLike = child(as_curve)

    def length(self, scope: Scope) -> Length:
        return min(scope.length(point) for point in self.points)

    def place(self, query: Query) -> Floats:
        """Return each position's place on the path: 0 the first point, 1 the second."""
        return np.clip(query.curve(self.curve, self), 0.0, 1.0) * (len(self.points) - 1)

    def at(self, query: Query) -> Latents:
        points = self.points
        where = self.place(query)
        leg = np.minimum(np.floor(where), len(points) - 2).astype(np.int64)
        c = (where - leg)[:, None].astype(np.float32)
        shape = (len(leg), query.world.dims)
        mean, std = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for index in np.unique(leg):
            here = leg == index
            there = query.only(here)
            a, b = there.latents(points[index]), there.latents(points[index + 1])
            mean[here], std[here] = _mixed(a, b, c[here])
        return Latents(mean, std)


@operator(form="+")
class Plus(Pair):
    """Add the means; keep the first latent's spread."""

    a: LatentLike = child(as_latent)
    b: LatentLike = child(as_latent)

    def at(self, query: Query) -> Latents:
        a, b = query.latents(self.a), query.latents(self.b)
        return Latents(a.mean + b.mean, a.std)


@operator(form="-")
class Minus(Pair):
    """Subtract the means; keep the first latent's spread."""

    a: LatentLike = child(as_latent)
    b: LatentLike = child(as_latent)

    def at(self, query: Query) -> Latents:
        a, b = query.latents(self.a), query.latents(self.b)
        return Latents(a.mean - b.mean, a.std)


def _times(a: Any, b: Any) -> Times:
    return Times(a, b) if isinstance(a, Latent) else Times(b, a)


@operator(form="*", make=_times)
class Times(Latent):
    """Multiply the means by a curve; keep the spread."""

    of: LatentLike = child(as_latent)
    factor: CurveLike = child(as_curve)

    def length(self, scope: Scope) -> Length:
        return scope.length(self.of)

    def at(self, query: Query) -> Latents:
        mean, std = query.latents(self.of)
        return Latents(mean * amount(query, self.factor, self), std)
