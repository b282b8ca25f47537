"""What sounds, decided to the sample: voices, their fades and levels, written as gains.

Every decision that changes what is heard passes through here and is noted as plain data. The same
decisions in the same order give the same samples, live, in a replay and in a bounce.
"""

from __future__ import annotations

import contextlib
import functools
from collections import deque
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import Curve, Num, Point, Tapes
from latentlive.engine.desk.decisions import (
    Decision,
    Ended,
    Faded,
    Gated,
    Held,
    Levelled,
    MasterSet,
    SeedSet,
    Started,
    Taped,
    TempoSet,
    rings_of,
)
from latentlive.engine.desk.fades import FORGOTTEN, MASTER_DB, Fade, Setting
from latentlive.engine.desk.model import Hold, Voice
from latentlive.engine.shared import POINTS, POSITION, RING, RINGS, RUNNING, Shared
from latentlive.errors import EngineError
from latentlive.ground.system import fence
from latentlive.limiter import AHEAD, MEMORY
from latentlive.mixer import GRID, grid_ceil, grid_floor
from latentlive.protocol.clip import Clip, Source
from latentlive.units import Tempo

GAINS_AHEAD = RING - (1 << 13)
"""Samples for which gains are written ahead, as far as voices are rendered: nobody hears an engine
that is held up."""

BEFORE = (MEMORY + AHEAD) * GRID
"""Samples before the position that the limiter still depends on."""

SLACK = 32
"""Gains may fall short of that by one part in so many: then they need not be written every tick."""

HELD_ON = 4096
"""Samples for which a gain is held on that was not known in time: more than a device takes while
the engine writes."""

ORDER_BITS = 40
"""Voices are summed by slot, then by serial: in the same order everywhere."""


class Desk:
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
    """

    def __init__(
        self,
        shared: Shared,
        tempo: Tempo,
        seed: int = 0,
        note: Callable[[Decision], object] = lambda decision: None,
        reach: int = GAINS_AHEAD,
        lead: int = 0,
    ) -> None:
        self.shared, self.tempo, self.seed, self.note, self.reach = shared, tempo, seed, note, reach
        self.lead, self.tapes = lead, Tapes(tempo.sample_rate)
        self.holds = False
        """Whether late gains are told of: in a performance, not when it is played again."""
        self.voices: dict[int, Voice] = {}
        self.settings: dict[int, Setting] = {}
        self.master = Setting(gain_db=Num(MASTER_DB), pan=Num(0.0))
        self._serial = 0
        self._over: deque[Voice] = deque(maxlen=4 * RINGS)
        self._gathering = False
        self._stale: set[int] = set()

    @property
    def position(self) -> int:
        """The next sample that the device will ask for."""
        return int(self.shared.header[POSITION])

    @property
    def running(self) -> bool:
        """Whether the transport moves; it waits for the first textures."""
        return bool(self.shared.header[RUNNING])

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
        voice.gains_until = at
        self._write(voice)
        for ring in voice.rings:
            self.shared.pair[ring] = voice.pair
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

    def fade(self, voice: Voice, at: int, level: float, over: int) -> None:
        """Fade a voice to another level from `at` on, from where it is then."""
        voice.fade = voice.fade.towards(level, at, max(over, GRID))
        self.note(Faded(at, voice.serial, level, over))
        self._rewrite(voice, at)

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
        for voice in self.voices.values():
            if voice.slot == slot:
                self._rewrite(voice, at)

    def set_master(self, at: int, gain_db: Curve) -> None:
        """Set the master's level from `at` on."""
        self.master = self.master.changed(at, self.tempo.sample_rate, gain_db=gain_db)
        self.note(MasterSet(at, gain_db))
        for voice in self.voices.values():
            self._rewrite(voice, at)

    def tape(self, at: int, source: str, value: float, by: str = "") -> None:
        """Note a value that has arrived; it is not before the last one."""
        self.tapes.take(Point(at, source, value))
        self.note(Taped(at, source, value, by))

    def set_tempo(self, at: int, tempo: Tempo) -> None:
        """Set the transport's tempo; allocation gives voices clips for it."""
        self.tempo = tempo
        self.note(TempoSet(at, tempo))
        for voice in self.voices.values():
            self._rewrite(voice, at)  # the master's curve counts beats of the transport

    def set_seed(self, at: int, seed: int) -> None:
        """Change the seed; every voice is loaded and rendered again."""
        self.seed = seed
        self.note(SeedSet(at, seed))
        for voice in self.voices.values():
            voice.version += 1
            voice.moved_from = None
            self.expect(voice, voice.start)
            self._rewrite(voice, voice.start)

    def end(self, voice: Voice) -> None:
        """Free a voice that is silent."""
        if voice.sounding:
            self.note(Ended(self.position, voice.serial))
            self._over.append(voice)
        for ring in voice.rings:
            self.shared.active[ring] = 0
            self.shared.gains[:, ring] = 0.0
            self.shared.gains_until[ring] = 0
        self.voices.pop(voice.serial, None)

    def clear(self, before: int | None = None) -> None:
        """Free every voice at once; with a position, all but those that begin later."""
        for voice in list(self.voices.values()):
            if voice.sounding:
                self._over.append(voice)
            elif before is not None and voice.start > before:
                continue
            voice.sounding = False  # the log holds the panic instead of each end
            self.end(voice)

    def owner(self, ring: int, at: int) -> Voice | None:
        """Return the voice that held a ring at a position; it may be over by now."""
        heard = [voice for voice in self.voices.values() if voice.sounding]
        heard = [v for v in (*self._over, *heard) if ring in v.rings and v.start < at + GRID]
        return max(heard, key=lambda voice: voice.start, default=None)

    @functools.singledispatchmethod
    def perform(self, decision: Decision) -> None:
        """Take a decision again; most change nothing here. Register a method for one that does."""

    @perform.register
    def _(self, started: Started) -> None:
        if (voice := self.voices.get(started.voice)) is not None:
            self.start(voice, started.at, started.over)

    @perform.register
    def _(self, faded: Faded) -> None:
        if (voice := self.voices.get(faded.voice)) is not None:
            self.fade(voice, faded.at, faded.level, faded.over)

    @perform.register
    def _(self, gated: Gated) -> None:
        if (voice := self.voices.get(gated.voice)) is not None:
            self.gate(voice, gated.at, gated.level, gated.over)

    @perform.register
    def _(self, held: Held) -> None:
        if (voice := self.voices.get(held.voice)) is not None:
            self.hold(voice, held.at, held.to)
            self._rewrite(voice, held.at)

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

    # Gains.

    @contextlib.contextmanager
    def gathered(self) -> Iterator[None]:
        """Write gains once for all decisions that are taken inside: what they are follows from the
        last of them."""
        self._gathering = True
        try:
            yield
        finally:
            self._gathering = False
            for voice in [self.voices[n] for n in self._stale if n in self.voices]:
                self._write(voice)
            self._stale.clear()

    def write(self) -> None:
        """Write the gains of sounding voices ahead of the position."""
        enough = self.position + self.reach - self.reach // SLACK
        for voice in self.voices.values():
            if voice.sounding and voice.gains_until < enough:
                self._write(voice)

    def _rewrite(self, voice: Voice, since: int) -> None:
        if voice.sounding:
            voice.gains_until = min(voice.gains_until, grid_floor(since))
            if self._gathering:
                self._stale.add(voice.serial)
            else:
                self._write(voice)

    def _write(self, voice: Voice) -> None:
        until = grid_ceil(max(self.position, 0) + self.reach)
        live = self._setting(voice).live or self.master.live
        if live:
            self._hold_late(voice)
            known = grid_floor(self.tapes.closed + self.lead)
            until = min(until, max(known, voice.start + GRID))  # a fade begins at 0 anyway
        first = max(voice.gains_until, voice.start, grid_floor(self.position) - BEFORE)
        if first >= until:
            self._publish(voice, min(until, voice.gains_until) if live else voice.gains_until)
            return
        samples = np.arange(first, until, GRID, dtype=np.int64)
        gains = self._gains(voice, samples)
        points = samples // GRID % POINTS
        # A wide voice has a ring for each side.
        if len(voice.rings) == 1:
            self.shared.gains[:, voice.rings[0], points] = gains
        else:
            for side, ring in enumerate(voice.rings):
                self.shared.gains[side, ring, points] = gains[side]
                self.shared.gains[1 - side, ring, points] = 0.0
        self._publish(voice, until)

    def _publish(self, voice: Voice, until: int) -> None:
        voice.gains_until = until
        fence()
        for ring in voice.rings:
            self.shared.gains_until[ring] = until

    def _setting(self, voice: Voice) -> Setting:
        return self.settings.get(voice.slot, Setting())

    def _gains(self, voice: Voice, samples: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return a voice's left and right gain at some rising positions [shape=(2, n)]."""
        tapes, clip = (self.tapes, -self.lead), voice.clip
        gains = self._setting(voice).gains(samples, clip.origin, clip.tempo, self.seed, tapes)
        master = self.master.gains(samples, 0, self.tempo, self.seed, tapes)[0]
        gains *= voice.fade.gain(samples) * voice.gate.gain(samples) * master
        if voice.end is not None:
            gains[:, samples > grid_ceil(voice.end)] = 0.0  # no hole: the texture is over
        for held in voice.holds:
            here = (samples >= held.at) & (samples < held.to)
            gains[:, here] = held.gains
        return gains

    # Levels that were not known in time.

    def _hold_late(self, voice: Voice) -> None:
        """Note that the device took gains that were not written yet, as after a halt of the engine:
        it held the last one, and goes on with that a little."""
        taken = grid_ceil(self.position) + (AHEAD + 2) * GRID
        if self.holds and self.running and voice.start < voice.gains_until < taken:
            self.hold(voice, voice.gains_until, taken + HELD_ON)

    def hold(self, voice: Voice, at: int, to: int) -> None:
        """Hold a voice's gain from one sample to another."""
        gains = self._gains(voice, np.array([at - GRID]))
        kept = [one for one in voice.holds if one.to > at - FORGOTTEN]
        voice.holds = [*kept, Hold(at, to, gains)]
        self.note(Held(at, voice.serial, to))
