"""Operators on the values of one latent: noise, seeds, offsets, averages."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from latentlive.curves import CurveLike, as_curve, hashed
from latentlive.errors import ExpressionError
from latentlive.expr import child, lasting, operator, whole
from latentlive.latent.base import Latent, LatentLike
from latentlive.latent.noise import drawn
from latentlive.latent.query import Latents, Length, Query, Scope
from latentlive.latent.sources import as_latent


class Touch(Latent):
    """An operator that keeps the latent's length."""

    of: Latent

    def length(self, scope: Scope) -> Length:
        return scope.length(self.of)


@operator(form="method")
class Spread(Touch):
    """Scale the noise of each frame's draw: 0 gives the mean, 1 the model's spread.

    Example
    -------
    >>> sound("gong").spread(0)
    sound('gong').spread(0)
    """

    of: Latent = child(as_latent)
    k: CurveLike = child(as_curve)

    def at(self, query: Query) -> Latents:
        mean, std = query.latents(self.of)
        k = np.maximum(query.curve(self.k, self), 0.0)[:, None].astype(np.float32)
        return Latents(mean, std * k)


@operator(word="seed", form="method")
class Reseeded(Touch):
    """Draw all chance inside from seed `n` (0 to 2**63 - 1).

    Example
    -------
    >>> sound("gong").seed(7)
    sound('gong').seed(7)
    """

    of: Latent = child(as_latent)
    n: int = whole()

    def at(self, query: Query) -> Latents:
        own = self.n if query.own is None else hashed(query.own, self.n)
        return replace(query, own=own).latents(self.of)


@operator(form="method")
class Offset(Touch):
    """Move the means along a latent, or a vector [shape=(dims,)], by an amount.

    Example
    -------
    >>> sound("gong").offset(prior(3), sine(8))
    sound('gong').offset(prior(3), sine(8))
    """

    of: Latent = child(as_latent)
    direction: LatentLike = child(as_latent)
    amount: CurveLike = child(as_curve, default=1.0)

    def at(self, query: Query) -> Latents:
        mean, std = query.latents(self.of)
        amount = query.curve(self.amount, self)[:, None].astype(np.float32)
        return Latents(mean + amount * query.latents(self.direction).mean, std)


@operator(form="method")
class Dim(Touch):
    """Set dimension `i` (>= 0) of the means to a curve.

    Example
    -------
    >>> sound("gong").dim(7, sine2(4))
    sound('gong').dim(7, sine(4).range(-1, 1))
    """

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
    """Shake the means by `amount` times a new draw of N(0, 1) each frame.

    Example
    -------
    >>> sound("gong").jitter(0.3)
    sound('gong').jitter(0.3)
    """

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
    """Average over a span of `beats` (> 0) around each moment.

    Example
    -------
    >>> sound("gong").smooth(0.5)
    sound('gong').smooth(0.5)
    """

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
            # Clip the average to the latent near its ends: there is no sound outside.
            inside = np.clip(frames, np.minimum(0.0, query.frames), np.maximum(last, query.frames))
            there = query.elsewhere(inside, query.beats + shift).latents(self.of)
            mean += there.mean
            std += there.std
        ninth = np.float32(1 / 9)
        return Latents(mean * ninth, std * ninth)
