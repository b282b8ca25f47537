"""Ableton Link: a session of several programs, whose tempo and beats we share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from latentlive.engine.inputs.arrivals import Arrivals
from latentlive.engine.schedule.pursuit import EXACT_BOUND, NANO, Pursuit
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.errors import EngineError
from latentlive.protocol.requests import JoinLink
from latentlive.protocol.wire import Message
from latentlive.units import bpm_text

TOLD_EVERY = 0.1
"""Seconds between two tempos that we give the session, as while ours moves."""

QUIET = 0.3
"""Seconds after which the session tells of the tempo that we gave it."""


class Linked:
    """Shares tempo and beats with a session.

    Its tempo is followed, and a tempo of the performer's leads it. As long as nobody else is there
    it has our beats.

    Parameters
    ----------
    scheduler : Scheduler
    arrivals : Arrivals
    latency : function that returns seconds
    say : function of a line

    Attributes
    ----------
    send : function of an input's kind and a message
        The way to the process; a server gives it.
    wanted : bool
        Whether a session is to be joined.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        arrivals: Arrivals,
        latency: Callable[[], float],
        say: Callable[[str], object],
    ) -> None:
        self._scheduler, self._arrivals, self._latency = scheduler, arrivals, latency
        self._say = say
        self.send: Callable[[str, Message], object] = lambda kind, message: None
        self.wanted = False
        self._quantum, self._offset = 4, 0.0
        self._pursuit = self._make()
        self._peers: int | None = None
        self._led, self._quiet = 0, 0

    def _make(self) -> Pursuit:
        return Pursuit(
            self._scheduler,
            self._arrivals.pace,
            self._latency,
            exact=True,
            quantum=self._quantum,
            offset=self._offset,
        )

    def ask(self, request: JoinLink) -> None:
        """Join the session, or leave it: the tempo stays."""
        other = request.quantum != self._quantum
        self._pursuit.leave()
        self._quantum, self._offset = request.quantum, request.offset
        self._pursuit = self._make()
        self._pursuit.accept()
        if not request.on or (self.wanted and other):
            self._peers = None
            self.send("link", {"op": "leave"})
        self.wanted = request.on

    def take(self, kind: str, message: Message) -> None:
        """Take a message of the process."""
        if kind != "link":
            return
        op = message.get("op")
        if op == "begun":
            timeline = self._scheduler.timeline
            bpm = timeline.tempo.bpm_at(timeline.position)
            self.send("link", {"op": "join", "bpm": bpm, "quantum": self._quantum})
        elif op == "ended":
            self._pursuit.leave()
            self._peers = None
        elif op == "failed":
            self.wanted = False
        elif op == "session" and self.wanted:
            with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
                self._hear(message)

    def _hear(self, message: Message) -> None:
        peers, bpm = int(message["peers"]), float(message["bpm"])
        beat, at = float(message["beat"]), int(message["time_ns"])
        if peers != self._peers:
            others = f"{peers} other{'s' if peers > 1 else ''}"
            if peers:
                self._say(f"link: {others} in the session, at {bpm_text(bpm)}")
            elif self._peers is None:
                self._say("link: nobody else is here yet; who joins gets our tempo")
            else:
                self._say("link: nobody else is here any more; the tempo stays")
            self._peers = peers
        if at >= self._quiet:
            self._pursuit.hear(at, beat, bpm)

    def advance(self, now: int) -> None:
        """Follow the session, or lead it [now in nanoseconds]."""
        if self._peers is None:
            return
        timeline, pursuit = self._scheduler.timeline, self._pursuit
        if pursuit.settled() and timeline.tempo is not pursuit.mine:
            self._lead(now)
        elif self._peers:
            try:
                pursuit.advance(now)
            except EngineError as error:  # the tempo has changed too often for one performance
                self._say(str(error))
                self.wanted, self._peers = False, None
        else:
            apart = pursuit.error()
            if apart is not None and abs(apart) > EXACT_BOUND:
                self._lead(now)

    def _lead(self, now: int) -> None:
        """Give the session our tempo, as it is heard, until it moves no more."""
        if now < self._led + TOLD_EVERY * NANO:
            return
        self._led = now
        timeline = self._scheduler.timeline
        tempo, heard = timeline.tempo, timeline.position
        message: Message = {"op": "lead", "time_ns": now}
        if timeline.running:
            heard = round(self._arrivals.pace.sample(now - round(self._late * NANO)))
            message["beat"] = float(tempo.beats(heard))
        self.send("link", {**message, "bpm": tempo.bpm_at(max(heard, 0))})
        self._pursuit.outer.forget()  # it is what it was before
        self._quiet = now + round(QUIET * NANO)
        last = tempo.changes[-1] if tempo.changes else None
        if last is None or heard >= last.at + last.over:
            self._pursuit.accept()

    @property
    def _late(self) -> float:
        return self._latency() - self._offset

    def on_time(self) -> bool:
        """Return whether the transport may start: with a beat of the others, if there are any."""
        return not self._peers or self._pursuit.on_time()

    def status(self) -> Message:
        """Return who else is there, the session's tempo, and how far our beats are from it."""
        if not self.wanted:
            return {"link": None}
        outer = self._pursuit.outer
        bpm = outer.bpm if outer.known else None
        return {"link": {"peers": self._peers, "bpm": bpm, "apart": self._pursuit.error()}}
