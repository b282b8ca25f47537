"""The process of effects: it renders strips as far ahead as nothing changes any more.

Started as ``python -m latentlive.engine.effects.process`` with the shared memory's descriptor. A
second one stands by until it is told to go.
"""

from __future__ import annotations

import os
import sys
import threading
import time

import click

from latentlive.effects.rooms import Room, synthetic
from latentlive.engine.effects.foresight import Foresight, warm
from latentlive.engine.effects.rack import Rack, room_of
from latentlive.engine.shared import CLOSING, STRIPS_BUSY_NS, Shared
from latentlive.engine.timing import EFFECTS_EVERY
from latentlive.errors import LatentliveError
from latentlive.ground import processes
from latentlive.protocol.address import sweep
from latentlive.protocol.wire import Wire


class Going:
    """Listens to the engine: which rooms there are, and when to go.

    Parameters
    ----------
    wire : Wire
    rate : int [samples a second]
    """

    def __init__(self, wire: Wire, rate: int) -> None:
        self._wire, self._rate = wire, rate
        self.rooms: dict[int, Room] = {}
        self.begin = 0
        self.told = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while (message := self._wire.receive()) is not None:
            if message["op"] == "room":
                try:
                    self.rooms[message["number"]] = room_of(message["told"], self._rate)
                except LatentliveError:
                    self._wire.send({"op": "no room"})
                self._wire.send({"op": "made", "what": message["told"]})
            elif message["op"] == "synthetic":
                synthetic(self._rate, *message["what"])
                self._wire.send({"op": "made", "what": message["what"]})
            elif message["op"] == "go":
                self.begin = int(message["begin"])
                self.told.set()
        sweep()
        os._exit(0)  # the engine is gone, on purpose or not


@click.command()
@click.option("--fd", type=int, required=True)
@click.option("--reach", type=int, required=True, help="Samples ahead of the position.")
@click.option("--due", type=int, required=True, help="Samples ahead within which none waits.")
def main(fd: int, reach: int, due: int) -> None:
    """Run until the engine closes the pipe."""
    processes.unmoved_by_signals()
    processes.go_first()
    wire = Wire(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    shared = Shared.attach(fd)
    going = Going(wire, shared.rate)
    warm(shared.rate)
    wire.send({"op": "ready"})
    going.told.wait()
    Foresight(shared)
    while not shared.header[CLOSING]:
        going.told.clear()
        render(Rack(shared, going.rooms, due, going.begin), shared, wire, reach)
        if shared.header[CLOSING]:
            break
        wire.send({"op": "late"})
        going.told.wait()
    going.told.clear()
    going.told.wait()  # the pipe is closed when all is over


def render(rack: Rack, shared: Shared, wire: Wire, reach: int) -> None:
    """Render until all is over, or it is too late for what is next."""
    while not shared.header[CLOSING] and not rack.is_late(shared.position):
        begun = time.perf_counter_ns()
        if rack.advance(shared.position + reach, wait=True):
            shared.header[STRIPS_BUSY_NS] += time.perf_counter_ns() - begun
        if rack.faulty:
            wire.send({"op": "fault", "serials": sorted(rack.faulty)})
            rack.faulty.clear()
        time.sleep(EFFECTS_EVERY)


if __name__ == "__main__":
    main()
