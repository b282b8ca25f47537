"""Gains over time: fades that can be interrupted, and settings that glide to the next."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import Clock, Curve, Num, Tapes, Time, inputs_of
from latentlive.engine.shared import RING
from latentlive.engine.timing import GLIDE, to_samples
from latentlive.protocol.levels import LOUDEST, LOUDEST_DB
from latentlive.units import Floats, Tempo, from_db

FORGOTTEN = RING
"""Samples after which nobody asks what a gain was."""

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
    past : tuple of Fade
        What went on until then, in rising order, each until the next one begins: fades are
        decided on before they begin, and what was is asked for again.
    """

    start: int
    stop: int
    low: float
    high: float
    past: tuple[Fade, ...] = ()

    def gain(self, samples: NDArray[np.int64]) -> Floats:
        """Return the gain at some rising global positions [shape=(n,)]."""
        fades, until = (*self.past, self), len(samples)
        gain = np.empty(until)
        for number in reversed(range(len(fades))):
            since = int(np.searchsorted(samples, fades[number].start)) if number else 0
            if since < until:
                gain[since:until] = fades[number]._alone(samples[since:until])
                until = since
            if not until:
                break
        return gain

    def _alone(self, samples: NDArray[np.int64]) -> Floats:
        x = np.clip((samples - self.start) / max(self.stop - self.start, 1), 0.0, 1.0)
        a, b = math.asin(self.low), math.asin(self.high)
        gain: Floats = np.sin(a + (b - a) * x)
        # sin(pi/2) is not exactly 1 in floating point; a finished fade must be exact.
        return np.where(x >= 1.0, self.high, np.where(x <= 0.0, self.low, gain))

    def towards(self, level: float, start: int, length: int) -> Fade:
        """Return the fade that takes over at `start`, from the gain that sounds there."""
        now = float(self.gain(np.array([start]))[0])
        fades = (*self.past, replaced(self, past=()))
        first, last = (
            bisect_left(fades, at, key=lambda fade: fade.start)
            for at in (start - FORGOTTEN, start)  # a fade that would have begun later never sounds
        )
        past = fades[max(first - 1, 0) : last]
        return Fade(start, start + max(length, 1), now, level, past)


@dataclass(frozen=True)
class Setting:
    """A layer's gain and pan from a moment on.

    Parameters
    ----------
    gain_db, amp, pan, audible : Curve
        Decibels, linear factor, 0 left to 1 right, 0 muted to 1.
    since : int [samples, global]
    glide : int [samples]
        How long it takes over from the one before it.
    past : tuple of Setting
        Those before it, in rising order: what was is asked for again.
    """

    gain_db: Curve = field(default_factory=lambda: Num(0.0))
    amp: Curve = field(default_factory=lambda: Num(1.0))
    pan: Curve = field(default_factory=lambda: Num(0.5))
    audible: Curve = field(default_factory=lambda: Num(1.0))
    since: int = 0
    glide: int = 0
    past: tuple[Setting, ...] = ()

    @cached_property
    def live(self) -> bool:
        """Whether it, or one before it, follows what arrives."""
        curves = self.gain_db, self.amp, self.pan
        return any(map(inputs_of, curves)) or any(one.live for one in self.past)

    def changed(self, at: int, rate: int, glides: bool = True, **changes: Curve) -> Setting:
        """Return the setting that takes over at a position, at once unless it `glides`."""
        glide = to_samples(GLIDE, rate)
        settings = (*self.past, replaced(self, past=()))
        first = _begun(settings, at - FORGOTTEN - glide)
        # A setting that would have taken over later never sounds.
        past = settings[max(first - 1, 0) : _begun(settings, at)]
        return replaced(self, **changes, since=at, glide=glide if glides and past else 0, past=past)

    def gains(
        self,
        samples: NDArray[np.int64],
        origin: int,
        tempo: Tempo,
        seed: int,
        tapes: tuple[Tapes, int] | None = None,
    ) -> NDArray[np.float64]:
        """Return left and right gain at some rising global positions [shape=(2, n)].

        Curves count beats of the layer's own clock, which began at `origin`. What they ask for
        beyond the bounds of levels is held there; live, replay and bounce all come by here. Live
        curves are read from tapes, with a shift from the position.
        """
        both = np.zeros((2, len(samples)))
        settings = (*self.past, self)
        glide = to_samples(GLIDE, tempo.sample_rate)
        first = max(_begun(settings, int(samples[0]) - glide + 1) - 1, 0)
        for number in range(first, max(_begun(settings, int(samples[-1]) + 1), 1)):
            one, later = settings[number], None
            if number + 1 < len(settings):
                later = settings[number + 1]
            since = int(np.searchsorted(samples, one.since)) if number else 0
            until = len(samples)
            if later is not None:
                until = int(np.searchsorted(samples, later.since + later.glide))
            if since < until:
                part = samples[since:until]
                own = one._alone(part, origin, tempo, seed, tapes)
                gliding = int(np.searchsorted(part, one.since + one.glide)) if number else 0
                if gliding:
                    x = (part[:gliding] - one.since) / one.glide
                    before = both[:, since : since + gliding]
                    own[:, :gliding] = before + (own[:, :gliding] - before) * x
                both[:, since:until] = own
        return both

    def _alone(
        self,
        samples: NDArray[np.int64],
        origin: int,
        tempo: Tempo,
        seed: int,
        tapes: tuple[Tapes, int] | None,
    ) -> NDArray[np.float64]:
        own = (samples - origin).astype(np.float64)
        tape, shift = tapes or (None, 0)
        time = Time(tempo.beats(own), seed=seed, clock=Clock(own, tempo, tape, origin + shift))
        level = from_db(np.minimum(time.value(self.gain_db), LOUDEST_DB))
        level = level * np.clip(time.value(self.amp), -LOUDEST, LOUDEST)
        level = level * time.value(self.audible)
        angle = np.clip(time.value(self.pan), 0.0, 1.0) * (math.pi / 2)
        return np.stack([level * np.cos(angle), level * np.sin(angle)])


def _begun(settings: tuple[Setting, ...], at: int) -> int:
    """Return how many of some settings, in rising order, begin before a position."""
    return bisect_left(settings, at, key=lambda one: one.since)
