"""A delay-locked loop: from pulses that come unevenly to their tempo and their times."""

from __future__ import annotations

PER_BEAT = 24
"""Pulses of MIDI clock in a beat."""

OMEGA = 0.03
"""How fast the loop follows [radians a pulse]: a change of tempo takes about two beats."""

RELIABLE = 8
"""Pulses after which the next one is foreseen better than to half a period."""

LOCKED = 2 * PER_BEAT

STRAY = 0.75
"""Part of a period by which a pulse that is merely uneven does not miss the forecast."""

MOST_STRAYS = 6
"""Pulses in a row that may: a busy machine delays some; more of them are another tempo."""

SILENT = 0.5
"""Seconds without a pulse after which the next one begins anew."""

SHORTEST = 0.004
"""Seconds between pulses, at 625 beats a minute; less is a burst of late pulses, not a tempo."""


class Lock:
    """Follows pulses by a second-order loop.

    F. Adriaensen, "Using a DLL to filter time", Linux Audio Conference 2005, equations of section
    3: an error e against the forecast t1 moves the forecast by b e and the period by c e, with
    b = sqrt(2) omega and c = omega^2. As long as b = 4 / n and c = 6 / (n (n + 1)) are larger, they
    count at the n-th pulse: with them the loop is the line of least squares through all pulses.

    Every pulse counts as one period, so that no tempo is taken for its double or its half.

    Attributes
    ----------
    time : float [seconds]
        When the last pulse should have come.
    period : float [seconds]
        Between pulses.
    """

    def __init__(self) -> None:
        self.time = self.period = 0.0
        self._last = self._next = 0.0
        self._count = self._strays = 0

    @property
    def locked(self) -> bool:
        """Whether two beats have come that fit together."""
        return self._count >= LOCKED

    @property
    def bpm(self) -> float:
        """Beats a minute; 0 if there is no tempo yet."""
        return 60.0 / (PER_BEAT * self.period) if self.period > SHORTEST else 0.0

    def release(self) -> None:
        """Forget all pulses."""
        self._count = self._strays = 0

    def pulse(self, now: float) -> None:
        """Take a pulse.

        Parameters
        ----------
        now : float [seconds]
            When it came.
        """
        error = now - self._next
        stray = self._count >= RELIABLE and abs(error) > STRAY * self.period
        self._strays = self._strays + 1 if stray else 0
        if now - self._last > SILENT or self._strays > MOST_STRAYS:
            self.release()
        elif stray:
            error = 0.0
        self._last = now
        self._count += 1
        n = self._count
        if n == 1:
            self.time = self._next = now
            self.period = 0.0
            return
        b, c = max(4.0 / n, 2.0**0.5 * OMEGA), max(6.0 / (n * (n + 1)), OMEGA**2)
        self._next += b * error + self.period
        self.period += c * error
        self.time = self._next - self.period
