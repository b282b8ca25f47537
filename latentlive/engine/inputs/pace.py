"""Which sample a moment belongs to: the device's pace, free of the jitter of its blocks.

A device asks for blocks, some for many at once. A second-order loop follows the position as that
grows, as Adriaensen follows a device's time: Using a DLL to filter time (LAC 2005).
"""

from __future__ import annotations

LOST = 0.25
"""Seconds beside the pace from which on the position has jumped: the loop begins again."""

STEADY = 0.01
"""How much of an error corrects the loop, once it has settled."""


class Pace:
    """The sample that a device asks for, as a function of time.

    Parameters
    ----------
    rate : int [samples a second]
    """

    def __init__(self, rate: int) -> None:
        self._nominal = self._rate = rate / 1e9
        self._time, self._sample = 0, 0.0
        self._seen = (0, -1)
        self._count = 0

    def observe(self, time_ns: int, position: int) -> None:
        """Note the position at a moment [nanoseconds of time.monotonic_ns]."""
        if self._seen == (time_ns, position):
            return
        self._seen = time_ns, position
        expected = self.sample(time_ns)
        error = position - expected
        if not self._count or abs(error) > LOST * self._nominal * 1e9:
            self._count, self._rate, expected, error = 0, self._nominal, float(position), 0.0
        self._count += 1
        gain = max(1.0 / self._count, STEADY)
        passed = max(time_ns - self._time, 1)
        if gain == STEADY:
            self._rate += STEADY**2 / 2.0 * error / max(passed, 1_000_000)
        self._time, self._sample = time_ns, expected + gain * error

    def sample(self, time_ns: int) -> float:
        """Return the sample that belongs to a moment."""
        return self._sample + (time_ns - self._time) * self._rate

    def moment(self, sample: float) -> float:
        """Return the moment that belongs to a sample [nanoseconds]."""
        return self._time + (sample - self._sample) / self._rate
