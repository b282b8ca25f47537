"""Clocks from outside and ours for others: MIDI clock that is followed, MIDI clock that is sent."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from latentlive.engine.inputs.arrivals import Arrivals
from latentlive.engine.schedule.pursuit import NANO, Pursuit
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.errors import EngineError, did_you_mean, printable
from latentlive.protocol.requests import ClockIn, ClockOut
from latentlive.protocol.wire import Message
from latentlive.units import bpm_text

TOLD_EVERY = 0.1
"""Seconds between two messages about a clock that is sent."""

MOST_OUT = 16
"""Devices that get our clock."""


@dataclass
class Heard:
    """What a device last told of its clock.

    Parameters
    ----------
    bpm : float
    running, locked : bool
        Whether its song runs, and whether its pulses have a tempo.
    """

    bpm: float
    running: bool
    locked: bool


class Clocks:
    """Follows the clock of a MIDI device, and gives ours to others.

    Parameters
    ----------
    scheduler : Scheduler
    arrivals : Arrivals
    latency : function that returns seconds
        Of the device that plays.
    say : function of a line

    Attributes
    ----------
    send : function of an input's kind and a message
        The way to the processes; a server gives it.
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
        self._heard: dict[str, Heard] = {}
        self._wanted: str | None = None
        self._followed: str | None = None
        self._pursuit = Pursuit(scheduler, arrivals.pace, latency)
        self._outputs: list[str] = []
        self._out: dict[str, float] = {}
        self._sounding: set[str] = set()
        self._told = 0

    # What a performer asks for.

    def follow(self, request: ClockIn) -> None:
        """Follow the clock of a device from now on, or none."""
        self._leave()
        self._wanted = request.device
        if request.device is not None:
            self._scheduler.follows.add("midi")
            self._choose()
            if self._followed is None:
                whose = f" of {request.device!r}" if request.device else ""
                self._say(printable(f"clock_in: no clock{whose} comes yet; it is followed then"))

    def give(self, request: ClockOut) -> None:
        """Give a device our clock from now on; without one, no device any more.

        Raises
        ------
        EngineError
            If that would be too many.
        """
        if request.device is None:
            self._out = {}
            self._silence(self._sounding)
            return
        if len(self._out) >= MOST_OUT and request.device not in self._out:
            raise EngineError(f"clock_out: at most {MOST_OUT} devices get the clock")
        self._scheduler.follows.add("midi")
        self._out[request.device] = request.offset
        self._told = 0
        if self._outputs and not self._targets(request.device):
            hint = did_you_mean(request.device, self._outputs)
            there = hint or f"; there are {', '.join(self._outputs)}"
            self._say(
                printable(
                    f"clock_out: no MIDI output {request.device!r} is there{there}; "
                    "it gets the clock when it is plugged in"
                )
            )

    def check(self) -> None:
        """Refuse a tempo of the performer's while a clock gives it.

        Raises
        ------
        EngineError
        """
        if self._followed is not None:
            raise EngineError(
                f"tempo: {self._followed} gives the tempo; clock_in(None) lets you set it"
            )

    @property
    def wanted(self) -> bool:
        """Whether the clock of some device is to be followed."""
        return self._wanted is not None

    @property
    def sends(self) -> bool:
        """Whether any device gets our clock."""
        return bool(self._out)

    # What the MIDI process tells.

    def take(self, kind: str, message: Message) -> None:
        """Take a message about clocks and ports."""
        if kind != "midi":
            return
        op = message.get("op")
        if op == "ports":
            self._outputs = [str(name) for name in message.get("outputs", ())]
            self._sounding &= set(self._outputs)
        elif op == "ended":
            self._sounding.clear()
            for name in list(self._heard):
                self._hear(name, Heard(self._heard[name].bpm, False, False))
        elif op == "clock":
            with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
                name, bpm = str(message["device"]), float(message["bpm"])
                told = Heard(bpm, bool(message["running"]), bool(message["locked"]))
                self._hear(name, told)
                if name == self._followed:
                    counted = float(message["counted"])
                    phase = float(message["beat"]) - counted if told.running else None
                    self._pursuit.hear(int(message["time_ns"]), counted, bpm, phase)

    def _hear(self, name: str, told: Heard) -> None:
        before = self._heard.get(name)
        self._heard[name] = told
        if name != self._followed:
            self._choose()
        elif not told.locked:
            self._say(
                printable(f"clock_in: the clock of {name} is gone; the tempo stays at {self._bpm}")
            )
            self._leave()
            self._choose()
        elif before is not None and before.running != told.running:
            self._turned(name, told.running)

    def _turned(self, name: str, running: bool) -> None:
        """Take note that a device's song starts or stops; ours never stops."""
        if not running:
            self._say(printable(f"clock_in: {name} stops; the sound goes on at its tempo"))
        elif self._scheduler.held:
            self._say(printable(f"clock_in: {name} starts, and so does what is held"))
            self._scheduler.start()
        else:
            self._say(printable(f"clock_in: {name} starts; its beats are followed"))

    def _choose(self) -> None:
        """Follow a device that was asked for, if one has a tempo by now."""
        if self._followed is not None or self._wanted is None:
            return
        for name, told in self._heard.items():
            if told.locked and self._wanted.casefold() in name.casefold():
                self._followed = name
                self._say(
                    printable(f"clock_in: {name} gives the tempo, about {bpm_text(told.bpm)}")
                )
                return

    def _leave(self) -> None:
        """Follow no device any more."""
        self._pursuit.leave()
        self._followed = None

    @property
    def _bpm(self) -> str:
        timeline = self._scheduler.timeline
        return bpm_text(timeline.tempo.bpm_at(timeline.position))

    # As time goes on.

    def advance(self, now: int) -> None:
        """Follow, and tell those that get our clock where we are [now in nanoseconds]."""
        try:
            self._pursuit.advance(now)
        except EngineError as error:  # the tempo has changed too often for one performance
            self._say(str(error))
            self._wanted = None
            self._leave()

    def tell(self, now: int) -> None:
        """Tell the devices that get our clock where we are [now in nanoseconds]."""
        if not self._out or now < self._told + TOLD_EVERY * NANO:
            return
        self._told = now
        timeline = self._scheduler.timeline
        told: set[str] = set()
        for wanted, offset in self._out.items():
            then = now - round((self._latency() + offset) * NANO)
            sample = self._arrivals.pace.sample(then)
            for name in self._targets(wanted):
                if name in told or not timeline.running:
                    continue
                told.add(name)
                message: Message = {"op": "clock out", "device": name, "running": True}
                message["bpm"] = timeline.tempo.bpm_at(max(round(sample), 0))
                message["beat"] = float(timeline.tempo.beats(sample))
                self.send("midi", {**message, "time_ns": now})
        self._silence(self._sounding - told)
        self._sounding = told

    def _targets(self, wanted: str) -> list[str]:
        """Return the outputs that a name means."""
        return [name for name in self._outputs if wanted.casefold() in name.casefold()]

    def _silence(self, names: set[str]) -> None:
        for name in sorted(names):
            self.send("midi", {"op": "clock out", "device": name, "running": False})
        self._sounding = self._sounding - names

    def on_time(self) -> bool:
        """Return whether the transport may start."""
        return self._pursuit.on_time()

    def status(self) -> Message:
        """Return which clocks are heard, which is followed and how closely, and who gets ours."""
        heard = [
            [name, round(told.bpm, 2), told.running, told.locked]
            for name, told in self._heard.items()
        ]
        told = {"heard": heard, "followed": self._followed, "apart": self._pursuit.error()}
        return {"clock": {**told, "given": sorted(self._sounding)}}
