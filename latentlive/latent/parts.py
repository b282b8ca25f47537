"""Parts of a recording, found when they are asked for: slices, so that nothing is found again."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, cast

import numpy as np

from latentlive.errors import ExpressionError
from latentlive.expr import Choice, Number, Whole, method_of
from latentlive.expr.fields import shown
from latentlive.latent.base import Latent
from latentlive.latent.freezing import asked
from latentlive.latent.sources import Recorded
from latentlive.latent.time import Slice
from latentlive.units import Floats

BY = Choice("onsets", "novelty")
SHORTEST = Number("seconds", least=0.01, most=3600.0)
INDEX = Whole(least=-(2**31), most=2**31)

DIGITS = 6
"""Of a second: less than a sample."""


@method_of(Latent)
def segments(
    self: Latent, by: Literal["onsets", "novelty"] = "onsets", shortest: float = 0.1
) -> list[Latent]:
    """Return the parts of a recording, as slices in their order.

    They are found in a separate process, the first time: an hour takes about half a minute, and
    layers play on. The slices hold the seconds that were found.

    Parameters
    ----------
    by : 'onsets' or 'novelty'
        Where strokes and notes begin, or where a texture turns into another.
    shortest : float [seconds, 0.01 to 3600]
        No part is shorter, unless the recording is.

    Returns
    -------
    list of Latent
        At least one; silence before the first onset belongs to none.

    Raises
    ------
    ExpressionError
        ``segments: only a recording has parts, such as sound('clock') or a slice of it``

    Example
    -------
    ``d1 >> path(sound("typewriter").segments(), saw(8))``

    Source: Böck and Widmer (DAFx 2013) for onsets, Foote (ICME 2000) for novelty.
    """
    BY.coerce(by, "segments: by")
    least: float = SHORTEST.coerce(shortest, "segments: shortest")
    source, low, high = _recording(self)
    found = _within(asked().boundaries(source, by, least), low, high, least)
    seconds = [round(float(second), DIGITS) for second in found]
    return [cast("Latent", Slice(source, start, stop)) for start, stop in pairwise(seconds)]


@method_of(Latent)
def segment(
    self: Latent,
    i: int,
    by: Literal["onsets", "novelty"] = "onsets",
    shortest: float = 0.1,
) -> Latent:
    """Return part `i` of a recording; beyond the last it begins again with the first.

    So a number never names a part that is not there: ``segment(9)`` of eight is ``segment(1)``,
    and ``segment(-1)`` the last.

    Parameters
    ----------
    i : int
        From 0.
    by, shortest
        As for ``.segments()``.

    Example
    -------
    ``d1 >> sound("typewriter").segment(3).hits("x.xx")``
    """
    index: int = INDEX.coerce(i, "segment: i")
    parts = segments(self, by, shortest)
    return parts[index % len(parts)]


def _recording(of: Latent) -> tuple[Recorded, float, float]:
    """Return the recording of a latent, and where it is read from and to [seconds]."""
    low, high = 0.0, np.inf
    while isinstance(of, Slice):
        low, high = low + of.start, min(high + of.start, of.stop)
        of = of.of
    if not isinstance(of, Recorded):
        raise ExpressionError(
            "segments: only a recording has parts, such as sound('clock') or a slice of it, "
            f"got {shown(of)}; freeze it first: .frozen('name', seconds=20)"
        )
    return of, low, high


def _within(found: Floats, low: float, high: float, shortest: float) -> Floats:
    """Return boundaries between two seconds, with none too close to either."""
    end = min(high, float(found[-1]))
    begin = max(low, float(found[0]))
    if begin >= end:  # nothing begins there
        return np.array([low, max(end, low + shortest)])
    inside = found[(found >= begin + shortest) & (found <= end - shortest)]
    return np.concatenate([[begin], inside, [end]])
