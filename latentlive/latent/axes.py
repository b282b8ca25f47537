"""Named axes of a space (pitch, level, voicing), set or moved by curves."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from latentlive.curves import Curve, CurveLike, as_curve
from latentlive.curves.notes import hertz
from latentlive.expr import child, operator
from latentlive.latent.base import Latent
from latentlive.latent.query import Latents, Query
from latentlive.latent.sources import as_latent
from latentlive.latent.touch import Touch


def as_pitch(value: Any, place: str = "pitch") -> Curve:
    """Return a pitch in Hz as a curve, from a note such as ``'A3'`` or ``'C#4'`` or a curve."""
    return as_curve(hertz(value, place) if isinstance(value, str) else value, place)


class Axial(Touch):
    """Move vectors along the axis named after the operator."""

    def at(self, query: Query) -> Latents:
        """Return the latents; the second field's curve moves their means."""
        mean, std = query.latents(self.of)
        _, curve = self.children
        values = query.curve(cast("Curve", curve), self).astype(np.float32)
        return Latents(query.world.axis(self.word)(mean, values), std)


@operator(form="method")
class Pitch(Axial):
    """Set the pitch of pitched sounds: a note's name, or a curve in Hz (20 to 6000).

    For spaces in which pitch is an axis, such as ``spectral``.

    Example
    -------
    >>> sound("gong").pitch("A3")
    sound('gong').pitch(220)
    """

    of: Latent = child(as_latent)
    hz: CurveLike | str = child(as_pitch)


@operator(form="method")
class Transpose(Axial):
    """Move everything up or down, pitched or not, by a curve in semitones.

    For spaces in which pitch is an axis, such as ``spectral``.

    Example
    -------
    >>> sound("gong").transpose(line(0, -12, 8))
    sound('gong').transpose(line(0, -12, 8))
    """

    of: Latent = child(as_latent)
    semitones: CurveLike = child(as_curve)


@operator(form="method")
class Loudness(Axial):
    """Set the level of every moment in dB, RMS against full scale; silence stays silent.

    For spaces in which level is an axis, such as ``spectral``.

    Example
    -------
    >>> sound("gong").loudness(-24)
    sound('gong').loudness(-24)
    """

    of: Latent = child(as_latent)
    db: CurveLike = child(as_curve)


@operator(form="method")
class Voiced(Axial):
    """Hear a sound as harmonics of a pitch, by an amount from 0 (not at all) to 1.

    Sound without a pitch takes 200 Hz unless ``.pitch`` sets another. For spaces in which
    voicing is an axis, such as ``spectral``.

    Example
    -------
    >>> sound("rain").voiced(1).pitch("A2")
    sound('rain').voiced(1).pitch(110)
    """

    of: Latent = child(as_latent)
    amount: CurveLike = child(as_curve)
