"""Views at the prompt: the transport's position, plans, layers, status, history."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

from latentlive.client.freezing import Freezing, Progress
from latentlive.errors import ExpressionError, printable
from latentlive.ground.names import normal
from latentlive.loudness import FLOOR
from latentlive.protocol.replies import Welcome
from latentlive.protocol.wire import Message
from latentlive.units import bpm_text, clock_text
from latentlive.worded import Worded

FORGET_TAPS = 3.0
"""Seconds without a tap after which the next one starts a new tempo."""

TAPS = 8

SILENT = 5.0
"""Seconds after which an input counts as silent: a pause in the music is shorter."""

HISTORY, HISTORY_CHARACTERS = 40, 3500
"""Most lines and characters of the log in `history`."""


class Watched(Protocol):
    """The part of an engine that views use."""

    state_at: float

    @property
    def state(self) -> Message: ...
    @property
    def welcome(self) -> Welcome: ...
    @property
    def moment(self) -> int | None: ...
    @property
    def log(self) -> str: ...
    def fresh(self) -> Message: ...
    @property
    def freezing(self) -> Freezing: ...
    def tempo(self, bpm: float, over: float = 0.0) -> None: ...


class Now(Worded):
    """The transport's position at each reading.

    ``now.beat``, ``now.seconds``, ``now.bpm`` and ``now.sample`` are numbers; ``now + 8`` is the
    beat 8 beats from now. In a session's cell with a moment, ``now`` is that moment.

    Example
    -------
    ``with at(now + 8): d1 >> sound("gong")``
    """

    _called = "now"

    def __init__(self, engine: Watched) -> None:
        self._engine = engine

    @property
    def sample(self) -> int:
        """The position in samples, accurate to about one block of the device."""
        if self._engine.moment is not None:
            return self._engine.moment
        state = self._engine.state
        if not state or not state["running"]:
            return int(state["position"]) if state else 0
        since = time.monotonic() - self._engine.state_at
        return int(state["position"] + since * self._rate)

    @property
    def _rate(self) -> int:
        return int(self._engine.welcome.sample_rate)

    @property
    def seconds(self) -> float:
        """The position in seconds."""
        return self.sample / self._rate

    @property
    def beat(self) -> float:
        """The position in beats."""
        state = self._engine.state
        if not state:
            return 0.0
        since = self.sample - int(state["position"])
        return float(state["beat"] + since / self._rate * state["bpm"] / 60.0)

    @property
    def bpm(self) -> float:
        """The tempo in beats a minute."""
        state = self._engine.state
        return float(state["bpm"] if state else self._engine.welcome.bpm)

    def __float__(self) -> float:
        return self.beat

    def __add__(self, beats: float) -> float:
        return self.beat + beats

    __radd__ = __add__

    def __repr__(self) -> str:
        return f"beat {self.beat:.1f}, {clock_text(self.seconds)}, {bpm_text(self.bpm)}"


class Tap(Worded):
    """Sets the tempo from the pace of its calls."""

    _called = "tap"

    def __init__(self, engine: Watched) -> None:
        self._engine = engine
        self._taps: list[float] = []

    def __call__(self) -> None:
        """Tap the beat: the tempo follows from the third tap on."""
        now = time.monotonic()
        if self._taps and now - self._taps[-1] > FORGET_TAPS:
            self._taps.clear()
        self._taps = [*self._taps, now][-TAPS:]
        if len(self._taps) > 2:
            pace = (self._taps[-1] - self._taps[0]) / (len(self._taps) - 1)
            self._engine.tempo(round(60.0 / pace, 1))

    def __repr__(self) -> str:
        return "tap()"


class Table:
    """Rows that print as a table.

    Parameters
    ----------
    heads : sequence of str
    rows : sequence of sequences
    empty : str
        The text shown without rows.
    """

    def __init__(self, heads: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> None:
        self.heads, self.rows, self.empty = heads, rows, empty

    def __repr__(self) -> str:
        if not self.rows:
            return self.empty
        cells = [[str(cell) for cell in row] for row in [self.heads, *self.rows]]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.heads))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sequence[Any]:
        return self.rows[index]


class Shown(Worded):
    """A view of the engine, read again each time it is shown.

    Parameters
    ----------
    engine : Watched
    """

    def __init__(self, engine: Watched) -> None:
        self._engine = engine

    @property
    def table(self) -> Table:
        """The present rows."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return repr(self.table)

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, index: int) -> Sequence[Any]:
        return self.table[index]


class Plan(Shown):
    """The planned changes: name, moment, layers, and seconds already rendered.

    A cue waits for ``go(name)``, the rest for its beat. ``cancel(name)`` drops a line by its name;
    ``plan[0]`` is the first row, as texts.

    Example
    -------
    ``with at(64): hush(8)``, then ``plan``
    """

    _called = "plan"

    @property
    def table(self) -> Table:
        """The present plan."""
        return plan_table(self._engine.fresh())


class Layers(Shown):
    """The sounding layers: state, gain, seconds rendered ahead, and texture.

    A layer is playing, changing (to its next texture), coming, leaving, muted, late (rendering
    does not keep up), failed, or ringing in its effects. Buses are shown too.

    Example
    -------
    ``layers``, ``layers[0]``
    """

    _called = "layers"

    @property
    def table(self) -> Table:
        """The present layers."""
        return layer_table(self._engine.fresh())


class Status(Shown):
    """The engine's state: device, input, transport, rendering, dropouts, what is frozen, log file.

    Rendering is the time to render a second of sound: from 0.80 s on there is little room for
    more layers. Backlog is the sound still to render ahead. Dropouts are samples that the device
    did not get.

    Example
    -------
    ``status``
    """

    _called = "status"

    @property
    def table(self) -> Table:
        """The present state."""
        return status_table(self._engine.fresh(), self._engine.freezing.progress)


def _effects(state: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what effects take, once anything has some."""
    if not state.get("effects"):
        return []
    return [("effects", f"{state['effects_load']:.2f} s for a second of sound")]


def plan_table(state: dict[str, Any]) -> Table:
    """Return the plan: name, moment, layers, seconds ready."""
    rows = [
        (one["name"], one["when"], ", ".join(one["layers"]) or "-", f"{one['ready']:.1f} s")
        for one in state["plan"]
    ]
    return Table(("what", "when", "layers", "ready"), rows, "nothing is planned")


def layer_table(state: dict[str, Any]) -> Table:
    """Return the layers: name, state, gain, seconds ready, texture."""
    rows = [
        (one["name"], one["state"], f"{one['gain']} dB", _ahead(one), _played(one))
        for one in state["layers"]
    ]
    return Table(("layer", "state", "gain", "ready", "texture"), rows, "nothing plays")


def _played(layer: dict[str, Any]) -> str:
    """Return what a layer plays, and through which effects."""
    return " | ".join(text for text in (layer["code"], layer.get("effects", "")) if text)


def _ahead(layer: dict[str, Any]) -> str:
    """Return what is rendered ahead of a layer; of a live one also its lead."""
    lead = layer.get("lead", 0.0)
    return f"{layer['ready']:.1f} s" + (f", lead {lead:.2f} s" if lead else "")


def input_text(state: dict[str, Any]) -> str:
    """Return what the sound input is and hears; empty if no word has asked for one.

    >>> input_text({"input": "desk", "input_levels": [[-12.3, 0.0], [-120.0, 7.2]]})
    'desk, 1: -12 dB, 2: silent since 7 s'
    """
    name = state.get("input")
    if not name:
        why = state.get("input_why")
        return f"none: {why}" if why else ""
    told = [
        f"{channel}: {f'silent since {quiet:.0f} s' if quiet >= SILENT else f'{db:.0f} dB'}"
        for channel, (db, quiet) in enumerate(state.get("input_levels", []), 1)
    ]
    gaps = state.get("input_gaps", 0)
    lost = [f"{gaps} gap{'s' * (gaps != 1)}"] if gaps else []
    return ", ".join([printable(name), *told, *lost])


def status_table(state: dict[str, Any], freezing: Sequence[Progress] = ()) -> Table:
    """Return the engine's condition: device, load, backlog, dropouts, sounds being frozen."""
    rows = [
        ("device", state["device"] or f"none: {state['why']}"),
        *(("input", told) for told in [input_text(state)] if told),
        ("transport", f"beat {state['beat']:.1f}, {bpm_text(state['bpm'])}"),
        ("rendering", f"{state['load']:.2f} s for a second of sound"),
        *_effects(state),
        ("backlog", f"{state['backlog']:.1f} s to be rendered ahead"),
        ("dropouts", f"{state['underflows']} underflows, {state['missing']} samples missing"),
        ("loudness", _loudness(state)),
        *((one.doing, f"{one.name}: {one}") for one in freezing),
        ("log", state["log"]),
    ]
    return Table(("engine", ""), rows, "")


def _loudness(state: dict[str, Any]) -> str:
    """Return how loud the last three seconds and the whole performance are."""
    said = [f"{state[name]:.1f}" if state[name] > FLOOR else "-" for name in ("lufs", "lufs_all")]
    return f"{said[0]} LUFS in the last 3 s, {said[1]} LUFS in all"


class History(Worded):
    """The last code typed in this performance, with its moments: the end of the log.

    Example
    -------
    ``history``
    """

    _called = "history"

    def __init__(self, engine: Watched) -> None:
        self._engine = engine

    def __repr__(self) -> str:
        try:
            with open(self._engine.log, encoding="utf-8", errors="replace") as file:
                rows = [printable(row.rstrip("\n")) for row in file]
        except OSError as error:
            return f"history: cannot read {self._engine.log}: {error.strerror}"
        newest: list[str] = []
        room = HISTORY_CHARACTERS
        for row in reversed(rows[-HISTORY:]):
            room -= len(row) + 1
            if room < 0:
                break
            newest.insert(0, row)
        if len(newest) < len(rows):
            newest.insert(0, f"... {len(rows) - len(newest)} lines before: {self._engine.log}")
        return "\n".join(newest).rstrip() or "nothing was typed yet"


def cue_name(name: Any, word: str) -> str:
    """Return a cue's name; refuse anything but non-empty text."""
    if not isinstance(name, str) or not name.strip():
        raise ExpressionError(f"{word}: a cue's name is a text such as 'drop', got {name!r}")
    return normal(name)
