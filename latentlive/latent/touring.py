"""A tour through sounds: each leg as long as its way on the map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np

from latentlive.errors import ExpressionError
from latentlive.expr import Children, choice, declared, lasting, operator
from latentlive.expr.fields import shown
from latentlive.latent.base import LatentLike
from latentlive.latent.mix import lerp
from latentlive.latent.places import OnMap, turning
from latentlive.latent.query import Latents, Query
from latentlive.latent.sources import Sound
from latentlive.units import Floats

FARTHEST = 1e-6
"""A way on the map that is no shorter than this takes time."""


def as_sound(value: Any, place: str) -> Sound:
    """Return a sound as it is, or the sound of a name."""
    if isinstance(value, str):
        return Sound(value)
    if not isinstance(value, Sound):
        raise ExpressionError(f"{place} must be a sound such as 'gong', got {shown(value)}")
    return value


@operator
class Tour(OnMap):
    """Go round through sounds in order, from one into the next, for ever.

    Every sound repeats on the clock; at its moment it is heard alone, in between it turns into the
    next. After the last comes the first again.

    Parameters
    ----------
    sounds : list of Sound or str
        At least two.
    timing : 'distance' or 'even'
        Each leg lasts in proportion to its way on the corpus's map, where similar sounds are close
        together, or as long as the others.
    beats : float [beats, > 0]
        Of the whole round.

    Raises
    ------
    ExpressionError
        ``tour: 'voice.wav' is not on the map; timing="even" needs no map``

    Example
    -------
    >>> tour(["gong", "rain", "bell"], beats=32)
    tour([sound('gong'), sound('rain'), sound('bell')], beats=32)

    Source: Garber, Ciccola, Amusategui: AudioStellar (ICMC 2020), for sequences timed by distance.
    """

    sounds: Sequence[Sound | str] = declared(Children(as_sound, least=2))
    timing: Literal["distance", "even"] = choice("distance", "even", default="distance")
    beats: float = lasting(default=16.0)

    @property
    def charted(self) -> bool:
        return self.timing == "distance"

    def at(self, query: Query) -> Latents:
        sounds = cast("Sequence[Sound]", self.sounds)
        begins = self.begins(query)
        moment = query.beats / self.beats
        moment = moment - np.floor(moment)
        leg = np.clip(np.searchsorted(begins, moment, "right") - 1, 0, len(sounds) - 1)
        amount = (moment - begins[leg]) / (begins[leg + 1] - begins[leg])
        c = np.clip(amount, 0.0, 1.0)[:, None].astype(np.float32)
        shape = (len(leg), query.world.dims)
        mean, std = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for index in np.unique(leg):
            here = leg == index
            there = query.only(here)
            a = turning(there, sounds[index])
            b = turning(there, sounds[(index + 1) % len(sounds)])
            mean[here], std[here] = lerp(a.mean, b.mean, c[here]), lerp(a.std, b.std, c[here])
        return Latents(mean, std)

    def begins(self, query: Query) -> Floats:
        """Return when each leg begins, and the end of the last [shape=(sounds + 1,), 0 to 1]."""
        ways = np.ones(len(self.sounds))
        if self.timing == "distance":
            atlas = query.world.atlas(self)
            places = atlas.places[[self._row(atlas.row, sound) for sound in self.sounds]]
            ways = np.sqrt(((np.roll(places, -1, axis=0) - places) ** 2).sum(axis=1))
            ways = np.maximum(ways, FARTHEST)
        ends = np.cumsum(ways)
        begins: Floats = np.concatenate([[0.0], ends[:-1] / ends[-1], [1.0]])
        return begins

    def _row(self, row_of: Any, sound: LatentLike | str) -> int:
        source = cast("Sound", sound).source
        row: int | None = row_of(source) if isinstance(source, str) else None
        if row is None:
            raise ExpressionError(
                f'tour: {shown(source)} is not on the map; timing="even" needs no map'
            )
        return row
