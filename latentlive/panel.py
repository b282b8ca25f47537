"""The engine's state as a few lines of text: transport, load, and a line per layer."""

from __future__ import annotations

from typing import Any

BAR = 8


def panel(state: dict[str, Any], width: int = 80) -> list[str]:
    """Return the lines of the panel, none longer than `width` columns.

    Parameters
    ----------
    state : mapping
        An engine's status.
    width : int [columns, >= 40]

    Example
    -------
    >>> panel({})
    ['starting the engine ...']
    """
    if not state:
        return ["starting the engine ..."]
    if not state["ready"]:
        transport = "warming up"
    elif not state["running"]:
        transport = "ready, waiting for a texture"
    else:
        minutes, seconds = divmod(state["seconds"], 60)
        transport = f"{int(minutes)}:{seconds:04.1f}  beat {state['beat']:.1f}"
    device = state["device"] or "no sound device"
    dropouts = state["underflows"] + (state["missing"] > 0)
    first = f"{transport}  {state['bpm']:g} bpm  {device}  dropouts {dropouts}"
    return [first[:width], *(_layer(layer, width) for layer in state["layers"])]


def _layer(layer: dict[str, Any], width: int) -> str:
    if layer["state"] == "failed":
        return f"{layer['name']:>4} failed: {layer['error']}"[:width]
    filled = min(int(BAR * layer["ready"] / 2.0 + 0.5), BAR)
    bar = "#" * filled + "." * (BAR - filled)
    head = f"{layer['name']:>4} {layer['state']:<8} {layer['gain']:>5} dB [{bar}] "
    room = width - len(head)
    code = str(layer["code"])
    return head + (code if len(code) <= room else code[: max(room - 3, 0)] + "...")
