"""Sounds by their place on the map: one that is named by numbers, or those that a point meets."""

from __future__ import annotations

import numbers
from typing import cast

import numpy as np

from latentlive.curves import CurveLike, as_curve
from latentlive.expr import Beats, Maybe, Number, child, declared, operator, whole
from latentlive.latent.base import Latent
from latentlive.latent.places import OnMap, Steps, mixed, nearest, shares
from latentlive.latent.query import Latents, Query
from latentlive.latent.sources import Recorded

SHORTEST = 1 / 64
"""Beats of a step: shorter ones would be no longer than a window."""

MOST_BLENDED = 16

EDGE = Number(least=0.0, most=1.0)
STEP = Beats(above=0.0, least=SHORTEST)


@operator(word="place")
class Place(Recorded):
    """See `place`."""

    x: float = declared(EDGE)
    y: float = declared(EDGE)


def place(x: CurveLike, y: CurveLike) -> Latent:
    """The sound nearest to a place on the corpus's map.

    The map is a square from (0, 0) to (1, 1) on which similar sounds lie side by side;
    ``latentlive corpus DIR --plot map.png`` draws it, ``corpus.place("gong")`` tells where a sound
    lies, ``print(place(0.3, 0.7))`` which one is there.

    Parameters
    ----------
    x, y : float [0 to 1]
        Curves make it ``roam(x, y)``: the sound changes with the point.

    Example
    -------
    >>> place(0.3, 0.7)
    place(0.3, 0.7)
    >>> place(0.3, sine(8))
    roam(0.3, sine(8))
    """
    if isinstance(x, numbers.Real) and isinstance(y, numbers.Real):
        return Place(cast("float", x), cast("float", y))
    return Roam(x, y)


@operator
class Roam(OnMap):
    """Wander over the corpus's map: curves are the hand that moves there, for ever.

    Parameters
    ----------
    x, y : curve or number
        The point, in the square from (0, 0) to (1, 1); outside it, on its edge. A live curve is
        read at most half a minute back.
    every : float [beats, >= 1/64], optional
        Every so many beats the sound nearest to the point begins, and lasts until the next step or
        its own end. Without it, all sounds repeat on the clock, and the nearest is heard.
    blend : int [1 to 16]
        The number of nearest sounds that are mixed, by their distance: a sound that comes near
        enters at 0. The mix follows the point all the time, within steps too.

    Example
    -------
    >>> roam(sine(8), perlin(5), every=0.5)
    roam(sine(8), perlin(5), 0.5)
    >>> interp(roam(sine(9), cosine(7), blend=4), sound("gong"), sine(8)).extend(2)
    interp(roam(sine(9), cosine(7), blend=4), sound('gong'), sine(8)).extend(2)

    Source: Garber, Ciccola, Amusategui: AudioStellar (ICMC 2020), for sounds on a map that hands
    play; the mix by Franke and Nielson (1980).
    """

    x: CurveLike = child(as_curve)
    y: CurveLike = child(as_curve)
    every: float | None = declared(Maybe(STEP), default=None)
    blend: int = whole(default=1, least=1, most=MOST_BLENDED)

    def at(self, query: Query) -> Latents:
        places, count = (atlas := query.world.atlas(self)).places, self.blend
        steps = None if self.every is None else Steps(query, self.every)
        if steps is not None and count == 1:
            x, y = (steps.curve(curve, self) for curve in (self.x, self.y))
            rows = steps.each(nearest(places, x, y, 1)[0])
            weights = np.ones(rows.shape)
        else:
            x, y = (query.curve(curve, self) for curve in (self.x, self.y))
            # One more than are mixed sets the edge of the neighbourhood.
            rows, squares = nearest(places, x, y, count + (count > 1))
            rows = rows[..., :count]
            weights = shares(squares, rows.shape[1])
        frames = None if steps is None else np.repeat(steps.frames[:, None], rows.shape[1], axis=1)
        return mixed(query, atlas, rows, weights, frames)
