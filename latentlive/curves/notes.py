"""Notes by name: their frequencies in equal temperament, A4 at 440 Hz."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ExpressionError
from latentlive.expr import Array
from latentlive.expr.fields import shown

NOTE = re.compile(r"([A-Ga-g])([#b]?)(-?\d)")
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def hertz(note: str, place: str = "note") -> float:
    """Return the frequency of a note such as ``'A3'``, ``'c#4'`` or ``'Bb2'``.

    >>> hertz("A3")
    220.0
    """
    match = NOTE.fullmatch(note.strip())
    if match is None:
        raise ExpressionError(f"{place} must be a note such as 'A3' or 'C#4', got {shown(note)}")
    letter, sign, octave = match.groups()
    steps = STEPS[letter.upper()] + {"": 0, "#": 1, "b": -1}[sign] + 12 * (int(octave) - 4)
    return float(440.0 * 2.0 ** ((steps - STEPS["A"]) / 12))


class Tones(Array):
    """An array of numbers, among them notes by name, which are their frequencies."""

    def coerce(self, value: Any, place: str) -> NDArray[Any]:
        """Return the one read-only array with these numbers."""
        if isinstance(value, list | tuple):
            value = [
                hertz(one, f"{place}[{i}]") if isinstance(one, str) else one
                for i, one in enumerate(value)
            ]
        return super().coerce(value, place)


TONES = Tones(np.float64)
