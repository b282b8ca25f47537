"""How long something has said nothing, while this process itself was running."""

from __future__ import annotations

import time
from collections.abc import Callable

MOST = 0.25
"""Seconds that count between two looks: what passed while this process was stopped, or the whole
machine slept, is nobody's fault."""


class Patience:
    """Counts the seconds since something was heard of.

    Parameters
    ----------
    clock : function
        Returns seconds that never go back.

    Example
    -------
    >>> moments = iter([0.0, 0.2, 90.0])
    >>> patience = Patience(lambda: next(moments))
    >>> patience.waited(), patience.waited()
    (0.2, 0.45)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked, self._waited = clock(), 0.0

    def heard(self) -> None:
        """Begin anew: it is there."""
        self._looked, self._waited = self._clock(), 0.0

    def waited(self) -> float:
        """Return the seconds since; look several times a second."""
        now = self._clock()
        self._waited += min(now - self._looked, MOST)
        self._looked = now
        return self._waited
