"""Whether a process is stopped or starved of processor time, rather than hanging.

A hanging process sleeps, is stopped, or computes without end. A process that waits for its turn on
a busy processor does none of these; killing it would only make the machine busier.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from latentlive.ground import processes

FEW = 0.1
"""Seconds of computing in a second: a silent process that gets more of them hangs."""


class Turns:
    """Watches how much processor time a process gets.

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
        """Return whether it has hardly run since the last look, but would go on."""
        now, worked = self._clock(), processes.worked(self._pid)
        passed, given = now - self._at, worked - self._worked
        self._at, self._worked = now, worked
        few = not math.isfinite(given) or given < FEW * passed
        return few and processes.would_go_on(self._pid)


LASTS = 0.1
"""Seconds after which a stop is no accident: if all processes were stopped, one resumes last."""


class Stop:
    """Watches whether a process stays stopped, as by SIGSTOP: waiting for it is useless.

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
        """Return whether it is stopped, and has been since an earlier look."""
        if not processes.stopped(self._pid):
            self._since = None
            return False
        now = self._clock()
        if self._since is None:
            self._since = now
        return now >= self._since + LASTS
