"""Operators on one latent's values: noise and seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from latentlive.curves import CurveLike, as_curve, hashed
from latentlive.expr import child, operator, whole
from latentlive.latent.base import Latent, Latents, Length, Query, Scope, as_latent


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
