"""What is heard beside a joint: samples of recordings instead of latents.

If several recordings are mixed beyond a joint, the one with the most weight stands for all, so a
joint is encoded once, however curves move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from latentlive.expr import Node
from latentlive.latent import (
    Interp,
    Latent,
    LatentLike,
    Latents,
    Path,
    Query,
    Recorded,
    Scope,
    Slerp,
    Touch,
)
from latentlive.latent.blending import Weighed
from latentlive.latent.mix import Times
from latentlive.latent.sources import Endless
from latentlive.renderer.dryworld import DryWorld
from latentlive.renderer.joints import beyond_of, joints, side
from latentlive.space import F32
from latentlive.units import Samples


@dataclass(frozen=True)
class Hearing(Query):
    """Queries the samples beside a joint instead of latents."""

    meets: ClassVar[bool] = False

    def samples(self, recording: Samples, size: int) -> F32:
        """Return the samples of a recording beside the joint [shape=(n, size)]."""
        assert self.joint is not None
        distance, ahead, *_ = self.joint
        # Reversed and frozen latents have no joint: each window sounds alone.
        distance = np.where(np.isfinite(distance), distance, ahead)
        fade = beyond_of(self.joint, self.world.window)
        return side(recording, joints(self, distance), ahead, size - fade, fade)

    def computed(self, node: Latent) -> Latents:
        """Return samples as means [shape=(n, dims)]."""
        return heard(node, self)

    def meeting(self, node: LatentLike, *beside: object) -> Latents:
        """Return a node's samples; its neighbours do not matter."""
        return self.alone(float(self.scope.length(node))).latents(node)


def hearing(query: Query, scope: Scope) -> Hearing:
    """Return the query of samples beside a joint at the positions of another query."""
    wrap = np.zeros_like(query.wrap)
    own = query.seed, query.own
    joint, since = query.joint, query.since
    return Hearing(query.frames, query.beats, wrap, scope, *own, joint=joint, since=since)


class Listening(DryWorld):
    """Samples of recordings beside a joint, instead of latents."""

    def louder(self, latents: Latents, gains: F32) -> Latents:
        """Return samples multiplied by gains."""
        return Latents(latents.mean * gains[:, None], latents.std)

    def read(self, source: Node, query: Query) -> Latents:
        """Return a recorded source's samples before or after a joint [shape=(n, dims)]."""
        audio = self.audio(source).side(self.channel)
        samples = cast("Hearing", query).samples(audio.samples, self.dims)
        return Latents(samples, np.zeros_like(samples))


def _most(sides: Sequence[Latents], chosen: NDArray[Any]) -> Latents:
    """Return the samples of the chosen side for each position."""
    rows = np.arange(len(chosen))
    samples = np.stack([side.mean for side in sides])[chosen.astype(np.int64), rows]
    return Latents(samples, np.zeros_like(samples))


@singledispatch
def heard(node: Latent, query: Hearing) -> Latents:
    """Return a node's samples before or after a joint."""
    return node.at(query)


@heard.register
def _(node: Recorded, query: Hearing) -> Latents:
    return query.world.read(node, query)


@heard.register
def _(node: Endless, query: Hearing) -> Latents:
    silent = np.zeros((len(query.frames), query.world.dims), np.float32)
    return Latents(silent, silent)


@heard.register(Touch)
@heard.register(Times)
def _(node: Touch | Times, query: Hearing) -> Latents:
    return query.latents(node.of)


@heard.register
def _(node: Interp, query: Hearing) -> Latents:
    sides = [node.side(query, side, query.scope) for side in (node.a, node.b)]
    return _most(sides, query.curve(node.curve, node) >= 0.5)


@heard.register
def _(node: Slerp, query: Hearing) -> Latents:
    sides = [query.latents(side) for side in (node.a, node.b)]
    return _most(sides, query.curve(node.curve, node) >= 0.5)


@heard.register
def _(node: Path, query: Hearing) -> Latents:
    return _most([query.latents(p) for p in node.points], np.rint(node.place(query)))


@heard.register
def _(node: Weighed, query: Hearing) -> Latents:
    chosen = np.argmax(node.weights(query), axis=0)
    return _most([query.latents(part) for part in node.mixed], chosen)
