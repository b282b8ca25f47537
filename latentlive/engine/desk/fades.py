"""Gains over time: fades that can be interrupted, and settings that glide to the next."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from functools import cached_property
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import Clock, Curve, Num, Tapes, Time, inputs_of
from latentlive.engine.shared import RING
from latentlive.engine.timing import GLIDE, to_samples
from latentlive.protocol.levels import LOUDEST, LOUDEST_DB, WIDEST
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


class Since(Protocol):
    """Something that is so from a moment on, and takes over from what was within a while."""

    @property
    def since(self) -> int:
        """The moment [samples, global]."""

    @property
    def glide(self) -> int:
        """How long it takes over [samples]."""


L = TypeVar("L", bound=Since)

Blend = Callable[[Floats, Floats, Floats], Floats]
"""From values before and after [shape=(k, n)] and how far it has come [shape=(n,)] to values."""


def straight(before: Floats, after: Floats, x: Floats) -> Floats:
    """Return values on the straight line from one to the other."""
    between: Floats = before + (after - before) * x
    return between


def glided(
    course: Sequence[L],
    samples: NDArray[np.int64],
    values: Callable[[L, NDArray[np.int64]], Floats],
    blend: Blend = straight,
) -> Floats:
    """Return the values of what is so at some rising global positions [shape=(k, n)].

    Parameters
    ----------
    course : sequence
        What was so, one after the other; each takes over from the one before.
    samples : array [shape=(n,)]
    values : function of one of them and of positions
        Returns its own values [shape=(k, m)].
    blend : function
        What is heard while one takes over from another.
    """
    longest = max(one.glide for one in course)
    first = max(begun(course, int(samples[0]) - longest + 1) - 1, 0)
    both: Floats | None = None
    for number in range(first, max(begun(course, int(samples[-1]) + 1), 1)):
        one, later = course[number], None
        if number + 1 < len(course):
            later = course[number + 1]
        since = int(np.searchsorted(samples, one.since)) if number else 0
        until = len(samples)
        if later is not None:
            until = int(np.searchsorted(samples, later.since + later.glide))
        if since < until:
            part = samples[since:until]
            own = values(one, part)
            if both is None:
                both = np.zeros((len(own), len(samples)))
            gliding = int(np.searchsorted(part, one.since + one.glide)) if number else 0
            if gliding:
                x = (part[:gliding] - one.since) / one.glide
                before = both[:, since : since + gliding]
                own[:, :gliding] = blend(before, own[:, :gliding], x)
            both[:, since:until] = own
    assert both is not None  # the last of them holds for ever
    return both


def begun(course: Sequence[Since], at: int) -> int:
    """Return how many of some things in rising order begin before a position."""
    return bisect_left(course, at, key=lambda one: one.since)


def before(course: tuple[L, ...], at: int, rate: int) -> tuple[L, ...]:
    """Return what may still be asked for of a course, if something takes over at a position.

    What would have taken over later never sounds.
    """
    first = begun(course, at - FORGOTTEN - to_samples(GLIDE, rate))
    return course[max(first - 1, 0) : begun(course, at)]


class Reading(NamedTuple):
    """How curves are read: they count beats of a clock that began at `origin` [samples, global];
    what is live is read from tapes, `shift` samples from the position."""

    origin: int
    tempo: Tempo
    seed: int
    tapes: Tapes | None = None
    shift: int = 0

    def time(self, samples: NDArray[np.int64]) -> Time:
        """Return what curves are asked at some global positions."""
        own = (samples - self.origin).astype(np.float64)
        clock = Clock(own, self.tempo, self.tapes, self.origin + self.shift)
        return Time(self.tempo.beats(own), seed=self.seed, clock=clock)


@dataclass(frozen=True)
class Setting:
    """A layer's gain and pan from a moment on.

    Parameters
    ----------
    gain_db, amp, pan, audible : Curve
        Decibels, linear factor, 0 left to 1 right, 0 muted to 1.
    width : Curve
        Of what has two sides: 0 both are the same, 1 as they are, 2 twice as far apart.
    fed : Curve
        The part of the layer that goes through its effects, 0 to 1, instead of to the mix.
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
    width: Curve = field(default_factory=lambda: Num(1.0))
    fed: Curve = field(default_factory=lambda: Num(0.0))
    since: int = 0
    glide: int = 0
    past: tuple[Setting, ...] = ()

    @cached_property
    def live(self) -> bool:
        """Whether it, or one before it, follows what arrives."""
        curves = self.gain_db, self.amp, self.pan, self.width
        return any(map(inputs_of, curves)) or any(one.live for one in self.past)

    @property
    def course(self) -> tuple[Setting, ...]:
        """Those before it, and itself."""
        return (*self.past, self)

    def changed(self, at: int, rate: int, glides: bool = True, **changes: Curve) -> Setting:
        """Return the setting that takes over at a position, at once unless it `glides`."""
        past = before((*self.past, replaced(self, past=())), at, rate)
        glide = to_samples(GLIDE, rate) if glides and past else 0
        return replaced(self, **changes, since=at, glide=glide, past=past)

    def gains(self, samples: NDArray[np.int64], reading: Reading) -> Floats:
        """Return left and right gain of what goes straight to the mix [shape=(2, n)].

        What curves ask for beyond the bounds of levels is held there; live, replay and bounce all
        come by here.
        """

        def alone(one: Setting, part: NDArray[np.int64]) -> Floats:
            gains = one._panned(reading.time(part))
            return gains if one.fed == DRY else gains * (1.0 - one._fed)

        return glided(self.course, samples, alone)

    def behind(self, samples: NDArray[np.int64], reading: Reading, audible: bool = True) -> Floats:
        """Return left and right gain of what comes out of its effects [shape=(2, n)], audible or
        not."""

        def alone(one: Setting, part: NDArray[np.int64]) -> Floats:
            return one._panned(reading.time(part), audible)

        return glided(self.course, samples, alone)

    def level(self, samples: NDArray[np.int64], reading: Reading) -> Floats:
        """Return the gain without the pan [shape=(n,)]."""

        def alone(one: Setting, part: NDArray[np.int64]) -> Floats:
            return one._level(reading.time(part))[None]

        level: Floats = glided(self.course, samples, alone)[0]
        return level

    @property
    def widened(self) -> bool:
        """Whether its sides are, or were, another distance apart than they are by themselves."""
        return any(one.width != AS_IT_IS for one in self.course)

    def widths(self, samples: NDArray[np.int64], reading: Reading) -> Floats:
        """Return the width [shape=(1, n)]."""

        def alone(one: Setting, part: NDArray[np.int64]) -> Floats:
            time = reading.time(part)
            return np.clip(time.value(one.width), 0.0, WIDEST)[None]

        return glided(self.course, samples, alone)

    def feeds(self, samples: NDArray[np.int64]) -> Floats:
        """Return the part that goes through its effects [shape=(n,)]."""
        fed = glided(self.course, samples, lambda one, part: np.full((1, len(part)), one._fed))
        part: Floats = fed[0]
        return part

    @property
    def _fed(self) -> float:
        return min(max(float(np.ravel(self.fed.at(0.0))[0]), 0.0), 1.0)

    def _level(self, time: Time, audible: bool = True) -> Floats:
        level = from_db(np.minimum(time.value(self.gain_db), LOUDEST_DB))
        level = level * np.clip(time.value(self.amp), -LOUDEST, LOUDEST)
        return level * time.value(self.audible) if audible else level

    def _panned(self, time: Time, audible: bool = True) -> Floats:
        level = self._level(time, audible)
        angle = np.clip(time.value(self.pan), 0.0, 1.0) * (math.pi / 2)
        return np.stack([level * np.cos(angle), level * np.sin(angle)])


DRY, AS_IT_IS = Num(0.0), Num(1.0)
