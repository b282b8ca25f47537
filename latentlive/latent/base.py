"""The base of all latents; operators attach the words that every latent carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.expr import Node
from latentlive.latent.query import Latents, Length, Query, Scope
from latentlive.latent.words import Words


class Latent(Words, Node):
    """A lazy function from position to a distribution (mean, std)."""

    family = "latent"

    def length(self, scope: Scope) -> Length:
        """Return the length in frames; every operator defines this."""
        raise NotImplementedError

    def at(self, query: Query) -> Latents:
        """Return the latents at the positions of a query; every operator defines this."""
        raise NotImplementedError


LatentLike = Latent | Sequence[float] | NDArray[np.floating[Any] | np.integer[Any]]
"""A latent, or a vector [shape=(dims,)], which is a constant latent."""
