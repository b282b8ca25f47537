"""The scheduler: when a cell's changes land, and what becomes of the layers.

Pure bookkeeping over integer positions and the shared block: no clock, no process, no thread, so
that it can be tested sample by sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from latentlive.curves import Num
from latentlive.engine.block import RUNNING, VOICES, Block
from latentlive.engine.changes import LEVELS, check, curve_of, fold, named
from latentlive.engine.late import Lateness, needless
from latentlive.engine.part import Part, Source, Turning
from latentlive.engine.stage import Stage
from latentlive.engine.undo import Undo
from latentlive.engine.voices import Cell, Layer, State, Voice
from latentlive.engine.wire import Message
from latentlive.errors import EngineError, did_you_mean
from latentlive.expr import load
from latentlive.latent import join_of
from latentlive.mixer import GRID, grid_ceil, grid_floor
from latentlive.units import Tempo

MARGIN = 6144
"""Samples between the position and the first that may still change: devices ask in bursts, and the
limiter looks 1088 samples ahead."""

LANDING = 16384
"""Samples before its moment at which a cell is settled; until then it can be replaced."""

TEXTURES = ("play", "restart", "restore")
"""Changes that bring a texture."""

SHORTEST_AHEAD, LONGEST_AHEAD = 0.5, 2.5
"""Below, voices would be late all the time; beyond, a ring would not hold what was rendered."""

HORIZON_SECONDS = 20.0
"""How long before its moment a planned cell is given voices."""


@dataclass(frozen=True)
class Role:
    """What a layer is to play when a cell lands."""

    layer: Layer
    part: Part
    wide: float
    pair: int
    fresh: bool


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
        Whether the transport waits for `held` to become False, textures ready or not.
    say : function of a line
        Told what a performer should know.
    note : function of a message
        Told every decision.

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
    ) -> None:
        if not SHORTEST_AHEAD <= ahead <= LONGEST_AHEAD:
            raise EngineError(
                f"ahead: must lie in {SHORTEST_AHEAD} to {LONGEST_AHEAD} seconds, got {ahead:g}"
            )
        self.block, self.say, self.held = block, say, held
        self.stage = Stage(block, tempo, seed, note)
        self.ahead = grid_floor(round(ahead * tempo.sample_rate))
        self.ready_enough = grid_floor(min(tempo.sample_rate // 4, self.ahead // 2))
        self.layers: dict[str, Layer] = {}
        self.cells: list[Cell] = []
        self.undo = Undo(self)
        self.lateness = Lateness(self)
        self._numbers = 0

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
            self.check([{"changes": changes}])
        self._numbers += 1
        cell = Cell(changes, at, beat, fixed=planned, name=cue, number=self._numbers)
        cell.undoable, cell.quant = undoable, self._quant(changes)
        if beat is not None:
            cell.at = self.tempo.sample(beat)
        if follows is not None:
            cell.follows = (self._cue(follows[0], "after").name, float(follows[1]))
        elif cue:
            for other in [c for c in self.cells if c.name == cue and c.at is None]:
                self.drop(other)
        else:
            self._replace_pending(cell)
            soon = cell.at is None
            cell.at = self.earliest if cell.at is None else max(grid_ceil(cell.at), self.earliest)
            if soon and self._roles(cell):
                cell.at = self._next_quant(cell)
        if undoable:
            self.undo.forget_undone()
        self.cells.append(cell)
        if self._near(cell):
            self._cast(cell)
        self.advance()
        return cell

    def check(self, plans: list[Message]) -> None:
        """Refuse plans that could not be taken.

        Raises
        ------
        LatentliveError
            With the first thing wrong.
        """
        cues = {cell.name for cell in self.cells if cell.name and cell.at is None}
        for plan in plans:
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

    def go(self, name: str, at: int | None = None, beat: float | None = None) -> Cell:
        """Let a cue land at the next quant, or at a moment.

        Raises
        ------
        EngineError
            If no cue has that name.
        """
        cell = self._cue(name)
        cell.fixed = at is not None or beat is not None
        cell.beat = beat
        if beat is not None:
            at = self.tempo.sample(beat)
        self._replace_pending(cell)
        cell.at = self._next_quant(cell) if at is None else max(grid_ceil(at), self.earliest)
        self.undo.forget_undone()
        self._aim(cell)
        self._lead(cell)
        self.advance()
        return cell

    def _lead(self, cue: Cell) -> None:
        """Let what follows a cue land after the moment that it has now."""
        for cell in self.cells:
            if cell.follows and cell.follows[0] == cue.name and cue.at is not None:
                cell.beat = float(self.tempo.beats(cue.at)) + cell.follows[1]
                cell.at = max(grid_ceil(self.tempo.sample(cell.beat)), cue.at)
                self._aim(cell)

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
        led = [c for c in self.cells if c.follows and c.follows[0] == name and c not in found]
        for cell in found + led:
            self.drop(cell)

    def textures_of(self, name: str | None) -> list[Source]:
        """Return what a cue would play; nothing without a name.

        Raises
        ------
        EngineError
            If no cue has that name.
        """
        if name is None:
            return []
        changes = self._cue(name, "audition").changes
        return [change["source"] for change in changes if change["op"] == "play"]

    def planned(self) -> list[Cell]:
        """Return the cells that wait for a moment or for their ``go``, those first that come."""
        waiting = [cell for cell in self.cells if cell.fixed]
        return sorted(waiting, key=lambda cell: (cell.at is None, cell.at, cell.number))

    def _cue(self, name: str, word: str = "go") -> Cell:
        for cell in self.cells:
            if cell.name == name and cell.at is None:
                return cell
        cues = [repr(cell.name) for cell in self.cells if cell.name and cell.at is None]
        known = f"; there are {', '.join(cues)}" if cues else "; there are none"
        raise EngineError(f"{word}: no cue {name!r}{known}")

    def panic(self) -> None:
        """Drop everything but cues, at once."""
        self.cells = [cell for cell in self.cells if cell.at is None]
        self.stage.clear()
        for layer in self.layers.values():
            layer.voice, layer.leaving, layer.good = None, [], None
            layer.state = replace(layer.state, source=None, origin=None)
            self._tell(layer, self.position)
        for cell in self.cells:
            cell.voices, cell.cast = [], False

    def _replace_pending(self, newer: Cell) -> None:
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
        self._refresh()

    # What a cell will play.

    def _near(self, cell: Cell) -> bool:
        if cell.at is None:
            return True
        return cell.at - self.position < HORIZON_SECONDS * self.tempo.sample_rate

    def _sorted(self) -> list[Cell]:
        """Return the cells that land by themselves, in the order in which they do."""
        coming = [cell for cell in self.cells if cell.at is not None]
        return sorted(coming, key=lambda cell: (cell.at, cell.number))

    def _earlier(self, cell: Cell) -> list[Cell]:
        """Return the cells that land before one."""
        if cell.at is None:
            return []
        coming = self._sorted()
        if cell in coming:
            return coming[: coming.index(cell)]
        return [other for other in coming if (other.at or 0) <= cell.at]

    def _roles(self, cell: Cell) -> list[Role]:
        """Return what each layer is to play anew when a cell lands."""
        at = cell.at or 0
        tempo = self._tempo_of(cell)
        names = named(cell.changes)
        if any(change["op"] == "tempo" for change in cell.changes):
            names += [n for n, layer in self.layers.items() if layer.voice and n not in names]
        found = (self._role(cell, self.layer(name), at, tempo) for name in names)
        return [role for role in found if role is not None]

    def _tempo_of(self, cell: Cell) -> Tempo:
        """Return the tempo as it will be when a cell has landed."""
        tempo = (
            self.tempo
            if cell.at is not None
            else Tempo(self.tempo.bpm_at(self.position), self.tempo.sample_rate)
        )
        for change in cell.changes:
            if change["op"] == "tempo" and cell.at is not None:
                tempo = tempo.changed(cell.at, float(change["bpm"]), float(change.get("over", 0)))
        return tempo

    def _role(self, cell: Cell, layer: Layer, at: int, tempo: Tempo) -> Role | None:
        expected, before = layer.state, layer.voice
        for earlier in self._earlier(cell):
            expected = fold(expected, layer.name, earlier.changes)
            if expected.source is None:
                before = None
            before = next((v for v in earlier.voices if v.layer == layer.name), before)
        if cell.at is None:
            before = None
        mine = [c for c in cell.changes if c.get("layer") == layer.name]
        state = fold(expected, layer.name, cell.changes)
        ops = {change["op"] for change in mine}
        if state.source is None:
            return None
        anew = bool(ops & {"play", "restart"}) or (
            "restore" in ops and (before is None or state.source != before.part.source)
        )
        moved = before is not None and (state.wide, state.pair) != (before.wide, before.pair)
        retimed = any(change["op"] == "tempo" for change in cell.changes)
        if not anew:
            if before is None or not (moved or retimed):
                return None
            return Role(layer, before.part.timed(tempo, at), state.wide, state.pair, False)
        fresh = "restart" in ops or bool(cell.name) or cell.follows is not None
        if "restore" in ops and state.origin is not None:
            origin = state.origin
        else:
            origin = at if fresh or before is None else before.part.origin
        part = Part(state.source, origin, tempo.since(origin))
        if state.morph and before is not None and alike(before.part, part):
            over = tempo.span(at, state.xfade)
            part = replace(part, turning=Turning(before.part.timed(tempo, at), at, over))
        return Role(layer, part, state.wide, state.pair, fresh)

    def _cast(self, cell: Cell) -> None:
        """Give a cell its voices, as far as rings are free."""
        for role in self._roles(cell):
            try:
                voice = self.stage.cast(
                    role.layer.name, role.layer.slot, role.part, cell.at or 0, role.wide, role.pair
                )
            except EngineError:
                for made in cell.voices:
                    self.stage.end(made)
                cell.voices = []
                return
            voice.fresh = role.fresh
            cell.voices.append(voice)
        cell.cast = True

    def _aim(self, cell: Cell) -> None:
        """Let a cell's voices play what they are to play at the moment that it has now."""
        roles = {role.layer.name: role for role in self._roles(cell)}
        fit = {voice.layer: bool(voice.wide) for voice in cell.voices}
        if not cell.cast or fit != {name: bool(role.wide) for name, role in roles.items()}:
            for voice in cell.voices:
                self.stage.end(voice)
            cell.voices, cell.cast = [], False
            if self._near(cell):
                self._cast(cell)
            return
        for voice in cell.voices:
            role = roles[voice.layer]
            voice.wide, voice.pair = role.wide, role.pair
            self.stage.recast(voice, role.part, cell.at or 0)

    def _refresh(self) -> None:
        """Aim all cells again, after something that they follow has changed."""
        for cell in self._sorted():
            if cell.cast:
                self._aim(cell)

    def _next_quant(self, cell: Cell) -> int:
        """Return the first quant at which the cell may land."""
        earliest = self.earliest
        if not self.running:
            return self.position
        if cell.quant <= 0:
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
        voice.length = self.earliest + over - voice.part.origin
        if layer.voice is voice:
            layer.voice, good = None, layer.good
            layer.leaving.append(voice)
            state, layer.good = layer.state, None
            layer.state = replace(state, source=None, origin=None)
            self._tell(layer, self.position)
            if good is not None and good.source is not None:
                self.say(f"{layer.name}: back to {good.source['code']}")
                back = replace(state, source=good.source, origin=good.origin)
                restore = {"op": "restore", "layer": layer.name, "state": back}
                self.apply([restore], undoable=False)

    # What happens as time goes on.

    def advance(self) -> None:
        """Land what is ready, end what is over, write gains ahead."""
        for cell in self._sorted():
            if cell not in self.cells:
                continue  # what landed before it dropped it
            if not cell.cast and self._near(cell):
                self._cast(cell)
            self._try_to_land(cell)
        if not self.running and not self.held and self._may_start():
            self.block.header[RUNNING] = 1
        for voice in list(self.voices.values()):
            if voice.sounding:
                self.lateness.watch(voice)
                if self._over(voice):
                    self._free(voice)
        self.stage.write()

    def _may_start(self) -> bool:
        """Return whether all that is to sound first is ready."""
        first = [voice for voice in self.voices.values() if voice.sounding]
        waiting = any(cell.at == self.position for cell in self.cells)
        if not first or waiting:
            return False
        # The more there is to render, the more lead it needs; nothing waits for it yet.
        load = sum(voice.load for voice in first)
        lead = min(self.ready_enough * (2.0 + 4.0 * load), self.ahead * 0.75)
        return all(self._is_ready(voice, lead) for voice in first)

    def _try_to_land(self, cell: Cell) -> None:
        assert cell.at is not None
        if cell.at > (self.position + LANDING if self.running else self.position):
            return
        in_time = not self.running or cell.at >= self.earliest - GRID
        if cell.cast and in_time and all(self._is_ready(voice) for voice in cell.voices):
            self.cells.remove(cell)
            self._land(cell, cell.at)
        elif not in_time:
            if cell.fixed and cell.voices:
                beat = float(self.tempo.beats(cell.at))
                called = f"cue {cell.name!r}" if cell.name else "what was planned"
                self.say(f"{called} is not ready at beat {beat:.2f}: it waits for the next quant")
                cell.fixed, cell.beat = False, None
                cell.quant = cell.quant or 1.0
            cell.at = self._next_quant(cell) if cell.voices else self.earliest
            self._aim(cell)
            self._lead(cell)
            self._refresh()

    def _is_ready(self, voice: Voice, lead: float | None = None) -> bool:
        """Return whether so much of a voice is rendered, or all that there is of it."""
        enough = self.ready_enough if lead is None else lead
        return voice.rendered >= voice.start + enough or needless(voice)

    def _land(self, cell: Cell, at: int) -> None:
        if cell.undoable:
            self.undo.remember()
        retimed = [change for change in cell.changes if change["op"] == "tempo"]
        if retimed:
            self.stage.set_tempo(at, self._tempo_of(cell))
        stops: dict[str, float | None] = {}
        restyled: dict[str, set[str]] = {}
        for change in cell.changes:
            op = change["op"]
            if op == "rename":
                self._rename(change["layer"], change["name"])
            elif op == "master":
                self.stage.set_master(at, curve_of(change["gain_db"]))
            whom = named([change]) if op not in ("hush", "only") else list(self.layers)
            for name in [n for n in whom if op != "rename"]:
                layer = self.layer(name)
                if op in TEXTURES:
                    layer.good = layer.state if layer.voice else layer.good
                before = layer.state
                layer.state = fold(before, name, [change])
                if op in ("stop", "hush"):
                    stops[name] = change.get("fade")
                changed = {w for w in LEVELS if getattr(before, w) != getattr(layer.state, w)}
                restyled.setdefault(name, set()).update(changed)
        for name, words in restyled.items():
            if words:
                layer = self.layer(name)
                curves = {word: getattr(layer.state, word) for word in LEVELS if word in words}
                self.stage.level(layer.slot, at, layer.voice is not None, curves)
        self._settle_audible(at)
        for voice in cell.voices:
            self._enter(voice, at, hard=bool(retimed) and not cell_plays(cell, voice.layer))
        for name, layer in list(self.layers.items()):
            if layer.state.source is None and layer.voice is not None:
                beats = stops.get(name)
                beats = layer.state.fade if beats is None else beats
                self._leave(layer, layer.voice, at, self.tempo.span(at, beats))
                layer.voice = None
                layer.state = replace(layer.state, origin=None)
        if retimed:
            self._retime()
        for name in restyled:
            self._tell(self.layer(name), at)

    def _tell(self, layer: Layer, at: int) -> None:
        """Note a layer's state, so that a run that crashes can be resumed."""
        self.stage.note(
            {"do": "state", "at": at, "layer": layer.name, "slot": layer.slot, "state": layer.state}
        )

    def _enter(self, voice: Voice, at: int, hard: bool) -> None:
        """Let a voice take over its layer."""
        layer = self.layer(voice.layer)
        layer.error = ""
        old, state = layer.voice, layer.state
        turning = voice.part.turning
        if hard or (turning is not None and turning.at == at and old is not None):
            over = GRID  # both sides are the same sound there
        else:
            over = self.tempo.span(at, state.fade if old is None else state.xfade)
            if old is not None and state.morph:
                self.say(f"{layer.name}: morph needs one space and one join; it crossfades")
        self.stage.start(voice, at, over)
        if old is not None:
            self._leave(layer, old, at, over)
        layer.voice = voice
        layer.state = replace(state, origin=voice.part.origin)

    def _retime(self) -> None:
        """Let what is planned for a beat, and all that is cast, follow a new tempo."""
        for cell in self._sorted():
            if cell.beat is not None:
                cell.at = max(grid_ceil(self.tempo.sample(cell.beat)), self.earliest)
        for cell in self.cells:
            if cell.cast:
                self._aim(cell)

    def _settle_audible(self, at: int) -> None:
        """Let mutes and solos take effect; muted layers keep their time."""
        alone = any(layer.state.soloed for layer in self.layers.values())
        for layer in self.layers.values():
            state = layer.state
            audible = Num(float(not state.muted and (state.soloed or not alone)))
            setting = self.stage.settings.get(layer.slot)
            if audible != (setting.audible if setting else Num(1.0)):
                self.stage.level(layer.slot, at, layer.voice is not None, {"audible": audible})

    def _rename(self, old: str, new: str) -> None:
        """Give a layer another name; its slot, and so its noise, stays."""
        layer = self.layers.pop(old)
        layer.name = new
        self.layers[new] = layer
        for voice in self.voices.values():
            voice.layer = new if voice.layer == old else voice.layer

    def _leave(self, layer: Layer, voice: Voice, at: int, length: int) -> None:
        self.stage.fade(voice, at, 0.0, length)
        layer.leaving.append(voice)

    def _over(self, voice: Voice) -> bool:
        faded = voice.fade.high == 0.0 and self.position > voice.fade.stop + GRID
        ended = voice.end is not None and self.position > voice.end + GRID
        return faded or ended

    def _free(self, voice: Voice) -> None:
        layer = self.layer(voice.layer)
        if layer.voice is voice:
            layer.voice = None
            layer.state = replace(layer.state, source=None, origin=None)
            self._tell(layer, self.position)
        if voice in layer.leaving:
            layer.leaving.remove(voice)
        self.stage.end(voice)


def alike(before: Part, after: Part) -> bool:
    """Return whether two parts have one space and one join, so that latents can be mixed."""
    joins = [join_of(load(part.source["expr"])) for part in (before, after)]
    one, other = ((join.overlap, join.exact, join.model) for join in joins)
    return one == other


def cell_plays(cell: Cell, name: str) -> bool:
    """Return whether a cell gives a layer a new texture."""
    return any(c["op"] in TEXTURES and c["layer"] == name for c in cell.changes)
