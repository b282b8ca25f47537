"""The root of an expression: how decoded windows are joined, in which space, how loud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from latentlive.errors import ExpressionError, WordError
from latentlive.expr import Node, Text, child, declared, operator, whole
from latentlive.expr.fields import shown
from latentlive.latent.base import Latent

DEFAULT_OVERLAP = 4
"""Windows at each moment where neither the root nor the space decides."""


class Joined(Node):
    """A latent whose join, space or loudness is decided; only the like can be chained after."""

    family = "join"
    of: Texture

    def exact(self) -> Exact:
        """Join windows end to end and round nothing; see `Latent.exact`."""
        return Exact(self)

    def overlap(self, k: int) -> Overlap:
        """Overlap-add `k` windows at each moment; see `Latent.overlap`."""
        return Overlap(self, k)

    def on(self, model: str) -> On:
        """Render in another space; see `Latent.on`."""
        return On(self, model)

    def norm(self) -> Norm:
        """Bring to a common loudness; see `Latent.norm`."""
        return Norm(self)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_") or not hasattr(Latent, name):
                raise AttributeError(name)
            raise WordError(f"{self.word}: stands at the root; write .{name}() before it")


Texture = Latent | Joined
"""What can be rendered or put on a layer."""


def as_texture(value: Any, place: str = "texture") -> Node:
    """Return the value, refused unless it can be rendered."""
    if isinstance(value, Latent | Joined):
        return value
    hint = f"; write sound({value!r})" if isinstance(value, str) else ""
    raise ExpressionError(
        f"{place} must be a latent such as sound('gong'), got {shown(value)}{hint}"
    )


def _once(node: Joined, *others: type[Joined]) -> None:
    below: Texture = node.of
    while isinstance(below, Joined):
        for other in (type(node), *others):
            if isinstance(below, other):
                raise ExpressionError(f"{node.word}: .{below.word}() is set already")
        below = below.of


@operator(form="method")
class Exact(Joined):
    """Windows end to end, nothing rounded or clamped."""

    of: Texture = child(as_texture)

    def __post_init__(self) -> None:
        super().__post_init__()
        _once(self, Overlap)


@operator(form="method")
class Overlap(Joined):
    """Windows overlap-added, k at each moment."""

    of: Texture = child(as_texture)
    k: int = whole(least=1, most=16)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k & (self.k - 1):
            raise ExpressionError(f"overlap: k must be 1, 2, 4, 8 or 16, got {self.k}")
        _once(self, Exact)


@operator(form="method")
class On(Joined):
    """Rendered in another space."""

    of: Texture = child(as_texture)
    model: str = declared(Text())

    def __post_init__(self) -> None:
        super().__post_init__()
        _once(self)


@operator(form="method")
class Norm(Joined):
    """Brought to a common loudness."""

    of: Texture = child(as_texture)

    def __post_init__(self) -> None:
        super().__post_init__()
        _once(self)


@dataclass(frozen=True)
class Join:
    """What stands at the root of a texture.

    Parameters
    ----------
    latent : Latent
        What is below.
    overlap : int or None
        Windows at each moment; None leaves it to the space.
    exact, norm : bool
    model : str or None
        A space's name or a model file; None is the one that is loaded.
    """

    latent: Latent
    overlap: int | None = None
    exact: bool = False
    norm: bool = False
    model: str | None = None


def join_of(texture: Any) -> Join:
    """Return what a texture's root decides."""
    found: dict[str, Any] = {}
    below = as_texture(texture)
    while isinstance(below, Joined):
        if isinstance(below, Exact):
            found.update(exact=True, overlap=1)
        elif isinstance(below, Overlap):
            found.update(overlap=below.k)
        elif isinstance(below, On):
            found.update(model=below.model)
        else:
            found.update(norm=True)
        below = below.of
    assert isinstance(below, Latent)
    return Join(below, **found)
