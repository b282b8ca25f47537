"""What a page may ask for: audition a sound, insert names at the prompt, turn knobs.

Everything a page says is checked here: it may be any page, and any bytes.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Set
from typing import Any

from latentlive.client import Engine
from latentlive.corpus.index import Mapped
from latentlive.errors import EngineError
from latentlive.expr.fields import shown
from latentlive.latent import Sound
from latentlive.protocol.address import addresses
from latentlive.protocol.kinds import NAME
from latentlive.protocol.requests import Turn

MOST_NAMES = 64
"""Sounds that are inserted at a time."""

PATIENCE = 2.0
"""Seconds for a prompt to answer."""

BY = "stage"
"""Who sends the values of knobs, in the log."""

PAD = "pad"
"""The pad that every page has."""


class Pointing:
    """Does what pages ask for.

    Parameters
    ----------
    engine : Engine
    knobs : function
        Returns the names of the knobs that there are.
    """

    def __init__(self, engine: Engine, knobs: Callable[[], Set[str]]) -> None:
        self._engine, self._knobs = engine, knobs
        self.mapped: Mapped | None = None
        self._acts: dict[str, Callable[[dict[str, Any]], str]] = {
            "audition": self._audition,
            "quiet": self._quiet,
            "insert": self._insert,
            "turn": self._turn,
            "pad": self._pad,
        }

    def do(self, message: Any) -> str:
        """Do what a message asks for; return a line about it, or an empty one.

        Raises
        ------
        LatentliveError
            If it cannot be done, or makes no sense.
        """
        word = message.get("do") if isinstance(message, dict) else None
        act = self._acts.get(word) if isinstance(word, str) else None
        if act is None:
            raise EngineError(f"stage: a page cannot ask for {shown(word)}")
        return act(message)

    def _name(self, row: Any) -> str:
        """Return the name of a row of the map."""
        if self.mapped is None:
            raise EngineError("stage: there is no map")
        if type(row) is not int or not 0 <= row < len(self.mapped.names):
            raise EngineError(f"stage: the map has no sound {shown(row)}")
        return self.mapped.names[row]

    def _audition(self, message: dict[str, Any]) -> str:
        self._engine.audition(Sound(self._name(message.get("row"))).loop(1))
        return ""

    def _quiet(self, message: dict[str, Any]) -> str:
        self._engine.audition()
        return ""

    def _insert(self, message: dict[str, Any]) -> str:
        rows = message.get("rows")
        if not isinstance(rows, list) or not 0 < len(rows) <= MOST_NAMES:
            raise EngineError(f"stage: 1 to {MOST_NAMES} sounds are inserted at a time")
        sounds = [repr(Sound(self._name(row))) for row in rows]
        one = len(sounds) == 1 and message.get("list") is not True
        insert(sounds[0] if one else f"[{', '.join(sounds)}]", self._engine.welcome.pid)
        return ""

    def _turn(self, message: dict[str, Any]) -> str:
        name = message.get("name")
        if not isinstance(name, str) or name not in self._knobs():
            raise EngineError(f"stage: there is no knob {shown(name)}")
        self._engine.request(Turn(name, share(message.get("value")), BY))
        return ""

    def _pad(self, message: dict[str, Any]) -> str:
        name = NAME.coerce(message.get("name", PAD), "stage: pad")
        pads = {knob[:-2] for knob in self._knobs() if knob.endswith((".x", ".y"))}
        if name not in pads | {PAD}:
            raise EngineError(f"stage: there is no pad {shown(name)}")
        x, y = share(message.get("x")), share(message.get("y"))
        self._engine.request(Turn(f"{name}.x", x, BY))
        self._engine.request(Turn(f"{name}.y", y, BY))
        return ""


def share(value: Any) -> float:
    """Return a number from 0 to 1; refuse what is none.

    >>> share(0.25), share(7)
    (0.25, 1.0)
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise EngineError(f"stage: a knob turns from 0 to 1, got {shown(value)}")
    return min(max(round(float(value), 5), 0.0), 1.0)


def insert(text: str, engine: int) -> None:
    """Insert text into the line that is edited at a prompt of an engine.

    Raises
    ------
    EngineError
        If no prompt takes it.
    """
    told = "no prompt is open"
    for address in addresses("prompt"):
        with contextlib.suppress(OSError, EngineError):
            wire, connection = address.connect()
            with connection:
                connection.settimeout(PATIENCE)
                wire.send({"id": 1, "op": "insert", "text": text, "engine": engine})
                answer = wire.receive() or {}
            if answer.get("op") == "ack":
                return
            told = str(answer.get("error", told))
    raise EngineError(f"insert: {told}")
