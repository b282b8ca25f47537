"""The two render workers: started, told, listened to, and replaced when they die or hang."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from latentlive.engine.render.dispatch import LANES, PREPARING, STEADY, Dispatch
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.engine.shared import WORKING, Shared
from latentlive.engine.timing import (
    WORKER_ASK_EVERY,
    WORKER_IDLE,
    WORKER_LOOK_AFTER,
    WORKER_LOOK_EVERY,
    WORKER_PAUSE,
    WORKER_QUIET,
    WORKER_START,
)
from latentlive.errors import EngineError
from latentlive.ground import processes
from latentlive.ground.patience import Patience
from latentlive.ground.restarts import Restarts
from latentlive.ground.turns import Stop
from latentlive.protocol.children import Child, Children, close
from latentlive.protocol.rendering import Answer, Order, Ping, Ready
from latentlive.protocol.wire import Message

MAX_DEATHS = 6
"""Deaths within a minute after which workers start one at a time, with a pause between."""


class Worker:
    """A render worker as the engine sees it: what it owes, and whether it works.

    A long decode computes, or waits for its turn on a busy machine, and a slow disk delivers; what
    does none of it hangs.

    Parameters
    ----------
    child : Child
    quiet : float [seconds]
        How long it may do nothing although it owes an answer.
    """

    def __init__(self, child: Child, quiet: float) -> None:
        self.child = child
        self._quiet = quiet
        self._owed = 1  # it owes the word that it is ready
        self._limit = WORKER_START
        self._expect()

    def tell(self, order: Order) -> None:
        """Send an order."""
        if order.answered:
            if not self._owed:
                self._expect()
            self._owed += 1
        self.child.send(order.dump())

    def answered(self) -> None:
        """Take note of an answer."""
        self._owed -= 1
        self._limit = self._quiet
        self._expect()

    def _expect(self) -> None:
        self._asked = time.monotonic()
        self._patience = Patience()
        self._look, self._still, self._worked = WORKER_LOOK_AFTER, 0.0, -1.0
        self._stop = Stop(self.child.process.pid)

    def hangs(self) -> bool:
        """Return whether it owes an answer and stands still; an idle one is pinged."""
        if not self._owed:
            if time.monotonic() > self._asked + WORKER_ASK_EVERY:
                self.tell(Ping())
            return False
        waited = self._patience.waited()
        if waited < self._look:
            return False  # asking the system costs time: now and then, about slow answers only
        self._look = waited + min(self._limit / 4.0, WORKER_LOOK_EVERY)
        pid = self.child.process.pid
        worked = processes.worked(pid)
        if worked > self._worked + WORKER_IDLE or processes.would_go_on(pid):
            self._still = waited
            self._worked = worked if math.isfinite(worked) else -1.0
        still = waited >= max(self._limit, self._still + self._limit / 2.0)
        return self._stop.lasts() or still


class Pool:
    """A worker for each lane; the second starts when the first is ready.

    Parameters
    ----------
    scheduler : Scheduler
    shared : Shared
    model : str
        The model file; empty for the starter model.
    children : Children
    say : function of a line

    Raises
    ------
    EngineError
        If no process can be started.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        shared: Shared,
        model: str,
        children: Children,
        say: Callable[[str], object],
    ) -> None:
        timeline, self._underrun = scheduler.timeline, scheduler.underrun
        self.dispatch = Dispatch(timeline, scheduler.failed)
        self._shared, self._model, self._children, self._say = shared, model, children, say
        self._quiet = min(WORKER_QUIET, timeline.ahead / timeline.tempo.sample_rate / 2.0)
        self._workers: dict[int, Worker] = {STEADY: self._start(STEADY)}
        self._wanted = {STEADY}
        self._restarts = {lane: Restarts() for lane in LANES}
        self._deaths = Restarts()
        self._trouble = ""

    def _start(self, lane: int) -> Worker:
        self._shared.header[WORKING + lane] = 0
        arguments = ["--model", self._model, "--lane", str(lane)]
        module = "latentlive.engine.render.worker"
        return Worker(self._children.start("render", module, arguments), self._quiet)

    @property
    def ready(self) -> bool:
        """Whether anything can be rendered."""
        return any(self.dispatch.up)

    @property
    def pids(self) -> list[int]:
        """The processes that are there, by lane."""
        return [self._workers[lane].child.process.pid for lane in LANES if lane in self._workers]

    def owns(self, child: Child) -> bool:
        """Return whether a child is one of them."""
        return any(worker.child is child for worker in self._workers.values())

    def take(self, child: Child, message: Message | None) -> None:
        """Take a worker's message, None when it has died."""
        lane = next(lane for lane, one in self._workers.items() if one.child is child)
        if message is None:
            self._lost(lane, "died", "; the other one takes over")
            return
        worker = self._workers[lane]
        worker.answered()
        answer = Answer.load(message)
        self.dispatch.answered(lane, answer)
        if isinstance(answer, Ready):
            self._restarts[lane].began()
            self._wanted.add(PREPARING)

    def _lost(self, lane: int, how: str, then: str) -> None:
        """Drop a worker that died or hangs; another one will be started."""
        self._workers.pop(lane).child.kill()
        self.dispatch.died(lane)
        self._trouble = f"a render worker {how}"
        if self._deaths.died() > MAX_DEATHS:
            self._say(f"render workers keep dying; see {self._children.log}")
            self._restarts[lane].wait(WORKER_PAUSE)
        else:
            self._say(f"a render worker {how}{then}")

    def feed(self) -> None:
        """Replace workers that are gone or hang, and give the others their orders."""
        for lane, worker in list(self._workers.items()):
            if worker.hangs():
                guilty = int(self._shared.header[WORKING + lane])
                self._lost(lane, "hung", " and was replaced")
                self.dispatch.hung(guilty)
        for lane in self._wanted - self._workers.keys():
            if self._restarts[lane].due:
                self._try_to_start(lane)
        if self._trouble:
            self._underrun.excuse(self._trouble)
            if all(self.dispatch.up[lane] for lane in self._wanted):
                self._trouble = ""
        for lane, worker in self._workers.items():
            for order in self.dispatch.orders(lane):
                worker.tell(order)

    def _try_to_start(self, lane: int) -> None:
        try:
            self._workers[lane] = self._start(lane)
        except EngineError as error:
            if self._restarts[lane].failed():
                self._say(f"{error}; it is tried again")

    def close(self) -> None:
        """End them."""
        close(worker.child for worker in self._workers.values())
