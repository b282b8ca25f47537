"""Decisions that were noted before, taken again at their samples: what replay and bounce share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from latentlive.engine.block import RING
from latentlive.engine.part import Part, Source
from latentlive.engine.stage import BEFORE, Stage
from latentlive.engine.voices import Voice
from latentlive.engine.wire import Message
from latentlive.mixer import GRID, grid_floor

SOUNDING = frozenset({"start", "fade", "gate", "level", "master", "tempo", "seed"})
"""Decisions that are taken ahead of their sample."""


class Score:
    """The decisions of a performance, taken in the order in which they were noted.

    Parameters
    ----------
    stage : Stage
    decisions : list of messages
        As a `Stage` notes them, and 'hole' for what was not heard of a voice.
    source : function of a digest
        Finds the textures.
    begin : int [samples]
        What lies before it is taken at once; voices that were over by then are left out.
    """

    def __init__(
        self,
        stage: Stage,
        decisions: list[Message],
        source: Callable[[Any], Source],
        begin: int = 0,
    ) -> None:
        self.stage, self._source = stage, source
        gone = _gone(decisions, begin)
        kept = [d for d in decisions if d.get("voice") not in gone]
        self._ends = [d for d in kept if d["do"] == "end"]
        self._holes = [d for d in kept if d["do"] == "hole"]
        self._panics = [d["at"] for d in kept if d["do"] == "panic" and d["at"] > begin]
        self._decisions = [d for d in kept if d["do"] in SOUNDING]
        # A decision may be noted before one that lies earlier: it is taken with that one.
        dues: list[int] = []
        for decision in reversed(self._decisions):
            at = int(decision["at"])
            dues.append(min(at, dues[-1]) if dues else at)
        self._dues = dues[::-1]
        self._next = self._cast = 0
        self.take(begin + GRID)
        for voice in stage.voices.values():
            if voice.start < begin:
                stage.skip(voice, max(grid_floor(begin) - BEFORE, voice.start))

    @property
    def over(self) -> bool:
        """Whether nothing is left to be decided."""
        return self._next >= len(self._decisions) and not self._ends and not self._panics

    @property
    def panic(self) -> int | None:
        """The sample of the next panic."""
        return self._panics[0] if self._panics else None

    def cast(self, until: int) -> None:
        """Give voices to what starts before a sample, as far as rings are free."""
        while self._cast < len(self._decisions) and self._dues[self._cast] < until:
            decision = self._decisions[self._cast]
            if decision["do"] == "start":
                if self.stage.free_rings < 2:
                    return
                self._voice(decision)
            self._cast += 1

    def _voice(self, decision: Message) -> None:
        part = Part.load(decision["part"], self.stage.tempo.sample_rate, self._source)
        self.stage.cast(
            decision["layer"],
            int(decision["slot"]),
            part,
            int(decision["at"]),
            float(decision["wide"]),
            int(decision["pair"]),
            int(decision["voice"]),
        )

    def take(self, until: int) -> None:
        """Take every decision that is due before a sample."""
        self.cast(until)
        while self._next < min(self._cast, len(self._dues)) and self._dues[self._next] < until:
            self.stage.perform(self._decisions[self._next])
            self._next += 1

    def end(self, position: int) -> None:
        """Free the voices that were freed by a position."""
        while self._ends and int(self._ends[0]["at"]) <= position:
            voice = self.stage.voices.get(int(self._ends.pop(0)["voice"]))
            if voice is not None:
                self.stage.end(voice)

    def panicked(self) -> None:
        """Free every voice that has begun: the panic that was next is here."""
        at = self._panics.pop(0)
        self.stage.clear(before=at)

    def silence_holes(self, voice: Voice) -> None:
        """Take out of a voice's rings what was not heard of it, as far as it is rendered."""
        block = self.stage.block
        for hole in self._holes:
            if hole["voice"] == voice.serial:
                ring = voice.rings[int(hole["side"])]
                held = int(block.ready[ring, 0])
                places = np.arange(max(int(hole["at"]), held), min(int(hole["to"]), voice.rendered))
                block.audio[ring, places % RING] = 0.0


def _gone(decisions: list[Message], begin: int) -> set[int]:
    """Return the voices that were over by a position."""
    alive: set[int] = set()
    gone: set[int] = set()
    for decision in decisions:
        if decision["do"] == "start":
            alive.add(decision["voice"])
        elif decision["at"] <= begin and decision["do"] == "panic":
            gone |= alive
            alive.clear()
        elif decision["at"] <= begin and decision["do"] == "end":
            gone.add(decision["voice"])
    return gone
