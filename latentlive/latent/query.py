"""How a latent is asked: which positions, when, and in which world."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, cast

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

    def length(self, source: Node) -> Fraction:
        """Return the length of a recorded source in frames."""

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
        """What a length depends on, beside the node."""
        return self.stretch, self.beat_frames

    def measured(self, node: Latent) -> Length:
        """Return what a node says its length is."""
        return node.length(self)

    def stretched(self, factor: Fraction, beats_too: bool) -> Scope:
        """Return the scope inside ``extend(factor)``, or inside ``slow(factor)``, beats too."""
        beat_frames = self.beat_frames if beats_too else self.beat_frames / float(factor)
        return replace(self, stretch=self.stretch * factor, beat_frames=beat_frames)

    def query(self, frames: Floats, beats: Floats, seed: int) -> Query:
        """Return the query of some frames and beats of an expression's own clock."""
        return Query(frames, beats, np.zeros(len(frames), np.bool_), self, seed)


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
            found = self.memo[key] = self.computed(latent)
        return found

    def computed(self, node: Latent) -> Latents:
        """Return what a node says its latents are."""
        return node.at(self)

    @property
    def _key(self) -> bytes:
        digest = hashlib.blake2b(f"{self.own} {self.scope.place}".encode(), digest_size=16)
        for values in self.arrays.values():
            digest.update(b"" if values is None else values.tobytes())
        return digest.digest()

    @property
    def arrays(self) -> dict[str, Any]:
        """What is asked for each position, by field [shape=(n,)], or None."""
        names = ("frames", "beats", "wrap", "before")
        return {name: getattr(self, name) for name in names}

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

    def at(self, frames: Floats, beats: Floats | None = None, **changes: Any) -> Self:
        """Return a query of other positions with the same memo."""
        return replace(self, frames=frames, beats=self.beats if beats is None else beats, **changes)

    def only(self, chosen: NDArray[np.bool_]) -> Self:
        """Return the query of some of the positions."""
        part: dict[str, Any] = {
            name: None if values is None else values[chosen] for name, values in self.arrays.items()
        }
        return replace(self, **part)

    def shrunk(self, factor: Fraction) -> Self:
        """Return a query with its lengths in frames of what is stretched."""
        return replace(self, before=None if self.before is None else self.before / float(factor))

    def after(self, length: Length) -> NDArray[np.bool_]:
        """Return where something of that length [frames] was heard to its end right before."""
        if self.before is None:
            return np.zeros(len(self.frames), np.bool_)
        near: NDArray[np.bool_] = np.abs(self.before - float(length)) < 0.5 / self.world.window
        return near
