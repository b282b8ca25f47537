"""Session files: cells, moments, names, errors with their line."""

from __future__ import annotations

import pytest

from latentlive.errors import ExpressionError
from latentlive.prompt.scope import first_line
from latentlive.prompt.session import find_session, parse

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


def test_errors_name_their_line():
    with pytest.raises(ZeroDivisionError) as caught:
        exec(compile("\n\n1/0", "piece.py", "exec"), {})
    said = first_line(caught.value, "piece.py")
    assert said == "line 3: ZeroDivisionError: division by zero"
