"""How a latent is asked: which positions, when, and in which world."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import CurveLike, Time, hashed
from latentlive.expr import Node
from latentlive.units import Floats

if TYPE_CHECKING:
    from latentlive.latent.base import Latent, LatentLike

F32 = NDArray[np.float32]
Length = Fraction | float
"""A length in frames: a Fraction, or infinity for what never ends."""


class Latents(NamedTuple):
    """A distribution for each position asked.

    Parameters
    ----------
    mean, std : array [shape=(n, dims), float32]
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]


class Places(Protocol):
    """Where the vectors of a space lie before anything is known of the sound."""

    @property
    def std(self) -> float | F32:
        """How far they are spread, one number or one a dimension."""

    @property
    def draws(self) -> int:
        """How many draws a vector is made of; 0 is one a dimension."""

    def vectors(self, drawn: F32) -> F32:
        """Return the vectors of draws from N(0, I) [shape=(n, dims or draws)]."""


class World(Protocol):
    """What an expression is asked in: the sounds and the space, bound when it is rendered."""

    @property
    def exact(self) -> bool:
        """Whether the samples of the paper are wanted: no clamping, no rounding."""

    @property
    def dims(self) -> int:
        """Numbers of one latent vector."""

    @property
    def window(self) -> int:
        """Samples of one frame."""

    @property
    def linear(self) -> bool:
        """Whether latents may be mixed in straight lines only."""

    @property
    def space(self) -> str:
        """How the space is called."""

    def frames(self, seconds: float) -> Fraction:
        """Return how many frames some seconds are, to the nearest sample."""

    def axis(self, name: str) -> Callable[[F32, F32], F32]:
        """Return what moves vectors along an axis of the space; refuse one that it lacks."""

    def prior(self, word: str) -> Places:
        """Return where the space's vectors lie; refuse `word` where nothing is known."""

    def silence(self) -> Latents:
        """Return the latents of one window of silence [shape=(1, dims)]."""

    def length(self, source: Node, stretch: Fraction, padded: bool) -> Length:
        """Return the length of a source in frames, read `stretch` times slower than recorded.

        With `padded`, exact mode counts whole windows; without, the samples that there are.
        """

    def read(self, source: Node, query: Query) -> Latents:
        """Return a source's latents at the positions of the query."""


@dataclass(frozen=True)
class Scope:
    """Where lengths are asked.

    Parameters
    ----------
    world : World
    stretch : Fraction
        How much longer the expressions around make what is here.
    beat_frames : float [frames]
        Frames of one beat, in here.
    padded : bool
        Whether a recording counts as the whole windows that exact mode pads it to.
    """

    world: World
    stretch: Fraction = Fraction(1)
    beat_frames: float = 44100 / 1024
    padded: bool = True
    memo: dict[tuple[str, Fraction, float, bool], Length] = field(default_factory=dict, repr=False)

    def length(self, node: LatentLike) -> Length:
        """Return a node's length in frames here; a shared node is measured once."""
        latent = cast("Latent", node)  # a field, coerced when its operator was made
        key = (latent.digest, self.stretch, self.beat_frames, self.padded)
        found = self.memo.get(key)
        if found is None:
            found = self.memo[key] = latent.length(self)
        return found

    @property
    def whole(self) -> Scope:
        """The scope in which what comes before something else is padded to whole windows."""
        return replace(self, padded=True)

    def sounding(self, node: LatentLike) -> Length:
        """Return a node's length in frames before any padding: what crops, and what repeats."""
        return replace(self, padded=False).length(node)

    def stretched(self, factor: Fraction, beats_too: bool) -> Scope:
        """Return the scope inside ``extend(factor)``, or inside ``slow(factor)``, beats too."""
        beat_frames = self.beat_frames if beats_too else self.beat_frames / float(factor)
        return replace(self, stretch=self.stretch * factor, beat_frames=beat_frames)


@dataclass(frozen=True)
class Query:
    """Which positions of a node are asked, and when.

    Parameters
    ----------
    frames : array [shape=(n,), frames]
        Positions inside the node asked; fractions allowed.
    beats : array [shape=(n,), beats]
        The clock at each, for the curves.
    wrap : array [shape=(n,), bool]
        Whether a window that reads past the end goes on at the beginning.
    scope : Scope
    seed : int
    own : int or None
        The seed that ``.seed(n)`` around here gave.
    room : array [shape=(n,), frames] or None
        How much of each window lies before the end that a crop set; exact mode alone asks.
    before : array [shape=(n,), frames] or None
        How long the turn was that came round to this beginning, 0 where none did; None is nowhere.
        A recording of that length was heard to its end.
    """

    frames: Floats
    beats: Floats
    wrap: NDArray[np.bool_]
    scope: Scope
    seed: int = 0
    own: int | None = None
    room: Floats | None = None
    before: Floats | None = None
    memo: dict[tuple[str, bytes], Latents] = field(default_factory=dict, repr=False)

    @property
    def world(self) -> World:
        """The world that the expression is asked in."""
        return self.scope.world

    def latents(self, node: LatentLike) -> Latents:
        """Return a node's latents here; a shared node is computed once."""
        latent = cast("Latent", node)
        key = (latent.digest, self._key)
        found = self.memo.get(key)
        if found is None:
            found = self.memo[key] = latent.at(self)
        return found

    @property
    def _key(self) -> bytes:
        head = f"{self.own} {self.scope.stretch} {self.scope.beat_frames} "
        digest = hashlib.blake2b(head.encode(), digest_size=16)
        for values in (self.frames, self.beats, self.wrap, self.room, self.before):
            digest.update(b"" if values is None else values.tobytes())
        return digest.digest()

    def key(self, *parts: object) -> int:
        """Return the key of something drawn by chance here: the performance's seed, and ours."""
        return hashed(*parts, self.seed, self.own)

    def curve(self, curve: CurveLike, carrier: Latent) -> Floats:
        """Return the values of a curve of `carrier` at this query's clock [shape=(n,)]."""
        length = self.scope.length(carrier)
        part = None
        if not math.isinf(length):
            # The last frame that is heard, not the end: both ends of the curve are reached.
            last = max(float(length - 1 / self.scope.stretch), 1e-9)
            part = np.clip(self.frames / last, 0.0, 1.0)
        return Time(self.beats, part, self.seed, self.own).value(curve)

    def at(self, frames: Floats, beats: Floats | None = None, **changes: Any) -> Query:
        """Return a query of other positions with the same memo."""
        return replace(self, frames=frames, beats=self.beats if beats is None else beats, **changes)

    def only(self, chosen: NDArray[np.bool_]) -> Query:
        """Return the query of some of the positions."""
        return replace(
            self,
            frames=self.frames[chosen],
            beats=self.beats[chosen],
            wrap=self.wrap[chosen],
            room=None if self.room is None else self.room[chosen],
            before=None if self.before is None else self.before[chosen],
        )

    def after(self, length: Length) -> NDArray[np.bool_]:
        """Return where something of that length [frames] was heard to its end right before."""
        if self.before is None:
            return np.zeros(len(self.frames), np.bool_)
        near: NDArray[np.bool_] = np.abs(self.before - float(length)) < 0.5 / self.world.window
        return near

    def cropped(self, end: Length) -> Query:
        """Return the query with silence after frame `end` of this node, where exact mode asks."""
        if not self.world.exact or math.isinf(end):
            return self
        room = float(end) - self.frames
        return replace(self, room=room if self.room is None else np.minimum(room, self.room))
