"""What is heard along a recording as a curve: its brightness, loudness, pitch."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import Curve, Time
from latentlive.errors import ExpressionError
from latentlive.expr import Array, Choice, Kind, Number, declared, operator
from latentlive.expr.fields import shown
from latentlive.latent.freezing import asked
from latentlive.latent.sources import SOURCE, Sound
from latentlive.units import Floats

DESCRIPTORS = ("centroid", "loudness", "pitch", "flatness", "roughness")

LONGEST = 600.0
"""Most seconds of a recording that are measured: its values are in the log, each time they play."""


class Whether(Kind):
    """True or False."""

    def coerce(self, value: Any, place: str) -> bool:
        """Return the value; refuse anything else."""
        if not isinstance(value, bool | np.bool_):
            raise ExpressionError(f"{place} must be True or False, got {shown(value)}")
        return bool(value)


class Values(Array):
    """Values along a recording: measured, never typed."""

    typed = False


class Seconds(Number):
    """How long a recording lasts: measured, never typed."""

    typed = False


@operator
class Contour(Curve):
    """See `contour`."""

    sound: str | Sequence[float] | NDArray[np.floating[Any] | np.integer[Any]] = declared(SOURCE)
    descriptor: str = declared(Choice(*DESCRIPTORS))
    measured: NDArray[Any] = declared(Values(np.float32))
    seconds: float = declared(Seconds("seconds", above=0.0, most=LONGEST))
    loop: bool = declared(Whether(), default=True)

    @property
    def span(self) -> float:
        return self.seconds

    def values(self, t: Time) -> Floats:
        """Return the values, straight between the middles of the parts."""
        count = len(self.measured)
        middles = (np.arange(count) + 0.5) * (self.seconds / count)
        known = self.measured.astype(np.float64)
        if not self.loop:
            held: Floats = np.interp(t.beats, middles, known)
            return held
        at = np.mod(t.beats, self.seconds)
        middles = np.concatenate([middles[-1:] - self.seconds, middles, middles[:1] + self.seconds])
        found: Floats = np.interp(at, middles, np.concatenate([known[-1:], known, known[:1]]))
        return found


def contour(
    sound: str | Sound | NDArray[np.floating[Any] | np.integer[Any]],
    descriptor: str = "loudness",
    loop: bool = True,
) -> Curve:
    """What is heard along a recording, as a curve: a second of it in each beat.

    It is measured as the line is typed, 43 times a second, and kept: it replays when the recording
    has changed or is gone. Straight between the values; where there is silence, or no pitch, the
    last value stays.

    Parameters
    ----------
    sound : str, Sound or array
        The name of a sound of the corpus or of a frozen one, a path, or samples; at most ten
        minutes.
    descriptor : str
        ``"centroid"`` [Hz], ``"loudness"`` [dB, RMS against full scale], ``"pitch"`` [Hz],
        ``"flatness"`` [dB: 0 is noise, -40 a pure tone] or ``"roughness"`` [0 to about 0.8].
    loop : bool
        Whether it begins again after the recording; otherwise its last value stays.

    Raises
    ------
    ExpressionError
        ``contour: 'rain' has no pitch``

    Example
    -------
    ``d1 >> sound("pad").bright(contour("tenor", "centroid"))``
    """
    source = sound.source if isinstance(sound, Sound) else sound
    if not isinstance(sound, Sound | str | np.ndarray | list | tuple):
        raise ExpressionError(
            "contour: sound must be a recording such as 'gong' or sound('gong'), "
            f"got {shown(sound)}"
        )
    found = Sound(source)
    which: str = Choice(*DESCRIPTORS).coerce(descriptor, "contour: descriptor")
    repeats: bool = Whether().coerce(loop, "contour: loop")
    audio, rate = asked().recording(found)
    called = shown(found.source) if isinstance(found.source, str) else "the array"
    measure = import_module("latentlive.renderer.contours").contour  # on a floor above
    values, seconds = measure(audio, rate, which, called)
    return Contour(found.source, which, values.astype(np.float32), seconds, repeats)
