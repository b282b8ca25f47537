"""The prompt for pipes and dumb terminals, as a real process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from latentlive.prompt.plain import cells
from tests.prompting import TONE


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
    ],
)
def test_what_is_run_together(text, found):
    assert list(cells(text.splitlines())) == found


def run(text, *options, **environment):
    command = [sys.executable, "-m", "latentlive.cli", "--model", "toy", *options]
    return subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
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


def test_a_model_that_is_missing_ends_the_prompt_in_one_line(tmp_path):
    told = run("d1\n", "--model", str(tmp_path / "no.safetensors"), "--corpus", str(tmp_path))
    assert told.returncode == 1
    assert told.stderr.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in told.stderr
