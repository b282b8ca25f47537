"""Queries of latents: positions, moments, and the world of sounds and space."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, Self, cast

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import Clock, CurveLike, Time, hashed
from latentlive.expr import Node
from latentlive.units import Floats

if TYPE_CHECKING:
    from latentlive.latent.base import Latent, LatentLike
    from latentlive.latent.directions import Directed
    from latentlive.latent.moving import Direction
    from latentlive.latent.places import Atlas, OnMap
    from latentlive.latent.studying import Learner, Study

F32 = NDArray[np.float32]
Length = Fraction | float
"""A length in frames: a Fraction, or infinity for an endless latent."""


GRAIN = 2.0**20
"""Resolution of a joint's place: moments in a beat."""


class Latents(NamedTuple):
    """A distribution for each position of a query.

    Parameters
    ----------
    mean, std : array [shape=(n, dims), float32]
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]


class Joint(NamedTuple):
    """The neighbouring sounds in windows near an end.

    Parameters
    ----------
    distance : array [shape=(n,), frames]
        From the beginning of each window to the joint, negative if behind; infinity is none.
    ahead : array [shape=(n,), bool]
        True where the joint is the node's end, False where it is its beginning.
    which : array [shape=(n,)]
        The row of `beside` for each window.
    beside : array [shape=(any, any), samples]
        The sound beyond each joint.
    tail : int [samples]
        Of a stroke: what sounded before it fades over so many samples, and its attack is whole.
        0 is a seam of two parts.
    """

    distance: Floats
    ahead: NDArray[np.bool_]
    which: NDArray[np.int64]
    beside: F32
    tail: int = 0

    def only(self, chosen: NDArray[np.bool_]) -> Joint:
        """Return the joint of some of the windows."""
        distance, ahead, which, beside, tail = self
        return Joint(distance[chosen], ahead[chosen], which[chosen], beside, tail)


class Places(Protocol):
    """The prior of a space: its vectors without any knowledge of the sound."""

    @property
    def std(self) -> float | F32:
        """The vectors' standard deviation, one number or one a dimension."""

    @property
    def draws(self) -> int:
        """The number of draws for a vector; 0 is one a dimension."""

    def vectors(self, drawn: F32) -> F32:
        """Return vectors for draws from N(0, I) [shape=(n, dims or draws)]."""


class World(Protocol):
    """The sounds and the space of an expression, bound at render time."""

    @property
    def dims(self) -> int:
        """Numbers of one latent vector."""

    @property
    def window(self) -> int:
        """Samples of one frame."""

    @property
    def linear(self) -> bool:
        """Whether the space mixes latents in straight lines only."""

    @property
    def space(self) -> str:
        """The space's name."""

    def frames(self, seconds: float) -> Fraction:
        """Return seconds as frames, to the nearest sample."""

    def axis(self, name: str) -> Callable[[F32, F32], F32]:
        """Return the function that moves vectors along an axis; refuse an unknown axis."""

    def prior(self, word: str) -> Places:
        """Return the space's prior; refuse `word` if the space has none."""

    def silence(self) -> Latents:
        """Return the latents of one window of silence [shape=(1, dims)]."""

    def louder(self, latents: Latents, gains: F32) -> Latents:
        """Return latents with their amplitudes multiplied by gains [shape=(n,), >= 0]."""

    @property
    def grain(self) -> int:
        """Samples from one encoded window to the next; 1 where any window can be encoded."""

    @property
    def reach(self) -> float:
        """Frames beyond a window that its encoding reads."""

    def heard(self, node: LatentLike, query: Query) -> F32:
        """Return the samples of a node before the query's joint, or after it [shape=(n, any)]."""

    def length(self, source: Node) -> Fraction:
        """Return the length of a recorded source in frames."""

    def read(self, source: Node, query: Query) -> Latents:
        """Return a source's latents at the positions of the query."""

    def atlas(self, node: OnMap) -> Atlas:
        """Return the map that a source moves on."""

    def lesson(self, node: Learner, query: Query) -> Study | None:
        """Return what a node learns in this space; None in a world that only checks."""

    def direction(self, node: Directed) -> Direction | None:
        """Return a node's measured direction; None in a world that decodes nothing."""


NOTHING = np.empty((0, 0), np.float32)


@dataclass(frozen=True)
class Scope:
    """The surroundings in which a node's length is measured.

    Parameters
    ----------
    world : World
    stretch : Fraction
        The factor by which the enclosing expressions lengthen this one.
    beat_frames : float [frames]
        Frames of one beat inside this scope.
    """

    world: World
    stretch: Fraction = Fraction(1)
    beat_frames: float = 44100 / 1024
    memo: dict[tuple[object, ...], Length] = field(default_factory=dict, repr=False)

    def length(self, node: LatentLike) -> Length:
        """Return a node's length in frames here; a shared node is measured once."""
        latent = cast("Latent", node)  # a field, coerced when its operator was made
        key = (latent.digest, *self.place)
        found = self.memo.get(key)
        if found is None:
            found = self.memo[key] = self.measured(latent)
        return found

    @property
    def place(self) -> tuple[object, ...]:
        """The values that a length depends on, besides the node."""
        return self.stretch, self.beat_frames

    def measured(self, node: Latent) -> Length:
        """Return a node's length."""
        return node.length(self)

    def stretched(self, factor: Fraction, beats_too: bool) -> Scope:
        """Return the scope inside ``extend(factor)``, or with `beats_too` ``slow(factor)``."""
        beat_frames = self.beat_frames if beats_too else self.beat_frames / float(factor)
        return replace(self, stretch=self.stretch * factor, beat_frames=beat_frames)

    def query(self, frames: Floats, beats: Floats, seed: int, clock: Clock | None = None) -> Query:
        """Return a query at frames and beats of an expression's own clock."""
        return Query(frames, beats, np.zeros(len(frames), np.bool_), self, seed, clock=clock)


@dataclass(frozen=True)
class Query:
    """Positions in a node, and the beats at which to evaluate it.

    Parameters
    ----------
    frames : array [shape=(n,), frames]
        Positions inside the node; fractions allowed.
    beats : array [shape=(n,), beats]
        The clock at each, for the curves.
    wrap : array [shape=(n,), bool]
        Whether a window that reads past the end continues at the beginning.
    scope : Scope
    seed : int
    own : int or None
        The seed of an enclosing ``.seed(n)``.
    before : array [shape=(n,), frames] or None
        Length of the turn that ended at this beginning, 0 where none did; None is 0 everywhere.
        A recording of that length was heard to its end.
    joint : Joint or None
        The neighbouring sound in windows near an end; None is no neighbour anywhere.
    clock : Clock or None
        The layer's clock, for live curves: operators on time leave it, for a knob is heard now.
    since : array [shape=(n,), beats] or None
        How long ago the stroke began that sounds: curves are read at its beginning. None where
        nothing is struck.
    """

    middle: ClassVar[float] = 0.5
    """The part of a window before the point that assigns it to an item."""

    meets: ClassVar[bool] = True
    """Whether windows near an end hold what lies beyond it."""

    frames: Floats
    beats: Floats
    wrap: NDArray[np.bool_]
    scope: Scope
    seed: int = 0
    own: int | None = None
    before: Floats | None = None
    joint: Joint | None = None
    clock: Clock | None = None
    since: Floats | None = None
    memo: dict[tuple[str, bytes], Latents] = field(default_factory=dict, repr=False)

    @property
    def world(self) -> World:
        """The world of the expression."""
        return self.scope.world

    def latents(self, node: LatentLike) -> Latents:
        """Return a node's latents here; a shared node is computed once."""
        latent = cast("Latent", node)
        key = (latent.digest, self._key)
        found = self.memo.get(key)
        if found is None:
            found = self.memo[key] = self.computed(latent)
        return found

    def computed(self, node: Latent) -> Latents:
        """Return a node's latents."""
        return node.at(self)

    @property
    def _key(self) -> bytes:
        tail = self.joint.tail if self.joint else 0
        head = f"{self.own} {self.scope.place} {tail}"
        digest = hashlib.blake2b(head.encode(), digest_size=16)
        live = () if self.clock is None else (self.clock.samples,)
        for values in (*self.arrays.values(), *(self.joint or ())[:4], *live):
            digest.update(b"" if values is None else values.tobytes())
        return digest.digest()

    @property
    def arrays(self) -> dict[str, Any]:
        """The query's arrays by field, one value a position [shape=(n,)], or None."""
        names = ("frames", "beats", "wrap", "before", "since")
        return {name: getattr(self, name) for name in names}

    def key(self, *parts: object) -> int:
        """Return a key for random draws here, from the performance's seed and the own seed."""
        return hashed(*parts, self.seed, self.own)

    def curve(self, curve: CurveLike, carrier: Latent) -> Floats:
        """Return the values of a curve of `carrier` at this query's clock [shape=(n,)]."""
        length = self.scope.length(carrier)
        part = None
        if not math.isinf(length):
            # Measure to the last frame heard, not the end: the curve then reaches both its ends.
            last = max(float(length - 1 / self.scope.stretch), 1e-9)
            part = np.clip(self.frames / last, 0.0, 1.0)
        beats = self.beats
        if self.since is not None:  # just after the stroke began, so that a step has begun too
            beats = np.rint((beats - self.since) * GRAIN + 1.0) / GRAIN
        return Time(beats, part, self.seed, self.own, self.clock).value(curve)

    def at(self, frames: Floats, beats: Floats | None = None, **changes: Any) -> Self:
        """Return a query at other positions with the same memo."""
        return replace(self, frames=frames, beats=self.beats if beats is None else beats, **changes)

    def elsewhere(self, frames: Floats, beats: Floats, **changes: Any) -> Self:
        """Return a query at other moments of what is struck: its stroke began when it began."""
        since = None if self.since is None else self.since + (beats - self.beats)
        return self.at(frames, beats, since=since, **changes)

    def only(self, chosen: NDArray[np.bool_]) -> Self:
        """Return the query of some of the positions."""
        part: dict[str, Any] = {
            name: None if values is None else values[chosen] for name, values in self.arrays.items()
        }
        joint = None if self.joint is None else self.joint.only(chosen)
        clock = None if self.clock is None else self.clock.only(chosen)
        return replace(self, joint=joint, clock=clock, **part)

    def shrunk(self, factor: Fraction) -> Self:
        """Return a query with lengths in frames before stretching."""
        before = None if self.before is None else self.before / float(factor)
        joint = self.joint and self.joint._replace(distance=self.joint.distance / float(factor))
        return replace(self, before=before, joint=joint)

    def apart(self) -> Self:
        """Return a query without joints."""
        if self.joint is None:
            return self
        never = np.full_like(self.joint.distance, np.inf)
        return replace(self, joint=self.joint._replace(distance=never))

    def within(self, length: float) -> Self:
        """Return a query without joints beyond the ends of a node of `length` frames."""
        if self.joint is None:
            return self
        distance, ahead = self.joint.distance, self.joint.ahead
        left = np.where(ahead, length - self.frames, self.frames)
        near = np.abs(distance) < np.abs(left) + 0.5 / self.world.window
        return replace(self, joint=self.joint._replace(distance=np.where(near, distance, np.inf)))

    def alone(self, length: float) -> Self:
        """Return a query of a node of `length` frames that does not wrap at its end."""
        return self.at(self.frames, wrap=np.zeros_like(self.wrap), before=None).within(length)

    def meeting(
        self,
        node: LatentLike,
        ends: NDArray[np.bool_],
        following: LatentLike,
        begins: NDArray[np.bool_],
        preceding: LatentLike,
    ) -> Latents:
        """Return a node's latents; windows at its ends also hold its neighbours.

        Parameters
        ----------
        node, following, preceding : Latent
        ends, begins : array [shape=(n,), bool]
            Where `following` follows, and where `preceding` precedes.
        """
        length, reach = float(self.scope.length(node)), self.world.reach
        late = 2.0 * self.frames + 1.0 >= length
        ends = ends & late & (length - self.frames < 1.0 + reach)
        begins = begins & ~late & (self.frames < reach)
        alone = self.alone(length)
        shape = (len(self.frames), self.world.dims)
        mean, std = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for here, other in ((ends, following), (begins, preceding), (~(ends | begins), None)):
            if not here.any():
                continue
            there = alone.only(here)
            if other is not None:
                there = there.joined(other, length if here is ends else 0.0, here is ends)
            mean[here], std[here] = there.latents(node)
        return Latents(mean, std)

    def joined(self, other: LatentLike, end: float, ahead: bool) -> Self:
        """Return a query joined to another latent at frame `end`: ahead of it, or behind."""
        distance, beat_frames = end - self.frames, self.scope.beat_frames
        # Round, so that all windows around one joint find the same beat despite float errors.
        moments = np.rint((self.beats + distance / beat_frames) * GRAIN) / GRAIN
        beats, first, which = np.unique(moments, return_index=True, return_inverse=True)
        since = None if self.since is None else self.since[first] + beats - self.beats[first]
        frames, back = (0.0, 0.0) if ahead else (float(self.scope.length(other)) - 1.0, 1.0)
        count, never = len(beats), np.zeros(len(beats), np.bool_)
        there = Joint(np.full(count, back), never | (not ahead), np.arange(count), NOTHING)
        beside = self.world.heard(
            other,
            replace(
                self,
                frames=np.full(count, frames),
                beats=beats - back / beat_frames,
                since=None if since is None else since - back / beat_frames,
                wrap=never,
                before=None,
                joint=there,
                clock=None,  # one joint for windows of several moments: live curves at their start
            ),
        )
        return replace(self, joint=Joint(distance, np.full_like(self.wrap, ahead), which, beside))

    def after(self, length: Length) -> NDArray[np.bool_]:
        """Return where a turn of that length [frames] has just been heard to its end."""
        if self.before is None:
            return np.zeros(len(self.frames), np.bool_)
        near: NDArray[np.bool_] = np.abs(self.before - float(length)) < 0.5 / self.world.window
        return near
