"""The engine's output: the audio process and its watchdog, and what is recorded of it."""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from latentlive.engine.block import (
    BUSY_MAX_NS,
    BUSY_NS,
    CALLS,
    HEARTBEAT,
    MISSING,
    POSITION,
    UNDERFLOWS,
    Block,
    duration_ms,
)
from latentlive.engine.children import Child
from latentlive.engine.recorder import Recorder
from latentlive.engine.wire import Message
from latentlive.errors import EngineError

FROZEN_AFTER = 1.0
"""Seconds without a callback, besides the latency, after which a device is given up."""

START_PATIENCE = 15.0
"""Seconds that a new audio process has to begin."""

STANDBY_AFTER = 3.0
"""Seconds after an audio process began at which another one is started that stands by."""

MAX_DEATHS = 5
"""Deaths within a minute after which no device is opened any more, only time kept."""

Rings = Callable[[], Mapping[str, Sequence[int]]]


class Output:
    """Owns the audio process and the recorder.

    Parameters
    ----------
    block : Block
    rate : int [samples per second]
        The model's.
    options : mapping
        'device', 'block', 'latency' and 'silent', as the engine was given them.
    inbox : queue
        Where the audio process's messages go.
    log : file
    say : function of a line
        Told what a performer should know.
    rings : function
        Returns the rings that belong to each layer now.
    """

    def __init__(
        self,
        block: Block,
        rate: int,
        options: Mapping[str, Any],
        inbox: queue.Queue[tuple[Any, Message | None]],
        log: IO[bytes],
        say: Callable[[str], object],
        rings: Rings,
    ) -> None:
        self.block, self.rate, self.options = block, rate, options
        self.inbox, self.log, self.say, self.rings = inbox, log, say, rings
        self.latency = float(options["latency"])
        self.silent = bool(options["silent"])
        self.device: Message | None = None
        self.recorder: Recorder | None = None
        self.whole: Recorder | None = None
        self._deaths: list[float] = []
        self._heard_once = self._lost = False
        self._beat = int(block.header[HEARTBEAT])
        self._beaten = time.monotonic()
        self._busy = (0, 0.0)
        self._load = 0.0
        self._calls, self._called = int(block.header[CALLS]), time.monotonic()
        self._spare: Child | None = None
        self._standing_by = self._hangs = False
        self._started, self._alive = time.monotonic(), False
        self._spare_due = self._started + STANDBY_AFTER
        self.child = self._start()

    def _start(self, *more: str) -> Child:
        arguments = ["--rate", str(self.rate), "--device", self.options["device"]]
        arguments += ["--block", str(self.options["block"]), "--latency", str(self.latency)]
        arguments += ["--silent"] * self.silent + [*more]
        module = "latentlive.engine.audio"
        return Child("audio", module, arguments, self.block.fd, self.inbox, self.log)

    def _restart(self) -> None:
        """Let another audio process go on: the one that stands by, or else a new one."""
        # Killed before its input is closed: it would take that for the end of the engine.
        self.child.process.kill()
        self.child.close()
        due = max(self._beaten, self._called + self.latency * self._plays())
        self._started, self._alive, self.device = time.monotonic(), False, None
        self._hangs = False
        self._spare_due = self._started + STANDBY_AFTER
        spare, self._spare = self._spare, None
        if spare is None:
            self.child = self._start("--due", repr(due))
            return
        self.child, self._standing_by = spare, False
        spare.send({"op": "go", "due": due})

    def _drop_spare(self) -> None:
        if self._spare is not None:
            spare, self._spare, self._standing_by = self._spare, None, False
            spare.close()

    def take(self, child: Child, message: Message | None) -> None:
        """Take a message of the audio process, None when it has ended."""
        if child is self._spare:
            self._standing_by = message is not None
            if message is None:
                self._spare, self._spare_due = None, time.monotonic() + STANDBY_AFTER
        if child is not self.child:
            return
        if message is None:
            self._died()
        elif message["op"] == "opened":
            self._opened(message)

    def _died(self) -> None:
        now = time.monotonic()
        self._deaths = [t for t in self._deaths if t > now - 60.0] + [now]
        if len(self._deaths) <= MAX_DEATHS:
            self.say("the audio process died and is started again")
        elif not self.silent:
            self.silent = True
            self._drop_spare()  # it would open a device
            self.say(
                f"the audio process keeps dying; time is kept without sound; see {self.log.name}"
            )
        elif len(self._deaths) > 2 * MAX_DEATHS:
            return  # the watchdog tries again, now and then
        self._restart()

    def _opened(self, message: Message) -> None:
        self.device = message
        name = message["device"]
        if name is not None:
            if self._lost:
                self.say(f"heard {'again ' * self._heard_once}on {name}")
            if not self._heard_once:
                self._tell_difference(name, message)
            self._heard_once, self._lost = True, False
        elif not self._lost and not self.options["silent"]:
            self._lost = True
            told = message["why"] if self._heard_once else f"no sound is heard: {message['why']}"
            self.say(f"{told}; time is kept")

    def _tell_difference(self, name: str, message: Message) -> None:
        if message["rate"] != self.rate:
            self.say(f"{name} plays at {message['rate']} Hz: resampled from {self.rate} Hz")
        if 1 < message["channels"] < self.block.channels:
            first = message["channels"] + 1
            self.say(
                f"{name} has {message['channels']} channels: "
                f"{first} to {self.block.channels} are not heard"
            )

    def tick(self) -> None:
        """Watch the audio process and hand over what is to be recorded; call it often."""
        now = time.monotonic()
        self._watch(now)
        self._measure(now)
        for recorder in self._recorders():
            self._drain(recorder)
            self._tell(recorder)
            if recorder.failed:
                self._end(recorder)
                self.say(recorder.failed)

    def _watch(self, now: float) -> None:
        header = self.block.header
        beat, calls = int(header[HEARTBEAT]), int(header[CALLS])
        if beat != self._beat:
            self._beat, self._beaten, self._alive = beat, now, True
        if calls != self._calls:
            self._calls, self._called = calls, now
        limit = FROZEN_AFTER + self.latency
        if now - max(self._beaten, self._started) > (limit if self._alive else START_PATIENCE):
            self._restart()
            self._stuck()
            return
        if self._plays() and now - self._called > limit:
            self._hangs = True
            self._stuck()
        if self._hangs and self._standing_by:
            # Until then the process that hangs keeps time.
            self._restart()
            self._stuck()
        elif self._spare is None and (self._hangs or now > self._spare_due):
            self._spare = self._start("--standby")

    def _plays(self) -> bool:
        return self.device is not None and self.device["device"] is not None

    def _stuck(self) -> None:
        if not self._lost:
            self._lost = True
            self.say("the sound device does not answer; time is kept until it does")
        self.device = {"device": None, "why": "the sound device does not answer"}

    def _measure(self, now: float) -> None:
        busy, since = self._busy
        if now - since >= 1.0:
            total = int(self.block.header[BUSY_NS])
            self._load = (total - busy) / 1e9 / (now - since)
            self._busy = total, now

    def record(self, path: str, stems: str | None = None) -> None:
        """Write what is heard to a file from now on, and each layer into a folder if asked.

        What was recorded so far ends once this is open; `record_all` goes on beside it.

        Parameters
        ----------
        path : str
            Ends in ``.wav`` (32-bit float) or ``.flac`` (24-bit); gets a number if it is there.
        stems : str, optional
            A folder, made if need be.

        Raises
        ------
        EngineError
            If it cannot be written; what is recorded goes on then.
        """
        folder = None if stems is None else Path(stems)
        fresh = Recorder(Path(path), self.block, self.rate, folder, self.rings())
        self._tell(fresh)
        if self.recorder is not None:
            self.stop_recording()
        self.recorder = fresh
        self.say(f"recording to {fresh.path}")

    def record_all(self, path: str) -> None:
        """Write all that is heard to a file until the engine ends, whatever else is recorded.

        Raises
        ------
        EngineError
            If it cannot be written, or that is done already.
        """
        if self.whole is not None:
            raise EngineError(f"record: all is recorded to {self.whole.path} already")
        self.whole = Recorder(Path(path), self.block, self.rate)
        self._tell(self.whole)

    def stop_recording(self) -> None:
        """End the recording that `record` began, and say where it is."""
        recorded = self.recorder
        if recorded is None:
            self.say("nothing is being recorded")
        else:
            self._end(recorded)
            self.say(f"recorded to {recorded.path}, {recorded.length()}")

    def _recorders(self) -> list[Recorder]:
        return [one for one in (self.recorder, self.whole) if one is not None]

    def _end(self, recorder: Recorder, patience: float = 1.0) -> None:
        """End a recording; wait so many seconds at most for a slow disk."""
        self._drain(recorder)
        recorder.close(patience)
        self._tell(recorder)
        if recorder is self.recorder:
            self.recorder = None
        else:
            self.whole = None

    def _drain(self, recorder: Recorder) -> None:
        recorder.drain(self.rings() if recorder.stems else {})

    def _tell(self, recorder: Recorder) -> None:
        while not recorder.said.empty():
            self.say(recorder.said.get())

    def status(self) -> Message:
        """Return what a panel shows of the device side."""
        header, device = self.block.header, self.device or {}
        return {
            "audio": self.child.process.pid,
            "standby": self._spare.process.pid if self._spare and self._standing_by else None,
            "opened": self.device is not None,
            "device": device.get("device"),
            "why": device.get("why", "not opened yet"),
            "latency": device.get("latency", 0.0),
            "recording": None if self.recorder is None else str(self.recorder.path),
            "out": None if self.whole is None else str(self.whole.path),
            "underflows": int(header[UNDERFLOWS]),
            "missing": int(header[MISSING]),
            "callback_ms": int(header[BUSY_MAX_NS]) / 1e6,
            "callback_p50_ms": duration_ms(self.block.durations, 50),
            "callback_p99_ms": duration_ms(self.block.durations, 99),
            "callback_load": self._load,
            "meter_db": self._meter(),
            "busy_s": int(header[BUSY_NS]) / 1e9,
        }

    def _meter(self) -> float:
        """Return the peak of the last tenth of a second in dB, -120 for silence."""
        position = int(self.block.header[POSITION])
        heard = self.block.read_tap(max(position - self.rate // 10, 0), position)
        peak = float(np.abs(heard).max(initial=0.0))
        return 20.0 * math.log10(max(peak, 1e-6))

    def close(self) -> None:
        """End the audio process, then the recording."""
        self._drop_spare()
        self.child.close()
        for recorder in self._recorders():
            self._end(recorder, patience=10.0)
