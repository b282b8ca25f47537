"""The root of an expression: how its decoded windows are joined into sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from latentlive.errors import ExpressionError
from latentlive.expr import Node, child, operator, whole
from latentlive.latent.base import Latent, as_latent

DEFAULT_OVERLAP = 4


class Joined(Node):
    """A latent with its join decided; nothing can be chained after it."""

    family = "join"
    of: Latent

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_") or not hasattr(Latent, name):
                raise AttributeError(name)
            raise ExpressionError(f"{self.word}: stands at the root; write .{name}() before it")


@operator(form="method")
class Exact(Joined):
    """Windows end to end, nothing rounded or clamped."""

    of: Latent = child(as_latent)


@operator(form="method")
class Overlap(Joined):
    """Windows overlap-added, k at each moment."""

    of: Latent = child(as_latent)
    k: int = whole(least=1, most=16)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k & (self.k - 1):
            raise ExpressionError(f"overlap: k must be 1, 2, 4, 8 or 16, got {self.k}")


Texture = Latent | Joined
"""What can be rendered or put on a layer."""


def join_of(texture: Any) -> tuple[Latent, int, bool]:
    """Return the latent below the join, how many windows overlap, and whether it is exact."""
    if isinstance(texture, Exact):
        return texture.of, 1, True
    if isinstance(texture, Overlap):
        return texture.of, texture.k, False
    if isinstance(texture, Latent):
        return texture, DEFAULT_OVERLAP, False
    raise ExpressionError(f"expected a latent such as sound('gong'), got {texture!r}")
