"""Drawn curves: a line, an envelope, a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.curves.base import Curve, Time
from latentlive.curves.notes import TONES
from latentlive.errors import ExpressionError
from latentlive.expr import Array, declared, lasting, number, operator
from latentlive.units import Floats


@operator
class Line(Curve):
    """Go straight from `a` to `b` in `beats`, and stay there.

    Parameters
    ----------
    a, b : float
    beats : float [beats, > 0]

    Example
    -------
    >>> line(0, 1, 8).at([0, 4, 8, 100])
    array([0. , 0.5, 1. , 1. ])
    """

    a: float = number()
    b: float = number()
    beats: float = lasting()

    @property
    def span(self) -> float:
        return self.beats

    def values(self, t: Time) -> Floats:
        x = np.clip(t.beats / self.beats, 0.0, 1.0)
        return (1.0 - x) * self.a + x * self.b


@operator
class Env(Curve):
    """Go straight from point to point; hold the first before and the last after.

    Parameters
    ----------
    points : list of (beat, value)
        Beats must rise.

    Example
    -------
    >>> env([(0, 0), (2, 1), (6, 0)]).at([1, 4, 9])
    array([0.5, 0.5, 0. ])
    """

    points: Sequence[tuple[float, float]] = declared(Array(np.float64, 2))

    def __post_init__(self) -> None:
        super().__post_init__()
        table = np.asarray(self.points)
        if table.shape[1] != 2:
            raise ExpressionError(
                f"env: points must be (beat, value) pairs, got {table.shape[1]} numbers in a row"
            )
        if (table[1:, 0] <= table[:-1, 0]).any():
            raise ExpressionError("env: the beats of points must rise from one to the next")

    @property
    def span(self) -> float:
        return float(np.asarray(self.points)[-1, 0])

    def values(self, t: Time) -> Floats:
        beat, value = np.asarray(self.points).T
        drawn: Floats = np.interp(t.beats, beat, value)
        return drawn


@operator
class Seq(Curve):
    """Hold each value for `beats`, one after the other, and repeat.

    Parameters
    ----------
    steps : list of float
        Or notes such as ``"c4"``, which are their frequencies in Hz.
    beats : float [beats, > 0]

    Example
    -------
    >>> seq([0, 0.5, 1], 2).at([0, 2, 5, 6])
    array([0. , 0.5, 1. , 0. ])
    >>> seq(["a3", "a4"], 1)
    seq([220.0, 440.0], 1)
    """

    steps: Sequence[float] | list[str] | list[float | str] | NDArray[np.floating[Any]] = declared(
        TONES
    )
    beats: float = lasting()

    @property
    def span(self) -> float:
        return len(self.steps) * self.beats

    def values(self, t: Time) -> Floats:
        index = np.floor(t.beats / self.beats).astype(np.int64) % len(self.steps)
        held: Floats = np.asarray(self.steps)[index]
        return held
