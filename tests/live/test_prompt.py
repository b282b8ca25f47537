"""The prompt in a real terminal: type, see the layer, break a line, hush, leave."""

from __future__ import annotations

import ast
import contextlib
import os
import shutil
import subprocess
import sys
import uuid

import pytest

from latentlive.client import Engine
from latentlive.errors import EngineError
from latentlive.ground.files import cache_folder
from latentlive.prompt.session import cells
from tests.live.conftest import wait_until
from tests.test_docs import PAGES, python_blocks

pytestmark = pytest.mark.device

ENDLESS = "print('be' + 'gun', flush=True); exec('while True: pass')"
MARKS = (">>> ", "... ", "  : ")
TONE = "sound(np.sin(np.arange(9000) * 0.05) * 0.3)"


class Terminal:
    """A tmux session of 80 by 24 that runs the prompt.

    Parameters
    ----------
    folder : path
        The working folder.
    options : list of str
    """

    def __init__(self, folder, *options, **environment):
        self.server = ["tmux", "-L", f"latentlive-{uuid.uuid4().hex}"]
        held = {k: v for k, v in os.environ.items() if k.startswith(("LATENTLIVE_", "PULSE_"))}
        held |= {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), **environment}
        command = ["env", *(f"{name}={value}" for name, value in held.items())]
        command += [sys.executable, "-m", "latentlive.cli", *options]
        size = ["-x", "80", "-y", "24", "-c", str(folder)]
        subprocess.run([*self.server, "new-session", "-d", *size, *command], check=True)

    def tmux(self, *arguments):
        told = subprocess.run([*self.server, *arguments], capture_output=True, text=True)
        return told.stdout if told.returncode == 0 else None

    def screen(self):
        return self.tmux("capture-pane", "-p") or ""

    def type(self, line, enter=True):
        self.tmux("send-keys", "-l", line)
        if enter:
            self.tmux("send-keys", "Enter")

    def key(self, *names):
        self.tmux("send-keys", *names)

    def running(self):
        return self.tmux("has-session") is not None

    def lines(self):
        return [row.rstrip() for row in self.screen().splitlines()]

    def typed(self):
        """Return what stands on the line that is being edited."""
        rows = [row for row in self.lines() if row.startswith(">>> ") or row == ">>>"]
        return rows[-1] if rows else ""

    def shows(self, text, seconds=20):
        wait_until(lambda: text in self.screen(), seconds, f"{text!r} in\n{self.screen()}")

    def last_shows(self, text, seconds=20):
        """Wait for the panel's last line: it is there only while a line can be edited."""
        wait_until(
            lambda: text in self.screen().rstrip().rsplit("\n", 1)[-1],
            seconds,
            f"{text!r} below\n{self.screen()}",
        )


@pytest.fixture
def terminal(tmp_path):
    if shutil.which("tmux") is None:
        pytest.skip("no tmux: apt-get install tmux")
    made = []

    def start(*options, **environment):
        made.append(Terminal(tmp_path, "--corpus", str(tmp_path), *options, **environment))
        return made[-1]

    yield start
    for one in made:
        one.tmux("kill-server")
    for _ in cache_folder("run").glob("engine-*.json"):  # a killed prompt leaves its engine playing
        with contextlib.suppress(EngineError):
            Engine.attach(say=lambda _: None).close(0.1)


def test_type_break_a_line_hush_and_leave(sink, terminal):
    prompt = terminal()
    prompt.shows("waiting for a texture", 30)
    prompt.type(f"d1 >> {TONE}")
    prompt.shows("d1 playing")
    prompt.type("d1 >> sound('no such')")
    prompt.shows("sound: no 'no such' in corpus", 60)
    prompt.type("d1 = 3")
    prompt.shows("d1 is a layer: d1 >> ...")
    prompt.type("1 / 0")
    prompt.shows("ZeroDivisionError: division by zero")
    assert "Traceback" not in prompt.screen()
    prompt.last_shows("d1 playing")
    prompt.type(ENDLESS)
    prompt.shows("begun")
    prompt.key("C-c")
    prompt.shows("stopped: nothing of it was taken")
    prompt.last_shows("d1 playing")
    prompt.type("import sys; sys.exit()")
    prompt.shows("to leave, type exit")
    prompt.type("hush(0.1)")
    prompt.last_shows("dropouts")
    prompt.key("C-d")
    wait_until(lambda: not prompt.running(), 20, "the prompt to end")


def test_what_comes_from_behind_leaves_the_line_as_it_is(terminal, tmp_path):
    """A thread prints, an editor sends, a pattern is saved, all in the middle of a word."""
    (tmp_path / "patterns").mkdir()
    pattern = tmp_path / "patterns" / "murmurs.py"
    pattern.write_text("from latentlive import drift\n\ndef murmur():\n    return drift(1)\n")
    prompt = terminal("--model", "toy")
    prompt.shows("waiting for a texture", 30)
    prompt.type("from murmurs import murmur; d1 >> murmur()")
    prompt.last_shows("drift(1)")
    prompt.type(
        "import threading, time; say = lambda:"
        " [(print('tick', i), time.sleep(0.02)) for i in range(100)]"
    )
    prompt.type("threading.Thread(target=say).start()")
    for letter in "layer_of_my_own":
        prompt.type(letter, enter=False)
    prompt.shows("tick 99")
    wait_until(lambda: prompt.typed() == ">>> layer_of_my_own", 5, prompt.screen())
    ticks = [row for row in prompt.lines() if "tick" in row]
    assert ticks == [f"tick {n}" for n in range(100 - len(ticks), 100)]

    command = [sys.executable, "-m", "latentlive.cli", "send", "-"]
    cell = "d2 >> drift(2)\nprint('from the', 'editor')\n6 * 7"
    told = subprocess.run(command, input=cell, capture_output=True, text=True, timeout=60)
    assert (told.returncode, told.stdout) == (0, "42\n"), told.stderr
    prompt.last_shows("d2 ")
    rows = prompt.lines()
    at = rows.index(">>> d2 >> drift(2)")
    assert rows[at + 1 : at + 5] == [
        "... print('from the', 'editor')",
        "... 6 * 7",
        "from the editor",
        "42",
    ]
    assert prompt.typed() == ">>> layer_of_my_own"

    pattern.write_text(pattern.read_text().replace("drift(1)", "drift(33)"))
    prompt.shows("murmurs read anew: d1 takes it at the next quant")
    prompt.shows("drift(33)")
    assert prompt.typed() == ">>> layer_of_my_own"
    prompt.key("C-c")
    prompt.type("exit")
    wait_until(lambda: not prompt.running(), 20, "the prompt to end")


def test_a_cell_of_several_lines_completion_and_history(terminal):
    prompt = terminal("--model", "toy", "--theme", "light")
    prompt.shows("waiting for a texture", 30)
    prompt.type("for n in (1, 2):")
    prompt.type("layer(f'sea{n}') >> drift(n)")
    prompt.key("Enter", "Enter")
    prompt.shows("sea1 playing")
    prompt.last_shows("sea2 playing")
    prompt.type("d1.pa", enter=False)
    prompt.shows("Set the place: 0 left")
    prompt.key("Tab")
    wait_until(lambda: prompt.typed() == ">>> d1.pan", 10, prompt.screen())
    prompt.key("C-c")
    wait_until(lambda: prompt.typed() == ">>>", 10, prompt.screen())
    prompt.key("Up")
    prompt.shows("...     layer(f'sea{n}') >> drift(n)")
    prompt.key("C-c")
    prompt.type("exit()")
    wait_until(lambda: not prompt.running(), 20, "the prompt to end")


def keys(statement, rows, by_hand):
    """Return the rows of a statement as they are typed, the empty one that ends a block too."""
    typed = rows[statement.lineno - 1 : statement.end_lineno]
    typed = [row.lstrip() for row in typed] if by_hand else typed
    return [*typed, ""] if len(typed) > 1 and hasattr(statement, "body") else typed


def test_the_blocks_of_the_pages_are_typed_key_by_key(terminal, starter, tmp_path):
    """With the spaces that are printed, and without, as the line editor indents by itself."""
    pages = [code for page in PAGES for code in python_blocks(page)]
    trees = [(ast.parse(code).body, code.splitlines()) for code in pages]
    several = [
        (body, rows) for body, rows in trees if any(one.end_lineno > one.lineno for one in body)
    ]
    assert len(several) >= 9
    log = tmp_path / "typed.py"
    prompt = terminal("--corpus", str(starter), "--log", str(log))
    prompt.shows("waiting for a texture", 30)
    for by_hand in (False, True):
        for body, rows in several:
            for statement in body:
                for row in keys(statement, rows, by_hand):
                    prompt.type(row)
                wait_until(lambda: prompt.typed() == ">>>", 20, prompt.screen())
        prompt.type("panic()")
    prompt.type("why")
    prompt.shows("nothing went wrong yet")
    prompt.key("C-c", "C-d")
    wait_until(lambda: not prompt.running(), 20, "the prompt to end")
    typed = [ast.dump(ast.parse(cell.code)) for cell in cells(log.read_text()) if cell]
    meant = [ast.dump(ast.Module([one], [])) for body, _ in several for one in body]
    panic, why = (ast.dump(ast.parse(code)) for code in ("panic()", "why"))
    assert typed == [*meant, panic, *meant, panic, why]


def test_rows_are_marked_as_the_next_or_the_rest_of_a_long_one(terminal):
    prompt = terminal("--model", "toy")
    prompt.shows("waiting for a texture", 30)
    assert prompt.lines()[-1].startswith("ready, waiting")  # at the bottom from the first line on
    prompt.shows("the space is toy")
    assert prompt.lines()[0].startswith("latentlive ")
    prompt.type("for n in (1, 2):  # twice")
    prompt.type("x = '" + "long " * 20 + "'")
    prompt.key("Enter", "Enter")
    prompt.shows("  : ng long")
    rows = [row[:4] for row in prompt.lines() if row[4:].strip() and row[:4] in MARKS]
    assert rows == [">>> ", "... ", "  : "]
    prompt.type("d1.gain(", enter=False)
    prompt.key("C-c")
    prompt.type(ENDLESS)
    prompt.shows("begun")
    prompt.key("C-c", "C-d")  # at once, between two lines: neither is lost
    wait_until(lambda: not prompt.running(), 20, "the prompt to end")


def test_a_space_is_shown_while_another_sounds(terminal):
    prompt = terminal("--model", "toy")
    prompt.shows("waiting for a texture", 30)
    prompt.type(f"d1 >> {TONE}")
    prompt.shows("d1 playing")
    prompt.type("space('rawa", enter=False)
    prompt.shows("rawaudiovae  space")
    prompt.key("Tab")
    wait_until(lambda: prompt.typed() == ">>> space('rawaudiovae", 10, prompt.screen())
    prompt.type("')")
    prompt.shows("rawaudiovae (RawAudioVAE)")
    prompt.shows("real time, measured now")
    prompt.shows("d1 playing")
    prompt.key("C-d")
    wait_until(lambda: not prompt.running(), 20, "the prompt to end")


def test_a_dumb_terminal_gets_plain_text(terminal):
    prompt = terminal("--model", "toy", TERM="dumb")
    wait_until(lambda: prompt.typed() == ">>>", 30, "the plain prompt")
    prompt.type("20 + 1")
    prompt.shows("21")
    prompt.type(ENDLESS)
    prompt.shows("begun")
    prompt.key("C-c")
    prompt.shows("stopped: nothing of it was taken")
    prompt.type("exit")
    wait_until(lambda: not prompt.running(), 20, "the prompt to end")
