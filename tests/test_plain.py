"""The prompt for pipes and dumb terminals, as a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.prompt.plain import cells
from tests.prompting import TONE

HALVES = "def f():\n    a = 3\n\n    return a"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\nb", ["a", "b"]),
        ("if a:\n    b\n\nc", ["if a:\n    b", "c"]),
        ("with at(3):\n    b\n    c\nd", ["with at(3):\n    b\n    c", "d"]),
        ("if a:\n    b\nelse:\n    c\nd", ["if a:\n    b\nelse:\n    c", "d"]),
        ("f(a,\n  b\n)\nc", ["f(a,\n  b\n)", "c"]),
        ("# %% one\na\n\nb\n# %% two\nc", ["a\n\nb", "c"]),
        ("x\n# %% one\na", ["x", "a"]),
        ("a = '''\nb\n'''", ["a = '''\nb\n'''"]),
        ("def f(:\nb", ["def f(:", "b"]),
        ("\n\n# only a comment\n", ["# only a comment"]),
        ("if a:", ["if a:"]),
        ("if a:\n    b\nelsewhere = 3", ["if a:\n    b", "elsewhere = 3"]),
        ("with at(3):  # soon\n    b\nc", ["with at(3):  # soon\n    b", "c"]),
        ("def f():\n    a = 3\n\n    return a\n\n\nf()", [HALVES, "f()"]),
        ("def f():\n    a b\n    c\nd", ["def f():\n    a b\n    c", "d"]),
        ("sound('caf\udce9')", ["sound('caf\\udce9')"]),
        ("\ufeff#%% all\na = 1\nb = 2", ["a = 1\nb = 2"]),
    ],
)
def test_what_is_run_together(text, found):
    assert list(cells(text.splitlines())) == found


def test_an_empty_row_ends_a_block_where_someone_types():
    assert list(cells(HALVES.splitlines(), asks=True)) == [
        "def f():\n    a = 3",
        "    return a",
    ]


def run(text, *options, **environment):
    command = [sys.executable, "-m", "latentlive.cli", "--model", "toy", *options]
    return subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=60,
        env={**os.environ, **environment},
    )


def test_what_is_no_text_goes_in_and_out(tmp_path):
    """A Latin-1 name in the corpus, and a byte that is no UTF-8, end neither prompt nor sound."""
    tone = np.sin(np.arange(9000) * 0.05).astype(np.float32) * 0.3
    soundfile.write(tmp_path / "plain.wav", tone, 44100)
    try:
        os.rename(tmp_path / "plain.wav", os.fsencode(tmp_path) + b"/caf\xe9.wav")
    except OSError:
        pytest.skip("this system has no such names")
    told = run(
        "corpus\nx = sound('caf\udce9')\nd1 >> x\nx\n\udcff\nd1\n",
        *("--corpus", str(tmp_path)),
        PYTHONUTF8="1",
    )
    assert told.returncode == 0
    rows = told.stdout.splitlines()
    assert "caf\\udce9  not on the map" in rows
    assert "sound('caf\\udce9')" in rows
    assert rows[-1].startswith("d1 ")
    assert "Traceback" not in told.stderr
    path = os.fsencode(tmp_path) + b"/out.wav"
    command = [sys.executable, "-m", "latentlive.cli", "render", b"sound('caf\xe9')", "-o", path]
    command += ["--model", "toy", "--corpus", str(tmp_path)]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    assert len(soundfile.read(path)[0]) == 9000


def test_without_anything_to_read_from_the_prompt_says_so(tmp_path):
    command = f"exec '{sys.executable}' -m latentlive.cli --model toy --corpus '{tmp_path}' <&-"
    told = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert told.returncode == 1
    assert told.stderr == (
        "Error: prompt: standard input is closed; give it a terminal or a pipe\n"
    )


def test_a_pipe_runs_lines_and_cells_without_escape_codes(tmp_path):
    told = run(
        f"a = 20\na + 1\nd1 >> {TONE}\n# %% a cell\nb = a\nb / 0\n# %% another\nprint(b + 2)\n",
        *("--corpus", str(tmp_path)),
    )
    assert told.returncode == 0
    assert told.stdout == "21\n22\n"
    assert "line 2: ZeroDivisionError: division by zero" in told.stderr.splitlines()
    assert "\x1b" not in told.stdout + told.stderr
    assert "Traceback" not in told.stderr


def test_the_first_lines_name_program_space_and_tutorial_the_last_one_the_log(tmp_path):
    log = tmp_path / "typed.py"
    told = run("1\n", "--corpus", str(tmp_path), "--log", str(log))
    rows = told.stderr.splitlines()
    assert rows[0] == f"latentlive {version('latentlive')}: tutorial begins, help lists the words"
    assert f"the space is toy, the corpus {tmp_path.name!r} with 0 sounds" in rows
    assert rows[-1] == f"the log of it is {log}"
    told = run(f"record({str(tmp_path / 'x.wav')!r})\n", "--corpus", str(tmp_path))
    assert f"recording to {tmp_path / 'x.wav'}" in told.stderr.splitlines()
    assert f"recorded to {tmp_path / 'x.wav'}" in told.stderr.splitlines()


def test_attach_says_that_names_are_gone_and_which_log_brings_them_back(tmp_path):
    with ll.Engine(model="toy", silent=True, corpus=tmp_path, say=print) as live:
        with live.cell(code="loud = -3"):
            pass
        command = [sys.executable, "-m", "latentlive.cli", "attach", "--plain"]
        typed = f"loud\nload({live.log!r})\ncell()\nloud\n"
        told = subprocess.run(command, input=typed, capture_output=True, text=True, timeout=60)
    assert "no name 'loud' here" in told.stderr
    assert (
        "the engine plays on, but names that were imported or assigned before are gone; "
        f"what was typed is in its log: load({live.log!r})"
    ) in told.stderr.splitlines()
    assert told.stdout.splitlines()[-1] == "-3"


def test_a_model_that_is_missing_ends_the_prompt_in_one_line(tmp_path):
    told = run("d1\n", "--model", str(tmp_path / "no.safetensors"), "--corpus", str(tmp_path))
    assert told.returncode == 1
    assert told.stderr.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in told.stderr
