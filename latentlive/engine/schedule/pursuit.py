"""The transport follows a clock from outside, in as few decisions as the ear asks for.

Each decision is a change of tempo in the log, and every texture is rendered anew from there on: so
a clock whose pulses come unevenly must not make one with each of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from latentlive.engine.desk.model import ChangeSet
from latentlive.engine.inputs.outer import Outer
from latentlive.engine.inputs.pace import Pace
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.engine.timing import TICK
from latentlive.protocol.changes import Join
from latentlive.units import FASTEST, SLOWEST, Tempo

BOUND, EXACT_BOUND = 0.006, 0.003
"""Seconds beside the clock's beat from which on a decision is made; for one that is exact."""

UNSURE = 0.002
"""What is added to that for a second that is still to come: tempos are not known better."""

OTHER, EXACT_OTHER = 0.01, 1e-4
"""Part of the tempo by which the clock's must differ to be followed before its beats show it."""

MOST_AT_ONCE = 8
"""Decisions that may follow one another as soon as they may."""

EVERY, SOONEST = 8.0, 1.0
"""Seconds to a further decision when those are spent, and between two of them."""

LONGEST_WAIT = 4.0
"""Seconds to the clock's next beat for which a transport waits that is to start."""

ASKED = 0.1
"""Seconds after which a transport that was ready no longer is."""

NANO = 1e9


class Pursuit:
    """Follows a clock.

    Parameters
    ----------
    scheduler : Scheduler
    pace : Pace
        Of the device.
    latency : function that returns seconds
        From the moment at which the device asks for a sample until that is heard.
    exact : bool
        Whether the clock tells its tempo itself.
    quantum : int [beats]
        The clock's bar: quants are counted from where it begins.
    offset : float [seconds]
        How much later than the clock's our beats are heard.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        pace: Pace,
        latency: Callable[[], float],
        exact: bool = False,
        quantum: int = 4,
        offset: float = 0.0,
    ) -> None:
        self._scheduler, self._pace, self._latency = scheduler, pace, latency
        self._exact, self._quantum, self._offset = exact, quantum, offset
        self._bound = EXACT_BOUND if exact else BOUND
        self._other = EXACT_OTHER if exact else OTHER
        self.outer = Outer(exact)
        self._phase: float | None = None
        self._anchor: float | None = None
        self._pending: ChangeSet | None = None
        self._budget, self._ticked, self._decided = float(MOST_AT_ONCE), 0, -math.inf
        self.mine: Tempo | None = None
        """The tempo that was decided here; another one is the performer's."""
        self._now = 0
        self._waits: tuple[int, int] | None = None

    def hear(self, time_ns: int, counted: float, bpm: float, phase: float | None = 0.0) -> None:
        """Take what the clock tells.

        Parameters
        ----------
        time_ns : int
        counted : float [beats]
            What it counts at that moment.
        bpm : float
        phase : float or None
            What is to be added to that for the beat of its song; None while no song runs, then
            its tempo alone is followed.
        """
        if not SLOWEST <= bpm <= FASTEST:
            return
        if not self.outer.take(time_ns, counted, bpm) or phase is not None:
            self._anchor = None
        self._phase = phase

    def leave(self) -> None:
        """Follow the clock no more: the tempo stays, a decision that waits is dropped."""
        if self._pending is not None and self.waits:
            self._scheduler.allocation.drop(self._pending)
        self.outer.forget()
        self._anchor = self._phase = self._pending = None

    @property
    def waits(self) -> bool:
        """Whether a decision waits for its textures."""
        return self._pending is not None and self._pending in self._scheduler.timeline.pending

    def settled(self) -> bool:
        """Return whether no decision waits; one that did has landed by now."""
        if self.waits:
            return False
        if self._pending is not None:
            self._pending = None
            self.accept()
        return True

    def accept(self) -> None:
        """Take the present tempo for one that the clock has."""
        self.mine = self._scheduler.timeline.tempo

    def heard(self, sample: float) -> float:
        """Return the moment at which a sample is heard [nanoseconds]."""
        return self._pace.moment(sample) + (self._latency() - self._offset) * NANO

    def error(self) -> float | None:
        """Return how much later than the clock our beats are heard [seconds], None if unknown."""
        timeline = self._scheduler.timeline
        shift = self._anchor if self._phase is None else self._phase
        if not (self.outer.known and timeline.running) or shift is None:
            return None
        at = timeline.position
        theirs = self.outer.beat(self.heard(at)) + shift
        return self._apart(theirs - float(timeline.tempo.beats(at)))

    def _apart(self, beats: float) -> float:
        """Return the part of some beats that is no whole one, in seconds of the clock."""
        return (beats - round(beats)) * 60.0 / self.outer.bpm

    def advance(self, now: int) -> None:
        """Decide, if there is anything to decide [now in nanoseconds].

        Raises
        ------
        EngineError
            If the tempo has changed too often in this performance.
        """
        passed, self._ticked = (now - self._ticked) / NANO, now
        self._budget = min(self._budget + passed / EVERY, float(MOST_AT_ONCE))
        self._now = now
        soon = now < self._decided + SOONEST * NANO or self._budget < 1.0
        if not self.settled() or not self.outer.known or soon:
            return
        timeline, bpm = self._scheduler.timeline, self.outer.bpm
        tempo = timeline.tempo
        at = timeline.earliest + timeline.ready_enough
        if not timeline.running:
            if abs(tempo.bpm_at(timeline.position) / bpm - 1.0) > self._other / 2.0:
                self._decide(Join(bpm, when=timeline.position), now)
            return
        counted = self.outer.beat(self.heard(at))
        ours = float(tempo.beats(at))
        if self._phase is None and self._anchor is None:
            self._anchor = ours - counted
        theirs = counted + (self._phase if self._phase is not None else self._anchor or 0.0)
        whole = round(theirs - ours)
        if self._phase is not None:
            timeline.downbeat = -whole % self._quantum
        # A decision that is being carried out is judged by where it leads.
        end = max(at, tempo.changes[-1].at) if tempo is self.mine and tempo.changes else at
        later = (end - at) / tempo.sample_rate
        error = theirs - whole + later * bpm / 60.0 - float(tempo.beats(end))
        far = abs(error) * 60.0 / bpm > self._bound + UNSURE * later
        if far or abs(tempo.bpm_at(end) / bpm - 1.0) > self._other:
            self._decide(Join(bpm, beat=theirs - whole, when=at), now)

    def _decide(self, change: Join, now: int) -> None:
        self._decided = now
        self._budget -= 1.0
        self._pending = self._scheduler.apply([change], undoable=False)

    def on_time(self) -> bool:
        """Return whether the transport may start: with a beat of the clock."""
        if not self.outer.known or self._phase is None:
            return True
        beat = self._phase + self.outer.beat(
            self._now + (self._latency() + TICK - self._offset) * NANO
        )
        whole = math.floor(beat)
        if (whole + 1.0 - beat) * 60.0 / self.outer.bpm > LONGEST_WAIT:
            return True
        since = self._waits if self._waits and self._now < self._waits[1] + ASKED * NANO else None
        first = whole if since is None else since[0]
        self._waits = first, self._now
        return whole > first
