"""The world that renders an expression: its recordings, and a space that encodes them."""

from __future__ import annotations

import math
from copy import copy
from dataclasses import replace
from fractions import Fraction
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus import Audio, audio_digest
from latentlive.errors import ExpressionError
from latentlive.expr import Node
from latentlive.latent import (
    Follow,
    Hits,
    Join,
    Latent,
    LatentLike,
    Latents,
    Learner,
    Query,
    Recorded,
    Spot,
    Study,
)
from latentlive.latent.directions import Directed
from latentlive.latent.moving import Direction
from latentlive.renderer.dryworld import DryWorld
from latentlive.renderer.hearing import Listening, hearing
from latentlive.renderer.joining import joined_by
from latentlive.renderer.joints import as_heard, as_struck, splices
from latentlive.renderer.sounds import Sounds, reads_map
from latentlive.renderer.spaces import Spaces
from latentlive.renderer.tracks import Tracks
from latentlive.space import Axis, Prior
from latentlive.units import Floats, Samples


@lru_cache(maxsize=8)
def _quiet(window: int) -> Audio:
    samples = np.zeros(window, np.float32)
    return Audio(samples, audio_digest(samples))


def level_of(peak: float, most: float) -> float:
    """Return the power of two that brings a peak to `most` or below; 1 if it is there."""
    return 2.0 ** math.ceil(math.log2(peak / most)) if peak > most else 1.0


class BoundWorld(DryWorld):
    """Sounds and a space, which encodes them.

    Parameters
    ----------
    sounds : function of a recorded source to its Audio
    spaces : Spaces
    join : Join
        The root of the expression.
    align : bool
        Whether to align windows of stretched recordings, or read them at nominal positions.
    channel : int, optional
        As for `DryWorld`.
    """

    def __init__(
        self,
        sounds: Sounds,
        spaces: Spaces,
        join: Join,
        align: bool = True,
        channel: int | None = None,
    ) -> None:
        self.spaces, self.encoder = spaces, spaces.encoder(join.model)
        super().__init__(sounds, self.encoder.space.facts, spaces.rate, channel)
        self.overlap = joined_by(join, self.facts)
        self.align = align and self.overlap > 1 and not isinstance(self.encoder, Tracks)
        self.level = self._level(join.latent)
        """Encoding divides recordings by this; gain after decoding restores it."""

    def _axis(self, name: str) -> Axis:
        return self.encoder.space.axes[name]

    def _prior(self) -> Prior:
        prior = self.encoder.space.prior
        assert prior is not None
        return prior

    def silence(self) -> Latents:
        """Return the latents of one window of silence [shape=(1, dims)]."""
        if isinstance(self.encoder, Tracks):
            vector = self.encoder.silence[None]
            return Latents(vector, np.zeros_like(vector))
        audio = _quiet(self.window)
        return self.encoder.encode(audio, np.zeros(1, np.int64), np.zeros(1, np.bool_))

    @property
    def grain(self) -> int:
        """Samples from one encoded window to the next; 1 where any window can be encoded."""
        return self.encoder.hop if isinstance(self.encoder, Tracks) else 1

    @property
    def reach(self) -> float:
        """How many frames beyond a window its vector hears."""
        space = self.encoder.space
        if not isinstance(self.encoder, Tracks):
            return 0.0
        return (space.margin if space.hears is None else space.hears) / self.window

    def _listening(self, tail: int) -> Listening:
        """Return the world that reads samples beside a joint, as many as windows there read."""
        read = self.encoder.space.margin / self.window if isinstance(self.encoder, Tracks) else 0.0
        dims = math.ceil(3.0 + self.reach + read + 2.0 * tail / self.window) * self.window
        return Listening(self.sounds, replace(self.facts, dims=dims), self.rate, self.channel)

    def heard(self, node: LatentLike, query: Query) -> Samples:
        """Return the samples of a node beside a joint [shape=(n, any)]."""
        assert query.joint is not None
        scope = replace(query.scope, world=self._listening(query.joint.tail))
        return hearing(query, scope).latents(node).mean

    def read(self, source: Node, query: Query) -> Latents:
        """Return a recorded source's latents at the positions of a query."""
        mix, level = self.audio(source), self.level
        if isinstance(source, Spot):  # not known before it is reached, so nothing is raised for it
            level = max(level, level_of(mix.peak, self.encoder.space.peak))
        mix = mix.lowered(level)
        audio = mix.side(self.channel)
        offsets = query.frames * self.window
        if query.scope.stretch > 1 and self.align:
            offsets = self._aligned(mix, query.frames, query.scope.stretch).astype(np.float64)
        again = query.after(Fraction(len(audio.samples), self.window))
        if query.joint is None:
            return self._encoded(audio, offsets, query.wrap, again)
        query = as_heard(query, len(audio.samples) / self.window, self.reach)
        assert query.joint is not None
        if query.joint.tail:
            query, offsets = as_struck(query, offsets, len(audio.samples))
        assert query.joint is not None
        shape = (len(offsets), self.dims)
        mean, std = np.empty(shape, np.float32), np.empty(shape, np.float32)
        alone = np.isinf(query.joint.distance)
        if alone.any():
            mean[alone], std[alone] = self._encoded(
                audio, offsets[alone], query.wrap[alone], again[alone]
            )
        for rows, splice, positions in splices(audio, offsets, query):
            never = np.zeros(len(rows), np.bool_)
            mean[rows], std[rows] = self._encoded(splice, positions, never, never, short=True)
        return Latents(mean, std)

    def _encoded(
        self,
        audio: Audio,
        offsets: Floats,
        wrap: NDArray[np.bool_],
        again: NDArray[np.bool_],
        short: bool = False,
    ) -> Latents:
        if isinstance(self.encoder, Tracks):
            return self.encoder.read(audio, offsets, wrap, again, short)
        return self.encoder.encode(audio, np.rint(offsets).astype(np.int64), wrap)

    def _level(self, latent: Latent) -> float:
        """Return the power of two that brings every recording into the range of the space."""
        most = self.encoder.space.peak
        if math.isinf(most):
            return 1.0
        nodes = list(latent.walk())
        sounds = (self.sounds(one) for one in nodes if isinstance(one, Recorded))
        recorded = (one.peak if self.channel is None else one.loudest for one in sounds)
        accents = (max(one.loudest, 1.0) for one in nodes if isinstance(one, Hits))
        return level_of(max(recorded, default=0.0) * math.prod(accents), most)

    def _aligned(self, audio: Audio, frames: Floats, stretch: Fraction) -> NDArray[np.int64]:
        hop = self.window // self.overlap
        alignment = self.spaces.alignment(audio, hop / stretch, hop, self.window)
        # The window's index in the stretched recording; snapped first, so that rounding errors
        # never decide a position half-way between two.
        index = np.floor(np.rint(frames * float(stretch * self.overlap) * 1024.0) / 1024.0 + 0.5)
        return alignment.offsets(index.astype(np.int64))

    def lesson(self, node: Learner, query: Query) -> Study | None:
        """Return what a node learns in this space, begun or done."""
        if self.channel is not None and not isinstance(node, Follow):  # it decides on places
            scope = replace(query.scope, world=self._mixed)
            return self._mixed.lesson(node, replace(query, scope=scope, memo={}))
        inside = [one for taught in node.taught for one in taught.walk()]
        heard = [self.audio(one).digest for one in inside if isinstance(one, Recorded)]
        heard += [self.atlas(one).digest for one in inside if reads_map(one)]
        space, kind = self.encoder.space.digest, type(self).__name__
        side = () if self.channel is None else (self.channel,)
        key = (*node.subject(query), *heard, self.level, space, kind, *side)
        return self.spaces.lessons.lesson(key, lambda: node.study(query))

    @cached_property
    def _mixed(self) -> BoundWorld:
        """This world, reading the mix of both channels."""
        mixed = copy(self)
        mixed.channel = None
        return mixed

    def direction(self, node: Directed) -> Direction | None:
        """Return a node's measured direction.

        Raises
        ------
        ExpressionError
            If it was not measured, or in a space of other dimensions.
        """
        found = node.direction
        if found is None:
            raise ExpressionError(
                f"{node.word}: its direction in {self.space!r} is not measured yet; type it again"
            )
        if found.dims != self.dims:
            raise ExpressionError(
                f"{node.word}: its direction was measured in a space of {found.dims} "
                f"dimensions, {self.space!r} has {self.dims}"
            )
        return found

    @property
    def hurried(self) -> bool:
        """Whether layers play, and nothing may wait here."""
        return self.encoder.space.hurried
