"""The house is as docs/house.md says: the way of a line, file by file."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

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
