"""Gains over time: fades that can be interrupted, and settings that glide to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from dataclasses import replace as replaced

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import Curve, Num, Time
from latentlive.engine.levels import LOUDEST, LOUDEST_DB
from latentlive.units import Floats, Tempo, from_db

GLIDE = 1024
"""Samples over which a new gain or pan takes over: no zipper, no click."""

FORGOTTEN = 1 << 17
"""Samples after which nobody asks any more what a gain was."""

MASTER_DB = -9.0
"""The master's level: several layers at 0 dB stay below full scale."""


@dataclass(frozen=True)
class Fade:
    """A gain that moves on a quarter circle, so that two opposite fades keep their power.

    Parameters
    ----------
    start, stop : int [samples, global]
    low, high : float
        Gain before and after; from `low` at `start` to `high` at `stop`.
    before : Fade or None
        What goes on until `start`: fades are decided on a little before they begin.
    """

    start: int
    stop: int
    low: float
    high: float
    before: Fade | None = None

    def gain(self, samples: NDArray[np.int64]) -> Floats:
        """Return the gain at some global positions [shape=(n,)]."""
        x = np.clip((samples - self.start) / max(self.stop - self.start, 1), 0.0, 1.0)
        a, b = math.asin(self.low), math.asin(self.high)
        gain: Floats = np.sin(a + (b - a) * x)
        # The sine of a quarter turn is 1 only nearly; where nothing moves, nothing may.
        gain = np.where(x >= 1.0, self.high, np.where(x <= 0.0, self.low, gain))
        earlier = samples < self.start
        if self.before is not None and earlier.any():
            gain[earlier] = self.before.gain(samples[earlier])
        return gain

    def towards(self, level: float, start: int, length: int) -> Fade:
        """Return the fade that takes over at `start`, from the gain that sounds there."""
        now = float(self.gain(np.array([start]))[0])
        before = self if self.start + FORGOTTEN > start else replaced(self, before=None)
        return Fade(start, start + max(length, 1), now, level, before)


@dataclass(frozen=True)
class Setting:
    """A layer's gain and pan from a moment on.

    Parameters
    ----------
    gain_db, amp, pan, audible : Curve
        Decibels, linear factor, 0 left to 1 right, 0 muted to 1.
    since : int [samples, global]
    before : Setting or None
        What it glides from.
    """

    gain_db: Curve = field(default_factory=lambda: Num(0.0))
    amp: Curve = field(default_factory=lambda: Num(1.0))
    pan: Curve = field(default_factory=lambda: Num(0.5))
    audible: Curve = field(default_factory=lambda: Num(1.0))
    since: int = 0
    before: Setting | None = None

    def changed(self, at: int, **changes: Curve) -> Setting:
        """Return the setting that takes over at a position."""
        if at == self.since:
            before = self.before  # what would have taken over there never sounds
        else:
            before = self if at < self.since + GLIDE else self.settled()
        return replaced(self, **changes, since=at, before=before)

    def settled(self) -> Setting:
        """Return the setting without what it glides from."""
        return replaced(self, before=None)

    def gains(
        self, samples: NDArray[np.int64], origin: int, tempo: Tempo, seed: int
    ) -> NDArray[np.float64]:
        """Return left and right gain at some global positions [shape=(2, n)].

        Curves count beats of the layer's own clock, which began at `origin`. What they ask for
        beyond the bounds of levels is held there; live, replay and bounce all come by here.
        """
        time = Time(tempo.beats(samples - origin), seed=seed)
        level = from_db(np.minimum(time.value(self.gain_db), LOUDEST_DB))
        level = level * np.clip(time.value(self.amp), -LOUDEST, LOUDEST)
        level = level * time.value(self.audible)
        angle = np.clip(time.value(self.pan), 0.0, 1.0) * (math.pi / 2)
        both = np.stack([level * np.cos(angle), level * np.sin(angle)])
        gliding = samples < self.since + GLIDE
        if self.before is not None and gliding.any():
            x = np.maximum((samples[gliding] - self.since) / GLIDE, 0.0)
            earlier = self.before.gains(samples[gliding], origin, tempo, seed)
            both[:, gliding] = earlier + (both[:, gliding] - earlier) * x
        return both
