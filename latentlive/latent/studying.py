"""What textures learn in a space from recordings, bit by bit, the same in every process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from latentlive.latent.base import Latent
from latentlive.latent.query import Query


class Study(Protocol):
    """Something that is being learned; a worker does other things in between."""

    def go_on(self) -> bool:
        """Learn a bit more; return whether all is learned."""


class Learner(Latent):
    """A latent that learns; all recordings inside what it learns from count."""

    @property
    def taught(self) -> Sequence[Latent]:
        """What it learns from."""
        return (self,)

    def subject(self, query: Query) -> tuple[object, ...]:
        """Return what else decides what is learned, as plain values."""
        return self.digest, query.seed

    def study(self, query: Query) -> Study:
        """Begin to learn, at a query of any moment."""
        raise NotImplementedError


Keep = Callable[[dict[str, NDArray[np.float32]]], object]
"""Keeps what was learned, as arrays by name."""


class Kept(Study, Protocol):
    """A study whose results can be kept and recalled."""

    keep: Keep | None
    """Called once all is learned."""

    def recall(self, learned: dict[str, NDArray[np.float32]]) -> None:
        """Take what an earlier study kept; anything else is ignored."""
