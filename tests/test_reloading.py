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


KINDS = """from functools import cache, lru_cache, partial, wraps
from latentlive import drift, interp, sine, sound

BEATS = {n}
PLAIN = drift({n})
TABLE = {{"low": drift({n}), "high": [drift({n})]}}
gong = sound

def bare(function):
    return lambda *given: function(*given)

def low():
    return drift({n})

@bare
def decorated():
    return drift({n})

@lru_cache
def cached():
    return drift({n})

@cache
def leaning():
    return low()

def of(seed, beats):
    return drift(seed, beats)

seeded = partial(of, {n})

class Sea:
    def __call__(self):
        return drift({n})

sea = Sea()
"""


@pytest.mark.parametrize(
    ("imports", "texture"),
    [
        ("from murmur import BEATS", "drift(BEATS)"),
        ("from murmur import BEATS as n", "drift(n)"),
        ("from murmur import *", "drift(BEATS)"),
        ("from murmur import PLAIN", "PLAIN"),
        ("from murmur import TABLE", "TABLE['low']"),
        ("from murmur import TABLE\nfrom latentlive import *", "TABLE['high'][0]"),
        ("from murmur import decorated", "decorated()"),
        ("from murmur import cached", "cached()"),
        ("from murmur import leaning", "leaning()"),
        ("from murmur import seeded", "seeded(8)"),
        ("from murmur import sea", "sea()"),
        ("from murmur import Sea", "Sea()()"),
        ("import murmur", "murmur.cached()"),
        ("import murmur as m", "drift(m.BEATS)"),
        ("import murmur\nswell = murmur.cached", "swell()"),
        ("import murmur\nswell = murmur.TABLE", "swell['low']"),
        ("from storming import TWICE", "drift(TWICE // 2)"),
        ("from storming import storm", "storm()"),
        ("import storming", "storming.late()"),
    ],
)
def test_whatever_a_pattern_file_holds_follows_its_save(folder, imports, texture):
    save(folder / "murmur.py", KINDS.format(n=1))
    save(
        folder / "storming.py",
        "from murmur import BEATS, cached as c\nTWICE = 2 * BEATS\nstorm = c\n"
        "def late():\n    import murmur\n    return murmur.low()\n",
    )
    typed, engine = console()
    typed.run(imports)
    typed.run(f"d1 >> {texture}")
    assert engine.played() == [("d1", "drift(1)")]
    saved(typed)
    for n in (257, 3):
        save(folder / "murmur.py", KINDS.format(n=n))
        (said,) = saved(typed)
        assert said.startswith("murmur")
        assert said.endswith(" read anew: d1 takes it at the next quant")
        assert engine.played()[-1] == ("d1", f"drift({n})")
        assert typed.run(texture).shown == f"drift({n})"


def test_what_the_performer_has_named_is_hers(folder):
    save(folder / "murmur.py", KINDS.format(n=1))
    typed, engine = console()
    typed.run("from murmur import BEATS, gong\nfrom latentlive import sound\nmine = 1")
    typed.run("d1 >> drift(mine)\nd2 >> drift(BEATS)")
    typed.run("BEATS = 5")
    saved(typed)
    before = len(engine.played())
    save(folder / "murmur.py", KINDS.format(n=2).replace("gong = sound", "gong = interp"))
    assert saved(typed) == ["murmur read anew: d2 takes it at the next quant"]
    assert engine.played()[before:] == [("d2", "drift(2)")]  # as its line was typed
    assert typed.run("mine, BEATS, sound('x')").shown == "(1, 5, sound('x'))"
    assert typed.run("gong is interp").shown == "True"


def test_a_save_without_the_function_does_not_cut_the_link(folder):
    typed, engine = console()
    typed.run("from murmur import tide\nd1 >> tide(4)\nd2 >> drift(1)")
    typed.run("import murmur\nd3 >> murmur.tide(6)")
    saved(typed)
    played = engine.played()
    for _ in range(2):
        save(folder / "murmur.py", "from latentlive import drift\n")
        said = saved(typed)
        assert said[0] == "murmur has no tide any more: it stays as it was"
        assert said[1].startswith("d3 goes on as it was: AttributeError: module 'murmur' has no")
        assert said[2:] == ["murmur read anew"]
        assert engine.played() == played
        assert typed.run("tide(4)").shown == "interp(drift(1), drift(2), sine(4))"
    save(folder / "murmur.py", TIDE.format("beats * 2"))
    assert saved(typed) == ["murmur read anew: d1, d3 takes it at the next quant"]
    assert engine.played()[-2:] == [
        ("d1", "interp(drift(1), drift(2), sine(8))"),
        ("d3", "interp(drift(1), drift(2), sine(12))"),
    ]


def test_patterns_in_a_circle_and_one_that_fails_after_another_are_read_as_far_as_they_go(folder):
    typed, engine = console()
    save(folder / "murmur.py", "import storming\ndef tide():\n    return storming.storm()\n")
    save(
        folder / "storming.py",
        "import murmur\nfrom latentlive import drift\ndef storm():\n    return drift(1)\n",
    )
    typed.run("from murmur import tide\nd1 >> tide()")
    saved(typed)
    save(folder / "storming.py", (folder / "storming.py").read_text().replace("(1)", "(2)"))
    assert saved(typed) == ["murmur, storming read anew: d1 takes it at the next quant"]
    assert engine.played()[-1] == ("d1", "drift(2)")
    save(folder / "murmur.py", (folder / "murmur.py").read_text() + "from storming import no\n")
    (said,) = saved(typed)
    assert said.startswith("murmur.py line 4: ImportError: cannot import name 'no'")
    save(folder / "storming.py", (folder / "storming.py").read_text().replace("(2)", "(3)"))
    said = saved(typed)
    assert said[0].endswith("; the version before it stays")
    assert said[1] == "storming read anew"


def test_a_pattern_called_like_a_module_of_python_harms_nothing(folder):
    save(folder / "time.py", TIDE.format("beats"))
    typed, _ = console()
    hint = "; Python has a time of its own: give patterns/time.py another name"
    wrong = typed.run("from time import tide").error
    assert wrong.startswith("ImportError: cannot import name 'tide' from 'time'")
    assert wrong.endswith(hint)
    assert typed.run("import time\ntime.tide()").error.endswith(hint)
    assert typed.run("import time; time.sleep(0)").error == ""
    typed.run("from murmur import tide\nd1 >> tide(4)")
    assert saved(typed) == []
    save(folder / "time.py", TIDE.format("beats + 1"))
    save(folder / "murmur.py", TIDE.format("beats + 1"))
    assert saved(typed) == ["murmur read anew: d1 takes it at the next quant"]


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
