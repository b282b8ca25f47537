"""The engine's state as a few lines: transport, load and meter, then layers, cues, frozen sounds.

Each line is a list of (style, text); a theme colours the style, a single word, empty for plain.
"""

from __future__ import annotations

import math
from typing import Any

from latentlive.client.views import input_text
from latentlive.loudness import FLOOR
from latentlive.units import bpm_text, clock_text

BAR = 8
AHEAD = 2.0
"""Seconds rendered ahead that fill a layer's bar."""

LONGEST_NAME = 8
METER_FLOOR = -48.0
METER = 12

WIDE = 100
"""Columns from which on there is room for the loudness."""
HEAVY = 0.8
"""The load from which the panel marks it."""

Line = list[tuple[str, str]]


def panel(state: dict[str, Any], width: int = 80, height: int = 100) -> list[str]:
    """Return the lines of the panel, at most `width` columns long.

    Parameters
    ----------
    state : mapping
        An engine's status.
    width : int [columns, >= 40]
    height : int [rows, >= 2]
        Most lines; the last one counts those left out.

    Example
    -------
    >>> panel({})
    ['starting the engine ...']
    """
    return ["".join(text for _, text in line) for line in styled(state, width, height)]


def styled(state: dict[str, Any], width: int = 80, height: int = 100) -> list[Line]:
    """Return the lines of the panel with their styles; see `panel`."""
    if not state:
        return [[("note", "starting the engine ...")]]
    if state.get("ended"):
        return [_cut([("bad", f"leave (Ctrl-D): {state['ended']}")], width)]
    lines = [_transport(state, width)]
    if state.get("hangs"):
        lines = [[("bad", "the engine does not answer: panic() ends it")]]
    wide = min(max([4, *(len(layer["name"]) for layer in state["layers"])]), LONGEST_NAME)
    if told := input_text(state):
        on = bool(state.get("input"))
        lines.append([("bad", "input on  " if on else "no input  "), ("", told)])
    lines += [_layer(layer, wide) for layer in state["layers"]]
    lines += [_planned(row) for row in state.get("plan", [])]
    lines += [_freezing(row) for row in state.get("freezing", [])]
    if len(lines) > height:
        left_out = len(lines) - height + 1
        lines = [*lines[: height - 1], [("note", f"     ... {left_out} more: type layers, plan")]]
    return [_cut(line, width) for line in lines]


def _transport(state: dict[str, Any], width: int) -> Line:
    if not state["ready"]:
        where = "warming up"
    elif not state["running"]:
        where = "ready, waiting for a texture"
    else:
        where = f"{clock_text(state['seconds'])}  beat {state['beat']:.1f}"
    line: Line = [("time", where), ("", f"  {bpm_text(state['bpm'])}")]
    if (level := state.get("meter_db")) is not None:
        line += [("", "  "), *_meter(float(level))]
        if width >= WIDE and (lufs := float(state.get("lufs", FLOOR))) > FLOOR:
            line.append(("", f" {lufs:5.1f} LUFS"))
    if (load := state.get("load")) is not None:
        line.append(("bad" if load >= HEAVY else "", f"  load {100 * load:.0f}%"))
    dropouts = state["underflows"] + (state["missing"] > 0)
    line.append(("bad" if dropouts else "", f"  dropouts {dropouts}"))
    line.append(("note" if state["device"] else "bad", f"  {state['device'] or 'no sound device'}"))
    return line


def _meter(level: float) -> Line:
    """Return a bar of the master's peak: full at 0 dB, empty at -48."""
    within = 1.0 - max(level, METER_FLOOR) / METER_FLOOR if math.isfinite(level) else 0.0
    filled = min(max(round(METER * within), 0), METER)
    said = f"{level:5.1f} dB" if level > METER_FLOOR else "  -  dB"
    style = "bad" if level > -1.0 else "bar"
    return [(style, "=" * filled), ("empty", "-" * (METER - filled)), ("", f" {said}")]


def _layer(layer: dict[str, Any], wide: int) -> Line:
    name, state = ("name", f"{layer['name'][:wide]:>{wide}} "), str(layer["state"])
    if state == "failed":
        return [name, ("bad", f"failed: {layer['error']}")]
    late = bool(layer.get("late"))
    if layer.get("muted"):
        state = "muted"
    filled, gain = min(int(BAR * layer["ready"] / AHEAD + 0.5), BAR), str(layer["gain"])
    style = "bad" if late else "on" if state == "playing" else "coming"
    return [
        name,
        (style, f"{'late' if late else state:<8} "),
        ("", f"{gain if len(gain) <= 5 else 'curve':>5} dB "),
        ("bar", "#" * filled),
        ("empty", "." * (BAR - filled)),
        ("", f" {layer['ready']:4.1f}s "),
        ("code", str(layer["code"])),
    ]


def _planned(row: dict[str, Any]) -> Line:
    ready = float(row.get("ready") or 0.0)
    filled = min(int(BAR * ready / AHEAD + 0.5), BAR)
    names = " ".join(map(str, row.get("layers", [])))
    when = row.get("when") or (f"beat {row['beat']:g}" if row.get("beat") is not None else "")
    return [
        ("coming", f" cue {row['name']}"),
        ("", f"  {when}  " if when else "  "),
        ("bar", "#" * filled),
        ("empty", "." * (BAR - filled)),
        ("", f" {ready:4.1f}s ready  "),
        ("code", names),
    ]


def _freezing(row: dict[str, Any]) -> Line:
    filled = int(BAR * row["done"] + 0.5)
    return [
        ("coming", f" {row['doing']} {row['name']}  "),
        ("bar", "#" * filled),
        ("empty", "." * (BAR - filled)),
        ("", f" {row['told']}"),
    ]


def _cut(line: Line, width: int) -> Line:
    """Return a line cut to a width, with a mark at the cut."""
    if sum(len(text) for _, text in line) <= width:
        return line
    cut: Line = []
    room = width - 3
    for style, text in line:
        cut.append((style, text[:room]))
        room -= len(text)
        if room <= 0:
            break
    return [*cut, ("note", "...")]
