"""The notebook of docs/ runs from top to bottom without a browser, and is heard."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import soundfile
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The notebook after all its cells have run, in a kernel of its own."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    where = {"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=where).execute()
    return notebook


def shown(notebook, kind):
    """Return what the cells show, of one kind."""
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    return [one["data"][kind] for one in outputs if kind in one.get("data", {})]


def test_it_is_kept_without_results():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_an_expression_shows_its_code_and_a_cue_is_ready(ran):
    texts = shown(ran, "text/plain")
    assert texts[0] == "interp(sound('gong'), sound('rain'), sine(8)).extend(2)"
    assert float(texts[3]) > 0.2
    assert texts[4] == "\"sound('choir-ah').extend(4)\""


def test_what_it_renders_and_what_it_plays_is_heard(ran):
    pages = shown(ran, "text/html")
    assert len(pages) == 2
    for page in pages:
        data = re.search(r"base64,([A-Za-z0-9+/=]+)", page)
        assert data is not None
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data[1])))
        assert rate == 44100
        assert len(samples) > 4 * rate
        assert np.abs(samples).max() > 0.01
