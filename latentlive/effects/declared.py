"""The effects, each declared once: order, parameters, ranges, and how each parameter moves.

From the declaration follow the rows that a block of effects is driven with: for each effect
whether it is on, then its parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

Moves = Literal["glides", "glides in log", "steps"]

LONGEST_ECHO = 16
"""Seconds between two echoes, at most."""

MOST_RATE = 192_000
"""Samples a second, at most: it bounds what is counted in samples."""


@dataclass(frozen=True)
class Parameter:
    """One number of an effect.

    Parameters
    ----------
    name : str
    least, most, default : float
        The default is neutral where `needed` is true: a performer always gives that one.
    unit : str
    moves : "glides", "glides in log" or "steps"
        How it goes from one value to the next.
    needed : bool
    row : str
        What its row is called, where that counts in another unit than a performer does.
    """

    name: str
    least: float
    most: float
    default: float
    unit: str
    moves: Moves = "glides"
    needed: bool = False
    row: str = ""


@dataclass(frozen=True)
class Effect:
    """An effect and its parameters, in the order in which they are written."""

    name: str
    parameters: tuple[Parameter, ...]

    def __getitem__(self, name: str) -> Parameter:
        """Return the parameter of a name."""
        return next(p for p in self.parameters if p.name == name)


def _hz(default: float, most: float = 20_000.0) -> Parameter:
    return Parameter("hz", 20.0, most, default, "Hz", "glides in log", needed=True)


_Q = Parameter("q", 0.3, 20.0, 0.7, "", "glides in log")

EFFECTS: tuple[Effect, ...] = (
    Effect("hpf", (_hz(20.0), _Q)),
    Effect("lpf", (_hz(20_000.0), _Q)),
    Effect(
        "comb",
        (
            _hz(220.0, 4000.0),
            Parameter("feedback", -0.99, 0.99, 0.8, ""),
            Parameter("mix", 0.0, 1.0, 0.5, ""),
        ),
    ),
    Effect("drive", (Parameter("db", 0.0, 48.0, 0.0, "dB", needed=True),)),
    Effect(
        "comp",
        (
            Parameter("threshold", -60.0, 0.0, -18.0, "dB"),
            Parameter("ratio", 1.0, 20.0, 4.0, "", "glides in log"),
            Parameter("attack", 0.0005, 0.5, 0.01, "s", "glides in log"),
            Parameter("release", 0.005, 1.0, 0.2, "s", "glides in log"),
            Parameter("makeup", -24.0, 24.0, 0.0, "dB"),
            Parameter("by", 0.0, 65_535.0, 0.0, "", "steps"),
        ),
    ),
    Effect(
        "echo",
        (
            Parameter("beats", 1 / 32, 16.0, 0.5, "beats", "steps", row="samples"),
            Parameter("feedback", 0.0, 0.95, 0.4, ""),
            Parameter("mix", 0.0, 1.0, 0.3, ""),
        ),
    ),
    Effect(
        "reverb",
        (
            Parameter("mix", 0.0, 1.0, 0.25, ""),
            Parameter("seconds", 0.1, 12.0, 2.5, "s", "glides in log"),
            Parameter("damp", 0.0, 1.0, 0.5, ""),
            Parameter("space", 0.0, 65_535.0, 0.0, "", "steps"),
        ),
    ),
)
"""In the order in which sound goes through them."""

_SAMPLES = Parameter("samples", 32.0, LONGEST_ECHO * MOST_RATE, 22_050.0, "samples")


def _rows() -> tuple[tuple[str, Parameter], ...]:
    on = Parameter("on", 0.0, 1.0, 0.0, "")
    rows: list[tuple[str, Parameter]] = []
    for effect in EFFECTS:
        rows.append((f"{effect.name}.on", on))
        for p in effect.parameters:
            rows.append((f"{effect.name}.{p.row or p.name}", _SAMPLES if p.row else p))
    return tuple(rows)


_ROWS = _rows()

ROWS: tuple[str, ...] = tuple(name for name, _ in _ROWS)
"""The names of the rows: `hpf.on`, `hpf.hz`, `hpf.q`, `lpf.on` ... `reverb.space`.

`echo.samples` is `echo.beats` through the tempo; `comp.by` and `reverb.space` are whole numbers,
0 for none.
"""

INDEX = MappingProxyType({name: i for i, name in enumerate(ROWS)})
"""The row of each name."""

PARAMETERS = MappingProxyType({f"{e.name}.{p.name}": p for e in EFFECTS for p in e.parameters})
"""Parameters by what a performer calls them, after their effect: `echo.beats`."""

LEAST = np.array([p.least for _, p in _ROWS], np.float32)
MOST = np.array([p.most for _, p in _ROWS], np.float32)
NEUTRAL = np.array([p.default for _, p in _ROWS], np.float32)
"""Least and greatest value of each row, and its value before anything is said: all effects off."""
