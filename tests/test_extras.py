"""An installation without extras plays, and says in one line what more would need."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import latentlive as ll
from latentlive.cli import main
from latentlive.corpus import Corpus, starting
from latentlive.ground.extras import lacking
from latentlive.models.keras import read as read_keras
from latentlive.models.lts import transform
from latentlive.models.script_process import ScriptProcess

EXTRA = ("torch", "librosa", "sklearn", "matplotlib", "minisom", "h5py", "scipy", "numba")


@pytest.fixture
def bare(monkeypatch):
    """An installation without extras."""
    for name in EXTRA:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture
def own(tmp_path):
    """A folder of three sounds."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name, hz in (("low", 220.0), ("mid", 440.0), ("high", 880.0)):
        tone = 0.3 * np.sin(2 * np.pi * hz * np.arange(8192) / 44100)
        soundfile.write(folder / f"{name}.wav", tone, 44100)
    return folder


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A cache in which nothing was made yet."""
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "cache"))
    return Corpus()


def test_what_is_there_lacks_nothing_and_what_is_not_is_named():
    assert lacking("x", "all", "json", "sys") == ""
    line = "near: needs no_such_thing: pip install 'latentlive[corpus]'"
    assert lacking("near", "corpus", "json", "no_such_thing") == line


@pytest.mark.usefixtures("bare")
def test_a_package_is_named_as_pip_names_it():
    line = "corpus: needs scikit-learn: pip install 'latentlive[corpus]'"
    assert lacking("corpus", "corpus", "sklearn") == line


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("command", "words", "extra"),
    [
        (["train", "{own}", "-o", "{out}.safetensors"], "train: needs torch", "train"),
        (["corpus", "{own}"], "corpus: needs librosa", "corpus"),
        (["corpus", "--plot", "{out}.png"], "corpus: needs matplotlib", "corpus"),
        (["import", "{checkpoint}", "-o", "{out}.safetensors"], "needs torch", "import"),
    ],
)
def test_a_command_names_the_extra_that_it_needs(command, words, extra, own, tmp_path):
    checkpoint = tmp_path / "ckpt_00500"
    checkpoint.write_bytes(b"PK\x03\x04")
    names = {"own": own, "out": tmp_path / "out", "checkpoint": checkpoint}
    done = CliRunner().invoke(main, [part.format(**names) for part in command])
    assert done.exit_code == 1
    assert done.output.count("\n") == 1
    assert words in done.output
    assert done.output.endswith(f": pip install 'latentlive[{extra}]'\n")


@pytest.mark.usefixtures("bare")
def test_a_word_names_the_extra_that_it_needs(own, tmp_path):
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, 44100).astype(np.float32)
    piece = ll.sound(noise)
    near = r"near: needs librosa: pip install 'latentlive\[corpus\]'"
    with pytest.raises(ll.SoundError, match=near):
        ll.render(ll.near(piece, 2), seconds=0.1)
    with pytest.raises(ll.SoundError, match=r"improvise: needs librosa: .*latentlive\[corpus\]"):
        ll.render(ll.improvise(piece), seconds=0.1)
    with pytest.raises(ll.ModelError, match=r"needs torch: pip install 'latentlive\[import\]'"):
        ScriptProcess(tmp_path / "rave.ts")
    with pytest.raises(ll.ModelError, match=r"needs librosa: pip install 'latentlive\[import\]'"):
        transform(noise, 44100)
    with pytest.raises(ll.ModelError, match=r"needs h5py: pip install 'latentlive\[import\]'"):
        read_keras(tmp_path / "net.h5")


@pytest.mark.usefixtures("bare")
def test_the_starter_map_and_the_shipped_models_need_no_extra():
    gong, choir = ll.sound("gong"), ll.sound("choir-ah")
    for texture in (
        ll.interp(gong, choir, ll.sine(1)),
        ll.cluster(18),
        ll.near(gong, 3),
        ll.interp(gong, choir, 0.5).on("spectralvae"),
        ll.interp(gong, choir, 0.5).on("rawaudiovae"),
    ):
        samples = ll.render(texture, seconds=0.3)
        assert np.abs(samples).max() > 0.001


def test_a_starter_sound_is_made_when_it_is_read(empty):
    folder = empty.folder
    assert len(empty.names) == 214
    assert len(starting.missing(folder)) == 214
    assert len(empty.audio("gong", 44100).samples) > 44100
    assert [path.stem for path in folder.iterdir()] == ["gong"]


def test_what_needs_every_starter_sound_makes_those_that_are_missing(empty, monkeypatch):
    made = []
    monkeypatch.setattr(starting, "make", made.append)
    starting.complete(empty.folder)
    assert len(made) == 214


def test_missing_starter_sounds_are_made_beside_what_plays(empty, monkeypatch):
    begun = []
    monkeypatch.setattr(starting._making, "begin", lambda: begun.append(1))
    empty.prepare()
    assert begun == [1]
    monkeypatch.setattr(starting, "missing", lambda folder: [])
    empty.prepare()
    assert begun == [1]


def test_the_making_process_ends_with_its_program(empty):
    making = starting._Making()
    making.begin()
    assert making.process is not None
    making.stop()
    assert making.process.wait(20) == 0
    assert len(starting.missing(empty.folder)) > 100


def test_a_full_disk_costs_one_line(empty, monkeypatch):
    def refuse(path, write):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(starting, "write_whole", refuse)
    with pytest.raises(ll.SoundError, match=r"sound: cannot make 'gong': .*No space left"):
        empty.audio("gong", 44100)
