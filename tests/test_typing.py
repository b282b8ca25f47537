"""The types of the language: good programs pass mypy, each bad line is refused for its reason."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import latentlive as ll

PROGRAMS = Path(__file__).with_name("typing")
BAD = sorted(path.name for path in PROGRAMS.glob("*.py") if path.name != "good.py")
EXPECTED = re.compile(r"# error: \[([a-z-]+)\]")
TOLD = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: .*\[(?P<code>[a-z-]+)\]$")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Return what mypy says of each program: {file: {(line, code)}}; one run serves all."""
    cache = tmp_path_factory.mktemp("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache)]
    # The project's own settings leave these programs out, so mypy runs without them.
    command += ["--config-file", "", "--no-pretty", "--hide-error-context", "good.py", *BAD]
    answer = subprocess.run(command, cwd=PROGRAMS, capture_output=True, text=True)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    found: dict[str, set[tuple[int, str]]] = {}
    for line in answer.stdout.splitlines():
        if match := TOLD.match(line):
            place = int(match["line"]), match["code"]
            found.setdefault(match["file"], set()).add(place)
        else:
            assert line.startswith("Found ") or ": note: " in line, line
    return found


def test_the_good_program_passes(told):
    assert "good.py" not in told


@pytest.mark.parametrize("name", BAD)
def test_each_bad_line_is_refused_for_its_reason(told, name):
    lines = (PROGRAMS / name).read_text().splitlines()
    expected = {(n, code) for n, line in enumerate(lines, 1) for code in EXPECTED.findall(line)}
    assert expected
    assert told[name] == expected


def test_nothing_else_is_refused(told):
    assert set(told) == set(BAD)


def test_the_good_program_exercises_every_word_and_method():
    _, body = (PROGRAMS / "good.py").read_text().split("\n)\n", 1)  # what follows the imports
    for word in ll.__all__:
        assert re.search(rf"(?:(?<![.\w])|\bll\.){word}\b", body), word
    from latentlive.client import Layer
    from latentlive.latent import Joined

    # These are how an expression is asked by the renderer, not words that are typed.
    asked = {"at", "family", "followed", "length", "of", "span", "values"}
    for kind in (ll.Curve, ll.Latent, Joined, Layer):
        held = {name for name, one in vars(kind).items() if not isinstance(one, property)}
        for method in {name for name in held if not name.startswith("_")} - asked:
            assert f".{method}(" in body, f"{kind.__name__}.{method}"
