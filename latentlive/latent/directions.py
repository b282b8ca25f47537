"""Words that move a sound along what is heard of it: brighter, rougher, noisier.

Their directions are measured once for a space and a corpus (`latentlive.renderer.directions`) and
then travel with the expression: it sounds the same when the corpus has changed or is gone.

After Esling et al., Generative timbre spaces (DAFx 2018), who synthesise by descriptors of what a
latent space decodes to; what is learned here is linear.
"""

from __future__ import annotations

from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import Curve, CurveLike, as_curve
from latentlive.errors import ExpressionError
from latentlive.expr import Array, Maybe, Node, child, declared, dump, load, operator
from latentlive.latent.base import Latent
from latentlive.latent.moving import Direction, direction_of
from latentlive.latent.query import Latents, Query
from latentlive.latent.sources import as_latent, silence
from latentlive.latent.touch import Touch
from latentlive.units import Floats

MOST_ROWS, MOST_DIMS = 512, 1 << 14
"""Of a measured direction, as it comes from a log."""


class Measured(Maybe):
    """Numbers that were measured: they come with the expression, and are never typed."""

    typed = False


ROWS, SINGLE = Measured(Array(np.float16, 2)), Measured(Array(np.float64, 1))


class Directed(Touch):
    """Move along a measured direction."""

    descriptor: ClassVar[str]
    target: ClassVar[bool] = False
    measured: NDArray[Any] | None
    numbers: NDArray[Any] | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.measured is None) != (self.numbers is None) or (
            self.measured is not None and self.direction is None
        ):
            raise ExpressionError(f"{self.word}: this is no measured direction")

    @property
    def direction(self) -> Direction | None:
        """The direction, None before it is measured."""
        rows, numbers = self.measured, self.numbers
        if rows is None or numbers is None or not within(rows):
            return None
        return direction_of(rows, numbers)

    def asked(self, values: Floats) -> Floats:
        """Return what a curve's values ask for, in the unit of the descriptor."""
        return values

    def at(self, query: Query) -> Latents:
        latents = query.latents(self.of)
        direction = query.world.direction(self)
        if direction is None:
            return latents
        _, curve = self.children
        values = self.asked(query.curve(cast("Curve", curve), self))
        return direction.moved(latents, values, self.target)


def _brighter(self: Latent, c: CurveLike) -> Latent:
    return Brighter(self, c)


def _rougher(self: Latent, c: CurveLike) -> Latent:
    return Rougher(self, c)


def _noisier(self: Latent, c: CurveLike) -> Latent:
    return Noisier(self, c)


def _bright(self: Latent, hz: CurveLike) -> Latent:
    return Bright(self, hz)


@operator(form="method", make=_brighter)
class Brighter(Directed):
    """Make it brighter by a curve: 1 is a standard deviation of the corpus.

    Brightness is the centroid of the power, in octaves, of what the space decodes. Its direction is
    measured once for a space and a corpus, on sounds of the corpus, which takes some seconds;
    layers play on meanwhile. Negative is darker. A sound stays among those of the corpus: far
    amounts change no more than near ones. ``directions`` tells how well it holds in a space.

    Example
    -------
    >>> sound("gong").brighter(sine2(8))
    sound('gong').brighter(sine(8).range(-1, 1))

    Source: the spectral centroid of MPEG-7, ISO/IEC 15938-4.
    """

    descriptor = "centroid"
    of: Latent = child(as_latent)
    c: CurveLike = child(as_curve)
    measured: NDArray[Any] | None = declared(ROWS, default=None)
    numbers: NDArray[Any] | None = declared(SINGLE, default=None)


@operator(form="method", make=_rougher)
class Rougher(Directed):
    """Make it rougher by a curve: 1 is a standard deviation of the corpus.

    Roughness is how deeply the sound of each critical band is modulated 15 to 300 times a second.
    Negative is smoother. See `brighter`.

    Example
    -------
    >>> sound("choir-ah").rougher(1.5)
    sound('choir-ah').rougher(1.5)

    Source: Daniel and Weber, Psychoacoustical roughness (Acustica 1997), simplified.
    """

    descriptor = "roughness"
    of: Latent = child(as_latent)
    c: CurveLike = child(as_curve)
    measured: NDArray[Any] | None = declared(ROWS, default=None)
    numbers: NDArray[Any] | None = declared(SINGLE, default=None)


@operator(form="method", make=_noisier)
class Noisier(Directed):
    """Make it noisier by a curve: 1 is a standard deviation of the corpus.

    Noisiness is the spectral flatness of each third of an octave, in dB. Negative is purer. See
    `brighter`.

    Example
    -------
    >>> sound("flute-a4").noisier(line(0, 2, 8))
    sound('flute-a4').noisier(line(0, 2, 8))

    Source: the spectral flatness of MPEG-7, ISO/IEC 15938-4.
    """

    descriptor = "flatness"
    of: Latent = child(as_latent)
    c: CurveLike = child(as_curve)
    measured: NDArray[Any] | None = declared(ROWS, default=None)
    numbers: NDArray[Any] | None = declared(SINGLE, default=None)


@operator(form="method", make=_bright)
class Bright(Directed):
    """Give it a brightness: a spectral centroid in Hz (20 to 20000), as far as it goes.

    Moves each moment along the direction of `brighter` until the centroid that is expected there
    is the one asked for. ``contour("voice", "centroid")`` gives the centroid of a recording.

    Example
    -------
    >>> sound("surf").bright(sine(8).rangex(300, 6000))
    sound('surf').bright(sine(8).rangex(300, 6000))
    """

    descriptor, target = "centroid", True
    of: Latent = child(as_latent)
    hz: CurveLike = child(as_curve)
    measured: NDArray[Any] | None = declared(ROWS, default=None)
    numbers: NDArray[Any] | None = declared(SINGLE, default=None)

    def asked(self, values: Floats) -> Floats:
        return np.log2(np.clip(values, 20.0, 20000.0))


def within(rows: NDArray[Any]) -> bool:
    """Return whether rows are as many as a direction has."""
    return len(rows) <= MOST_ROWS and rows.shape[1] <= MOST_DIMS


WORDS: dict[str, type[Directed]] = {one.word: one for one in (Brighter, Rougher, Noisier, Bright)}


def unmeasured(root: Node) -> list[Directed]:
    """Return the words of an expression whose direction is still to be measured."""
    return [one for one in root.walk() if isinstance(one, Directed) and one.measured is None]


def with_directions(root: Node, found: dict[str, Direction]) -> Node:
    """Return an expression with measured directions, by descriptor, where it has none yet."""
    lacking = unmeasured(root)
    if not lacking:
        return root
    data = dump(root)
    given = {name: dump(_carrier(one)) for name, one in found.items()}
    for tag, fields in data["nodes"]:
        for word in WORDS.values():
            if tag == word.tag and fields["measured"] is None:
                carried = given[word.descriptor]
                fields.update(
                    {name: carried["nodes"][-1][1][name] for name in ("measured", "numbers")}
                )
                data["arrays"].update(carried["arrays"])
    return load(data)


def _carrier(direction: Direction) -> Node:
    """Return a node that carries a direction: what is dumped of it goes into others."""
    return Brighter(silence, 0.0, direction.rows, direction.numbers)
