"""What a cell may ask for: checked whole before any of it is taken, then folded into states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from latentlive.curves import Curve
from latentlive.engine.voices import Layer, State
from latentlive.engine.wire import Message
from latentlive.errors import EngineError, LatentliveError
from latentlive.expr import load
from latentlive.units import Tempo

OPERATIONS = frozenset(
    {"play", "set", "stop", "hush", "restart", "mute", "only", "rename", "master", "tempo"}
)
TEXTURES = ("play", "restart", "restore")
"""Changes that bring a texture."""

LEVELS = ("gain_db", "amp", "pan")
SETTINGS = ("fade", "xfade", "quant", "morph", "wide", "pair")


def check(
    changes: list[Message], layers: Mapping[str, Layer], free_rings: int, channels: int = 2
) -> None:
    """Refuse a cell that cannot be taken as a whole.

    Parameters
    ----------
    changes : list of messages
        Each with an 'op' of OPERATIONS.
    layers : mapping of name to Layer
        Those that have been named so far.
    free_rings : int
    channels : int
        Of the output.

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
        state = fold(layer.state if layer else State(), str(name), changes)
        if op == "restart" and state.source is None:
            raise EngineError(f"restart: {name} is silent")
        if op == "rename" and layer is None:
            raise EngineError(f"rename: no layer {name!r} has played yet")
        if op == "rename" and change["name"] in layers:
            raise EngineError(f"rename: there is a layer {change['name']!r} already")
        if op == "tempo":
            Tempo(float(change["bpm"]))
        if op == "set" and 2 * int(change.get("pair", 0)) + 2 > channels:
            first = 2 * int(change["pair"]) + 1
            raise EngineError(
                f"out: channels {first} and {first + 1} need --channels {first + 1}, "
                f"the engine has {channels}"
            )
        if op in ("play", "restart"):
            wanted += 2 if state.wide else 1
    if wanted > free_rings:
        raise EngineError("engine: all voices are busy; stop a layer first")


def fold(state: State, name: str, changes: Iterable[Message]) -> State:
    """Return a layer's state after some changes; those of other layers pass it by."""
    for change in changes:
        op, mine = change["op"], change.get("layer") == name
        if op == "play" and mine:
            state = replace(state, source=change["source"])
        elif op == "set" and mine:
            given: dict[str, Any] = {w: curve_of(change[w]) for w in LEVELS if w in change}
            given |= {word: change[word] for word in SETTINGS if word in change}
            state = replace(state, **given)
        elif op == "stop" and mine:
            state = replace(state, source=None)
        elif op == "mute" and mine:
            state = replace(state, muted=bool(change["muted"]))
        elif op == "restore" and mine:
            state = change["state"]
        elif op == "hush":
            state = replace(state, source=None)
        elif op == "only":
            state = replace(state, soloed=name in change["layers"])
    return state


def named(changes: Iterable[Message]) -> list[str]:
    """Return the layers that some changes name, each once."""
    names: list[str] = []
    for change in changes:
        names += [change["layer"]] if "layer" in change else change.get("layers", [])
    return list(dict.fromkeys(names))


def curve_of(data: Any) -> Curve:
    """Return the curve that a message holds as JSON data."""
    node = load(data)
    if not isinstance(node, Curve):
        raise LatentliveError("gain, amp and pan take a number or a curve")
    return node
