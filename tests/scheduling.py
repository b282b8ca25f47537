"""A scheduler with its workers and its player in one process, moved block by block."""

from __future__ import annotations

import numpy as np

import latentlive as ll
from latentlive.engine.output.player import Player
from latentlive.engine.render.dispatch import LANES, Dispatch
from latentlive.engine.render.worker import Worker
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.engine.server.status import report
from latentlive.engine.shared import POSITION, Shared
from latentlive.mixer import GRID
from latentlive.protocol.changes import Mute, Play, Set
from latentlive.protocol.clip import Source
from latentlive.protocol.rendering import Batch, Encode, Finished, Render
from latentlive.protocol.requests import Cell
from latentlive.protocol.when import NOW, At, Cue
from latentlive.renderer import Spaces
from latentlive.space import ToySpace
from latentlive.units import Tempo

RATE = 44100
RNG = np.random.default_rng(11)
A, B = (ll.sound((RNG.standard_normal(n) * 0.1).astype("f4")).spread(0) for n in (30_000, 50_001))
LEVEL = 10 ** (-9 / 20) * np.cos(np.pi / 4)


def jobs(order):
    """Return the stretches that an order wants rendered."""
    return order.jobs if isinstance(order, Render) else ()


def slowed(answer, cost):
    """Return what a worker says of a stretch, which took as long as it is told to."""
    return answer.changed(cost=cost) if isinstance(answer, Finished) else answer


class House:
    """Scheduler, worker and player in one process, moved block by block."""

    def __init__(self, seed=0, channels=2):
        self.said = []
        self.shared = Shared.create(channels)
        spaces = Spaces(ToySpace(1024))
        self.scheduler = Scheduler(
            self.shared, Tempo(60, RATE), seed, say=self.said.append, space_of=spaces.space
        )
        self.dispatch = Dispatch(self.scheduler.timeline, self.scheduler.failed)
        self.workers = [Worker(ToySpace(1024), self.shared) for _ in LANES]
        for lane in LANES:
            self.dispatch.ready(lane)
        self.slow = {}  # voices that render so many times slower than they sound
        self.late = []
        self.encoded = []
        self.player = Player(self.shared)
        self.heard = []

    def apply(self, *changes, at=None):
        cell = Cell(changes, when=NOW if at is None else At(at))
        self.scheduler.apply(cell.changes, cell.when)

    def work(self):
        self.scheduler.advance()
        now = int(self.shared.header[POSITION])
        self.scheduler.desk.tapes.close(now)
        for late in [late for late in self.late if late[0] <= now]:
            self.late.remove(late)
            self.dispatch.answered(late[1], self.answer(*late[1:]))
        while sent := [(lane, m) for lane in LANES for m in self.dispatch.orders(lane)]:
            for lane, message in sent:
                slow = [j for j in jobs(message) if j.serial in self.slow]
                if slow:
                    takes = sum((job.stop - job.start) * self.slow[job.serial] for job in slow)
                    self.late.append((now + takes, lane, message))
                else:
                    self.dispatch.answered(lane, self.answer(lane, message))
        self.scheduler.advance()

    def answer(self, lane, order):
        """Return what a worker answers, as if it took as long as it is told to."""
        if isinstance(order, Encode):
            self.encoded.append(order.job)
        answer = self.workers[lane].answer(order) or Batch()
        if not isinstance(answer, Batch):
            return answer
        return Batch(tuple(slowed(one, self.slow.get(one.serial, 0.01)) for one in answer.answers))

    def run(self, seconds, block=512):
        for _ in range(round(seconds * RATE / block)):
            self.work()
            out = np.empty((block, self.shared.channels), np.float32)
            self.player.fill(out)
            self.heard.append(out)

    @property
    def samples(self):
        return np.concatenate(self.heard)


def play(layer, texture):
    return Play(layer, Source(texture, repr(texture), {}))


def put(layer, **values):
    curves = {k: ll.number(v) for k, v in values.items() if k in ("gain_db", "pan", "amp")}
    return Set(layer, **(values | curves))


def mute(layer, muted=True):
    return Mute(layer, muted)


def grid(sample):
    return -(-round(sample) // GRID) * GRID


def layers(house):
    return {one["name"]: one for one in report(house.scheduler)["layers"]}


def heard_of(house, texture, origin, at):
    source = np.asarray(texture.of.source)
    return np.abs(house.samples[at, 0] - source[(at - origin) % len(source)] * LEVEL).max()


def cue(house, name, *changes):
    return house.scheduler.apply(list(changes), Cue(name))
