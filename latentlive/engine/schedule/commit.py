"""The commit of a change set: all of it takes effect at one sample."""

from __future__ import annotations

import functools

from latentlive.curves import Num
from latentlive.engine.desk.decisions import Renamed, Settled
from latentlive.engine.desk.model import ChangeSet, Layer, Voice
from latentlive.engine.schedule.allocation import Allocation
from latentlive.engine.schedule.patching import Patching
from latentlive.engine.schedule.timeline import Timeline
from latentlive.mixer import GRID
from latentlive.protocol.changes import Change, Hush, Master, OfAll, Rename, SetTempo, Stop
from latentlive.protocol.state import LEVELS


class Commit:
    """Turns change sets into decisions of the desk.

    Parameters
    ----------
    timeline : Timeline
    allocation : Allocation
    """

    def __init__(self, timeline: Timeline, allocation: Allocation) -> None:
        self.timeline, self._allocation = timeline, allocation
        self.patching = Patching(timeline)

    def land(self, changes: ChangeSet, at: int) -> None:
        """Let a change set take effect at a sample."""
        timeline, desk = self.timeline, self.timeline.desk
        retimed = any(isinstance(change, SetTempo) for change in changes.changes)
        if retimed:
            desk.set_tempo(at, self._allocation.tempo_of(changes))
        stops: dict[str, float | None] = {}
        restyled: dict[str, set[str]] = {}
        for change in changes.changes:
            act(change, self, at)
            whom = list(timeline.layers) if isinstance(change, OfAll) else change.layers
            for name in filter(change.concerns, whom):
                layer = timeline.layer(name)
                if change.brings_texture:
                    layer.good = layer.state if layer.voice else layer.good
                before = layer.state
                layer.state = change.fold(before, name)
                if isinstance(change, Stop | Hush):
                    stops[name] = change.fade
                changed = {w for w in LEVELS if getattr(before, w) != getattr(layer.state, w)}
                restyled.setdefault(name, set()).update(changed)
        for name, words in restyled.items():
            if words:
                layer = timeline.layer(name)
                curves = {word: getattr(layer.state, word) for word in LEVELS if word in words}
                desk.level(layer.slot, at, layer.voice is not None, curves)
        self._settle_audible(at)
        for voice in changes.voices:
            self._enter(voice, at, hard=retimed and not plays(changes, voice.layer))
        self.patching.settle(at)
        for name, layer in list(timeline.layers.items()):
            if layer.state.source is None and layer.voice is not None:
                beats = stops.get(name)
                beats = layer.state.fade if beats is None else beats
                self._leave(layer, layer.voice, at, timeline.tempo.span(at, beats))
                layer.voice = None
                layer.state = layer.state.silenced()
        for change in changes.changes:
            if isinstance(change, Hush):
                self.patching.hush(at, timeline.tempo.span(at, change.fade or 0.0))
        if retimed:
            self._retime()
        for name in restyled:
            self.tell(timeline.layer(name), at)

    def tell(self, layer: Layer, at: int) -> None:
        """Note a layer's state, so that a run that crashes can be resumed."""
        self.timeline.desk.note(Settled(at, layer.name, layer.slot, layer.state))

    def _enter(self, voice: Voice, at: int, hard: bool) -> None:
        """Let a voice take over its layer."""
        timeline = self.timeline
        layer = timeline.layer(voice.layer)
        layer.error = ""
        old, state = layer.voice, layer.state
        crossing = voice.clip.crossing
        if hard or (crossing is not None and crossing.at == at and old is not None):
            over = GRID  # both voices play the same sound there
        else:
            over = timeline.tempo.span(at, state.fade if old is None else state.xfade)
            if old is not None and state.morph:
                timeline.say(f"{layer.name}: morph needs one space and one join; it crossfades")
        timeline.desk.start(voice, at, over)
        if old is not None:
            self._leave(layer, old, at, over)
        layer.voice = voice
        layer.state = state.changed(origin=voice.clip.origin)

    def _retime(self) -> None:
        """Move what is to come to its beat or quant under a new tempo, and aim what has voices."""
        for changes in self.timeline.coming():
            if changes.beat is not None:
                changes.at = self.timeline.sample_of(changes.beat)
            elif changes.voices and not changes.planned and self.timeline.on_quant(changes):
                changes.at = self.timeline.kept_quant(changes)
        for changes in self.timeline.pending:
            if changes.allocated:
                self._allocation.aim(changes)

    def _settle_audible(self, at: int) -> None:
        """Apply mutes and solos; muted layers keep time."""
        layers, desk = self.timeline.layers.values(), self.timeline.desk
        alone = any(layer.state.soloed for layer in layers)
        for layer in layers:
            state = layer.state
            heard = state.soloed or not alone or self._hears_solo(layer.name)
            audible = Num(float(not state.muted and heard))
            setting = desk.settings.get(layer.slot)
            if audible != (setting.audible if setting else Num(1.0)):
                desk.level(layer.slot, at, layer.voice is not None, {"audible": audible})

    def _hears_solo(self, bus: str) -> bool:
        """Return whether a layer that is heard alone, or what it sends to, sends to a bus."""
        layers = self.timeline.layers.values()
        senders = [layer for layer in layers if bus in layer.state.sends]
        return any(one.state.soloed or self._hears_solo(one.name) for one in senders)

    def rename(self, old: str, new: str, at: int) -> None:
        """Give a layer another name; its slot, and so its noise, stays."""
        layers = self.timeline.layers
        layer = layers.pop(old)
        layer.name = new
        layers[new] = layer
        for voice in self.timeline.voices.values():
            voice.layer = new if voice.layer == old else voice.layer
        for strip in self.timeline.desk.strips:
            strip.layer = new if strip.layer == old else strip.layer
        for other in layers.values():
            other.state = other.state.renamed(old, new)
        self.timeline.desk.note(Renamed(at, old, new))

    def _leave(self, layer: Layer, voice: Voice, at: int, length: int) -> None:
        self.timeline.desk.fade(voice, at, 0.0, length)
        layer.leaving.append(voice)

    def free(self, voice: Voice) -> None:
        """End a voice that is over, and its layer with it if nothing else plays there."""
        layer = self.timeline.layer(voice.layer)
        if layer.voice is voice:
            self.silence(layer)
        if voice in layer.leaving:
            layer.leaving.remove(voice)
        self.timeline.desk.end(voice)

    def silence(self, layer: Layer) -> None:
        """Leave a layer without a texture."""
        layer.voice = None
        layer.state = layer.state.silenced()
        self.tell(layer, self.timeline.position)


@functools.singledispatch
def act(change: Change, commit: Commit, at: int) -> None:
    """Do what a change does besides folding into layers' states: for most, nothing.

    Register a function here for a change that does more.
    """


@act.register
def _(change: Rename, commit: Commit, at: int) -> None:
    commit.rename(change.layer, change.name, at)


@act.register
def _(change: Master, commit: Commit, at: int) -> None:
    commit.timeline.desk.set_master(at, change.gain_db)


def plays(changes: ChangeSet, name: str) -> bool:
    """Return whether a change set gives a layer a new texture."""
    return any(c.brings_texture and name in c.layers for c in changes.changes)
