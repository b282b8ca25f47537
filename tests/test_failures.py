"""What is refused, and what fails: it leaves all others alone, to the sample."""

from __future__ import annotations

import numpy as np
import pytest

import latentlive as ll
from latentlive.engine.render.dispatch import LANES
from latentlive.engine.render.worker import Worker
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.engine.server.status import report
from latentlive.engine.shared import RINGS, Shared
from latentlive.errors import EngineError
from latentlive.expr import dump
from latentlive.protocol.changes import Change, Rename, Restart, Stop
from latentlive.protocol.requests import Go, Planned, Request
from latentlive.protocol.when import Beat, Cue
from latentlive.space import ToySpace
from latentlive.units import Tempo
from tests.scheduling import LEVEL, RATE, A, B, House, mute, play, put


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


def test_more_textures_than_voices_are_refused_in_one_line():
    house = House()
    with pytest.raises(EngineError, match="all voices are busy; stop a layer first"):
        house.apply(*[play(f"l{i}", A) for i in range(129)])
    assert house.scheduler.timeline.silent


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


def test_a_cell_refused_in_its_plans_changes_nothing():
    house = House()
    plans = [Planned((Rename("d1", "x"),), Beat(1.0))]
    house.apply(play("d1", A))
    house.run(0.5)
    with pytest.raises(EngineError, match="rename: a layer is renamed at once, not in a plan"):
        house.scheduler.check(plans)
    with pytest.raises(EngineError, match="go: no cue 'drop'"):
        house.scheduler.check([Go("drop", Beat(3.0))])
    house.scheduler.check([Planned((), Cue("drop")), Go("drop")])


@pytest.mark.parametrize("ahead", [0.1, 3.0, float("nan")])
def test_what_a_ring_cannot_hold_is_not_rendered_ahead(ahead):
    with pytest.raises(EngineError, match=r"ahead: must lie in 0\.5 to 2\.5 seconds, got"):
        Scheduler(Shared.create(), Tempo(60, RATE), ahead=ahead)


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
    alone = np.asarray(A.of.source)[at % len(np.asarray(A.of.source))] * LEVEL
    other = plain.samples[at, 0]
    assert np.abs(house.samples[at, 0] - alone - other).max() < 5e-4


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
