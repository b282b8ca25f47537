"""``space(...)`` and the doctor tell of imported models, whose scripts have their own process."""

from __future__ import annotations

import re

import pytest

from latentlive import doctor
from latentlive.models import load_model
from latentlive.models.importing import Given, import_model
from tests.imports import scripts
from tests.prompting import console
from tests.test_sheets import MEASURED, told


@pytest.mark.parametrize("kind", [scripts.Noisy, scripts.Decoder])
def test_an_imported_model_shows_what_it_is_and_its_speed(imported, kind):
    space, answer = load_model(imported(kind)), console()[0].run(f"space({str(imported(kind))!r})")
    assert answer.error == ""
    sheet = told(answer.shown)
    assert sheet["space"] == f"{kind.__name__.lower()} (Script)"
    assert sheet["dims"] == str(space.dims)
    assert (sheet["encodes"] == "no recordings") == (kind is scripts.Decoder)
    assert sheet["trained"] == f"imported {kind.__name__.lower()}.ts"
    assert re.fullmatch(MEASURED, sheet["speed"])
    assert ("encodes" in sheet["speed"]) == (kind is not scripts.Decoder)


def test_its_licence_is_shown(tmp_path):
    file = scripts.stored(scripts.Plain, tmp_path / "plain.ts")
    import_model(file, tmp_path / "plain.safetensors", Given(licence="CC BY-NC 4.0\x1b[2J"))
    typed, _ = console()
    answer = typed.run(f"space({str(tmp_path / 'plain.safetensors')!r})")
    assert told(answer.shown)["licence"] == r"CC BY-NC 4.0\x1b[2J"


def test_the_doctor_counts_its_layers(imported):
    found = doctor.layers(str(imported(scripts.Plain)))
    assert re.search(r"each of \d+ cores decodes \d+", found.text), found
