"""The one public list, and that importing is free."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys
import time

import numpy as np
import pytest

import latentlive as ll

HEAVY = ("torch", "sounddevice", "librosa", "matplotlib", "ptpython", "onnxruntime")
HEAVY += ("minisom", "numba", "scipy", "sklearn", "sqlite3")


def test_the_public_list_is_pinned():
    expressions = """array bend between blend brown brown2 cat cc cluster contour cosine cosine2
        drift env euclid excerpts fit follow gate improvise improvised interp isaw isaw2 key knob
        level line near noise number osc path perlin perlin2 place prior rand rand2 roam
        saw saw2 seq silence sine sine2 slerp sound square square2 steps strokes swarm
        touch tour track tri tri2
        velocity xy z"""
    rest = """Corpus Curve DeviceError Engine EngineError ExpressionError Latent LatentliveError
        ModelError SoundError WORDS dumps load_model loads render"""
    assert sorted(ll.WORDS) == expressions.split()
    assert sorted(ll.__all__) == sorted(expressions.split() + rest.split())
    for name in ll.__all__:
        assert getattr(ll, name) is not None


def test_every_word_has_a_docstring_with_an_example():
    for word in set(ll.WORDS) - {"array", "number"}:
        doc = inspect.getdoc(getattr(ll, word))
        assert doc, word
        assert ">>>" in doc or "``" in doc, word


def loaded(code, names):
    """Return which of some modules a program has loaded."""
    code += f"\nimport sys; print(*(name for name in {names!r} if name in sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    return told.stdout.split()


def test_importing_loads_nothing_and_a_word_only_the_algebra():
    assert loaded("import latentlive", (*HEAVY, "numpy", "latentlive.latent")) == []
    algebra = ("numpy", "latentlive.curves")
    assert loaded("import latentlive; latentlive.sine(8)", (*HEAVY, *algebra)) == [*algebra]


def test_a_child_process_imports_what_it_needs():
    code = """import {}, sys
print(sum(name.split(".")[0] == "latentlive" for name in sys.modules))"""
    for module, most in (("engine.output.process", 30), ("protocol.children", 10)):
        command = [sys.executable, "-c", code.format(f"latentlive.{module}")]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        assert int(told.stdout) <= most, module


def test_a_text_is_loaded_though_no_word_was_used():
    text = ll.dumps(ll.interp(ll.sound("gong"), ll.z([1.0]), ll.sine(8)))
    code = f"import latentlive; print(latentlive.loads({text!r}))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.stdout == "interp(sound('gong'), z([1.0]), sine(8))\n", told.stderr


def test_importing_is_quicker_than_importing_numpy():
    def seconds(code):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - begun

    codes = ("import numpy", "import latentlive")
    for code in codes:
        seconds(code)  # byte code and the file cache are warm from here on
    times = [[seconds(code) for code in codes] for _ in range(7)]
    numpy, ours = map(min, zip(*times, strict=True))
    assert ours < numpy


def modules():
    for info in pkgutil.walk_packages(ll.__path__, "latentlive."):
        if info.name.rsplit(".", 1)[-1] not in ("__main__", "training"):
            yield info.name


@pytest.mark.parametrize("name", sorted(modules()))
def test_docstring_examples_run(name):
    module = importlib.import_module(name)
    scope = {word: getattr(ll, word) for word in ll.WORDS}
    parts = ("latentlive.latent", "latentlive.renderer", "latentlive.mixer")
    for part in parts:
        scope.update(vars(importlib.import_module(part)))
    scope.update(vars(module) | {"np": np, "line": ll.line, "touch": ll.touch})
    runner = doctest.DocTestRunner(
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False
    )
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, globs=scope):
        if test.name != "latentlive.corpus.library.Corpus":  # it would synthesise the corpus
            runner.run(test)
    assert runner.failures == 0


def test_no_module_has_the_name_of_a_word():
    """Importing `latentlive.cluster` would put a module where the word was."""
    modules = {module.name for module in pkgutil.iter_modules(ll.__path__)}
    assert not modules & set(ll.WORDS)
