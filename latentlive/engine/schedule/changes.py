"""What a cell may ask for: checked whole before any of it is taken, then folded into states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from latentlive.curves import Num
from latentlive.engine.desk.voices import Layer, State
from latentlive.errors import EngineError
from latentlive.protocol.levels import curve_of
from latentlive.protocol.schema import CHANGES, check_shape
from latentlive.protocol.wire import Message

TEXTURES = ("play", "restart", "restore")
"""Changes that bring a texture."""

LEVELS = ("gain_db", "amp", "pan")
SETTINGS = ("fade", "xfade", "quant", "morph", "wide", "pair")

LONGEST = 160
"""Characters of changes that are described."""

MOST_CHANGES = MOST_LAYERS = 1000
"""Changes of a cell, and layers that have a name: it is all worked out between two blocks."""


def check(
    changes: list[Message], layers: Mapping[str, Layer], free_rings: int, channels: int = 2
) -> None:
    """Refuse a cell that cannot be taken as a whole.

    Parameters
    ----------
    changes : list of messages
        Of the shapes in `CHANGES`.
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
    if len(changes) > MOST_CHANGES:
        raise EngineError(
            f"engine: a cell holds at most {MOST_CHANGES} changes, this one {len(changes)}"
        )
    for change in changes:
        check_shape(change, CHANGES, "change")
    if len({*layers, *named(changes)}) > MOST_LAYERS:
        raise EngineError(
            f"engine: there can be at most {MOST_LAYERS} layers; use one of them again"
        )
    playing = [change["layer"] for change in changes if change["op"] in ("play", "restart")]
    states = {name: _after(name, changes, layers) for name in set(playing)}
    for change in changes:
        op, name = change["op"], change.get("layer")
        if op == "restart" and states[name].source is None:
            raise EngineError(f"restart: {name} is silent")
        if op == "rename" and name not in layers:
            raise EngineError(f"rename: no layer {name!r} has played yet")
        if op == "rename" and change["name"] in layers:
            raise EngineError(f"rename: there is a layer {change['name']!r} already")
        if op == "set" and 2 * int(change.get("pair", 0)) + 2 > channels:
            first = 2 * int(change["pair"]) + 1
            raise EngineError(
                f"out: channels {first} and {first + 1} need --channels {first + 1}, "
                f"the engine has {channels}"
            )
    if sum(2 if states[name].wide else 1 for name in playing) > free_rings:
        raise EngineError("engine: all voices are busy; stop a layer first")


def _after(name: str, changes: list[Message], layers: Mapping[str, Layer]) -> State:
    """Return what a layer's state will be."""
    return fold(layers[name].state if name in layers else State(), name, changes)


def taken(change: Message) -> Message:
    """Return a change with its levels as curves, read once and for all."""
    return change | {word: curve_of(change[word]) for word in LEVELS if word in change}


def fold(state: State, name: str, changes: Iterable[Message]) -> State:
    """Return a layer's state after some changes; those of other layers pass it by."""
    for change in changes:
        op, mine = change["op"], change.get("layer") == name
        if op == "play" and mine:
            state = replace(state, source=change["source"])
        elif op == "set" and mine:
            given = {word: change[word] for word in (*LEVELS, *SETTINGS) if word in change}
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


def described(changes: Iterable[Message]) -> str:
    """Return some changes as they would be typed, in one line that is not too long.

    >>> described([{"op": "stop", "layer": "d1", "fade": 8.0}, {"op": "hush", "fade": None}])
    'd1.stop(8); hush()'
    """
    text = "; ".join(map(_typed, changes))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _typed(change: Message) -> str:
    """Return one change as it would be typed."""
    op, layer = str(change["op"]), str(change.get("layer", ""))
    if op == "play":
        return f"{layer} >> {change['source']['code']}"
    if op == "restore":
        return f"{layer} as it was"
    if op == "set":
        words = [w for w in (*LEVELS, *SETTINGS) if w in change and w != "morph"]
        return layer + "".join(f".{_word(w, change)}({_value(w, change)})" for w in words)
    if op == "mute":
        return f"{layer}.{'mute' if change['muted'] else 'unmute'}()"
    if op == "only":
        return f"only({', '.join(change['layers'])})"
    if op == "rename":
        return f"{layer}.rename({change['name']!r})"
    if op == "master":
        return f"master.gain({change['gain_db']!r})"
    if op == "tempo":
        over = f", over={change['over']:g}" if change.get("over") else ""
        return f"tempo({change['bpm']:g}{over})"
    fade = change.get("fade")
    return f"{layer}{'.' if layer else ''}{op}({'' if fade is None else f'{fade:g}'})"


def _word(field: str, change: Message) -> str:
    """Return the word of a layer that sets a field."""
    if field == "xfade" and change.get("morph"):
        return "morph"
    named = {"gain_db": "gain", "pair": "out"}
    return named.get(field, field)


def _value(field: str, change: Message) -> str:
    value = 2 * change[field] + 1 if field == "pair" else change[field]
    value = value.value if isinstance(value, Num) else value
    return f"{value:g}" if isinstance(value, float | int) else repr(value)
