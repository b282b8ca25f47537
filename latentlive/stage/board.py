"""The state of the page: what the engine and its log tell, as plain data."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Protocol

from latentlive.corpus.index import Mapped
from latentlive.curves import Knob
from latentlive.errors import printable
from latentlive.protocol.preview import is_preview
from latentlive.protocol.replies import Welcome
from latentlive.protocol.wire import Message
from latentlive.space import Facts
from latentlive.stage.diary import Diary
from latentlive.stage.differing import State
from latentlive.stage.trails import Trails

LINES = 4
"""Lines of the engine that are shown, the newest."""

LONGEST = 300
"""Characters of a line."""

BANDS = 64
"""Bands of the spectrum, at most."""

KNOBS = 24
"""Knobs and pads that are shown."""


class Read(Protocol):
    """The part of a connected engine that the board reads."""

    @property
    def state(self) -> Message: ...
    @property
    def welcome(self) -> Welcome: ...
    @property
    def ended(self) -> bool: ...
    @property
    def hangs(self) -> bool: ...
    @property
    def why(self) -> str: ...


class Board:
    """Makes the state of the page.

    Parameters
    ----------
    engine : Read
    """

    def __init__(self, engine: Read) -> None:
        self._engine = engine
        self._diary: Diary | None = None
        self._trails: Trails | None = None
        self._lines: deque[tuple[int, str]] = deque(maxlen=LINES)
        self._count = 0
        self._lock = threading.Lock()
        self.show: dict[str, Any] = {}
        """What the performer chose to show."""
        self.knobs: frozenset[str] = frozenset()
        """The names of the knobs that there are."""
        self.chart = ""
        """Identifies the map, for pages that have another one."""

    def say(self, line: str) -> None:
        """Take a line of the engine; from any thread."""
        with self._lock:
            self._count += 1
            self._lines.append((self._count, printable(line)[:LONGEST]))

    def place(self, mapped: Mapped | None, digest: str) -> None:
        """Take the map, once it is there."""
        if mapped is not None:
            welcome = self._engine.welcome
            self._trails = Trails(Facts.load(welcome.space), welcome.sample_rate, mapped)
        self.chart = digest

    def state(self) -> State:
        """Return the state now; it holds no None."""
        engine, told = self._engine, self._engine.state
        welcome = engine.welcome
        made: State = {
            "rate": welcome.sample_rate,
            "space": printable(str(welcome.space.get("name", welcome.model))),
            "chart": self.chart,
            "show": self.show,
            "ended": printable(engine.why) if engine.ended else "",
            "hangs": engine.hangs,
            "lines": self._said(),
        }
        if not told:
            return made
        if self._diary is None:
            replayed = str(told.get("replays") or "")
            self._diary = Diary(welcome.log, welcome.sample_rate, replayed)
        self._diary.look()
        position = int(told["position"])
        if self._trails is not None:
            self._trails.look(self._diary, position)
            made["ways"] = self._trails.data
        return {
            **made,
            "clock": {
                "position": position,
                "running": bool(told["running"]),
                "beat": round(float(told["beat"]), 3),
                "bpm": round(float(told["bpm"]), 2),
                "latency": float(told.get("latency") or 0.0),
            },
            "engine": {
                "ready": bool(told["ready"]),
                "device": printable(str(told["device"] or "")),
                "load": round(float(told["load"]), 2),
                "dropouts": int(told["underflows"]) + (int(told["missing"]) > 0),
                "meter": round(max(float(told["meter_db"]), -120.0), 1),
                "bands": [int(level) for level in told.get("bands", [])[:BANDS]],
                "lufs": round(float(told["lufs"]), 1),
                "master": printable(str(told["master"])),
                "replaying": bool(told["replaying"]),
                "recording": bool(told["recording"]),
            },
            "layers": {
                str(one["name"]): _layer(one, number)
                for number, one in enumerate(told["layers"])
                if not is_preview(str(one["name"]))
            },
            "plan": [_planned(row) for row in told["plan"][:20]],
            "cells": self._cells(self._diary, position),
            "knobs": self._knobs(told),
        }

    def _said(self) -> dict[str, str]:
        with self._lock:
            return {str(number): line for number, line in self._lines}

    def _cells(self, diary: Diary, position: int) -> dict[str, State]:
        """Return the cells around the present, by their numbers."""
        cells = list(diary.cells)
        landed = [n for n, cell in enumerate(cells) if cell.sample <= position]
        last = (landed[-1] if landed else 0) + 1
        near = cells[max(last - 30, 0) : last + 6]
        return {
            str(cell.number): {
                "sample": cell.sample,
                "name": cell.name,
                "code": cell.code,
                "error": cell.error,
            }
            for cell in near
        }

    def _knobs(self, told: Message) -> dict[str, float]:
        """Return the knobs that sounding textures follow, or that were turned, with values."""
        assert self._diary is not None
        found: dict[str, float] = {}
        for voice in self._diary.voices.values():
            for node in voice.clip.source.expr.walk():
                if isinstance(node, Knob):
                    found.setdefault(node.name, float(node.start))
        for source, value, _ in reversed(told.get("arrived", [])):
            kind, _, name = str(source).partition(":")
            if kind == "knob":
                found[name] = float(value)
        self.knobs = frozenset(found)
        return dict(sorted(found.items())[:KNOBS])


def _layer(one: Message, number: int) -> State:
    told: State = {
        "number": number,
        "state": str(one["state"]),
        "gain": printable(str(one["gain"]))[:60],
        "ready": round(float(one["ready"]), 1),
        "lead": round(float(one.get("lead") or 0.0), 2),
        "code": str(one["code"])[:1000],
        "error": str(one["error"])[:LONGEST],
        "muted": bool(one.get("muted")),
        "late": bool(one.get("late")),
    }
    if (level := one.get("level")) is not None:
        told["level"] = round(float(level), 1)
    if effects := one.get("effects"):
        told["effects"] = printable(str(effects))[:LONGEST]
    return told


def _planned(row: Message) -> State:
    told: State = {
        "name": printable(str(row["name"]))[:100],
        "when": printable(str(row["when"])),
        "ready": round(float(row["ready"] or 0.0), 1),
        "layers": [printable(str(name)) for name in row["layers"][:16]],
    }
    for key in ("beat", "sample"):
        if row.get(key) is not None:
            told[key] = row[key]
    return told
