"""The shipped patterns and sessions: every one plays, with nothing but what is shipped."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.models import load_model
from latentlive.prompt.session import find_session, parse
from latentlive.renderer import check, corpus_sounds
from latentlive.starter import NAMES
from tests.test_spectral import cents, heard, tone

ROOT = Path(__file__).parents[1]
SESSIONS = sorted(path.stem for path in (ROOT / "sessions").glob("*.py"))
VOICES_OF_A_SCENE = 40
"""Textures that are kept waiting at once: an engine has 64 voices."""


def patterns():
    """Yield every public function of the pattern files, by file and name."""
    for path in sorted((ROOT / "patterns").glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"pattern_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, found in vars(module).items():
            if inspect.isfunction(found) and found.__module__ == module.__name__:
                yield pytest.param(found, id=f"{path.stem}.{name}")


PATTERNS = list(patterns())


class Taken:
    """A layer that gives back what it was given."""

    def __rshift__(self, texture):
        return texture


def examples(function):
    """Return the code of a pattern's examples."""
    part = inspect.getdoc(function).partition("Example\n-------\n")[2]
    return re.findall(r"``(.+?)``", part)


def test_there_are_at_least_ten_patterns_and_five_sessions():
    assert len(PATTERNS) >= 10
    assert len(SESSIONS) >= 5
    assert len({pattern.values[0].__name__ for pattern in PATTERNS}) == len(PATTERNS)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_says_what_it_returns_and_shows_examples(pattern):
    assert inspect.getdoc(pattern).startswith("Return ")
    assert examples(pattern)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_sounds_for_a_second(pattern, starter):
    samples = ll.render(pattern(), 1, corpus=starter)
    assert samples.shape == (44100,)
    assert np.isfinite(samples).all()
    assert samples.std() > 1e-4


def test_a_melody_of_one_sound_is_in_tune():
    (keys,) = (p.values[0] for p in PATTERNS if p.id == "gamelan.keys")
    steps = (0, 7.2, 14.4, 9.6)
    samples = ll.render(keys(tone(220).astype("f4"), steps, beats=1, length=0.6), len(steps))
    for step, struck in zip(steps, np.split(samples, len(steps)), strict=True):
        hz = 220 * 2 ** (step / 12)
        assert cents(heard(struck, hz), hz) < 10


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_and_its_examples_hold_in_the_real_space(pattern, starter):
    sounds = corpus_sounds(Corpus(starter), 44100)
    scope = {"d1": Taken(), "d2": Taken(), "d3": Taken(), pattern.__name__: pattern}
    for code in [f"d1 >> {pattern.__name__}()", *examples(pattern)]:
        texture = eval(code, scope)
        assert check(texture, load_model().facts, sounds, 1.0) > 0
        assert eval(repr(texture), {word: getattr(ll, word) for word in ll.WORDS}) == texture


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_plays_from_its_first_cell_to_its_last(name, stage):
    path = find_session(name)
    waiting = 0
    for cell in parse(path.read_text(encoding="utf-8")):
        if cell.moment is not None and not stage.started:
            stage.start()
        if waiting > VOICES_OF_A_SCENE:
            stage.clear()
            waiting = 0
        waiting += cell.code.count(">>")
        stage.run(cell.code, None if cell.moment is None else round(cell.moment * 44100))
    if not stage.started:
        stage.start()
    assert stage.said == []


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_speaks_of_shipped_sounds_says_what_it_is_and_ends(name):
    path = find_session(name)
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {name.replace('_', ' ')}: ")
    assert f"#     latentlive play {name}\n" in text
    assert set(re.findall(r'sound\("([\w-]+)"\)', text)) <= set(NAMES)
    cells = parse(text)
    assert re.search(r"\b(hush|stop)\(", cells[-1].code)
    assert all(cell.name for cell in cells)
