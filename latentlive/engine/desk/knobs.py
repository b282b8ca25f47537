"""What effects are set to, over time: a value of each row at each grid point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import Curve, Num, Time, inputs_of
from latentlive.effects.declared import INDEX, LEAST, MOST, NEUTRAL, PARAMETERS, ROWS
from latentlive.engine.desk.fades import Reading, before, glided
from latentlive.engine.timing import GLIDE, to_samples
from latentlive.units import Floats, Tempo

ECHO, DELAY = "echo.beats", "echo.samples"
"""What a performer sets in beats, and its row, which counts samples."""

BEATS = PARAMETERS[ECHO]


def _moving(way: str) -> NDArray[np.bool_]:
    """Return which rows go from one value to the next in a way [shape=(rows, 1)]."""
    names = [ECHO if row == DELAY else row for row in ROWS]
    moves = [PARAMETERS[name].moves if name in PARAMETERS else "glides" for name in names]
    return np.array([one == way for one in moves])[:, None]


LOGARITHMIC, STEPPED = _moving("glides in log"), _moving("steps")


@dataclass(frozen=True)
class Knobs:
    """What the effects of a layer, a bus or the master are set to, from a moment on.

    Parameters
    ----------
    curves : mapping of a row's name to Curve
        Rows that are left out are as they are by default.
    since : int [samples, global]
    glide : int [samples]
        How long it takes over from those before it.
    past : tuple of Knobs
        Those before it, in rising order.
    """

    curves: Mapping[str, Curve] = field(default_factory=dict)
    since: int = 0
    glide: int = 0
    past: tuple[Knobs, ...] = ()

    @cached_property
    def live(self) -> bool:
        """Whether anything of it, or of what was before it, follows what arrives."""
        return any(map(inputs_of, self.curves.values())) or any(one.live for one in self.past)

    def changed(self, at: int, rate: int, glides: bool, curves: Mapping[str, Curve]) -> Knobs:
        """Return what takes over at a position, at once unless it `glides`."""
        past = before((*self.past, replaced(self, past=())), at, rate)
        glide = to_samples(GLIDE, rate) if glides and past else 0
        return Knobs({**self.curves, **curves}, at, glide, past)

    def values(self, samples: NDArray[np.int64], reading: Reading) -> Floats:
        """Return the value of each row at some rising global positions [shape=(rows, n)].

        Beyond the bounds of a row curves are held at them.
        """

        def alone(one: Knobs, part: NDArray[np.int64]) -> Floats:
            time = reading.time(part)
            rows = np.repeat(NEUTRAL[:, None].astype(np.float64), len(part), axis=1)
            for name, curve in one.curves.items():
                value = curve.value if isinstance(curve, Num) else time.value(curve)
                if name == ECHO:
                    rows[INDEX[DELAY]] = _samples_ago(
                        time, part - reading.origin, value, reading.tempo
                    )
                else:
                    rows[INDEX[name]] = value
            return np.clip(rows, LEAST[:, None], MOST[:, None])

        return glided((*self.past, self), samples, alone, blend)


def _samples_ago(time: Time, own: NDArray[np.int64], beats: Floats | float, tempo: Tempo) -> Floats:
    """Return how long ago it was so many beats earlier [samples]: a delay follows the tempo."""
    ago: Floats = own - tempo.samples(time.beats - np.clip(beats, BEATS.least, BEATS.most))
    return ago


def blend(before: Floats, after: Floats, x: Floats) -> Floats:
    """Return rows between some and others: in octaves, on a straight line, or at once."""
    with np.errstate(divide="ignore", invalid="ignore"):
        octaves = before * (after / before) ** x
    between = np.where(LOGARITHMIC, octaves, before + (after - before) * x)
    return np.where(STEPPED, after, between)
