"""What an input channel was like: its last two minutes, and how long it has been silent."""

from __future__ import annotations

import math

import numpy as np

from latentlive.engine.inputs.meters import FLOOR_DB
from latentlive.units import Samples

KEPT = 120.0
"""Seconds of an input that are kept."""

SILENT = float(10.0 ** (FLOOR_DB / 20.0))
"""The peak up to which a channel is silent."""


class Past:
    """The last samples of a channel, a ring.

    Parameters
    ----------
    rate : int [samples a second]
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._ring = np.zeros(round(KEPT * rate), np.float32)
        self._written = 0
        self._loud = 0
        self._peak = 0.0

    @property
    def held(self) -> int:
        """How many samples there are."""
        return min(self._written, len(self._ring))

    @property
    def unheard(self) -> bool:
        """Whether it has been silent from the beginning."""
        return not self._loud

    @property
    def quiet(self) -> float:
        """Seconds since it was louder than silence."""
        return (self._written - self._loud) / self.rate

    def take(self, samples: Samples) -> None:
        """Take samples that follow the last ones, at most as many as are kept."""
        at = self._written % len(self._ring)
        head = min(len(samples), len(self._ring) - at)
        self._ring[at : at + head] = samples[:head]
        self._ring[: len(samples) - head] = samples[head:]
        self._written += len(samples)
        peak = float(np.abs(samples).max(initial=0.0))
        self._peak = max(self._peak, peak)
        if peak > SILENT:
            self._loud = self._written

    def last(self, count: int) -> Samples:
        """Return the last samples, at most as many as there are [shape=(count,)]."""
        places = np.arange(self._written - count, self._written) % len(self._ring)
        return self._ring[places]

    def peak_db(self) -> float:
        """Return the peak since the last time this was asked [dBFS, at least -120]."""
        peak, self._peak = self._peak, 0.0
        return 20.0 * math.log10(max(peak, 1e-6))
