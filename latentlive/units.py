"""Samples, frames, seconds, beats and decibels, and the tempo that ties beats to samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlive.errors import ExpressionError

Floats = NDArray[np.float64]
Samples = NDArray[np.float32]

SILENCE_DB = -120.0
"""Gains at or below this many decibels are exact silence."""


def from_db(gain_db: ArrayLike) -> Floats:
    """Return the amplitude of a gain in decibels; at or below -120 dB it is exactly 0."""
    db = np.asarray(gain_db, np.float64)
    return np.where(db > SILENCE_DB, 10.0 ** (np.minimum(db, 200.0) / 20.0), 0.0)


@dataclass(frozen=True)
class Tempo:
    """A constant tempo from sample 0 on.

    Parameters
    ----------
    bpm : float [beats per minute, > 0]
    sample_rate : int [samples per second]
    """

    bpm: float = 60.0
    sample_rate: int = 44100

    def __post_init__(self) -> None:
        if not (math.isfinite(self.bpm) and 1.0 <= self.bpm <= 2000.0):
            raise ExpressionError(f"tempo: bpm must lie in 1 to 2000, got {self.bpm:g}")

    @property
    def beat_samples(self) -> float:
        """The samples of one beat."""
        return 60.0 * self.sample_rate / self.bpm

    def beats(self, samples: ArrayLike) -> Floats:
        """Return the beats elapsed at `samples` [shape=(n,)]."""
        return np.asarray(samples, np.float64) * (self.bpm / (60.0 * self.sample_rate))

    def samples(self, beats: float) -> int:
        """Return the whole sample nearest to `beats`."""
        return round(beats * self.beat_samples)
