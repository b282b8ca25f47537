"""What sounds, decided to the sample: voices, their fades and levels, written as gains.

Every decision that changes what is heard passes through here and is noted as plain data. The same
decisions in the same order give the same samples, live, in a replay and in a bounce.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Mapping

import numpy as np

from latentlive.curves import Curve, Num, Point
from latentlive.engine.desk.decisions import (
    Decision,
    Ended,
    Faded,
    Gated,
    Held,
    Hole,
    Levelled,
    MasterSet,
    Patched,
    Renewed,
    SeedSet,
    Sent,
    Started,
    Taped,
    TempoSet,
    Tuned,
    rings_of,
)
from latentlive.engine.desk.fades import FORGOTTEN, Fade, Setting
from latentlive.engine.desk.gains import GAINS_AHEAD, Gains
from latentlive.engine.desk.knobs import Knobs
from latentlive.engine.desk.model import Voice
from latentlive.engine.desk.strips import Clocked, Sending, Strip
from latentlive.engine.shared import MASTER, MISSING, ORDER_BITS, RING, RINGS, Shared
from latentlive.errors import EngineError
from latentlive.ground.system import fence
from latentlive.limiter import AHEAD
from latentlive.mixer import GRID, grid_ceil
from latentlive.protocol.clip import Clip, Source
from latentlive.units import SILENCE_DB, Tempo

OFF = Setting(gain_db=Num(SILENCE_DB))
"""A send that sends nothing."""


class Desk(Gains):
    """The voices, their faders, and the decisions about them.

    Parameters
    ----------
    shared : Shared
    tempo : Tempo
        Of the transport.
    seed : int
    note : function of a decision
        Told every decision, as it is taken.
    reach : int [samples]
        How far ahead gains are written.
    lead : int [samples]
        How long after they arrive live curves are heard in levels.
    effects_lead : int [samples]
        The same in effects and sends, and in all levels while the master has effects.
    """

    def __init__(
        self,
        shared: Shared,
        tempo: Tempo,
        seed: int = 0,
        note: Callable[[Decision], object] = lambda decision: None,
        reach: int = GAINS_AHEAD,
        lead: int = 0,
        effects_lead: int = 0,
    ) -> None:
        super().__init__(shared, tempo, seed, note, reach, lead, effects_lead)
        self.rooms: list[str] = []
        """The recordings that reverbs have as rooms, by their digests; the first is number 1."""
        self._serial = 0
        self._over: deque[Voice | Strip] = deque(maxlen=4 * RINGS)

    @property
    def free_rings(self) -> int:
        """How many rings no voice holds."""
        return RINGS - sum(len(voice.rings) for voice in self.voices.values())

    def allocate(
        self,
        layer: str,
        slot: int,
        clip: Clip[Source],
        start: int,
        wide: float = 0.0,
        pair: int = 0,
        serial: int | None = None,
        channels: int = 1,
    ) -> Voice:
        """Return a new voice, not started yet, with one ring, or two if it is wide or stereo.

        Raises
        ------
        EngineError
            If too few rings are free.
        """
        taken = {ring for voice in self.voices.values() for ring in voice.rings}
        count = rings_of(wide, channels)
        rings = [ring for ring in range(RINGS) if ring not in taken][:count]
        if len(rings) < count:
            raise EngineError("engine: all voices are busy; stop a layer first")
        self._serial = self._serial + 1 if serial is None else serial
        voice = Voice(self._serial, tuple(rings), layer, slot, clip, start, wide, pair)
        self.voices[voice.serial] = voice
        self.expect(voice, start)
        return voice

    def expect(self, voice: Voice, start: int) -> None:
        """Empty a voice's rings; they begin at a position."""
        voice.start = voice.rendered = start
        for ring in voice.rings:
            self.shared.ready[ring] = start

    def reallocate(self, voice: Voice, clip: Clip[Source], start: int) -> None:
        """Give a voice that has not started another clip or another beginning.

        Rendered samples are kept if only the place has changed.
        """
        by = start - voice.start
        if clip == voice.clip and not by:
            return
        moved = by != 0 and clip == voice.clip.moved(by) and voice.stream.busy is None
        moved = moved and not clip.leads  # what is live was rendered for another moment
        if not moved:
            voice.moved_from = None
        elif voice.moved_from is None:
            voice.moved_from = voice.version
        voice.version += 1
        voice.clip = clip
        if not moved:
            self.expect(voice, start)
            return
        places = np.arange(voice.start, voice.rendered)
        for ring in voice.rings:
            self.shared.audio[ring, (places + by) % RING] = self.shared.audio[ring, places % RING]
            self.shared.ready[ring] = (start, voice.rendered + by)
        voice.start, voice.rendered = start, voice.rendered + by

    def skip(self, voice: Voice, at: int) -> None:
        """Skip to a later position of a voice."""
        voice.rendered = voice.skipped_to = at
        for ring in voice.rings:
            self.shared.ready[ring] = at

    # Decisions.

    def start(self, voice: Voice, at: int, over: int) -> None:
        """Start a voice at `at`; it reaches full level after `over` samples."""
        voice.start = at
        voice.fade = Fade(at, at + max(over, GRID), 0.0, 1.0)
        voice.sounding = True
        voice.gains_until = voice.feeds_until = at
        for ring in voice.rings:
            self.shared.pair[ring] = voice.pair
        self.strips.feed(voice)
        strip, clip, rate = (
            self.strips.at(voice.slot, voice.pair),
            voice.clip,
            self.tempo.sample_rate,
        )
        if strip is not None and strip.follow(at, rate, clip.origin, clip.tempo):
            self._rewrite(strip, at)
            self._rewrite_sends(voice.slot, at)
        self._write(voice)
        fence()  # a callback that sees the voice active sees its gains
        for ring in voice.rings:
            self.shared.active[ring] = 1 + (voice.slot << ORDER_BITS) + voice.serial
        self.note(
            Started(
                at,
                voice.serial,
                voice.layer,
                voice.slot,
                voice.wide,
                voice.pair,
                over,
                voice.clip,
                voice.clip.channels if len(voice.rings) > 1 else 1,
            )
        )

    def fade(self, one: Voice | Strip, at: int, level: float, over: int) -> None:
        """Fade to another level from `at` on, from where it is then."""
        one.fade = one.fade.towards(level, at, max(over, GRID))
        self.note(Faded(at, one.serial, level, over))
        self._rewrite(one, at)
        if isinstance(one, Strip):
            self._rewrite_sends(one.slot, at)
            self._end_late(one)

    def gate(self, voice: Voice, at: int, level: float, over: int) -> None:
        """Mute a voice for an underrun, or unmute it."""
        voice.gate = voice.gate.towards(level, at, max(over, GRID))
        self.note(Gated(at, voice.serial, level, over))
        self._rewrite(voice, at)

    def level(self, slot: int, at: int, glide: bool, curves: Mapping[str, Curve]) -> None:
        """Set a layer's gain, amp, pan or audibility from `at` on."""
        before = self.settings.get(slot, Setting())
        self.settings[slot] = before.changed(at, self.tempo.sample_rate, glide, **curves)
        self.note(Levelled(at, slot, glide, curves))
        self._rewrite_slot(slot, at)

    def set_master(self, at: int, gain_db: Curve) -> None:
        """Set the master's level from `at` on."""
        self.master = self.master.changed(at, self.tempo.sample_rate, gain_db=gain_db)
        self.note(MasterSet(at, gain_db))
        self._rewrite_all(at)

    def tape(self, at: int, source: str, value: float, by: str = "") -> None:
        """Note a value that has arrived; it is not before the last one."""
        self.tapes.take(Point(at, source, value))
        self.note(Taped(at, source, value, by))

    def set_tempo(self, at: int, tempo: Tempo) -> None:
        """Set the transport's tempo; allocation gives voices clips for it."""
        self.tempo = tempo
        self.note(TempoSet(at, tempo))
        self._rewrite_all(at)  # curves of the master and of buses count beats of the transport
        for strip in self.strips:
            self._rewrite_sends(strip.slot, at)

    def set_seed(self, at: int, seed: int) -> None:
        """Change the seed; every voice is loaded and rendered again."""
        self.seed = seed
        self.note(SeedSet(at, seed))
        for voice in self.voices.values():
            voice.version += 1
            voice.moved_from = None
            self.expect(voice, voice.start)
            self._rewrite(voice, voice.start)

    def _rewrite_live(self, at: int) -> None:
        for one in (*self.voices.values(), *self.strips):
            if self._setting(one).live or self.master.live:
                self._rewrite(one, at)

    def _rewrite_all(self, at: int) -> None:
        for one in (*self.voices.values(), *self.strips):
            self._rewrite(one, at)

    def end(self, one: Voice | Strip) -> None:
        """Free a voice or a strip that is silent."""
        if one.sounding:
            self.note(Ended(self.position, one.serial))
            self._over.append(one)
        for ring in one.rings:
            self.shared.active[ring] = 0
            self.shared.gains[:, ring] = 0.0
            self.shared.gains_until[ring] = 0
        if isinstance(one, Strip):
            self.strips.remove(one)
        else:
            for ring in one.rings:
                self.shared.feeding[ring, 0] = -1
            self.voices.pop(one.serial, None)

    def clear(self, before: int | None = None) -> None:
        """Free every voice and strip at once; with a position, all but those that begin later."""
        for one in (*self.voices.values(), *self.strips):
            if one.sounding:
                self._over.append(one)
            elif before is not None and one.start > before:
                continue
            one.sounding = False  # the log holds the panic instead of each end
            self.end(one)
        self.lates.clear()

    def owner(self, ring: int, at: int) -> Voice | Strip | None:
        """Return the voice or strip that held a ring at a position; it may be over by now."""
        heard = [one for one in (*self.voices.values(), *self.strips) if one.sounding]
        heard = [one for one in (*self._over, *heard) if ring in one.rings]
        heard = [one for one in heard if one.start < at + GRID]
        return max(heard, key=lambda one: one.start, default=None)

    def of(self, serial: int) -> Voice | Strip | None:
        """Return the voice or strip of a serial."""
        return self.voices.get(serial) or self.strips.by_serial.get(serial)

    # Effects.

    def _end_late(self, strip: Strip) -> None:
        """Hear live levels as soon as before, once the master's effects have faded out."""
        others = [one for one in self.strips if one.slot == MASTER and not one.leaving]
        if strip.slot == MASTER and not others and self.lates:
            self.lates[-1] = self.lates[-1][0], strip.fade.stop
            self._rewrite_live(strip.fade.stop)

    def patch(self, layer: str, slot: int, pair: int, at: int, serial: int | None = None) -> Strip:
        """Let the effects of a layer, a bus or the master begin on a pair of channels.

        Raises
        ------
        EngineError
            If too few strips are free.
        """
        number, glide = self.strips.free(), 0
        self._serial = self._serial + 1 if serial is None else serial
        mine = [v for v in self.voices.values() if v.slot == slot and v.sounding]
        clock = Clocked(at, glide, 0, None)
        if playing := [voice for voice in mine if voice.fade.high > 0.0]:
            clip = playing[-1].clip
            clock = Clocked(at, glide, clip.origin, clip.tempo)
        strip = Strip(self._serial, number, layer, slot, pair, at, [clock])
        strip.gains_until = strip.knobs_until = strip.through_until = at
        self.note(Patched(at, strip.serial, layer, slot, pair))
        for ring in strip.rings:
            self.shared.pair[ring] = pair
        feeding = [voice for voice in mine if voice.pair == pair]
        self.strips.add(strip, feeding)
        for voice in feeding:
            voice.feeds_until = min(voice.feeds_until, at)
            self._write(voice)
        self._write(strip)
        if slot == MASTER:
            if not self.lates or self.lates[-1][1] is not None:
                gone = self.position - FORGOTTEN
                self.lates = [late for late in self.lates if (late[1] or 0) > gone]
                self.lates.append((at, None))
            self._rewrite_live(at)
        for row in self.strips.rows.values():
            if strip in (row.source, row.target):
                self._write_send(row)
        fence()
        for ring in strip.rings:
            self.shared.active[ring] = 1 + (slot << ORDER_BITS) + strip.serial
        return strip

    def tune(
        self,
        slot: int,
        at: int,
        glide: bool,
        curves: Mapping[str, Curve],
        space: Source | None = None,
    ) -> None:
        """Set effects of a layer, a bus or the master from `at` on."""
        self.note(Tuned(at, slot, glide, curves, space))
        if "reverb.on" in curves:
            curves = {**curves, "reverb.space": Num(float(self.room(space)))}
        before = self.knobs.get(slot, Knobs())
        self.knobs[slot] = before.changed(at, self.tempo.sample_rate, glide, curves)
        self._rewrite_slot(slot, at)

    def room(self, space: Source | None) -> int:
        """Return the number of a recording as a room, 0 for none."""
        if space is None:
            return 0
        (told,) = space.sounds.values()
        if told not in self.rooms:
            self.rooms.append(told)
        return 1 + self.rooms.index(told)

    def send(
        self,
        sending: Sending,
        at: int,
        glide: bool,
        curves: Mapping[str, Curve],
        pre: bool = False,
    ) -> None:
        """Set how much of a layer goes to a bus, or to another layer as a key."""
        source, target, key = sending
        before = self.strips.sends.get(sending, OFF)
        setting = before.changed(at, self.tempo.sample_rate, glide, **curves)
        self.note(Sent(at, source, target, glide, curves, pre, key))
        self.strips.send(sending, setting, pre)
        self._rewrite_sends(source, at)

    def leave_out(self, since: int, until: int) -> None:
        """Note that nothing was rendered of effects between two samples: that is silent."""
        # What the device has mixed of it, it has told of itself.
        mixed = grid_ceil(self.position) + (AHEAD + 1) * GRID
        for strip in self.strips:
            begin = max(since, strip.start, mixed)
            for side, ring in enumerate(strip.rings) if begin < until else ():
                self.shared.write_audio(ring, begin, np.zeros(until - begin, np.float32))
                self.shared.header[MISSING] += until - begin
                self.note(Hole(begin, strip.serial, until, side))

    def renew(self, at: int) -> None:
        """Let all effects begin anew at a sample: who rendered them is gone."""
        self.note(Renewed(at))
        self.strips.renew(at)

    @functools.singledispatchmethod
    def perform(self, decision: Decision) -> None:
        """Take a decision again; most change nothing here. Register a method for one that does."""

    @perform.register
    def _(self, started: Started) -> None:
        if (voice := self.voices.get(started.voice)) is not None:
            self.start(voice, started.at, started.over)

    @perform.register
    def _(self, patched: Patched) -> None:
        serial = patched.voice
        self.patch(patched.layer, patched.slot, patched.pair, patched.at, serial)

    @perform.register
    def _(self, tuned: Tuned) -> None:
        self.tune(tuned.slot, tuned.at, tuned.glide, tuned.curves, tuned.space)

    @perform.register
    def _(self, sent: Sent) -> None:
        sending = Sending(sent.slot, sent.target, sent.listened)
        self.send(sending, sent.at, sent.glide, sent.curves, sent.pre)

    @perform.register
    def _(self, renewed: Renewed) -> None:
        self.renew(renewed.at)

    @perform.register
    def _(self, faded: Faded) -> None:
        if (one := self.of(faded.voice)) is not None:
            self.fade(one, faded.at, faded.level, faded.over)

    @perform.register
    def _(self, gated: Gated) -> None:
        if (voice := self.voices.get(gated.voice)) is not None:
            self.gate(voice, gated.at, gated.level, gated.over)

    @perform.register
    def _(self, held: Held) -> None:
        if (one := self.of(held.voice)) is not None:
            self.hold(one, held.at, held.to)
            self._rewrite(one, held.at)

    @perform.register
    def _(self, levelled: Levelled) -> None:
        self.level(levelled.slot, levelled.at, levelled.glide, levelled.curves)

    @perform.register
    def _(self, decided: MasterSet) -> None:
        self.set_master(decided.at, decided.gain_db)

    @perform.register
    def _(self, taped: Taped) -> None:
        self.tape(taped.at, taped.source, taped.value, taped.by)

    @perform.register
    def _(self, decided: TempoSet) -> None:
        self.set_tempo(decided.at, decided.tempo)

    @perform.register
    def _(self, decided: SeedSet) -> None:
        self.set_seed(decided.at, decided.seed)
