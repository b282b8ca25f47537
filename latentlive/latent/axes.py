"""Axes that a space has by name: pitch, level, voicing, set or moved by curves."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from latentlive.curves import Curve, CurveLike, as_curve
from latentlive.errors import ExpressionError
from latentlive.expr import child, operator
from latentlive.latent.base import Latent, as_latent
from latentlive.latent.query import Latents, Query
from latentlive.latent.touch import Touch

NOTE = re.compile(r"([A-Ga-g])([#b]?)(-?\d)")
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def as_pitch(value: Any, place: str = "pitch") -> Curve:
    """Return a pitch in Hz: that of a note's name such as ``'A3'`` or ``'C#4'``, or a curve."""
    if not isinstance(value, str):
        return as_curve(value, place)
    match = NOTE.fullmatch(value.strip())
    if match is None:
        raise ExpressionError(f"{place} must be a note such as 'A3' or 'C#4', got {value!r}")
    letter, sign, octave = match.groups()
    steps = STEPS[letter.upper()] + {"": 0, "#": 1, "b": -1}[sign] + 12 * (int(octave) - 4)
    return as_curve(440.0 * 2.0 ** ((steps - STEPS["A"]) / 12), place)


class Axial(Touch):
    """Vectors moved along an axis, which bears the operator's name."""

    curve: CurveLike

    def at(self, query: Query) -> Latents:
        """Return the latents, their means moved as the curve says."""
        mean, std = query.latents(self.of)
        values = query.curve(self.curve, self).astype(np.float32)
        return Latents(query.world.axis(self.word)(mean, values), std)


@operator(form="method")
class Pitch(Axial):
    """What has a pitch brought to another."""

    of: Latent = child(as_latent)
    curve: CurveLike = child(as_pitch)


@operator(form="method")
class Transpose(Axial):
    """Everything moved up or down."""

    of: Latent = child(as_latent)
    curve: CurveLike = child(as_curve)


@operator(form="method")
class Loudness(Axial):
    """Brought to a level."""

    of: Latent = child(as_latent)
    curve: CurveLike = child(as_curve)


@operator(form="method")
class Voiced(Axial):
    """More or less of it heard as harmonics of a pitch."""

    of: Latent = child(as_latent)
    curve: CurveLike = child(as_curve)
