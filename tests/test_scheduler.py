"""The scheduler, sample by sample: what lands when, and what a failure leaves alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import latentlive as ll
from latentlive.engine.output.player import Player
from latentlive.engine.render.dispatch import LANES, Dispatch
from latentlive.engine.render.worker import Worker
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.engine.server.status import report
from latentlive.engine.shared import POSITION, RINGS, Shared
from latentlive.errors import EngineError
from latentlive.expr import dump
from latentlive.mixer import GRID
from latentlive.protocol.changes import (
    Change,
    Hush,
    Master,
    Mute,
    Only,
    Play,
    Rename,
    Restart,
    Set,
    Stop,
)
from latentlive.protocol.clip import Source
from latentlive.protocol.rendering import Batch, Encode, Finished, Render
from latentlive.protocol.requests import Cell, Request
from latentlive.protocol.when import NOW, At, Beat, Cue
from latentlive.renderer import Spaces
from latentlive.space import ToySpace
from latentlive.units import Tempo

RATE = 44100
RNG = np.random.default_rng(11)
A, B = (ll.sound((RNG.standard_normal(n) * 0.1).astype("f4")).spread(0) for n in (30_000, 50_001))


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


def test_a_texture_begins_with_the_transport_and_loops_on_its_own_length():
    house = House()
    house.apply(play("d1", A), put("d1", fade=0))
    house.run(2)
    level = 10 ** (-9 / 20) * np.cos(np.pi / 4)
    source = np.asarray(A.of.source)
    at = np.arange(2048, 80_000)
    expected = source[at % len(source)] * level
    assert np.abs(house.samples[at, 0] - expected).max() < 2e-4


def test_redefining_lands_on_the_beat_and_the_clock_goes_on():
    house = House()
    house.apply(play("d1", A))
    house.run(1.3)
    house.apply(play("d1", B))
    house.run(3)
    state = report(house.scheduler)["layers"][0]
    assert state["since"] == -(-2 * RATE // GRID) * GRID
    assert state["origin"] == 0
    source = np.asarray(B.of.source)
    at = np.arange(3 * RATE + GRID, 4 * RATE)
    level = 10 ** (-9 / 20) * np.cos(np.pi / 4)
    assert np.abs(house.samples[at, 0] - source[at % len(source)] * level).max() < 2e-4
    assert not house.scheduler.timeline.layers["d1"].leaving


def test_changes_of_one_cell_land_together():
    house = House()
    house.apply(play("d1", A))
    house.run(1.2)
    house.apply(play("d2", B), play("d3", A), put("d2", gain_db=-6.0))
    house.run(1.5)
    since = {one["name"]: one["since"] for one in report(house.scheduler)["layers"]}
    assert since["d2"] == since["d3"] == -(-2 * RATE // GRID) * GRID


def test_a_fixed_moment_is_met_to_the_grid():
    house = House()
    house.apply(play("d1", A))
    house.run(0.5)
    house.apply(play("d2", B), at=60_000)
    house.run(1.5)
    since = {one["name"]: one["since"] for one in report(house.scheduler)["layers"]}
    assert since["d2"] == -(-60_000 // GRID) * GRID


def test_a_newer_change_replaces_the_pending_one():
    house = House()
    house.apply(play("d1", A))
    house.run(1.1)
    house.apply(play("d1", B))
    house.apply(play("d1", A.slow(2)))
    house.run(2.5)
    assert report(house.scheduler)["layers"][0]["code"] == repr(A.slow(2))
    assert len(house.scheduler.timeline.voices) == 1


def test_gain_changes_glide_without_a_click():
    house = House()
    tone = ll.sound(np.sin(np.arange(44100) * 2 * np.pi * 100 / RATE).astype("f4") * 0.5).spread(0)
    house.apply(play("d1", tone))
    house.run(1)
    for db in (-20.0, 0.0, -6.0, 0.0, -20.0):
        house.apply(put("d1", gain_db=db))
        house.run(0.01)
    house.run(0.5)
    heard = house.samples[:, 0]
    steepest = np.abs(np.diff(heard)).max()
    assert steepest < 1.3 * 0.5 * 10 ** (-9 / 20) * np.cos(np.pi / 4) * 2 * np.pi * 100 / RATE
    late = heard[-4410:]
    assert np.abs(late).max() == pytest.approx(0.5 * 10 ** (-29 / 20) * np.cos(np.pi / 4), rel=0.01)


def test_an_interrupted_crossfade_does_not_click():
    house = House()
    textures = [
        ll.sound(np.sin(np.arange(44100) * 2 * np.pi * f / RATE).astype("f4") * 0.4).spread(0)
        for f in (60, 90, 120)
    ]
    house.apply(put("d1", quant=0, xfade=1), play("d1", textures[0]))
    house.run(1)
    for texture in (textures[1], textures[2], textures[0]):
        house.apply(play("d1", texture))
        house.run(0.6)
    house.run(2)
    limit = 3 * 0.4 * 10 ** (-9 / 20) * np.cos(np.pi / 4) * 2 * np.pi * 120 / RATE
    assert np.abs(np.diff(house.samples[:, 0])).max() < limit
    assert len(house.scheduler.timeline.voices) == 1


def test_stop_and_hush_end_in_exact_silence_and_free_the_voices():
    house = House()
    house.apply(play("d1", A), play("d2", B))
    house.run(1)
    house.apply(Stop("d1", 0.5))
    house.run(1)
    assert [one["name"] for one in report(house.scheduler)["layers"]] == ["d2"]
    house.apply(Hush(0.2))
    house.run(1)
    assert not house.samples[-RATE // 2 :].any()
    assert house.scheduler.timeline.silent
    assert not house.shared.active.any()


def test_a_texture_that_is_played_once_ends_by_itself():
    house = House()
    house.apply(play("d1", A.loop(1)))
    house.run(2)
    assert not house.samples[30_000 + GRID :].any()
    assert house.scheduler.timeline.silent


@pytest.mark.parametrize("length", [100, 2000, 12_000])
def test_what_is_shorter_than_the_lead_is_played_too(length):
    house = House()
    house.apply(
        play("d1", ll.sound(np.full(length, 0.1, "f4")).spread(0).loop(1)), put("d1", fade=0)
    )
    house.run(1)
    assert np.abs(house.samples).max() > 0.01
    assert house.scheduler.timeline.silent


def test_a_fault_is_the_layers_own_and_the_others_samples_stay_the_same():
    def run(fault):
        house = House()
        house.apply(play("d1", A))
        house.run(1.1)
        if fault:
            house.apply(play("d2", B))
            house.work()
            timeline = house.scheduler.timeline
            voice = timeline.pending[0].voices[0] if timeline.pending else None
            voice = voice or timeline.layers["d2"].voice
            house.scheduler.failed(voice.serial, "sound: gone")
        house.run(2)
        return house

    quiet, loud = run(False), run(True)
    assert loud.said == ["d2: sound: gone"]
    late = slice(round(1.3 * RATE), None)
    assert np.array_equal(loud.samples[late], quiet.samples[late])


def test_a_bad_change_is_refused():
    house = House()
    with pytest.raises(EngineError, match="no change 'dance'"):
        house.apply(Change.load({"op": "dance"}))


CUE, AFTER = {"op": "cue", "name": "x"}, {"op": "after", "name": "x", "beats": 1}
SOUNDLESS = {"expr": dump(A), "code": "a", "sounds": []}


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ({"op": "cell", "changes": 5}, "cell: changes must be a list, got 5"),
        ({"op": "cell", "changes": [{"op": "only", "only": {}}]}, "only: only must be a list"),
        ({"op": "audition", "source": SOUNDLESS}, r"source: sounds must hold digests, got \[\]"),
        ({"op": "go", "name": "x", "when": CUE}, "go: when must be now or at or beat, got cue"),
        ({"op": "go", "name": "x", "when": AFTER}, "go: when must be now or at or beat, got after"),
        ({"op": "cell", "when": AFTER}, "cell: when must be now or at, got after"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_by_its_place(message, line):
    with pytest.raises(ll.LatentliveError, match=f"^{line}"):
        Request.load(message)


def test_hour_ten_sounds_as_the_first_second_does():
    house = House()
    house.apply(play("d1", A), put("d1", fade=0))
    house.run(0.5)
    late = 10 * 3600 * RATE // 512 * 512
    house.shared.header[POSITION] = late
    for _ in range(20):
        house.work()
        house.run(0.1)
    at = np.arange(0, RATE // 2)
    source = np.asarray(A.of.source)
    clock = late + len(house.samples) - round(0.5 * RATE / 512) * 512 - RATE // 2 + at
    level = 10 ** (-9 / 20) * np.cos(np.pi / 4)
    heard = house.samples[-RATE // 2 :, 0]
    assert np.abs(heard - source[clock % len(source)] * level).max() < 2e-4


def test_what_is_planned_for_later_leaves_alone_what_lands_before():
    house = House()
    house.apply(play("d1", A))
    house.apply(play("d1", B), at=RATE // 2)
    house.apply(Hush(0.25), at=2 * RATE)
    house.run(3)
    heard = house.samples[:, 0]
    level = 10 ** (-9 / 20) * np.cos(np.pi / 4)
    for source, at in ((A, np.arange(5000, RATE // 2)), (B, np.arange(2 * RATE - 100, 2 * RATE))):
        samples = np.asarray(source.of.source)
        assert np.abs(heard[at] - samples[at % len(samples)] * level).max() < 2e-4
    assert not heard[round(2.3 * RATE) :].any()
    assert house.scheduler.timeline.silent


def test_a_layer_that_is_stopped_before_begins_its_clock_anew():
    house = House()
    house.apply(play("d1", A))
    house.apply(Stop("d1", 0.1), at=RATE)
    house.apply(play("d1", B), at=2 * RATE)
    house.run(2.5)
    state = report(house.scheduler)["layers"][0]
    assert state["origin"] == state["since"] == -(-2 * RATE // GRID) * GRID


def mute(layer, muted=True):
    return Mute(layer, muted)


def test_mute_keeps_time():
    house, plain = House(), House()
    for one in (house, plain):
        one.apply(play("d1", A))
        one.run(1)
    house.apply(mute("d1"))
    house.run(1)
    silent = house.samples[round(1.5 * RATE) :]
    assert not silent.any()
    house.apply(mute("d1", False))
    house.run(1)
    plain.run(2)
    late = slice(round(2.5 * RATE), 3 * RATE - 2000)
    assert np.array_equal(house.samples[late], plain.samples[late])


def test_only_leaves_the_others_silent_and_in_time():
    house, plain = House(), House()
    house.apply(play("d1", A), play("d2", B))
    plain.apply(play("d2", B))
    house.run(1)
    house.apply(Only(("d2",)))
    house.run(1)
    plain.run(2)
    late = slice(round(1.5 * RATE), 2 * RATE - 2000)
    assert np.array_equal(house.samples[late], plain.samples[late])
    house.apply(Only(()))
    house.run(1)
    assert not np.array_equal(house.samples[-9000:], plain.samples[-9000:])


def test_restart_begins_again_at_the_quant():
    house = House()
    house.apply(play("d1", B))
    house.run(1.2)
    house.apply(Restart("d1"))
    house.run(2)
    state = report(house.scheduler)["layers"][0]
    assert state["origin"] == state["since"] == -(-2 * RATE // GRID) * GRID
    with pytest.raises(EngineError, match="restart: d7 is silent"):
        house.apply(Restart("d7"))


def test_rename_keeps_the_samples():
    house, plain = House(), House()
    for one in (house, plain):
        one.apply(play("d1", B.of))  # with its noise, which the slot keys
        one.run(1)
    house.apply(Rename("d1", "sea"))
    house.run(1.5)
    plain.run(1.5)
    assert np.array_equal(house.samples, plain.samples)
    assert [one["name"] for one in report(house.scheduler)["layers"]] == ["sea"]
    with pytest.raises(EngineError, match="no layer 'd1' has played yet"):
        house.apply(Rename("d1", "x"))


def test_the_master_moves_everything():
    house = House()
    house.apply(play("d1", A))
    house.run(1)
    house.apply(Master(ll.number(-15)))
    house.run(1)
    at = np.arange(round(1.5 * RATE), 2 * RATE - 2000)
    source = np.asarray(A.of.source)
    level = 10 ** (-15 / 20) * np.cos(np.pi / 4)
    assert np.abs(house.samples[at, 0] - source[at % len(source)] * level).max() < 2e-4


def test_panic_is_exact_silence_from_the_next_block():
    from latentlive.engine.shared import PANIC, PANIC_DONE

    house = House()
    house.apply(play("d1", A), play("d2", B))
    house.run(1)
    house.scheduler.panic()
    house.shared.header[PANIC] += 1
    house.shared.header[PANIC_DONE] += 1
    before = len(house.samples)
    house.run(0.5)
    assert not house.samples[before:].any()
    house.apply(play("d1", A))
    house.run(2)
    assert house.samples[-RATE // 2 :].any()


def test_a_texture_that_fails_while_it_sounds_goes_back_to_the_one_before():
    house, plain = House(), House()
    for one in (house, plain):
        one.apply(play("d1", A), play("d2", B))
        one.run(1.2)
        one.apply(play("d1", A.slow(2)))
        one.run(2)
    voice = house.scheduler.timeline.layers["d1"].voice
    house.scheduler.failed(voice.serial, "sound: gone")
    house.run(3)
    plain.apply(Stop("d1", 0))
    plain.run(3)
    assert house.said == ["d1: sound: gone", f"d1: back to {A!r}"]
    assert report(house.scheduler)["layers"][0]["code"] == repr(A)
    at = np.arange(round(5.5 * RATE), round(6.1 * RATE))
    level = 10 ** (-9 / 20) * np.cos(np.pi / 4)
    alone = np.asarray(A.of.source)[at % len(np.asarray(A.of.source))] * level
    other = plain.samples[at, 0]
    assert np.abs(house.samples[at, 0] - alone - other).max() < 5e-4


def test_a_cell_with_one_bad_change_changes_nothing():
    house, plain = House(), House()
    for one in (house, plain):
        one.apply(play("d1", A))
        one.run(1)
    for bad in (Restart("d9"), put("d1", pair=3)):
        with pytest.raises(EngineError):
            house.apply(play("d1", B), play("d2", B), mute("d1"), bad)
    assert len(house.scheduler.timeline.voices) == 1
    house.run(2)
    plain.run(2)
    assert np.array_equal(house.samples, plain.samples)


def test_the_last_word_of_a_cell_counts():
    house = House()
    house.apply(play("d1", A), play("d1", B), Stop("d2"), play("d2", A))
    house.run(1.5)
    codes = {one["name"]: one["code"] for one in report(house.scheduler)["layers"]}
    assert codes == {"d1": repr(B), "d2": repr(A)}
    assert len(house.scheduler.timeline.voices) == 2
    house.apply(Stop("d1", 0), play("d1", A))
    house.run(2.5)
    assert report(house.scheduler)["layers"][0]["code"] == repr(A)
    house.apply(play("d1", B), Stop("d1", 0))
    house.run(1)
    assert [one["name"] for one in report(house.scheduler)["layers"]] == ["d2"]


def test_more_textures_than_voices_are_refused_in_one_line():
    house = House()
    with pytest.raises(EngineError, match="all voices are busy; stop a layer first"):
        house.apply(*[play(f"l{i}", A) for i in range(129)])
    assert house.scheduler.timeline.silent


def test_a_texture_that_takes_long_to_load_is_loaded_once_however_often_its_moment_moves():
    house = House()
    house.apply(play("d1", A))
    house.run(1)
    house.apply(play("d2", B), put("d2", quant=0))
    told = [order.word for order in house.dispatch.orders(1) if order.word != "encode"]
    assert told == ["load"]
    for _ in range(5):  # no answer comes, and the moments pass
        house.shared.header[POSITION] += RATE
        house.scheduler.advance()
        house.scheduler.advance()
        told += [order.word for order in house.dispatch.orders(1)]
    assert told == ["load"] + ["move"] * 5


def test_a_cell_that_fails_when_it_is_to_land_costs_itself_alone(monkeypatch):
    house = House()
    house.apply(play("d1", A))
    house.run(1)
    own = house.scheduler.commit.land

    def land(cell, at):
        if cell.voices:
            raise IndexError("by a test")
        own(cell, at)

    monkeypatch.setattr(house.scheduler.commit, "land", land)
    house.apply(play("d2", B))
    house.apply(put("d1", gain_db=-6.0))
    house.run(2)
    assert house.said == ["a change cannot land and is dropped: IndexError('by a test')"]
    shown = report(house.scheduler)["layers"]
    assert [(one["name"], one["gain"]) for one in shown] == [("d1", "-6")]
    assert house.scheduler.desk.free_rings == RINGS - 1


class Choosy(ToySpace):
    """A space that decodes nothing loud."""

    def decode(self, z):
        if np.abs(z).max() > 0.5:
            raise RuntimeError("too loud for this test")
        return super().decode(z)


def test_what_cannot_be_decoded_fails_alone_though_it_is_decoded_with_others():
    house = House()
    house.workers = [Worker(Choosy(1024), house.shared) for _ in LANES]
    loud = ll.sound(np.full(30_000, 0.9, "f4")).spread(0)
    house.apply(play("d1", A), play("d2", loud))
    house.run(2)
    assert house.said == ["d2: RuntimeError('too loud for this test')"]
    other = House()
    other.apply(play("d1", A))
    other.run(2)
    heard, alone = (np.trim_zeros(one.samples[:, 0], "f") for one in (house, other))
    assert np.array_equal(heard[:RATE], alone[:RATE])


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ([put("d1", gain_db=-n) for n in range(1001)], "a cell holds at most 1000 changes"),
        ([put(f"x{n}", gain_db=0) for n in range(1000)], "there can be at most 1000 layers"),
    ],
)
def test_more_than_can_land_between_two_blocks_is_refused(changes, line):
    house = House()
    house.apply(play("d1", A))
    with pytest.raises(EngineError, match=line):
        house.apply(*changes)
    house.apply(*changes[:200])


def test_no_more_is_planned_than_can_be_kept_in_order():
    house = House()
    for beat in range(500):
        house.scheduler.apply([play("d1", A)], Beat(1000.0 + beat))
    with pytest.raises(EngineError, match="at most 500 changes and cues can be planned"):
        house.scheduler.apply([play("d1", A)], Cue("more"))


def test_a_live_texture_begins_with_a_second_encoded_and_stays_encoded_ahead():
    house = House()
    house.apply(play("d1", A))
    house.run(1)
    house.apply(play("d2", ll.interp(A, B, ll.knob("sea")).extend(8)))
    begun = None
    for _ in range(400):
        house.run(0.01)
        voices = house.scheduler.timeline.voices.values()
        if begun is None:
            begun = next((v for v in voices if v.layer == "d2" and v.sounding), None)
            if begun is not None:
                assert begun.stream.encoded >= begun.start + RATE
    assert begun is not None
    jobs = [job for job in house.encoded if job.serial == begun.serial]
    assert all(one.stop == next.start for one, next in itertools.pairwise(jobs))
    assert begun.stream.encoded > begun.rendered + 10 * RATE
    assert not begun.late
