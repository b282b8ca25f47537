"""Patching: when changes land, effects and sends get the strips that they need, and settings.

A layer is played past any effects until it has one or sends somewhere; then it goes through a
strip. Strips stay while anything rings in them.
"""

from __future__ import annotations

from collections.abc import Mapping

from latentlive.curves import Curve, Num
from latentlive.engine.desk.model import Layer
from latentlive.engine.desk.strips import Sending
from latentlive.engine.schedule.timeline import MASTER_NAME, Timeline
from latentlive.engine.shared import MASTER
from latentlive.engine.timing import FREED_AFTER, GLIDE, to_samples
from latentlive.errors import EngineError
from latentlive.protocol.clip import Source
from latentlive.protocol.state import State
from latentlive.units import SILENCE_DB

ON, OFF = Num(1.0), Num(0.0)


class Patching:
    """Gives layers, buses and the master their strips.

    Parameters
    ----------
    timeline : Timeline
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._told: dict[int, State[Source]] = {}
        """The state by slot that effects were set to."""

    def settle(self, at: int) -> None:
        """Let effects and sends be what the layers' states say, from a sample on."""
        for layer in (layers := list(self._timeline.layers.values())):
            self._tune(layer, at)
        for name, pair in self._wanted().items():
            self._patch(self._timeline.layer(name), pair, at)
        for layer in layers:
            self._feed(layer, at)
        self._send(at)

    def _tune(self, layer: Layer, at: int) -> None:
        """Set the effects of a layer, where they have changed."""
        told, state, desk = self._told.get(layer.slot, State()), layer.state, self._timeline.desk
        if (told.effects, told.space) == (state.effects, state.space):
            return
        curves: dict[str, Curve] = {
            word: curve for word, curve in state.effects.items() if told.effects.get(word) != curve
        }
        gone = {word for word in told.effects if word.endswith(".on")} - state.effects.keys()
        curves |= dict.fromkeys(sorted(gone), OFF)
        if state.space != told.space and "reverb.on" in state.effects:
            curves["reverb.on"] = ON  # a room is told with it
        self._told[layer.slot] = state
        glides = desk.strips.of(layer.slot) is not None
        desk.tune(layer.slot, at, glides, curves, state.space)

    def _wanted(self) -> dict[str, int]:
        """Return who needs a strip now, each with its pair of channels."""
        layers = self._timeline.layers
        keys = {layer.state.by for layer in layers.values()}
        wanted = {
            name: layer.state.pair
            for name, layer in layers.items()
            if layer.voice is not None and (layer.state.routed or name in keys)
        }
        sending = list(wanted)
        sending += [one.layer for one in self._timeline.desk.strips if one.layer not in wanted]
        while sending:
            for bus in self._timeline.state(sending.pop()).sends:
                if bus not in wanted:
                    wanted[bus] = self._timeline.state(bus).pair
                    sending.append(bus)
        if MASTER_NAME in layers and layers[MASTER_NAME].state.effects:
            wanted[MASTER_NAME] = 0
        return wanted

    def _patch(self, layer: Layer, pair: int, at: int) -> None:
        """Give a layer its strip, unless it has one; the master one for each pair."""
        desk = self._timeline.desk
        pairs = [pair] if layer.slot != MASTER else range(desk.shared.channels // 2)
        for one in pairs:
            if desk.strips.at(layer.slot, one) is not None:
                continue
            elsewhere = [strip for strip in desk.strips if strip.slot == layer.slot]
            try:
                desk.patch(layer.name, layer.slot, one, at)
            except EngineError as error:
                self._timeline.say(str(error))
                return
            if layer.voice is None and layer.slot != MASTER:
                # A bus moves to other channels; a layer's voices go there by themselves.
                for strip in elsewhere:
                    if not strip.leaving:
                        desk.fade(strip, at, 0.0, to_samples(GLIDE, desk.tempo.sample_rate))

    def _feed(self, layer: Layer, at: int) -> None:
        """Let a layer go through its strip, or past it."""
        desk, timeline = self._timeline.desk, self._timeline
        strip = desk.strips.of(layer.slot)
        if layer.slot == MASTER:
            fed = OFF if strip is None or not layer.state.effects else ON
        elif layer.voice is None:
            return
        else:
            keyed = any(layer.name == one.state.by for one in timeline.layers.values())
            fed = ON if strip is not None and (layer.state.routed or keyed) else OFF
        setting = desk.settings.get(layer.slot)
        if fed != (setting.fed if setting else OFF):
            sounding = layer.slot == MASTER or any(
                voice.slot == layer.slot and voice.sounding and voice.start < at
                for voice in timeline.voices.values()
            )
            desk.level(layer.slot, at, sounding, {"fed": fed})

    # Sends.

    def _send(self, at: int) -> None:
        """Set the sends that have changed."""
        desk, wanted = self._timeline.desk, self._sends()
        for sending in desk.strips.sends.keys() - wanted.keys():
            if desk.strips.sends[sending].gain_db != SILENT:
                desk.send(sending, at, True, {"gain_db": SILENT}, desk.strips.pre[sending])
        for sending, (curves, pre) in wanted.items():
            setting = desk.strips.sends.get(sending)
            if setting is None or desk.strips.pre[sending] != pre:
                changed = curves
            else:
                changed = {w: one for w, one in curves.items() if getattr(setting, w) != one}
            if changed:
                desk.send(sending, at, setting is not None, changed, pre)

    def _sends(self) -> dict[Sending, tuple[Mapping[str, Curve], bool]]:
        """Return what every send is to be: its curves, and whether it goes off before the fader."""
        layers = self._timeline.layers
        alone = any(layer.state.soloed for layer in layers.values())
        found: dict[Sending, tuple[Mapping[str, Curve], bool]] = {}
        for layer in list(layers.values()):
            state = layer.state
            for name, send in state.sends.items():
                bus = self._timeline.layer(name)
                # A solo of a layer is heard in its buses, one of a bus with all that it is sent.
                heard = not state.muted and (not alone or state.soloed or bus.state.soloed)
                curves = {"gain_db": send.gain_db, "audible": ON if heard else OFF}
                found[Sending(layer.slot, bus.slot)] = curves, send.pre
            if state.by in layers:
                key = layers[state.by]
                curves = {"gain_db": UNITY, "audible": OFF if key.state.muted else ON}
                found[Sending(key.slot, layer.slot, True)] = curves, False
        return found

    # What rings no more.

    def tidy(self) -> None:
        """Free strips that have faded out, and let those go in which nothing rings."""
        timeline, desk = self._timeline, self._timeline.desk
        rate = desk.tempo.sample_rate
        for strip in list(desk.strips):
            if strip.is_over(timeline.position):
                desk.end(strip)
            elif not strip.leaving and self._rings_out(strip.slot, strip.pair):
                loud = max(desk.strips.loud_until(strip), strip.start)
                if timeline.position > loud + round(FREED_AFTER * rate):
                    desk.fade(strip, timeline.earliest, 0.0, to_samples(GLIDE, rate))

    def _rings_out(self, slot: int, pair: int) -> bool:
        """Return whether nothing feeds a strip any more."""
        desk = self._timeline.desk
        if slot == MASTER:
            return desk.settings.get(slot) is None or desk.settings[slot].fed == OFF
        voices = [voice for voice in desk.voices.values() if voice.slot == slot]
        if any(voice.pair == pair and voice.sounding for voice in voices):
            setting = desk.settings.get(slot)
            playing = any(voice.fade.high > 0.0 for voice in voices)
            if not playing or setting is None or setting.fed != OFF:
                return False
        rows = desk.strips.rows.values()
        return not any(row.target.slot == slot and row.target.pair == pair for row in rows)

    def hush(self, at: int, over: int) -> None:
        """Fade all that rings out."""
        for strip in list(self._timeline.desk.strips):
            if not strip.leaving:
                self._timeline.desk.fade(strip, at, 0.0, over)


SILENT, UNITY = Num(SILENCE_DB), Num(0.0)
