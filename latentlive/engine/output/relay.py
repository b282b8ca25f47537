"""The audio process and the one that stands by, replaced when they die or hang."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from latentlive.engine.shared import CALLS, HEARTBEAT, Shared
from latentlive.engine.timing import (
    BEAT_LOOK_AFTER,
    FROZEN_AFTER,
    GO_PATIENCE,
    STANDBY_AFTER,
    STANDBY_ASK_EVERY,
    STANDBY_DOUBTED_AFTER,
    STANDBY_FROZEN_AFTER,
    START_PATIENCE,
)
from latentlive.errors import EngineError
from latentlive.ground import processes
from latentlive.ground.patience import Patience, never
from latentlive.ground.restarts import Restarts
from latentlive.ground.turns import Stop, Turns
from latentlive.protocol.children import Child, Children, close
from latentlive.protocol.wire import Message

MAX_DEATHS = 5
"""Deaths within a minute after which no device is opened; the engine only keeps time."""


class Standby:
    """A spare audio process, ready to take over.

    Parameters
    ----------
    child : Child
    """

    def __init__(self, child: Child) -> None:
        self.child = child
        self.ready = False
        self._patience = Patience(excused=Turns(child.process.pid).missed)
        self._stop = Stop(child.process.pid)
        self._asked = time.monotonic()

    def answered(self) -> None:
        """Note that it answered."""
        self.ready = True
        self._patience.heard()

    def hangs(self) -> bool:
        """Ping it now and then; return whether it has been silent for long."""
        now = time.monotonic()
        if self.ready and now > self._asked + STANDBY_ASK_EVERY:
            self._asked = now
            self.child.send({"op": "ping"})
        waited = self._patience.waited()
        if waited > BEAT_LOOK_AFTER and self._stop.lasts():
            return True
        return waited > (STANDBY_FROZEN_AFTER if self.ready else START_PATIENCE)

    @property
    def reliable(self) -> bool:
        """Whether it would go on at once."""
        there = self.ready and self._patience.waited() < STANDBY_DOUBTED_AFTER
        return there and not processes.stopped(self.child.process.pid)


class Relay:
    """Keeps an audio process playing.

    Parameters
    ----------
    shared : Shared
    rate : int [samples per second]
        The model's.
    options : mapping
        'device', 'block', 'latency' and 'silent', as the engine was given them.
    children : Children
    say : function of a line
        Told what a performer should know.

    Raises
    ------
    EngineError
        If no process can be started.
    """

    def __init__(
        self,
        shared: Shared,
        rate: int,
        options: Mapping[str, Any],
        children: Children,
        say: Callable[[str], object],
    ) -> None:
        self._shared, self._rate, self._options = shared, rate, options
        self._children, self._say = children, say
        self._latency, self._silent = float(options["latency"]), bool(options["silent"])
        self.device: Message | None = None
        """The device that was opened, or none and why; None before that is known."""
        self._heard_once = self._lost = self._hangs = False
        self._beat, self._beaten = int(shared.header[HEARTBEAT]), time.monotonic()
        self._calls, self._called = int(shared.header[CALLS]), time.monotonic()
        self._restarts, self._spares = Restarts(), Restarts()
        self._spares.wait(STANDBY_AFTER)
        self._spare: Standby | None = None
        self.child: Child | None = self._start()
        self._began(START_PATIENCE)

    def _start(self, *more: str) -> Child:
        arguments = ["--rate", str(self._rate), "--device", self._options["device"]]
        arguments += ["--block", str(self._options["block"]), "--latency", str(self._latency)]
        arguments += ["--silent"] * self._silent + [*more]
        return self._children.start("audio", "latentlive.engine.output.process", arguments)

    def _began(self, patience: float) -> None:
        """Give the audio process so many seconds for its first beat."""
        self.device, self._hangs, self._alive = None, False, False
        self._calling, self._limit = Patience(), patience
        pid = self.pid
        self._beats = Patience(excused=never if pid is None else Turns(pid).missed)
        self._stop = None if pid is None else Stop(pid)

    @property
    def pid(self) -> int | None:
        """The process that plays."""
        return None if self.child is None else self.child.process.pid

    @property
    def standby(self) -> int | None:
        """The process that stands by, if it is ready."""
        spare = self._spare
        return spare.child.process.pid if spare is not None and spare.ready else None

    # Their messages.

    def take(self, child: Child, message: Message | None) -> None:
        """Take a message of an audio process, None when it has ended."""
        if self._spare is not None and child is self._spare.child:
            if message is not None:
                self._spare.answered()
                self._spares.began()
            else:
                self._drop_spare()
                self._spares.wait(STANDBY_AFTER)
        elif child is self.child:
            if message is None:
                self._replace("the audio process died and is started again")
            elif message["op"] == "opened":
                self._opened(message)

    def _opened(self, message: Message) -> None:
        self.device = message
        name = message["device"]
        if name is not None:
            if self._lost:
                self._say(f"heard {'again ' * self._heard_once}on {name}")
            if not self._heard_once:
                self._tell_difference(name, message)
            self._heard_once, self._lost = True, False
        elif not self._lost and not self._options["silent"]:
            self._lost = True
            told = message["why"] if self._heard_once else f"no sound is heard: {message['why']}"
            self._say(f"{told}; time is kept")

    def _tell_difference(self, name: str, message: Message) -> None:
        if message["rate"] != self._rate:
            self._say(f"{name} plays at {message['rate']} Hz: resampled from {self._rate} Hz")
        if 1 < message["channels"] < self._shared.channels:
            first = message["channels"] + 1
            self._say(
                f"{name} has {message['channels']} channels: "
                f"{first} to {self._shared.channels} are not heard"
            )

    # Replacing them.

    def watch(self) -> None:
        """Replace a process that hangs or is missing; call it often."""
        if self._spare is not None and self._spare.hangs():
            self._drop_spare()
        if self.child is None:
            if self._restarts.due:
                self._go_on()
            return
        self._look()
        if self._frozen():
            self._replace("the audio process hung and was replaced")
            return
        if self._plays() and self._calling.waited() > FROZEN_AFTER + self._latency:
            self._hangs = True
            self._stuck()
        if self._hangs and self._spare is not None and self._spare.reliable:
            # Until then the hung process keeps time.
            self._go_on()
            self._stuck()
        elif self._spare is None and (self._hangs or self._spares.due):
            self._start_spare()

    def _look(self) -> None:
        """Watch the audio process's heartbeat and the device's callbacks."""
        beat, calls = int(self._shared.header[HEARTBEAT]), int(self._shared.header[CALLS])
        if beat != self._beat:
            self._beat, self._beaten, self._alive = beat, time.monotonic(), True
            self._beats.heard()
        if calls != self._calls:
            self._calls, self._called = calls, time.monotonic()
            self._calling.heard()

    def _frozen(self) -> bool:
        """Return whether the audio process has not beaten for long, or is stopped."""
        waited = self._beats.waited()
        if waited > BEAT_LOOK_AFTER and self._stop is not None and self._stop.lasts():
            return True
        return waited > (FROZEN_AFTER + self._latency if self._alive else self._limit)

    def _plays(self) -> bool:
        return self.device is not None and self.device["device"] is not None

    def _stuck(self) -> None:
        if not self._lost:
            self._lost = True
            self._say("the sound device does not answer; time is kept until it does")
        self.device = {"device": None, "why": "the sound device does not answer"}

    def _replace(self, why: str) -> None:
        """Let another audio process take over, unless they die one after the other."""
        deaths = self._restarts.died()
        if deaths <= MAX_DEATHS:
            self._say(why)
        elif not self._silent:
            self._silent = True
            self._drop_spare()  # a new process would open the device
            self._say(
                "the audio process keeps dying; time is kept without sound; "
                f"see {self._children.log}"
            )
        elif deaths > 2 * MAX_DEATHS:
            self._restarts.wait(START_PATIENCE)
            self._drop()
            return
        self._go_on()

    def _drop(self) -> None:
        if self.child is not None:
            # Killed before its input closes: it would take that for the engine's end.
            self.child.kill()
            self.child = None

    def _go_on(self) -> None:
        """Let the standby take over, or else a new process."""
        self._drop()
        due = max(self._beaten, self._called + self._latency * self._plays())
        self._spares.wait(STANDBY_AFTER)
        spare = self._spare
        if spare is not None and spare.reliable:
            self.child, self._spare = spare.child, None
            self.child.send({"op": "go", "due": due})
            self._began(GO_PATIENCE)
            return
        self._drop_spare()
        try:
            self.child = self._start("--due", repr(due))
            self._restarts.began()
        except EngineError as error:
            if self._restarts.failed():
                self._say(f"{error}; it is tried again")
        self._began(START_PATIENCE)

    def _start_spare(self) -> None:
        try:
            self._spare = Standby(self._start("--standby"))
        except EngineError:
            self._spares.failed()  # the playing process is not affected

    def _drop_spare(self) -> None:
        if self._spare is not None:
            self._spare.child.kill()
            self._spare = None

    def close(self) -> None:
        """End the audio process."""
        self._drop_spare()
        if self.child is not None:
            close([self.child])
