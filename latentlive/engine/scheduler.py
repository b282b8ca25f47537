"""The scheduler: which texture renders next, when it lands, how gains move.

Pure bookkeeping over integer positions and the shared block: no clock, no process, no thread, so
that it can be tested sample by sample.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from latentlive.curves import Curve, Num
from latentlive.engine.block import POINTS, POSITION, RUNNING, VOICES, Block
from latentlive.engine.changes import LEVELS, check, curve_of
from latentlive.engine.envelope import MASTER_DB, Fade, Setting
from latentlive.engine.voices import Cell, Layer, Voice
from latentlive.engine.wire import Message
from latentlive.mixer import GRID, grid_ceil, grid_floor
from latentlive.units import Tempo

MARGIN = 6144
"""Samples between the position and the first that may still change: devices ask in bursts, and the
limiter looks 1088 samples ahead."""

GAINS_AHEAD = 16384
LANDING = GAINS_AHEAD
"""Samples before its moment at which a cell is settled; until then it can be replaced."""


class Scheduler:
    """Turns cells of changes into worker jobs and gains.

    Parameters
    ----------
    block : Block
    tempo : Tempo
    seed : int
    ahead : float [seconds]
        How far ahead of the position voices are rendered.
    held : bool
        Whether the transport waits for `held` to become False, textures ready or not.
    say : function of a line
        Told what a performer should know.
    """

    def __init__(
        self,
        block: Block,
        tempo: Tempo,
        seed: int = 0,
        ahead: float = 2.0,
        held: bool = False,
        say: Callable[[str], object] = print,
    ) -> None:
        self.block, self.tempo, self.seed, self.say = block, tempo, seed, say
        self.ahead = grid_floor(round(ahead * tempo.sample_rate))
        self.ready_enough = grid_floor(min(tempo.sample_rate // 4, self.ahead // 2))
        self.layers: dict[str, Layer] = {}
        self.cells: list[Cell] = []
        self.voices: dict[int, Voice] = {}
        self.outbox: list[Message] = []
        self.held = held
        self._serial = 0
        self.master = Setting(gain_db=Num(MASTER_DB), pan=Num(0.0))

    @property
    def position(self) -> int:
        """The next sample that the device will ask for."""
        return int(self.block.header[POSITION])

    @property
    def running(self) -> bool:
        """Whether the transport moves; it waits for the first textures."""
        return bool(self.block.header[RUNNING])

    @property
    def earliest(self) -> int:
        """The first grid position where something may still change."""
        return grid_ceil(self.position + MARGIN) if self.running else 0

    @property
    def silent(self) -> bool:
        """Whether nothing sounds and nothing is to come."""
        return not self.voices and not self.cells

    # Changes, as they come from a client.

    def layer(self, name: str) -> Layer:
        """Return a layer, made on first use; ``d1`` has slot 0, other names follow ``d16``."""
        found = self.layers.get(name)
        if found is None:
            number = name[1:]
            numbered = name[:1] == "d" and number.isdecimal() and 1 <= int(number) <= 16
            named = sum(1 for layer in self.layers.values() if layer.slot >= 16)
            slot = int(number) - 1 if numbered else 16 + named
            found = self.layers[name] = Layer(name, slot)
        return found

    def apply(self, changes: list[Message], at: int | None = None) -> None:
        """Take a cell of changes: all of them, or none if one of them is bad.

        Parameters
        ----------
        changes : list of messages
            As `changes.check` wants them.
        at : int [samples, global], optional
            Where they are to land; the next quant, once all is ready, when left out.
        """
        check(changes, self.layers, VOICES - len(self.voices))
        plays = [c for c in changes if c["op"] in ("play", "restart")]
        quant = max((self.layer(c["layer"]).quant_beats for c in plays), default=0.0)
        for change in changes:
            if change["op"] == "set" and "quant" in change and plays:
                quant = float(change["quant"])
        target = self.earliest if at is None else max(grid_ceil(at), self.earliest)
        cell = Cell(target, at is not None, quant)
        for change in changes:
            self._take(cell, change)
        if cell.voices and at is None:
            cell.at = self._next_quant(cell)
            for voice in cell.voices:
                self._aim(voice, cell.at)
        for voice in cell.voices:
            self._load(voice)
        self.cells.append(cell)
        self.advance()

    def _take(self, cell: Cell, change: Message) -> None:
        op = change["op"]
        if op == "play":
            layer = self.layer(change["layer"])
            self._replace_pending(layer.name, cell)
            cell.voices.append(self._new_voice(layer, change["source"], cell.at))
        elif op == "set":
            layer = self.layer(change["layer"])
            layer.fade_beats = change.get("fade", layer.fade_beats)
            layer.xfade_beats = change.get("xfade", layer.xfade_beats)
            layer.quant_beats = change.get("quant", layer.quant_beats)
            curves: dict[str, Curve] = {w: curve_of(change[w]) for w in LEVELS if w in change}
            if curves:
                cell.settings.append((layer.name, curves))
        elif op == "stop":
            self._replace_pending(change["layer"], cell)
            cell.stops.append((change["layer"], change.get("fade")))
        elif op == "restart":
            layer = self.layer(change["layer"])
            self._replace_pending(layer.name, cell)
            if layer.voice is not None:
                cell.voices.append(self._new_voice(layer, layer.voice.source, cell.at, fresh=True))
        elif op == "mute":
            self.layer(change["layer"]).muted = bool(change["muted"])
            cell.levels = True
        elif op == "only":
            names = set(change["layers"])
            for layer in [self.layer(name) for name in names] + list(self.layers.values()):
                layer.soloed = layer.name in names
            cell.levels = True
        elif op == "rename":
            self._rename(change["layer"], change["name"])
        elif op == "master":
            cell.master = curve_of(change["gain_db"])
        elif op == "hush":
            for name in self.layers:
                self._replace_pending(name, cell)
                cell.stops.append((name, change.get("fade")))

    def _replace_pending(self, name: str, newer: Cell) -> None:
        """Drop what earlier cells hold for a layer: the newer change replaces it.

        What is planned to land before the newer change stays, for it will have sounded by then.
        """
        newer.stops = [stop for stop in newer.stops if stop[0] != name]
        for cell in [*self.cells, newer]:
            if cell is not newer and newer.fixed and cell.at < newer.at:
                continue
            for voice in [v for v in cell.voices if v.layer == name]:
                cell.voices.remove(voice)
                self._free(voice)

    def _rename(self, old: str, new: str) -> None:
        """Give a layer another name; its slot, and so its noise, stays."""
        layer = self.layers.pop(old)
        layer.name = new
        self.layers[new] = layer
        for voice in self.voices.values():
            voice.layer = new if voice.layer == old else voice.layer

    def _new_voice(
        self, layer: Layer, source: dict[str, Any], at: int, fresh: bool = False
    ) -> Voice:
        free = next(i for i in range(VOICES) if i not in self.voices)
        self._serial += 1
        before = None if fresh else self._before(layer, at)
        origin = at if before is None else before.origin
        fade = Fade(at, at, 0.0, 0.0)
        voice = Voice(free, self._serial, layer.name, source, origin, at, fade, fresh=fresh)
        self.voices[voice.index] = voice
        return voice

    def _before(self, layer: Layer, at: int) -> Voice | None:
        """Return the voice whose clock goes on in one that begins at a position."""
        before = layer.voice
        for cell in sorted(self.cells, key=lambda cell: cell.at):
            if cell.at >= at:
                break
            if any(name == layer.name for name, _ in cell.stops):
                before = None
            before = next((v for v in cell.voices if v.layer == layer.name), before)
        return before

    def _aim(self, voice: Voice, at: int) -> None:
        """Let a voice begin at another position; a fresh layer's clock begins there too."""
        if voice.fresh or self._before(self.layer(voice.layer), voice.start) is None:
            followers = [
                v
                for cell in self.cells
                for v in cell.voices
                if v.layer == voice.layer and v is not voice and v.origin == voice.origin
            ]
            voice.origin = at
            for follower in followers:
                follower.origin = at
                self._load(follower)
        voice.start = at

    def _load(self, voice: Voice) -> None:
        voice.loaded = False
        voice.asked = voice.start
        self.block.ready[voice.index] = voice.start
        self.outbox.append(
            {
                "op": "load",
                "voice": voice.index,
                "serial": voice.serial,
                "expr": voice.source["expr"],
                "sounds": voice.source["sounds"],
                "seed": self.seed,
                "slot": self.layer(voice.layer).slot,
                "bpm": self.tempo.bpm,
                "origin": voice.origin,
            }
        )

    def _next_quant(self, cell: Cell) -> int:
        """Return the first quant at which the cell may land."""
        earliest = self.earliest
        if not self.running:
            return 0
        if cell.quant <= 0:
            return grid_ceil(earliest + self.ready_enough)
        step = cell.quant * self.tempo.beat_samples
        return grid_ceil(round(-(-earliest // step) * step))

    # The worker's answers.

    def loaded(self, message: Message) -> None:
        """Note that a voice's texture is bound."""
        voice = self._tenant(message)
        if voice:
            voice.loaded = True
            voice.length = message["length"]

    def failed(self, message: Message) -> None:
        """Drop a voice that cannot be rendered: its layer keeps, or loses, only that."""
        voice = self._tenant(message)
        if voice is None:
            return
        layer = self.layer(voice.layer)
        layer.error = str(message["error"]).splitlines()[0]
        self.say(f"{voice.layer}: {layer.error}")
        for cell in self.cells:
            if voice in cell.voices:
                cell.voices.remove(voice)
        if voice.sounding:
            ready = max(int(self.block.ready[voice.index, 1]), self.earliest + GRID)
            voice.fade = voice.fade.towards(0.0, self.earliest, ready - self.earliest)
            voice.length = ready - voice.origin
            self._rewrite_gains(voice, self.earliest)
            if layer.voice is voice and layer.before is not None:
                source, layer.before = layer.before, None
                self.say(f"{layer.name}: back to {source['code']}")
                self.apply([{"op": "play", "layer": layer.name, "source": source}])
        else:
            self._free(voice)

    def _tenant(self, message: Message) -> Voice | None:
        voice = self.voices.get(message["voice"])
        return voice if voice and voice.serial == message["serial"] else None

    def reload(self) -> None:
        """Bind every voice again, for a new worker; rings keep what is ready."""
        self.outbox.clear()
        for voice in self.voices.values():
            ready = self.block.ready[voice.index].copy()
            self._load(voice)
            self.block.ready[voice.index] = ready
            voice.asked = max(int(ready[1]), voice.start)

    # What happens as time goes on.

    def advance(self) -> None:
        """Land what is ready, end what is over, write gains ahead."""
        for cell in sorted(self.cells, key=lambda cell: cell.at):
            self._try_to_land(cell)
        waiting = any(cell.at == 0 for cell in self.cells)
        if not self.running and not self.held and self.voices and not waiting:
            self.block.header[RUNNING] = 1
        for voice in list(self.voices.values()):
            if voice.sounding:
                self._write_gains(voice)
                if self._over(voice):
                    self._free(voice)

    def _try_to_land(self, cell: Cell) -> None:
        ready = self._cell_ready(cell)
        if cell.at > (self.position + LANDING if self.running else 0):
            return
        in_time = not self.running or cell.at >= self.earliest - GRID
        if ready and in_time:
            self.cells.remove(cell)
            self._land(cell)
        elif not in_time:
            if cell.fixed and cell.voices:
                beat = self.tempo.beats(cell.at)
                self.say(f"not ready at beat {float(beat):.2f}: waits for the next quant")
                cell.fixed = False
            cell.at = self._next_quant(cell) if cell.voices else self.earliest
            for voice in cell.voices:
                origin = voice.origin
                self._aim(voice, cell.at)
                if voice.origin != origin:
                    self._load(voice)

    def _cell_ready(self, cell: Cell) -> bool:
        return all(self._is_ready(v) for v in cell.voices)

    def _is_ready(self, voice: Voice) -> bool:
        since, until = self.block.ready[voice.index]
        return voice.loaded and since <= voice.start and until >= voice.start + self.ready_enough

    def _land(self, cell: Cell) -> None:
        at = cell.at
        for name, curves in cell.settings:
            layer = self.layer(name)
            if layer.voice is None:
                # Nothing sounds that could glide: the layer comes in with its new level.
                layer.setting = layer.setting.changed(at, **curves).settled()
            else:
                layer.setting = layer.setting.changed(at, **curves)
            for voice in self._of(layer):
                self._rewrite_gains(voice, at)
        if cell.levels:
            self._settle_levels(at)
        if cell.master is not None:
            self.master = self.master.changed(at, gain_db=cell.master)
            for voice in self.voices.values():
                self._rewrite_gains(voice, at)
        for voice in cell.voices:
            layer = self.layer(voice.layer)
            layer.error = ""
            old = layer.voice
            beats = layer.fade_beats if old is None else layer.xfade_beats
            length = self.tempo.samples(beats)
            voice.fade = Fade(at, at + max(length, GRID), 0.0, 1.0)
            if old is not None:
                layer.before = old.source
                self._leave(layer, old, at, length)
            layer.voice = voice
            voice.sounding = True
            voice.gains_until = grid_floor(at)
            self.block.active[voice.index] = 1
            self._write_gains(voice)
        for name, fade in cell.stops:
            layer = self.layer(name)
            if layer.voice is not None:
                beats = layer.fade_beats if fade is None else fade
                self._leave(layer, layer.voice, at, self.tempo.samples(beats))
                layer.voice = None

    def _settle_levels(self, at: int) -> None:
        """Let mutes and solos take effect; muted layers keep their time."""
        alone = any(layer.soloed for layer in self.layers.values())
        for layer in self.layers.values():
            audible = Num(float(not layer.muted and (layer.soloed or not alone)))
            if audible != layer.setting.audible:
                layer.setting = layer.setting.changed(at, audible=audible)
                for voice in self._of(layer):
                    self._rewrite_gains(voice, at)

    def panic(self) -> None:
        """Drop everything at once."""
        self.cells.clear()
        for voice in list(self.voices.values()):
            self._free(voice)

    def _leave(self, layer: Layer, voice: Voice, at: int, length: int) -> None:
        voice.fade = voice.fade.towards(0.0, at, max(length, GRID))
        layer.leaving.append(voice)
        self._rewrite_gains(voice, at)

    def _of(self, layer: Layer) -> list[Voice]:
        return [*([layer.voice] if layer.voice else []), *layer.leaving]

    def _over(self, voice: Voice) -> bool:
        faded = voice.fade.high == 0.0 and self.position > voice.fade.stop + GRID
        ended = voice.end is not None and self.position > voice.end + GRID
        return faded or ended

    def _free(self, voice: Voice) -> None:
        self.block.active[voice.index] = 0
        self.block.gains[:, voice.index] = 0.0
        layer = self.layer(voice.layer)
        if layer.voice is voice:
            layer.voice = None
        if voice in layer.leaving:
            layer.leaving.remove(voice)
        self.voices.pop(voice.index, None)

    def _rewrite_gains(self, voice: Voice, since: int) -> None:
        if voice.sounding:
            voice.gains_until = min(voice.gains_until, grid_floor(since))
            self._write_gains(voice)

    def _write_gains(self, voice: Voice) -> None:
        until = grid_ceil(max(self.position, 0) + GAINS_AHEAD)
        if voice.gains_until >= until:
            return
        first = max(voice.gains_until, voice.start)
        samples = np.arange(first, until, GRID, dtype=np.int64)
        if not len(samples):
            return
        layer = self.layer(voice.layer)
        gains = layer.setting.gains(samples, voice.origin, self.tempo, self.seed)
        master = self.master.gains(samples, 0, self.tempo, self.seed)[0]
        gains *= voice.fade.gain(samples) * master
        self.block.gains[:, voice.index, samples // GRID % POINTS] = gains
        voice.gains_until = until
