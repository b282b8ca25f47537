"""What is typed in one cell crosses to the engine in one message: all of it, or nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from latentlive.client.connection import SILENT, Connection
from latentlive.errors import EngineError, ExpressionError
from latentlive.protocol.wire import Message


class Cells:
    """Collects the changes of a cell, and those of the plans inside it.

    Parameters
    ----------
    engine : Connection
    """

    def __init__(self, engine: Connection) -> None:
        self._engine = engine
        self._changes: list[Message] | None = None
        self._plans: list[Message] = []
        self._acts: list[Message] = []
        self._where: Message = {}
        self.moment: int | None = None
        """The sample at which the cell that is open is to land, if it asked for one."""

    def change(self, message: Message) -> None:
        """Send one change, or keep it for the cell that is open."""
        if self._changes is not None:
            self._changes.append(message)
        else:
            self._engine.request({"op": "cell", "changes": [message]})

    def act(self, word: str, message: Message, patience: float = 2.0 * SILENT) -> None:
        """Ask for what acts at once, or at the moment of the cell that is open if it has one.

        The engine may say nothing for `patience` seconds.

        Raises
        ------
        ExpressionError
            Inside ``at``, ``cue`` and ``after``.
        """
        self.refuse_planned(word)
        if self.moment is None:
            self._engine.request(message, patience)
        else:
            self._acts.append(message)

    def refuse_planned(self, word: str) -> None:
        """Refuse what acts at once where changes wait for their moment.

        Raises
        ------
        ExpressionError
            Inside ``at``, ``cue`` and ``after``.
        """
        if self._where:
            raise ExpressionError(
                f"{word}: it acts at once and cannot be planned; write it outside of at, cue, after"
            )

    @contextlib.contextmanager
    def cell(self, at: int | None, code: str, name: str) -> Iterator[None]:
        """Collect what is changed inside; parameters as in `Engine.cell`."""
        self.refuse_planned("cell")
        outer = self._changes, self._plans, self._acts, self.moment
        self._changes, self._plans, self._acts, self.moment = [], [], [], at
        typed = {"code": code, "name": name}
        try:
            try:
                yield
            finally:
                changes, plans, acts = self._changes, self._plans, self._acts
                self._changes, self._plans, self._acts, self.moment = outer
        except BaseException as error:
            if code.strip():
                with contextlib.suppress(EngineError):
                    failed = {"op": "cell", "changes": [], **typed, "failed": _told(error)}
                    self._engine.request(failed)
            raise
        if changes or plans or acts or code.strip():
            asked = {"changes": changes, "plans": plans, "acts": acts, "at": at}
            self._engine.request({"op": "cell", **asked, **typed})

    @contextlib.contextmanager
    def planned(self, word: str, where: Message) -> Iterator[None]:
        """Collect the changes of a plan; it is sent when the cell around it ends well."""
        if self._where:
            raise ExpressionError(f"{word}: stands alone, not inside another plan")
        outer, self._changes, self._where = self._changes, [], where
        try:
            yield
        finally:
            changes = self._changes
            self._changes, self._where = outer, {}
        plan = {"op": "cell", "changes": changes, **where}
        if not changes:
            return
        if outer is not None:
            self._plans.append(plan)
        else:
            self._engine.request({"op": "cell", "changes": [], "plans": [plan]})

    def go(self, name: str) -> None:
        """Tell a cue to land, with what the cell or the ``at`` around it asks for."""
        if set(self._where) - {"beat"}:
            raise ExpressionError("go: stands alone, or inside at")
        message: Message = {"op": "go", "name": name, **self._where}
        if self._where or self._changes is not None:
            self._plans.append(message)  # the cue may be of the same cell
        else:
            self._engine.request(message)


def _told(error: BaseException) -> str:
    """Return an error as the log keeps it; its own words may fail."""
    try:
        return repr(error)
    except Exception:  # noqa: BLE001 - a performer's class may do anything here
        return type(error).__name__
