"""Places on the map: which sounds lie nearest to a point, and what a mix of them holds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import CurveLike
from latentlive.expr import Kind
from latentlive.latent.base import Latent
from latentlive.latent.elapsed import frames_in, samples_in
from latentlive.latent.query import Latents, Length, Query, Scope
from latentlive.latent.sources import Recorded
from latentlive.units import Floats

TOGETHER = 32
"""Points whose nearest sounds are looked for together."""

FEW = 64
"""Sounds of which all are looked at."""

NEGLIGIBLE = 1e-9
"""A distance on the map that rounding may add."""

STEP_ROUNDING = 0.381966
"""The part of a sample from which a step's beginning is rounded up: no tempo puts one there."""

Rows = NDArray[np.int64]


class Atlas(Protocol):
    """The sounds of a map at their places."""

    @property
    def digest(self) -> str:
        """Identifies the map."""

    @property
    def places(self) -> Floats:
        """The place of each sound [shape=(n, 2), 0 to 1]."""

    def row(self, name: str) -> int | None:
        """Return the row of a sound by its name, None if it is not on the map."""


class OnMap(Latent):
    """A source that never ends and reads the sounds of the map, whichever it reaches."""

    @property
    def charted(self) -> bool:
        """Whether it needs the places of the map."""
        return True

    def length(self, scope: Scope) -> Length:
        return math.inf


class Spot(Recorded):
    """The sound of one row of an atlas: never typed, made where a texture reaches it.

    Parameters
    ----------
    atlas : Atlas
    row : int
    """

    word = "spot"
    kinds: ClassVar[dict[str, Kind]] = {}
    atlas: Atlas
    row: int

    def __init__(self, atlas: Atlas, row: int) -> None:
        vars(self).update(atlas=atlas, row=row, digest=f"{atlas.digest} {row}")

    def __repr__(self) -> str:
        return f"sound {self.row} of the map"


def nearest(places: Floats, x: Floats, y: Floats, count: int) -> tuple[Rows, Floats]:
    """Return the nearest sounds to some points, the nearest first, and their squared distances.

    Parameters
    ----------
    places : array [shape=(n, 2)]
    x, y : array [shape=(m,)]
        Points outside 0 to 1 count as on the edge.
    count : int [>= 1]

    Returns
    -------
    arrays [shape=(m, min(count, n))]
        Of equally near ones, the lower row comes first.

    Example
    -------
    >>> nearest(np.array([[0, 0], [1, 0], [0, 0.5]]), np.array([0.1]), np.array([0]), 2)[0]
    array([[0, 2]])
    """
    count = min(count, len(places))
    rows = np.empty((len(x), count), np.int64)
    squares = np.empty((len(x), count))
    x, y = np.clip(x, 0.0, 1.0), np.clip(y, 0.0, 1.0)
    for first in range(0, len(x), TOGETHER):
        part = slice(first, first + TOGETHER)
        known = _around(places, x[part], y[part], count)
        there = places[known]
        apart = (x[part, None] - there[:, 0]) ** 2
        apart += (y[part, None] - there[:, 1]) ** 2
        if count == 1:
            found = apart.argmin(axis=1)[:, None]
        else:
            found = np.argsort(apart, axis=1, kind="stable")[:, :count]
        rows[part], squares[part] = known[found], np.take_along_axis(apart, found, 1)
    return rows, squares


def _around(places: Floats, x: Floats, y: Floats, count: int) -> Rows:
    """Return the rows, rising, among which the nearest to all of some points are.

    A point no farther than r from the middle has `count` sounds within r of what the middle has
    them in, so they lie within twice r of that around the middle. A hand moves little from one
    window to the next, so a few of thousands are left.
    """
    if len(places) <= FEW:
        return np.arange(len(places))
    middle = 0.5 * (x.min() + x.max()), 0.5 * (y.min() + y.max())
    far = np.sqrt(((x - middle[0]) ** 2 + (y - middle[1]) ** 2).max())
    apart = np.sqrt((places[:, 0] - middle[0]) ** 2 + (places[:, 1] - middle[1]) ** 2)
    reach = np.partition(apart, count - 1)[count - 1] + 2.0 * far
    return np.flatnonzero(apart <= reach + NEGLIGIBLE)


def shares(squares: Floats, count: int) -> Floats:
    """Return how much of a mix each of the nearest sounds is: 0 at the edge of the neighbourhood.

    Parameters
    ----------
    squares : array [shape=(m, count or count + 1)]
        Squared distances, rising. The sound after the last sets the edge; without one there is
        none.
    count : int

    Returns
    -------
    array [shape=(m, count)]
        Of sum 1; a point at a sound's place is that sound alone.

    Example
    -------
    >>> shares(np.array([[0.0, 1.0, 4.0], [1.0, 1.0, 4.0]]), 2)
    array([[1. , 0. ],
           [0.5, 0.5]])

    Source: Franke, Nielson: Smooth interpolation of large sets of scattered data (International
    Journal for Numerical Methods in Engineering 1980).
    """
    apart = np.sqrt(squares)
    near = apart[:, :count]
    if apart.shape[1] > count:
        reach = np.maximum(apart[:, count, None] - near, 0.0)
    else:
        reach = np.ones_like(near)
    # Against the nearest, so that its own place gives exactly 1 there and 0 elsewhere.
    top, bottom = reach * near[:, :1], near * reach[:, :1]
    weights = np.divide(top, bottom, out=np.zeros_like(near), where=bottom > 0.0) ** 2
    weights[:, 0] = 1.0
    found: Floats = weights / weights.sum(axis=1, keepdims=True)
    return found


def mixed(
    query: Query, atlas: Atlas, rows: Rows, weights: Floats, frames: Floats | None
) -> Latents:
    """Return a mix of sounds of the map.

    Parameters
    ----------
    query : Query
    atlas : Atlas
    rows, weights : array [shape=(n, any)]
        The sounds at each position, and their shares.
    frames : array [shape=(n, any)] or None
        Where in its sound each is; before and after a sound is silence. None: at the position
        itself, where every sound repeats for ever.
    """
    shape = (len(query.frames), query.world.dims)
    mean, std = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for row, here, column in _each(rows, weights):
        there = query.only(here)
        at = there.frames if frames is None else frames[here, column]
        found = turning(there, Spot(atlas, row)) if frames is None else once(there, atlas, row, at)
        share = weights[here, column].astype(np.float32)[:, None]
        mean[here] += share * found.mean
        std[here] += share * found.std
    return Latents(mean, std)


def _each(rows: Rows, weights: Floats) -> Iterator[tuple[int, NDArray[np.bool_], int]]:
    """Yield each sound with the positions where it is heard, column by column.

    A position's sounds always come in the same order, whatever others are asked with it.
    """
    for column in range(rows.shape[1]):
        heard = weights[:, column] > 0.0
        for row in np.unique(rows[heard, column]).tolist():
            yield row, heard & (rows[:, column] == row), column


def once(query: Query, atlas: Atlas, row: int, frames: Floats) -> Latents:
    """Return a sound of the map at some of its frames, silence before and after."""
    never = np.zeros(len(frames), np.bool_)
    return query.at(frames, wrap=never, before=None).latents(Spot(atlas, row))


def turning(query: Query, sound: Recorded) -> Latents:
    """Return a recording that repeats for ever, at the positions of a query."""
    length = float(query.world.length(sound))
    turn = np.maximum(np.floor(query.frames / length), 0.0)
    there = query.at(
        query.frames - turn * length,
        wrap=query.frames >= 0.0,
        before=np.where(turn > 0.0, length, 0.0),
    )
    return there.within(length).latents(sound)


class Steps:
    """The steps of a texture in which each sound begins anew.

    Parameters
    ----------
    query : Query
    every : float [beats]
    shift : float [beats]
        How much earlier than on the beat they begin.
    """

    def __init__(self, query: Query, every: float, shift: float = 0.0) -> None:
        self._query = query
        # A window belongs to the step in which its middle lies.
        middle = query.middle / (query.scope.beat_frames * float(query.scope.stretch))
        number = np.floor((query.beats + middle + shift) / every)
        self.numbers, first, self._which = np.unique(number, return_index=True, return_inverse=True)
        self._begin = self.numbers * every - shift
        since = query.beats - self._begin[self._which]
        self.part = np.clip(since / every, 0.0, 1.0)
        """How much of its step is over at each position [shape=(n,), 0 to 1]."""
        self.frames = frames_in(query, since)
        """Frames since its beginning [shape=(n,)], a little below 0 in the first window."""
        clock = query.clock
        if clock is not None:
            # Rounded, so that a step begins at one sample, whichever window asks.
            then = clock.back(samples_in(query, since)).samples[first]
            samples = np.floor(then + 1.0 - STEP_ROUNDING)
            clock = replace(clock, samples=samples)
        held = query.since
        if held is not None:
            held = held[first] + self._begin - query.beats[first]
        self._begun = query.at(np.zeros(len(first)), self._begin, clock=clock, since=held)

    def curve(self, curve: CurveLike, carrier: Latent) -> Floats:
        """Return a curve's values at the beginning of each step."""
        return self._begun.curve(curve, carrier)

    def each(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return what belongs to a step at each position."""
        return values[self._which]
