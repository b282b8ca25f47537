"""How long something has said nothing, while this process itself was running."""

from __future__ import annotations

import time
from collections.abc import Callable

MOST = 0.25
"""Seconds that count between two looks: what passed while this process was stopped, or the whole
machine slept, is nobody's fault."""

JUDGED = 0.25
"""Seconds of waiting after which it is asked whether there is an excuse for them."""


def never() -> bool:
    """Return that there is no excuse."""
    return False


class Patience:
    """Counts the seconds since something was heard of.

    Parameters
    ----------
    clock : function
        Returns seconds that never go back.
    excused : function
        Returns whether what passed since it was called before is not to count.

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
        """Begin anew: it is there."""
        self._looked = self._clock()
        self._waited = self._unjudged = 0.0

    def waited(self) -> float:
        """Return the seconds since; look several times a second."""
        now = self._clock()
        self._unjudged += min(now - self._looked, MOST)
        self._looked = now
        if self._unjudged >= JUDGED:
            self._waited += 0.0 if self._excused() else self._unjudged
            self._unjudged = 0.0
        return self._waited + self._unjudged
