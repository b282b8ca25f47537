"""``latentlive corpus``: what it says, and what it refuses in one line."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest


def run(*arguments):
    command = [sys.executable, "-m", "latentlive.cli", "corpus", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_real_recordings_are_indexed_with_a_bar_and_known_the_second_time(recordings, made):
    told = run(recordings)  # `made` has measured them before
    assert told.returncode == 0, told.stderr
    count = len(made.need_map().names)
    assert re.fullmatch(
        rf"{count} sounds \(0 new, 0 gone, 0 left out\), map 5 x 5: "
        r"quantisation error \d\.\d+, topographic error \d\.\d+\n",
        told.stdout,
    )


def test_without_a_folder_it_is_the_starter_corpus():
    told = run()
    assert told.stdout == "214 sounds, map 5 x 5, built in\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["/nowhere/at/all"], "corpus: no folder '/nowhere/at/all'"),
        (["--plane", "valence"], "corpus: --plane and --path want --plot FILE"),
        (["--plot", "map.gif"], "plot: the file must end in .png or .svg, got 'map.gif'"),
        (["--audio", "x"], "corpus: --audio belongs to --import-map"),
        (
            ["x", "--import-map", "y"],
            "corpus: --import-map stands alone; name the sounds by --audio",
        ),
        (
            ["--seed", "0"],
            "corpus: --seed and --workers are for a FOLDER; "
            "the map of the starter sounds is made already",
        ),
        (
            ["--import-map", "y", "--workers", "1"],
            "corpus: --seed and --workers are for a FOLDER; an imported map is made already",
        ),
        (["--import-map", "/nowhere"], "corpus: no folder '/nowhere'"),
    ],
)
def test_what_it_refuses(arguments, line):
    told = run(*arguments)
    assert told.returncode == 1
    assert told.stdout == ""
    assert told.stderr == f"Error: {line}\n"
