"""Meters: how loud a channel is, as values of a source."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from latentlive.units import Floats, Samples

STEP = 64
"""Samples of which one peak is taken."""

WINDOW = 0.01
"""Seconds over which the highest peak counts: half a period of 50 Hz."""

EVERY = 0.01
"""Seconds between two values, at least."""

FLOOR_DB = -60.0
"""What has the level 0, and counts as silence."""

SHADES = 240
"""Levels that are told apart, a quarter of a decibel each: a log holds what can be heard."""


def level(peak: Floats) -> Floats:
    """Return the levels of some peaks: 0 at -60 dBFS and below, 1 at full scale.

    >>> level(np.array([0.0, 0.001, 0.1, 1.0, 2.0]))
    array([0.        , 0.        , 0.66666667, 1.        , 1.        ])
    """
    least = 10.0 ** (FLOOR_DB / 20.0)
    found: Floats = np.clip(1.0 - 20.0 * np.log10(np.maximum(peak, least)) / FLOOR_DB, 0.0, 1.0)
    return found


class Peaks:
    """The peaks of a channel, step by step, each the highest of the last 10 ms.

    Parameters
    ----------
    rate : int [samples a second]
    """

    def __init__(self, rate: int) -> None:
        self._rest = np.empty(0, np.float32)
        self._before = np.zeros(max(math.ceil(WINDOW * rate / STEP) - 1, 0))

    def take(self, samples: Samples | Floats) -> Floats:
        """Return the peaks of the steps that samples complete [shape=(steps,)]."""
        joined = np.concatenate([self._rest, np.abs(samples)])
        steps = len(joined) // STEP
        self._rest = joined[steps * STEP :]
        if not steps:
            return np.empty(0)
        new = joined[: steps * STEP].reshape(steps, STEP).max(axis=1).astype(np.float64)
        around = np.concatenate([self._before, new])
        wide = len(self._before)
        self._before = around[steps:]
        highest: Floats = np.lib.stride_tricks.sliding_window_view(around, wide + 1).max(axis=1)
        return highest


class Meter:
    """Follows the levels of a channel, faster upwards than downwards.

    A level moves towards a new one by 63 % within `attack` or `release`.

    Parameters
    ----------
    attack, release : float [seconds]
    rate : int [samples a second]
    """

    def __init__(self, attack: float, release: float, rate: int) -> None:
        self._rise, self._fall = (
            1.0 - math.exp(-STEP / (rate * time)) for time in (attack, release)
        )
        self._every = max(round(EVERY * rate / STEP), 1)
        self._level, self._told, self._count = 0.0, -1.0, 0

    def take(self, levels: Floats) -> Iterator[tuple[int, float]]:
        """Take the levels of the next steps; yield new values, each with its step among them."""
        for step, now in enumerate(levels.tolist()):
            self._level += (now - self._level) * (self._rise if now > self._level else self._fall)
            self._count += 1
            if self._count % self._every:
                continue
            shade = round(self._level * SHADES) / SHADES
            if shade != self._told:
                self._told = shade
                yield step, round(shade, 4)
