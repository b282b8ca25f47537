"""Exact mode: the samples and the lengths of the paper.

The paper crops or repeats sounds in samples, then pads them with zeros to whole windows; amounts
outside 0..1 extrapolate linearly; nothing is rounded. This module holds the operators whose meaning
differs from the algebra's; all others mean the same.

Tatar, Cotton, Bisig: Sound design strategies for latent audio space explorations using deep
learning architectures (SMC 2023, arXiv 2305.15571).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import singledispatch
from typing import Any, ClassVar, Self, cast

import numpy as np

from latentlive.curves import Clock
from latentlive.errors import ExpressionError
from latentlive.expr import Node
from latentlive.latent import (
    Interp,
    Join,
    Latent,
    LatentLike,
    Latents,
    Length,
    Loop,
    Path,
    Query,
    Recorded,
    Scope,
    Steps,
)
from latentlive.latent.blending import Weighed
from latentlive.latent.mix import F32, Pair, amount, lerp, spread
from latentlive.latent.time import Cat, Rev, Slice
from latentlive.renderer.encoding import Encoder, windows_at
from latentlive.renderer.world import BoundWorld
from latentlive.units import Floats, Samples

WIDEST = np.exp(np.float32(20.0))
"""The largest std: log-variances extrapolate freely, but no decoder survives infinity, and the
paper has no such sample."""


@dataclass(frozen=True)
class PaperScope(Scope):
    """The scope of lengths as the paper counts them.

    Parameters
    ----------
    padded : bool
        Whether a recording's length includes its padding to whole windows.
    """

    padded: bool = True

    @property
    def place(self) -> tuple[object, ...]:
        """Everything that a length depends on, beside the node."""
        return (*super().place, self.padded)

    @property
    def whole(self) -> PaperScope:
        """The scope of a node that another follows: padded to whole windows."""
        return replace(self, padded=True)

    @property
    def sounding(self) -> PaperScope:
        """The scope of crops and repeats: lengths in samples, before padding."""
        return replace(self, padded=False)

    def measured(self, node: Latent) -> Length:
        """Return a node's length in frames."""
        return length_of(node, self)

    def query(self, frames: Floats, beats: Floats, seed: int, clock: Clock | None = None) -> Query:
        """Return the query of some frames and beats of an expression's own clock."""
        return PaperQuery(frames, beats, np.zeros(len(frames), np.bool_), self, seed, clock=clock)


@dataclass(frozen=True)
class PaperQuery(Query):
    """The windows of a query, and how much of each is silent.

    Parameters
    ----------
    room : array [shape=(n,), frames] or None
        How much of each window precedes the end that a crop set.
    """

    room: Floats | None = None
    middle: ClassVar[float] = 0.0
    meets: ClassVar[bool] = False

    @property
    def arrays(self) -> dict[str, Any]:
        """The query's value at each position, by field [shape=(n,)], or None."""
        return {**super().arrays, "room": self.room}

    def computed(self, node: Latent) -> Latents:
        """Return a node's latents."""
        return latents_of(node, self)

    def meeting(self, node: LatentLike, *beside: object) -> Latents:
        """Return a node's latents; each item is padded as if it stood alone."""
        return self.latents(node)

    def shrunk(self, factor: Fraction) -> Self:
        """Return a query with its lengths in frames of the stretched node."""
        room = None if self.room is None else self.room / float(factor)
        return replace(super().shrunk(factor), room=room)

    @property
    def sounding(self) -> PaperScope:
        """The scope of lengths before any padding."""
        return cast("PaperScope", self.scope).sounding

    def cropped(self, end: Length) -> Self:
        """Return the query with silence after frame `end` of this node."""
        if math.isinf(end):
            return self
        room = float(end) - self.frames
        return replace(self, room=room if self.room is None else np.minimum(room, self.room))


class PaperWorld(BoundWorld):
    """Sounds and a space; encodes windows as recorded, without lowering any."""

    def read(self, source: Node, query: Query) -> Latents:
        """Return a recorded source's latents at the positions of a query."""
        samples = self.audio(source).samples
        offsets = np.rint(query.frames * self.window).astype(np.int64)
        windows = windows_at(samples, offsets, query.wrap, self.window)
        room = cast("PaperQuery", query).room
        if room is not None:
            windows[np.arange(self.window) >= np.rint(room * self.window)[:, None]] = 0.0
        return self._whole(windows)

    def silence(self) -> Latents:
        """Return the latents of one window of silence [shape=(1, dims)]."""
        return self._whole(np.zeros((1, self.window), np.float32))

    def _whole(self, windows: Samples) -> Latents:
        mean, log_variance = cast("Encoder", self.encoder).encoded(windows)
        return Latents(mean, np.exp(np.float32(0.5) * log_variance))

    def _level(self, latent: Latent) -> float:
        return 1.0


def kinds_of(join: Join) -> tuple[type[BoundWorld], type[Scope]]:
    """Return the world and scope of an expression with this root: the paper's or the usual ones."""
    return (PaperWorld, PaperScope) if join.exact else (BoundWorld, Scope)


@singledispatch
def length_of(node: Latent, scope: PaperScope) -> Length:
    """Return a node's length in frames."""
    return node.length(scope)


@length_of.register
def _(node: Recorded, scope: PaperScope) -> Length:
    """Windows that the paper's strategies write: ``ceil(N / hop) - window / hop + 1``."""
    length, window = scope.world.length(node), scope.world.window
    if not scope.padded:
        return length
    hop = window / scope.stretch
    if hop.denominator != 1:
        raise ExpressionError(
            f"exact: a window of {window} samples cannot be read in steps of {hop}; "
            f"extend by k with {window} / k whole"
        )
    filled = math.ceil(length * window / hop) * hop
    count = max((filled - window) // hop + 1, 1)
    return count * hop / window


@length_of.register
def _(node: Rev, scope: PaperScope) -> Length:
    """A reversed recording begins with its padding."""
    return node.length(scope.whole)


@length_of.register(Loop)
@length_of.register(Cat)
@length_of.register(Steps)
def _(node: Loop | Cat | Steps, scope: PaperScope) -> Length:
    """Each turn, item or step but the last is padded."""
    length, last = node.length(scope.whole), _last(node, scope)
    return length if math.isinf(last) else length - _last(node, scope.whole) + last


def _last(node: Loop | Cat | Steps, scope: Scope) -> Length:
    if isinstance(node, Steps):
        return node.once(scope)
    return scope.length(node.of if isinstance(node, Loop) else node.items[-1])


@singledispatch
def latents_of(node: Latent, query: PaperQuery) -> Latents:
    """Return a node's latents."""
    return node.at(query)


@latents_of.register(Pair)
@latents_of.register(Path)
@latents_of.register(Weighed)
def _(node: Latent, query: PaperQuery) -> Latents:
    """Both sides end where the shorter does."""
    return node.at(query.cropped(query.sounding.length(node)))


@latents_of.register
def _(node: Interp, query: PaperQuery) -> Latents:
    """Sides repeat before any padding."""
    there, sounding = query.cropped(query.sounding.length(node)), query.sounding
    a, b = (node.side(there, side, sounding) for side in (node.a, node.b))
    return _straight(a, b, amount(query, node.curve, node), node.law)


@latents_of.register
def _(node: Steps, query: PaperQuery) -> Latents:
    """Each step plays both sides whole, up to the end of the shorter."""
    frames, amounts = node.step_at(query)
    there = query.at(frames).cropped(node.once(query.sounding))
    return _straight(there.latents(node.a), there.latents(node.b), amounts, "std")


@latents_of.register
def _(node: Loop, query: PaperQuery) -> Latents:
    """Each turn is padded like the first, and does not wrap to its beginning."""
    once, last = float(query.scope.length(node.of)), node.n - 1 if node.n else math.inf
    frames = query.frames - np.clip(np.floor(query.frames / once), 0, last) * once
    return query.at(frames, wrap=np.zeros_like(query.wrap), before=None).latents(node.of)


@latents_of.register
def _(node: Slice, query: PaperQuery) -> Latents:
    """A repeated slice does not wrap past its own end."""
    return node.source(query).latents(node.of)


def _straight(a: Latents, b: Latents, c: F32, law: str) -> Latents:
    """Return ``(1 - c) a + c b`` [c: shape=(n, 1)], for any c, also outside 0..1."""
    with np.errstate(over="ignore"):
        std = spread(a, b, c, law)
    return Latents(lerp(a.mean, b.mean, c), np.minimum(std, WIDEST) if law == "logvar" else std)
