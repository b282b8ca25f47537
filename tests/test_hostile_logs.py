"""A log may come from anywhere: what no engine could have written is one line, and costs little."""

from __future__ import annotations

import cProfile
import json
import tracemalloc

import numpy as np
import pytest
from click.testing import CliRunner

import latentlive as ll
from latentlive.cli import main
from latentlive.curves import as_curve
from latentlive.engine.log import course, performance
from latentlive.engine.log.bounce import STEP, Bounce
from latentlive.engine.log.performance import Performance
from latentlive.expr import dump
from tests.performing import RATE, TONES, WINDOW, Choosy, Engine, bounced, replayed, same

FAR = 2**62
LEVEL = dump(as_curve(-6.0, "level"))


def play(layer, tone):
    texture = ll.sound(tone).spread(0)
    source = {"expr": dump(texture), "code": repr(texture), "sounds": {}}
    return {"op": "play", "layer": layer, "source": source}


@pytest.fixture(scope="module")
def evening(tmp_path_factory):
    """Return the lines of a short performance: levels, a tempo, another name, a hole, a panic."""
    folder = tmp_path_factory.mktemp("evening")
    engine = Engine(folder / "evening.py", seed=3)
    engine.do(op="cell", changes=[play("d1", TONES[1])])
    engine.run(0.2)
    engine.do(op="cell", changes=[{"op": "set", "layer": "d1", "gain_db": LEVEL}])
    engine.do(op="cell", changes=[{"op": "master", "gain_db": LEVEL}])
    engine.do(op="cell", changes=[{"op": "tempo", "bpm": 90.0, "over": 1.0}])
    engine.do(op="cell", changes=[{"op": "rename", "layer": "d1", "name": "sea"}])
    engine.run(0.5)
    engine.freeze(2.6)
    engine.run(0.1)
    engine.do(op="panic")
    engine.do(op="cell", changes=[play("d2", TONES[0])])
    engine.run(0.5)
    engine.close()
    lines = (folder / "evening.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    told = {line.get("do") for line in found}
    assert {"start", "level", "master", "tempo", "rename", "hole", "panic", "mark"} <= told
    return found


@pytest.fixture
def lines(evening):
    """Return lines that a test may damage."""
    return json.loads(json.dumps(evening))


def first(lines, do):
    """Return the place of the first decision of a kind."""
    return next(number for number, line in enumerate(lines) if line.get("do") == do)


def written(tmp_path, lines, name="odd"):
    path = tmp_path / f"{name}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def heard(path, seconds=0.3):
    """Bounce the beginning of a log; return how many stretches it took."""
    log = Performance(path)
    assert log.end < 20 * RATE
    return sum(1 for _ in Bounce(log, Choosy(WINDOW), stop=round(seconds * RATE)).blocks())


def after(do, *more):
    """Return an edit that adds lines behind the first decision of a kind."""

    def edit(lines):
        at = first(lines, do) + 1
        return lines[:at] + list(more) + lines[at:]

    return edit


def changed(do, **fields):
    """Return an edit of the first decision of a kind."""

    def edit(lines):
        lines[first(lines, do)] |= fields
        return lines

    return edit


def many_starts(lines):
    start = lines[first(lines, "start")]
    return after("start", *({**start, "voice": 100 + n} for n in range(3000)))(lines)


def twice(lines):
    start = lines[first(lines, "start")]
    return after("start", start)(lines)


def before_the_panic(lines):
    start, panic = lines[first(lines, "start")], lines[first(lines, "panic")]
    return after("panic", {**start, "voice": 9, "at": panic["at"] - 1})(lines)


def late_clock(lines):
    lines[first(lines, "start")]["clip"]["origin"] = 100 * RATE
    return lines


def turned(do, **fields):
    return {"do": do, "at": 0, "voice": 1, "level": 0.5, "over": 64, **fields}


HOLE = {"do": "hole", "at": 64, "to": 128, "voice": 1, "side": 0}

IMPOSSIBLE = {
    "a mark at the end of time": (changed("mark", at=FAR), "beyond what comes before it"),
    "a start at the end of time": (changed("start", at=FAR), "beyond what comes before it"),
    "a level at the end of time": (changed("level", at=FAR), "beyond what comes before it"),
    "a tempo at the end of time": (changed("tempo", at=FAR), "beyond what comes before it"),
    "a panic at the end of time": (changed("panic", at=FAR), "beyond what comes before it"),
    "a hole at the end of time": (after("start", {**HOLE, "at": FAR}), "beyond what comes before"),
    "a hole without an end": (after("start", {**HOLE, "to": FAR}), "could miss"),
    "a hole that ends before it begins": (after("start", {**HOLE, "to": 1}), "could miss"),
    "the second side of a mono voice": (after("start", {**HOLE, "side": 1}), "no second side"),
    "a third side": (after("start", {**HOLE, "side": 2}), "side must lie in 0 to 1"),
    "marks out of order": (
        after("mark", {"do": "mark", "at": 1}),
        "mark: sample 1 comes after sample",
    ),
    "panics out of order": (
        after("panic", {"do": "panic", "at": 1}),
        "panic: sample 1 comes after sample",
    ),
    "three thousand starts at once": (many_starts, "more than 128 voices sound at once"),
    "a voice twice": (twice, "voice 1 sounds already"),
    "a start before a panic that it follows": (before_the_panic, "lies before the panic"),
    "a clock that begins later": (late_clock, "its clock begins after sample"),
    "an end of nothing": (after("start", {"do": "end", "at": 64, "voice": 77}), "no voice 77"),
    "a fade of nothing": (after("start", turned("fade", voice=77)), "no voice 77"),
    "a fade that takes for ever": (after("start", turned("fade", over=FAR)), "over must lie in"),
    "a gate beyond open": (after("start", turned("gate", level=1.5)), "level must be <= 1"),
    "a pair that is not there": (changed("start", pair=5), "no pair 5 of channels"),
    "a slot beyond all layers": (changed("level", slot=10**6), "slot must lie in 0 to 1100"),
    "a level of something else": (changed("level", curves={"cost": LEVEL}), "no 'cost'"),
    "a tempo out of order": (changed("tempo", tempo=[60, [9, 60, 0], [8, 60, 0]]), "out of order"),
    "a tempo of nothing": (changed("tempo", tempo=[0.0]), "1 to 2000"),
    "a tempo of too much": (changed("tempo", tempo=[60.0] + [[9, 60.0, 0]] * 10_001), "at most"),
    "a layer that is no word": (changed("rename", name="../../etc"), "a name is a word"),
    "a layer of many letters": (changed("rename", name="x" * 200), "at most 100 letters"),
    "a seed in the middle": (after("mark", {"do": "seed", "at": 20_000, "seed": 4}), "cannot"),
}
"""What is done to the lines of a log, and what is said of it."""


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_no_engine_could_have_noted_is_refused_with_file_and_line(name, lines, tmp_path):
    edit, why = IMPOSSIBLE[name]
    before = [json.dumps(line) for line in lines]
    odd = edit(lines)
    path = written(tmp_path, odd)
    after_all = [json.dumps(line) for line in odd]
    pairs = enumerate(zip(before, after_all, strict=False))
    since = 1 + next(n for n, (one, other) in pairs if one != other)
    tracemalloc.start()
    with pytest.raises(ll.EngineError) as told:
        Performance(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    line = str(told.value)
    assert line.startswith(f"log: {path}, line ")
    assert int(line.split("line ")[1].split(":")[0]) >= since
    assert why in line
    assert "\n" not in line
    assert len(line) < 600
    assert most < 8 * 2**20


def test_a_refused_log_leaves_no_file(lines, tmp_path):
    path = written(tmp_path, changed("mark", at=FAR)(lines))
    out, stems = tmp_path / "x.wav", tmp_path / "stems"
    for command in (["bounce", "-o", str(out), "--stems", str(stems)], ["replay", "--silent"]):
        told = CliRunner().invoke(main, [*command, str(path)])
        assert told.exit_code == 1
        assert f"Error: log: {path}, line " in told.output
        assert "Traceback" not in told.output
    assert list(tmp_path.iterdir()) == [path]


def test_a_log_without_any_one_of_its_lines_is_played_or_refused(evening, tmp_path):
    played, refused = 0, []
    for number in range(len(evening)):
        path = written(tmp_path, evening[:number] + evening[number + 1 :])
        try:
            assert heard(path) <= 0.3 * RATE / STEP + len(evening)
            played += 1
        except ll.LatentliveError as error:
            refused.append(str(error))
    assert all(line.startswith(f"log: {path}, line ") for line in refused)
    assert len(refused) >= 2
    assert played > 5


def test_a_log_that_lost_its_first_cell_is_one_line_or_plays_from_the_first_sound(lines, tmp_path):
    lost = first(lines, "start")
    path = written(tmp_path, lines[:lost] + lines[lost + 1 :])
    with pytest.raises(ll.EngineError, match="there is no voice 1 here"):
        Performance(path)
    # Nothing is left of it: the second sound is the first that is heard.
    panic = first(lines, "panic")
    begun = next(n for n in range(panic, len(lines)) if lines[n].get("do") == "start")
    texture = begun - 1 if "texture" in lines[begun - 1] else begun
    textures = [line for line in lines[:texture] if "texture" in line]
    path = written(tmp_path, [lines[0], *textures, *lines[texture:]], "later")
    log = Performance(path)
    whole = bounced(path, log.end)
    assert np.abs(whole).max() > 0.01
    same(replayed(path, tmp_path / "again.py", log.end), whole, "replay")


@pytest.mark.parametrize("at", [0, 5000])
def test_panics_without_number_are_played(at, lines, tmp_path):
    start = first(lines, "start")
    panics = [{"do": "panic", "at": at}] * 3000
    path = written(tmp_path, [*lines[: start + 1], *panics, lines[-1]])
    assert heard(path) <= 0.3 * RATE / STEP + 3
    again = {**lines[start], "at": at}
    voices = [line for n in range(200) for line in ({**again, "voice": 9 + n}, panics[0])]
    path = written(tmp_path, [*lines[: start + 1], *panics[:1], *voices, lines[-1]])
    assert heard(path) <= 0.3 * RATE / STEP + 202


def calls(path):
    """Return how many functions are called to bounce the beginning of a log."""
    profile = cProfile.Profile()
    profile.runcall(heard, path)
    return sum(one.callcount for one in profile.getstats())


def test_what_many_levels_cost_grows_as_they_do(lines, tmp_path):
    start = first(lines, "start")
    curve = dump(ll.sine(1).range(-20, 0))
    takes = []
    for count in (0, 500, 2000):
        levels = [
            {"do": "level", "at": 64 + n, "slot": 0, "glide": True, "curves": {"gain_db": curve}}
            for n in range(count)
        ]
        path = written(tmp_path, [*lines[: start + 1], *levels, lines[-1]])
        takes.append(calls(path))
    few, many = takes[1] - takes[0], takes[2] - takes[0]
    assert many < 6 * few
    assert many < 2000 * 1500


def test_more_decisions_at_once_than_an_engine_takes_are_refused(lines, tmp_path, monkeypatch):
    monkeypatch.setattr(course, "MOST_AT_ONCE", 500)
    level = lines[first(lines, "level")]
    path = written(tmp_path, after("level", *[level] * 600)(lines))
    with pytest.raises(ll.EngineError, match="level: more than 500 decisions come at once here"):
        Performance(path)
    spread = [{**level, "at": level["at"] + n * RATE} for n in range(600)]
    last = [{"do": "mark", "at": spread[-1]["at"]}]
    path = written(tmp_path, [*lines[: first(lines, "level")], *spread, *last])
    assert Performance(path).end > 599 * RATE


def test_a_long_log_is_read_as_a_stream(lines, tmp_path):
    level = lines[first(lines, "level")]
    marks = [
        line
        for n in range(15_000)
        for line in (
            {"do": "mark", "at": 40_000 + n * 11_025},
            {**level, "at": 40_000 + n * 11_025},
        )
    ]
    path = written(tmp_path, [*lines[: first(lines, "level")], *marks])
    size = path.stat().st_size
    del marks
    tracemalloc.start()
    log = Performance(path)
    for _ in Bounce(log, Choosy(WINDOW), begin=log.end - STEP).blocks():
        pass
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 2 * 2**20
    assert most < size / 2


def test_lines_that_are_too_long_too_deep_or_too_full_are_refused(lines, tmp_path, monkeypatch):
    path = written(tmp_path, lines)
    for text, why in {
        '{"do":' + "[" * 100_000 + "]" * 100_000 + "}": "nested too deeply",
        '{"do": "mark", "at": 1' + "0" * 5000 + "}": "",
        "[" + "0," * 1_000_001 + "0]": "too many values",
        '{"do": "\\u001b[2J\\n"}': r"no decision '\x1b[2J\n'",
        '"' + "x" * 5000 + '"': "",
    }.items():
        path.write_text(json.dumps(lines[0]) + f"\n{text}\n")
        with pytest.raises(ll.EngineError) as told:
            Performance(path)
        line = str(told.value)
        assert line.startswith(f"log: {path}, line 2: damaged (")
        assert why in line
        assert line.isprintable()
        assert len(line) < 600
    monkeypatch.setattr(performance, "LONGEST_LINE", 1000)
    path.write_text(json.dumps(lines[0]) + "\n" + " " * 2000 + "\n")
    with pytest.raises(ll.EngineError, match=r"line 2: damaged .no line is that long"):
        Performance(path)


NUMBERS = (-1, 0, 1, 63, 2**31, 2**53, FAR, 2**63, 10**30, 0.5, 1e300, None, "x", True)


def test_any_number_anywhere_in_a_decision_is_played_or_refused(evening, tmp_path):
    seen, refused = set(), []
    for number, line in enumerate(evening):
        for word in [word for word in line if "do" in line and word != "do"]:
            if (line["do"], word) in seen or isinstance(line[word], dict):
                continue
            seen.add((line["do"], word))
            for value in NUMBERS:
                path = written(
                    tmp_path, [*evening[:number], {**line, word: value}, *evening[number + 1 :]]
                )
                try:
                    log = Performance(path)
                    stop = min(log.end, 2 * STEP)
                    blocks = list(Bounce(log, Choosy(WINDOW), stop=stop).blocks())
                    assert len(blocks) < 20
                    assert all(np.isfinite(block.mix).all() for block in blocks)
                except ll.LatentliveError as error:
                    refused.append(str(error))
    assert all(line.startswith(f"log: {path}, line ") for line in refused)
    assert len(seen) > 20
    assert len(refused) > 150
