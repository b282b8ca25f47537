"""Words are called, never assigned: what is assigned to one is refused, and it works as before."""

from __future__ import annotations

import pytest

from latentlive.worded import Worded
from tests.prompting import console

ASSIGNED = [
    ("d1.gain = -6", "d1.gain is a word: d1.gain(-6)", "d1.gain(-3)"),
    ("d2.stop = 8", "d2.stop is a word: d2.stop(8)", "d2.stop(8)"),
    ("layer('sea').pan = 0.5", "layer('sea').pan is a word: layer('sea').pan(0.5)", ""),
    ("d1.gain += 3", None, "d1.gain(-3)"),
    ("d1.name = 'sea'", "d1.name is read, not set", ""),
    ("d1.gian = 3", "d1 has no .gian that could be set; did you mean 'gain'?", ""),
    ("del d1.gain", "d1.gain cannot be deleted", "d1.gain(-3)"),
    ("master.gain = -12", "master.gain is a word: master.gain(-12)", "master.gain(-9)"),
    ("corpus.find = 'rain'", "corpus.find is a word: corpus.find('rain')", "corpus.find('rain')"),
    ("corpus.names = []", "corpus.names is read, not set", "corpus.names"),
    ("now.beat = 3", "now.beat is read, not set", ""),
    ("plan.x = 3", "plan has no .x that could be set", ""),
    ("help.text = 3", "help.text is a word: help.text(3)", "help.text('sine')"),
    ("sound('x').gain = 3", "sound: .gain cannot be set: an expression stays as it is", ""),
    ("silence.n = 3", "silence: .n cannot be set: an expression stays as it is", ""),
]


@pytest.mark.parametrize(("code", "line", "after"), ASSIGNED)
def test_a_word_cannot_be_assigned_and_works_as_before(code, line, after):
    typed, _ = console()
    answer = typed.run(code)
    assert "\n" not in answer.error
    assert answer.error.startswith(line) if line else answer.error
    assert typed.run(after).error == ""


def test_everything_in_scope_that_has_words_keeps_them():
    """No name of any object in scope can be set, those of layers and views among them."""
    typed, _ = console()
    found = {name: typed.scope[name] for name in typed.scope.language - {"log"}}
    worded = {name: held for name, held in found.items() if isinstance(held, Worded)}
    assert {"d1", "master", "corpus", "now", "plan", "layers", "status", "history"} <= set(worded)
    for name, held in worded.items():
        for word in dir(held):
            if not word.startswith("_"):
                answer = typed.run(f"{name}.{word} = 3")
                assert answer.error.startswith(f"{name}.{word} is "), answer.error


def test_values_that_cannot_be_shown_are_refused_as_well():
    typed, _ = console()
    typed.run("class A:\n    def __repr__(self): return 1 / 0")
    assert typed.run("d1.gain = A()").error == "d1.gain is a word: d1.gain(...)"
