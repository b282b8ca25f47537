"""The pages say what works: code blocks of the language are evaluated.

The rule: a ``python`` block of ``README.md`` and ``docs/*.md`` is run when it holds nothing but
expressions and assignments, and names neither a layer (``d1``) nor an ``Engine``. Its scope is that
of ``latentlive render``: the public words and ``np``, and what the same page assigned before.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import latentlive as ll
from latentlive.corpus import Audio, audio_digest
from latentlive.latent import Joined
from latentlive.renderer import check

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OF_THE_ENGINE = re.compile(r"\b(d\d+|Engine)\b")


def blocks(page):
    """Return the parsed blocks of a page that are to be run."""
    parsed = [ast.parse(code) for code in BLOCK.findall(page.read_text(encoding="utf-8"))]
    return [block for block in parsed if is_language(block)]


def is_language(block):
    """Tell whether a block is nothing but expressions and assignments of the language."""
    plain = all(isinstance(statement, ast.Expr | ast.Assign) for statement in block.body)
    return plain and not OF_THE_ENGINE.search(ast.unparse(block))


def sounds(_):
    """Stand in for every recording, so that no corpus and no map is needed."""
    samples = np.sin(np.arange(20_000, dtype=np.float32))
    return Audio(samples, audio_digest(samples))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_of_the_language_evaluate(page):
    scope = {word: getattr(ll, word) for word in ll.WORDS} | {"np": np}
    for block in blocks(page):
        for statement in block.body:
            value = evaluated(statement, scope)
            if isinstance(value, ll.Latent | Joined):
                assert check(value, 1024, 256, sounds, 44100 / 1024) > 0


def evaluated(statement, scope):
    """Run a statement; return what an expression gives."""
    code = ast.unparse(statement)
    if isinstance(statement, ast.Expr):
        return eval(code, scope)
    exec(code, scope)
    return None


def test_the_paper_page_shows_every_strategy():
    code = "\n".join(ast.unparse(block) for block in blocks(ROOT / "docs" / "paper.md"))
    for part in (
        "steps(",
        "cluster(",
        ".extend(4)",
        ".extend(8)",
        "law='logvar'",
        "match='repeat'",
    ):
        assert part in code


def test_the_rule_skips_what_needs_an_engine():
    for code in ("d1 >> sound('gong')", "with Engine() as live:\n    pass", "import latentlive"):
        assert not is_language(ast.parse(code))
    assert is_language(ast.parse("a = sound('gong')\na.extend(4).exact()"))
