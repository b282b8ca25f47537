"""The state of the page, made of what an engine tells."""

from __future__ import annotations

import json
from types import SimpleNamespace

from latentlive.space import ToySpace
from latentlive.stage.board import LINES, LONGEST, Board

LAYER = {
    "name": "d1",
    "state": "playing",
    "gain": "+0",
    "ready": 1.973,
    "lead": 0.0,
    "since": None,
    "origin": None,
    "code": "sound('gong')",
    "error": "",
    "late": False,
    "muted": False,
    "load": 0.1,
    "level": -12.345,
}
PLANNED = {"name": "drop", "when": "go", "beat": None, "sample": None, "ready": 0.0, "layers": []}
STATE = {
    "position": 88200,
    "running": True,
    "beat": 2.0,
    "bpm": 60.0,
    "latency": 0.1,
    "ready": True,
    "device": None,
    "load": 0.2,
    "underflows": 0,
    "missing": 0,
    "meter_db": -3.21,
    "bands": [-60, -12],
    "lufs": -20.0,
    "master": "-9",
    "replaying": False,
    "recording": None,
    "layers": [LAYER],
    "plan": [PLANNED],
    "arrived": [["knob:sea", 0.25, "stage"], ["osc:/x:0", 3.0, "osc"]],
}


def board(tmp_path, **changes):
    welcome = SimpleNamespace(
        sample_rate=44100,
        space=ToySpace(1024).facts.dump(),
        model="toy",
        log=str(tmp_path / "x.py"),
    )
    engine = SimpleNamespace(
        state={**STATE, **changes}, welcome=welcome, ended=False, hangs=False, why=""
    )
    return Board(engine)


def nones(value, path=""):
    """Return where a state holds None: there it would be taken for what is gone."""
    if value is None:
        return [path]
    inner = value.items() if isinstance(value, dict) else ()
    return [one for key, held in inner for one in nones(held, f"{path}/{key}")]


def test_a_state_holds_what_a_page_shows_and_no_none(tmp_path):
    made = board(tmp_path).state()
    assert nones(made) == []
    assert made["layers"]["d1"]["level"] == -12.3
    assert made["layers"]["d1"]["ready"] == 2.0
    assert made["plan"] == [{"name": "drop", "when": "go", "ready": 0.0, "layers": []}]
    assert made["knobs"] == {"sea": 0.25}
    assert made["clock"]["latency"] == 0.1
    assert made["engine"]["bands"] == [-60, -12]
    assert json.loads(json.dumps(made)) == made


def test_effects_are_shown_where_the_engine_tells_them(tmp_path):
    assert "effects" not in board(tmp_path).state()["layers"]["d1"]
    told = {**LAYER, "effects": "lpf(800).reverb(0.3)"}
    assert board(tmp_path, layers=[told]).state()["layers"]["d1"]["effects"] == told["effects"]


def test_previews_are_nobodys_layers(tmp_path):
    layers = [{**LAYER, "name": name} for name in ("d1", "preview1", "preview")]
    assert list(board(tmp_path, layers=layers).state()["layers"]) == ["d1"]


def test_before_the_engine_tells_anything_there_is_a_state_too(tmp_path):
    empty = board(tmp_path)
    empty._engine.state = {}
    assert nones(empty.state()) == []
    assert "clock" not in empty.state()


def test_the_last_lines_are_kept_each_once_and_cut(tmp_path):
    told = board(tmp_path)
    for number in range(10):
        told.say(f"line {number} \x1b[2J" + "x" * 1000)
    lines = told.state()["lines"]
    assert list(lines) == [str(number) for number in range(11 - LINES, 11)]
    assert all(len(line) <= LONGEST and "\x1b" not in line for line in lines.values())
