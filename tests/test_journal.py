"""The log of a performance: its files, what is said of them, and what a crash leaves."""

from __future__ import annotations

import errno
import json

import numpy as np
import pytest

import latentlive as ll
from latentlive.engine.desk.decisions import SpaceNamed, Started
from latentlive.engine.log import journal, performance
from latentlive.engine.log.formats import FORMAT, Header
from latentlive.engine.log.journal import Journal
from latentlive.engine.log.performance import Performance
from latentlive.engine.log.resume import check_left, restore
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.expr import dump
from latentlive.space import ToySpace
from latentlive.units import Tempo
from tests.performing import RATE, TONES, Engine, bounced, replayed, same

HEADER = Header(FORMAT, "toy", RATE, 2, 0, 0, Tempo(60, RATE), 0)
PLAIN = ll.sound(TONES[1]).spread(0)


def play(layer, texture=PLAIN, code=None):
    source = {"expr": dump(texture), "code": code or repr(texture), "sounds": {}}
    return {"op": "cell", "changes": [{"op": "play", "layer": layer, "source": source}]}


def crashed(engine):
    """Leave an engine's log as a crash does, in the middle of a line; return what was heard."""
    engine.tick()
    engine.journal.close()
    path = engine.journal.path.with_suffix(".jsonl")
    *lines, _ = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines) + '{"do":"ma')
    assert not Performance(path).closed
    return engine.samples


def test_a_log_is_never_written_over_and_the_line_says_so(tmp_path):
    said = []
    path = tmp_path / "evening.py"
    path.write_text("a session that somebody has written\n")
    (tmp_path / "evening-2.jsonl").write_text("what was decided another time\n")
    one, two = Journal(path, HEADER, said.append), Journal(path, HEADER, said.append)
    for log in (one, two):
        log.close()
    assert (one.path.name, two.path.name) == ("evening-3.py", "evening-4.py")
    assert said == [
        "log: evening.py is there already; this is evening-3.py",
        "log: evening.py is there already; this is evening-4.py",
    ]
    assert path.read_text() == "a session that somebody has written\n"
    assert (tmp_path / "evening-2.jsonl").read_text() == "what was decided another time\n"
    assert not (tmp_path / "evening-2.py").exists()


def test_a_log_that_cannot_be_made_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "evening.py"
    real = type(path).open

    def open_one(self, *how, **options):
        if self.suffix == ".jsonl":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, *how, **options)

    monkeypatch.setattr(type(path), "open", open_one)
    with pytest.raises(ll.EngineError, match=r"log: cannot write .*evening.py: No space left"):
        Journal(path, HEADER, print)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_from_the_start_is_told_of_once(tmp_path, monkeypatch):
    def full(self, message):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal.Journal, "_line", full)
    engine = Engine(tmp_path / "evening.py")
    engine.do(**play("d1"))
    engine.run(0.5)
    engine.close()
    said = [line for line in engine.said if line.startswith("log:")]
    path = tmp_path / "evening.py"
    assert said == [f"log: cannot write {path}: No space left on device; it ends here"]
    assert np.abs(engine.samples).max() > 0.01


def test_a_name_that_was_given_is_what_a_crashed_run_comes_back_with(tmp_path):
    engine = Engine(tmp_path / "evening.py")
    engine.do(**play("d1"))
    engine.run(0.5)
    engine.do(op="cell", changes=[{"op": "rename", "layer": "d1", "name": "sea"}])
    engine.run(0.5)
    crashed(engine)
    log = Performance(tmp_path / "evening.py")
    scheduler = Scheduler(engine.shared, log.left.tempo, say=lambda line: None)
    restore(scheduler, log)
    assert [(layer.name, layer.slot) for layer in scheduler.timeline.layers.values()] == [
        ("sea", 0)
    ]


@pytest.mark.parametrize("seconds", [0.3, 0.62, 1.07])
def test_a_crash_costs_the_bounce_and_the_replay_nothing_that_was_heard(seconds, tmp_path):
    engine = Engine(tmp_path / "evening.py")
    engine.do(**play("d1"))
    engine.run(seconds, size=300)
    heard = crashed(engine)
    log = tmp_path / "evening.py"
    end = Performance(log).end
    assert len(heard) <= end < len(heard) + RATE
    same(bounced(log, end)[: len(heard)], heard, "bounce")
    # What a crash has left sounding never falls silent by itself: the replay ends all the same.
    again = replayed(log, tmp_path / "again.py", end + RATE)
    same(again[: len(heard)], heard, "replay")
    begun = np.flatnonzero(again.any(axis=1))
    assert begun[-1] < end + RATE / 2


def test_what_a_log_holds_is_no_order_to_a_terminal(tmp_path):
    engine = Engine(tmp_path / "evening.py")
    engine.do(**play("d1", code="d1 >> \x1b[2J\x07rain"))
    engine.run(0.3)
    engine.close()
    log = Performance(tmp_path / "evening.py")
    start = next(decision for decision in log.decisions() if isinstance(decision, Started))
    assert log.source(start.clip.source).code == r"d1 >> \x1b[2J\x07rain"


def test_a_log_whose_engine_still_plays_is_not_resumed(tmp_path, monkeypatch):
    engine = Engine(tmp_path / "evening.py")
    engine.do(**play("d1"))
    engine.run(0.3)
    crashed(engine)
    log = Performance(tmp_path / "evening.py")
    assert check_left(log) is None
    monkeypatch.setattr("latentlive.engine.log.resume.answers", lambda pid: True)
    with pytest.raises(ll.EngineError, match=r"evening.py is still played, by process 0; `latent"):
        check_left(log)
    engine.close()
    log.closed = True
    assert check_left(log) is None


@pytest.fixture
def on_toy(tmp_path):
    """Return the log of a layer that names a space."""
    engine = Engine(tmp_path / "evening.py")
    engine.do(**play("d1", PLAIN.on("toy")))
    engine.run(0.3)
    engine.do(**play("d2", ll.sound(TONES[0]).on("toy")))
    engine.run(0.5)
    engine.close()
    return tmp_path / "evening.py"


def test_what_was_behind_the_name_of_a_space_is_in_the_log_once(on_toy):
    decisions = list(Performance(on_toy).decisions())
    spaces = [decision for decision in decisions if isinstance(decision, SpaceNamed)]
    assert [(one.name, one.digest) for one in spaces] == [("toy", ToySpace(1024).digest)]
    end = Performance(on_toy).end
    again = on_toy.with_name("again.py")
    same(replayed(on_toy, again, end), bounced(on_toy, end), "replay")
    assert any(isinstance(decision, SpaceNamed) for decision in Performance(again).decisions())


def test_another_space_of_the_same_name_is_refused_as_another_model_is(on_toy, monkeypatch):
    monkeypatch.setattr(performance, "load_model", lambda name: ToySpace(512))
    with pytest.raises(ll.EngineError) as told:
        bounced(on_toy, RATE)
    assert "log: it was played with .on('toy'), which is another space now" in str(told.value)
    monkeypatch.undo()
    path = on_toy.with_suffix(".jsonl")
    lines = path.read_text().replace('"name":"toy","digest"', '"name":"gone.safetensors","digest"')
    path.write_text(lines)
    assert json.loads(lines.splitlines()[0])["name"] == "toy"
    with pytest.raises(ll.EngineError, match=r"played with .on\('gone.safetensors'\): model: no f"):
        bounced(on_toy, RATE)
