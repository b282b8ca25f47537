"""Two words that the engine does not know, added here: each is declared once and acted on once.

The engine's process imports this file when it starts; nothing else of latentlive is told of it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import latentlive as ll
from latentlive.engine.server.session import Session
from latentlive.errors import EngineError
from latentlive.expr import Number, declared, record
from latentlive.protocol.changes import OfLayer, Set
from latentlive.protocol.kinds import NAME
from latentlive.protocol.requests import Act
from tests.live.conftest import RATE, wait_until
from tests.live.test_survival import OTHER, read

FACTOR = Number(above=0.0, most=1.0)


@record("dim")
class Dim(OfLayer):
    """Play a layer's present level softer."""

    factor: float = declared(FACTOR, default=0.5)

    def fold(self, state, name):
        return state.changed(amp=state.amp * self.factor)

    def __str__(self):
        return f"{self.layer}.dim({self.factor:g})"


@record("greet")
class Greet(Act):
    """Say hello to everybody who is connected."""

    name: str = declared(NAME)


@Session.serve.register
def greet(session, request: Greet) -> None:
    session.say(f"hello {request.name}")


AWARE = """
import sys

if "latentlive.engine.server.main" in sys.orig_argv:
    sys.path.insert(0, {root!r})
    import tests.live.test_word
"""


@pytest.fixture
def aware(tmp_path, monkeypatch):
    """Let the engines that are started know the words of this file."""
    folder = tmp_path / "aware"
    folder.mkdir()
    root = str(Path(__file__).parents[2])
    (folder / "sitecustomize.py").write_text(AWARE.format(root=root))
    paths = filter(None, [str(folder), os.environ.get("PYTHONPATH")])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


def test_a_word_that_is_declared_in_one_place_is_played_logged_undone_and_replayed(tmp_path, aware):
    said, log, out = [], tmp_path / "evening.py", tmp_path / "heard.wav"
    with ll.Engine(model="toy", silent=True, hold=True, out=out, log=log, say=said.append) as live:
        live.d1.fade(0) >> ll.sound(OTHER)
        with live.at(1):
            live.change(Dim("d1", 0.25))
        live.start()
        live.change(Set("d1", gain_db=ll.number(-3.0)))
        with pytest.raises(EngineError, match=r"dim: factor must be <= 1, got 3"):
            live.request(Loud())
        with live.cell(at=RATE, code="greet('moon')"):
            live._cells.act(Greet("moon"))
        wait_until(lambda: live.state.get("seconds", 0) >= 2.0, 20, "two seconds")
        live.undo()
        wait_until(lambda: "undone: d1.dim(0.25)" in said, 5, "the line of undo")
        wait_until(lambda: live.state.get("seconds", 0) >= 3.0, 20, "three seconds")
    assert "hello moon" in said
    heard = read(out)
    loud = [heard[round(s * RATE) :][: RATE // 2].std() for s in (0.4, 1.2, 2.5)]
    assert loud[1] == pytest.approx(loud[0] / 4, rel=0.1)
    assert loud[2] == pytest.approx(loud[0], rel=0.1)
    lines = [json.loads(line) for line in log.with_suffix(".jsonl").read_text().splitlines()]
    levels = [line for line in lines if line.get("do") == "level"]
    assert any("amp" in line["curves"] for line in levels)
    again = tmp_path / "again.wav"
    with ll.Engine(model="toy", silent=True, out=again, replay=log, say=said.append) as replay:
        wait_until(lambda: replay.state.get("seconds", 0) >= 3.2, 20, "the end")
    same = min(len(read(again)), len(heard))
    assert np.array_equal(read(again)[:same], heard[:same])


class Loud:
    """The new word with a value beyond its bounds, as a program of another kind would send it."""

    def dump(self):
        return {"op": "cell", "changes": [{"op": "dim", "layer": "d1", "factor": 3}]}
