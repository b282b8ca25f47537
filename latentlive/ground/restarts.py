"""When a process is started again: at once if it died, later and later if it cannot be started."""

from __future__ import annotations

import time
from collections.abc import Callable

MINUTE = 60.0
FIRST, LONGEST = 0.5, 10.0
"""Seconds after which it is tried again where descriptors, threads or memory have run out."""


class Restarts:
    """Counts deaths, and says when to start again.

    Parameters
    ----------
    clock : function
        Returns seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._deaths: list[float] = []
        self._due, self._pause = 0.0, 0.0

    @property
    def due(self) -> bool:
        """Whether it may be started now."""
        return self._clock() >= self._due

    def died(self) -> int:
        """Note a death; return how many there were within a minute."""
        now = self._clock()
        self._deaths = [one for one in self._deaths if one > now - MINUTE] + [now]
        return len(self._deaths)

    def wait(self, seconds: float) -> None:
        """Let nothing be started for so many seconds."""
        self._due = self._clock() + seconds

    def failed(self) -> bool:
        """Note that it could not be started; return whether that is news."""
        news = not self._pause
        self._pause = min(2.0 * self._pause, LONGEST) or FIRST
        self.wait(self._pause)
        return news

    def began(self) -> None:
        """Note that it runs."""
        self._pause = 0.0
