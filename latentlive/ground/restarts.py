"""When to restart a process: at once after a death, after growing pauses if it cannot start."""

from __future__ import annotations

import time
from collections.abc import Callable

MINUTE = 60.0
FIRST, LONGEST = 0.5, 10.0
"""Pause in seconds before another try when descriptors, threads or memory have run out."""


class Restarts:
    """Counts deaths, and decides when to start again.

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
        """Whether the process may be started now."""
        return self._clock() >= self._due

    def died(self) -> int:
        """Note a death; return the number of deaths within a minute."""
        now = self._clock()
        self._deaths = [one for one in self._deaths if one > now - MINUTE] + [now]
        return len(self._deaths)

    def wait(self, seconds: float) -> None:
        """Block starts for some seconds."""
        self._due = self._clock() + seconds

    def failed(self) -> bool:
        """Note a failed start; return whether it is the first in a row."""
        news = not self._pause
        self._pause = min(2.0 * self._pause, LONGEST) or FIRST
        self.wait(self._pause)
        return news

    def began(self) -> None:
        """Note a successful start."""
        self._pause = 0.0
