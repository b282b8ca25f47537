"""A block: the 1024 samples that all effects work in, and what their rows are in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentlive.effects.declared import LEAST, MOST, ROWS
from latentlive.mixer import GRID

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

BLOCK = 1024
"""Samples of a block; the first one's global position is a multiple of it."""

CELLS = BLOCK // GRID
POINTS = CELLS + 1
"""Points of the grid in a block, both edges included."""

QUIET = 1e-9
"""State below this is taken for none, where no sound comes in: -180 dB."""

_RISE = np.arange(GRID) / GRID
_LEAST, _MOST = LEAST[:, None], MOST[:, None]


def ramp(points: F64) -> F64:
    """Return the values between points of the grid [shape=(1024,)], linear from one to the next.

    Parameters
    ----------
    points : array [shape=(17,)]
    """
    rise = np.multiply.outer(points[1:] - points[:-1], _RISE)
    rise += points[:-1, None]
    return rise.reshape(BLOCK)


class Setting:
    """The rows of one block, kept to their ranges.

    Parameters
    ----------
    rows : array [shape=(len(ROWS), 17)]
        What is no number is the least value.
    """

    def __init__(self, rows: F32) -> None:
        if rows.shape != (len(ROWS), POINTS):
            raise ValueError(f"rows: expected {(len(ROWS), POINTS)}, got {rows.shape}")
        kept = np.fmin(np.fmax(rows, _LEAST), _MOST).astype(np.float64)
        self._rows = kept
        self._first: list[float] = kept[:, 0].tolist()
        self._still: list[bool] = (kept == kept[:, :1]).all(axis=1).tolist()

    def steady(self, row: int) -> float | None:
        """Return the value of a row that stands still, None where it moves."""
        return self._first[row] if self._still[row] else None

    def off(self, row: int) -> bool:
        """Return whether a row is 0 all along."""
        return self._first[row] == 0.0 and self._still[row]

    def last(self, row: int) -> float:
        """Return the value of a row where the block ends."""
        return float(self._rows[row, -1])

    def least(self, row: int) -> float:
        """Return the least value of a row."""
        return self._first[row] if self._still[row] else float(self._rows[row].min())

    def greatest(self, row: int) -> float:
        """Return the greatest value of a row."""
        return self._first[row] if self._still[row] else float(self._rows[row].max())

    def points(self, row: int) -> F64:
        """Return the values of a row at the grid's points [shape=(17,)]."""
        points: F64 = self._rows[row]
        return points

    def samples(self, row: int) -> F64 | float:
        """Return the values of a row at all samples [shape=(1024,)], or the one that it has."""
        return self._first[row] if self._still[row] else ramp(self._rows[row])
