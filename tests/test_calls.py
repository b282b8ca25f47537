"""Calls that do not fit: every word, called without arguments, with too many, wrongly named."""

from __future__ import annotations

import inspect
import re

import pytest

from latentlive.client import Layer
from latentlive.curves import Curve
from latentlive.expr.node import INNER
from latentlive.latent import Latent
from latentlive.prompt.browser import Browser
from latentlive.prompt.calls import signature
from tests.prompting import console

INTERNAL = re.compile(r"__|positional|keyword|Error|object|self|<")
"""What a performer is not to read: Python's own words for how things are made."""

LEAVING = {"exit", "quit"}


def words_of(owner, before):
    """Return the words of a class as they are typed behind something that has them."""
    names = [n for n, held in inspect.getmembers(owner) if callable(held) and n[0] != "_"]
    return [f"{before}.{name}" for name in names if name not in INNER]


@pytest.fixture(scope="module")
def typed():
    return console()[0]


def every_word():
    scope = console()[0].scope
    return [
        *sorted(scope.language - LEAVING - {"log", "np"}),
        *words_of(Latent, "silence"),
        *words_of(Curve, "sine(8)"),
        *words_of(Layer, "d1"),
        *words_of(Browser, "corpus"),
        "master.gain",
    ]


@pytest.mark.parametrize("word", every_word())
def test_a_call_that_does_not_fit_answers_with_the_signature(word, typed):
    name = word.rsplit(".")[-1]
    for arguments in ("", ", ".join(["silence"] * 9), "nonsense=1"):
        answer = typed.run(f"{word}({arguments})")
        assert "\n" not in answer.error
        if arguments != "nonsense=1" and not answer.error:
            continue  # it takes none, or any number
        assert not INTERNAL.search(answer.error.replace("'nonsense'", "")), answer.error
        if arguments == "nonsense=1":
            shown = f"{name}(" in answer.error
            assert shown or answer.error.startswith((f"{word} is written", f"{word} is a layer"))


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("bounce(0)", "bounce(start, stop, path): stop and path are missing"),
        (
            "interp(silence)",
            "interp(a, b, curve=0.5, match='crop', law='std'): b is missing",
        ),
        (
            "interp(silence, silence, curv=3)",
            "interp(a, b, curve=0.5, match='crop', law='std'): it has no 'curv'; "
            "did you mean 'curve'?",
        ),
        ("near(sound('x'), 3, n=3)", "near(sound, n): n is given twice"),
        ("d1.gain(-3, -6)", "d1.gain(db): too many arguments are given"),
        ("layer('sea').gain()", "d1.gain(db): db is missing"),
        ("sound('x').extend()", ".extend(factor): factor is missing"),
        ("corpus.find()", "corpus.find(text): text is missing"),
        ("tap(3)", "tap(): too many arguments are given"),
        ("silence()", "silence is written without brackets: silence"),
        ("plan()", "plan is written without brackets: plan"),
        ("x = sine(8)\nx(3)", "line 2: x is written without brackets: x"),
        ("d1()", "d1 is a layer: d1 >> texture"),
        (
            "tempo = 120\ntempo(90)",
            "line 2: tempo is a variable here; del tempo brings the word back",
        ),
        (
            "def f(a): pass\nf()",
            "line 2: TypeError: f() missing 1 required positional argument: 'a'",
        ),
        ("x = 3\nx()", "line 2: TypeError: 'int' object is not callable"),
        ("d1 > silence", "d1 plays a texture with >>: d1 >> silence"),
        ("d1 << silence", "d1 plays a texture with >>: d1 >> silence"),
        ("silence >> d1", "d1 plays a texture with >>: d1 >> silence"),
        ("layer('sea') > silence", "layer('sea') plays a texture with >>: layer('sea') >> silence"),
        ("record(3)", "record: path must be a name in quotes, got 3"),
        ("corpus.find(3)", "corpus.find: text must be a name in quotes, got 3"),
        ("corpus.random(-1)", "corpus.random: seed must lie in 0 to 9223372036854775807, got -1"),
        ("array([1])", "array: none here has the digest [1]"),
        ("z([10 ** 400])", "z: vector must be numbers, got [1000000"),
        ("sine(8).ease(np.zeros(3))", "ease: kind must be 'in' or 'out' or 'inout', got array("),
    ],
)
def test_what_is_said_of_a_wrong_call(code, line, typed):
    typed.scope.clear()
    assert typed.run(code).error.startswith(line)


def test_a_pattern_file_that_calls_a_word_wrongly_is_told_so_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "patterns").mkdir()
    text = "from latentlive import interp, silence\n\ndef half():\n    return interp(silence)\n"
    (tmp_path / "patterns" / "halves.py").write_text(text)
    typed, _ = console()
    answer = typed.run("from halves import half\nhalf()")
    assert answer.error.startswith("halves.py line 4: interp(a, b, curve=0.5")


def test_a_signature_is_what_would_be_typed():
    from latentlive import blend, drift

    assert signature("drift", drift) == "drift(seed=0, beats=8.0)"
    assert signature("blend", blend) == "blend(*parts)"
    assert signature("x", 3) == "x"
