"""What a cell may ask for, checked whole before any of it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latentlive.curves import Curve
from latentlive.engine.voices import Layer
from latentlive.engine.wire import Message
from latentlive.errors import EngineError, LatentliveError
from latentlive.expr import load

OPERATIONS = frozenset(
    {"play", "set", "stop", "hush", "restart", "mute", "only", "rename", "master"}
)
LEVELS = ("gain_db", "amp", "pan")


def check(changes: list[Message], layers: Mapping[str, Layer], free_voices: int) -> None:
    """Refuse a cell that cannot be taken as a whole.

    Parameters
    ----------
    changes : list of messages
        Each with an 'op' of OPERATIONS.
    layers : mapping of name to Layer
        Those that have been named so far.
    free_voices : int

    Raises
    ------
    LatentliveError
        With the first thing wrong.
    """
    wanted = 0
    for change in changes:
        op, name = change["op"], change.get("layer")
        if op not in OPERATIONS:
            raise EngineError(f"engine: no change {op!r}")
        for word in LEVELS:
            if word in change:
                curve_of(change[word])
        layer = layers.get(str(name))
        if op == "restart" and (layer is None or layer.voice is None):
            raise EngineError(f"restart: {name} is silent")
        if op == "rename" and layer is None:
            raise EngineError(f"rename: no layer {name!r} has played yet")
        if op == "rename" and change["name"] in layers:
            raise EngineError(f"rename: there is a layer {change['name']!r} already")
        wanted += op in ("play", "restart")
    if wanted > free_voices:
        raise EngineError("engine: all voices are busy; stop a layer first")


def curve_of(data: Any) -> Curve:
    """Return the curve that a message holds as JSON data."""
    node = load(data)
    if not isinstance(node, Curve):
        raise LatentliveError("gain, amp and pan take a number or a curve")
    return node
