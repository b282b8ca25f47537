"""A recorded movement as a curve."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.curves.base import LIMIT, Curve, Time
from latentlive.curves.tables import read_column
from latentlive.errors import ExpressionError
from latentlive.expr import Array, Kind, Maybe, Number, Text, Whole, declared, operator
from latentlive.expr.fields import MOST_BEATS, shown
from latentlive.units import Floats

FASTEST = 100.0
"""Most rows a second that are kept: no limb moves faster than half of it."""

MOST_KEPT = 360_000
"""Most rows that are kept: an hour of the fastest, in the log each time that it is played."""

DAY = 86_400.0

RATE = Maybe(Number("rows a second", least=0.001, most=100_000.0))


class Place(Kind):
    """The name of a column, or its number from 0."""

    def coerce(self, value: Any, place: str) -> str | int:
        """Return the name or the number."""
        if isinstance(value, str):
            return Text().coerce(value, place)
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise ExpressionError(f"{place} must be a name or a number, got {shown(value)}")
        return Whole(most=10**6).coerce(value, place)


class Points(Array):
    """Times and values [shape=(2, n)]: read from the file, never typed."""

    typed = False

    def coerce(self, value: Any, place: str) -> NDArray[Any]:
        """Return the points; refuse times that do not rise."""
        points = super().coerce(value, place)
        if len(points) != 2 or points.shape[1] < 2 or not (np.diff(points[0]) > 0.0).all():
            raise ExpressionError(f"{place} must be times that rise, and a value for each")
        return points


@operator
class Track(Curve):
    """See `track`."""

    file: str = declared(Text())
    column: str | int = declared(Place())
    points: Floats = declared(Points(np.float64, 2))
    rate: float | None = declared(RATE, default=None)

    @property
    def span(self) -> float:
        return float(self.points[0, -1])

    def values(self, t: Time) -> Floats:
        seconds, values = self.points
        moved: Floats = np.interp(t.beats, seconds, values)
        return moved


def track(file: str | os.PathLike[str], column: str | int, rate: float | None = None) -> Curve:
    """A recorded movement: one column of a CSV, NPY or BVH file, a second of it in each beat.

    Straight between rows; the first value before the recording, the last one after it. The file
    is read as the line is typed: a change of it is heard when the line is typed again, and a log
    replays without it. If it has more than 100 rows a second, averages of 10 ms are kept; beyond
    an hour, fewer. A row without a number is bridged.

    Parameters
    ----------
    file : path
        CSV with or without a row of names, NPY with two axes, or BVH; at most 200 MB.
    column : str or int
        Its name, in a BVH file ``"Hips.Yposition"``; or its number from 0.
    rate : float [rows a second], optional
        Needed where the file gives no times. A column ``time``, ``seconds`` or ``t`` gives them in
        seconds; they may be uneven. Times that begin below 0 or beyond a day count from the first.

    Raises
    ------
    ExpressionError
        ``track: no column 'hand_z' in 'dance.csv'; did you mean 'hand_y'?``

    Example
    -------
    ``d1 >> sound("gong").pitch(track("dance.csv", "hand_y").range(110, 880))``
    """
    name: str = Text().coerce(
        os.fspath(file) if isinstance(file, os.PathLike) else file, "track: file"
    )
    which: str | int = Place().coerce(column, "track: column")
    often: float | None = RATE.coerce(rate, "track: rate")
    values, seconds = read_column(name, which)
    if often is not None:
        seconds = np.arange(len(values)) / often
    if seconds is None:
        raise ExpressionError(
            f"track: {shown(name)} gives no times; say how many rows it has a second: "
            f"track({name!r}, {which!r}, rate=50)"
        )
    return Track(name, which, _kept(*_whole(values, seconds, shown(name))), often)


def _whole(values: Floats, seconds: Floats, file: str) -> tuple[Floats, Floats]:
    """Return the times and values of the rows that have both, later than all before them."""
    there = np.isfinite(values) & np.isfinite(seconds)
    times = np.where(there, seconds, -np.inf)
    there[1:] &= times[1:] > np.maximum.accumulate(times)[:-1]
    if 2 * there.sum() < len(values):
        raise ExpressionError(
            f"track: {len(values) - there.sum()} of {len(values)} rows of {file} have no number "
            "there, or no later time than the row before; half of them is the most"
        )
    if there.sum() < 2:
        raise ExpressionError(f"track: a movement needs 2 rows, {file} has {len(values)}")
    times, values = seconds[there], np.clip(values[there], -LIMIT, LIMIT)
    if not 0.0 <= times[0] <= DAY:
        times = times - times[0]
    if not times[-1] <= MOST_BEATS:
        raise ExpressionError(
            f"track: {file} lasts {times[-1]:g} seconds, {MOST_BEATS:g} is the most; "
            "are its times seconds? if not, say rate="
        )
    return times, values


def _kept(times: Floats, values: Floats) -> Floats:
    """Return times and values [shape=(2, n)], averaged to the rows that are kept."""
    lasts = times[-1] - times[0]
    fastest = min(FASTEST, MOST_KEPT / max(lasts, 1.0))
    if len(times) <= lasts * fastest + 1.5:
        return np.stack([times, values])
    parts = np.floor((times - times[0]) * fastest)
    starts = np.flatnonzero(np.diff(parts, prepend=-1.0))
    count = np.diff(starts, append=len(times))
    points: Floats = np.add.reduceat(np.stack([times, values]), starts, axis=1) / count
    points[0, 0], points[0, -1] = times[0], times[-1]  # it lasts as long as before
    return points
