"""The engine's words for cells and plans, for tempo and chance, and for steps taken back."""

from __future__ import annotations

import contextlib

from latentlive.client.textures import Textures
from latentlive.client.views import Now, cue_name
from latentlive.errors import EngineError
from latentlive.latent import Texture
from latentlive.protocol.changes import Change, SetTempo
from latentlive.protocol.kinds import BEATS, BPM, SEED
from latentlive.protocol.requests import Audition, Cancel, Redo, Seed, Undo
from latentlive.protocol.when import After, Beat, Cue


class Planning(Textures):
    """An engine, as changes meet it, each at its moment."""

    @property
    def moment(self) -> int | None:
        """The sample at which the running cell lands, if it names one."""
        return self._cells.moment

    def change(self, change: Change) -> None:
        """Send one change, or add it to the open cell."""
        self._cells.change(change)
        if isinstance(change, SetTempo) and not self._cells.planning:
            self._first_tempo = change.bpm

    def cell(
        self, at: int | None = None, code: str = "", name: str = ""
    ) -> contextlib.AbstractContextManager[None]:
        """Collect changes that land together; none lands if the code fails.

        Parameters
        ----------
        at : int [samples], optional
            The moment; by default the next quant, once every texture is ready.
        code : str
            The typed code, for the log, which keeps it even if it fails.
        name : str
            Of the cell.
        """
        return self._cells.cell(at, code, name)

    def at(self, beat: float) -> contextlib.AbstractContextManager[None]:
        """Land the changes inside at a beat (>= 0) of the transport.

        Python runs now; the changes wait, rendered ahead, and land all together or not at all. A
        change of tempo moves their moment.

        Example
        -------
        ``with at(64): d1 >> sound("gong")``
        """
        beat = BEATS.coerce(float(beat) if isinstance(beat, Now) else beat, "at: beat")
        return self._cells.planned("at", Beat(beat))

    def cue(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Hold the changes inside until ``go(name)``, rendered ahead.

        Its textures start at ``go``. The same name again replaces the cue.

        Example
        -------
        ``with cue("drop"): d1 >> sound("gong")``
        """
        return self._cells.planned("cue", Cue(cue_name(name, "cue")))

    def after(self, name: str, beats: float) -> contextlib.AbstractContextManager[None]:
        """Land the changes inside some beats (>= 0) after a cue has landed.

        Example
        -------
        ``with after("drop", 16): d1.stop(8)``
        """
        beats = BEATS.coerce(beats, "after: beats")
        return self._cells.planned("after", After(cue_name(name, "after"), beats))

    def go(self, name: str) -> None:
        """Land a cue at the next quant; inside ``with at(beat):``, at that beat."""
        self._cells.go(cue_name(name, "go"))

    def cancel(self, name: str) -> None:
        """Drop the cue or planned line of a name, or stop freezing the sound of that name."""
        name = cue_name(name, "cancel")
        self._cells.refuse_planned("cancel")
        dropped = self.freezing.cancel(name)
        if dropped is not None:
            self._say(f"{name} {dropped.be} not {dropped.made} any more")
        else:
            self._cells.act(Cancel(name))

    def ready(self, name: str) -> float:
        """Return how many seconds of a cue or planned line are already rendered.

        Raises
        ------
        EngineError
            If the plan has no such name.
        """
        for one in self.fresh()["plan"]:
            if one["name"] == name:
                return float(one["ready"])
        raise EngineError(f"ready: nothing is planned under {name!r}")

    def audition(self, what: Texture | str | None = None) -> None:
        """Hear a texture, or a cue's textures by its name, quietly on preview layers.

        They sound on the last pair of output channels. Without an argument, stop them.
        """
        if what is None or isinstance(what, str):
            self._cells.act(Audition(what))
        else:
            self._cells.act(Audition(source=self.source(what)))

    def tempo(self, bpm: float, over: float = 0.0) -> None:
        """Set the tempo at the next quant.

        Parameters
        ----------
        bpm : float [beats per minute, 1 to 2000]
        over : float [beats, >= 0]
            Duration of the tempo change.

        Example
        -------
        ``tempo(90, over=16)``
        """
        bpm = BPM.coerce(bpm, "tempo: bpm")
        over = BEATS.coerce(over, "tempo: over")
        self.change(SetTempo(bpm, over))

    def seed(self, n: int) -> None:
        """Draw all chance from seed `n` (0 to 2**63 - 1); only before the transport starts."""
        n = SEED.coerce(n, "seed: n")
        self._cells.act(Seed(n))

    def undo(self) -> None:
        """Undo the last change of the layers, with fades; drop one that has not landed yet.

        Repeats up to a hundred times, and names each undone change. Also drops a line that waits
        for a frozen sound.
        """
        self._cells.refuse_planned("undo")
        if self.moment is not None or not self.freezing.take_back():
            self._cells.act(Undo())

    def redo(self) -> None:
        """Redo the last undone change, and name it."""
        self._cells.act(Redo())
