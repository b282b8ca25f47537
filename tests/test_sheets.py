"""``space(...)``: what it shows of each space, of a file, and of what is no space."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

import latentlive as ll
from latentlive.engine.render.speed import Speed, held, measure, measured
from latentlive.errors import EngineError, ModelError
from latentlive.models import RawAudioVAE, load_model, save_model
from latentlive.models.files import NAMES
from latentlive.prompt.jobs import Left, Typed
from latentlive.prompt.recital import play
from latentlive.prompt.spaces import COLUMNS, decoded_from, named, reach, rows
from latentlive.renderer import Rendered, usual_hop
from latentlive.space import ToySpace
from tests.conftest import random_weights
from tests.prompting import Recorded, Shown, console
from tests.spaces import KINDS

MEASURED = r"one core decodes [\d.]+ x(, encodes [\d.]+ x)? real time, measured now"


@pytest.fixture
def typed():
    return console()[0]


def told(text):
    """Return the rows of a sheet, each whole, by what stands before it."""
    assert max(map(len, text.splitlines())) <= COLUMNS
    found = re.findall(r"^(\w+) +(.*(?:\n .*)*)", text, re.MULTILINE)
    return {name: " ".join(row.split()) for name, row in found}


@pytest.mark.parametrize("name", [*NAMES, "toy"])
def test_every_space_shows_what_it_is_and_its_speed_now(typed, name):
    space, answer = load_model(name), typed.run(f"space({name!r})")
    assert answer.error == ""
    sheet = told(answer.shown)
    assert sheet["space"].startswith(f"{name} ({type(space).__name__})")
    assert sheet["rate"] == f"{space.sample_rate} Hz, mono"
    assert sheet["window"].startswith("1024 samples (23.2 ms), hop 256 samples (5.8 ms)")
    assert sheet["dims"] == str(space.dims)
    assert sheet["axes"] == (", ".join(space.axes) or "none")
    assert re.fullmatch(MEASURED, sheet["speed"])
    assert ("trained" in sheet) == (name in ("spectralvae", "rawaudiovae"))


def test_without_a_name_the_space_that_plays_is_shown(typed):
    assert told(typed.run("space()").shown)["space"] == "toy (ToySpace)"
    assert typed.run("space").shown.startswith("space(name=None)  Show what a space is")


def test_a_model_file_that_plays_is_shown_from_any_folder(tmp_path, monkeypatch):
    said = {"recipe": "mine\x1b[2J\nsecond", "long": "x" * 5000}
    save_model(tmp_path / "mine.safetensors", RawAudioVAE(random_weights(128, 32, 8)), said)
    monkeypatch.chdir(tmp_path)
    with ll.Engine(model="mine.safetensors", silent=True, corpus=tmp_path) as live:
        os.mkdir("elsewhere")
        monkeypatch.chdir("elsewhere")
        typed, _ = console(live)
        sheet = told(typed.run("space()").shown)
        assert typed.run("space('../mine.safetensors')").error == ""
    assert sheet["space"] == "mine (RawAudioVAE)"
    assert (sheet["dims"], sheet["window"][:11]) == ("8", "128 samples")
    assert sheet["trained"].startswith(r"recipe mine\x1b[2J second, long xxx")
    assert len(sheet["trained"]) < 400


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("space('spektral')", "model: no file 'spektral', and no space of this name"),
        ("space('bad.safetensors')", "model: bad.safetensors is damaged"),
        ("space(3)", "space must be a name in quotes, got 3"),
        ("space('')", "space must be a name in quotes, got ''"),
        ("space('toy', 'toy')", "space(name=None)"),
    ],
)
def test_what_is_no_space_is_refused_in_one_line(code, line, tmp_path, monkeypatch):
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    monkeypatch.chdir(tmp_path)
    typed, engine = console()
    answer = typed.run(code)
    assert line in answer.error
    assert "\n" not in answer.error
    assert engine.asked == []


def test_in_a_session_it_changes_nothing_and_measures_nothing(tmp_path, monkeypatch, capsys):
    def refused(*_, **__):
        raise AssertionError("measured")

    monkeypatch.setattr("latentlive.engine.render.speed.measure", refused)
    tone = "sound((np.sin(np.arange(9000) * 0.05) * 0.3).astype('f4'))"
    file, said = tmp_path / "piece.py", []
    file.write_text(f"space()\nspace('rawaudiovae')\nd1 >> {tone}.loop(1)\nd1.gain(-3)\n")
    options = {"model": "toy", "silent": True, "hold": True, "corpus": tmp_path}
    with ll.Engine(say=said.append, log=tmp_path / "log.py", **options) as live:
        play(live, file, tell=said.append)
    assert said == []
    assert capsys.readouterr().out == ""


def test_the_row_of_a_space_that_says_more():
    class Named(ToySpace):
        names = tuple(f"n{i}" for i in range(20))
        licence = "CC BY-NC 4.0\x07"
        encodes = False

    sheet = dict(rows(Named(64)))
    assert sheet["licence"] == r"CC BY-NC 4.0\x07"
    assert sheet["encodes"] == "no recordings"
    assert "encoding" not in sheet["reach"]
    assert sheet["named"].endswith("and 4 more")
    assert re.match(r"n0 -1\.\d to 1\.\d, n1 ", sheet["named"])  # nine in ten of N(0, 1)


def test_the_named_dimensions_of_spectralvae_lie_where_its_prior_does():
    space = load_model("spectralvae")
    said = re.findall(r"(\w+) (\S+) to ([^\s,]+)", named(space))
    assert [name for name, _, _ in said] == list(space.names)
    drawn = np.random.default_rng(5).standard_normal((4000, space.prior.draws), np.float32)
    z = space.prior.vectors(drawn)
    for place, (_, low, high) in enumerate(said):
        inside = (z[:, place] >= float(low) - 0.05) & (z[:, place] <= float(high) + 0.05)
        assert inside.mean() > 0.84


class Changed(Rendered):
    """Vectors that are all alike but for the one that lies at a sample."""

    def __init__(self, space, at):
        super().__init__(space, space.window // usual_hop(space), 5, None, space.sample_rate)
        self.moved = at

    def drawn(self, frames):
        z = np.full((len(frames), self.space.dims), 0.1, np.float32)
        z[np.rint(frames * self.frame) == self.moved] = 0.3
        return z

    def gains(self, frames):
        return np.ones((len(frames), 1), np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_reach_is_how_far_from_a_vector_its_change_is_heard(kind):
    space, length = KINDS[kind](), 1500
    hop, (before, after) = usual_hop(space), decoded_from(space)
    same = Changed(space, -1).samples(0, length)
    late, early = [], []
    for at in range(512, 1024, hop):
        heard = np.flatnonzero(Changed(space, at).samples(0, length) != same)
        late.append(heard[-1] - at)
        early.append(at - heard[0])
    assert before - hop <= max(late) < before
    assert after - hop <= max(early) <= after


@pytest.mark.parametrize("name", ["spectral", "spectralvae"])
def test_the_reach_of_a_block_is_said_in_seconds(name):
    assert reach(load_model(name)) == (
        "decoding reads 0.39 s before a moment, 0.37 s after it; "
        "encoding reads 1.7 s before a moment, 1.7 s after it"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_space_can_be_measured(kind):
    found = measured(KINDS[kind](), lasts=0.02)
    assert found.decode > 1
    assert found.encode > 1


def test_a_space_that_encodes_nothing_or_makes_no_sound():
    class Mute(ToySpace):
        encodes = False

        def encode(self, windows):
            raise AssertionError("encoded")

    class Broken(Mute):
        prior = None

        def decode(self, z):
            return z * np.float32(np.nan)

    assert measured(Mute(64), lasts=0.02).encode is None
    with pytest.raises(ll.ExpressionError, match="makes no sound"):
        measured(Broken(64), lasts=0.02)


def test_a_measurement_that_fails_is_told_in_the_sheet(typed, monkeypatch):
    monkeypatch.setattr("latentlive.engine.render.speed.PATIENCE", 0.01)
    answer = typed.run("space('toy')")
    assert told(answer.shown)["speed"] == "not measured: no answer within 0.01 s"
    with pytest.raises(EngineError, match="no answer"):
        measure("toy")


def test_ctrl_c_ends_a_measurement_and_its_process():
    begun, popen = [], subprocess.Popen

    class Pressed(popen):
        def communicate(self, *arguments, **options):
            begun.append(self)
            signal.raise_signal(signal.SIGINT)
            return super().communicate(*arguments, **options)

    typed, _ = console()
    front = Shown(typed.inbox, [Typed("space('spectral')"), Typed("1 + 1"), Left()])
    subprocess.Popen = Pressed
    try:
        typed.serve(front)
    finally:
        subprocess.Popen = popen
    assert front.lines == [("error", "stopped: while its value was shown"), ("", "2")]
    assert [child.returncode for child in begun] == [-signal.SIGKILL]


def test_a_process_that_measures_says_what_is_wrong_with_a_model():
    with pytest.raises(ModelError, match="no file 'none'"):
        measure("none", 2)


@pytest.mark.skipif(sys.platform == "win32", reason="priorities have other names there")
def test_what_stands_back_has_a_lower_priority():
    code = "from latentlive.ground import processes; import os; before = os.nice(0)"
    code += "; processes.stand_back(); print(os.nice(0) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert int(done.stdout) == 10 or int(done.stdout) > 0  # at the end of the scale it is less


def test_layers_of_cores_add_up():
    assert held([Speed(40.0, 10.0)]) == (8, 40)
    assert held([Speed(40.0, None), Speed(20.0, None)]) == (60, 60)
    assert str(Speed(0.834, None)) == "decodes 0.83 x real time"
    assert str(Speed(56.4, 9.96)) == "decodes 56 x, encodes 10 x real time"


def test_it_needs_no_engine_for_a_space_by_name():
    engine = Recorded()
    engine.welcome = None
    typed, _ = console(engine)
    assert typed.run("space('toy')").error == ""
