"""The two render workers: started, told, listened to, and started again when they die."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import IO, Any

from latentlive.engine.block import Block
from latentlive.engine.children import Child
from latentlive.engine.lanes import LANES, PREPARING, STEADY, Lanes
from latentlive.engine.scheduler import Scheduler
from latentlive.engine.wire import Message

MAX_DEATHS = 6
"""Deaths within a minute after which workers are started only one by one, a while apart."""

PAUSE = 10.0


class Workers:
    """A worker for each lane; the second starts when the first is ready.

    Parameters
    ----------
    scheduler : Scheduler
    block : Block
    model : str
        The model file; empty for the starter model.
    inbox : queue
        Where their messages go.
    log : file
    say : function of a line
    """

    def __init__(
        self,
        scheduler: Scheduler,
        block: Block,
        model: str,
        inbox: queue.Queue[tuple[Any, Message | None]],
        log: IO[bytes],
        say: Callable[[str], object],
    ) -> None:
        self.lanes = Lanes(scheduler)
        self._block, self._model, self._inbox, self._log = block, model, inbox, log
        self._say = say
        self._children: dict[int, Child] = {STEADY: self._start()}
        self._deaths: list[float] = []
        self._missing: dict[int, float] = {}

    def _start(self) -> Child:
        arguments = ["--model", self._model]
        module = "latentlive.engine.worker"
        return Child("worker", module, arguments, self._block.fd, self._inbox, self._log)

    @property
    def ready(self) -> bool:
        """Whether anything can be rendered."""
        return any(self.lanes.up)

    @property
    def pids(self) -> list[int]:
        """The processes that are there, by lane."""
        return [self._children[lane].process.pid for lane in LANES if lane in self._children]

    def owns(self, child: Child) -> bool:
        """Return whether a child is one of them."""
        return child in self._children.values()

    def take(self, child: Child, message: Message | None) -> None:
        """Take what a worker said, None when it has died."""
        lane = next(lane for lane, known in self._children.items() if known is child)
        if message is None:
            self._died(lane, child)
            return
        self.lanes.answered(lane, message)
        if message["op"] == "ready" and len(self._children) < len(LANES):
            self._children[PREPARING] = self._start()

    def _died(self, lane: int, child: Child) -> None:
        self.lanes.died(lane)
        child.close()
        now = time.monotonic()
        self._deaths = [t for t in self._deaths if t > now - 60.0] + [now]
        if len(self._deaths) > MAX_DEATHS:
            self._say(f"render workers keep dying; see {self._log.name}")
            self._missing[lane] = now + PAUSE
            return
        self._say("a render worker died; the other one takes over")
        self._children[lane] = self._start()

    def feed(self) -> None:
        """Tell the workers what is to be done."""
        for lane, due in list(self._missing.items()):
            if time.monotonic() >= due:
                del self._missing[lane]
                self._children[lane] = self._start()
        for lane, child in self._children.items():
            for message in self.lanes.messages(lane):
                child.send(message)

    def close(self) -> None:
        """End them."""
        for child in self._children.values():
            child.close()
