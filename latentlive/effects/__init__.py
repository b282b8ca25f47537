"""Effects: what is heard of a layer, a bus or the master, block by block, in pure numpy.

`declared` says which effects there are; `Strip` runs them with a finite memory; `Room` makes a
recording a room for `reverb`.
"""

from latentlive.effects.block import BLOCK, POINTS, Setting
from latentlive.effects.chain import Chain
from latentlive.effects.declared import (
    EFFECTS,
    INDEX,
    LEAST,
    MOST,
    NEUTRAL,
    ROWS,
    Effect,
    Parameter,
)
from latentlive.effects.reverb import NO_ROOMS
from latentlive.effects.rooms import Room
from latentlive.effects.strip import Strip, pre_roll

__all__ = [
    "BLOCK",
    "EFFECTS",
    "INDEX",
    "LEAST",
    "MOST",
    "NEUTRAL",
    "NO_ROOMS",
    "POINTS",
    "ROWS",
    "Chain",
    "Effect",
    "Parameter",
    "Room",
    "Setting",
    "Strip",
    "pre_roll",
]
