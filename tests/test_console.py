"""What is typed: values, errors of one line, names that stay, Ctrl-C, leaving."""

from __future__ import annotations

import re
import signal
import threading
import time
from queue import SimpleQueue

import pytest

from latentlive.client import Layer
from latentlive.client import views as planning
from latentlive.errors import EngineError, ExpressionError
from latentlive.prompt import console as console_module
from latentlive.prompt.booting import Booting
from latentlive.prompt.console import Console
from latentlive.prompt.jobs import Answer, Left, Saved, Sent, Typed
from latentlive.prompt.scope import BARE, KEPT, Names
from tests.prompting import TONE, Recorded, Shown, console


@pytest.fixture
def prompt():
    return console()


def test_a_cell_gives_the_value_of_its_last_line_and_sends_its_changes_together(prompt):
    typed, engine = prompt
    assert typed.run("a = 2\na * 21").shown == "42"
    assert typed.run(f"d1 >> {TONE}; d2 >> {TONE}\nd1.gain(-3)").shown == ""
    assert [change["op"] for change in engine.asked[0]["changes"]] == ["play", "play", "set"]
    assert len(engine.asked) == 1
    assert typed.run("_").shown == "42"


def test_a_cell_that_fails_changes_nothing_and_says_its_line(prompt):
    typed, engine = prompt
    answer = typed.run(f"d1 >> {TONE}\n\n1 / 0")
    assert answer == Answer(error="line 3: ZeroDivisionError: division by zero", line=3)
    assert engine.asked == []
    assert 'File "<cell 1>", line 3' in repr(typed.why)
    assert "1 / 0" in repr(typed.why)
    assert "console.py" not in repr(typed.why)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("soun('gong')", "no name 'soun' here; did you mean 'sound'?"),
        ("d1 = 3", "d1 is a layer: d1 >> ..."),
        ("del d1", "d1 is a layer: d1 >> ..."),
        ("for d3 in (1, 2): pass", "d3 is a layer: d3 >> ..."),
        ("import math as d2", "d2 is a layer: d2 >> ..."),
        ("hush = 1", "hush is a word that the stage needs: choose another name"),
        ("globals().update(d1=3)", "d1 is a layer: d1 >> ..."),
        ("import sys; sys.exit()", "SystemExit: to leave, type exit or press Ctrl-D"),
        ("raise KeyboardInterrupt", "stopped: nothing of it was taken"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise BaseException('x\\ny')", "BaseException: x"),
        ("raise ValueError('y' * 9000)", "ValueError: " + "y" * 385 + "..."),
        ("class E(Exception):\n    __str__ = None\nraise E", "E, which cannot be shown: TypeError"),
        (
            "class E(Exception):\n    def __repr__(self): 1 / 0\nraise E('its own')",
            "E: its own",
        ),
        ("d1 >> 3", "a layer plays a latent such as sound('gong'), got 3"),
        ("d1.volume(3)", "d1: a layer has no .volume()"),
        ("sound(", "line 1, column 6: '(' was never closed"),
        ("x = '\\ud800'; raise ValueError(x)", "ValueError: \ud800"),
        ("def f(): f()\nf()", "line 1: RecursionError: maximum recursion depth exceeded"),
        ("(" * 500 + ")" * 500, "line 1, column 201: too many nested parentheses"),
        ("\0", "SyntaxError"),
    ],
)
def test_errors_are_one_line_and_nothing_is_sent(prompt, code, line):
    typed, engine = prompt
    answer = typed.run(code)
    assert "\n" not in answer.error
    if line == "SyntaxError":  # its words differ from one Python to the next
        assert "null bytes" in answer.error
        assert "None" not in answer.error
    else:
        assert answer.error.startswith(line) or answer.error.removeprefix("line 3: ") == line
    assert engine.asked == []
    assert repr(typed.why)
    assert typed.run("d1.gain(-3)").error == ""  # the layers are where they were


def test_words_can_be_shadowed_and_come_back(prompt):
    typed, _ = prompt
    assert typed.run("z = 3\nz").shown == "3"
    assert typed.run("del z\nz").shown.startswith("z(vector)  One point")
    assert typed.run("globals().clear()\nd1.name").shown == "'d1'"
    assert typed.run("f = lambda: [d2.name for _ in range(2)]\nf()").shown == "['d2', 'd2']"


def run_and_mend(code, scope):
    exec(code, scope)
    scope.mend()


@pytest.mark.parametrize("name", sorted(KEPT))
def test_names_that_silence_a_layer_cannot_be_taken_away(name):
    scope = Names(lambda: Recorded())
    for code in (f"{name} = 1", f"del {name}", f"def f():\n    global {name}\n    {name} = 1\nf()"):
        with pytest.raises((ExpressionError, NameError), match=name):
            run_and_mend(code, scope)
    assert scope[name] is not None


@pytest.mark.parametrize("code", ["exit", "exit()", "quit", "quit()", "x = 1\nexit"])
def test_ways_to_leave(prompt, code):
    assert prompt[0].run(code).leave


def test_long_values_are_cut(prompt):
    answer = prompt[0].run("'x' * 10_000_000")
    assert len(answer.shown) < 5000
    assert answer.shown.endswith("... (10000002 characters)")


def test_a_value_that_cannot_be_shown_is_one_line(prompt):
    typed, _ = prompt
    answer = typed.run("class A:\n    def __repr__(self): return 1 / 0\nA()")
    assert answer.error.endswith("ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("panic", {"op": "panic"}),
        ("undo", {"op": "undo"}),
        ("redo", {"op": "redo"}),
        ("stop_recording", {"op": "stop recording"}),
        ("d1.gain(-3); panic", {"op": "panic"}),
        ("if True:\n    panic", {"op": "panic"}),
        ("try:\n    1 / 0\nexcept ZeroDivisionError:\n    panic", {"op": "panic"}),
    ],
)
def test_a_word_for_emergencies_acts_without_brackets(prompt, code, asked):
    typed, engine = prompt
    answer = typed.run(code)
    assert (answer.shown, answer.error) == ("", "")
    assert asked in engine.asked


def test_a_bare_hush_lands_where_it_stands(prompt):
    typed, engine = prompt
    typed.run("hush")
    assert engine.asked[-1]["changes"] == [{"op": "hush", "fade": 1.0}]
    typed.run("with at(32):  # the end\n    hush\n")
    assert engine.asked[-1]["plans"] == [
        {
            "op": "planned",
            "changes": [{"op": "hush", "fade": 1.0}],
            "when": {"op": "beat", "beat": 32.0},
        }
    ]
    assert typed.run("undo = 3\nundo").shown == "3"  # a variable of one's own is shown


def test_a_bare_tap_taps(prompt, monkeypatch):
    typed, engine = prompt
    for moment in (10.0, 10.5, 11.0):
        monkeypatch.setattr(planning.time, "monotonic", lambda moment=moment: moment)
        typed.run("tap")
    assert engine.asked[-1]["changes"] == [{"op": "tempo", "bpm": 120.0}]


def test_every_name_that_is_typed_alone_answers_something_useful(stage):
    booting = Booting(lambda: stage.engine, print, print)
    booting.engine()
    typed = Console(booting, SimpleQueue())
    typed.run("def tide(beats):\n    'Come and go.'")
    methods = [f"d1.{name}" for name in dir(Layer) if name[0] != "_"]
    for name in [*typed.scope.known(), *methods, "sine(8).slow", "corpus.find", "master.gain"]:
        answer = typed.run(name)
        if name in ("exit", "quit"):
            assert answer.leave
        elif name in ("undo", "redo", "stop_recording"):
            assert answer.error.endswith((" was done yet", " was undone", "")), answer
        elif name not in BARE | {"why"}:
            assert answer.shown, (name, answer)
            assert not re.search(r"<\w+ .*>| at 0x", answer.shown), answer
    assert typed.run("tide").shown == "tide(beats)  Come and go."
    assert typed.run("d1.gain").shown.startswith("d1.gain(db)  Set the level in dB")
    assert typed.run("hush, 3").shown.startswith("(<bound method")  # inside values it is a value


@pytest.mark.parametrize(
    "code",
    [
        *("panic()", "undo()", "redo()", "record('x.wav')", "stop_recording()", "seed(3)"),
        *("cancel('x')", "audition('x')", "bounce(0, 1, 'x.wav')"),
    ],
)
def test_what_acts_at_once_is_refused_in_a_plan(prompt, code):
    typed, engine = prompt
    for plan in ("at(32)", "at(now.beat + 3)", "cue('x')", "after('x', 3)"):
        answer = typed.run(f"with {plan}:\n    d1 >> {TONE}\n    {code}")
        word = code.partition("(")[0]
        assert answer.error == (
            f"line 3: {word}: it acts at once and cannot be planned; "
            "write it outside of at, cue, after"
        )
    assert engine.asked == []
    assert typed.run("d1.gain(-3)").error == ""


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("d1.gain(60)", "gain: db must be <= 24 dB, got 60"),
        ("d1.pan(7)", "pan: place must be <= 1, got 7"),
        ("d1.pan(-0.1)", "pan: place must be >= 0, got -0.1"),
        ("d1.amp(100)", "amp: factor must be <= 15.8489, got 100"),
        ("master.gain(25)", "master: db must be <= 24 dB, got 25"),
        ("d1.gain(number(60))", "gain: db must be <= 24 dB, got 60"),
    ],
)
def test_a_level_that_is_a_slip_of_the_hand_is_refused(prompt, code, line):
    typed, engine = prompt
    assert typed.run(code).error == line
    assert engine.asked == []
    assert typed.run("d1.gain(24).pan(1).amp(0); d1.gain(sine(4) * 100)").error == ""


def test_the_history_shows_the_newest_lines(prompt, tmp_path):
    typed, engine = prompt
    log = tmp_path / "evening.py"
    engine.welcome = engine.welcome.changed(log=str(log))
    assert typed.run("history").shown == f"history: cannot read {log}: No such file or directory"
    log.write_text("")
    assert typed.run("history").shown == "nothing was typed yet"
    rows = [f"# %% 00:00:{n:02d}.000\nd1.gain({n})  # \x1b[2Jcleared\n" for n in range(60)]
    log.write_text("\n".join(rows))
    shown = typed.run("history").shown
    assert shown.splitlines()[0] == f"... 139 lines before: {log}"
    assert shown.splitlines()[-1] == "d1.gain(59)  # \\x1b[2Jcleared"
    assert "..." not in shown.splitlines()[-1]
    log.write_text("x = '" + "long " * 2000 + "'\nd1.gain(-3)")
    assert typed.run("history").shown == f"... 1 lines before: {log}\nd1.gain(-3)"


def test_a_name_in_a_folder_that_is_gone_is_refused(prompt, tmp_path, monkeypatch):
    typed, engine = prompt
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for code in ("record('x.wav')", "record('/x.wav', stems='x')", "bounce(0, 1, 'x.wav')"):
        assert "the working folder is gone; write the whole path, got 'x" in typed.run(code).error
    assert engine.asked == []
    assert typed.run("examples").error == ""


def test_words_of_the_engine_are_never_old():
    class Counting(Recorded):
        log = property(lambda self: len(self.asked))

    typed, _ = console(Counting())
    assert typed.run("log").shown == "0"
    typed.run(f"d1 >> {TONE}")
    assert typed.run("def f(): return log\nf()").shown == "1"


def test_ctrl_c_stops_a_line_and_only_that():
    typed, engine = console()
    front = Shown(typed.inbox, [Typed("while True: pass"), Typed(f"d1 >> {TONE}"), Left()])
    stop = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    stop.start()
    begun = time.monotonic()
    typed.serve(front)
    assert front.lines == [("error", "stopped: nothing of it was taken")]
    assert [layer for layer, _ in engine.played()] == ["d1"]
    assert time.monotonic() - begun < 5


def test_a_ctrl_c_that_comes_before_its_line_has_begun_is_not_lost():
    typed, engine = console()
    front = Shown(typed.inbox, [Typed("while True: pass"), Typed(f"d1 >> {TONE}"), Left()])
    run = typed.run
    presses = iter([True])

    def pressed(code):
        if next(presses, False):
            signal.raise_signal(signal.SIGINT)
        return run(code)

    typed.run = pressed
    typed.serve(front)
    assert front.lines == [("error", "stopped: nothing of it was taken")]
    assert [layer for layer, _ in engine.played()] == ["d1"]


def test_a_ctrl_c_between_two_lines_does_not_stop_the_next():
    typed, engine = console()

    class Pressed(Shown):
        def read(self):
            signal.raise_signal(signal.SIGINT)
            self.inbox.put(self.jobs.pop(0)())

    front = Pressed(typed.inbox, [lambda: Typed(f"d1 >> {TONE}"), Left])
    typed.serve(front)
    assert front.lines == []
    assert [layer for layer, _ in engine.played()] == ["d1"]


def test_ctrl_c_while_a_value_is_shown_says_that_the_line_was_taken(prompt):
    typed, engine = prompt
    code = f"class R:\n    def __repr__(self): raise KeyboardInterrupt\nd1 >> {TONE}\nR()"
    assert typed.run(code).error == "stopped: while its value was shown"
    assert [layer for layer, _ in engine.played()] == ["d1"]


def test_ctrl_c_between_lines_is_nothing():
    typed, _ = console()
    front = Shown(typed.inbox)
    later = [
        threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]),
        threading.Timer(0.4, typed.inbox.put, [Left()]),
    ]
    for timer in later:
        timer.start()
    typed.serve(front)
    assert front.lines == []


def test_what_needs_no_engine_does_not_wait_for_it():
    go, said = threading.Event(), []
    engine = Recorded()
    booting = Booting(lambda: go.wait(10) and engine, said.append, print)
    typed = Console(booting, SimpleQueue())
    assert typed.run("1 + 1").shown == "2"
    assert typed.run("interp(drift(1), drift(2), sine(8))").error == ""
    assert said == []
    threading.Timer(0.2, go.set).start()
    assert typed.run(f"d1 >> {TONE}\nd2 >> {TONE}").error == ""
    assert said == ["the engine is starting: this line waits for it"]
    assert len(engine.asked) == 1  # one cell, though the engine came in the middle of it


def test_an_engine_that_does_not_start_ends_the_prompt_with_its_reason():
    def start():
        raise EngineError("engine: it did not start: no such model")

    inbox = SimpleQueue()
    typed = Console(Booting(start, print, lambda error: inbox.put(Left(error))), inbox)
    assert "no such model" in typed.run("d1.gain(0)").error
    with pytest.raises(EngineError, match="no such model"):
        typed.serve(Shown(inbox))


def test_cells_from_an_editor_are_shown_run_and_answered():
    typed, engine = console()
    answers = []
    jobs = [
        Sent("a = 1\na + 1", "/x/evening.py", 10, answers.append),
        Sent("\n1 / 0", "/x/evening.py", 10, answers.append),
        Sent("exit", "", 1, answers.append),
    ]
    front = Shown(typed.inbox)
    for job in jobs:
        typed.inbox.put(job)
    typed.serve(front)
    assert answers[0] == Answer("2")
    assert answers[1] == Answer(error="line 11: ZeroDivisionError: division by zero", line=11)
    assert answers[2].leave
    assert front.lines[:2] == [("echo", "a = 1\na + 1"), ("", "2")]
    assert ("error", "line 11: ZeroDivisionError: division by zero") in front.lines
    assert engine.asked == []


def test_nothing_saved_is_nothing_said():
    typed, _ = console()
    front = Shown(typed.inbox, [Left()])
    typed.inbox.put(Saved(["nobody"]))
    typed.serve(front)
    assert all(text == "" for _, text in front.lines)


def test_a_prompt_that_finds_no_thread_to_read_with_tries_again(monkeypatch):
    monkeypatch.setattr(console_module, "AGAIN", 0.01)
    typed, engine = console()
    faults = [MemoryError(), RuntimeError("can't start new thread")]

    class Starved(Shown):
        def read(self):
            if faults:
                raise faults.pop()
            super().read()

    typed.serve(Starved(typed.inbox, [Typed("d1 >> drift(1)"), Left()]))
    assert engine.played() == [("d1", "drift(1)")]
    assert faults == []
