"""A statement while it is typed: every form of the pages, row by row."""

from __future__ import annotations

import ast

import pytest

from latentlive.prompt.statement import indentation, is_whole, outdented, state
from tests.test_docs import PAGES, page_id, python_blocks


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_what_the_pages_show_is_open_until_its_last_row(page):
    for code in python_blocks(page):
        rows = code.splitlines()
        for statement in ast.parse(code).body:
            typed = rows[statement.lineno - 1 : statement.end_lineno]
            for number in range(1, len(typed)):
                text = "\n".join(typed[:number])
                assert not is_whole(text), text
            block = len(typed) > 1 and hasattr(statement, "body")
            assert is_whole("\n".join([*typed, ""] if block else typed))


@pytest.mark.parametrize(
    ("text", "columns", "whole"),
    [
        ('with cue("night"):  # rendered ahead', 4, False),
        ("with cue('night'):#", 4, False),
        ("d1.stop()  # at once: now", 0, True),
        ("for n in (1, 2): layer(f's{n}').stop()", 0, True),
        ("with at(3):\n    d1.stop()", 4, False),
        ("with at(3):\n    d1.stop()\n", 0, True),
        ("with at(3):\n    d1.stop()\n    # and then", 4, False),
        ("with at(3):\n    d1 >> path([\n        a,\n    ])", 4, False),
        ("with (at(3),\n      cue('a')):  # x", 4, False),
        ("path([", 4, False),
        ("path([a,", 0, False),
        ("path([\n    a,", 4, False),
        ("path([\n    a,\n])", 0, True),
        ("def f():\n    return 3", 0, False),
        ("class A:\n    def f(self):  # deep", 8, False),
        ("text = '''with at(3):", 0, False),
        ("text = 'with at(3):'", 0, True),
        ("@decorated", 0, False),
        ("if a:\n    b\nelse:  # if not", 4, False),
        ("try: a", 0, False),
        ("x = 1 + \\", 0, False),
    ],
)
def test_what_is_whole_and_where_the_next_row_begins(text, columns, whole):
    assert (indentation(text), is_whole(text)) == (columns, whole)


@pytest.mark.parametrize("text", ["f(a))", "def f(:", "x = 'open", "\0", "(" * 500 + ")" * 500])
def test_what_is_wrong_is_not_waited_for(text):
    assert state(text) == "wrong"
    assert is_whole(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("if a:\n    b\n    else:  # x", "if a:\n    b\nelse:  # x"),
        (
            "for a in b:\n    if a:\n        c\n        else:",
            "for a in b:\n    if a:\n        c\n    else:",
        ),
        ("try:\n    a\n    except E as e:", "try:\n    a\nexcept E as e:"),
        (
            "match x:\n    case 1:\n        a\n        case 2:",
            "match x:\n    case 1:\n        a\n    case 2:",
        ),
        ("a\n    else:", "a\n    else:"),
        ("if a:\n    elsewhere = 3", "if a:\n    elsewhere = 3"),
    ],
)
def test_a_row_in_the_middle_of_a_block_stands_where_it_belongs(text, meant):
    assert outdented(text) == meant
