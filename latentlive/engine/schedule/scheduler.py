"""The scheduler: when a cell's changes land, and what becomes of the layers.

Pure bookkeeping over integer positions and the shared block: no clock, no process, no thread, so
that it can be tested sample by sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from latentlive.engine.desk.desk import Stage
from latentlive.engine.desk.voices import Cell, Layer, State, Voice
from latentlive.engine.schedule.allocation import Casting
from latentlive.engine.schedule.changes import TEXTURES, check, fold, named, taken
from latentlive.engine.schedule.commit import Landing, over
from latentlive.engine.schedule.cues import Cues
from latentlive.engine.schedule.underrun import Lateness, needless
from latentlive.engine.schedule.undo import Undo
from latentlive.engine.shared import RUNNING, VOICES, Block
from latentlive.errors import EngineError, did_you_mean
from latentlive.mixer import GRID, grid_ceil, grid_floor
from latentlive.models import load_model
from latentlive.protocol.schema import PLANS, check_shape
from latentlive.protocol.wire import Message
from latentlive.space import Space
from latentlive.units import MOST_TEMPOS, Tempo

MARGIN = 6144
"""Samples between the position and the first that may still change: devices ask in bursts, and the
limiter looks 1088 samples ahead."""

SLACK = 1024
"""Samples of the margin that may pass between the moment that a cell is given and its landing."""

LANDING = 16384
"""Samples before its moment at which a cell is settled; until then it can be replaced."""

SOON_SECONDS = 3.0
"""Seconds from its start on for which a transport that is told to start waits to be ready."""

MOST_PLANNED = 500
"""Cells that can wait: what each plays follows from those that land before it."""

SHORTEST_AHEAD, LONGEST_AHEAD = 0.5, 2.5
"""Below, voices would be late all the time; beyond, a ring would not hold what was rendered."""


class Scheduler:
    """Turns cells of changes into decisions of the stage.

    Parameters
    ----------
    block : Block
    tempo : Tempo
    seed : int
    ahead : float [seconds, 0.5 to 2.5]
        How far ahead of the position voices are rendered.
    held : bool
        Whether the transport waits for `start`, textures ready or not.
    say : function of a line
        Told what a performer should know.
    note : function of a message
        Told every decision.
    space_of : function of what ``.on`` names, None where nothing does
        Returns that space; morphs go from one texture to another of the same.

    Raises
    ------
    EngineError
        For another `ahead`.
    """

    def __init__(
        self,
        block: Block,
        tempo: Tempo,
        seed: int = 0,
        ahead: float = 2.0,
        held: bool = False,
        say: Callable[[str], object] = print,
        note: Callable[[Message], object] = lambda decision: None,
        space_of: Callable[[str | None], Space] = load_model,
    ) -> None:
        if not SHORTEST_AHEAD <= ahead <= LONGEST_AHEAD:
            raise EngineError(
                f"ahead: must lie in {SHORTEST_AHEAD} to {LONGEST_AHEAD} seconds, got {ahead:g}"
            )
        self.block, self.say, self.held = block, say, held
        self.space_of = space_of
        self.stage = Stage(block, tempo, seed, note)
        self.ahead = grid_floor(round(ahead * tempo.sample_rate))
        self.ready_enough = grid_floor(min(tempo.sample_rate // 4, self.ahead // 2))
        self.layers: dict[str, Layer] = {}
        self.cells: list[Cell] = []
        self.casting, self.landing = Casting(self), Landing(self)
        self.cues, self.undo = Cues(self), Undo(self)
        self.lateness = Lateness(self)
        self.led = False
        """Whether a replay decides: what fails then has failed before."""
        self._numbers = 0
        self._moved = self._asked = False
        self.barrier: int | None = None
        """Where something bears on what has landed by then: what is to land later waits for it."""

    @property
    def tempo(self) -> Tempo:
        """The transport's tempo."""
        return self.stage.tempo

    @property
    def position(self) -> int:
        """The next sample that the device will ask for."""
        return self.stage.position

    @property
    def running(self) -> bool:
        """Whether the transport moves; it waits for the first textures."""
        return self.stage.running

    @property
    def voices(self) -> dict[int, Voice]:
        """All voices, by serial."""
        return self.stage.voices

    @property
    def earliest(self) -> int:
        """The first grid position where something may still change."""
        return grid_ceil(self.position + MARGIN) if self.running else self.position

    @property
    def silent(self) -> bool:
        """Whether nothing sounds and nothing is to come by itself."""
        coming = any(cell.at is not None for cell in self.cells)
        return not coming and not any(voice.sounding for voice in self.voices.values())

    # Changes, as they come from a client.

    def layer(self, name: str) -> Layer:
        """Return a layer, made on first use; ``d1`` has slot 0, other names follow ``d16``."""
        found = self.layers.get(name)
        if found is None:
            number = name[1:]
            numbered = name[:1] == "d" and number.isdecimal() and 1 <= int(number) <= 16
            taken = {layer.slot for layer in self.layers.values()}
            slot = int(number) - 1 if numbered else 16
            while slot in taken:
                slot = max(slot + 1, 16)
            found = self.layers[name] = Layer(name, slot)
        return found

    def apply(
        self,
        changes: list[Message],
        at: int | None = None,
        *,
        beat: float | None = None,
        cue: str = "",
        follows: tuple[str, float] | None = None,
        undoable: bool = True,
    ) -> Cell:
        """Take a cell of changes: all of them, or none if one of them is bad.

        Parameters
        ----------
        changes : list of messages
            As `changes.check` wants them.
        at : int [samples, global], optional
            Where they are to land; the next quant, once all is ready, when left out.
        beat : float, optional
            The same as a beat of the transport.
        cue : str, optional
            Keep them until `go` is told this name.
        follows : (str, float), optional
            Let them land so many beats after the cue of this name has.
        undoable : bool
            Whether a performer did it.

        Returns
        -------
        Cell
        """
        planned = at is not None or beat is not None or bool(cue) or follows is not None
        if undoable:
            room = VOICES if planned else self.stage.free_rings
            check(changes, self.layers, room, self.block.channels)
        if planned:
            self.check([{"op": "cell", "changes": changes}])
        if any(c["op"] == "tempo" for c in changes) and len(self.tempo.changes) >= MOST_TEMPOS - 1:
            raise EngineError(f"tempo: it can change {MOST_TEMPOS} times in one performance")
        if beat is not None and self.is_past(beat):
            beat, planned = None, False
        self._numbers += 1
        cell = Cell(
            [taken(change) for change in changes],
            at,
            beat,
            fixed=planned,
            name=cue,
            number=self._numbers,
        )
        cell.undoable, cell.quant = undoable, self._quant(changes)
        if beat is not None:
            cell.at = self.tempo.sample(beat)
        if follows is not None:
            cell.follows = (self.cues.find(follows[0], "after").name, float(follows[1]))
        elif cue:
            for other in [c for c in self.cells if c.name == cue and c.at is None]:
                self.drop(other)
        else:
            self.replace_pending(cell)
            soon = cell.at is None
            cell.at = self.earliest if cell.at is None else max(grid_ceil(cell.at), self.earliest)
            if soon and self.casting.roles(cell):
                cell.at = self.next_quant(cell)
        if undoable and not cell.fixed:
            self.undo.forget_undone()
        self.cells.append(cell)
        if self.casting.near(cell):
            self.casting.cast(cell)
        if not planned:
            self.advance()
        return cell

    def is_past(self, beat: float) -> bool:
        """Tell whether a beat can no longer be met; say what becomes of what was planned for it."""
        past = self.running and self.tempo.sample(beat) < self.earliest
        if past:
            now = float(self.tempo.beats(self.position))
            self.say(
                f"beat {beat:g} is past, it is beat {now:.1f}: what was planned for it comes now"
            )
        return past

    def check(self, plans: list[Message]) -> None:
        """Refuse plans that could not be taken.

        Raises
        ------
        LatentliveError
            With the first thing wrong.
        """
        if len(self.cells) + len(plans) > MOST_PLANNED:
            raise EngineError(f"engine: at most {MOST_PLANNED} changes and cues can be planned")
        cues = {cell.name for cell in self.cells if cell.name and cell.at is None}
        for plan in plans:
            check_shape(plan, PLANS, "plan")
            changes = plan.get("changes", [])
            check(changes, self.layers, VOICES, self.block.channels)
            if any(change["op"] == "rename" for change in changes):
                raise EngineError("rename: a layer is renamed at once, not in a plan")
            if "cue" in plan:
                cues.add(plan["cue"])
            word, name = ("after", plan["follows"][0]) if plan.get("follows") else ("go", None)
            name = plan.get("name", name)
            if name is not None and name not in cues:
                raise EngineError(f"{word}: no cue {name!r}{did_you_mean(name, cues)}")

    def set_seed(self, seed: int) -> None:
        """Draw all chance from another seed.

        Raises
        ------
        EngineError
            If something sounded already.
        """
        if self.running:
            raise EngineError(
                f"seed: the performance has begun with seed {self.stage.seed}; "
                "give textures a seed of their own, or start with --seed"
            )
        self.stage.set_seed(self.position, seed)

    def _quant(self, changes: list[Message]) -> float:
        """Return the beats whose multiples a cell lands on: the longest of its layers."""
        beats = [0.0]
        for change in changes:
            name = change.get("layer", "")
            if change["op"] in ("play", "restart"):
                known = self.layers.get(name)
                beats.append(fold(known.state if known else State(), name, changes).quant)
            elif change["op"] == "tempo":
                beats.append(1.0)
        return max(beats)

    def panic(self, at: int | None = None, planned: int | None = None) -> None:
        """Drop everything but cues, at once.

        Parameters
        ----------
        at : int [samples], optional
            Where it fell: voices that begin later are left alone.
        planned : int [samples], optional
            The moment that it was planned for: what is planned from there on stays.
        """
        self.cells = [
            cell
            for cell in self.cells
            if cell.at is None or (planned is not None and cell.fixed and cell.at >= planned)
        ]
        self.stage.clear(before=at)
        for layer in self.layers.values():
            layer.voice, layer.leaving, layer.good = None, [], None
            layer.state = replace(layer.state, source=None, origin=None)
            self.landing.tell(layer, self.position)
        for cell in self.cells:
            if not all(voice.serial in self.voices for voice in cell.voices):
                cell.voices, cell.cast = [], False
        self.casting.refresh()

    def fade_out(self, over: int) -> None:
        """Let all that sounds fade out, and drop what is to come; the layers' states stay."""
        for cell in self.coming():
            self.drop(cell)
        for voice in self.voices.values():
            if voice.sounding:
                self.stage.fade(voice, self.earliest, 0.0, over)

    def replace_pending(self, newer: Cell) -> None:
        """Drop what earlier cells hold for a layer: the newer change replaces it.

        What was planned for a moment stays, for it was asked for by its moment.
        """
        names = set(named(c for c in newer.changes if c["op"] in (*TEXTURES, "stop")))
        everything = any(change["op"] == "hush" for change in newer.changes)
        for cell in list(self.cells):
            if cell is newer or cell.fixed or cell.at is None or newer.fixed:
                continue
            replaced = [
                change["layer"]
                for change in cell.changes
                if change["op"] in TEXTURES and (everything or change["layer"] in names)
            ]
            if replaced:
                self._without(cell, replaced)

    def _without(self, cell: Cell, names: list[str]) -> None:
        """Take the textures of some layers out of a cell."""
        for voice in [v for v in cell.voices if v.layer in names]:
            cell.voices.remove(voice)
            self.stage.end(voice)
        cell.changes = [
            c for c in cell.changes if not (c["op"] in TEXTURES and c["layer"] in names)
        ]
        if not cell.changes:
            self.drop(cell)

    def drop(self, cell: Cell) -> None:
        """Forget a cell that has not landed."""
        self.cells.remove(cell)
        for voice in cell.voices:
            self.stage.end(voice)
        self.casting.refresh()

    # What a cell will play.

    def coming(self) -> list[Cell]:
        """Return the cells that land by themselves, in the order in which they do."""
        coming = [cell for cell in self.cells if cell.at is not None]
        return sorted(coming, key=lambda cell: (cell.at, cell.number))

    def next_quant(self, cell: Cell) -> int:
        """Return the first quant at which the cell may land."""
        earliest = self.earliest
        if not self.running:
            return self.position
        if cell.quant * self.tempo.beat_samples <= GRID:
            return grid_ceil(earliest + self.ready_enough)
        beat = math.ceil(float(self.tempo.beats(earliest)) / cell.quant) * cell.quant
        sample = grid_ceil(self.tempo.sample(beat))
        return sample if sample >= earliest else grid_ceil(self.tempo.sample(beat + cell.quant))

    # The workers' answers.

    def failed(self, serial: int, error: str) -> None:
        """Drop a voice that cannot be rendered: its layer keeps, or loses, only that."""
        voice = self.voices.get(serial)
        if voice is None:
            return
        if self.led:
            voice.falter()
            return
        layer = self.layer(voice.layer)
        if layer.voice is voice or not voice.sounding:  # not when it is leaving already
            layer.error = error.splitlines()[0]
            self.say(f"{voice.layer}: {layer.error}")
        for cell in list(self.cells):
            if voice in cell.voices:
                self._without(cell, [voice.layer])
        if not voice.sounding:
            self.stage.end(voice)
            return
        over = max(voice.rendered - self.earliest, GRID)
        self.stage.fade(voice, self.earliest, 0.0, over)
        voice.failed = True
        if layer.voice is voice:
            layer.voice, good = None, layer.good
            layer.leaving.append(voice)
            state, layer.good = layer.state, None
            layer.state = replace(state, source=None, origin=None)
            self.landing.tell(layer, self.position)
            if good is not None and good.source is not None:
                self.say(f"{layer.name}: back to {good.source['code']}")
                back = replace(state, source=good.source, origin=good.origin)
                restore = {"op": "restore", "layer": layer.name, "state": back}
                self.apply([restore], undoable=False)

    # What happens as time goes on.

    def advance(self) -> None:
        """Land what is ready, end what is over, write gains ahead."""
        for step in (self._prepare, self._try_to_land):
            for cell in self.coming():
                if cell not in self.cells:
                    continue  # what landed before it dropped it
                try:
                    step(cell)
                except Exception as error:  # noqa: BLE001 - what cannot land costs itself alone
                    self._spoilt(cell, error)
            if self._moved:
                self._moved = False
                self.casting.refresh()
        if not self.running and not self.held and self._may_start():
            self.block.header[RUNNING] = 1
        for voice in list(self.voices.values()):
            if voice.sounding:
                self.lateness.watch(voice)
                if over(voice, self.position):
                    self.landing.free(voice)
        self.stage.write()

    def _spoilt(self, cell: Cell, error: Exception) -> None:
        """Drop a cell that fails when it is to land, with the voices that do not sound yet."""
        self.say(f"{cell.name or 'a change'} cannot land and is dropped: {error!r}")
        if cell in self.cells:
            self.cells.remove(cell)
        for voice in [voice for voice in cell.voices if not voice.sounding]:
            self.stage.end(voice)

    def start(self) -> None:
        """Let the transport move: once what comes first is ready, at once if there is nothing."""
        self.held, self._asked = False, True

    def _may_start(self) -> bool:
        """Return whether all that is to sound first is ready."""
        first = [voice for voice in self.voices.values() if voice.sounding]
        waiting = any(cell.at == self.position for cell in self.cells)
        if waiting or not (first or self._asked):
            return False
        if self._asked and not all(map(self._is_ready, self._soon())):
            return False
        # The more there is to render, the more lead it needs; nothing waits for it yet.
        load = sum(voice.load for voice in first)
        lead = min(self.ready_enough * (2.0 + 4.0 * load), self.ahead * 0.75)
        return all(self._is_ready(voice, lead) for voice in first)

    def _soon(self) -> list[Voice]:
        """Return the voices of what is planned for the first seconds: those have no time later."""
        until = self.position + round(SOON_SECONDS * self.tempo.sample_rate)
        soon = [cell for cell in self.cells if cell.at is not None and cell.at < until]
        return [voice for cell in soon for voice in cell.voices]

    def _prepare(self, cell: Cell) -> None:
        """Give a cell its voices in time, and another moment if its own has come too close."""
        assert cell.at is not None
        if not cell.cast and self.casting.near(cell):
            self.casting.cast(cell)
        if not self.running or cell.at >= self.earliest - GRID or self._is_barred(cell):
            return
        if cell.fixed and cell.voices:
            beat = float(self.tempo.beats(cell.at))
            called = f"cue {cell.name!r}" if cell.name else "what was planned"
            self.say(f"{called} is not ready at beat {beat:.2f}: it waits for the next quant")
            cell.fixed, cell.beat = False, None
            cell.quant = cell.quant or 1.0
        cell.at = self.next_quant(cell) if cell.voices else self.earliest
        self.casting.aim(cell)
        self.cues.lead(cell)
        self._moved = True

    def _try_to_land(self, cell: Cell) -> None:
        assert cell.at is not None
        last = self.position + LANDING if self.running else self.position
        too_late = self.running and cell.at < self.earliest - SLACK
        if cell.at > last or too_late or self._is_barred(cell) or not cell.cast:
            return
        if all(self._is_ready(voice) for voice in cell.voices):
            self.cells.remove(cell)
            self.landing.land(cell, cell.at)

    def _is_barred(self, cell: Cell) -> bool:
        """Return whether a cell waits for what is to be done before it."""
        return self.barrier is not None and cell.at is not None and cell.at >= self.barrier

    def _is_ready(self, voice: Voice, lead: float | None = None) -> bool:
        """Return whether so much of a voice is rendered, or all that there is of it."""
        enough = self.ready_enough if lead is None else lead
        return voice.rendered >= voice.start + enough or needless(voice)
