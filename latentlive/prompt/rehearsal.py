"""Rehearse a session: run its cells one by one at the prompt, reading the file each time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from latentlive.errors import ExpressionError, did_you_mean
from latentlive.ground.names import normal
from latentlive.prompt.session import Cell, cells, find_session, read_session


class Listing:
    """Lines that print unchanged."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def __repr__(self) -> str:
        return "\n".join(self.lines)


class Rehearsal:
    """The loaded session, and its next cell.

    Parameters
    ----------
    run : function of a cell and its file's name
        Runs the cell as if typed; its errors pass through.
    """

    def __init__(self, run: Callable[[Cell, str], object]) -> None:
        self._run = run
        self.path: Path | None = None
        self._last = ""
        self._place = -1

    def load(self, name: str) -> Listing:
        """Load a session: a file, or a shipped one by its name; `cell` runs its cells.

        Example
        -------
        ``load("first_light")``, then ``cell()`` for each next one, or ``cell("bells")``
        """
        self.path = find_session(str(name))
        self._last, self._place = "", -1
        return self._table()

    def names(self) -> list[str]:
        """Return the names of the loaded session's cells."""
        return [] if self.path is None else [cell.name for cell in self._cells()]

    def cell(self, name: str | int | None = None) -> Listing:
        """Run a cell of the loaded session, by its name or the next one; say which is next.

        Reads the file again each time, so you can edit and save a cell in between. Ignores the
        moment in a cell's heading: the cell lands now.

        Example
        -------
        ``cell("bells")``, ``cell()``
        """
        held = self._cells()
        known = [normal(cell.name) for cell in held]
        if name is None:
            # After an edit, the next cell is the one after the last cell's name.
            place = (known.index(self._last) if self._last in known else self._place) + 1
            if place >= len(held):
                raise ExpressionError('cell: that was the last one; begin again with cell("...")')
        elif normal(str(name)) in known:
            place = known.index(normal(str(name)))
        else:
            hint = did_you_mean(str(name), known) or f"; it has {_list(known)}"
            raise ExpressionError(f"cell: no {name!r} in {self.path}{hint}")
        self._place, self._last = place, known[place]
        self._run(held[place], str(self.path))
        after = f"next is {known[place + 1]!r}: cell()" if place + 1 < len(held) else "the last one"
        return Listing([f"{known[place]!r} ran; {after}"])

    def _cells(self) -> list[Cell]:
        if self.path is None:
            raise ExpressionError('cell: load a session first: load("first_light")')
        return [cell for cell in cells(read_session(self.path)) if cell]

    def _table(self) -> Listing:
        held = self._cells()
        lines = [f"{self.path}: {len(held)} cells"]
        wide = max(24, *(len(cell.name) for cell in held))
        for cell in held:
            moment = "" if cell.moment is None else f"{cell.moment:8.2f} s"
            lines.append(f"  {cell.name:<{wide}} {moment:>10}  line {cell.line}")
        return Listing(lines)


def _list(names: list[str]) -> str:
    return ", ".join(map(repr, names)) or "no cells"
