"""The table "What matters on stage" names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_row_of_what_matters_on_stage_names_tests_that_exist():
    text = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
    rows = text.split("## What matters on stage", 1)[1].splitlines()[4:]
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py"))
    known = set(re.findall(r"^def (test_\w+)", code, re.M))
    assert len(rows) >= 11
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert set(named) <= known, set(named) - known
