"""The root of an expression: how decoded windows are joined, in which space, how loud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from latentlive.errors import ExpressionError, WordError
from latentlive.expr import Node, Text, child, declared, operator, whole
from latentlive.expr.fields import shown
from latentlive.latent.base import Latent
from latentlive.latent.words import RootWords

DEFAULT_OVERLAP = 4
"""Overlapping windows at each moment, unless the root or the space sets the number."""


class Joined(RootWords, Node):
    """A latent with its join, space or loudness set; only more root words can follow."""

    family = "join"
    followed = (Latent,)
    of: Texture

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_") or not hasattr(Latent, name):
                raise AttributeError(name)
            raise WordError(f"{self.word}: stands at the root; write .{name}() before it")


Texture: TypeAlias = Latent | Joined
"""An expression that a layer can play."""


def as_texture(value: Any, place: str = "texture") -> Node:
    """Return the value; refuse it unless it can be rendered."""
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
    """Join windows end to end and round nothing: the paper's sound, samples and length.

    Stands at the root: it joins the whole expression. Amounts outside 0..1 extrapolate the mean
    and the spread in a straight line.

    Example
    -------
    >>> sound("gong").exact()
    sound('gong').exact()
    """

    of: Texture = child(as_texture)

    def __post_init__(self) -> None:
        super().__post_init__()
        _once(self, Overlap)


@operator(form="method")
class Overlap(Joined):
    """Overlap-add `k` windows (1, 2, 4, 8 or 16) at each moment; 1 joins them end to end.

    Stands at the root: it joins the whole expression.

    Example
    -------
    >>> sound("gong").overlap(8)
    sound('gong').overlap(8)
    """

    of: Texture = child(as_texture)
    k: int = whole(least=1, most=16)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k & (self.k - 1):
            raise ExpressionError(f"overlap: k must be 1, 2, 4, 8 or 16, got {self.k}")
        _once(self, Exact)


@operator(form="method")
class On(Joined):
    """Render in another space than the engine's: ``"spectral"``, ``"rawaudiovae"``, a file.

    Stands at the root: the whole expression has one space.

    Example
    -------
    >>> sound("gong").on("spectral")
    sound('gong').on('spectral')
    """

    of: Texture = child(as_texture)
    model: str = declared(Text())

    def __post_init__(self) -> None:
        super().__post_init__()
        _once(self)


@operator(form="method")
class Norm(Joined):
    """Normalise to a common loudness of -20 dB, measured over the whole.

    Stands at the root: it sets the level of the sound, not of the latents.

    Example
    -------
    >>> sound("gong").norm()
    sound('gong').norm()
    """

    of: Texture = child(as_texture)

    def __post_init__(self) -> None:
        super().__post_init__()
        _once(self)


@operator(form="method")
class Mono(Joined):
    """Play the mix of both channels of stereo recordings: one channel, at half the cost.

    Stands at the root: the whole expression has one channel, or two. `.exact()` has one.

    Example
    -------
    >>> sound("gong").mono()
    sound('gong').mono()
    """

    of: Texture = child(as_texture)

    def __post_init__(self) -> None:
        super().__post_init__()
        _once(self)


@dataclass(frozen=True)
class Join:
    """The settings at the root of a texture.

    Parameters
    ----------
    latent : Latent
        The expression below the root.
    overlap : int or None
        Windows at each moment; None leaves it to the space.
    exact, norm, mono : bool
    model : str or None
        A space's name or a model file; None is the loaded one.
    """

    latent: Latent
    overlap: int | None = None
    exact: bool = False
    norm: bool = False
    mono: bool = False
    model: str | None = None


def join_of(texture: Any) -> Join:
    """Return the settings of a texture's root."""
    found: dict[str, Any] = {}
    below = as_texture(texture)
    while isinstance(below, Joined):
        if isinstance(below, Exact):
            found.update(exact=True, overlap=1)
        elif isinstance(below, Overlap):
            found.update(overlap=below.k)
        elif isinstance(below, On):
            found.update(model=below.model)
        elif isinstance(below, Mono):
            found.update(mono=True)
        else:
            found.update(norm=True)
        below = below.of
    assert isinstance(below, Latent)
    return Join(below, **found)
