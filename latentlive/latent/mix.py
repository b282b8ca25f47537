"""Operators on several latents."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import CurveLike, as_curve
from latentlive.expr import child, choice, operator
from latentlive.latent.base import Latent, Latents, Length, Query, Scope, as_latent


@operator
class Interp(Latent):
    """Go from `a` to `b`: exactly `a` where the curve is 0, exactly `b` where it is 1.

    Parameters
    ----------
    a, b : Latent
    curve : curve, number or array
        The amount of `b`; outside 0..1 it extrapolates. An array is stretched over the whole.
    match : 'crop' or 'repeat'
        Crop to the shorter, or repeat the shorter; an endless side never crops.

    Returns
    -------
    Latent
        ``(1 - c) a + c b`` on means and on stds. Outside 0..1 the std is that of the nearer end,
        except in exact mode, since a line through two stds can turn negative.

    Example
    -------
    >>> interp(sound("gong"), sound("rain"), curve=sine(8))
    interp(sound('gong'), sound('rain'), sine(8))

    Source: Tatar, Cotton, Bisig (SMC 2023), strategies 1 and 2.
    """

    a: Latent = child(as_latent)
    b: Latent = child(as_latent)
    curve: CurveLike = child(as_curve, default=0.5)
    match: Literal["crop", "repeat"] = choice("crop", "repeat", default="crop")

    def length(self, scope: Scope) -> Length:
        lengths = scope.length(self.a), scope.length(self.b)
        if self.match == "crop":
            return min(lengths)
        return max(lengths)

    def at(self, query: Query) -> Latents:
        c = query.curve(self.curve, self)[:, None].astype(np.float32)
        a, b = self._side(query, self.a), self._side(query, self.b)
        k = c if query.world.exact else np.clip(c, 0.0, 1.0)
        return Latents(_lerp(a.mean, b.mean, c), _lerp(a.std, b.std, k))

    def _side(self, query: Query, side: Latent) -> Latents:
        once = query.scope.length(side)
        if self.match == "crop" or math.isinf(once) or once >= query.scope.length(self):
            return query.latents(side)
        turn = np.maximum(np.floor(query.frames / float(once)), 0.0)
        wrap = query.frames >= 0
        return query.at(query.frames - turn * float(once), wrap=wrap).latents(side)


_F32 = NDArray[np.float32]


def _lerp(a: _F32, b: _F32, c: _F32) -> _F32:
    """Mix so that c=0 gives a, c=1 gives b, and equal sides give themselves, bit for bit."""
    return np.where(c == 1.0, b, a + c * (b - a))
