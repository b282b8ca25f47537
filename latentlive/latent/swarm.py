"""A swarm: walkers around a point of the map, each a function of the moment."""

from __future__ import annotations

import numpy as np

from latentlive.curves import CurveLike, as_curve, wandering
from latentlive.expr import child, declared, operator, whole
from latentlive.latent.base import Latent
from latentlive.latent.places import OnMap, Steps, mixed, nearest
from latentlive.latent.query import Latents, Query
from latentlive.latent.roaming import STEP

MOST_WALKERS = 16

STRIDE = 6.0
"""Steps in which a walker reaches a new place of its own."""


@operator(word="swarm")
class Swarm(OnMap):
    """See `swarm`."""

    n: int = whole(least=1, most=MOST_WALKERS)
    x: CurveLike = child(as_curve)
    y: CurveLike = child(as_curve)
    around: CurveLike = child(as_curve)
    every: float = declared(STEP, default=0.5)

    def at(self, query: Query) -> Latents:
        atlas = query.world.atlas(self)
        shape = (len(query.frames), self.n)
        rows, weights, frames = np.empty(shape, np.int64), np.empty(shape), np.empty(shape)
        own = self.digest if query.own is None else ""
        for walker in range(self.n):
            steps = Steps(query, self.every, self.every * walker / self.n)
            x, y, far = (steps.curve(curve, self) for curve in (self.x, self.y, self.around))
            aside, along = (
                far * (2.0 * wandering(query.key("swarm", own, walker, axis), turns) - 1.0)
                for turns in [steps.numbers / STRIDE]
                for axis in (0, 1)
            )
            rows[:, walker] = steps.each(nearest(atlas.places, x + aside, y + along, 1)[0])[:, 0]
            weights[:, walker] = (1.0 - steps.part) ** 2
            frames[:, walker] = steps.frames
        weights[:, 0] += weights.sum(axis=1) <= 0.0  # a lone walker at the very end of its step
        weights /= weights.sum(axis=1, keepdims=True)
        return mixed(query, atlas, rows, weights, frames)


def swarm(n: int, x: CurveLike, y: CurveLike, spread: CurveLike, every: float = 0.5) -> Latent:
    """Walkers around a point of the corpus's map; in turn each plays the sound nearest to it.

    A walker wanders smoothly around the point. Every so many beats it begins the sound nearest to
    it; the walkers take turns, evenly spread over that time. The newest sound is the strongest,
    and fades until its walker begins another.

    Parameters
    ----------
    n : int [1 to 16]
        The number of walkers.
    x, y : curve or number
        The point, in the square from (0, 0) to (1, 1).
    spread : curve or number
        How far from it they go along either axis; the map is 1 wide.
    every : float [beats, >= 1/64]
        From one sound of a walker to its next.

    Example
    -------
    >>> swarm(4, sine(30), 0.5, spread=0.2)
    swarm(4, sine(30), 0.5, 0.2)

    Source: Garber, Ciccola, Amusategui: AudioStellar (ICMC 2020), for particles that play the
    sounds which they meet; these have no memory, so any moment can be asked first.
    """
    return Swarm(n, x, y, spread, every)
