"""Names in both Unicode forms are one name, wherever they are compared; files keep their own."""

from __future__ import annotations

import os
import sys
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import latentlive as ll
from latentlive.client.layer import Layer
from latentlive.corpus import Corpus
from latentlive.corpus.index import Index
from latentlive.corpus.scan import update
from latentlive.engine.output.devices import chosen
from latentlive.errors import SoundError
from latentlive.expr import dump, load
from latentlive.ground.claims import Claims
from latentlive.ground.names import normal, on_disk
from latentlive.mapping import make_map
from latentlive.models import RawAudioVAE, load_model, save_model
from latentlive.prompt.editors import chosen as cell_of
from latentlive.prompt.rehearsal import Rehearsal
from latentlive.prompt.reloading import Patterns
from latentlive.prompt.scope import Names
from latentlive.prompt.session import find_session
from tests.conftest import random_weights
from tests.prompting import Recorded

FORMS = ("NFC", "NFD")
BOTH = [(one, other) for one in FORMS for other in FORMS]
BELL = "Glöckchen"

MARKED = st.text("aeouAEOUcnñöüéåÅçΐẫ각가あがn\u0323\u0307", min_size=1, max_size=12)
"""Letters that have more than one form, and marks that change their order among themselves."""


def form(which: str, name: str = BELL) -> str:
    return unicodedata.normalize(which, name)


def written(folder: Path, name: str) -> Path:
    path = folder / f"{name}.wav"
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, np.sin(np.arange(9000) / 20) * 0.5, 44100)
    return path


@given(MARKED)
def test_every_form_has_one_normal_form(name):
    forms = [unicodedata.normalize(f, name) for f in ("NFC", "NFD")]
    assert {normal(one) for one in (name, *forms)} == {normal(name)}
    assert normal(normal(name)) == normal(name)


@given(MARKED.filter(lambda name: name.isprintable() and not name.startswith(".")))
@settings(max_examples=40)
def test_every_form_finds_the_file_and_is_one_sound(name):
    for held, typed in BOTH:
        with tempfile.TemporaryDirectory() as place:
            path = written(Path(place), form(held, name))
            asked = form(typed, name)
            assert on_disk(Path(place, f"{asked}.wav")).samefile(path)
            corpus = Corpus(place)
            assert corpus.path(asked).samefile(path)
            assert corpus.path(f"{asked}.wav").samefile(path)
            assert corpus.names == [normal(name)]


@given(MARKED)
def test_expressions_of_both_forms_are_equal(name):
    nfc, nfd = (ll.sound(form(which, name)) for which in FORMS)
    assert nfc == nfd
    assert nfc.digest == nfd.digest
    assert load(dump(nfd)) == nfc


@pytest.mark.parametrize(("held", "typed"), BOTH)
def test_folders_paths_and_maps_are_found_in_both_forms(tmp_path, held, typed):
    folder = tmp_path / form(held, "Töne")
    path = written(folder, form(held))
    corpus = Corpus(tmp_path / form(typed, "Töne"))
    assert corpus.audio(f"{corpus.folder}/{form(typed)}.wav", 44100).peak > 0.4
    assert corpus.audio(form(typed), 44100).peak > 0.4
    make_map(corpus, workers=0)
    assert corpus.need_map().rows == {normal(BELL): 0}
    assert corpus.need_map().files == [path.name]


def test_two_files_of_one_name_in_two_forms_are_told(tmp_path):
    for which in FORMS:
        written(tmp_path, form(which))
    if len(os.listdir(tmp_path)) == 1:
        pytest.skip("this file system knows one form only")
    corpus = Corpus(tmp_path)
    assert corpus.names == [normal(BELL)]
    assert "in another Unicode form; rename one of them" in "".join(corpus.unread.values())
    with Index(tmp_path / "x.sqlite") as index:
        assert update(corpus, index, 0).broken == corpus.unread


@pytest.mark.parametrize(("held", "typed"), BOTH)
def test_sessions_cells_and_files_of_editors_are_found_in_both_forms(
    tmp_path, monkeypatch, held, typed
):
    monkeypatch.chdir(tmp_path)
    Path(f"{form(held)}.py").write_text(f"# %% {form(held)}\nx = 1\n", encoding="utf-8")
    assert find_session(form(typed)).name == f"{form(held)}.py"
    run = []
    rehearsal = Rehearsal(lambda cell, file: run.append((cell.code, file)))
    rehearsal.load(form(typed))
    rehearsal.cell(form(typed))
    assert [code for code, _ in run] == ["x = 1"]
    code, file, _ = cell_of(f"{form(typed)}.py:1", str)
    assert (code, Path(file).name) == ("x = 1", f"{form(held)}.py")


@pytest.mark.parametrize("held", FORMS)
def test_patterns_are_imported_in_both_forms(tmp_path, monkeypatch, held):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    Path("patterns").mkdir()
    Path("patterns", f"{form(held)}.py").write_text("x = 3\n", encoding="utf-8")
    patterns = Patterns(Names(Recorded))
    scope: dict[str, object] = {}
    try:
        exec(f"import {BELL}", scope)
        assert scope[normal(BELL)].x == 3
        assert list(patterns.modules()) == [normal(BELL)]
    finally:
        sys.modules.pop(normal(BELL), None)


@pytest.mark.parametrize(("held", "typed"), BOTH)
def test_models_devices_layers_and_cues_are_compared_in_one_form(tmp_path, held, typed):

    path = tmp_path / f"{form(held)}.safetensors"
    save_model(path, RawAudioVAE(random_weights(64, 8, 4)), {})
    assert load_model(tmp_path / f"{form(typed)}.safetensors").name == form(held)
    device = {"index": 3, "name": f"{form(held)} 7.1"}
    assert chosen(form(typed), [device]) == device
    engine = Recorded()
    assert isinstance(engine.layer(form(typed)), Layer)
    assert engine.layer(form(typed)).name == normal(BELL)
    engine.cancel(form(typed))
    assert engine.asked[-1]["name"] == normal(BELL)


@pytest.mark.parametrize(("held", "asked"), BOTH)
def test_recordings_are_numbered_across_forms(tmp_path, held, asked):
    path = written(tmp_path, form(held))
    free = Claims("record").file(tmp_path / f"{form(asked)}.wav")
    assert normal(free.name) == normal(f"{BELL}-2.wav")
    stems = tmp_path / form(held, "Bände")
    stems.mkdir()
    (stems / "d1.wav").write_bytes(b"")
    given = Claims("record").folder(tmp_path / form(asked, "Bände"), path)
    assert normal(given.name) == normal("Bände-2")


def test_a_name_of_no_sound_is_not_the_one_that_is_meant(tmp_path):
    written(tmp_path, form("NFD"))
    with pytest.raises(SoundError, match="did you mean 'Glöckchen'"):
        Corpus(tmp_path).path("Glockchen")
