"""The MIDI process: hears every controller that is plugged in, and sends clock to devices.

Started as ``python -m latentlive.engine.inputs.midi``; it tells its output which ports there are,
then what arrives, and ends when its input ends.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click

from latentlive.engine.inputs.events import Device, Event, Relative
from latentlive.engine.inputs.follower import FOREVER, Follower
from latentlive.engine.inputs.metronome import Metronome
from latentlive.engine.inputs.ports import Driver, Input, Output, Port, names
from latentlive.engine.inputs.throttle import NEVER, SECOND, Throttle
from latentlive.errors import EngineError
from latentlive.ground import processes, threads
from latentlive.protocol.wire import Message, Wire

LOOK_EVERY = 2 * SECOND
"""Nanoseconds between two looks at the ports: things are plugged in during a performance."""

READ_EVERY, READ_SELDOM = SECOND // 500, SECOND // 100
"""Nanoseconds between two looks at what has arrived, and if there was nothing for a second: each
look costs a processor its sleep, and moments are told exactly all the same."""

FIRST_OF_SYSTEM = 0xF0
"""Messages from here on are for the whole device: its clock."""


@dataclass
class Opened:
    """An input that is heard.

    Parameters
    ----------
    device, follower
        What reads its values, and its clock.
    handle : Input, optional
        None for one that refuses; each look tries again.
    """

    device: Device
    follower: Follower
    handle: Input | None


class Inputs:
    """The inputs that are plugged in, all of them heard.

    Parameters
    ----------
    driver : Driver
    throttle : Throttle
    """

    def __init__(self, driver: Driver, throttle: Throttle) -> None:
        self._driver, self._throttle = driver, throttle
        self.names: dict[Port, str] = {}
        self.relative = Relative()
        self._opened: dict[Port, Opened] = {}
        self._lost: list[Follower] = []
        self._heard = NEVER

    def look(self, there: list[Port], now: int) -> None:
        """Open what was plugged in, and let go of what is gone."""
        self.names = names(there, self.names)
        for port in self._opened.keys() - self.names.keys():
            gone = self._opened.pop(port)
            if gone.handle is not None:
                gone.handle.close()
            self._pass_on(gone.device.release(), now)  # nobody else will let go of its keys
            gone.follower.lose()
            self._lost.append(gone.follower)
        for port, name in self.names.items():
            if port not in self._opened:
                self._opened[port] = Opened(Device(name, self.relative), Follower(name), None)
            one = self._opened[port]
            if one.handle is None:
                one.handle = self._driver.open_input(port)

    def refused(self) -> list[str]:
        """Return the names of those that cannot be opened."""
        return [self.names[port] for port, one in self._opened.items() if one.handle is None]

    def read(self) -> None:
        """Take what has arrived."""
        for one in self._opened.values():
            if one.handle is None:
                continue
            for message, when in one.handle.messages():
                self._heard = when
                if message[0] >= FIRST_OF_SYSTEM:
                    one.follower.hear(message, when)
                else:
                    self._pass_on(one.device.events(message, when), when)

    def _pass_on(self, events: Iterator[Event], when: int) -> None:
        for event in events:
            take = self._throttle.pass_on if event.counts else self._throttle.take
            take(event.source, event.value, when, event.by, when)

    def clocks(self, now: int) -> Iterator[Message]:
        """Yield what is to be told of the clocks of devices."""
        for follower in self._followers():
            if (message := follower.message(now)) is not None:
                yield message
        self._lost = [follower for follower in self._lost if follower.due() < FOREVER]

    def due(self) -> int:
        """Return when to look again [ns]."""
        if any(one.handle is not None for one in self._opened.values()):
            now = time.monotonic_ns()
            return now + (READ_EVERY if now < self._heard + SECOND else READ_SELDOM)
        return min((follower.due() for follower in self._followers()), default=FOREVER)

    def _followers(self) -> list[Follower]:
        return [*(one.follower for one in self._opened.values()), *self._lost]


class Outputs:
    """The outputs that are plugged in; those that somebody sends to are open.

    Parameters
    ----------
    driver : Driver
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.names: dict[Port, str] = {}
        self._opened: dict[str, Output] = {}

    def look(self, there: list[Port], wanted: list[str]) -> None:
        """Open what is wanted and there, and let go of what is gone."""
        self.names = names(there, self.names)
        for name in self._opened.keys() - set(self.names.values()):
            del self._opened[name]
        for port, name in self.names.items():
            if name in wanted and name not in self._opened:
                output = self._driver.open_output(port)
                if output is not None:
                    self._opened[name] = output

    def send(self, name: str, message: Sequence[int]) -> bool:
        """Send a message; return whether the output is open."""
        output = self._opened.get(name)
        if output is None:
            return False
        output.send(message)
        return True


class Exchange:
    """Carries what arrives to the engine, and does what the engine asks for.

    Parameters
    ----------
    driver : Driver
    wire : Wire
    """

    def __init__(self, driver: Driver, wire: Wire) -> None:
        self._driver, self._wire = driver, wire
        self._bell = threading.Event()
        self._throttle = Throttle("midi")
        self._inputs = Inputs(driver, self._throttle)
        self._outputs = Outputs(driver)
        self._metronome = Metronome(self._outputs.send)
        self._looked = NEVER
        self._told: Message = {}
        self._ended = False

    def run(self) -> None:
        """Tell the engine what arrives, until it asks for nothing more; then close every port."""
        threads.run(self._metronome.run)
        threads.run(self._serve)
        with contextlib.suppress(EngineError):
            while not self._ended:
                for message in self._messages():
                    self._wire.send(message)
                now = time.monotonic_ns()
                due = min(self._inputs.due(), self._looked + LOOK_EVERY)
                self._bell.wait(min(self._throttle.pause(now), max(due - now, 0) / SECOND))
                self._bell.clear()
        self._metronome.stop()
        self._driver.close()

    def _messages(self) -> Iterator[Message]:
        now = time.monotonic_ns()
        if now >= self._looked + LOOK_EVERY:
            self._looked = now
            yield from self._look(now)
        self._inputs.read()
        now = time.monotonic_ns()
        yield from self._throttle.messages(now)
        yield from self._inputs.clocks(now)

    def _look(self, now: int) -> Iterator[Message]:
        inputs, outputs = self._driver.ports()
        self._inputs.look(inputs, now)
        self._outputs.look(outputs, self._metronome.devices())
        found = listing(self._inputs.names, self._outputs.names)
        found["refused"] = self._inputs.refused()
        if found != self._told:
            self._told = found
            yield found

    def _serve(self) -> None:
        """Do what the engine asks for."""
        with contextlib.suppress(EngineError):
            while (message := self._wire.receive()) is not None:
                with contextlib.suppress(KeyError, TypeError, ValueError):
                    self._do(message)
        self._ended = True
        self._bell.set()

    def _do(self, message: Message) -> None:
        if message["op"] == "relative":
            self._inputs.relative.tell(message)
        elif message["op"] == "anew":
            self._throttle.renew()
        elif message["op"] == "clock out":
            known = self._metronome.devices()
            self._metronome.tell(message)
            if message["device"] not in known:
                self._looked = NEVER  # it is opened at once
                self._bell.set()


def listing(inputs: dict[Port, str], outputs: dict[Port, str]) -> Message:
    """Return the message that tells which ports there are."""
    return {
        "op": "ports",
        "what": "midi",
        "inputs": list(inputs.values()),
        "outputs": list(outputs.values()),
    }


@click.command()
@click.option("--fd", type=int, help="Ignored: this process needs no shared memory.")
@click.option("--api", envvar="LATENTLIVE_MIDI", default="", hidden=True)
@click.option("--list", "asked", is_flag=True, help="Tell which ports there are, and end.")
def main(fd: int | None, api: str, asked: bool) -> None:
    """Run until the engine closes the pipe."""
    processes.unmoved_by_signals()
    wire = Wire(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    sys.stderr = os.fdopen(os.dup(2), "w")
    for stream in (1, 2):  # ALSA and JACK print from C
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    try:
        driver = Driver(api)
    except EngineError as error:
        wire.send({"op": "failed", "what": "midi", "error": str(error)})
        os._exit(0)
    if asked:
        inputs, outputs = driver.ports()
        wire.send(listing(names(inputs, {}), names(outputs, {})))
    else:
        Exchange(driver, wire).run()
    os._exit(0)  # one thread holds the input, which an orderly end would wait for


if __name__ == "__main__":
    main()
