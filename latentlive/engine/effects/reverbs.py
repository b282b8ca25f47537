"""The rooms that reverbs begin in: they are made before a change lands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from latentlive.curves import Curve, Num
from latentlive.effects.declared import PARAMETERS
from latentlive.effects.reverb import stepped
from latentlive.protocol.changes import Change, Restore, SetEffect
from latentlive.protocol.clip import Source


class Reverb(NamedTuple):
    """A reverb that is to begin: in which room."""

    space: Source | None
    synthetic: tuple[float, float]
    """Seconds and damping."""


def reverbs_of(changes: Iterable[Change]) -> list[Reverb]:
    """Return the reverbs that changes bring."""
    found: list[Reverb] = []
    for change in changes:
        if isinstance(change, SetEffect) and change.effect == "reverb" and change.curves:
            found.append(_reverb(change.curves, change.space))
        elif isinstance(change, Restore) and "reverb.on" in change.state.effects:
            found.append(_reverb(change.state.effects, change.state.space))
    return found


def _reverb(curves: Mapping[str, Curve], space: Source | None) -> Reverb:
    values, moves = [], []
    for name in ("reverb.seconds", "reverb.damp"):
        curve, parameter = curves[name], PARAMETERS[name]
        value = float(np.ravel(curve.at(0.0))[0])
        values.append(min(max(value, parameter.least), parameter.most))
        moves.append(not isinstance(curve, Num))
    return Reverb(space, stepped(values[0], values[1], moves[0], moves[1]))
