"""What follows of movements learn, kept as long as their space is loaded.

A lesson depends on its expression, the samples and the level of its recordings, the space and the
seed: so every process learns the same bits.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from latentlive.latent.follow import Lesson

MOST = 64
"""Lessons kept: each has some hundred kilobytes."""


class Lessons:
    """The lessons of a process, the latest used last."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, Lesson] = OrderedDict()

    def lesson(self, key: Hashable, make: Callable[[], Lesson]) -> Lesson:
        """Return the lesson of a key, made if it is new."""
        found = self._known.pop(key, None)
        found = self._known[key] = make() if found is None else found
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return found
