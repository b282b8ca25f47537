"""Pattern files: imported, saved anew, saved broken, and the layers that they feed."""

from __future__ import annotations

import ast
import errno
import os
import sys
import time

import pytest

from latentlive.prompt import reloading
from latentlive.prompt.jobs import Left, Saved
from latentlive.prompt.reloading import assignments
from tests.live.conftest import wait_until
from tests.prompting import Shown, console

TIDE = '''"""Tides."""
from latentlive import drift, interp, sine

def tide(beats=8):
    """Return a tide."""
    return interp(drift(1), drift(2), sine({}))
'''
STORM = """from murmur import tide

def storm():
    return tide(3).rev() if False else tide(3)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with two patterns, one of which leans on the other."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    patterns = tmp_path / "patterns"
    patterns.mkdir()
    save(patterns / "murmur.py", TIDE.format("beats"))
    save(patterns / "storming.py", STORM)
    yield patterns
    for name in ("murmur", "storming"):
        sys.modules.pop(name, None)


def save(path, text):
    """Save a file as editors do, with a time of its own."""
    beside = path.with_suffix(".tmp")
    beside.write_text(text)
    when = time.time_ns() + save.count * 1_000_000
    save.count += 1
    os.utime(beside, ns=(when, when))
    os.replace(beside, path)


save.count = 0


def saved(typed):
    """Return what is said after a save."""
    return typed.patterns.reload(typed.patterns.saved(), typed.booting.engine)


def test_a_layer_takes_the_new_definition_of_its_pattern(folder):
    typed, engine = console()
    typed.run("from murmur import tide\nimport murmur\nn = 4")
    typed.run("d1 >> tide(n)")
    typed.run("d2.fade(2) >> murmur.tide(6)")
    typed.run("layer('sea') >> tide(7)\nlayer('sea').gain(-3)")
    typed.run("d3 >> drift(5)")
    typed.run("t = tide(9)\nd4 >> t")
    typed.run("n = 100")
    assert saved(typed) == []
    before = len(engine.played())
    save(folder / "murmur.py", TIDE.format("beats * 2"))
    assert saved(typed) == ["murmur read anew: d1, d2, sea takes it at the next quant"]
    assert engine.played()[before:] == [
        ("d1", "interp(drift(1), drift(2), sine(8))"),  # n as it was when the line was typed
        ("d2", "interp(drift(1), drift(2), sine(12))"),
        ("sea", "interp(drift(1), drift(2), sine(14))"),
    ]
    assert typed.run("tide(1)").shown == "interp(drift(1), drift(2), sine(2))"
    assert typed.run("murmur.tide(1)").shown == "interp(drift(1), drift(2), sine(2))"


def test_a_pattern_that_leans_on_another_changes_with_it(folder):
    typed, engine = console()
    typed.run("from storming import storm\nd1 >> storm()")
    assert saved(typed) == []
    save(folder / "murmur.py", TIDE.format("beats + 1"))
    assert saved(typed) == ["murmur, storming read anew: d1 takes it at the next quant"]
    assert engine.played()[-1] == ("d1", "interp(drift(1), drift(2), sine(4))")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def tide(:\n", "murmur.py line 1, column 10: invalid syntax"),
        ("x = 1\n1 / 0\n", "murmur.py line 2: ZeroDivisionError: division by zero"),
        ("raise SystemExit\n", "murmur.py line 1: SystemExit: to leave, type exit"),
    ],
)
def test_a_broken_save_keeps_the_old_one(folder, text, said):
    typed, engine = console()
    typed.run("from murmur import tide\nd1 >> tide(4)")
    saved(typed)
    before = len(engine.asked)
    save(folder / "murmur.py", text)
    (line,) = saved(typed)
    assert line.startswith(said)
    assert line.endswith("; the version before it stays")
    assert len(engine.asked) == before
    assert typed.run("tide(4)").shown == "interp(drift(1), drift(2), sine(4))"
    save(folder / "murmur.py", TIDE.format("beats * 3"))
    assert saved(typed) == ["murmur read anew: d1 takes it at the next quant"]


def test_a_definition_that_fails_for_a_layer_leaves_it_alone(folder):
    typed, engine = console()
    typed.run("from murmur import tide\nd1 >> tide(4)")
    saved(typed)
    before = len(engine.asked)
    save(folder / "murmur.py", TIDE.format("0"))
    said = saved(typed)
    assert (
        said[0] == "d1 goes on as it was: murmur.py line 6: sine: period must be > 0 beats, got 0"
    )
    assert said[1] == "murmur read anew"
    assert len(engine.asked) == before


def test_a_layer_that_plays_something_else_by_now_is_left_alone(folder):
    typed, engine = console()
    typed.run("from murmur import tide\nd1 >> tide(4)\nd2 >> tide(5)")
    saved(typed)
    typed.run("for each in (d1,): each >> drift(3)")  # not at the cell's own level
    engine.state["layers"] = [one for one in engine.state["layers"] if one["name"] != "d2"]
    before = len(engine.asked)
    save(folder / "murmur.py", TIDE.format("beats + 1"))
    assert saved(typed) == ["murmur read anew"]
    assert len(engine.asked) == before


def test_a_saved_file_is_noticed_while_the_console_runs(folder):
    typed, engine = console()
    typed.run("from murmur import tide\nd1 >> tide(4)")
    front = Shown(typed.inbox)
    ended = typed.patterns.watch(lambda names: typed.inbox.put(Saved(names)))
    time.sleep(0.6)
    save(folder / "murmur.py", TIDE.format("beats * 5"))
    wait_until(lambda: not typed.inbox.empty(), 5, "the save to be noticed")
    ended.set()
    typed.inbox.put(Left())
    typed.serve(front)
    assert front.lines == [("note", "murmur read anew: d1 takes it at the next quant")]
    assert engine.played()[-1] == ("d1", "interp(drift(1), drift(2), sine(20))")


def test_the_watcher_outlives_descriptors_and_memory_that_run_out(folder, monkeypatch):
    typed, _ = console()
    typed.run("from murmur import tide\nd1 >> tide(4)")
    monkeypatch.setattr(reloading, "LOOK_EVERY", 0.02)
    faults = [OSError(errno.EMFILE, "Too many open files"), MemoryError()]
    look = typed.patterns.saved

    def saved():
        if faults:
            raise faults.pop()
        return look()

    monkeypatch.setattr(typed.patterns, "saved", saved)
    ended = typed.patterns.watch(lambda names: typed.inbox.put(Saved(names)))
    wait_until(lambda: not faults, 5, "it to fail")
    look()
    save(folder / "murmur.py", TIDE.format("beats * 5"))
    wait_until(lambda: not typed.inbox.empty(), 5, "the save to be noticed")
    ended.set()
    assert typed.inbox.get() == Saved(["murmur"])


def test_shipped_patterns_can_be_imported():
    typed, _ = console()
    answer = typed.run("import tides\ntides.tide()")
    assert answer.error == ""
    assert answer.shown.startswith("interp(")


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("d1 >> a", [("d1", "a")]),
        ("(d1 >> tide(8)).gain(-6).pan(0)", [("d1", "tide(8)")]),
        ("layer('sea').fade(2) >> a + b", [("sea", "a + b")]),
        ("d1 >> a; d2 >> b", [("d1", "a"), ("d2", "b")]),
        ("for x in y: d1 >> x", []),
        ("with cue('a'): d1 >> x", []),
        ("x >> y", []),
        ("d17 >> y", []),
        ("layer(name) >> y", []),
        ("d1 << a", []),
    ],
)
def test_lines_that_assign_a_texture(code, found):
    assert [(n, ast.unparse(t)) for n, t in assignments(ast.parse(code))] == found
