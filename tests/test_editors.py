"""Cells from editors: the socket, its token and its file; nonsense of every kind; a real Vim."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue

import pytest
from click.testing import CliRunner

from latentlive.cli import main
from latentlive.errors import EngineError, ExpressionError
from latentlive.ground.files import cache_folder
from latentlive.prompt import editors
from latentlive.prompt.editors import MOST, Listener, chosen, send
from latentlive.prompt.jobs import Answer, Left
from latentlive.protocol.address import Address, publish
from tests.prompting import Shown, console

ROOT = Path(__file__).parents[1]


@pytest.fixture
def listener():
    inbox = SimpleQueue()
    made = Listener(inbox)
    made.inbox = inbox
    yield made
    made.close()


@pytest.fixture
def prompt():
    """A console that runs on a thread as the prompt does on its own, and its listener."""
    typed, engine = console()
    made = Listener(typed.inbox)
    front = Shown(typed.inbox)

    def serve():
        while not isinstance(job := typed.inbox.get(), Left):
            typed._do(job, front)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield typed, engine, front
    made.close()
    typed.inbox.put(Left())
    thread.join(5)


def test_a_cell_is_run_and_answered_with_its_place(prompt):
    typed, engine, front = prompt
    assert send("a = 6\na * 7", "", 1) == {"op": "result", "id": 1, "result": "42"}
    answer = send("d1 >> drift(1)\n1 / 0", "/x/evening.py", 20)
    assert answer["op"] == "error"
    assert (answer["file"], answer["line"]) == ("/x/evening.py", 21)
    assert answer["error"] == "line 21: ZeroDivisionError: division by zero"
    assert engine.asked == []
    assert send("d1 >> drift(1)", "/x/evening.py", 20)["op"] == "result"
    assert engine.played() == [("d1", "drift(1)")]
    assert front.lines[0] == ("echo", "a = 6\na * 7")
    assert typed.run("a").shown == "6"  # the same names as what is typed


def test_the_address_is_its_owners_alone_and_goes_with_the_prompt(listener):
    assert listener.file.stat().st_mode & 0o777 == 0o600
    assert listener.file.parent == cache_folder("run")
    assert json.loads(listener.file.read_text())["pid"] == os.getpid()
    listener.close()
    assert not listener.file.exists()
    with pytest.raises(EngineError, match="no prompt is running; start one with latentlive"):
        send("1", "", 1)


def test_the_address_of_a_killed_prompt_is_swept(listener):
    dead = cache_folder("run") / "prompt-1.json"
    dead.write_text('{"port": 1, "token": "x", "pid": 1}')
    broken = cache_folder("run") / "prompt-2.json"
    broken.write_text("[")
    listener.close()
    with pytest.raises(EngineError, match="no prompt is running"):
        send("1", "", 1)
    assert not dead.exists()
    assert not broken.exists()


def test_a_stopped_prompt_is_passed_over(prompt, monkeypatch):
    monkeypatch.setattr(editors, "ANSWERS", 0.2)
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with socket.create_server(("127.0.0.1", 0)) as stopped:  # it is newer, and says nothing
        file = publish(Address(stopped.getsockname()[1], "token", sleeper.pid), "prompt")
        try:
            assert send("6 * 7", "", 1)["result"] == "42"
            (cache_folder("run") / f"prompt-{os.getpid()}.json").unlink()
            with pytest.raises(EngineError, match=rf"\(process {sleeper.pid}\) does not answer"):
                send("1", "", 1)
        finally:
            sleeper.communicate(b"\n")
            file.unlink()


def spoken(listener, data, patience=5.0):
    """Return what comes back for some bytes."""
    with socket.create_connection(("127.0.0.1", listener.address.port), timeout=patience) as one:
        try:
            one.sendall(data)
            one.shutdown(socket.SHUT_WR)
            return one.makefile("rb").read()
        except OSError:
            return b""  # it hung up before all was said


def framed(message):
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    return struct.pack(">I", len(data)) + data


def test_nonsense_is_dropped_and_never_runs(listener):
    token = framed({"token": listener.address.token})
    rng = random.Random(7)
    huge = struct.pack(">I", 0xFFFFFFFF), struct.pack(">I", MOST + 1)
    rude = [
        b"",
        *(rng.randbytes(rng.randrange(1, 400)) for _ in range(60)),
        *(length + b"x" * 100 for length in huge),
        *(token + length + b"x" * 100 for length in huge),
        framed({"token": "guess"}) + framed({"id": 1, "code": "1"}),
        framed({"token": None}),
        framed({"token": "é" * 40}),
        framed({}) + framed({"id": 1, "code": "1"}),
        framed([1]),
        framed(b"[" * 100_000),
        token + framed(b"{" * 1000),
        token + framed({"id": 1, "code": "1"})[:-3],
        token + struct.pack(">I", 20) + b"half",
        *(token + rng.randbytes(rng.randrange(1, 400)) for _ in range(60)),
    ]
    for data in rude:
        spoken(listener, data)
    assert listener.inbox.empty()
    for wrong in ({}, {"code": 3}, {"code": "1", "line": 0}, {"code": "1", "line": True}):
        answer = spoken(listener, token + framed({"id": 9, **wrong}))
        assert b'send: a cell is {\\"id\\", \\"code\\"' in answer
    assert listener.inbox.empty()
    begun = threading.active_count()
    assert begun < 50  # nobody is left waiting


def test_bits_turned_over_in_a_good_message_do_no_harm(listener):
    good = framed({"token": listener.address.token}) + framed({"id": 1, "code": "1 + 1"})
    ended = threading.Event()

    def answer():
        while not ended.is_set():
            while not listener.inbox.empty():
                listener.inbox.get().reply(Answer("taken"))
            time.sleep(0.001)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    rng = random.Random(8)
    taken = 0
    for _ in range(300):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        taken += b"taken" in spoken(listener, bytes(data))
    assert b"taken" in spoken(listener, good)
    ended.set()
    thread.join()
    assert taken < 200  # most are not a cell any more


def test_one_who_says_nothing_keeps_nobody_else_waiting(listener, monkeypatch):
    quiet = [socket.create_connection(("127.0.0.1", listener.address.port)) for _ in range(20)]
    for one in quiet[:10]:
        one.sendall(b"\x00\x00")
    threading.Timer(0.1, lambda: listener.inbox.get().reply(Answer("42"))).start()
    assert send("6 * 7", "", 1)["result"] == "42"
    for one in quiet:
        one.close()


@pytest.fixture
def piece(tmp_path):
    file = tmp_path / "piece.py"
    file.write_text("x = 1\n# %% sea\nd1 >> a\n\nd1.gain(3)\n# %% empty\n\n# %% bells\nd2 >> b\n")
    return file


def test_what_is_chosen(piece):
    name = str(piece)
    assert chosen(f"{name}:4", str) == ("d1 >> a\n\nd1.gain(3)", name, 3)
    assert chosen(f"{name}:2", str) == ("d1 >> a\n\nd1.gain(3)", name, 3)
    assert chosen(f"{name}:1", str) == ("x = 1", name, 1)
    assert chosen(name, str) == (piece.read_text(), name, 1)
    assert chosen("-", lambda: "\ufeffa + b") == ("a + b", "", 1)
    for nothing in (f"{name}:7", "-", "no/such.py:3"):
        with pytest.raises(ExpressionError, match=r"nothing to run|cannot read"):
            chosen(nothing, str)


def command(*arguments, text=None):
    told = subprocess.run(
        [sys.executable, "-m", "latentlive.cli", "send", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return told.returncode, told.stdout, told.stderr


def test_the_command(prompt, piece):
    assert command("-", text="40 + 2") == (0, "42\n", "")
    assert command(f"{piece}:1") == (0, "", "")
    code, out, err = command(f"{piece}:3")
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: {piece}:3: no name 'a' here")


def test_the_command_without_a_prompt():
    code, _, err = command("-", text="1")
    assert (code, err) == (1, "Error: no prompt is running; start one with latentlive\n")


def recipe(name):
    """Return what ``latentlive editors NAME`` prints."""
    done = CliRunner().invoke(main, ["editors", name])
    assert done.exit_code == 0
    return done.output


def test_every_snippet_is_listed_with_where_it_goes():
    listed = CliRunner().invoke(main, ["editors"]).output.splitlines()
    names = [line.split()[2] for line in listed]
    assert names == ["vim", "vscode", "vscode-keys", "emacs", "jupyter"]
    files = {recipe(name) for name in names}
    assert files == {file.read_text(encoding="utf-8") for file in (ROOT / "editors").iterdir()}


def test_an_editor_without_a_snippet_is_refused_in_one_line():
    done = CliRunner().invoke(main, ["editors", "vmi"])
    assert done.exit_code == 1
    assert done.output == (
        "Error: editors: no snippet for 'vmi' (vim, vscode, vscode-keys, emacs, jupyter); "
        "did you mean 'vim'?\n"
    )


@pytest.fixture
def on_the_path(tmp_path, monkeypatch):
    """A ``latentlive`` command that runs this very source."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "latentlive"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m latentlive.cli "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def run_vim(program, file, tmp_path, *commands):
    """Run commands in a real Vim that has read the recipe."""
    if shutil.which(program) is None:
        pytest.skip(f"no {program}: apt-get install {'neovim' if program == 'nvim' else program}")
    (tmp_path / "recipe.vim").write_text(recipe("vim"))
    quiet = ["--headless", "--clean"] if program == "nvim" else ["-es", "-N", "-u", "NONE"]
    command = [program, *quiet, "-i", "NONE", str(file), "+source recipe.vim"]
    command += [f"+{one}" for one in (*commands, "qa!")]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, cwd=tmp_path
    )


@pytest.mark.parametrize("program", ["vim", "nvim"])
def test_the_recipe_for_vim_in_a_real_vim(program, prompt, piece, tmp_path, on_the_path):
    _, engine, front = prompt
    piece.write_text("x = 1\n# %% sea\nd1 >> drift(1)\n# %% bells\nd2 >> drift(2)\nd2.gain(1)\n")
    keys = 'call feedkeys("{}\\<Space>\\<CR>", "tx")'
    told = run_vim(program, piece, tmp_path, "5", "normal Ox = 2", keys.format(""))
    assert engine.played() == [("d2", "drift(2)")], told  # the line that was just written, too
    assert front.lines[-1] == ("echo", "x = 2\nd2 >> drift(2)\nd2.gain(1)")
    told = run_vim(program, piece, tmp_path, "1", keys.format("VG"))
    assert [layer for layer, _ in engine.played()] == ["d2", "d1", "d2"], told


def test_the_recipe_for_notebooks(prompt, on_the_path, capsys):
    _, engine, _ = prompt
    magics = {}
    code = recipe("jupyter").replace("from IPython.core.magic import register_cell_magic\n", "")
    exec(code, {"register_cell_magic": lambda f: magics.setdefault(f.__name__, f)})
    capsys.readouterr()
    magics["live"]("", "d3 >> drift(3)\n6 * 7\n")
    assert engine.played() == [("d3", "drift(3)")]
    assert capsys.readouterr().out == "42\n"


def test_the_recipe_for_vs_code_is_json_and_finds_the_place_of_an_error():
    tasks, keys = map(json.loads, map(recipe, ("vscode", "vscode-keys")))
    task = tasks["tasks"][0]
    assert task["args"] == ["send", "${file}:${lineNumber}"]
    pattern = task["problemMatcher"]["pattern"]
    found = re.match(pattern["regexp"], "Error: /home/me/evening.py:12: no name 'a' here")
    assert found
    assert (found[pattern["file"]], found[pattern["line"]]) == ("/home/me/evening.py", "12")
    assert keys[0]["args"]["commands"][1]["args"] == task["label"]


def test_the_recipe_for_emacs_in_a_real_emacs(prompt, piece, tmp_path, on_the_path):
    if shutil.which("emacs") is None:
        pytest.skip("no Emacs: apt-get install emacs-nox")
    _, engine, _ = prompt
    piece.write_text("# %% sea\nd1 >> drift(1)\n# %% bells\nd2 >> drift(2)\n")
    (tmp_path / "recipe.el").write_text(recipe("emacs"))
    program = f'(progn (find-file "{piece}") (goto-line 4) (latentlive-cell))'
    command = ["emacs", "--batch", "-Q", "-l", "recipe.el", "--eval", program]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert engine.played() == [("d2", "drift(2)")], told
