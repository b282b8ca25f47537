"""The starter corpus: short sounds made by our own code, so a first session needs no files.

Every sound is synthesised from its name alone: the name seeds its random generator, so the
same name gives the same samples whatever was made before it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import (
    bells,
    blown,
    bowed,
    engines,
    machines,
    noise,
    plucked,
    struck,
    tongues,
    vocal,
    water,
    weather,
)
from .tools import Voice, finish, generator

_TABLES: dict[str, dict[str, Voice]] = {
    "struck": struck.SOUNDS,
    "plucked": {**plucked.SOUNDS, **tongues.SOUNDS},
    "bowed": bowed.SOUNDS,
    "blown": blown.SOUNDS,
    "vocal": vocal.SOUNDS,
    "bells": bells.SOUNDS,
    "noise": noise.SOUNDS,
    "machines": {**engines.SOUNDS, **machines.SOUNDS},
    "weather": {**water.SOUNDS, **weather.SOUNDS},
}

FAMILIES: dict[str, tuple[str, ...]] = {family: tuple(t) for family, t in _TABLES.items()}
"""The names of each family, in the order of its table."""

NAMES: tuple[str, ...] = tuple(name for names in FAMILIES.values() for name in names)
"""Every name, family by family: a stable order."""

_VOICES: dict[str, Voice] = {name: v for table in _TABLES.values() for name, v in table.items()}


def synthesise(name: str) -> NDArray[np.float32]:
    """Return the sound called `name`: mono, 44100 Hz, 1 to 6 s, peak 0.46 to 0.88, shape (n,).

    Raises `KeyError` when there is no such sound.
    """
    return finish(_VOICES[name](generator(name)))
