"""What a latent is: a lazy function from position to a distribution, and how it is asked."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import CurveLike, Time
from latentlive.errors import ExpressionError
from latentlive.expr import Node, Whole
from latentlive.expr.fields import shown
from latentlive.units import Floats

if TYPE_CHECKING:
    from latentlive.latent.join import Exact, Overlap

Length = Fraction | float
"""A length in frames: a Fraction, or infinity for what never ends."""


class Latents(NamedTuple):
    """A distribution for each position asked.

    Parameters
    ----------
    mean, std : array [shape=(n, dims), float32]
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]


class World(Protocol):
    """What an expression is asked in: the sounds and the space, bound when it is rendered."""

    @property
    def exact(self) -> bool:
        """Whether the samples of the paper are wanted: no clamping, no rounding."""

    def length(self, source: Node, stretch: Fraction) -> Length:
        """Return the length of a source in frames, read `stretch` times slower than recorded."""

    def read(self, source: Node, query: Query) -> Latents:
        """Return a source's latents at the positions of the query."""


@dataclass(frozen=True)
class Scope:
    """Where lengths are asked: the world, and how far the expression around is stretched."""

    world: World
    stretch: Fraction = Fraction(1)
    memo: dict[tuple[str, Fraction], Length] = field(default_factory=dict, repr=False)

    def length(self, node: Latent) -> Length:
        """Return a node's length in frames here; a shared node is measured once."""
        latent = as_latent(node)
        key = (latent.digest, self.stretch)
        found = self.memo.get(key)
        if found is None:
            found = self.memo[key] = latent.length(self)
        return found

    def stretched(self, factor: Fraction) -> Scope:
        """Return the scope inside ``extend(factor)`` or ``slow(factor)``."""
        return replace(self, stretch=self.stretch * factor)


@dataclass(frozen=True)
class Query:
    """Which positions of a node are asked, and when.

    Parameters
    ----------
    frames : array [shape=(n,), frames]
        Positions inside the node asked; fractions allowed.
    beats : array [shape=(n,), beats]
        The clock at each, for the curves.
    wrap : array [shape=(n,), bool]
        Whether a window that reads past the end goes on at the beginning.
    scope : Scope
    seed : int
    own : int or None
        The seed that ``.seed(n)`` around here gave.
    """

    frames: Floats
    beats: Floats
    wrap: NDArray[np.bool_]
    scope: Scope
    seed: int = 0
    own: int | None = None
    memo: dict[tuple[str, bytes], Latents] = field(default_factory=dict, repr=False)

    @property
    def world(self) -> World:
        """The world that the expression is asked in."""
        return self.scope.world

    def latents(self, node: Latent) -> Latents:
        """Return a node's latents here; a shared node is computed once."""
        latent = as_latent(node)
        key = (latent.digest, self._key)
        found = self.memo.get(key)
        if found is None:
            found = self.memo[key] = latent.at(self)
        return found

    @property
    def _key(self) -> bytes:
        digest = hashlib.blake2b(f"{self.own} {self.scope.stretch} ".encode(), digest_size=16)
        for values in (self.frames, self.beats, self.wrap):
            digest.update(values.tobytes())
        return digest.digest()

    def curve(self, curve: CurveLike, carrier: Latent) -> Floats:
        """Return the values of a curve of `carrier` at this query's clock [shape=(n,)]."""
        length = self.scope.length(carrier)
        part = None
        if not math.isinf(length):
            # The last frame that is heard, not the end: both ends of the curve are reached.
            last = max(float(length - 1 / self.scope.stretch), 1e-9)
            part = np.clip(self.frames / last, 0.0, 1.0)
        return Time(self.beats, part, self.seed, self.own).value(curve)

    def at(self, frames: Floats, beats: Floats | None = None, **changes: Any) -> Query:
        """Return a query of other positions with the same memo."""
        return replace(self, frames=frames, beats=self.beats if beats is None else beats, **changes)


class Latent(Node):
    """A lazy function from position (in frames) to a distribution (mean, std)."""

    family = "latent"

    def length(self, scope: Scope) -> Length:
        """Return the length in frames; every operator defines this."""
        raise NotImplementedError

    def at(self, query: Query) -> Latents:
        """Return the latents at the positions of a query; every operator defines this."""
        raise NotImplementedError

    def extend(self, factor: float) -> Latent:
        """Last `factor` (> 0) times longer, leaving the curves as they are in what you hear.

        The sources are read by re-windowing the real audio at each position (strategy 3 of
        Tatar et al., SMC 2023).

        Example
        -------
        >>> sound("gong").extend(2).extend(2)
        sound('gong').extend(4)
        """
        from latentlive.latent.time import extended

        return extended(self, factor)

    def slow(self, factor: float) -> Latent:
        """Last `factor` (> 0) times longer, the curves slowed as well.

        Example
        -------
        >>> sound("gong").slow(1/3)
        sound('gong').slow(1/3)
        """
        from latentlive.latent.time import slowed

        return slowed(self, factor, "slow")

    def fast(self, factor: float) -> Latent:
        """Last `factor` (> 0) times shorter, the curves faster as well; undoes ``slow``.

        Example
        -------
        >>> sound("gong").slow(3).fast(3)
        sound('gong')
        """
        from latentlive.latent.time import slowed

        return slowed(self, factor, "fast")

    def loop(self, n: int | None = None) -> Latent:
        """Play `n` (>= 1) times, or for ever without a number; the clock of curves runs on.

        Example
        -------
        >>> sound("gong").loop(3)
        sound('gong').loop(3)
        """
        from latentlive.latent.time import Loop

        return Loop(self, 0) if n is None else Loop(self, _times(n))

    def spread(self, k: CurveLike) -> Latent:
        """Scale the noise that each frame is drawn with: 0 is the mean itself, 1 the model's.

        Example
        -------
        >>> sound("gong").spread(0)
        sound('gong').spread(0)
        """
        from latentlive.latent.touch import Spread

        return Spread(self, k)

    def seed(self, n: int) -> Latent:
        """Draw everything random in here from seed `n` (0 to 2**63 - 1).

        Example
        -------
        >>> sound("gong").seed(7)
        sound('gong').seed(7)
        """
        from latentlive.latent.touch import Reseeded

        return Reseeded(self, n)

    def exact(self) -> Exact:
        """Join windows end to end and round nothing: the paper's sound, samples and length.

        Stands at the root: it decides how the whole is joined.

        Example
        -------
        >>> sound("gong").exact()
        sound('gong').exact()
        """
        from latentlive.latent.join import Exact

        return Exact(self)

    def overlap(self, k: int) -> Overlap:
        """Overlap-add `k` windows (1, 2, 4, 8 or 16) at each moment; 1 writes them end to end.

        Stands at the root: it decides how the whole is joined.

        Example
        -------
        >>> sound("gong").overlap(8)
        sound('gong').overlap(8)
        """
        from latentlive.latent.join import Overlap

        return Overlap(self, k)


def as_latent(value: Any, place: str = "latent") -> Latent:
    """Return the value, refused unless it is a latent that may stand inside another."""
    from latentlive.latent.join import Joined

    if isinstance(value, Latent):
        return value
    if isinstance(value, Joined):
        raise ExpressionError(f"{place} has .{value.word}(), which stands at the root only")
    hint = f"; write sound({value!r})" if isinstance(value, str) else ""
    raise ExpressionError(
        f"{place} must be a latent such as sound('gong'), got {shown(value)}{hint}"
    )


def _times(n: Any) -> int:
    times: int = Whole("times", least=1).coerce(n, "loop: n")
    return times
