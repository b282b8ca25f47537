"""Several latents mixed by weights: given one by one, or by how near a place is to theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from latentlive.curves import Curve, CurveLike, as_curve
from latentlive.errors import ExpressionError
from latentlive.expr import Children, Kind, Node, Number, Pairs, declared, operator
from latentlive.expr.fields import shown
from latentlive.latent.base import Latent, LatentLike
from latentlive.latent.query import Latents, Length, Query, Scope
from latentlive.latent.sources import as_latent
from latentlive.units import Floats

Place = tuple[float, ...]


class Weighed(Latent):
    """Several latents by weights; as long as the shortest."""

    @property
    def mixed(self) -> Sequence[LatentLike]:
        """The latents."""
        raise NotImplementedError

    def weights(self, query: Query) -> list[Floats]:
        """Return the weight of each [shape=(n,), >= 0]; only their proportion matters."""
        raise NotImplementedError

    def length(self, scope: Scope) -> Length:
        return min(scope.length(part) for part in self.mixed)

    def at(self, query: Query) -> Latents:
        weights = self.weights(query)
        total = np.sum(weights, axis=0)
        shape = (len(query.frames), query.world.dims)
        mean, std = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for part, weight in zip(self.mixed, weights, strict=True):
            even = np.full_like(total, 1.0 / len(weights))
            share = np.divide(weight, total, out=even, where=total > 0.0)[:, None]
            latents = query.latents(part)
            mean += share.astype(np.float32) * latents.mean
            std += share.astype(np.float32) * latents.std
        return Latents(mean, std)


@operator(word="blend", form="spread")
class Blend(Weighed):
    """See `blend`."""

    parts: Sequence[tuple[LatentLike, CurveLike]] = declared(Pairs(as_latent, as_curve))

    @property
    def mixed(self) -> Sequence[LatentLike]:
        return [part for part, _ in self.parts]

    def weights(self, query: Query) -> list[Floats]:
        return [np.maximum(query.curve(weight, self), 0.0) for _, weight in self.parts]


def blend(*parts: tuple[LatentLike, CurveLike]) -> Latent:
    """Mix several latents by weights.

    Parameters
    ----------
    parts : pairs of (Latent, weight)
        Weights are curves or numbers; negative ones count as 0. Only their proportion matters.

    Example
    -------
    >>> blend((sound("gong"), 1), (sound("rain"), sine(8)), (prior(2), 0.5))
    blend((sound('gong'), 1), (sound('rain'), sine(8)), (prior(2), 0.5))
    """
    return Blend(parts)


class Placed(Kind):
    """Latents, each with a place: as many numbers as all others have, and another place."""

    axis = Number(least=-1e9, most=1e9)

    def coerce(self, value: Any, place: str) -> tuple[tuple[Place, Latent], ...]:
        """Return pairs of a place and a latent."""
        if isinstance(value, str | Node) or not isinstance(value, Iterable):
            raise ExpressionError(
                f"{place} must be pairs such as ((0, 1), sound('gong')), got {shown(value)}"
            )
        found: dict[Place, Latent] = {}
        for i, pair in enumerate(value.items() if isinstance(value, Mapping) else value):
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise ExpressionError(f"{place}[{i}] must be a pair, got {shown(pair)}")
            where = pair[0] if isinstance(pair[0], tuple | list) else (pair[0],)
            at = tuple(self.axis.coerce(number, f"{place}[{i}]: the place") for number in where)
            if at in found:
                raise ExpressionError(f"{place}[{i}]: the place {at} has a latent already")
            if len(at) != len(next(iter(found), at)) or not at:
                raise ExpressionError(
                    f"{place}[{i}]: the place must be {len(next(iter(found), (0,)))} numbers, "
                    f"got {shown(pair[0])}"
                )
            found[at] = as_latent(pair[1], f"{place}[{i}]")
        if not found:
            raise ExpressionError(f"{place} needs at least 1, got 0")
        return tuple(found.items())

    def code(self, value: Any, nested: Callable[[Node], str]) -> str:
        """Return a list of the pairs' code."""
        return "[" + ", ".join(f"({self._place(at)}, {nested(of)})" for at, of in value) + "]"

    def _place(self, at: Place) -> str:
        numbers = ", ".join(self.axis.code(number, repr) for number in at)
        return numbers if len(at) == 1 else f"({numbers})"

    def plain(self, value: Any, ref: Callable[[Node], Any], keep: Any) -> Any:
        """Return the places, each with a reference to its latent."""
        return [[list(at), ref(of)] for at, of in value]

    def revive(self, data: Any, node: Callable[[Any], Node], kept: Any) -> Any:
        """Return the pairs of the references."""
        if not isinstance(data, list):
            raise ExpressionError(f"load: expected a list of pairs, got {shown(data)}")
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in data):
            raise ExpressionError(f"load: expected pairs, got {shown(data)}")
        return [(at, node(of)) for at, of in data]

    def nodes(self, value: Any) -> Sequence[Node]:
        """Return the latents."""
        return [of for _, of in value]


@operator(word="between")
class Between(Weighed):
    """See `between`."""

    textures: Sequence[tuple[Place, Latent]] = declared(Placed())
    curves: Sequence[CurveLike] = declared(Children(as_curve))

    def __post_init__(self) -> None:
        super().__post_init__()
        numbers = len(self.textures[0][0])
        if numbers != len(self.curves):
            raise ExpressionError(
                f"between: at needs as many curves as a place has numbers, {numbers}, "
                f"got {len(self.curves)}"
            )

    @property
    def mixed(self) -> Sequence[LatentLike]:
        return [texture for _, texture in self.textures]

    def weights(self, query: Query) -> list[Floats]:
        hand = [query.curve(curve, self) for curve in self.curves]
        apart = []
        for place, _ in self.textures:
            squares = np.zeros_like(query.beats)
            for number, value in zip(place, hand, strict=True):
                squares += (value - number) ** 2
            apart.append(squares)
        least = np.min(apart, axis=0)
        # Against the nearest, so that its own place gives exactly 1 there, and 0 elsewhere.
        return [np.divide(least, one, out=np.ones_like(one), where=one > 0.0) for one in apart]


def between(
    textures: Mapping[Any, LatentLike] | Sequence[tuple[Any, LatentLike]],
    at: CurveLike | Sequence[Curve],
) -> Latent:
    """Each texture at its place, and everything between: curves are the hand that moves there.

    Parameters
    ----------
    textures : dict of place: Latent, or list of (place, Latent)
        A place is a tuple of numbers, or one number; all have as many.
    at : curve or list of curves
        One for each number of a place.

    Returns
    -------
    Latent
        At a place exactly its texture; elsewhere all of them, each by the inverse of its squared
        distance. As long as the shortest.

    Raises
    ------
    ExpressionError
        ``between: at needs as many curves as a place has numbers, 2, got 1``

    Example
    -------
    >>> between({(0, 0): sound("gong"), (1, 0): sound("rain")}, at=[sine(8), perlin(4)])
    between([((0, 0), sound('gong')), ((1, 0), sound('rain'))], [sine(8), perlin(4)])

    Source: Shepard: A two-dimensional interpolation function for irregularly-spaced data
    (ACM 1968).
    """
    hand = at if isinstance(at, list | tuple) else [at]
    return Between(cast("Any", textures), cast("Any", hand))
