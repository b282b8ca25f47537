"""Gains, written ahead: what each ring is mixed with, and what strips are fed and set to.

All of it follows from voices, strips, settings and tapes; decisions change those, and have what
depends on them written again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import Num, Tapes
from latentlive.engine.desk.decisions import Decision, Held
from latentlive.engine.desk.fades import FORGOTTEN, MASTER_DB, Reading, Setting
from latentlive.engine.desk.knobs import Knobs, blend
from latentlive.engine.desk.model import Hold, Voice
from latentlive.engine.desk.strips import CENTRE, Row, Strip, Strips
from latentlive.engine.shared import MASTER, POINTS, RING, RUNNING, Shared
from latentlive.ground.system import fence
from latentlive.limiter import AHEAD, MEMORY
from latentlive.mixer import GRID, grid_ceil, grid_floor
from latentlive.units import Floats, Tempo

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


class Gains:
    """Voices and strips with their faders, and the gains that follow from them.

    Parameters
    ----------
    shared : Shared
    tempo : Tempo
        Of the transport.
    seed : int
    note : function of a decision
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
        seed: int,
        note: Callable[[Decision], object],
        reach: int,
        lead: int,
        effects_lead: int,
    ) -> None:
        self.shared, self.tempo, self.seed, self.note, self.reach = shared, tempo, seed, note, reach
        self.lead, self.effects_lead = lead, effects_lead
        self.tapes = Tapes(tempo.sample_rate)
        self.holds = False
        """Whether late gains are told of: in a performance, not when it is played again."""
        self.voices: dict[int, Voice] = {}
        self.settings: dict[int, Setting] = {}
        self.master = Setting(gain_db=Num(MASTER_DB), pan=Num(0.0))
        self.strips = Strips(shared)
        self.knobs: dict[int, Knobs] = {}
        """What effects are set to, by slot."""
        self.lates: list[tuple[int, int | None]] = []
        """From where to where the master had effects: there live levels are heard later."""
        self._gathering = False
        self._stale: set[int] = set()

    @property
    def position(self) -> int:
        """The next sample that the device will ask for."""
        return self.shared.position

    @property
    def running(self) -> bool:
        """Whether the transport moves; it waits for the first textures."""
        return bool(self.shared.header[RUNNING])

    # Writing.

    @contextlib.contextmanager
    def gathered(self) -> Iterator[None]:
        """Write gains once for all decisions that are taken inside: what they are follows from the
        last of them."""
        self._gathering = True
        try:
            yield
        finally:
            self._gathering = False
            both: tuple[Mapping[int, Voice | Strip], ...] = (self.voices, self.strips.by_serial)
            for one in [each[n] for each in both for n in self._stale if n in each]:
                self._write(one)
            self._stale.clear()

    def write(self) -> None:
        """Write the gains of what sounds ahead of the position, and what strips are set to."""
        enough = self.position + self.reach - self.reach // SLACK
        for voice in self.voices.values():
            if voice.sounding and min(voice.gains_until, voice.feeds_until) < enough:
                self._write(voice)
        for strip in self.strips:
            if min(strip.gains_until, strip.knobs_until) < enough:
                self._write(strip)
        for row in self.strips.rows.values():
            if row.until < enough:
                self._write_send(row)

    def _rewrite(self, one: Voice | Strip, since: int) -> None:
        if not one.sounding:
            return
        since = grid_floor(since)
        one.gains_until = min(one.gains_until, since)
        if isinstance(one, Strip):
            one.knobs_until = min(one.knobs_until, since)
            one.through_until = min(one.through_until, since)
        else:
            one.feeds_until = min(one.feeds_until, since)
        if self._gathering:
            self._stale.add(one.serial)
        else:
            self._write(one)

    def _rewrite_slot(self, slot: int, since: int) -> None:
        """Write again what depends on a layer's settings."""
        for one in (*self.voices.values(), *self.strips):
            if one.slot == slot:
                self._rewrite(one, since)
        self._rewrite_sends(slot, since)

    def _rewrite_sends(self, slot: int, since: int) -> None:
        for row in self.strips.rows.values():
            if row.source.slot == slot:
                row.until = min(row.until, grid_floor(since))
                self._write_send(row)

    def _write(self, one: Voice | Strip) -> None:
        self._write_gains(one)
        if isinstance(one, Strip):
            self._write_knobs(one)
            self._write_through(one)
        else:
            self._write_feed(one)

    def _last(self, live: bool, known: int, least: int = 0) -> int:
        """Return one past the last grid point that can be written: as far as what is live is known,
        but up to `least`, where it is not heard."""
        last = grid_ceil(max(self.position, 0) + self.reach)
        return min(last, max(grid_floor(known), least)) if live else last

    def _known(self) -> int:
        """Return the sample up to which live levels are known."""
        soon, late = (self.tapes.closed + lead for lead in (self.lead, self.effects_lead))
        reached = soon
        for since, until in self.lates:
            if since <= reached:
                reached = max(reached, late if until is None else min(late, until))
        return reached

    def _span(self, until: int, start: int, last: int) -> NDArray[np.int64]:
        """Return the grid points that are to be written: from what was written until then on."""
        first = max(until, start, grid_floor(self.position) - BEFORE)
        return np.arange(first, last, GRID, dtype=np.int64)

    def _write_gains(self, one: Voice | Strip) -> None:
        live = self._setting(one).live or self.master.live
        if live:
            self._hold_late(one)
        least = one.start + GRID if isinstance(one, Voice) else 0  # a fade begins at 0 anyway
        last = self._last(live, self._known(), least)
        samples = self._span(one.gains_until, one.start, last)
        if not len(samples):
            self._publish(one, min(last, one.gains_until) if live else one.gains_until)
            return
        gains, points = self._gains(one, samples), samples // GRID % POINTS
        # What has two sides has a ring for each.
        if len(one.rings) == 1:
            self.shared.gains[:, one.rings[0], points] = gains
        else:
            own, other = self._apart(one, samples)
            for side, ring in enumerate(one.rings):
                self.shared.gains[side, ring, points] = gains[side] * own
                self.shared.gains[1 - side, ring, points] = gains[1 - side] * other
        self._publish(one, int(samples[-1]) + GRID)

    def _apart(
        self, one: Voice | Strip, samples: NDArray[np.int64]
    ) -> tuple[Floats | float, Floats | float]:
        """Return how much of each side of two goes to its own side, and to the other."""
        if not self._setting(one).widened or one.slot == MASTER:
            return 1.0, 0.0
        width = self._widths(one, samples)[0]
        return (1.0 + width) / 2.0, (1.0 - width) / 2.0

    def _publish(self, one: Voice | Strip, until: int) -> None:
        one.gains_until = until
        fence()
        for ring in one.rings:
            self.shared.gains_until[ring] = until

    def _write_feed(self, voice: Voice) -> None:
        """Write with how much a voice feeds its strip."""
        samples = self._span(voice.feeds_until, voice.start, self._last(False, 0))
        if not len(samples):
            return
        voice.feeds_until = int(samples[-1]) + GRID
        setting = self._setting(voice)
        if self.shared.feeding[voice.rings[0], 0] < 0:
            return
        feed = setting.feeds(samples) * voice.fade.gain(samples) * voice.gate.gain(samples)
        if voice.end is not None:
            feed[samples > grid_ceil(voice.end)] = 0.0
        for ring in voice.rings:
            self.shared.feeds[ring, samples // GRID % POINTS] = feed

    def _write_knobs(self, strip: Strip) -> None:
        knobs = self.knobs.get(strip.slot, Knobs())
        samples = self._span(
            strip.knobs_until,
            strip.start,
            self._last(knobs.live, self.tapes.closed + self.effects_lead),
        )
        if len(samples):

            def values(part: NDArray[np.int64], origin: int, tempo: Tempo) -> Floats:
                return knobs.values(part, self._reading(origin, tempo, self.effects_lead))

            rows = strip.on_its_clock(samples, self.tempo, values, blend)
            self.shared.knobs[strip.number][:, samples // GRID % POINTS] = rows
            strip.knobs_until = int(samples[-1]) + GRID
        fence()
        self.shared.knobs_until[strip.number] = strip.knobs_until

    def _write_through(self, strip: Strip) -> None:
        """Write which part of the mix goes through the master's effects."""
        if strip.slot != MASTER or strip is not self.strips.master:
            return
        samples = self._span(strip.through_until, strip.start, self._last(False, 0))
        if len(samples):
            part = self._setting(strip).feeds(samples)
            self.shared.through[samples // GRID % POINTS] = part
            strip.through_until = int(samples[-1]) + GRID

    def _write_send(self, row: Row) -> None:
        source, target = row.source, row.target
        sent, fader = self.strips.sends[row.sending], self._setting(source)
        start = max(source.start, target.start)
        last = self._last(sent.live or fader.live, self.tapes.closed + self.effects_lead)
        samples = self._span(row.until, start, last)
        if len(samples):

            def values(part: NDArray[np.int64], origin: int, tempo: Tempo) -> Floats:
                reading = self._reading(origin, tempo, self.effects_lead)
                level = sent.level(part, reading)
                if self.strips.pre[row.sending]:
                    return np.stack([level * CENTRE] * 2)
                faded = fader.behind(part, reading, audible=False)
                return faded * level

            gains = source.on_its_clock(samples, self.tempo, values)
            gains *= source.fade.gain(samples)
            self.shared.send_gains[:, row.number, samples // GRID % POINTS] = gains
            row.until = int(samples[-1]) + GRID
        fence()
        self.shared.sends_until[row.number] = row.until

    # Values.

    def _reading(self, origin: int, tempo: Tempo, lead: int) -> Reading:
        return Reading(origin, tempo, self.seed, self.tapes, -lead)

    def _setting(self, one: Voice | Strip) -> Setting:
        return self.settings.get(one.slot, Setting())

    def _gains(self, one: Voice | Strip, samples: NDArray[np.int64]) -> Floats:
        """Return left and right gain at some rising positions [shape=(2, n)]."""
        return self._heard_late(one, samples, lambda part, lead: self._gains_after(one, part, lead))

    def _heard_late(
        self,
        one: Voice | Strip,
        samples: NDArray[np.int64],
        values: Callable[[NDArray[np.int64], int], Floats],
    ) -> Floats:
        """Return values [shape=(k, n)] from positions and from how long after they arrive live
        curves are heard there: as late as in effects while the master has some."""
        if not self.lates or not (self._setting(one).live or self.master.live):
            return values(samples, self.lead)
        edges = sorted({edge for late in self.lates for edge in late if edge is not None})
        parts = np.split(samples, np.searchsorted(samples, edges))
        found = []
        for part in parts:
            if len(part):
                at = int(part[0])
                late = any(since <= at < (until or at + 1) for since, until in self.lates)
                found.append(values(part, self.effects_lead if late else self.lead))
        return np.concatenate(found, axis=1)

    def _widths(self, one: Voice | Strip, samples: NDArray[np.int64]) -> Floats:
        """Return how far apart two sides are [shape=(1, n)]."""
        setting = self._setting(one)

        def after(samples: NDArray[np.int64], lead: int) -> Floats:
            def values(part: NDArray[np.int64], origin: int, tempo: Tempo) -> Floats:
                return setting.widths(part, self._reading(origin, tempo, lead))

            if isinstance(one, Strip):
                return one.on_its_clock(samples, self.tempo, values)
            return values(samples, one.clip.origin, one.clip.tempo)

        width = self._heard_late(one, samples, after)
        for held in one.holds:
            width[:, (samples >= held.at) & (samples < held.to)] = held.width
        return width

    def _gains_after(self, one: Voice | Strip, samples: NDArray[np.int64], lead: int) -> Floats:
        """Return gains, with what is live heard so long after it has arrived."""
        setting = self._setting(one)
        if isinstance(one, Strip):
            gains = self._behind(one, samples, lead)
        else:
            clip = one.clip
            gains = setting.gains(samples, self._reading(clip.origin, clip.tempo, lead))
        if isinstance(one, Voice) or one.slot != MASTER:
            master = self.master.gains(samples, self._reading(0, self.tempo, lead))[0]
        else:
            master = np.ones(len(samples))  # it stands before its effects
        gains *= one.fade.gain(samples) * one.gate.gain(samples) * master
        if one.end is not None:
            gains[:, samples > grid_ceil(one.end)] = 0.0  # no hole: the texture is over
        for held in one.holds:
            here = (samples >= held.at) & (samples < held.to)
            gains[:, here] = held.gains
        return gains

    def _behind(self, strip: Strip, samples: NDArray[np.int64], lead: int) -> Floats:
        """Return the gains of what comes out of a strip."""
        if strip.slot == MASTER:
            return np.ones((2, len(samples)))
        setting = self._setting(strip)

        def values(part: NDArray[np.int64], origin: int, tempo: Tempo) -> Floats:
            return setting.behind(part, self._reading(origin, tempo, lead))

        return strip.on_its_clock(samples, self.tempo, values)

    # Levels that were not known in time.

    def _hold_late(self, one: Voice | Strip) -> None:
        """Note that the device took gains that were not written yet, as after a halt of the engine:
        it held the last one, and goes on with that a little."""
        taken = grid_ceil(self.position) + (AHEAD + 2) * GRID
        if self.holds and self.running and one.start < one.gains_until < taken:
            self.hold(one, one.gains_until, taken + HELD_ON)

    def hold(self, one: Voice | Strip, at: int, to: int) -> None:
        """Hold a gain from one sample to another."""
        before = np.array([at - GRID])
        gains, width = self._gains(one, before), self._widths(one, before)
        kept = [held for held in one.holds if held.to > at - FORGOTTEN]
        one.holds = [*kept, Hold(at, to, gains, width)]
        self.note(Held(at, one.serial, to))
