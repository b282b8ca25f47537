"""Effects on layers, buses and the master: what is heard, and that replay and bounce hold it."""

from __future__ import annotations

import numpy as np
import pytest

import latentlive as ll
from latentlive.curves import as_curve
from latentlive.effects import strip as finite
from latentlive.effects.declared import EFFECTS
from latentlive.engine.shared import STRIPS
from latentlive.expr import dump
from latentlive.units import from_db
from tests.performing import RATE, RNG, Engine, bounced, replayed, same
from tests.test_performances import compare, source

NOISE = ll.sound((RNG.standard_normal(30_000) * 0.1).astype("f4")).spread(0)
OTHER = ll.sound((RNG.standard_normal(40_001) * 0.1).astype("f4")).spread(0)
MASTER = float(from_db(-9.0))


def play(layer, texture=NOISE):
    return {"op": "play", "layer": layer, "source": source(texture)}


def effect(layer, name, by="", **values):
    """Return the change that sets an effect; what is not said is as it is by default."""
    declared = next(one for one in EFFECTS if one.name == name)
    curves = {
        f"{name}.{one.name}": dump(as_curve(values.get(one.name, one.default), "effect"))
        for one in declared.parameters
        if one.name not in ("by", "space")
    }
    return {"op": "effect", "layer": layer, "effect": name, "curves": curves, "by": by}


def off(layer, name):
    return {"op": "effect", "layer": layer, "effect": name}


def level(layer, db):
    return {"op": "set", "layer": layer, "gain_db": dump(as_curve(db, "gain"))}


def send(layer, bus, db=0.0, pre=False):
    gain = None if db is None else dump(as_curve(db, "send"))
    return {"op": "send", "layer": layer, "bus": bus, "gain_db": gain, "pre": pre}


class Evening:
    """A performance that is compared with its replay and its bounce where it ends."""

    def __init__(self, folder, **options):
        self.folder, self.engine = folder, Engine(folder / "evening.py", **options)

    def __enter__(self):
        return self

    def do(self, *changes):
        assert self.engine.do(op="cell", changes=list(changes)) is None

    def refused(self, *changes):
        return self.engine.do(op="cell", changes=list(changes))

    def run(self, seconds):
        """Play on, and return what was heard [shape=(n, channels)]."""
        before = len(self.engine.heard)
        self.engine.run(seconds)
        return np.concatenate(self.engine.heard[before:])

    def __exit__(self, kind, error, trace):
        self.engine.close()
        if kind is None:
            assert self.engine.missing == 0
            compare(self.engine, self.folder, 0.6, 512)


def loud(samples):
    """Return the root mean square [dB]."""
    return 20 * np.log10(np.sqrt(np.mean(np.square(samples))) + 1e-12)


def test_a_layer_with_an_effect_that_does_nothing_sounds_as_without(tmp_path):
    with Evening(tmp_path) as evening:
        evening.do(play("d1"), effect("d1", "drive", db=0.0))
        with_it = evening.run(2.0)
    with Evening(tmp_path_of(tmp_path)) as evening:
        evening.do(play("d1"))
        without = evening.run(2.0)
    # Overdrive has a latency, the same at 0 dB: find it.
    part = without[RATE // 2 : RATE]
    shifts = [np.abs(with_it[RATE // 2 + k : RATE + k] - part).max() for k in range(64)]
    assert min(shifts) < 1e-4


def tmp_path_of(path):
    """Return another folder beside one."""
    beside = path / "beside"
    beside.mkdir()
    return beside


def test_an_effect_is_crossed_over_to_and_away_from_without_a_step(tmp_path):
    with Evening(tmp_path) as evening:
        evening.do(play("d1", ll.sound(np.full(40_000, 0.2, "f4")).spread(0)))
        evening.run(1.0)
        evening.do(effect("d1", "hpf", hz=300.0))
        gone = evening.run(1.5)
        evening.do({"op": "dry", "layer": "d1"})
        back = evening.run(3.0)
    assert np.abs(gone[-RATE // 2 :]).max() < 1e-3
    assert np.abs(back[-RATE // 2 :, 0] - 0.2 * MASTER * np.cos(np.pi / 4)).max() < 1e-3
    whole = np.concatenate([gone, back])[:, 0]
    # A step would be as high as the sound; the loop itself has none.
    assert np.abs(np.diff(whole)).max() < 0.01


def test_what_is_dry_again_is_what_it_was_bit_for_bit(tmp_path):
    with Evening(tmp_path) as evening:
        evening.do(play("d1"))
        evening.run(1.0)
        evening.do(effect("d1", "lpf", hz=500.0))
        evening.run(1.0)
        evening.do({"op": "dry", "layer": "d1"})
        evening.run(4.0)
        assert not evening.engine.scheduler.desk.strips.by_serial
        tail = evening.run(1.0)
    with Evening(tmp_path_of(tmp_path)) as evening:
        evening.do(play("d1"))
        evening.run(6.0)
        plain = evening.run(1.0)
    assert np.array_equal(tail, plain)


def test_a_tail_rings_out_behind_a_stop_and_panic_cuts_it(tmp_path):
    with Evening(tmp_path) as evening:
        evening.do(play("d1"), effect("d1", "reverb", mix=0.7, seconds=2.0))
        heard = evening.run(2.0)
        evening.do({"op": "stop", "layer": "d1", "fade": 0.0})
        evening.run(1.0)
        ringing = evening.run(0.5)
        assert not evening.engine.scheduler.timeline.silent
        evening.engine.do(op="panic")
        assert np.abs(evening.run(0.5)).max() == 0.0
        evening.do(play("d1"))
        again = evening.run(1.5)
    assert loud(heard[RATE:]) - 45 < loud(ringing) < loud(heard[RATE:]) - 15
    assert loud(again[-RATE // 2 :]) > loud(heard[RATE:]) - 3  # its effects are still set


def test_a_tail_ends_and_the_strip_is_given_back(tmp_path):
    with Evening(tmp_path) as evening:
        evening.do(play("d1"), effect("d1", "echo", beats=0.25, feedback=0.3))
        evening.run(1.0)
        evening.do({"op": "stop", "layer": "d1", "fade": 0.0})
        evening.run(6.0)
        assert evening.engine.scheduler.timeline.silent
        assert not evening.engine.scheduler.desk.strips.by_serial


def test_hush_fades_what_rings(tmp_path):
    with Evening(tmp_path) as evening:
        evening.do(play("d1"), send("d1", "hall"), effect("hall", "reverb", mix=1.0, seconds=6.0))
        evening.run(2.0)
        evening.do({"op": "hush", "fade": 1.0})
        evening.run(1.3)
        assert np.abs(evening.run(1.0)).max() == 0.0


def test_a_send_is_heard_at_its_level_beside_the_layer(tmp_path):
    with Evening(tmp_path) as evening:
        evening.do(play("d1"), level("d1", -6.0))
        alone = evening.run(2.0)[RATE:]
        evening.do(send("d1", "sum", -6.0))
        evening.run(1.0)
        both = evening.run(1.0)
        evening.do({"op": "mute", "layer": "d1", "muted": True})
        evening.run(0.5)
        assert np.abs(evening.run(0.5)).max() == 0.0
        evening.do({"op": "mute", "layer": "d1", "muted": False}, send("d1", "sum", -6.0, pre=True))
        evening.run(0.5)
        evening.do({"op": "mute", "layer": "d1", "muted": True}, {"op": "set", "layer": "sum"})
        evening.run(0.5)
        assert np.abs(evening.run(0.2)).max() == 0.0  # a muted layer sends nothing either
    # Behind the fader: the bus gets what is heard, and its pan lets 3 dB less through.
    assert loud(both) - loud(alone) == pytest.approx(20 * np.log10(1 + 0.5012 * 0.7071), abs=0.3)


def test_a_solo_is_heard_in_the_buses_it_is_sent_to(tmp_path):
    with Evening(tmp_path) as evening:
        evening.do(
            play("d1"), play("d2", OTHER), send("d1", "hall"), send("d2", "hall"), level("d1", -60)
        )
        evening.run(1.5)
        everything = evening.run(0.5)
        evening.do({"op": "only", "only": ["d1"]})
        evening.run(0.5)
        first = evening.run(0.5)
        evening.do({"op": "only", "only": ["hall"]})
        evening.run(0.5)
        bus = evening.run(0.5)
        evening.do({"op": "only", "only": []})
        evening.run(0.5)
        after = evening.run(0.5)
    assert loud(first) < loud(everything) - 50
    assert loud(everything) - 12 < loud(bus) < loud(everything) - 2
    assert loud(after) == pytest.approx(loud(everything), abs=0.5)


def test_a_compressor_makes_room_for_another_layer(tmp_path):
    with Evening(tmp_path) as evening:
        evening.do(play("d1", ll.sound(np.full(40_000, 0.2, "f4")).spread(0)))
        evening.do(effect("d1", "comp", threshold=-40.0, ratio=20.0, by="d2"), level("d2", -60))
        evening.do(play("d2", OTHER))
        evening.run(2.0)
        before = evening.run(0.5)
        evening.do(level("d2", 0))
        evening.run(1.0)
        evening.do(level("d2", -60))
        quiet = evening.engine.scheduler.timeline.position
        evening.run(2.0)
        after = evening.run(0.5)
        heard = evening.engine.samples
    ducked = heard[quiet - RATE // 3 : quiet].mean(axis=0)[0]
    assert abs(ducked) < 0.5 * abs(before.mean(axis=0)[0])
    assert after.mean(axis=0)[0] == pytest.approx(before.mean(axis=0)[0], rel=0.1)


def test_the_master_has_effects_and_everything_goes_through_them(tmp_path):
    with Evening(tmp_path, channels=4) as evening:
        evening.do(play("d1"), play("d2", OTHER), {"op": "set", "layer": "d2", "pair": 1})
        evening.do(send("d1", "hall"), effect("hall", "echo", beats=0.1))
        evening.run(2.0)
        bright = evening.run(0.5)
        evening.do(effect("master", "lpf", hz=100.0))
        evening.run(1.0)
        dark = evening.run(0.5)
        evening.do(off("master", "lpf"))
        evening.run(3.0)
        again = evening.run(0.5)
    for pair in (slice(0, 2), slice(2, 4)):
        assert loud(dark[:, pair]) < loud(bright[:, pair]) - 15
        assert loud(again[:, pair]) == pytest.approx(loud(bright[:, pair]), abs=1)


def test_sends_in_a_circle_are_refused_and_so_are_a_layer_called_master_and_a_wrong_number(
    tmp_path,
):
    with Evening(tmp_path) as evening:
        evening.do(send("d1", "hall"), send("hall", "cave"))
        assert "cave to hall to cave leads round in a circle" in evening.refused(
            send("cave", "hall")
        )
        told = evening.refused(effect("hall", "comp", by="cave"))
        assert "leads round in a circle" in told
        assert "master is the whole mix" in evening.refused(play("master"))
        assert "20000" in evening.refused(effect("d1", "lpf", hz=30_000.0))
        wrong = effect("d1", "lpf", hz=300.0)
        wrong["curves"]["lpf.room"] = wrong["curves"].pop("lpf.q")
        assert "there is no 'lpf.room'" in evening.refused(wrong)
        evening.do(play("d1"))
        evening.run(1.0)


def test_more_layers_with_effects_than_there_are_strips_play_on_without(tmp_path):
    with Evening(tmp_path) as evening:
        for number in range(STRIPS + 2):
            evening.do(
                play(f"n{number}"), effect(f"n{number}", "drive", db=3.0), level(f"n{number}", -40)
            )
        heard = evening.run(2.0)
        assert any("at most 32 layers and buses" in line for line in evening.engine.said)
        assert loud(heard[RATE:]) > -80


def test_undo_takes_effects_back_and_redo_brings_them(tmp_path):
    with Evening(tmp_path) as evening:
        evening.do(play("d1"))
        evening.run(1.0)
        evening.do(effect("d1", "lpf", hz=100.0))
        evening.run(1.5)
        dark = evening.run(0.5)
        evening.engine.do(op="undo")
        evening.run(0.5)
        bright = evening.run(0.5)
        evening.engine.do(op="redo")
        evening.run(0.5)
        assert loud(evening.run(0.5)) == pytest.approx(loud(dark), abs=1)
    assert loud(bright) > loud(dark) + 10


def test_who_renders_effects_dies_and_what_follows_is_replayed_and_bounced(tmp_path):
    with Evening(tmp_path) as evening:
        evening.do(play("d1"), effect("d1", "reverb", mix=0.5, seconds=3.0))
        evening.do(play("d2", OTHER), send("d2", "hall"), effect("hall", "echo", beats=0.3))
        evening.run(2.0)
        evening.engine.renew()
        evening.run(1.0)
        evening.do({"op": "stop", "layer": "d1", "fade": 0.0})
        evening.engine.renew()
        evening.run(1.0)


def test_a_bounce_and_a_replay_from_the_middle_hold_what_rang_before(tmp_path, monkeypatch):
    """With epochs so short that what comes before them is really left out."""
    for name, seconds in (("EPOCH", 2.0), ("WARM", 1.0), ("CROSS", 0.25)):
        monkeypatch.setattr(finite, f"{name}_SECONDS", seconds)
    engine = Engine(tmp_path / "evening.py")
    changes = [play("d1"), effect("d1", "echo", beats=0.31, feedback=0.6, mix=0.5)]
    changes += [effect("d1", "lpf", hz=ll.sine(3.0).range(300, 3000), q=3.0)]
    changes += [
        play("d2", OTHER),
        send("d2", "hall"),
        effect("hall", "reverb", mix=1.0, seconds=0.8),
    ]
    engine.do(op="cell", changes=[*changes, effect("master", "comp", threshold=-30.0)])
    engine.run(5.0)
    engine.do(op="cell", changes=[{"op": "stop", "layer": "d2", "fade": 0.1}])
    engine.run(3.0)
    engine.close()
    heard, stop = engine.samples, len(engine.samples)
    for begin in (0, round(3.4 * RATE), round(4.1 * RATE), round(5.4 * RATE)):
        same(bounced(tmp_path / "evening.py", stop, begin), heard[begin:], "bounce", begin)
        again = replayed(tmp_path / "evening.py", tmp_path / f"{begin}.py", stop, begin)
        same(again, heard[begin:], "replay", begin)


def test_width_brings_two_sides_together_and_apart(tmp_path):
    sides = np.stack([RNG.standard_normal(30_000), np.zeros(30_000)], axis=1).astype("f4") * 0.1
    with Evening(tmp_path) as evening:
        evening.do(play("d1", ll.sound(sides).spread(0)))
        evening.run(1.5)
        apart = evening.run(0.5)
        evening.do({"op": "set", "layer": "d1", "width": dump(as_curve(0, "width"))})
        evening.run(0.5)
        one = evening.run(0.5)
        evening.do({"op": "set", "layer": "d1", "width": dump(as_curve(2, "width"))})
        evening.do(effect("d1", "drive", db=0.0))
        evening.run(1.5)
        far = evening.run(0.5)
    assert np.abs(apart[:, 1]).max() == 0.0
    assert np.array_equal(one[:, 0], one[:, 1])
    assert loud(one[:, 0]) == pytest.approx(loud(apart[:, 0]) - 6.02, abs=0.3)
    assert loud(far[:, 0]) == pytest.approx(loud(apart[:, 0]) + 3.52, abs=0.3)
    assert loud(far[:, 1]) == pytest.approx(loud(apart[:, 0]) - 6.02, abs=0.3)


def test_live_levels_are_replayed_while_the_master_has_effects_and_after(tmp_path):
    knob = ll.knob("a", start=0.5).range(-30, 0)
    with Evening(tmp_path) as evening:
        evening.do(play("d1"), {"op": "set", "layer": "d1", "gain_db": dump(knob)})
        evening.run(1.0)
        for number, changes in enumerate(
            [[effect("master", "lpf", hz=900.0)], [off("master", "lpf")], [], []]
        ):
            if changes:
                evening.do(*changes)
            for part in range(12):
                value = ((number * 12 + part) * 0.37) % 1.0
                evening.engine.do(op="turn", name="a", value=value)
                evening.run(0.1)
        assert not evening.engine.scheduler.desk.strips.by_serial
