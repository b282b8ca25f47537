"""Session files: cells, moments, names, errors with their line."""

from __future__ import annotations

import pytest

from latentlive.errors import ExpressionError
from latentlive.panel import panel
from latentlive.session import Names, find_session, first_line, parse

TEXT = """# a comment before everything
x = 1
# %% sea
y = 2

# %% 00:01:12.480 {"sample": 3196416, "beat": 72.48}
z = 3
# %% 01:00:00 last one
# only a comment
w = 4
# %% empty
# nothing
"""


def test_cells_have_names_moments_and_lines():
    cells = [(c.name, c.moment, c.line) for c in parse(TEXT)]
    assert cells == [
        ("line 1", None, 1),
        ("sea", None, 4),
        ("line 7", 72.48, 7),
        ("last one", 3600.0, 9),
    ]


def test_moments_must_rise():
    with pytest.raises(ExpressionError, match=r"cell 'b' \(line 4\) comes before the one above"):
        parse("# %% 00:00:05 a\nx\n# %% 00:00:04 b\ny\n")


def test_shipped_sessions_parse_and_compile():
    for name in ("first_light",):
        path = find_session(name)
        for cell in parse(path.read_text()):
            compile(cell.code, str(path), "exec")


def test_a_layer_keeps_its_name():
    from latentlive.engine.layer import Layer

    scope = Names(d1=Layer(None, "d1"))
    with pytest.raises(ExpressionError, match="d1 is a layer"):
        exec("d1 = 3", scope, scope)
    exec("x = 3", scope, scope)
    assert scope["x"] == 3


def test_errors_name_their_line():
    with pytest.raises(ZeroDivisionError) as caught:
        exec(compile("\n\n1/0", "piece.py", "exec"), {})
    said = first_line(caught.value, "piece.py")
    assert said == "line 3: ZeroDivisionError: division by zero"


def test_the_panel_fits_its_width_and_shows_what_matters():
    layer = {"name": "d1", "state": "playing", "gain": "-3", "ready": 1.5, "code": "x" * 200}
    layer["error"] = ""
    failed = {**layer, "name": "d2", "state": "failed", "error": "sound: gone"}
    state = {
        "ready": True,
        "running": True,
        "seconds": 75.25,
        "beat": 75.25,
        "bpm": 60.0,
        "device": "ci",
        "underflows": 2,
        "missing": 100,
        "layers": [layer, failed],
    }
    lines = panel(state, 80)
    assert all(len(line) <= 80 for line in lines)
    assert lines[0] == "1:15.2  beat 75.2  60 bpm  ci  dropouts 3"
    assert "d1 playing" in lines[1]
    assert "######.." in lines[1]
    assert lines[2].strip() == "d2 failed: sound: gone"
    assert panel({**state, "ready": False}, 80)[0].startswith("warming up")
