"""Completion: words with their signatures, sounds, cues, layers, clusters, cells."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from latentlive.prompt.completion import Words
from tests.prompting import Recorded, console, samples


@pytest.fixture(autouse=True)
def bare(tmp_path, monkeypatch):
    """A cache in which nothing was frozen or grabbed, whatever other tests did."""
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    import soundfile

    import latentlive as ll

    folder = tmp_path_factory.mktemp("sounds")
    for name in ("gong", "gong-low", "rain"):
        soundfile.write(folder / f"{name}.wav", samples(0.1), 44100)
    engine = Recorded()
    engine.corpus = ll.Corpus(folder)
    engine.corpus.stored = SimpleNamespace(labels=np.array([18, 18, 3, -1, 180]))
    engine.state["plan"] = [{"name": "drop", "ready": 4.0}]
    engine.state["layers"] = [{"name": "sea", "code": "drift(1)"}]
    typed, _ = console(engine)
    typed.run("rainbow = 3")
    return Words(typed)


def completed(words, text):
    """Return what may follow a text, with what is said beside it."""
    event = CompleteEvent(text_inserted=True)
    found = words.get_completions(Document(text), event)
    return {text[: len(text) + c.start_position] + c.text: c.display_meta_text for c in found}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('sound("', {'sound("gong', 'sound("gong-low', 'sound("rain'}),
        ("d1 >> interp(sound('ra", {"d1 >> interp(sound('rain"}),
        ('interp(sound("rain"), sound("low', {'interp(sound("rain"), sound("gong-low'}),
        ("cluster(1", {"cluster(18", "cluster(180"}),
        ('go("', {'go("drop'}),
        ("with cue('d", {"with cue('drop"}),
        ('layer("', {'layer("sea'}),
        ('cell("', set()),
        ('space("spectral', {'space("spectral', 'space("spectralvae'}),
        ("d1 >> rainbow.on('raw", {"d1 >> rainbow.on('rawaudiovae"}),
        ('load("first', {'load("first_light'}),
        ("'just a string ra", set()),
    ],
)
def test_what_may_stand_inside(words, text, found):
    assert set(completed(words, text)) == found


def test_what_begins_as_it_was_typed_stands_first(words):
    assert list(completed(words, 'sound("g')) == ['sound("gong', 'sound("gong-low']
    engine = Recorded()
    engine.corpus = SimpleNamespace(names=["agong", "big-gong", "gong", "Gong-low", "rain"])
    engine.corpus.prepare = lambda: None
    typed, _ = console(engine)
    found = [text.removeprefix('sound("') for text in completed(Words(typed), 'sound("gong')]
    assert found == ["gong", "Gong-low", "agong", "big-gong"]


def test_words_come_with_signature_and_docstring(words):
    assert completed(words, "d1 >> inte")["d1 >> interp"].startswith("interp(a, b, curve=0.5")
    assert "hush(fade=1.0)  Fade every layer out" in completed(words, "hu")["hush"]
    assert completed(words, "d1")["d12"].startswith("a layer: >> texture")
    assert list(completed(words, "rainb")) == ["rainbow"]
    assert "sine(period)" in completed(words, "interp(a, b, sin")["interp(a, b, sine"]


def test_methods_come_with_signature_and_docstring(words):
    after = completed(words, 'sound("gong").ext')
    assert after['sound("gong").extend'].startswith("extend(factor)  ")
    assert completed(words, "d1.pa")["d1.pan"] == (
        "pan(place)  Set the place: 0 left, 0.5 centre, 1 right; a number or a curve, equal power."
    )


def test_python_and_its_own_names_are_there_but_no_noise(words):
    assert "lambda" in completed(words, "lamb")
    assert "interp(curve=" in completed(words, "interp(cur")
    assert "interp(match=" in completed(words, "interp(mat")
    assert "np.linspace" in completed(words, "np.linsp")
    assert "np.linalg.norm" in completed(words, "np.linalg.no")
    assert "rainbow.bit_length" in completed(words, "rainbow.bit")
    assert completed(words, "1.") == completed(words, "nobody.") == completed(words, "Abstr") == {}


def test_what_may_follow_a_chain_is_what_its_beginning_has(words):
    assert "quantise" in str(completed(words, "sine(8).slow(2).qu"))
    assert not completed(words, "sine(8).slow(2).exten")
    assert not completed(words, "interp(a, b).rang")
    assert "d1.fade(2).xfade" in completed(words, "d1.fade(2).xf")
    assert "layer('sea').pan" in completed(words, "layer('sea').pa")


def test_paths_are_completed_in_sound(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "field.wav").touch()
    assert 'sound("./field.wav' in completed(words, 'sound("./fi')


def test_model_files_are_completed_where_a_space_is_named(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.safetensors").touch()
    (tmp_path / "mine.wav").touch()
    (tmp_path / "models").mkdir()
    assert set(completed(words, 'space("mi')) == {'space("mine.safetensors'}
    assert set(completed(words, 'x.on("./m')) == {'x.on("./mine.safetensors', 'x.on("./models'}
    assert completed(words, "spac")["space"].startswith("space(name=None)  Show what a space is")


def test_nothing_is_asked_of_an_engine_that_is_not_there():
    code = (
        "import threading; from queue import SimpleQueue\n"
        "from prompt_toolkit.completion import CompleteEvent as E\n"
        "from prompt_toolkit.document import Document as D\n"
        "from latentlive.prompt.booting import Booting\n"
        "from latentlive.prompt.completion import Words\n"
        "from latentlive.prompt.console import Console\n"
        "booting = Booting(threading.Event().wait, print, print)\n"
        "words = Words(Console(booting, SimpleQueue()))\n"
        "for text in ('sound(\"', 'cluster(', 'd1.ga', 'hu', 'go(\"', 'now.b'):\n"
        "    print(len(list(words.get_completions(D(text), E(text_inserted=True)))))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert told.stderr == ""
    assert len(told.stdout.split()) == 6
