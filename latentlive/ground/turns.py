"""Whether a process could go on and is not let, or cannot: stopped, or waiting for its turn.

What hangs sleeps, is stopped, or computes without end. What waits for its turn on a busy
processor does neither, and to end it would only make the machine busier.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from latentlive.ground import processes

FEW = 0.1
"""Seconds of computing in a second: who is given more of them, and says nothing, hangs."""


class Turns:
    """Watches how much a process is given of what it could use.

    Parameters
    ----------
    pid : int
    clock : function
        Returns seconds that never go back.
    """

    def __init__(self, pid: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._pid, self._clock = pid, clock
        self._at, self._worked = clock(), processes.worked(pid)

    def missed(self) -> bool:
        """Return whether it has hardly come to its turn since the last look, and would go on."""
        now, worked = self._clock(), processes.worked(self._pid)
        passed, given = now - self._at, worked - self._worked
        self._at, self._worked = now, worked
        few = not math.isfinite(given) or given < FEW * passed
        return few and processes.would_go_on(self._pid)


LASTS = 0.1
"""Seconds after which a stop is no accident: where all of us were stopped, one is the last to go
on."""


class Stop:
    """Watches whether a process stays stopped, as SIGSTOP does: nothing else is to be waited for.

    Parameters
    ----------
    pid : int
    clock : function
        Returns seconds that never go back.
    """

    def __init__(self, pid: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._pid, self._clock = pid, clock
        self._since: float | None = None

    def lasts(self) -> bool:
        """Return whether it is stopped, and was already at looks before this one."""
        if not processes.stopped(self._pid):
            self._since = None
            return False
        now = self._clock()
        if self._since is None:
            self._since = now
        return now >= self._since + LASTS
