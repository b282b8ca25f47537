"""Dispatch: which worker renders what, how far ahead, and what a slow voice costs."""

from __future__ import annotations

import itertools

import numpy as np

import latentlive as ll
from latentlive.engine.render.dispatch import PREPARING, STEADY
from latentlive.engine.render.priority import SLOW
from latentlive.engine.shared import MISSING, POSITION
from latentlive.protocol.rendering import Batch
from latentlive.protocol.when import Beat
from latentlive.renderer import store
from tests.scheduling import LEVEL, RATE, A, B, House, cue, grid, layers, play, put, slowed

RNG = np.random.default_rng(12)


def layers_voice(house, name):
    return house.scheduler.timeline.layers[name].voice.serial


def test_a_layer_that_renders_too_slowly_fades_alone_and_comes_back():
    house, plain = House(), House()
    tone = ll.sound(np.sin(np.arange(44100) * 2 * np.pi * 100 / RATE).astype("f4") * 0.4).spread(0)
    for one in (house, plain):
        one.apply(play("d2", A))
        one.run(1.2)
    house.apply(play("d1", tone))
    house.run(1)
    house.slow = {layers_voice(house, "d1"): 2.5}
    house.run(9)
    plain.run(10)
    assert any("d1: rendering cannot keep up" in line for line in house.said)
    assert len(house.said) <= 2
    assert house.scheduler.timeline.voices[layers_voice(house, "d1")].stream.load > SLOW
    alone = house.samples[:, 0] - plain.samples[:, 0]
    # It comes and goes without a click, and the other layer's samples are what they were.
    assert np.abs(np.diff(alone)).max() < 2 * 0.4 * LEVEL * 2 * np.pi * 100 / RATE
    closed = np.array_split(np.abs(alone), 1000)
    quiet = [chunk.max() == 0 for chunk in closed]
    assert 50 < sum(quiet) < 900
    assert not house.shared.header[MISSING]  # no sample was missing where it was to be heard


def test_what_a_cue_will_read_is_encoded_while_there_is_nothing_to_render(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    monkeypatch.setattr(store, "GATHER_SECONDS", 0.0)
    house = House()
    encoded = []
    for worker in house.workers:
        encode = worker.space.encode
        worker.space.encode = lambda windows, e=encode: encoded.append(len(windows)) or e(windows)
    # Whole hops, so that a loop reads the same windows each time.
    short, long = (RNG.standard_normal(n * 1024).astype("f4") for n in (30, 700))
    house.apply(play("d1", ll.sound(short)))
    house.run(1)
    cue(house, "drop", play("d2", ll.sound(long)))
    house.run(0.2)
    before = sum(encoded)
    assert before > 700 * 4
    house.scheduler.go("drop")
    house.run(16)
    assert layers(house)["d2"]["state"] == "playing"
    assert sum(encoded) == before


def test_the_other_worker_takes_over_when_one_dies():
    house, plain = House(), House()
    for one in (house, plain):
        one.apply(play("d1", A), play("d2", B.slow(2)))
        one.run(1)
    house.dispatch.died(STEADY)
    house.workers[STEADY].voices.clear()
    house.run(2)
    plain.run(2)
    assert all(set(v.stream.bound) == {PREPARING} for v in house.scheduler.timeline.voices.values())
    house.dispatch.ready(STEADY)
    house.run(1)
    plain.run(1)
    assert all(set(v.stream.bound) == {STEADY} for v in house.scheduler.timeline.voices.values())
    assert np.array_equal(house.samples, plain.samples)


class Heavy(House):
    """A house whose textures take a tenth of their time to render."""

    def answer(self, lane, order):
        answer = super().answer(lane, order)
        if not isinstance(answer, Batch):
            return answer
        return Batch(tuple(slowed(one, 0.1) for one in answer.answers))


def test_the_second_worker_takes_its_share_of_what_sounds_and_the_samples_are_the_same():
    heavy, light = Heavy(), House()
    for house in (heavy, light):
        house.apply(*(play(f"d{n}", A) for n in range(1, 13)))
        house.run(2)
    lanes = [voice.stream.lane for voice in heavy.scheduler.timeline.voices.values()]
    assert abs(lanes.count(STEADY) - lanes.count(PREPARING)) <= 2
    assert {voice.stream.lane for voice in light.scheduler.timeline.voices.values()} == {STEADY}
    assert all(
        v.stream.bound == {v.stream.lane: v.version}
        for v in heavy.scheduler.timeline.voices.values()
    )
    assert np.array_equal(heavy.samples, light.samples)


def test_what_is_silent_already_does_not_take_the_others_along():
    house = House()
    house.apply(*(play(f"d{n}", A) for n in range(1, 17)))
    house.run(1)
    late = list(house.scheduler.timeline.voices.values())[:8]
    for voice in late:
        voice.late = True
    house.shared.header[POSITION] += 8192
    (order,) = house.dispatch.orders(STEADY)
    assert {job.serial for job in order.jobs}.isdisjoint(voice.serial for voice in late)


def test_what_is_rendered_lands_on_time_though_both_workers_are_dead():
    house = House()
    house.apply(play("d1", A))
    house.scheduler.apply([play("d1", B)], Beat(2.0))
    house.run(1.5)
    for lane in (STEADY, PREPARING):
        house.dispatch.died(lane)
        house.workers[lane].voices.clear()
    house.run(1)
    assert layers(house)["d1"]["since"] == grid(2 * RATE)
    assert not house.shared.header[MISSING]


def test_the_longest_ahead_holds_what_is_heard():
    house, plain = House(), House()
    house.scheduler.timeline.ahead = grid(2.5 * RATE)
    for one in (house, plain):
        one.apply(play("d1", A), play("d2", B))
        one.run(7)
    assert not house.shared.header[MISSING]
    assert np.array_equal(house.samples, plain.samples)


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
