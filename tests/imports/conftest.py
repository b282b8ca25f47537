"""Imported models that tests share, made once."""

from __future__ import annotations

import pytest

from latentlive.models.importing import Given, import_model
from tests.imports import scripts


@pytest.fixture(scope="session")
def imported(tmp_path_factory):
    """Return a function that imports a kind of script, once, and returns its model file."""
    folder, known = tmp_path_factory.mktemp("scripts"), {}

    def model(kind):
        if kind not in known:
            file = scripts.stored(kind, folder / f"{kind.__name__.lower()}.ts")
            known[kind] = file.with_suffix(".safetensors")
            import_model(file, known[kind], Given())
        return known[kind]

    return model
