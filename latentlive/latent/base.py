"""What a latent is, and the words that every latent carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import CurveLike, Factor
from latentlive.errors import ExpressionError
from latentlive.expr import Beats, Node, Whole
from latentlive.expr.fields import shown
from latentlive.latent.query import Latents, Length, Query, Scope

if TYPE_CHECKING:
    from latentlive.latent.join import Exact, Norm, On, Overlap


class Latent(Node):
    """A lazy function from position to a distribution (mean, std)."""

    family = "latent"

    def length(self, scope: Scope) -> Length:
        """Return the length in frames; every operator defines this."""
        raise NotImplementedError

    def at(self, query: Query) -> Latents:
        """Return the latents at the positions of a query; every operator defines this."""
        raise NotImplementedError

    def extend(self, factor: Factor) -> Latent:
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

    def slow(self, factor: Factor) -> Latent:
        """Last `factor` (> 0) times longer, the curves slowed as well.

        Example
        -------
        >>> sound("gong").slow(1 / 3)
        sound('gong').slow(1/3)
        """
        from latentlive.latent.time import slowed

        return slowed(self, factor, "slow")

    def fast(self, factor: Factor) -> Latent:
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

    def rev(self) -> Latent:
        """Run backwards, frame by frame, curves and all; needs an end.

        Example
        -------
        >>> sound("gong").rev().rev()
        sound('gong')
        """
        from latentlive.latent.time import Rev

        return self.of if isinstance(self, Rev) else Rev(self)

    def slice(self, start: float, stop: float) -> Latent:
        """Play from second `start` to second `stop` only (0 <= start < stop).

        Seconds of what is sliced: of the recording, at any tempo and in any space.

        Example
        -------
        >>> sound("gong").slice(0.5, 2)
        sound('gong').slice(0.5, 2)
        """
        from latentlive.latent.time import Slice

        return Slice(self, start, stop)

    def early(self, beats: float) -> Latent:
        """Begin `beats` into itself, curves and all.

        Example
        -------
        >>> sound("gong").early(2)
        sound('gong').early(2)
        """
        from latentlive.latent.time import Early

        return Early(self, beats)

    def late(self, beats: float) -> Latent:
        """Begin `beats` later, curves and all; silence comes before.

        Example
        -------
        >>> sound("gong").late(2)
        sound('gong').early(-2)
        """
        from latentlive.latent.time import Early

        shift: float = Beats().coerce(beats, "late: beats")
        return Early(self, -shift)

    def freeze(self, at: float) -> Latent:
        """Stay for ever at second `at` (>= 0).

        Example
        -------
        >>> sound("gong").freeze(0.3)
        sound('gong').freeze(0.3)
        """
        from latentlive.latent.time import Freeze

        return Freeze(self, at)

    def scrub(self, curve: CurveLike) -> Latent:
        """Go for ever where a curve says: 0 is the first frame, 1 the last; needs an end.

        Example
        -------
        >>> sound("gong").scrub(perlin(4))
        sound('gong').scrub(perlin(4))
        """
        from latentlive.latent.time import Scrub

        return Scrub(self, curve)

    def offset(self, direction: LatentLike, amount: CurveLike = 1.0) -> Latent:
        """Move the means along a latent, or a vector [shape=(dims,)], by an amount.

        Example
        -------
        >>> sound("gong").offset(prior(3), sine(8))
        sound('gong').offset(prior(3), sine(8))
        """
        from latentlive.latent.touch import Offset

        return Offset(self, direction, amount)

    def dim(self, i: int, curve: CurveLike) -> Latent:
        """Let a curve set dimension `i` (>= 0) of the means.

        Example
        -------
        >>> sound("gong").dim(7, sine2(4))
        sound('gong').dim(7, sine(4).range(-1, 1))
        """
        from latentlive.latent.touch import Dim

        return Dim(self, i, curve)

    def jitter(self, amount: CurveLike) -> Latent:
        """Shake the means by `amount` times a new draw of N(0, 1) each frame.

        Example
        -------
        >>> sound("gong").jitter(0.3)
        sound('gong').jitter(0.3)
        """
        from latentlive.latent.touch import Jitter

        return Jitter(self, amount)

    def smooth(self, beats: float) -> Latent:
        """Average over a span of `beats` (> 0) around each moment.

        Example
        -------
        >>> sound("gong").smooth(0.5)
        sound('gong').smooth(0.5)
        """
        from latentlive.latent.touch import Smoothed

        return Smoothed(self, beats)

    def pitch(self, hz: CurveLike | str) -> Latent:
        """Bring what has a pitch to another: a note's name, or a curve in Hz (20 to 6000).

        For spaces in which pitch is an axis, such as ``spectral``.

        Example
        -------
        >>> sound("gong").pitch("A3")
        sound('gong').pitch(220)
        """
        from latentlive.latent.axes import Pitch, as_pitch

        return Pitch(self, as_pitch(hz, "pitch: hz"))

    def transpose(self, semitones: CurveLike) -> Latent:
        """Move everything up or down, pitched or not, by a curve in semitones.

        For spaces in which pitch is an axis, such as ``spectral``.

        Example
        -------
        >>> sound("gong").transpose(line(0, -12, 8))
        sound('gong').transpose(line(0, -12, 8))
        """
        from latentlive.latent.axes import Transpose

        return Transpose(self, semitones)

    def loudness(self, db: CurveLike) -> Latent:
        """Bring every moment to a level in dB, RMS against full scale; silence stays silent.

        For spaces in which level is an axis, such as ``spectral``.

        Example
        -------
        >>> sound("gong").loudness(-24)
        sound('gong').loudness(-24)
        """
        from latentlive.latent.axes import Loudness

        return Loudness(self, db)

    def voiced(self, amount: CurveLike) -> Latent:
        """Hear a sound as harmonics of a pitch, by an amount from 0 (not at all) to 1.

        What has no pitch takes 200 Hz until ``.pitch`` says otherwise. For spaces in which voicing
        is an axis, such as ``spectral``.

        Example
        -------
        >>> sound("rain").voiced(1).pitch("A2")
        sound('rain').voiced(1).pitch(110)
        """
        from latentlive.latent.axes import Voiced

        return Voiced(self, amount)

    def __add__(self, other: LatentLike) -> Latent:
        from latentlive.latent.mix import Plus

        return Plus(self, other)

    def __sub__(self, other: LatentLike) -> Latent:
        from latentlive.latent.mix import Minus

        return Minus(self, other)

    def __mul__(self, factor: CurveLike) -> Latent:
        from latentlive.latent.mix import Times

        return Times(self, factor)

    def __rmul__(self, factor: CurveLike) -> Latent:
        return self * factor

    def on(self, model: str) -> On:
        """Render in another space than the engine's: ``"spectral"``, ``"rawaudiovae"``, a file.

        Stands at the root: a space holds for the whole.

        Example
        -------
        >>> sound("gong").on("spectral")
        sound('gong').on('spectral')
        """
        from latentlive.latent.join import On

        return On(self, model)

    def norm(self) -> Norm:
        """Bring to a common loudness of -20 dB, measured over the whole.

        Stands at the root: it is a level of the sound, not of the latents.

        Example
        -------
        >>> sound("gong").norm()
        sound('gong').norm()
        """
        from latentlive.latent.join import Norm

        return Norm(self)

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


LatentLike = Latent | Sequence[float] | NDArray[np.floating[Any] | np.integer[Any]]
"""A latent, or a vector [shape=(dims,)] that stands for itself."""


def as_latent(value: Any, place: str = "latent") -> Latent:
    """Return the latent that a value is or stands for.

    Raises
    ------
    ExpressionError
        For anything else, and for a latent whose join is decided already.
    """
    from latentlive.latent.join import Joined
    from latentlive.latent.sources import Z

    if isinstance(value, Latent):
        return value
    if isinstance(value, Joined):
        raise ExpressionError(f"{place} has .{value.word}(), which stands at the root only")
    if isinstance(value, np.ndarray | list | tuple):
        return Z(value)
    hint = f"; write sound({value!r})" if isinstance(value, str) else ""
    raise ExpressionError(
        f"{place} must be a latent such as sound('gong'), got {shown(value)}{hint}"
    )


def _times(n: Any) -> int:
    times: int = Whole("times", least=1, most=10**6).coerce(n, "loop: n")
    return times
