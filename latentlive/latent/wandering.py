"""Sounds played one after another on a walk through a piece."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import Curve, CurveLike, Num, Time
from latentlive.latent.base import Latent, LatentLike
from latentlive.latent.elapsed import beats_after, frames_in
from latentlive.latent.query import Latents, Length, Query, Scope
from latentlive.latent.walking import EPOCH, Piece, Step, Walk, Walks, walk_key
from latentlive.units import Floats

GRID = 64
"""Moments in a beat at which what leads a walk is read: its steps read the last one before them."""

AT_ONCE = 512
"""Moments read at a time."""

SHORTEST = 1.0 / GRID
"""Beats of the shortest step."""

LONGEST_STEP = 1e6
"""Beats of the longest step."""


@dataclass(frozen=True, eq=False)
class Material:
    """What a walk plays: parts of recordings, and the piece that orders them.

    Parameters
    ----------
    recordings : sequence of Latent
    which : array [shape=(n,)]
        The recording of each part.
    starts, stops : array [shape=(n,), seconds]
        Where it begins and ends there.
    piece : Piece
    key : str
        Names the piece, for chance.
    """

    recordings: Sequence[LatentLike]
    which: NDArray[np.int64]
    starts: Floats
    stops: Floats
    piece: Piece
    key: str
    walks: Walks = field(default_factory=Walks)


class Reading:
    """A curve that leads a walk, read on a grid of its beats.

    Parameters
    ----------
    curve : curve
    query : Query
        Whose seeds count.
    """

    def __init__(self, curve: CurveLike, query: Query) -> None:
        self._curve = cast("Curve", curve)
        self._seeds = query.seed, query.own
        self._fixed = self._curve.value if isinstance(self._curve, Num) else None
        self._known: dict[int, list[float]] = {}

    def at(self, beat: float) -> float:
        """Return the value at a beat."""
        if self._fixed is not None:
            return self._fixed
        part, index = divmod(math.floor(beat * GRID), AT_ONCE)
        values = self._known.get(part)
        if values is None:
            beats = (part * AT_ONCE + np.arange(AT_ONCE)) / GRID
            values = Time(beats, None, *self._seeds).value(self._curve).tolist()
            if len(self._known) > AT_ONCE:
                self._known.clear()
            self._known[part] = values
        return values[index]


class Led:
    """The hand of a walk: curves, and how long each part is.

    Parameters
    ----------
    congruence, typicality : Reading
    beat : function of a moment of the walk
        Returns the beat at which curves are read.
    lasting : function of a part and a beat
    """

    def __init__(
        self,
        congruence: Reading,
        typicality: Reading,
        beat: Callable[[float], float],
        lasting: Callable[[int, float], float],
    ) -> None:
        self._congruence, self._typicality = congruence, typicality
        self._beat, self._lasting = beat, lasting

    def congruence(self, start: float) -> float:
        """Return how likely the piece goes on as it goes."""
        return self._congruence.at(self._beat(start))

    def typicality(self, start: float) -> float:
        """Return how typical a sound of its node is taken."""
        return min(max(self._typicality.at(self._beat(start)), 0.0), 1.0)

    def lasting(self, unit: int, start: float) -> float:
        """Return how long a part is played."""
        return self._lasting(unit, self._beat(start))


class Wandering(Latent):
    """Parts of recordings, one after another, for ever; subclasses say which."""

    congruence: CurveLike
    order: int
    every: CurveLike | None
    typicality: CurveLike

    def length(self, scope: Scope) -> Length:
        return math.inf

    def material(self, query: Query) -> Material | None:
        """Return what is played; None in a world that only checks."""
        raise NotImplementedError

    def at(self, query: Query) -> Latents:
        found = self.material(query)
        if found is None:
            nothing = np.zeros((len(query.frames), query.world.dims), np.float32)
            return Latents(nothing, nothing)
        moments, epoch = self._moments(query)
        turns = np.floor(moments / epoch)
        shape = (len(query.frames), query.world.dims)
        mean, std = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for turn in np.unique(turns):
            here = np.flatnonzero(turns == turn)
            walk = self.way(query, found, turn)
            numbers = np.array(walk.at(moments[here] - turn * epoch))
            for number in np.unique(numbers):
                rows = np.zeros(len(turns), np.bool_)
                rows[here[numbers == number]] = True
                step = walk.step(int(number))
                step = step._replace(start=step.start + turn * epoch)
                mean[rows], std[rows] = self._played(query.only(rows), found, step)
        return Latents(mean, std)

    def _moments(self, query: Query) -> tuple[Floats, float]:
        """Return what belongs to each window in the walk's time, and an epoch in it."""
        whole = 2.0 * query.middle / float(query.scope.stretch)
        if self.every is None:
            moments, epoch = query.frames + whole, EPOCH * float(query.world.frames(1.0))
        else:
            moments, epoch = query.beats + beats_after(query, whole), float(EPOCH)
        # Just before, for the window that ends there holds nothing of what begins.
        return np.maximum(moments - 1e-9, 0.0), epoch

    def way(self, query: Query, found: Material, turn: float) -> Walk:
        """Return the walk of an epoch."""
        second, beat = float(query.world.frames(1.0)), query.scope.beat_frames
        place = (turn, query.seed, query.own, second, self.every is None and beat)

        def make() -> Walk:
            key = walk_key(query.key(), query.own is None and found.key, turn)
            return Walk(found.piece, key, self.hand(query, found, turn))

        return found.walks.walk((self.digest, *place), make)

    def hand(self, query: Query, found: Material, turn: float) -> Led:
        """Return what leads the walk of an epoch."""
        congruence = Reading(self.congruence, query)
        typicality = Reading(self.typicality, query)
        if self.every is None:
            second, beat = float(query.world.frames(1.0)), query.scope.beat_frames
            starts = [float(query.world.frames(at)) for at in found.starts.tolist()]
            stops = [float(query.world.frames(at)) for at in found.stops.tolist()]
            spans = [max(b - a, 1e-3 * second) for a, b in zip(starts, stops, strict=True)]
            first = turn * EPOCH * second
            return Led(
                congruence, typicality, lambda at: (first + at) / beat, lambda unit, _: spans[unit]
            )
        every, since = Reading(self.every, query), turn * EPOCH
        return Led(
            congruence,
            typicality,
            lambda at: since + at,
            lambda _, beat: min(max(every.at(beat), SHORTEST), LONGEST_STEP),
        )

    def _played(self, query: Query, found: Material, step: Step) -> Latents:
        """Return what is heard of a part.

        A window that holds the beginning of a part belongs to it, so that attacks stay whole, and
        the part before fades out within a window; none is encoded for an edge alone.
        """
        world, unit = query.world, step.unit
        start, stop = (world.frames(float(at[unit])) for at in (found.starts, found.stops))
        if self.every is None:
            frames = query.frames - step.start
        else:
            # To the sample, so that all windows around a beat agree where it is.
            frames = frames_in(query, query.beats - step.start)
            frames = np.rint(frames * world.window) / world.window
        there = query.at(frames + float(start), wrap=np.zeros_like(query.wrap), before=None)
        played = there.latents(found.recordings[int(found.which[unit])])
        rest = frames > max(float(stop - start) - 2.0 * query.middle, 0.0)
        if self.every is None or not rest.any():
            return played
        quiet = world.silence()
        return Latents(
            np.where(rest[:, None], quiet.mean, played.mean),
            np.where(rest[:, None], quiet.std, played.std),
        )
