"""Cues and plans: find them, let them go, cancel them."""

from __future__ import annotations

from latentlive.engine.desk.model import ChangeSet
from latentlive.engine.schedule.allocation import Allocation
from latentlive.engine.schedule.timeline import Timeline
from latentlive.errors import EngineError
from latentlive.mixer import grid_ceil
from latentlive.protocol.changes import Play
from latentlive.protocol.clip import Source
from latentlive.protocol.when import NOW, After, At, Beat, Cue, When


class Cues:
    """Finds change sets by name and lets them go.

    Parameters
    ----------
    timeline : Timeline
    allocation : Allocation
    """

    def __init__(self, timeline: Timeline, allocation: Allocation) -> None:
        self._timeline, self._allocation = timeline, allocation

    def planned(self) -> list[ChangeSet]:
        """Return the plans and cues, soonest first."""
        waiting = [changes for changes in self._timeline.pending if changes.planned]
        return sorted(waiting, key=lambda one: (one.at is None, one.at, one.number))

    @property
    def names(self) -> list[str]:
        """The names of the cues that wait."""
        pending = self._timeline.pending
        return [one.when.name for one in pending if isinstance(one.when, Cue)]

    @property
    def states(self) -> dict[str, str]:
        """The state of each cue: it waits, or comes once it was told to go."""
        named = [one for one in self._timeline.pending if one.name]
        return {one.name: "waits" if isinstance(one.when, Cue) else "comes" for one in named}

    def find(self, name: str, word: str = "go") -> ChangeSet:
        """Return the cue of a name.

        Raises
        ------
        EngineError
            If no cue of that name waits.
        """
        for changes in self._timeline.pending:
            if changes.when == Cue(name):
                return changes
        known = f"; there are {', '.join(map(repr, self.names))}" if self.names else ""
        raise EngineError(f"{word}: no cue {name!r}{known or '; there are none'}")

    def go(self, name: str, when: When = NOW) -> ChangeSet:
        """Let a cue land at the next quant, or at a sample or a beat.

        Raises
        ------
        EngineError
            If no cue has that name.
        """
        timeline, cue = self._timeline, self.find(name)
        if isinstance(when, Beat) and timeline.is_past(when.beat):
            when = NOW
        cue.when = when
        cue.beat = when.beat if isinstance(when, Beat) else None
        self._allocation.replace_pending(cue)
        if isinstance(when, Beat):
            cue.at = timeline.sample_of(when.beat)
        elif isinstance(when, At):
            cue.at = max(grid_ceil(when.sample), timeline.earliest)
        else:
            cue.at = timeline.next_quant(cue)
        self._allocation.aim(cue)
        self.lead(cue)
        return cue

    def lead(self, cue: ChangeSet) -> None:
        """Schedule the followers of a cue after the moment at which it now lands."""
        tempo = self._timeline.tempo
        for changes in self._timeline.pending:
            when = changes.when
            if isinstance(when, After) and when.name == cue.name and cue.at is not None:
                changes.beat = float(tempo.beats(cue.at)) + when.beats
                changes.at = max(grid_ceil(tempo.sample(changes.beat)), cue.at)
                self._allocation.aim(changes)

    def cancel(self, name: str) -> None:
        """Drop a cue and its followers, or a line of the plan.

        Raises
        ------
        EngineError
            If nothing is planned under that name.
        """
        found = [one for one in self.planned() if name in (one.called, one.name)]
        if not found:
            raise EngineError(f"cancel: nothing is planned under {name!r}")
        for changes in self._timeline.pending:
            when = changes.when
            if isinstance(when, After) and when.name == name and changes not in found:
                found.append(changes)
        for changes in found:
            self._allocation.drop(changes)

    def textures_of(self, name: str) -> list[Source]:
        """Return the textures of a cue.

        Raises
        ------
        EngineError
            If no cue has that name.
        """
        changes = self.find(name, "audition").changes
        return [change.source for change in changes if isinstance(change, Play)]
