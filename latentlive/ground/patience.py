"""Seconds of silence of another process, counted only while this process was running."""

from __future__ import annotations

import time
from collections.abc import Callable

MOST = 0.25
"""Most seconds that count between two looks: time in which this process was stopped, or the whole
machine slept, does not count."""

JUDGED = 0.25
"""Seconds of waiting after which `excused` decides whether they count."""


def never() -> bool:
    """Accept no excuse."""
    return False


class Patience:
    """Counts the seconds since the last sign of life.

    Parameters
    ----------
    clock : function
        Returns seconds that never go back.
    excused : function
        Returns whether to ignore the time since its last call.

    Example
    -------
    >>> moments = iter([0.0, 0.2, 90.0])
    >>> patience = Patience(lambda: next(moments))
    >>> patience.waited(), patience.waited()
    (0.2, 0.45)
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        excused: Callable[[], bool] = never,
    ) -> None:
        self._clock, self._excused = clock, excused
        self.heard()

    def heard(self) -> None:
        """Restart the count: there was a sign of life."""
        self._looked = self._clock()
        self._waited = self._unjudged = 0.0

    def waited(self) -> float:
        """Return the seconds since the last sign of life; call several times a second."""
        now = self._clock()
        self._unjudged += min(now - self._looked, MOST)
        self._looked = now
        if self._unjudged >= JUDGED:
            self._waited += 0.0 if self._excused() else self._unjudged
            self._unjudged = 0.0
        return self._waited + self._unjudged
