"""The scheduler, sample by sample: what lands when, and how it sounds."""

from __future__ import annotations

import numpy as np
import pytest

import latentlive as ll
from latentlive.engine.server.status import report
from latentlive.engine.shared import POSITION
from latentlive.errors import EngineError
from latentlive.mixer import GRID
from latentlive.protocol.changes import Hush, Master, Only, Rename, Restart, Stop
from latentlive.protocol.when import At
from tests.scheduling import LEVEL, RATE, A, B, House, grid, layers, mute, play, put


def test_a_texture_begins_with_the_transport_and_loops_on_its_own_length():
    house = House()
    house.apply(play("d1", A), put("d1", fade=0))
    house.run(2)
    source = np.asarray(A.of.source)
    at = np.arange(2048, 80_000)
    expected = source[at % len(source)] * LEVEL
    assert np.abs(house.samples[at, 0] - expected).max() < 2e-4


def test_redefining_lands_on_the_beat_and_the_clock_goes_on():
    house = House()
    house.apply(play("d1", A))
    house.run(1.3)
    house.apply(play("d1", B))
    house.run(3)
    state = report(house.scheduler)["layers"][0]
    assert state["since"] == grid(2 * RATE)
    assert state["origin"] == 0
    source = np.asarray(B.of.source)
    at = np.arange(3 * RATE + GRID, 4 * RATE)
    assert np.abs(house.samples[at, 0] - source[at % len(source)] * LEVEL).max() < 2e-4
    assert not house.scheduler.timeline.layers["d1"].leaving


def test_changes_of_one_cell_land_together():
    house = House()
    house.apply(play("d1", A))
    house.run(1.2)
    house.apply(play("d2", B), play("d3", A), put("d2", gain_db=-6.0))
    house.run(1.5)
    since = {one["name"]: one["since"] for one in report(house.scheduler)["layers"]}
    assert since["d2"] == since["d3"] == grid(2 * RATE)


def test_a_fixed_moment_is_met_to_the_grid():
    house = House()
    house.apply(play("d1", A))
    house.run(0.5)
    house.apply(play("d2", B), at=60_000)
    house.run(1.5)
    since = {one["name"]: one["since"] for one in report(house.scheduler)["layers"]}
    assert since["d2"] == grid(60_000)


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
    assert steepest < 1.3 * 0.5 * LEVEL * 2 * np.pi * 100 / RATE
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
    limit = 3 * 0.4 * LEVEL * 2 * np.pi * 120 / RATE
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
    heard = house.samples[-RATE // 2 :, 0]
    assert np.abs(heard - source[clock % len(source)] * LEVEL).max() < 2e-4


def test_what_is_planned_for_later_leaves_alone_what_lands_before():
    house = House()
    house.apply(play("d1", A))
    house.apply(play("d1", B), at=RATE // 2)
    house.apply(Hush(0.25), at=2 * RATE)
    house.run(3)
    heard = house.samples[:, 0]
    for source, at in ((A, np.arange(5000, RATE // 2)), (B, np.arange(2 * RATE - 100, 2 * RATE))):
        samples = np.asarray(source.of.source)
        assert np.abs(heard[at] - samples[at % len(samples)] * LEVEL).max() < 2e-4
    assert not heard[round(2.3 * RATE) :].any()
    assert house.scheduler.timeline.silent


def test_a_layer_that_is_stopped_before_begins_its_clock_anew():
    house = House()
    house.apply(play("d1", A))
    house.apply(Stop("d1", 0.1), at=RATE)
    house.apply(play("d1", B), at=2 * RATE)
    house.run(2.5)
    state = report(house.scheduler)["layers"][0]
    assert state["origin"] == state["since"] == grid(2 * RATE)


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
    assert state["origin"] == state["since"] == grid(2 * RATE)
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


def test_ten_hours_on_the_samples_are_where_they_belong():
    house = House()
    begin = 10 * 3600 * RATE // GRID * GRID
    house.shared.header[POSITION] = begin
    house.apply(play("d1", A))
    house.run(1.5)
    house.apply(play("d1", B))
    house.run(3)
    state = layers(house)["d1"]
    assert state["origin"] == begin
    at = np.arange(round(3.2 * RATE), 4 * RATE)
    source = np.asarray(B.of.source)
    assert np.abs(house.samples[at, 0] - source[at % len(source)] * LEVEL).max() < 2e-4


@pytest.mark.parametrize("block", [64, 128, 300, 1024])
def test_the_mix_is_the_same_whatever_the_devices_blocks(block):
    def run(size):
        house = House(seed=2)
        house.apply(play("d1", A.of), play("d2", ll.noise(1)), put("d2", gain_db=9.0))
        house.run(1, size)
        house.scheduler.apply([play("d1", B.of)], At(2 * RATE))
        house.scheduler.apply([Hush(0.3)], At(3 * RATE))
        house.run(3, size)
        return house.samples[: 3 * RATE + RATE // 2]

    assert np.array_equal(run(512), run(block))


def test_a_seed_is_set_before_the_transport_starts():
    house, other = House(seed=7), House(seed=0)
    other.scheduler.held = True
    for one in (house, other):
        one.apply(play("d1", ll.noise(1)))
    other.work()
    other.scheduler.set_seed(7)
    other.scheduler.held = False
    house.run(1)
    other.run(1)
    assert np.array_equal(house.samples, other.samples)
    with pytest.raises(EngineError, match="the performance has begun with seed 7"):
        other.scheduler.set_seed(8)
