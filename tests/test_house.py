"""The house is as docs/house.md says: the way of a line, file by file, and no circles."""

from __future__ import annotations

import importlib
import re
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

HOUSE = Path(__file__).parents[1] / "docs" / "house.md"
STEP = re.compile(r"^\| \d+ \| `([\w/]+)\.py` \| `([\w.]+)` \|", re.MULTILINE)


def test_each_function_on_the_way_of_a_line_is_in_the_file_that_the_table_names():
    steps = STEP.findall(HOUSE.read_text(encoding="utf-8"))
    assert len(steps) == 12
    for file, function in steps:
        found = importlib.import_module(f"latentlive.{file.replace('/', '.')}")
        for name in function.split("."):
            found = getattr(found, name)
        assert callable(found), function


@pytest.mark.parametrize("room", ["engine", "protocol", "client"])
def test_no_files_of_a_room_import_each_other_in_a_circle(room):
    graph = grimp.build_graph("latentlive", cache_dir=None)
    files = {file for file in graph.modules if file.startswith(f"latentlive.{room}")}
    assert len(files) > 5
    imports = {file: graph.find_modules_directly_imported_by(file) & files for file in files}
    assert list(TopologicalSorter(imports).static_order())
