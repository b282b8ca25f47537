"""Where latents come from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.expr import Array, Text, declared, operator
from latentlive.expr.fields import Either
from latentlive.latent.base import Latent, Latents, Length, Query, Scope


@operator
class Sound(Latent):
    """A recording, read window by window through the encoder.

    Parameters
    ----------
    source : str or array [shape=(n,), float32, at the model's rate]
        A name in the corpus, a path to an audio file, or the samples themselves.

    Example
    -------
    >>> sound("gong")
    sound('gong')
    """

    source: str | NDArray[np.floating[Any]] = declared(
        Either("a name, a path or an array of samples", text=Text(), values=Array(np.float32))
    )

    def length(self, scope: Scope) -> Length:
        return scope.world.length(self, scope.stretch)

    def at(self, query: Query) -> Latents:
        return query.world.read(self, query)
