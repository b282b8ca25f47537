"""Cues, plans and tempo, undo, morphs, wide layers, lateness: to the sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import latentlive as ll
from latentlive.engine.render.dispatch import PREPARING, STEADY
from latentlive.engine.render.priority import SLOW
from latentlive.engine.schedule.allocation import alike
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.engine.server.status import report
from latentlive.engine.shared import MISSING, POSITION, Shared
from latentlive.errors import EngineError, ExpressionError
from latentlive.mixer import GRID
from latentlive.models import RawAudioVAE, save_model
from latentlive.protocol.changes import (
    Hush,
    Master,
    Mute,
    Rename,
    Set,
    SetTempo,
    Stop,
    described,
)
from latentlive.protocol.rendering import Batch
from latentlive.protocol.requests import Go, Planned
from latentlive.protocol.when import After, At, Beat, Cue
from latentlive.renderer import store
from latentlive.units import Tempo
from tests.conftest import random_weights
from tests.test_scheduler import RATE, A, B, House, mute, play, put, slowed

RNG = np.random.default_rng(12)
LEVEL = 10 ** (-9 / 20) * np.cos(np.pi / 4)


def grid(sample):
    return -(-round(sample) // GRID) * GRID


def layers(house):
    return {one["name"]: one for one in report(house.scheduler)["layers"]}


def heard_of(house, texture, origin, at):
    source = np.asarray(texture.of.source)
    return np.abs(house.samples[at, 0] - source[(at - origin) % len(source)] * LEVEL).max()


def cue(house, name, *changes):
    return house.scheduler.apply(list(changes), Cue(name))


def test_a_cue_waits_rendered_and_begins_at_its_start_when_told():
    house = House()
    house.apply(play("d1", A))
    cue(house, "drop", play("d2", B), put("d2", fade=0), Stop("d1", 0))
    house.run(1.2)
    plan = report(house.scheduler)["plan"]
    assert [(one["name"], one["when"], one["layers"]) for one in plan] == [
        ("drop", "go", ["d2", "d1"])
    ]
    assert plan[0]["ready"] > 1.5
    before = house.scheduler.timeline.voices.copy()
    house.scheduler.go("drop")
    house.run(2)
    assert layers(house)["d2"]["origin"] == grid(2 * RATE)
    assert set(layers(house)) == {"d2"}
    assert heard_of(house, B, grid(2 * RATE), np.arange(grid(2 * RATE) + GRID, 3 * RATE)) < 2e-4
    # What was rendered for the cue is what is heard: it was moved, not rendered again.
    assert {v.serial for v in house.scheduler.timeline.voices.values()} <= set(before)
    assert next(iter(house.scheduler.timeline.voices.values())).version == 1


def test_a_cue_can_be_edited_and_cancelled_and_a_wrong_name_says_which_there_are():
    house = House()
    house.apply(play("d1", A))
    cue(house, "drop", play("d2", B))
    cue(house, "drop", play("d2", A.slow(2)))
    house.run(0.5)
    assert len(report(house.scheduler)["plan"]) == 1
    with pytest.raises(EngineError, match="go: no cue 'dorp'; there are 'drop'"):
        house.scheduler.go("dorp")
    house.scheduler.cues.cancel("drop")
    with pytest.raises(EngineError, match="cancel: nothing is planned under 'drop'"):
        house.scheduler.cues.cancel("drop")
    house.run(0.5)
    assert len(house.scheduler.timeline.voices) == 1


def test_what_follows_a_cue_lands_so_many_beats_after_it():
    house = House()
    house.apply(play("d1", A))
    cue(house, "drop", play("d2", B))
    house.scheduler.apply([play("d3", A)], After("drop", 1.5))
    house.run(1.2)
    assert [one["when"] for one in report(house.scheduler)["plan"]] == ["go", "drop + 1.5"]
    house.scheduler.go("drop")
    house.run(3)
    assert layers(house)["d3"]["since"] == pytest.approx(3.5 * RATE, abs=2 * GRID)
    with pytest.raises(EngineError, match="after: no cue 'x'"):
        house.scheduler.apply([play("d3", A)], After("x", 1))


def test_a_plan_fires_by_itself_at_its_beat_and_a_newer_word_leaves_it_alone():
    house = House()
    house.apply(play("d1", A))
    house.scheduler.apply([play("d1", B)], Beat(3.0))
    house.run(1)
    house.apply(put("d1", gain_db=0.0))
    house.apply(play("d1", A.slow(2)))
    house.run(3)
    assert layers(house)["d1"]["since"] == grid(3 * RATE)
    assert layers(house)["d1"]["code"] == repr(B)


def test_a_far_plan_holds_no_voice_until_it_comes_near():
    house = House()
    house.apply(play("d1", A))
    for beat in range(100, 400):
        house.scheduler.apply([play("d2", B)], Beat(float(beat)))
    house.run(0.2)
    assert len(house.scheduler.timeline.voices) == 1
    assert len(report(house.scheduler)["plan"]) == 300


def test_a_plan_that_cannot_be_ready_says_so_and_waits():
    house = House()
    house.apply(play("d1", A))
    house.run(1)
    house.dispatch.up[:] = [False, False]  # no worker answers
    house.scheduler.apply([play("d2", B)], Beat(1.3))
    house.run(0.6)
    assert any("not ready at beat 1.30: it waits for the next quant" in s for s in house.said)
    house.dispatch.ready(STEADY)
    house.run(2)
    assert layers(house)["d2"]["since"] % RATE < GRID


def test_a_beat_that_is_past_is_said_to_be_and_what_was_planned_comes_at_the_next_quant():
    house = House()
    house.apply(play("d1", A))
    house.run(3.3)
    house.scheduler.apply([play("d2", B)], Beat(2.0))
    cue(house, "drop", play("d3", B))
    house.scheduler.go("drop", Beat(1.0))
    assert house.said == [
        "beat 2 is past, it is beat 3.3: what was planned for it comes now",
        "beat 1 is past, it is beat 3.3: what was planned for it comes now",
    ]
    house.run(1.2)
    assert [layers(house)[name]["since"] for name in ("d2", "d3")] == [grid(4 * RATE)] * 2
    house.scheduler.apply([put("d1", gain_db=-6.0)], Beat(0.0))
    house.run(0.4)
    assert layers(house)["d1"]["gain"] == "-6"


def test_what_was_done_is_described_as_it_would_be_typed():
    changes = [
        play("d1", A),
        put("d1", gain_db=-6.0, pan=0.25),
        put("d1", xfade=8.0, morph=True, pair=1),
        Set("d2", amp=ll.sine(3)),
        Mute("d1", False),
        SetTempo(90.0, 4.0),
        Master(ll.number(-12)),
    ]
    told = (
        "d1.gain(-6).pan(0.25); d1.morph(8).out(3); d2.amp(sine(3)); d1.unmute(); "
        "tempo(90, over=4); master.gain(-12)"
    )
    assert described(changes[1:]) == told
    whole = described(changes)
    assert whole.startswith(f"d1 >> {A!r}; d1.gain(-6)")
    assert len(described([play("d1", ll.path([A.of] * 99, 0))])) == 160


def test_a_tempo_takes_effect_at_the_next_quant_and_keeps_phase():
    house, plain = House(), House()
    moving = ll.interp(A, B, ll.sine(2))
    for one in (house, plain):
        one.apply(play("d1", moving))
        one.run(1.3)
    house.apply(SetTempo(120.0, 0.0))
    house.run(2.7)
    plain.run(2.7)
    change = grid(2 * RATE)
    assert np.array_equal(house.samples[:change], plain.samples[:change])
    assert not np.allclose(house.samples[change + RATE // 2 :], plain.samples[change + RATE // 2 :])
    step = np.abs(np.diff(house.samples[change - 200 : change + 200, 0])).max()
    assert step < 1.2 * np.abs(np.diff(house.samples[RATE : change - 200, 0])).max()
    assert report(house.scheduler)["bpm"] == 120
    assert float(house.scheduler.timeline.tempo.beats(3 * RATE)) == pytest.approx(4, abs=0.01)
    assert layers(house)["d1"]["origin"] == 0
    assert len(house.scheduler.timeline.voices) == 1


def test_a_plan_moves_along_with_the_tempo():
    house = House()
    house.apply(play("d1", A))
    house.scheduler.apply([play("d2", B)], Beat(5.0))
    house.run(0.3)
    house.apply(SetTempo(120.0))
    house.run(4)
    change = grid(RATE)
    assert layers(house)["d2"]["since"] == pytest.approx(change + 2 * RATE, abs=2 * GRID)


def test_beats_of_a_ramp_are_its_mean_tempo():
    tempo = Tempo(60, RATE).changed(RATE, 120, 6)
    assert float(tempo.beats(RATE)) == 1
    assert float(tempo.beats(RATE + 4 * RATE)) == pytest.approx(7)  # 4 s at 90 on average
    assert tempo.bpm_at(RATE + 2 * RATE) == pytest.approx(90)
    assert tempo.bpm_at(10 * RATE) == 120
    for beat in (0.5, 1.0, 3.3, 7.0, 9.25):
        assert float(tempo.beats(tempo.sample(beat))) == pytest.approx(beat, abs=1e-4)
    clock = tempo.since(3 * RATE)
    at = np.array([0, 100, RATE, 3 * RATE, 5 * RATE])
    expected = tempo.beats(at + 3 * RATE) - tempo.beats(3 * RATE)
    assert np.allclose(clock.beats(at), expected)
    assert Tempo.load(tempo.dump(), RATE) == tempo
    slower = tempo.changed(2 * RATE, 30, 2)  # in the middle of the ramp
    assert float(slower.beats(2 * RATE)) == float(tempo.beats(2 * RATE))
    with pytest.raises(ExpressionError, match="bpm must lie in 1 to 2000, got 0"):
        tempo.changed(9 * RATE, 0)


def test_undo_and_redo_restore_textures_levels_and_clocks():
    house = House()
    house.apply(play("d1", A))
    house.run(1.3)
    house.apply(play("d1", B), put("d1", gain_db=-12.0))
    house.run(2)
    house.scheduler.undo()
    assert house.said == [f"undone: d1 >> {B!r}; d1.gain(-12)"]
    house.run(2.5)
    assert layers(house)["d1"]["code"] == repr(A)
    assert layers(house)["d1"]["gain"] == "+0"
    assert heard_of(house, A, 0, np.arange(round(5.2 * RATE), round(5.7 * RATE))) < 2e-4
    house.scheduler.redo()
    assert house.said[1:] == [f"redone: d1 >> {B!r}; d1.gain(-12)"]
    house.run(2.5)
    assert layers(house)["d1"]["code"] == repr(B)
    assert layers(house)["d1"]["gain"] == "-12"
    house.apply(Stop("d1", 0.2))
    house.run(1)
    assert not layers(house)
    house.scheduler.undo()
    house.run(2)
    assert layers(house)["d1"]["origin"] == 0  # as if it had never stopped
    house.apply(mute("d1"))
    with pytest.raises(EngineError, match="redo: nothing was undone"):
        house.scheduler.redo()


def test_undo_drops_what_has_not_landed():
    house = House()
    house.apply(play("d1", A))
    house.run(1.1)
    house.apply(play("d1", B))
    house.scheduler.undo()
    assert house.said == [f"undone, before it was heard: d1 >> {B!r}"]
    house.run(2)
    assert layers(house)["d1"]["code"] == repr(A)
    assert len(house.scheduler.timeline.voices) == 1
    house.scheduler.redo()
    house.run(2)
    assert layers(house)["d1"]["code"] == repr(B)


def test_nothing_can_be_undone_before_anything_was_done():
    with pytest.raises(EngineError, match="undo: nothing was done yet"):
        House().scheduler.undo()


def test_a_morph_goes_through_latent_space_and_collapses():
    house = House()
    house.apply(play("d1", A), put("d1", morph=True, xfade=2.0))
    house.run(1.3)
    house.apply(play("d1", B))
    house.run(1.2)
    assert len(house.scheduler.timeline.voices) == 1  # one decode, no second voice fading
    half = grid(2 * RATE) + RATE  # the toy space is linear: half way is the mean of both
    a, b = (np.asarray(x.of.source) for x in (A, B))
    house.run(2.5)
    at = np.arange(half - 200, half + 200)
    expected = (a[at % len(a)] + b[at % len(b)]) / 2 * LEVEL
    assert np.abs(house.samples[at, 0] - expected).max() < 0.02 * np.abs(b).max()
    assert heard_of(house, B, 0, np.arange(round(4.2 * RATE), round(4.8 * RATE))) < 2e-4


@pytest.mark.parametrize("again", [B.on("toy"), B.overlap(4), B.norm()], ids=repr)
def test_a_morph_asks_which_space_it_is_and_not_how_it_was_written(again):
    """The loaded space has a name too, and its overlap a number."""
    house = House()
    house.apply(play("d1", A), put("d1", morph=True, xfade=1.0))
    house.run(1.3)
    house.apply(play("d1", again))
    house.run(1.2)
    assert len(house.scheduler.timeline.voices) == 1
    assert house.said == []


def test_a_morph_into_another_space_crosses_over_and_so_does_one_into_a_file_that_is_gone():
    house = House()
    house.apply(play("d1", A), put("d1", morph=True, xfade=1.0))
    house.run(1.3)
    clip = house.scheduler.timeline.layers["d1"].voice.clip
    space_of = house.scheduler.timeline.space_of
    for model in ("spectral", "rawaudiovae", "gone.safetensors"):
        source = clip.source.changed(expr=B.on(model))
        assert not alike(clip, replace(clip, source=source), space_of)


def model_file(path, seed):
    tensors = random_weights(1024, 16, 4, seed)
    save_model(path, RawAudioVAE(tensors), {})
    return str(path)


def test_files_that_hold_the_same_model_are_one_space_and_others_are_not(tmp_path):
    house = House()
    names = {"one": 0, "copy": 0, "other": 1}
    one, copy, other = (
        model_file(tmp_path / f"{name}.safetensors", seed) for name, seed in names.items()
    )
    house.apply(play("d1", A.on(one)), put("d1", morph=True, xfade=1.0))
    house.run(1.3)
    house.apply(play("d1", B.on(copy)))
    house.run(1.2)
    assert house.scheduler.timeline.layers["d1"].voice.clip.crossing is not None
    assert house.said == []
    house.run(1.5)
    for elsewhere in (B.on(other), B):
        house.apply(play("d1", elsewhere))
        house.run(2.5)
        assert house.scheduler.timeline.layers["d1"].voice.clip.crossing is None
        assert house.said.pop() == "d1: morph needs one space and one join; it crossfades"


def test_a_morph_interrupted_by_another_starts_from_what_sounds():
    house = House()
    tones = [
        ll.sound(np.sin(np.arange(44100) * 2 * np.pi * f / RATE).astype("f4") * 0.4).spread(0)
        for f in (60, 90, 120)
    ]
    house.apply(play("d1", tones[0]), put("d1", morph=True, xfade=3.0, quant=0.5))
    house.run(1)
    for tone in (tones[1], tones[2], tones[0]):
        house.apply(play("d1", tone))
        house.run(0.9)
    house.run(3)
    steepest = np.abs(np.diff(house.samples[:, 0])).max()
    assert steepest < 1.3 * 0.4 * LEVEL * 2 * np.pi * 120 / RATE
    part = house.scheduler.timeline.layers["d1"].voice.clip
    assert part.crossing is not None
    assert (
        part.timed(house.scheduler.timeline.tempo, house.scheduler.timeline.position).crossing
        is None
    )


def test_a_morph_between_joins_crosses_over_and_says_so():
    house = House()
    house.apply(play("d1", A), put("d1", morph=True, xfade=1.0))
    house.run(1.3)
    house.apply(play("d1", B.overlap(2)))
    house.run(2.5)
    assert house.said == ["d1: morph needs one space and one join; it crossfades"]
    assert layers(house)["d1"]["code"] == repr(B.overlap(2))


HISS = ll.sound(np.zeros(RATE, "f4")).spread(300)  # all of it is noise


def test_a_wide_layer_is_mono_at_0_and_has_two_noises_at_1():
    def sides(amount):
        house = House()
        house.apply(play("d1", HISS), put("d1", wide=amount))
        house.run(2)
        left, right = house.samples[RATE // 2 :].T
        return float(np.corrcoef(left, right)[0, 1]), float(np.std(left) / np.std(right))

    assert sides(0.0) == (pytest.approx(1.0), pytest.approx(1.0))
    for amount, expected in ((0.5, np.cos(np.pi / 4)), (1.0, 0.0)):
        correlation, ratio = sides(amount)
        assert correlation == pytest.approx(expected, abs=0.05)
        assert ratio == pytest.approx(1.0, abs=0.05)


def test_wide_can_be_turned_while_it_sounds():
    house = House()
    house.apply(play("d1", HISS))
    house.run(1.2)
    house.apply(put("d1", wide=1.0))
    house.run(3)
    left, right = house.samples[-RATE:].T
    assert abs(float(np.corrcoef(left, right)[0, 1])) < 0.1
    assert sum(len(v.rings) for v in house.scheduler.timeline.voices.values()) == 2


def test_out_moves_a_layer_to_another_pair_and_needs_the_channels():
    house = House(channels=4)
    house.apply(play("d1", A), play("d2", B), put("d2", pair=1))
    house.run(1.5)
    assert heard_of(house, A, 0, np.arange(RATE, round(1.4 * RATE))) < 2e-4
    source = np.asarray(B.of.source)
    at = np.arange(RATE, round(1.4 * RATE))
    assert np.abs(house.samples[at, 2] - source[at % len(source)] * LEVEL).max() < 2e-4
    with pytest.raises(EngineError, match="channels 3 and 4 need --channels 4, the engine has 2"):
        House().apply(put("d1", pair=1))


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


def layers_voice(house, name):
    return house.scheduler.timeline.layers[name].voice.serial


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


def test_gain_curves_of_a_cue_run_on_the_layers_clock():
    house = House()
    house.apply(play("d1", A))
    tone = ll.sound(np.full(44100, 0.1, "f4")).spread(0)
    cue(house, "drop", play("d2", tone), put("d2", fade=0))
    house.apply(Set("d2", amp=ll.saw(4)))
    house.run(0.5)
    house.apply(Stop("d1", 0))
    house.scheduler.go("drop")
    house.run(3)
    begin = layers(house)["d2"]["origin"]
    at = begin + np.array([RATE // 2, RATE, RATE * 3 // 2])
    assert house.samples[at, 0] == pytest.approx(0.1 * LEVEL * (at - begin) / (4 * RATE), rel=0.01)


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


@pytest.mark.parametrize("ahead", [0.1, 3.0, float("nan")])
def test_what_a_ring_cannot_hold_is_not_rendered_ahead(ahead):
    with pytest.raises(EngineError, match=r"ahead: must lie in 0\.5 to 2\.5 seconds, got"):
        Scheduler(Shared.create(), Tempo(60, RATE), ahead=ahead)


def test_the_longest_ahead_holds_what_is_heard():
    house, plain = House(), House()
    house.scheduler.timeline.ahead = grid(2.5 * RATE)
    for one in (house, plain):
        one.apply(play("d1", A), play("d2", B))
        one.run(7)
    assert not house.shared.header[MISSING]
    assert np.array_equal(house.samples, plain.samples)
