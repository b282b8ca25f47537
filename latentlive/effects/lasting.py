"""How long effects remember: after that, a chain that began anew sounds like one that did not."""

from __future__ import annotations

import math
from collections.abc import Mapping

from latentlive.effects.block import Setting
from latentlive.effects.declared import INDEX
from latentlive.effects.rooms import CUT_DB, Room

DOWN_DB = 90.0
"""What rings is forgotten this far down."""

SETTLED = 0.5
"""Seconds that all remember at least."""

_FALLS = DOWN_DB / 20.0 * math.log(10.0)
"""Time constants in which something falls so far."""


def lasting(setting: Setting, rate: int, rooms: Mapping[int, Room]) -> float:
    """Return the seconds that the effects of a block remember, from the rows that drive them."""
    seconds = SETTLED
    for name in ("hpf", "lpf"):
        if not setting.off(INDEX[f"{name}.on"]):
            lowest = setting.least(INDEX[f"{name}.hz"])
            seconds += _FALLS * setting.greatest(INDEX[f"{name}.q"]) / (math.pi * lowest)
    if not setting.off(INDEX["comb.on"]):
        back = max(setting.greatest(INDEX["comb.feedback"]), -setting.least(INDEX["comb.feedback"]))
        seconds += _rounds(back) / setting.least(INDEX["comb.hz"])
    if not setting.off(INDEX["comp.on"]):
        times = (setting.greatest(INDEX[f"comp.{name}"]) for name in ("attack", "release"))
        seconds += _FALLS * sum(times)
    if not setting.off(INDEX["echo.on"]):
        longest = setting.greatest(INDEX["echo.samples"]) / rate
        seconds += _rounds(setting.greatest(INDEX["echo.feedback"])) * longest
    if not setting.off(INDEX["reverb.on"]):
        room = rooms.get(round(setting.last(INDEX["reverb.space"])))
        longest = setting.greatest(INDEX["reverb.seconds"]) * CUT_DB / 60.0
        seconds += longest if room is None else room.samples / rate
    return seconds


def _rounds(feedback: float) -> float:
    """Return how often a sound goes round until it has fallen by 90 dB."""
    return 1.0 + DOWN_DB / max(-20.0 * math.log10(max(feedback, 1e-9)), 0.01)
