"""The sound process: listens to a microphone or a line, measures it, and keeps its last minutes.

Started as ``python -m latentlive.engine.inputs.sound``; it tells its output which input it opened
and how loud that is, and ends when its input ends.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.grabbed import keep_grabbed
from latentlive.engine.inputs.intake import Began, Block, Intake, Lost
from latentlive.engine.inputs.meters import STEP, Meter, Peaks, level
from latentlive.engine.inputs.pace import Pace
from latentlive.engine.inputs.past import SILENT, Past
from latentlive.engine.inputs.throttle import SECOND, Throttle
from latentlive.engine.timing import INPUT_TOLD_EVERY
from latentlive.errors import EngineError, SoundError
from latentlive.ground import processes, threads
from latentlive.protocol.wire import Message, Wire
from latentlive.units import Samples


class Channel:
    """A channel that is listened to.

    Parameters
    ----------
    rate : int [samples a second]
    """

    def __init__(self, rate: int) -> None:
        self.past, self.peaks = Past(rate), Peaks(rate)
        self.meters: dict[str, Meter] = {}


class Resampler:
    """Brings the blocks of an input to another rate.

    Parameters
    ----------
    before, after : int [samples a second]
    channels : int
    """

    def __init__(self, before: int, after: int, channels: int) -> None:
        self._stream: Any = None
        if before != after:
            import soxr

            self._stream = soxr.ResampleStream(before, after, channels, "float32", "HQ")

    def block(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the samples that are complete with a block [shape=(n, channels)]."""
        if self._stream is None:
            return samples
        found: NDArray[np.float32] = self._stream.resample_chunk(samples)
        return found.reshape(-1, samples.shape[1])


class Listener:
    """Takes what the input hears and what the engine asks for, one after the other.

    Parameters
    ----------
    rate : int [samples a second]
        The engine's; everything is kept at it.
    intake : Intake
    inbox : queue
        Of what happens at the input, and of the engine's messages; None is its end.
    wire : Wire
    """

    def __init__(
        self, rate: int, intake: Intake, inbox: queue.SimpleQueue[Any], wire: Wire
    ) -> None:
        self._rate, self._intake, self._inbox, self._wire = rate, intake, inbox, wire
        self._throttle = Throttle("sound")
        self._wanted: dict[str, Message] = {}
        self._channels: list[Channel] = []
        self._resampler: Resampler | None = None
        self._pace, self._count, self._gaps = Pace(rate), 0, 0
        self._told, self._heard = 0, dict[str, Any]()

    def run(self) -> None:
        """Listen until the engine asks for nothing more, or is gone."""
        with contextlib.suppress(EngineError):
            while True:
                now = time.monotonic_ns()
                for message in (*self._throttle.messages(now), *self._levels(now)):
                    self._wire.send(message)
                pause = min(self._throttle.pause(now), INPUT_TOLD_EVERY)
                with contextlib.suppress(queue.Empty):
                    happened = self._inbox.get(timeout=pause)
                    if happened is None:
                        return
                    self._take(happened)

    def _take(self, happened: Began | Lost | Block | Message) -> None:
        match happened:
            case Block():
                self._hear(happened)
            case Began():
                self._begin(happened)
            case Lost():
                self._lose(happened.why)
            case {"op": "measure"}:
                self._measure(happened)
            case {"op": "listen"}:
                self._intake.need(int(happened["channel"]))
            case {"op": "grab"}:
                self._grab(happened)

    # The input.

    def _begin(self, began: Began) -> None:
        self._resampler = Resampler(began.rate, self._rate, began.channels)
        self._channels = [Channel(self._rate) for _ in range(began.channels)]
        self._pace, self._count = Pace(self._rate), 0
        for message in self._wanted.values():
            self._add_meter(message)
        told = {"rate": began.rate, "channels": began.channels, "most": began.most}
        self._wire.send({"op": "opened", "device": began.name, **told})

    def _lose(self, why: str) -> None:
        """Let go of an input that is gone: what is not heard is silent."""
        now = time.monotonic_ns()
        for source, message in self._wanted.items():
            self._throttle.take(source, 0.0, now, f"input {message['channel']}", now)
        self._channels, self._resampler = [], None
        self._wire.send({"op": "opened", "device": None, "why": why})

    def _hear(self, block: Block) -> None:
        if self._resampler is None:
            return  # it came before the input was lost
        self._gaps += block.gap
        samples = self._resampler.block(block.samples)
        begun, self._count = self._count, self._count + len(samples)
        self._pace.observe(block.moment, self._count)
        now = time.monotonic_ns()
        for number, channel in enumerate(self._channels, 1):
            heard = np.ascontiguousarray(samples[:, number - 1])
            channel.past.take(heard)
            if channel.meters:
                levels = level(channel.peaks.take(heard))
                self._meter(channel, levels, begun, f"input {number}", now)

    def _meter(
        self, channel: Channel, levels: NDArray[np.float64], begun: int, by: str, now: int
    ) -> None:
        for source, meter in channel.meters.items():
            for step, value in meter.take(levels):
                moment = round(self._pace.moment(begun + (step + 1) * STEP))
                self._throttle.take(source, value, moment, by, now)

    # The engine.

    def _measure(self, message: Message) -> None:
        self._wanted[message["source"]] = message
        self._intake.need(int(message["channel"]))
        self._add_meter(message)

    def _add_meter(self, message: Message) -> None:
        number = int(message["channel"])
        if number <= len(self._channels):
            meter = Meter(message["attack"], message["release"], self._rate)
            self._channels[number - 1].meters[message["source"]] = meter

    def _grab(self, message: Message) -> None:
        """Keep the last samples of a channel, in a thread of its own: writing takes a while."""
        ticket, number, count = message["ticket"], int(message["channel"]), int(message["samples"])
        past = self._channels[number - 1].past if number <= len(self._channels) else None
        if past is None or past.held < count:
            held = 0.0 if past is None else past.held / self._rate
            self._wire.send({"op": "grabbed", "ticket": ticket, "held": held})
            return
        self._intake.need(number)
        threads.run(self._keep, message, past.last(count))

    def _keep(self, message: Message, samples: Samples) -> None:
        told: Message = {"op": "grabbed", "ticket": message["ticket"]}
        beside = Path(message["beside"]) if message["beside"] else None
        try:
            keep_grabbed(samples, self._rate, message["name"], beside)
        except SoundError as error:
            told["why"] = str(error)
        else:
            told["name"] = message["name"]
            told["silent"] = bool(np.abs(samples).max() <= SILENT)
        with contextlib.suppress(EngineError):  # the engine is gone
            self._wire.send(told)

    def _levels(self, now: int) -> Iterator[Message]:
        """Yield how loud the channels are, now and then."""
        if now < self._told + INPUT_TOLD_EVERY * SECOND:
            return
        self._told = now
        rows = [
            [round(one.past.peak_db(), 1), round(one.past.quiet, 1), one.past.unheard]
            for one in self._channels
        ]
        heard = {"op": "heard", "channels": rows, "gaps": self._gaps}
        if heard != self._heard:
            self._heard = heard
            yield heard


def serve(wire: Wire, inbox: queue.SimpleQueue[Any]) -> None:
    """Hand on what the engine asks for, and its end."""
    try:
        with contextlib.suppress(EngineError):
            while (message := wire.receive()) is not None:
                inbox.put(message)
    finally:
        inbox.put(None)


@click.command()
@click.option("--fd", type=int, help="Ignored: this process needs no shared memory.")
@click.option("--rate", type=int, required=True)
@click.option("--device", default="")
def main(fd: int | None, rate: int, device: str) -> None:
    """Run until the engine closes the pipe."""
    processes.unmoved_by_signals()
    wire = Wire(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    sys.stderr = os.fdopen(os.dup(2), "w")
    for stream in (1, 2):  # ALSA and PortAudio print from C
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    intake = Intake(inbox, device, rate)
    threads.run(serve, wire, inbox)
    intake.start()
    Listener(rate, intake, inbox, wire).run()
    os._exit(0)  # PortAudio's own clean-up can hang on a dead server


if __name__ == "__main__":
    main()
