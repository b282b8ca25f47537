"""A sound that follows a movement: learned from one recording of both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import Curve, CurveLike, Track, as_curve
from latentlive.errors import ExpressionError
from latentlive.expr import Children, Maybe, child, declared, lasting, operator
from latentlive.latent.base import Latent, LatentLike
from latentlive.latent.query import Latents, Length, Query, Scope
from latentlive.latent.regression import Learned, learn
from latentlive.latent.sources import as_latent
from latentlive.latent.studying import Learner
from latentlive.units import Floats

POINTS = 8
"""Moments of each curve in a window: close together where they are new, so that they tell the
speed."""

MOST_CURVES = 16

ROWS = 25
"""Moments a second that are learned from."""

LEAST, MOST = 2.0, 240.0
"""Seconds that are learned from."""

PART = 32
"""Moments read at a time: the sound of a second or so is encoded for them."""


@operator(word="follow")
class Follow(Learner):
    """See `follow`."""

    asks = POINTS
    movement: Sequence[CurveLike] = declared(Children(as_curve))
    sound: LatentLike = child(as_latent)
    window: float = lasting(default=1.0)
    drive: Sequence[CurveLike] | None = declared(Maybe(Children(as_curve)), default=None)

    def __post_init__(self) -> None:
        super().__post_init__()
        count = len(self.movement)
        if count > MOST_CURVES:
            raise ExpressionError(
                f"follow: a movement has at most {MOST_CURVES} curves, got {count}; "
                "take those that matter"
            )
        if self.drive is not None and len(self.drive) != count:
            raise ExpressionError(
                f"follow: drive must have as many curves as the movement, {count}, "
                f"got {len(self.drive)}"
            )

    def length(self, scope: Scope) -> Length:
        self.lasts(scope)
        return math.inf

    def study(self, query: Query) -> Lesson:
        return Lesson(self, query)

    def at(self, query: Query) -> Latents:
        played = self.movement if self.drive is None else self.drive
        moved = moments(query, played, self.window, self)
        lesson = query.world.lesson(self, query)
        if lesson is None:
            nothing = np.zeros((len(query.frames), query.world.dims), np.float32)
            return Latents(nothing, nothing)
        learned, std = cast("Lesson", lesson).learned
        mean = learned.vectors(moved)
        return Latents(mean, np.repeat(std[None], len(mean), axis=0))

    def lasts(self, scope: Scope) -> float:
        """Return how much there is to learn from [seconds].

        Raises
        ------
        ExpressionError
            ``follow: movement and sound must run together for 2 seconds, got 0.50``
        """
        length = scope.length(self.sound)
        if not isinstance(length, Fraction):
            raise ExpressionError(
                f"follow: {self.sound!r} never ends; slice what belongs to the movement"
            )
        lasts = float(length / scope.world.frames(1.0))
        moved = [cast("Curve", curve) for curve in self.movement]
        ends = [c.span or 0.0 for c in moved if any(isinstance(n, Track) for n in c.walk())]
        lasts = min(lasts, MOST, max(ends, default=MOST))
        if lasts < LEAST:
            raise ExpressionError(
                f"follow: movement and sound must run together for {LEAST:g} seconds, "
                f"got {lasts:.2f}"
            )
        return lasts


def moments(
    query: Query, curves: Sequence[CurveLike], window: float, carrier: LatentLike
) -> Floats:
    """Return what curves did over the last `window` beats [shape=(curves, POINTS, n)].

    The newest point comes first; each further one lies more beats back than the one before.
    """
    back = window * (np.arange(POINTS) / (POINTS - 1)) ** 2
    beats = (query.beats - back[:, None]).ravel()
    clock = query.clock and query.clock.past(back)
    since = None if query.since is None else np.tile(query.since, POINTS)
    then = query.at(
        np.tile(query.frames, POINTS), beats, clock=clock, since=since
    )  # all at once; curves ask no more of it
    found = [then.curve(curve, cast("Latent", carrier)) for curve in curves]
    return np.array(found).reshape(len(curves), POINTS, -1)


class Lesson:
    """What a `Follow` learns in one space, from its sound at a beat a second.

    Reads its sound part by part, so that a worker can do other things in between.

    Parameters
    ----------
    node : Follow
    query : Query
        Of any moment: its world and seed count.
    """

    def __init__(self, node: Follow, query: Query) -> None:
        rate = query.world.frames(1.0)
        scope = replace(query.scope, stretch=Fraction(1), beat_frames=float(rate), memo={})
        seconds = np.arange(int(node.lasts(scope) * ROWS)) / ROWS
        self.seconds, self._node, self._seed = seconds, node, query.seed
        self._frames, self._scope = seconds * float(rate), scope
        self._read: list[Latents] = []
        self._learned: tuple[Learned, NDArray[np.float32]] | None = None

    def go_on(self) -> bool:
        """Read the next part, or learn from all; return whether that is done."""
        first = PART * len(self._read)
        if self._learned is None and first < len(self.seconds):
            part = slice(first, first + PART)
            self._read.append(self._asked(part).latents(self._node.sound))
        elif self._learned is None:
            mean, std = (np.concatenate(parts) for parts in zip(*self._read, strict=True))
            there, node = self._asked(slice(None)), self._node
            moved = moments(there, node.movement, node.window, node.sound)
            self._learned = learn(moved, mean), std.mean(axis=0)
            self._read.clear()
        return self._learned is not None

    @property
    def explained(self) -> float:
        """How much the first four fifths explain of the last, at most 1."""
        return self.learned[0].explained

    def _asked(self, part: slice) -> Query:
        return self._scope.query(self._frames[part], self.seconds[part], self._seed)

    @property
    def learned(self) -> tuple[Learned, NDArray[np.float32]]:
        """The map, and the vectors' spread [shape=(dims,)]; learns first what is missing."""
        while self._learned is None:
            self.go_on()
        return self._learned


def follow(
    movement: CurveLike | Sequence[Curve],
    sound: LatentLike,
    window: float = 1.0,
    drive: CurveLike | Sequence[Curve] | None = None,
) -> Latent:
    """A sound that follows a movement, as it did in one recording of both, for ever.

    Learns a map from the last `window` beats of the movement to the vectors of the space that
    plays, from `movement` beside `sound`: a second of the sound belongs to a beat of the curves.
    Then the curves are read on the layer's clock. What it learns from ends with the sound, with
    the tracks of the movement, or after four minutes. The first time, a minute takes some seconds;
    layers play on meanwhile. ``latentlive follow`` tells how much of unheard sound it explains.

    Parameters
    ----------
    movement : curve or list of curves
        At most 16.
    sound : Latent
        Recorded together with the movement; at least 2 seconds.
    window : float [beats, > 0]
    drive : curve or list of curves, optional
        Plays instead of the movement: another dance, a hand, a knob; as many curves.

    Returns
    -------
    Latent
        Within the range of each number that was heard.

    Raises
    ------
    ExpressionError
        ``follow: drive must have as many curves as the movement, 2, got 1``

    Example
    -------
    >>> follow(sine(8), sound("gong"), drive=perlin(2))
    follow([sine(8)], sound('gong'), drive=[perlin(2)])

    Source: Bisig, Tatar: Raw Music from Free Movements (AIMC 2021), where a recurrent network
    learns the same.
    """
    return Follow(_listed(movement), sound, window, None if drive is None else _listed(drive))


def _listed(curves: Any) -> Sequence[CurveLike]:
    return curves if isinstance(curves, list | tuple) else [curves]
