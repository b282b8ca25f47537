"""Samples, frames, seconds, beats and decibels, and the tempo that ties beats to samples."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlive.errors import ExpressionError

Floats = NDArray[np.float64]
Samples = NDArray[np.float32]

SILENCE_DB = -120.0
"""Gains at or below this many decibels are exact silence."""

MOST_TEMPOS = 10_000
"""Changes of tempo in one performance: each voice and each line of the log carries them."""

SLOWEST, FASTEST = 1.0, 2000.0
"""Beats a minute, least and most."""

MOST_SLEW = 0.02
"""Part of a tempo by which it is faster or slower while it comes to another clock's beats."""

SHORTEST_SLEW = 1.0
"""Seconds that this takes, at least."""

ALIKE = 1e-6
"""Beats that nobody hears."""

LAST_SAMPLE, LONGEST_RAMP = 2**62, 2**44
"""The last sample of a tempo change, and its longest ramp in samples."""


def from_db(gain_db: ArrayLike) -> Floats:
    """Return the amplitude of a gain in decibels; at or below -120 dB it is exactly 0."""
    db = np.asarray(gain_db, np.float64)
    return np.where(db > SILENCE_DB, 10.0 ** (np.minimum(db, 200.0) / 20.0), 0.0)


def bpm_text(bpm: float) -> str:
    """Return a tempo to one decimal, for display while it moves.

    >>> bpm_text(72.0), bpm_text(72.3456)
    ('72 bpm', '72.3 bpm')
    """
    return f"{round(bpm, 1):g} bpm"


def clock_text(seconds: float) -> str:
    """Return seconds as minutes and seconds.

    >>> clock_text(75.25)
    '1:15.2'
    """
    minutes, left = divmod(seconds, 60.0)
    return f"{int(minutes)}:{left:04.1f}"


@dataclass(frozen=True)
class TempoChange:
    """A tempo from a sample on, reached over a ramp.

    Parameters
    ----------
    at : int [samples]
    bpm : float [beats per minute]
    over : int [samples, >= 0]
        Length of the ramp, linear in beats per minute.
    """

    at: int
    bpm: float
    over: int = 0


@dataclass(frozen=True)
class Tempo:
    """Beats as a function of samples: a tempo from sample 0 on, and its changes.

    Parameters
    ----------
    bpm : float [beats per minute, 1 to 2000]
    sample_rate : int [samples per second]
    changes : tuple of TempoChange
        In rising order; a later one cuts off the ramp before it.

    Example
    -------
    >>> Tempo(60, 100).changed(100, 120).beats([0, 100, 150])
    array([0., 1., 2.])
    """

    bpm: float = 60.0
    sample_rate: int = 44100
    changes: tuple[TempoChange, ...] = ()

    def __post_init__(self) -> None:
        for bpm in (self.bpm, *(change.bpm for change in self.changes)):
            if not (math.isfinite(bpm) and 1.0 <= bpm <= 2000.0):
                raise ExpressionError(f"tempo: bpm must lie in 1 to 2000, got {bpm:g}")

    @property
    def beat_samples(self) -> float:
        """The samples of one beat at sample 0."""
        return 60.0 * self.sample_rate / self.bpm

    @cached_property
    def _pieces(self) -> tuple[Floats, Floats, Floats, Floats]:
        """First sample, beat, beats a sample and half their slope of each straight piece."""
        minute = 60.0 * self.sample_rate
        pieces = [(0.0, 0.0, self.bpm / minute, 0.0)]

        def turn(at: float, bpm: float, slope: float) -> None:
            start, beat, rate, bend = pieces[-1]
            x = at - start
            pieces.append((at, beat + x * (rate + bend * x), bpm / minute, slope / minute / 2))

        for number, change in enumerate(self.changes):
            later = number + 1 < len(self.changes)
            stop = float(self.changes[number + 1].at) if later else math.inf
            if change.over:
                now = self._bpm(pieces[-1], change.at)
                turn(change.at, now, (change.bpm - now) / change.over)
            if change.at + change.over < stop:
                turn(change.at + change.over, change.bpm, 0.0)
        start, beat, rate, bend = (np.array(column) for column in zip(*pieces, strict=True))
        return start, beat, rate, bend

    def _bpm(self, piece: tuple[float, float, float, float], sample: float) -> float:
        start, _, rate, bend = piece
        return (rate + 2 * bend * (sample - start)) * 60.0 * self.sample_rate

    def bpm_at(self, sample: int) -> float:
        """Return the tempo at a sample, in beats per minute."""
        if not self.changes:
            return self.bpm
        reached = [c for c in self.changes if c.at <= sample][-1:]
        if not reached or reached[0].at + reached[0].over <= sample:
            return reached[0].bpm if reached else self.bpm
        start, beat, rate, bend = self._pieces
        i = int(np.searchsorted(start, sample, "right")) - 1
        bpm = self._bpm((start[i], beat[i], rate[i], bend[i]), sample)
        return min(max(bpm, 1.0), 2000.0)  # rounding may exceed the range at a ramp's end

    def beats(self, samples: ArrayLike) -> Floats:
        """Return the beats elapsed at `samples` [shape=(n,)]."""
        at = np.asarray(samples, np.float64)
        if not self.changes:
            return at * (self.bpm / (60.0 * self.sample_rate))
        start, beat, rate, bend = self._pieces
        i = np.maximum(np.searchsorted(start, at, "right") - 1, 0)
        x = at - start[i]
        beats: Floats = beat[i] + x * (rate[i] + bend[i] * x)
        return beats

    def sample(self, beat: float) -> int:
        """Return the whole sample nearest to a beat (>= 0)."""
        if not self.changes:
            return round(beat * self.beat_samples)
        starts, beats, rates, bends = self._pieces
        i = max(int(np.searchsorted(beats, beat, "right")) - 1, 0)
        start, rate, bend, left = starts[i], rates[i], bends[i], beat - beats[i]
        # Of the two roots of left = x (rate + bend x), the one that is left / rate at bend 0.
        x = 2 * left / (rate + math.sqrt(max(rate * rate + 4 * bend * left, 0.0)))
        return round(float(start + x))

    def samples(self, beats: ArrayLike) -> Floats:
        """Return the samples, not rounded, at some beats [shape=(n,)]."""
        asked = np.asarray(beats, np.float64)
        if not self.changes:
            return asked * self.beat_samples
        start, beat, rate, bend = self._pieces
        i = np.maximum(np.searchsorted(beat, asked, "right") - 1, 0)
        left = asked - beat[i]
        # Of two roots the one that is left / rate where the tempo does not bend.
        root = np.sqrt(np.maximum(rate[i] * rate[i] + 4 * bend[i] * left, 0.0))
        samples: Floats = start[i] + 2 * left / (rate[i] + root)
        return samples

    def span(self, at: int, beats: float) -> int:
        """Return the length of `beats` in samples, from a sample on."""
        if not self.changes:
            return round(beats * self.beat_samples)
        return self.sample(float(self.beats(at)) + beats) - at

    def changed(self, at: int, bpm: float, over_beats: float = 0.0) -> Tempo:
        """Return the tempo that moves to `bpm` from sample `at` on, over `over_beats` beats."""
        before = tuple(change for change in self.changes if change.at < at)
        kept = replace(self, changes=before)
        # A linear ramp lasts as long as its beats at the mean tempo.
        mean = (kept.bpm_at(at) + bpm) / 2
        over = round(over_beats * 60.0 * self.sample_rate / mean)
        return replace(kept, changes=(*before, TempoChange(at, float(bpm), over)))

    def joined(self, at: int, bpm: float, beat: float) -> Tempo:
        """Return the tempo that joins another clock at sample `at`.

        It has that clock's `bpm` from there on, and at first is up to 2 % faster or slower, until
        it has come to its beats: no beat is left out or heard twice.

        Parameters
        ----------
        at : int [samples]
        bpm : float [beats per minute, 1 to 2000]
        beat : float
            Of the other clock at `at`.

        Example
        -------
        >>> Tempo(60, 100).joined(0, 60, 0.1).beats([0, 500, 1000])
        array([ 0. ,  5.1, 10.1])
        """
        before = tuple(change for change in self.changes if change.at < at)
        ahead, minute = beat - float(self.beats(at)), 60.0 * self.sample_rate
        if abs(ahead) < ALIKE:
            return replace(self, changes=(*before, TempoChange(at, float(bpm))))
        over = round(max(abs(ahead) * minute / (MOST_SLEW * bpm), SHORTEST_SLEW * self.sample_rate))
        first = min(max(bpm + ahead * minute / over, SLOWEST), FASTEST)
        coming = TempoChange(at, first), TempoChange(at + over, float(bpm))
        return replace(self, changes=(*before, *coming))

    def since(self, origin: int) -> Tempo:
        """Return the tempo of a clock that starts at sample `origin`."""
        if not self.changes:
            return self
        after = [replace(c, at=c.at - origin) for c in self.changes if c.at > origin]
        running = next((c for c in reversed(self.changes) if c.at <= origin), None)
        if running and (left := running.at + running.over - origin) > 0:
            after.insert(0, TempoChange(0, running.bpm, left))
        return Tempo(self.bpm_at(origin), self.sample_rate, tuple(after))

    def dump(self) -> list[Any]:
        """Return the tempo as plain data, without its sample rate."""
        return [self.bpm, *([c.at, c.bpm, c.over] for c in self.changes)]

    @classmethod
    def load(cls, data: Any, sample_rate: int) -> Tempo:
        """Return the tempo that `dump` wrote.

        Raises
        ------
        ExpressionError
            If `data` is anything else.
        """
        if not isinstance(data, list) or not data or len(data) > MOST_TEMPOS:
            raise ExpressionError(f"tempo: expected a pace and at most {MOST_TEMPOS} changes of it")
        changes: list[TempoChange] = []
        for row in data[1:]:
            wrong = not isinstance(row, list) or [type(n) for n in row[::2]] != [int, int]
            if wrong or len(row) != 3 or not 0 <= row[2] <= LONGEST_RAMP:
                raise ExpressionError("tempo: a change is a sample, a pace, and samples it takes")
            before = changes[-1].at if changes else -1
            if not before < row[0] <= LAST_SAMPLE:
                raise ExpressionError(f"tempo: a change at sample {row[0]} is out of order")
            changes.append(TempoChange(row[0], _pace(row[1]), row[2]))
        return cls(_pace(data[0]), sample_rate, tuple(changes))


def _pace(bpm: Any) -> float:
    if isinstance(bpm, bool) or not isinstance(bpm, int | float) or not 1.0 <= bpm <= 2000.0:
        raise ExpressionError("tempo: bpm must lie in 1 to 2000")
    return float(bpm)
