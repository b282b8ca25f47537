"""Directions of a space along which a descriptor of what it decodes changes, measured once.

Stretches of sounds of the corpus are decoded and measured, and a ridge regression (`ridge.py`)
tells how each descriptor follows from the vectors. The step goes where vectors of the corpus vary
together: the covariance times the weights. Then moved sounds are decoded: how far they went sets
the gain, and others, that nothing was learned from, tell how well it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, cast

import numpy as np

from latentlive.errors import LatentliveError
from latentlive.latent import Latent
from latentlive.latent.directions import WORDS, Directed, with_directions
from latentlive.latent.moving import Direction
from latentlive.renderer.listening import listened, moved, places
from latentlive.renderer.ridge import straight
from latentlive.renderer.sounds import Sounds
from latentlive.renderer.spaces import Spaces
from latentlive.renderer.waveforms import shares
from latentlive.space import Space
from latentlive.units import Floats

SOUNDS = 100
"""Sounds that are listened to at most."""

LEAST = 10
"""Sounds that are the least to learn from."""

HELD_OUT = 0.2
"""The part of them that nothing is learned from."""

BEFORE, AFTER = 12, 16
"""Sounds that are decoded moved: to set the gain, and to tell how well it holds."""

AMOUNTS = (-2.0, -1.0, 0.0, 1.0, 2.0)
GAINS = (0.5, 2.0)
ROOM = 0.1
"""Standard deviations that a descriptor may fall by from one amount to the next, or must rise by
from the first to the last, to count as rising."""

MEASURED = [word for word in WORDS.values() if not word.target]


class Held(NamedTuple):
    """How well a direction holds for sounds that nothing was learned from.

    Parameters
    ----------
    explained : float [at most 1]
        R^2: how much of the variance of the descriptor the vectors tell.
    rising : float [0 to 1]
        The part of the sounds whose descriptor rises all the way from -2 to 2.
    effect : float [standard deviations]
        What it changes by where it is asked to change by 1, the median.
    """

    explained: float
    rising: float
    effect: float


class Directions(NamedTuple):
    """What was measured of a space, by descriptor."""

    directions: dict[str, Direction]
    held: dict[str, Held]


def measured(
    space: Space,
    sounds: Sounds,
    names: Sequence[str],
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Directions:
    """Return the directions of a space.

    Parameters
    ----------
    space : Space
    sounds : function of a recorded source to its Audio
    names : sequence of str
        Of the sounds to listen to, in the order of chance.
    progress : function
        Told how much is done, and how much there is.

    Raises
    ------
    LatentliveError
        ``directions: 10 sounds are the least to learn from, got 3``
    """
    spaces = Spaces(space)
    there = places(spaces, sounds, names)[:SOUNDS]
    total = len(there) + len(there) // 5 * len(MEASURED)
    material = listened(there, spaces, sounds, lambda done: progress(done, total))
    sounding = np.unique(material.sound)
    if len(sounding) < LEAST:
        raise LatentliveError(
            f"directions: {LEAST} sounds are the least to learn from, got {len(sounding)}"
        )
    unheard = material.only(material.sound < sounding[round(len(sounding) * HELD_OUT)])
    learned = material.only(material.sound > unheard.sound.max())
    fits: dict[str, Direction] = {**(shares(space, learned) or straight(space, learned))}
    held = {}
    for step, word in enumerate(MEASURED):
        name = word.descriptor
        apart = [there[number] for number in np.unique(unheard.sound)[:AFTER]]
        known = [there[number] for number in sounding[sounding > unheard.sound.max()][:BEFORE]]
        std = fits[name].std
        low, high = moved(known, _ways(word, fits[name], (-1.0, 1.0)), name, spaces, sounds).T
        slope = float(np.median(high - low)) / (2.0 * std)
        more = float(np.clip(1.0 / slope, *GAINS)) if slope > 0.0 else 1.0
        fit = fits[name] = fits[name]._replace(gain=fits[name].gain * more)
        values = moved(apart, _ways(word, fit, AMOUNTS), name, spaces, sounds) / std
        off = fit.expected(unheard.vectors.reshape(-1, space.dims)).reshape(len(unheard.sound), -1)
        wanted = unheard.heard[name]
        error = float(np.mean((off.mean(axis=1) - wanted) ** 2))
        held[name] = Held(
            1.0 - error / max(float(wanted.var()), 1e-12),
            _rising(values),
            float(np.median(values[:, 3] - values[:, 1])) / 2.0,
        )
        progress(len(there) + len(there) // 5 * (step + 1), total)
    return Directions(fits, held)


def _rising(values: Floats) -> float:
    """Return the part of the rows [shape=(n, amounts)] that rise all the way."""
    steps = (np.diff(values, axis=1) > -ROOM).all(axis=1)
    return float((steps & (values[:, -1] - values[:, 0] > ROOM)).mean())


def _ways(
    word: type[Directed], direction: Direction, amounts: Sequence[float]
) -> list[Callable[[Latent], Latent]]:
    def way(texture: Latent, amount: float) -> Latent:
        typed = getattr(texture, word.word)(amount)
        return cast("Latent", with_directions(typed, {word.descriptor: direction}))

    return [partial(way, amount=amount) for amount in amounts]
