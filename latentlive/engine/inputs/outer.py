"""A clock from outside as a straight line: its beats as a function of time."""

from __future__ import annotations

from collections import deque

import numpy as np

from latentlive.engine.inputs.throttle import SECOND

KEPT = 160
"""Readings that count, the newest: sixteen seconds at ten a second."""

FEW = 5
"""Readings before which nothing is known."""

LONG = 4.0
"""Seconds of readings whose slope is nearer to the tempo than the clock's own word for it."""

RECENT = 10
"""Readings whose mean tells the present beat."""

ASTRAY = 0.015
"""Seconds beside the line from which on a clock goes elsewhere: the line begins anew."""

OTHER = 0.01
"""Part of a tempo by which it is another one."""


class Outer:
    """Where a clock is, from readings that are told of it.

    Parameters
    ----------
    exact : bool
        Whether its tempo is known, not measured: then the last reading is the line.
    """

    def __init__(self, exact: bool = False) -> None:
        self._exact = exact
        self._readings: deque[tuple[int, float]] = deque(maxlen=KEPT)
        self._time, self._beat, self._slope = 0, 0.0, 0.0

    @property
    def known(self) -> bool:
        """Whether there is a line."""
        return len(self._readings) >= (1 if self._exact else FEW)

    @property
    def bpm(self) -> float:
        """Its tempo in beats a minute."""
        return self._slope * 60.0 * SECOND

    def forget(self) -> None:
        """Forget all readings."""
        self._readings.clear()

    def take(self, time_ns: int, beat: float, bpm: float) -> bool:
        """Take a reading; return whether the line goes on, rather than beginning anew.

        Parameters
        ----------
        time_ns : int
            Of `time.monotonic_ns`.
        beat : float
            What the clock counts then.
        bpm : float
            The tempo that it says.
        """
        slope = bpm / 60.0 / SECOND
        goes_on = True
        if self._readings:
            last = self._readings[-1][0]
            if time_ns == last:
                return True
            astray = abs(beat - self.beat(time_ns)) / slope > ASTRAY * SECOND
            other = abs(slope / self._slope - 1.0) > (1e-9 if self._exact else OTHER)
            if astray or other or time_ns < last:
                self._readings.clear()
                goes_on = False
        self._readings.append((time_ns, beat))
        self._draw(slope)
        return goes_on

    def _draw(self, slope: float) -> None:
        """Draw the line anew."""
        recent = list(self._readings)[-(1 if self._exact else RECENT) :]
        span = (self._readings[-1][0] - self._readings[0][0]) / SECOND
        if not self._exact and span >= LONG:
            times = np.array([time - self._readings[0][0] for time, _ in self._readings])
            beats = np.array([beat for _, beat in self._readings])
            times = times - times.mean()
            slope = float(times @ (beats - beats.mean()) / (times @ times))
        self._slope, self._time = slope, recent[-1][0]
        ahead = [beat - (time - self._time) * slope for time, beat in recent]
        self._beat = sum(ahead) / len(ahead)

    def beat(self, time_ns: float) -> float:
        """Return the beat at a moment."""
        return self._beat + (time_ns - self._time) * self._slope
