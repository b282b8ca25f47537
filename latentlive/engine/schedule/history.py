"""The history of the layers: their states before and after each step."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from latentlive.curves import Curve
from latentlive.engine.schedule.timeline import Timeline
from latentlive.errors import EngineError
from latentlive.protocol.changes import Change, Master, Restore
from latentlive.protocol.clip import Source
from latentlive.protocol.state import State

DEPTH = 100
"""How many steps can be undone."""


@dataclass(frozen=True)
class Snapshot:
    """The layers' states by slot, the master's level, and what was done to them then."""

    states: dict[int, State[Source]]
    master: Curve
    done: str = ""

    @classmethod
    def of(cls, timeline: Timeline, done: str = "") -> Snapshot:
        """Return the present states, and what is done to them now."""
        states = {layer.slot: layer.state for layer in timeline.layers.values()}
        return cls(states, timeline.desk.master.gain_db, done)

    def restored(self, timeline: Timeline) -> list[Change]:
        """Return the changes that bring these states back."""
        changes: list[Change] = [
            Restore(layer.name, self.states.get(layer.slot, State()))
            for layer in timeline.layers.values()
            if self.states.get(layer.slot, State()) != layer.state
        ]
        if self.master != timeline.desk.master.gain_db:
            changes.append(Master(self.master))
        return changes


class History:
    """The steps that can be undone and redone; it changes no layer itself."""

    def __init__(self) -> None:
        self._done: list[Snapshot] = []
        self._undone: list[Snapshot | Sequence[Change]] = []

    def remember(self, before: Snapshot) -> None:
        """Keep the layers' states before a step."""
        self._done.append(before)
        del self._done[:-DEPTH]

    def forget_undone(self) -> None:
        """Forget what could be redone: something new was done, or a plan has landed."""
        self._undone.clear()

    def take_back(self, changes: Sequence[Change]) -> None:
        """Keep changes that were dropped before they landed, so that they can be redone."""
        self._undone.append(changes)

    def undo(self, now: Snapshot) -> Snapshot:
        """Return the layers' states before the last step, which can then be redone.

        Raises
        ------
        EngineError
            If there is none.
        """
        if not self._done:
            raise EngineError("undo: nothing was done yet")
        before = self._done.pop()
        self._undone.append(replace(now, done=before.done))
        return before

    def redo(self, now: Snapshot) -> Snapshot | Sequence[Change]:
        """Return the layers' states after the step that was undone last, or its changes.

        Raises
        ------
        EngineError
            If nothing was undone since the last change.
        """
        if not self._undone:
            raise EngineError("redo: nothing was undone")
        undone = self._undone.pop()
        if isinstance(undone, Snapshot):
            self.remember(replace(now, done=undone.done))
        return undone

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what can be redone while something is done inside."""
        undone = self._undone.copy()
        yield
        self._undone = undone
