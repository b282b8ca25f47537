"""Undo and redo of what was done to the layers: as fades, at the quant, like any change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from latentlive.curves import Curve
from latentlive.engine.desk.voices import State
from latentlive.engine.schedule.changes import described
from latentlive.errors import EngineError
from latentlive.expr import dump
from latentlive.protocol.wire import Message

if TYPE_CHECKING:
    from latentlive.engine.schedule.scheduler import Scheduler

DEPTH = 100
"""How many cells can be undone."""


@dataclass(frozen=True)
class Snapshot:
    """The layers' states by slot, the master's level, and what was done to them then."""

    states: dict[int, State]
    master: Curve
    done: str


class Undo:
    """What the layers were before each cell.

    Parameters
    ----------
    scheduler : Scheduler
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._done: list[Snapshot] = []
        self._undone: list[Snapshot | list[Message]] = []

    def remember(self, done: str) -> None:
        """Keep the present state: what is described is about to be done."""
        self._done.append(self._now(done))
        del self._done[:-DEPTH]

    def forget_undone(self) -> None:
        """Let nothing be redone: something new was done, or what was planned has landed."""
        self._undone.clear()

    def undo(self) -> None:
        """Take back the last cell: drop it if it has not landed, else restore what was before.

        Raises
        ------
        EngineError
            If there is none.
        """
        scheduler = self._scheduler
        waiting = [c for c in scheduler.cells if c.undoable and not c.fixed and c.at is not None]
        if waiting:
            cell = waiting[-1]
            scheduler.drop(cell)
            self._undone.append(cell.changes)
            scheduler.say(f"undone, before it was heard: {described(cell.changes)}")
        elif self._done:
            before = self._done.pop()
            self._undone.append(self._now(before.done))
            self._restore(before)
            scheduler.say(f"undone: {before.done}")
        else:
            raise EngineError("undo: nothing was done yet")

    def redo(self) -> None:
        """Do again what was undone last.

        Raises
        ------
        EngineError
            If nothing was undone since the last change.
        """
        if not self._undone:
            raise EngineError("redo: nothing was undone")
        undone = self._undone.pop()
        if isinstance(undone, Snapshot):
            self.remember(undone.done)
            self._restore(undone)
            self._scheduler.say(f"redone: {undone.done}")
        else:
            left = self._undone.copy()
            self._scheduler.apply(undone)
            self._undone = left
            self._scheduler.say(f"redone: {described(undone)}")

    def _now(self, done: str) -> Snapshot:
        layers = self._scheduler.layers.values()
        states = {layer.slot: layer.state for layer in layers}
        return Snapshot(states, self._scheduler.stage.master.gain_db, done)

    def _restore(self, snapshot: Snapshot) -> None:
        changes: list[Message] = [
            {
                "op": "restore",
                "layer": layer.name,
                "state": snapshot.states.get(layer.slot, State()),
            }
            for layer in self._scheduler.layers.values()
            if snapshot.states.get(layer.slot, State()) != layer.state
        ]
        if snapshot.master != self._scheduler.stage.master.gain_db:
            changes.append({"op": "master", "gain_db": dump(snapshot.master)})
        if changes:
            self._scheduler.apply(changes, undoable=False)
