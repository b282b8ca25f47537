"""Cells run one by one from the prompt."""

from __future__ import annotations

import pytest

from latentlive.prompt.session import cell_at
from tests.prompting import console

SESSION = """# an evening
a = drift(1)

# %% drop
d1 >> a

# %% 00:00:10 bells
d2 >> drift(2)
d2.gain(-3)

# %% broken
d3 >> drift(3)
1 / 0
"""


@pytest.fixture
def rehearsing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sessions").mkdir()
    file = tmp_path / "sessions" / "evening.py"
    file.write_text(SESSION)
    return *console(), file


def test_cells_run_in_turn_and_by_name(rehearsing):
    typed, engine, _ = rehearsing
    listed = typed.run("load('evening')").shown.splitlines()
    assert listed[0].endswith("evening.py: 4 cells")
    assert [row.split()[0] for row in listed[1:]] == ["line", "drop", "bells", "broken"]
    assert "10.00 s" in listed[3]
    assert engine.asked == []
    assert typed.run("cell()\ncell()").error == ""
    assert engine.played() == [("d1", "drift(1)")]
    assert typed.run("cell('drop')").shown == "'drop' ran; next is 'bells': cell()"
    assert typed.run("cell()").shown == "'bells' ran; next is 'broken': cell()"
    assert [layer for layer, _ in engine.played()] == ["d1", "d1", "d2"]
    answer = typed.run("cell()")
    assert answer.error == "evening.py line 13: ZeroDivisionError: division by zero"
    assert [layer for layer, _ in engine.played()] == ["d1", "d1", "d2"]
    assert typed.run("cell()").error.startswith("cell: that was the last one")


def test_a_cell_that_was_edited_runs_as_it_is_now(rehearsing):
    typed, engine, file = rehearsing
    typed.run("load('sessions/evening.py')\ncell()\ncell()")
    file.write_text(SESSION.replace("# %% drop", "# %% new\nx = 1\n\n# %% drop", 1))
    typed.run("cell()")
    assert engine.played()[-1] == ("d2", "drift(2)")  # the one after "drop", wherever that is
    file.write_text(SESSION.replace("drift(2)", "drift(9)"))
    typed.run("cell('bells')")
    assert engine.played()[-1] == ("d2", "drift(9)")


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("cell()", 'cell: load a session first: load("first_light")'),
        ("load('nothing')", "session: no file 'nothing'; shipped are 'choir_of_engines'"),
        (
            "load('evening'); cell('bels')",
            "cell: no 'bels' in sessions/evening.py; did you mean 'b",
        ),
    ],
)
def test_what_cannot_be_loaded_is_one_line(rehearsing, code, line):
    assert rehearsing[0].run(code).error.startswith(line)


def test_a_shipped_session_is_found_by_its_name(rehearsing):
    assert "sea" in rehearsing[0].run("load('first_light')").shown


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (1, "line 1"),
        (2, "line 1"),
        (4, "drop"),
        (5, "drop"),
        (6, "drop"),
        (7, "bells"),
        (99, "broken"),
    ],
)
def test_the_cell_at_a_line(line, name):
    assert cell_at(SESSION, line).name == name


def test_the_cell_at_a_line_is_that_of_editors():
    text = "\ufeff# %% one\na = 'x\fy\u2028'\n#%%\nb = 2\n"
    assert [cell_at(text, line).code for line in (1, 2, 3, 4)] == [
        *["a = 'x\fy\u2028'"] * 2,
        *["b = 2"] * 2,
    ]


def test_a_cell_without_code_is_none():
    assert cell_at("# %% a\n# nothing\n# %% b\nx", 2) is None
    assert cell_at("", 1) is None
