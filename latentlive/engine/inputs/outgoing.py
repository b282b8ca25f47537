"""What the engine tells other programs by OSC: curves, and beats, levels and cues for visuals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentlive.curves import Clock, Curve, Time
from latentlive.engine.desk.desk import Desk
from latentlive.engine.shared import POINTS, RING
from latentlive.errors import EngineError
from latentlive.mixer import GRID
from latentlive.protocol.wire import Message

MOST_SENT = 64
"""Curves that are sent at a time."""

LEVELS_A_SECOND = 20
HEARD = 2048
"""Samples over which a level is measured."""

Place = tuple[str, int]
Rows = dict[Place, list[list[Any]]]


@dataclass
class Sent:
    """A curve that is sent to an address.

    Parameters
    ----------
    curve : Curve
    place : (host, port)
    rate : float [a second]
    due : float [seconds]
        When it is sent next.
    """

    curve: Curve
    place: Place
    rate: float
    due: float = -math.inf


class Outgoing:
    """Sends curves, and what visuals need.

    Parameters
    ----------
    desk : Desk

    Attributes
    ----------
    send : function of an input's kind and a message, or None
        The way out; a server gives it.
    """

    send: Callable[[str, Message], object] | None = None

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._curves: dict[str, Sent] = {}
        self._visuals: Place | None = None
        self._beat, self._levels_due = -1, -math.inf
        self._sounding: set[str] = set()
        self._cues: dict[str, str] = {}

    @property
    def active(self) -> bool:
        """Whether anything is sent."""
        return bool(self._curves) or self._visuals is not None

    def follow(self, path: str, curve: Curve | None, place: Place, rate: float) -> None:
        """Send a curve to an address from now on; without one, no more.

        Raises
        ------
        EngineError
            If nothing is sent there, or too much at a time.
        """
        if curve is None:
            if self._curves.pop(path, None) is None:
                raise EngineError(f"send: nothing is sent to {path!r}")
            return
        if len(self._curves) >= MOST_SENT and path not in self._curves:
            raise EngineError(f"send: at most {MOST_SENT} curves are sent at a time")
        self._curves[path] = Sent(curve, place, rate)

    def show(self, place: Place | None) -> None:
        """Send beats, levels and cues to a program from now on, or no more."""
        self._visuals, self._beat, self._cues = place, -1, {}

    def advance(self, now: float, cues: dict[str, str]) -> None:
        """Send what is due.

        Parameters
        ----------
        now : float [seconds]
        cues : mapping
            The state of each cue: 'waits', or 'comes' once it was told to go.
        """
        if not self.active:
            return
        rows: Rows = {}
        for path, sent in self._curves.items():
            if now >= sent.due:
                sent.due = max(sent.due + 1.0 / sent.rate, now)
                rows.setdefault(sent.place, []).append([path, [self._value(sent.curve)]])
        if self._visuals is not None:
            rows.setdefault(self._visuals, []).extend(self._shown(now, cues))
        for (host, port), told in rows.items():
            if told and self.send is not None:
                self.send("osc", {"op": "send", "host": host, "port": port, "rows": told})

    def _value(self, curve: Curve) -> float:
        """Return a curve's value at the transport's present beat."""
        desk = self._desk
        at = np.array([float(desk.position)])
        clock = Clock(at, desk.tempo, desk.tapes, 0)
        time = Time(desk.tempo.beats(at), seed=desk.seed, clock=clock)
        return float(time.value(curve)[0])

    def _shown(self, now: float, cues: dict[str, str]) -> list[list[Any]]:
        """Return the messages for visuals."""
        desk, rows = self._desk, list[list[Any]]()
        beat = math.floor(float(desk.tempo.beats(desk.position)))
        if desk.running and beat != self._beat:
            self._beat = beat
            rows.append(["/latentlive/beat", [beat, float(desk.tempo.bpm_at(desk.position))]])
        for name in cues.keys() | self._cues.keys():
            state = cues.get(name, "over")
            if self._cues.get(name) != state:
                rows.append(["/latentlive/cue", [name, state]])
        self._cues = dict(cues)
        if now >= self._levels_due:
            self._levels_due = now + 1.0 / LEVELS_A_SECOND
            levels = self.levels()
            for name in levels.keys() | self._sounding:
                rows.append(["/latentlive/level", [name, levels.get(name, 0.0)]])
            self._sounding = {name for name, level in levels.items() if level > 0.0}
        return rows

    def levels(self) -> dict[str, float]:
        """Return the root mean square of what each layer and bus sounds like now, with its
        gains."""
        desk, shared, position = self._desk, self._desk.shared, self._desk.position
        places = np.arange(position - HEARD, position) % RING
        point = position // GRID % POINTS
        voices = [one for one in desk.voices.values() if one.rendered >= position]
        power: dict[str, float] = {}
        for one in (*voices, *desk.strips):  # a voice that feeds a strip is silent itself
            if one.sounding and one.start < position:
                for ring in one.rings:
                    gain = float(np.square(shared.gains[:, ring, point]).sum())
                    heard = float(np.mean(np.square(shared.audio[ring, places])))
                    power[one.layer] = power.get(one.layer, 0.0) + heard * gain
        return {name: round(math.sqrt(one), 5) for name, one in power.items()}
