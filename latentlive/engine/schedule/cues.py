"""What waits for its ``go`` or its moment, and what follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentlive.engine.desk.voices import Cell
from latentlive.errors import EngineError
from latentlive.mixer import grid_ceil
from latentlive.protocol.clip import Source

if TYPE_CHECKING:
    from latentlive.engine.schedule.scheduler import Scheduler


class Cues:
    """Finds cells by their names, and lets them go.

    Parameters
    ----------
    scheduler : Scheduler
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def planned(self) -> list[Cell]:
        """Return the cells that wait for a moment or for their ``go``, those first that come."""
        waiting = [cell for cell in self._scheduler.cells if cell.fixed]
        return sorted(waiting, key=lambda cell: (cell.at is None, cell.at, cell.number))

    def find(self, name: str, word: str = "go") -> Cell:
        """Return the cue of a name.

        Raises
        ------
        EngineError
            If there is none that has not gone.
        """
        waiting = [cell for cell in self._scheduler.cells if cell.name and cell.at is None]
        for cell in waiting:
            if cell.name == name:
                return cell
        cues = [repr(cell.name) for cell in waiting]
        known = f"; there are {', '.join(cues)}" if cues else "; there are none"
        raise EngineError(f"{word}: no cue {name!r}{known}")

    def go(self, name: str, at: int | None = None, beat: float | None = None) -> Cell:
        """Let a cue land at the next quant, or at a moment.

        Raises
        ------
        EngineError
            If no cue has that name.
        """
        scheduler, cell = self._scheduler, self.find(name)
        if beat is not None and scheduler.is_past(beat):
            beat = None
        cell.fixed = at is not None or beat is not None
        cell.beat = beat
        if beat is not None:
            at = scheduler.tempo.sample(beat)
        scheduler.replace_pending(cell)
        if at is None:
            cell.at = scheduler.next_quant(cell)
        else:
            cell.at = max(grid_ceil(at), scheduler.earliest)
        if not cell.fixed:
            scheduler.undo.forget_undone()
        scheduler.casting.aim(cell)
        self.lead(cell)
        scheduler.advance()
        return cell

    def lead(self, cue: Cell) -> None:
        """Let what follows a cue land after the moment that it has now."""
        scheduler = self._scheduler
        for cell in scheduler.cells:
            if cell.follows and cell.follows[0] == cue.name and cue.at is not None:
                cell.beat = float(scheduler.tempo.beats(cue.at)) + cell.follows[1]
                cell.at = max(grid_ceil(scheduler.tempo.sample(cell.beat)), cue.at)
                scheduler.casting.aim(cell)

    def cancel(self, name: str) -> None:
        """Drop a cue with what follows it, or a line of the plan.

        Raises
        ------
        EngineError
            If nothing is planned under that name.
        """
        found = [cell for cell in self.planned() if name in (cell.called, cell.name)]
        if not found:
            raise EngineError(f"cancel: nothing is planned under {name!r}")
        followers = [c for c in self._scheduler.cells if c.follows and c.follows[0] == name]
        for cell in found + [cell for cell in followers if cell not in found]:
            self._scheduler.drop(cell)

    def textures_of(self, name: str | None) -> list[Source]:
        """Return what a cue would play; nothing without a name.

        Raises
        ------
        EngineError
            If no cue has that name.
        """
        if name is None:
            return []
        changes = self.find(name, "audition").changes
        return [change["source"] for change in changes if change["op"] == "play"]
