"""The keeper of the process of effects: starts it when effects are first asked for, and has another
one stand by, which goes on when it dies or hangs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from latentlive.effects.block import BLOCK
from latentlive.engine.desk.desk import Desk
from latentlive.engine.effects.reverbs import Reverb
from latentlive.engine.shared import RING, RUNNING, STRIPPED, STRIPS_BUSY_NS, Shared
from latentlive.engine.timing import (
    EFFECTS_FROZEN,
    LATE_TOLD_EVERY,
    STANDBY_AFTER,
    WORKER_PAUSE,
    effects_due,
    effects_reach,
)
from latentlive.errors import EngineError
from latentlive.ground.restarts import Restarts
from latentlive.limiter import AHEAD
from latentlive.mixer import GRID
from latentlive.protocol.children import Child, Children, close
from latentlive.protocol.wire import Message

SOON = (AHEAD + 2) * GRID + BLOCK
"""Samples behind the position that no process renders any more that starts now."""

MOST_SYNTHETIC = 16
"""Synthetic rooms that a new process makes before it is asked."""

MAX_DEATHS = 6
"""Deaths within a minute after which a new process waits."""


class Keeper:
    """Keeps effects rendered.

    Parameters
    ----------
    desk : Desk
    shared : Shared
    latency : float [seconds]
        Of the device.
    children : Children
    say : function of a line
    wanted : function
        Tells whether anything has effects or sends, or is about to.
    """

    def __init__(
        self,
        desk: Desk,
        shared: Shared,
        latency: float,
        children: Children,
        say: Callable[[str], object],
        wanted: Callable[[], bool],
    ) -> None:
        self._desk, self._shared, self._say, self._wanted = desk, shared, say, wanted
        self._children = children
        rate = shared.rate
        self._arguments = ["--reach", str(effects_reach(rate, latency))]
        self._arguments += ["--due", str(effects_due(rate, latency))]
        self._child: Child | None = None
        self._spare: Child | None = None
        self._ready: set[int] = set()
        """The processes that have started."""
        self._told: dict[int, int] = {}
        """How many rooms each knows."""
        self._synthetic: list[list[float]] = []
        """The synthetic rooms that reverbs begin with: seconds and damping."""
        self._made: dict[int, list[object]] = {}
        """What each has made."""
        self._went = False
        self._told_late = -LATE_TOLD_EVERY
        self._restarts, self._spares = Restarts(), Restarts()
        self._stripped, self._moved = 0, time.monotonic()
        self._busy, self._asked, self._load = 0, time.monotonic(), 0.0

    @property
    def ready(self) -> bool:
        """Whether effects are rendered."""
        return self._child is not None and self._child.process.pid in self._ready

    def ready_for(self, reverbs: Iterable[Reverb]) -> bool:
        """Return whether effects are rendered, and the rooms of some reverbs are made."""
        wanted: list[object] = []
        for reverb in reverbs:
            if reverb.space is not None:
                self._desk.room(reverb.space)
                wanted += reverb.space.sounds.values()
            else:
                wanted.append(list(reverb.synthetic))
                if wanted[-1] not in self._synthetic:
                    self._ask(list(reverb.synthetic))
        if not self.ready or self._child is None:
            return False
        made = self._made.get(self._child.process.pid, [])
        return all(one in made for one in wanted)

    def _ask(self, synthetic: list[float]) -> None:
        self._synthetic = [*self._synthetic[-MOST_SYNTHETIC:], synthetic]
        for child in (self._child, self._spare):
            if child is not None:
                child.send({"op": "synthetic", "what": synthetic})

    @property
    def pids(self) -> list[int]:
        """The process that renders, and the one that stands by."""
        return [one.process.pid for one in (self._child, self._spare) if one is not None]

    def owns(self, child: Child) -> bool:
        """Return whether a process is one of its own, or was."""
        return child.name == "effects"

    def take(self, child: Child, message: Message | None) -> None:
        """Take a message of one of the processes, None when it has ended."""
        if message is None:
            if child is self._spare:
                self._spare = None
                self._spares.wait(STANDBY_AFTER)
            elif child is self._child:
                self._replace("the process of effects died")
        elif message["op"] == "made":
            self._made.setdefault(child.process.pid, []).append(message["what"])
        elif message["op"] == "ready":
            self._ready.add(child.process.pid)
            if child is self._child:
                self._go()
        elif message["op"] == "late":
            if child is self._child:
                self._tell_late()
                self._go()
        elif message["op"] == "no room":
            self._say("reverb: its room, a recording, is gone from the cache; a made one is heard")
        elif message["op"] == "fault" and child is self._child:
            for serial in message["serials"]:
                strip = self._desk.strips.by_serial.get(serial)
                name = "a layer" if strip is None else strip.layer
                self._say(f"{name}: its effects gave what is no number, and begin anew")

    def watch(self) -> None:
        """Start what is missing, replace what hangs, tell of new rooms; call it often."""
        if self._child is None:
            if self._wanted() and self._restarts.due:
                self._start()
            return
        if self._spare is None and self.ready and self._spares.due:
            self._spare = self._started()
            self._spares.wait(STANDBY_AFTER)
        self._tell_rooms(self._child)
        if self._spare is not None:
            self._tell_rooms(self._spare)
        if self.ready and self._hangs():
            child, self._child = self._child, None
            child.kill()
            self._replace("the process of effects hung")

    def _started(self) -> Child | None:
        module = "latentlive.engine.effects.process"
        try:
            child = self._children.start("effects", module, self._arguments)
        except EngineError as error:
            if self._restarts.failed():
                self._say(f"{error}; it is tried again")
            return None
        for synthetic in self._synthetic:
            child.send({"op": "synthetic", "what": synthetic})
        return child

    def _start(self) -> None:
        self._child = self._started()
        if self._child is not None:
            self._restarts.began()

    def _go(self) -> None:
        """Let the process render: all from the start, or anew from where the last one came to."""
        assert self._child is not None
        self._tell_rooms(self._child)
        begin = 0
        if self._went:
            stripped, position = int(self._shared.header[STRIPPED]), self._shared.position
            # What comes before would not be rendered in time.
            begin = -(-max(stripped, position + SOON) // BLOCK) * BLOCK
            if self._desk.strips.by_serial:
                self._desk.leave_out(max(stripped, position - RING // 2), begin)
                self._desk.renew(begin)
        self._went = True
        self._moved = time.monotonic()
        self._child.send({"op": "go", "begin": begin})

    def _replace(self, why: str) -> None:
        self._child, self._spare = self._spare, None
        self._spares.wait(STANDBY_AFTER)
        deaths = self._restarts.died()
        self._say(f"{why}; another one goes on, without what rang")
        if deaths > MAX_DEATHS:
            self._restarts.wait(WORKER_PAUSE)
        elif self._child is None:
            self._start()
        elif self.ready:
            self._go()

    def _tell_late(self) -> None:
        now = time.monotonic()
        if now > self._told_late + LATE_TOLD_EVERY:
            self._told_late = now
            self._say("effects cannot keep up: they begin anew, without what rang")

    def _hangs(self) -> bool:
        """Return whether nothing was rendered for long though time goes on."""
        now, stripped = time.monotonic(), int(self._shared.header[STRIPPED])
        due = self._shared.header[RUNNING] and self._desk.strips.by_serial
        if stripped != self._stripped or not due or stripped > self._shared.position:
            self._stripped, self._moved = stripped, now
        return now > self._moved + EFFECTS_FROZEN

    def _tell_rooms(self, child: Child) -> None:
        pid, rooms = child.process.pid, self._desk.rooms
        known = self._told.get(pid, 0)
        if pid in self._ready and known < len(rooms):
            self._told[pid] = len(rooms)
            for number in range(known, len(rooms)):
                child.send({"op": "room", "number": number + 1, "told": rooms[number]})

    def status(self) -> Message:
        """Return what views show: the processes, and their load."""
        now, busy = time.monotonic(), int(self._shared.header[STRIPS_BUSY_NS])
        if now > self._asked + 1.0:
            self._load = (busy - self._busy) / 1e9 / (now - self._asked)
            self._busy, self._asked = busy, now
        return {"effects": self.pids, "effects_load": self._load}

    def close(self) -> None:
        """End the processes."""
        close([one for one in (self._child, self._spare) if one is not None])
