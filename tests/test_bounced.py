"""A bounce as files: numbers instead of overwriting, the mix whole or not at all, stems apart."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import loudness
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import latentlive as ll
from latentlive.cli import main
from latentlive.corpus import takes
from latentlive.engine.log import bounced
from latentlive.engine.log.formats import FORMAT, Header
from latentlive.engine.log.journal import Journal
from latentlive.models import load_model
from tests.scheduling import RATE, A, B, House, play


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Half a second of a layer, and of a second one that comes later."""
    path = tmp_path_factory.mktemp("log") / "evening.py"
    house = House()
    tempo, model = house.scheduler.timeline.tempo, load_model("toy").digest
    header = Header(FORMAT, model, RATE, 2, 0, 0, tempo, 0, name="toy", model_file="toy")
    journal = Journal(path, header, house.said.append)
    house.scheduler.desk.note = journal.note
    house.apply(play("d1", A))
    house.run(0.3)
    house.apply(play("sea", B))
    house.run(1)
    journal.note({"do": "mark", "at": house.scheduler.timeline.position})
    journal.close()
    return path


@pytest.fixture
def bounce(log, tmp_path, monkeypatch):
    """Bounce the log in a folder of its own; return exit status, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        told = CliRunner().invoke(main, ["bounce", str(log), *arguments])
        lines = [x for x in told.stderr.splitlines() if x.startswith(("bounce:", "Error:"))]
        return told.exit_code, told.stdout.strip(), lines

    return run


def test_what_is_there_is_not_written_over_and_the_line_says_so(bounce, tmp_path):
    (tmp_path / "take.wav").write_bytes(b"a sound of the corpus")
    (tmp_path / "st").mkdir()
    (tmp_path / "st" / "d1.wav").write_bytes(b"a stem")
    assert bounce("-o", "take.wav", "--stems", "st") == (
        0,
        "take-2.wav",
        [
            "bounce: take.wav is there already; this is take-2.wav",
            "bounce: st is there already; this is st-2",
        ],
    )
    assert (tmp_path / "take.wav").read_bytes() == b"a sound of the corpus"
    assert (tmp_path / "st" / "d1.wav").read_bytes() == b"a stem"
    mix = soundfile.read("take-2.wav")[0]
    stems = {path.stem: soundfile.read(path)[0] for path in (tmp_path / "st-2").iterdir()}
    assert set(stems) == {"d1", "sea"}
    assert np.abs(mix).max() > 0.05
    assert np.abs(sum(stems.values()) - mix).max() < 1e-6


def test_a_mix_that_would_take_the_place_of_a_stem_is_refused(bounce, tmp_path):
    for name in ("d1", "sea"):
        status, _, lines = bounce("-o", f"st/{name}.wav", "--stems", "st")
        assert status == 1
        assert lines == [
            f"Error: bounce: st/{name}.wav is where the stem of {name} goes; "
            "give the mix another name"
        ]
    assert not list(tmp_path.iterdir())


def test_a_stem_that_cannot_be_written_does_not_end_the_mix(bounce, tmp_path, monkeypatch):
    real = bounced.open_take

    def refuse(path, *rest):
        if path.name == "sea.wav":
            raise ll.EngineError("bounce: cannot write sea.wav: Permission denied")
        return real(path, *rest)

    monkeypatch.setattr(bounced, "open_take", refuse)
    status, _, lines = bounce("-o", "take.wav", "--stems", "st")
    assert status == 1
    assert lines == [
        "Error: bounce: no stem of sea: bounce: cannot write sea.wav: Permission denied; "
        "the mix is in take.wav"
    ]
    assert len(soundfile.read("take.wav")[0]) == len(soundfile.read("st/d1.wav")[0]) > 22050


def test_a_bounce_that_fails_leaves_nothing(bounce, tmp_path, monkeypatch):
    def full(self, samples):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(takes.Wav, "write", full)
    status, _, lines = bounce("-o", "take.wav", "--stems", "st")
    assert (status, lines) == (
        1,
        ["Error: bounce: cannot write take.wav: No space left on device"],
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("take.mp3", "Error: bounce: the file must end in .wav or .flac, got 'take.mp3'"),
        (
            "no/take.wav",
            "Error: bounce: cannot write no/take.wav: No such file or directory",
        ),
    ],
)
def test_what_cannot_be_written_is_one_line(bounce, tmp_path, name, line):
    assert bounce("-o", name) == (1, "", [line])
    assert not list(tmp_path.iterdir())


def test_two_bounces_are_the_same_bytes(bounce, tmp_path):
    digests = set()
    for name in ("one.wav", "two.wav"):
        bounce("-o", name)
        digests.add(hashlib.blake2b((tmp_path / name).read_bytes()).digest())
    assert len(digests) == 1


def test_a_prompt_bounces_in_a_process_of_its_own(bounce, log, tmp_path):
    def beside(*arguments):
        command = [sys.executable, "-P", "-m", "latentlive.engine.log.bounced", log, *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.returncode, done.stdout.strip(), (done.stderr.strip().splitlines() or [""])[-1]

    bounce("-o", "command.wav", "--from", "0b", "--to", "0.25b")
    assert beside("take.wav", "0b", "0.25b")[:2] == (0, "take.wav")
    assert (tmp_path / "take.wav").read_bytes() == (tmp_path / "command.wav").read_bytes()
    nothing = "bounce: there is nothing between the two moments"
    assert beside("take.wav", "1b", "1b") == (1, "", nothing)


def test_a_loudness_that_is_asked_for_is_that_of_the_mix_and_stems_follow(bounce, tmp_path):
    assert bounce("-o", "as_heard.wav", "--stems", "plain") == (0, "as_heard.wav", [])
    code, name, lines = bounce("-o", "mix.flac", "--stems", "st", "--loudness", "-31")
    assert (code, name, lines) == (0, "mix.flac", [])
    heard, rate = soundfile.read("as_heard.wav")
    mix, _ = soundfile.read("mix.flac")
    assert loudness.integrated_loudness(mix, rate) == pytest.approx(-31.0, abs=0.1)
    gain = np.abs(mix).max() / np.abs(heard).max()
    assert np.abs(mix - gain * heard).max() < 1e-6
    stem = soundfile.read("st/d1.wav")[0]
    assert np.allclose(stem, gain * soundfile.read("plain/d1.wav")[0], atol=1e-6)
    assert not list(tmp_path.rglob(".*"))


def test_no_loudness_lets_a_peak_over_the_ceiling(bounce, tmp_path):
    code, _, (line,) = bounce("-o", "mix.wav", "--loudness", "-5")
    assert code == 0
    assert line.startswith("bounce: its peaks reach the ceiling at -")
    mix, rate = soundfile.read("mix.wav")
    reached = float(line.split(" LUFS")[0].rsplit(" ", 1)[1])
    assert loudness.integrated_loudness(mix, rate) == pytest.approx(reached, abs=0.15)
    assert 0.8 < np.abs(mix).max() < 10 ** (-1 / 20)
