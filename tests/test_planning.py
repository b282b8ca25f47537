"""Cues, plans, tempo and undo, to the sample."""

from __future__ import annotations

import numpy as np
import pytest

import latentlive as ll
from latentlive.engine.render.dispatch import STEADY
from latentlive.engine.server.status import report
from latentlive.errors import EngineError, ExpressionError
from latentlive.mixer import GRID
from latentlive.protocol.changes import Master, Mute, Set, SetTempo, Stop, described
from latentlive.protocol.when import After, Beat
from latentlive.units import Tempo
from tests.scheduling import LEVEL, RATE, A, B, House, cue, grid, heard_of, layers, mute, play, put


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
