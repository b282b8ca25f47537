"""What becomes of the layers when a cell lands: all of it at one sample."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from latentlive.curves import Num
from latentlive.engine.desk.voices import Cell, Layer, Voice
from latentlive.engine.schedule.changes import LEVELS, TEXTURES, described, fold, named
from latentlive.mixer import GRID, grid_ceil

if TYPE_CHECKING:
    from latentlive.engine.schedule.scheduler import Scheduler


class Landing:
    """Turns a cell's changes into decisions of the stage.

    Parameters
    ----------
    scheduler : Scheduler
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def land(self, cell: Cell, at: int) -> None:
        if cell.undoable:
            if cell.fixed:
                self._scheduler.undo.forget_undone()
            self._scheduler.undo.remember(described(cell.changes))
        retimed = [change for change in cell.changes if change["op"] == "tempo"]
        if retimed:
            self._scheduler.stage.set_tempo(at, self._scheduler.casting.tempo_of(cell))
        stops: dict[str, float | None] = {}
        restyled: dict[str, set[str]] = {}
        for change in cell.changes:
            op = change["op"]
            if op == "rename":
                self._rename(change["layer"], change["name"], at)
            elif op == "master":
                self._scheduler.stage.set_master(at, change["gain_db"])
            whom = named([change]) if op not in ("hush", "only") else list(self._scheduler.layers)
            for name in [n for n in whom if op != "rename"]:
                layer = self._scheduler.layer(name)
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
                layer = self._scheduler.layer(name)
                curves = {word: getattr(layer.state, word) for word in LEVELS if word in words}
                self._scheduler.stage.level(layer.slot, at, layer.voice is not None, curves)
        self._settle_audible(at)
        for voice in cell.voices:
            self._enter(voice, at, hard=bool(retimed) and not plays(cell, voice.layer))
        for name, layer in list(self._scheduler.layers.items()):
            if layer.state.source is None and layer.voice is not None:
                beats = stops.get(name)
                beats = layer.state.fade if beats is None else beats
                self._leave(layer, layer.voice, at, self._scheduler.tempo.span(at, beats))
                layer.voice = None
                layer.state = replace(layer.state, origin=None)
        if retimed:
            self._retime()
        for name in restyled:
            self.tell(self._scheduler.layer(name), at)

    def tell(self, layer: Layer, at: int) -> None:
        """Note a layer's state, so that a run that crashes can be resumed."""
        self._scheduler.stage.note(
            {"do": "state", "at": at, "layer": layer.name, "slot": layer.slot, "state": layer.state}
        )

    def _enter(self, voice: Voice, at: int, hard: bool) -> None:
        """Let a voice take over its layer."""
        layer = self._scheduler.layer(voice.layer)
        layer.error = ""
        old, state = layer.voice, layer.state
        turning = voice.part.turning
        if hard or (turning is not None and turning.at == at and old is not None):
            over = GRID  # both sides are the same sound there
        else:
            over = self._scheduler.tempo.span(at, state.fade if old is None else state.xfade)
            if old is not None and state.morph:
                self._scheduler.say(
                    f"{layer.name}: morph needs one space and one join; it crossfades"
                )
        self._scheduler.stage.start(voice, at, over)
        if old is not None:
            self._leave(layer, old, at, over)
        layer.voice = voice
        layer.state = replace(state, origin=voice.part.origin)

    def _retime(self) -> None:
        """Let what is planned for a beat, and all that is cast, follow a new tempo."""
        for cell in self._scheduler.coming():
            if cell.beat is not None:
                cell.at = max(
                    grid_ceil(self._scheduler.tempo.sample(cell.beat)), self._scheduler.earliest
                )
        for cell in self._scheduler.cells:
            if cell.cast:
                self._scheduler.casting.aim(cell)

    def _settle_audible(self, at: int) -> None:
        """Let mutes and solos take effect; muted layers keep their time."""
        alone = any(layer.state.soloed for layer in self._scheduler.layers.values())
        for layer in self._scheduler.layers.values():
            state = layer.state
            audible = Num(float(not state.muted and (state.soloed or not alone)))
            setting = self._scheduler.stage.settings.get(layer.slot)
            if audible != (setting.audible if setting else Num(1.0)):
                self._scheduler.stage.level(
                    layer.slot, at, layer.voice is not None, {"audible": audible}
                )

    def _rename(self, old: str, new: str, at: int) -> None:
        """Give a layer another name; its slot, and so its noise, stays."""
        layer = self._scheduler.layers.pop(old)
        layer.name = new
        self._scheduler.layers[new] = layer
        for voice in self._scheduler.voices.values():
            voice.layer = new if voice.layer == old else voice.layer
        rename = {"do": "rename", "at": at, "layer": old, "name": new}
        self._scheduler.stage.note(rename)

    def _leave(self, layer: Layer, voice: Voice, at: int, length: int) -> None:
        self._scheduler.stage.fade(voice, at, 0.0, length)
        layer.leaving.append(voice)

    def free(self, voice: Voice) -> None:
        layer = self._scheduler.layer(voice.layer)
        if layer.voice is voice:
            layer.voice = None
            layer.state = replace(layer.state, source=None, origin=None)
            self.tell(layer, self._scheduler.position)
        if voice in layer.leaving:
            layer.leaving.remove(voice)
        self._scheduler.stage.end(voice)


def over(voice: Voice, position: int) -> bool:
    """Return whether a voice has been heard to its end."""
    faded = voice.fade.high == 0.0 and position > voice.fade.stop + GRID
    ended = voice.end is not None and position > voice.end + GRID
    return faded or ended


def plays(cell: Cell, name: str) -> bool:
    """Return whether a cell gives a layer a new texture."""
    return any(c["op"] in TEXTURES and c["layer"] == name for c in cell.changes)
