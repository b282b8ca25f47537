"""The audio process: opens the device, keeps time without one, opens it again when it is back.

Started as ``python -m latentlive.engine.output.process`` with the shared memory's descriptor; it
says on its output what it opened and lost, and ends when its input ends.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time

import click

from latentlive.engine.output.clocks import F32, Clock, Direct, Feed, Resampled
from latentlive.engine.output.devices import (
    NO_PORTAUDIO,
    Opened,
    look_again,
    open_output,
    portaudio,
)
from latentlive.engine.output.guard import Guard
from latentlive.engine.output.player import Player
from latentlive.engine.shared import CLOSING, Shared
from latentlive.engine.timing import FIRST_PATIENCE
from latentlive.errors import DeviceError
from latentlive.ground import processes
from latentlive.protocol.address import sweep
from latentlive.protocol.wire import Wire

GONE = "the sound device is gone"
STUCK = "the sound device does not answer"


class Outlet:
    """Keeps a device open as long as there is one, in a thread of its own.

    Parameters
    ----------
    clock : Clock
    wire : Wire
        Is told what was opened and lost.
    device : str
        Name or number; empty for the system's own choice.
    frames : int
        Samples of a device block.
    latency : float [seconds]
    stale : bool
        Whether PortAudio was loaded long ago, and may know other devices than there are.
    """

    def __init__(
        self,
        clock: Clock,
        wire: Wire,
        device: str,
        frames: int,
        latency: float,
        stale: bool = False,
    ) -> None:
        self.clock, self.wire = clock, wire
        self.device, self.frames, self.latency = device, frames, latency
        self._stale = stale
        self.opened: Opened | None = None
        self._told: str | None = None
        self._heard_once = False
        self._closing = False
        threading.Thread(target=self._run, daemon=True).start()
        threading.Timer(FIRST_PATIENCE, self._tell_stuck).start()

    def close(self) -> None:
        """Hear what is queued, then end the stream; a device that hangs is left behind."""
        self._closing = True
        if self.opened is None:
            return
        time.sleep(0.1 + self.opened.stream.latency)
        ending = threading.Thread(target=self.opened.stream.abort, daemon=True)
        ending.start()
        ending.join(0.5)

    def _run(self) -> None:
        lost_at = float("-inf")
        while not self._closing:
            try:
                if self._stale:
                    look_again()
                self._stale = True
                self._play()
                if self._closing:
                    return
                self._tell_none(GONE)
                lost_at = time.monotonic()
            except DeviceError as error:
                if str(error) == NO_PORTAUDIO:
                    self._tell_none(NO_PORTAUDIO)
                    return
                if not self._heard_once:
                    self._tell_none(str(error))
            self.clock.allow()
            lost_for = time.monotonic() - lost_at
            time.sleep(0.1 if lost_for < 10.0 else 1.0 if self._heard_once else 2.0)

    def _play(self) -> None:
        """Play on the device until it is gone.

        Raises
        ------
        DeviceError
            If it cannot be opened.
        """
        ended = threading.Event()
        shared = self.clock.player.shared
        feeds: list[Feed] = []

        def fill(out: F32, underflow: bool) -> None:
            feeds[0].fill(out, underflow)

        rate = self.clock.rate
        opened = open_output(
            self.device, rate, shared.channels, self.frames, self.latency, fill, ended.set
        )
        feed: Feed = (
            Direct(self.clock, opened.stream.latency)
            if opened.rate == rate
            else Resampled(self.clock, opened.rate, self.latency)
        )
        feeds.append(feed)
        try:
            opened.stream.start()
        except portaudio().PortAudioError as error:
            feed.stop(time.monotonic())
            raise DeviceError(f"the sound device refuses: {str(error).splitlines()[0]}") from None
        self.opened = opened
        while not feed.driving and not ended.wait(0.01):
            pass
        if feed.driving:
            self._tell_opened(opened)
        while not ended.wait(0.02):
            feed.watch()
        if self._closing:
            return
        self.opened = None
        # What the device had queued counts as time that has passed already.
        feed.stop(time.monotonic() + opened.stream.latency)
        ending = threading.Thread(target=opened.stream.close, daemon=True)
        ending.start()
        ending.join(1.0)

    def _tell_opened(self, opened: Opened) -> None:
        self._told = opened.name
        self._heard_once = True
        self.wire.send(
            {
                "op": "opened",
                "device": opened.name,
                "latency": opened.stream.latency,
                "rate": opened.rate,
                "channels": opened.channels,
            }
        )

    def _tell_none(self, why: str) -> None:
        if why != self._told:
            self._told = why
            self.wire.send({"op": "opened", "device": None, "why": why})

    def _tell_stuck(self) -> None:
        if self._told is None:
            self._tell_none(STUCK)


def load() -> None:
    """Load PortAudio before it is needed; without it the outlet will tell."""
    with contextlib.suppress(DeviceError):
        portaudio()


@click.command()
@click.option("--fd", type=int, required=True)
@click.option("--rate", type=int, required=True)
@click.option("--device", default="")
@click.option("--block", "frames", default=512)
@click.option("--latency", default=0.1)
@click.option("--silent", is_flag=True, help="Keep time without opening a device.")
@click.option("--due", type=float, help="When the next block was due, by time.monotonic.")
@click.option("--standby", is_flag=True, help="Wait for a message with the moment to begin.")
def main(
    fd: int,
    rate: int,
    device: str,
    frames: int,
    latency: float,
    silent: bool,
    due: float | None,
    standby: bool,
) -> None:
    """Run until the engine closes the pipe."""
    processes.unmoved_by_signals()
    processes.go_first()
    wire = Wire(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    # ALSA and PortAudio print to the terminal from C; the prompt's screen is not theirs.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    shared = Shared.attach(fd)
    Guard(shared, os.getppid())
    if standby:
        # In a thread: it asks the sound server, which may hang.
        threading.Thread(target=load, daemon=True).start()
        wire.send({"op": "standing by"})
        while (message := wire.receive()) is not None and message["op"] == "ping":
            wire.send({"op": "pong"})
        if message is None:
            os._exit(0)
        due = message["due"]
    clock = Clock(Player(shared), rate, frames, due)
    outlet = None
    if silent:
        clock.allow()
        wire.send({"op": "opened", "device": None, "why": "asked for none"})
    else:
        outlet = Outlet(clock, wire, device, frames, latency, standby)
    while wire.receive() is not None:
        pass
    # The engine is gone, on purpose or not: the next block fades out.
    shared.header[CLOSING] = 1
    time.sleep(0.1)
    if outlet is not None:
        outlet.close()
    sweep()
    os._exit(0)  # PortAudio's own clean-up can hang on a dead server


if __name__ == "__main__":
    main()
