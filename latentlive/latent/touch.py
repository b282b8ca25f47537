"""Operators on one latent's values: noise, seeds, shifts, averages."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from latentlive.curves import CurveLike, as_curve, hashed
from latentlive.errors import ExpressionError
from latentlive.expr import child, lasting, operator, whole
from latentlive.latent.base import Latent, LatentLike, as_latent
from latentlive.latent.noise import drawn
from latentlive.latent.query import Latents, Length, Query, Scope


class Touch(Latent):
    """An operator that leaves time alone."""

    of: Latent

    def length(self, scope: Scope) -> Length:
        return scope.length(self.of)


@operator(form="method")
class Spread(Touch):
    """The std scaled."""

    of: Latent = child(as_latent)
    k: CurveLike = child(as_curve)

    def at(self, query: Query) -> Latents:
        mean, std = query.latents(self.of)
        k = np.maximum(query.curve(self.k, self), 0.0)[:, None].astype(np.float32)
        return Latents(mean, std * k)


@operator(word="seed", form="method")
class Reseeded(Touch):
    """Its chances drawn from a seed of its own."""

    of: Latent = child(as_latent)
    n: int = whole()

    def at(self, query: Query) -> Latents:
        own = self.n if query.own is None else hashed(query.own, self.n)
        return replace(query, own=own).latents(self.of)


@operator(form="method")
class Offset(Touch):
    """The means moved along a latent."""

    of: Latent = child(as_latent)
    direction: LatentLike = child(as_latent)
    amount: CurveLike = child(as_curve, default=1.0)

    def at(self, query: Query) -> Latents:
        mean, std = query.latents(self.of)
        amount = query.curve(self.amount, self)[:, None].astype(np.float32)
        return Latents(mean + amount * query.latents(self.direction).mean, std)


@operator(form="method")
class Dim(Touch):
    """One dimension of the means set by a curve."""

    of: Latent = child(as_latent)
    i: int = whole()
    curve: CurveLike = child(as_curve)

    def at(self, query: Query) -> Latents:
        mean, std = query.latents(self.of)
        if self.i >= query.world.dims:
            raise ExpressionError(
                f"dim: i must be below the space's {query.world.dims} dimensions, got {self.i}"
            )
        mean = mean.copy()
        mean[:, self.i] = query.curve(self.curve, self)
        return Latents(mean, std)


@operator(form="method")
class Jitter(Touch):
    """The means shaken each frame."""

    of: Latent = child(as_latent)
    amount: CurveLike = child(as_curve)

    def at(self, query: Query) -> Latents:
        mean, std = query.latents(self.of)
        amount = query.curve(self.amount, self)[:, None].astype(np.float32)
        key = query.key("jitter", self.digest if query.own is None else "")
        scale = query.world.prior("jitter").std
        return Latents(mean + amount * (scale * drawn(key, query.frames, mean.shape[1])), std)


@operator(word="smooth", form="method")
class Smoothed(Touch):
    """Averaged over a span, by 9 points of the midpoint rule."""

    asks = 9
    of: Latent = child(as_latent)
    beats: float = lasting()

    def at(self, query: Query) -> Latents:
        length = self.length(query.scope)
        last = math.inf if math.isinf(length) else max(float(length) - 1.0, 0.0)
        shape = (len(query.frames), query.world.dims)
        mean, std = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for point in (np.arange(9) + 0.5) / 9 - 0.5:
            shift = point * self.beats
            frames = query.frames + shift * query.scope.beat_frames
            # Near an end the average leans inwards; outside the whole there is nothing to hear.
            inside = np.clip(frames, np.minimum(0.0, query.frames), np.maximum(last, query.frames))
            there = query.at(inside, query.beats + shift).latents(self.of)
            mean += there.mean
            std += there.std
        ninth = np.float32(1 / 9)
        return Latents(mean * ninth, std * ninth)
