"""A performance and its bounce hold the same samples, whatever happened in it."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

import latentlive as ll
from latentlive.engine.desk.decisions import Panicked
from latentlive.engine.log.bounce import Bounce
from latentlive.engine.log.formats import FORMAT, Header
from latentlive.engine.log.journal import Journal
from latentlive.engine.log.performance import Performance
from latentlive.engine.shared import PANIC, PANIC_DONE
from latentlive.errors import EngineError
from latentlive.protocol.changes import Hush, Master, Only, Set, SetTempo
from latentlive.protocol.levels import LOUDEST
from latentlive.protocol.when import Cue
from latentlive.space import ToySpace
from tests.scheduling import RATE, A, B, House, mute, play, put


class Logged(House):
    """A house whose decisions are written to a log."""

    def __init__(self, path, seed=0):
        super().__init__(seed)
        tempo = self.scheduler.timeline.tempo
        header = Header(FORMAT, ToySpace(1024).digest, RATE, 2, seed, 0, tempo, 0, name="toy")
        self.journal = Journal(path, header, self.said.append)
        self.scheduler.desk.note = self.journal.note

    def panic(self):
        self.shared.header[PANIC] += 1
        self.scheduler.panic()
        self.journal.note(Panicked(self.scheduler.timeline.position))
        self.shared.header[PANIC_DONE] += 1


def test_a_level_beyond_the_bounds_is_held_there_in_live_and_bounce(tmp_path):
    """A curve at +60 dB sounds as the number 24, a pan at 7 as 1, bit for bit."""
    heard = []
    for name, levels in {
        "number": {"gain_db": ll.number(24), "pan": ll.number(1), "amp": ll.number(LOUDEST)},
        "curve": {
            "gain_db": ll.line(60, 60, 1),
            "pan": ll.line(7, 7, 1),
            "amp": ll.line(99, 99, 1),
        },
    }.items():
        path = tmp_path / f"{name}.py"
        house = Logged(path)
        house.apply(play("d1", A.of), Set("d1", **levels), Master(levels["gain_db"]))
        house.run(1.0)
        house.journal.close()
        mix, _ = bounced(path, stop=RATE)
        assert np.array_equal(mix[: len(house.samples)], house.samples[: len(mix)])
        heard.append(house.samples)
    assert np.abs(heard[0]).max() > 0.1
    assert np.array_equal(*heard)


def test_a_seed_that_is_set_before_the_beginning_is_that_of_the_bounce(tmp_path):
    path = tmp_path / "seeded.py"
    house = Logged(path)
    house.apply(play("d1", A.of))
    house.scheduler.set_seed(5)
    house.run(1.0)
    house.journal.close()
    mix, _ = bounced(path, stop=RATE)
    assert np.abs(mix).max() > 0.01
    assert np.array_equal(mix[: len(house.samples)], house.samples[: len(mix)])


def test_what_was_auditioned_stays_out_of_the_bounce_and_its_stems(tmp_path):
    heard = []
    for name, auditions in {"with": True, "without": False}.items():
        house = Logged(tmp_path / f"{name}.py")
        house.apply(play("d1", A.of), put("d1", gain_db=-12.0))
        house.run(0.5)
        if auditions:
            house.apply(play("preview1", B), put("preview1", gain_db=-12.0))
            house.apply(play("preview", B), put("previews", gain_db=-12.0))
        house.run(1.5)
        house.journal.close()
        heard.append(house.samples)
    assert not np.array_equal(*heard)
    mix, blocks = bounced(tmp_path / "with.py", stop=2 * RATE, stems=True)
    assert np.array_equal(mix[: len(heard[1])], heard[1][: len(mix)])
    assert {name for block in blocks for name in block.layers} == {"d1"}


def bounced(path, **options):
    performance = Performance(path)
    stop = options.pop("stop")
    blocks = list(Bounce(performance, ToySpace(1024), stop=stop, **options).blocks())
    return np.concatenate([block.mix for block in blocks]), blocks


@pytest.fixture(scope="module")
def performance(tmp_path_factory):
    """Swaps, fades, levels, mutes, a tempo, a cue, a morph, a wide layer, a fault, a panic."""
    path = tmp_path_factory.mktemp("log") / "evening.py"
    house = Logged(path, seed=5)
    noisy = A.of  # with its noise
    house.apply(play("d1", noisy), put("d1", gain_db=-3.0, pan=0.2))
    house.run(1.1)
    house.apply(play("d2", B), put("d2", wide=0.7))
    house.apply(Set("d1", gain_db=ll.sine(1).range(-20, 0)))
    house.run(1.5, block=300)
    house.apply(put("d1", morph=True, xfade=2.0), play("d1", B.of))
    house.scheduler.apply([play("d3", A.slow(2))], Cue("drop"))
    house.run(1)
    house.apply(SetTempo(90.0, 4.0))
    house.run(2)
    house.scheduler.go("drop")
    house.apply(mute("d2"))
    house.run(1)
    house.apply(Only(("d3", "d1")))
    house.apply(Master(ll.number(3.0)))
    house.run(1.3)
    house.scheduler.failed(house.scheduler.timeline.layers["d1"].voice.serial, "sound: gone")
    house.run(1.5)
    house.panic()
    house.run(0.4)
    house.apply(play("d4", noisy))
    house.run(2)
    house.scheduler.undo()
    house.run(1)
    house.apply(Hush(0.5))
    house.run(1)
    house.journal.close()
    return path, house.samples


def test_the_bounce_is_what_was_heard_bit_for_bit(performance):
    path, heard = performance
    assert np.abs(heard).max() > 0.1
    again, _ = bounced(path, stop=len(heard))
    assert np.array_equal(again, heard)


def test_a_bounce_from_the_middle_holds_the_same_samples(performance):
    path, heard = performance
    for begin in (RATE // 3, 3 * RATE + 17, 6 * RATE):
        again, _ = bounced(path, begin=begin, stop=len(heard))
        assert np.array_equal(again, heard[begin:])


def test_stems_sum_to_the_mix_below_the_limiter(performance):
    path, heard = performance
    _, blocks = bounced(path, stop=2 * RATE, stems=True)
    assert {name for block in blocks for name in block.layers} == {"d1", "d2"}
    summed = np.concatenate([sum(block.layers.values()) for block in blocks])
    assert np.abs(summed - heard[: 2 * RATE]).max() < 1e-6


def test_another_model_is_named(performance):
    path, _ = performance
    with pytest.raises(EngineError, match="it was played with the model 'toy'"):
        Bounce(Performance(path), ToySpace(512))


@pytest.mark.parametrize("damage", ["nonsense\n", '{"format": 9}\n', "[]\n"])
def test_a_damaged_log_is_refused_in_one_line(tmp_path, damage):
    path = tmp_path / "x.jsonl"
    path.write_text(damage)
    with pytest.raises(EngineError, match=r"line 1: damaged"):
        Performance(path)


def test_a_log_of_a_later_version_is_refused_in_one_line(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"format": 6}\n')
    with pytest.raises(EngineError, match=r"format 6, this version reads 1 to 5; --perform plays"):
        Performance(path)


def test_a_line_cut_off_by_a_crash_is_left_out(performance, tmp_path):
    path, _ = performance
    lines = path.with_suffix(".jsonl").read_text()
    cut = tmp_path / "cut.jsonl"
    cut.write_text(lines[: len(lines) // 2])
    some, all_of_them = (list(Performance(log).decisions()) for log in (cut, path))
    assert 0 < len(some) < len(all_of_them)
    assert all_of_them[: len(some)] == some


def test_what_cannot_be_written_as_it_was_typed_does_not_end_the_log(tmp_path):
    house = Logged(tmp_path / "odd.py")
    house.journal.cell("'\ud800'", "", 0, 0.0, RATE)
    house.journal.cell("after", "", 0, 0.0, RATE)
    house.journal.close()
    log = Performance(tmp_path / "odd.py")
    assert log.closed
    assert not log.edited
    assert r"'\ud800'" in (tmp_path / "odd.py").read_text(encoding="utf-8")
    assert not house.said


WRONG = (None, {}, [], "x", "", -1, 1.5, 1e300, float("nan"), True, 10**30, [[]], {"a": 1})
"""Values that a damaged line may hold anywhere."""


def places(entry, place=()):
    """Yield where something is in a line of a log."""
    for key, value in entry.items() if isinstance(entry, dict) else enumerate(entry):
        yield (*place, key)
        if isinstance(value, dict | list):
            yield from places(value, (*place, key))


def test_a_log_with_anything_wrong_in_it_is_refused_in_one_line_or_played(performance, tmp_path):
    lines = performance[0].with_suffix(".jsonl").read_text().splitlines()
    rng, told = random.Random(3), []
    path = tmp_path / "wrong.jsonl"
    for _ in range(250):
        number = rng.randrange(len(lines))
        entry = json.loads(lines[number])
        *outer, last = rng.choice(list(places(entry)))
        inner = entry
        for key in outer:
            inner = inner[key]
        inner[last] = rng.choice(WRONG)
        wrong = [*lines[:number], json.dumps(entry), *lines[number + 1 :]]
        path.write_text("\n".join(wrong) + "\n")
        try:
            log = Performance(path)
            bounce = Bounce(log, ToySpace(1024), stop=min(log.end, 8192))
            assert all(np.isfinite(heard.mix).all() for heard in bounce.blocks())
        except ll.LatentliveError as error:
            told.append(str(error))
    assert len(told) > 100
    assert not [line for line in told if "\n" in line]
