"""A performance without sockets, processes and clocks: requests go in, samples and a log come out.

What a performer's words become crosses the real requests, scheduler, lanes, workers, player and
journal, in one process, block by block; so do its replay and its bounce.
"""

from __future__ import annotations

import dataclasses
import types
from unittest import mock

import numpy as np

import latentlive as ll
from latentlive.effects.block import BLOCK
from latentlive.engine import shared as memory
from latentlive.engine.desk.decisions import Marked
from latentlive.engine.effects.rack import Rack
from latentlive.engine.log.bounce import Bounce
from latentlive.engine.log.formats import FORMAT, Header
from latentlive.engine.log.journal import Journal
from latentlive.engine.log.performance import Performance
from latentlive.engine.log.replay import Replay
from latentlive.engine.output.player import Player
from latentlive.engine.render.dispatch import LANES, Dispatch
from latentlive.engine.render.worker import Worker
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.engine.server import session
from latentlive.engine.server.session import Session
from latentlive.engine.shared import CHANNELS, FILLED, MISSING, POSITION, STRIPPED, Shared
from latentlive.engine.timing import MARK_EVERY, effects_due, effects_reach, level_lead
from latentlive.protocol.rendering import Batch, Encode
from latentlive.protocol.requests import Request
from latentlive.space import ToySpace
from latentlive.units import Tempo
from tests.scheduling import jobs, slowed

RATE = 44100
WINDOW = 1024

RNG = np.random.default_rng(21)
TONES = [(RNG.standard_normal(n) * 0.2).astype("f4") for n in (5000, 7177, 12_288)]
TOO_LOUD = 0.95
"""What the space of these performances does not decode."""


class Choosy(ToySpace):
    """A toy space that decodes nothing that is louder than noise ever is."""

    def __init__(self, window):
        super().__init__(window)
        self.digest = "choosy"

    def decode(self, z):
        """Return the vectors as they are, if none is too loud."""
        if len(z) and np.abs(z).max() > 4.0:
            raise RuntimeError("too loud")
        return super().decode(z)


BLOCKS: list[Shared] = []
"""Those that are free: one has 70 MB, and is slow to make."""


def taken(channels):
    """Return a block as good as new, with sounds of long ago in its rings."""
    for shared in [free for free in BLOCKS if free.channels == channels]:
        BLOCKS.remove(shared)
        for part in dataclasses.fields(shared):
            if part.name not in ("fd", "audio"):
                getattr(shared, part.name)[:] = 0
        shared.disconnect()
        shared.header[CHANNELS], shared.header[memory.RATE] = channels, RATE
        return shared
    return Shared.create(channels)


class Engine:
    """What decides, renders and plays, moved block by block.

    Parameters
    ----------
    path : path
        Of its log.
    """

    def __init__(
        self, path, seed=0, channels=2, bpm=60.0, held=False, tempo=None, position=0, start=None
    ):
        self.said, self.heard = [], []
        self.shared = taken(channels)
        self.shared.header[POSITION] = position if start is None else start
        tempo = tempo or Tempo(bpm, RATE)
        space = Choosy(WINDOW)
        fields = {"model": space.digest, "name": "toy", "rate": RATE, "channels": channels}
        lead = level_lead(RATE)
        header = Header(
            FORMAT,
            **fields,
            seed=seed,
            pid=0,
            tempo=tempo,
            begins=position,
            lead=lead,
            rolled=start,
        )
        self.journal = Journal(path, header, self.said.append)
        self.scheduler = Scheduler(
            self.shared,
            tempo,
            seed,
            held=held,
            say=self.said.append,
            note=self.journal.note,
            level_lead=lead,
        )
        self.dispatch = Dispatch(self.scheduler.timeline, self.scheduler.failed)
        self.workers = [Worker(space, self.shared) for _ in LANES]
        for lane in LANES:
            self.dispatch.ready(lane)
        self.player = Player(self.shared)
        self.rack = Rack(self.shared, {}, effects_due(RATE))
        self.size = 512
        self.session = Session(self.scheduler, self.journal, self.said.append)
        self.session.output = mock.Mock(latency=0.0)
        self._marked = 0
        self.slow, self.late = {}, []

    # What a server does.

    def do(self, **message):
        """Take a message of a client; return what was wrong with it."""
        try:
            with self.playing_on():
                self.session.do(Request.load(message))
        except ll.LatentliveError as error:
            return str(error)

    def playing_on(self):
        """Let the device play on where requests wait for it."""
        waits = types.SimpleNamespace(
            monotonic=lambda: 0.0, monotonic_ns=self.moment, sleep=lambda _: self.play()
        )
        return mock.patch.object(session, "time", waits)

    def tick(self):
        """Look after what sounds, as the server does between two messages."""
        self.session.note_holes()
        with self.playing_on():
            self.session.advance()
        now = self.scheduler.timeline.position
        for late in [late for late in self.late if late[0] <= now]:
            self.late.remove(late)
            self.dispatch.answered(late[1], self.answer(*late[1:]))
        while sent := [(lane, m) for lane in LANES for m in self.dispatch.orders(lane)]:
            for lane, message in sent:
                takes = sum(
                    (job.stop - job.start) * self.slow.get(job.serial, 0.0) for job in jobs(message)
                )
                if takes:
                    self.late.append((now + takes, lane, message))
                else:
                    self.dispatch.answered(lane, self.answer(lane, message))
        with self.playing_on():
            self.session.advance()
        if self.rack.is_late(now):
            self.renew()
        self.rack.advance(now + effects_reach(RATE), wait=True)
        if self.scheduler.timeline.running and now >= self._marked + RATE * MARK_EVERY:
            self._marked = now
            self.journal.note(Marked(now))

    def answer(self, lane, order):
        """Return a worker's answer."""
        if isinstance(order, Encode):  # what is encoded early changes no sample
            return Batch()
        answer = self.workers[lane].answer(order) or Batch()
        if not isinstance(answer, Batch):
            return answer
        return Batch(tuple(slowed(one, self.slow.get(one.serial, 0.01)) for one in answer.answers))

    def moment(self):
        """Return the present moment, as the device's pace has it [nanoseconds]."""
        return 10**9 + round(int(self.shared.header[POSITION]) / RATE * 1e9)

    def play(self):
        """Let the device ask for a block."""
        before = self.scheduler.timeline.position
        out = np.empty((self.size, self.shared.channels), np.float32)
        self.player.fill(out)
        self.shared.header[FILLED] = self.moment()
        if self.scheduler.timeline.position > before:
            self.heard.append(out)

    def run(self, seconds, size=512):
        """Play on for some seconds, in blocks of so many samples."""
        self.size = size
        for _ in range(max(round(seconds * RATE / size), 1)):
            self.tick()
            self.play()

    def renew(self):
        """Let the process of effects die, and another one go on."""
        done = max(int(self.shared.header[STRIPPED]), self.scheduler.timeline.position)
        begin = -(-done // BLOCK) * BLOCK
        self.rack._holes.tell()
        self.rack = Rack(self.shared, {}, effects_due(RATE), begin)
        if self.scheduler.desk.strips.by_serial:
            self.scheduler.desk.leave_out(int(self.shared.header[STRIPPED]), begin)
            self.scheduler.desk.renew(begin)

    def freeze(self, seconds):
        """Let the device play on while the engine does nothing."""
        for _ in range(max(round(seconds * RATE / self.size), 1)):
            self.play()

    def close(self):
        """End well."""
        for bus in self.player._buses:
            bus._mix.tell_holes()  # those that go on
        self.rack._holes.tell()
        self.tick()
        self.journal.note(Marked(self.scheduler.timeline.position))
        self.journal.close()
        self.missing = int(self.shared.header[MISSING])
        BLOCKS.append(self.shared)

    @property
    def samples(self):
        """What was heard [shape=(n, channels)]."""
        return np.concatenate([np.empty((0, self.shared.channels), np.float32), *self.heard])


def replayed(log, path, stop, begin=0, size=512):
    """Play a log again; return what was heard up to a sample, and the engine."""
    past = Performance(log)
    header = past.header
    engine = Engine(
        path,
        seed=header.seed,
        channels=header.channels,
        tempo=header.tempo,
        position=max(begin, header.begins),
        start=past.pre_roll(max(begin, header.begins)),
    )
    engine.session.replay = Replay(engine.scheduler, past, max(begin, header.begins))
    engine.size = size
    patience = 200
    while engine.scheduler.timeline.position < stop and engine.session.replay is not None:
        engine.tick()
        engine.play()
        patience -= not engine.scheduler.timeline.running
        assert patience, "the replay does not begin"
    engine.close()
    samples = engine.samples[: stop - begin]
    silence = np.zeros((stop - begin - len(samples), samples.shape[1]), np.float32)
    return np.concatenate([samples, silence])


def bounced(log, stop, begin=0):
    """Render a log from one sample to another."""
    blocks = Bounce(Performance(log), Choosy(WINDOW), begin, stop).blocks()
    return np.concatenate([block.mix for block in blocks])


def same(again, heard, what, first=0):
    """Hold that two are the same samples, the first of them being number `first`."""
    assert again.shape == heard.shape, what
    wrong = np.flatnonzero((again != heard).any(axis=1))
    assert not len(wrong), (
        f"{what}: {len(wrong)} samples from {first + wrong[0]} to {first + wrong[-1]}"
    )
