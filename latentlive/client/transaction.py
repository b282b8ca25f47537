"""A cell's changes go to the engine in one message: all of them, or none."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from latentlive.client.connection import SILENT, Connection
from latentlive.client.freezing import Freezing
from latentlive.client.waiting import Line, parted
from latentlive.errors import EngineError, ExpressionError
from latentlive.protocol.changes import Change, SetTempo
from latentlive.protocol.requests import Act, Cell, Go, Panic, Plan, Planned
from latentlive.protocol.when import NOW, After, At, Cue, When


class Transaction:
    """Collects the changes of a cell, and of the plans inside it.

    Parameters
    ----------
    engine : Connection
    freezing : Freezing
        Holds lines that wait for frozen sounds.
    """

    def __init__(self, engine: Connection, freezing: Freezing) -> None:
        self._engine, self._freezing = engine, freezing
        self._changes: list[Change | Line] | None = None
        self._plans: list[Plan] = []
        self._acts: list[Act] = []
        self._when: When = NOW
        self.moment: int | None = None
        """The sample at which the open cell lands, if it names one."""

    def change(self, change: Change) -> None:
        """Send one change, or add it to the open cell."""
        if self._changes is not None:
            self._changes.append(change)
        else:
            self._send(Cell((change,)))

    def wait(self, line: Line) -> None:
        """Hold a line until its sounds are frozen, or add it to the open cell."""
        if self._changes is not None:
            self._changes.append(line)
        else:
            self._freezing.keep([line])

    def _send(self, cell: Cell, lines: Sequence[Line] = ()) -> None:
        """Send a cell and hold its lines; the cell replaces lines that waited before it."""
        with self._freezing.turn:
            self._engine.request(cell)
            if cell.when == NOW:
                self._freezing.waiting.overtaken(cell.changes)
            self._freezing.keep(lines, alone=not cell.changes)

    @property
    def planning(self) -> bool:
        """Whether a plan is open."""
        return self._when != NOW

    @property
    def tempo(self) -> float | None:
        """The tempo set in the open cell so far, if any."""
        found = [one.bpm for one in self._changes or () if isinstance(one, SetTempo)]
        return found[-1] if found else None

    def act(self, act: Act, word: str = "", patience: float = 2.0 * SILENT) -> None:
        """Send an act, or hold it for the moment of the open cell.

        Parameters
        ----------
        act : Act
        word : str
            As typed; by default the act's own word.
        patience : float [seconds]
            Longest silence of the engine.

        Raises
        ------
        ExpressionError
            Inside ``at``, ``cue`` and ``after``.
        """
        self.refuse_planned(word or act.word)
        if isinstance(act, Panic):
            self._freezing.forget_lines()
        if self.moment is None:
            self._engine.request(act, patience)
        else:
            self._acts.append(act)

    def refuse_planned(self, word: str) -> None:
        """Refuse a word that acts at once inside a plan.

        Raises
        ------
        ExpressionError
            Inside ``at``, ``cue`` and ``after``.
        """
        if self._when != NOW:
            raise ExpressionError(
                f"{word}: it acts at once and cannot be planned; write it outside of at, cue, after"
            )

    @contextlib.contextmanager
    def cell(self, at: int | None, code: str, name: str) -> Iterator[None]:
        """Collect the changes inside; parameters as in `Engine.cell`."""
        self.refuse_planned("cell")
        outer = self._changes, self._plans, self._acts, self.moment
        self._changes, self._plans, self._acts, self.moment = [], [], [], at
        try:
            try:
                yield
            finally:
                changes, plans, acts = self._changes, self._plans, self._acts
                self._changes, self._plans, self._acts, self.moment = outer
        except BaseException as error:
            if code.strip():
                with contextlib.suppress(EngineError):
                    self._engine.request(Cell(code=code, name=name, failed=_told(error)))
            raise
        if changes or plans or acts or code.strip():
            when = NOW if at is None else At(at)
            told, lines = parted(changes)
            self._send(Cell(told, tuple(plans), tuple(acts), when, code, name), lines)

    @contextlib.contextmanager
    def planned(self, word: str, when: When) -> Iterator[None]:
        """Collect the changes of a plan; send it with the cell around it, if that succeeds."""
        if self._when != NOW:
            raise ExpressionError(f"{word}: stands alone, not inside another plan")
        outer = self._changes, self._plans
        self._changes, self._plans, self._when = [], [], when
        try:
            yield
        finally:
            changes, plans = self._changes, self._plans
            (self._changes, self._plans), self._when = outer, NOW
        if changes:
            plans.append(Planned(parted(changes)[0], when))
        if self._changes is not None:
            self._plans += plans
        elif plans:
            self._engine.request(Cell(plans=tuple(plans)))

    def go(self, name: str) -> None:
        """Land a cue, at the moment of the cell or the ``at`` around it."""
        if isinstance(self._when, Cue | After):
            raise ExpressionError("go: stands alone, or inside at")
        going = Go(name, self._when)
        if self._changes is not None:
            self._plans.append(going)  # the same cell may define the cue
        else:
            self._engine.request(going)


def _told(error: BaseException) -> str:
    """Return an error's text for the log; its repr may fail."""
    try:
        return repr(error)
    except Exception:  # noqa: BLE001 - a performer's class may do anything here
        return type(error).__name__
