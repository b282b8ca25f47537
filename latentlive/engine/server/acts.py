"""What a cell with a moment asks for besides changes, done when the transport reaches it.

A session's cells run seconds before their moment, so that their textures are ready in time.
``panic()`` or ``record(...)`` in them cannot act then: they wait here for their sample. Those that
revise what has landed by then keep the changes of their cell waiting with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from latentlive.errors import LatentliveError
from latentlive.protocol.requests import Act, Cell, Request
from latentlive.protocol.wire import Message
from latentlive.units import Tempo


@dataclass(frozen=True)
class Waiting:
    """The acts of a cell, and what of it waits for them.

    Parameters
    ----------
    at : int [samples]
    name : str
        Of the cell.
    acts : sequence of acts
    cell : Cell or None
        Changes and plans to be taken when the acts are done.
    """

    at: int
    name: str
    acts: Sequence[Act]
    cell: Cell | None

    @property
    def called(self) -> str:
        """What the plan calls it."""
        return self.name or ", ".join(act.word for act in self.acts)


class Acts:
    """Keeps acts until they are due.

    Parameters
    ----------
    do : function of a request
        Does what a client asks for.
    say : function of a line
        Told what could not be done.
    """

    def __init__(self, do: Callable[[Request], object], say: Callable[[str], object]) -> None:
        self._do, self._say = do, say
        self.waiting: list[Waiting] = []
        self.refused = 0
        """How many acts were refused at their moment."""
        self.moment: int | None = None
        """The moment of the act that is being done."""

    def plan(self, at: int, name: str, acts: Sequence[Act], cell: Cell | None) -> None:
        """Keep what a cell asks for until a sample."""
        self.waiting.append(Waiting(at, name, acts, cell))
        self.waiting.sort(key=lambda one: one.at)  # at one sample, in the order in which they came

    def advance(self, position: int) -> None:
        """Do the acts that are due."""
        while self.waiting and self.waiting[0].at <= position:
            due = self.waiting.pop(0)
            self.moment = due.at
            try:
                for request in (*due.acts, *([due.cell] if due.cell else [])):
                    self._do(request)
            except LatentliveError as error:
                self.refused += 1
                self._say(f"{due.name}: {error}" if due.name else str(error))
            finally:
                self.moment = None

    @property
    def barrier(self) -> int | None:
        """The sample of the next act that revises what has landed."""
        return next((one.at for one in self.waiting if one.cell), None)

    def cancel(self, name: str) -> bool:
        """Drop the acts of a name in the plan; return whether there were any."""
        left = [one for one in self.waiting if one.called != name]
        found, self.waiting = len(left) < len(self.waiting), left
        return found

    def clear(self) -> None:
        """Drop all of it."""
        self.waiting = []

    def table(self, tempo: Tempo) -> list[Message]:
        """Return the waiting acts as lines of the plan."""
        rows = []
        for one in self.waiting:
            beat = float(tempo.beats(one.at))
            row = {"name": one.called, "when": f"beat {beat:.2f}", "beat": beat, "sample": one.at}
            rows.append({**row, "ready": 0.0, "layers": []})
        return rows
