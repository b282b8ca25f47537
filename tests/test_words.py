"""Words that follow a dot or stand between operands: declared once, attached by the declaration."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from latentlive import Curve, Latent, sine, sound
from latentlive.curves import Time, as_curve
from latentlive.expr import child, dumps, loads, node, number, operator, operators
from latentlive.latent import Joined, Pattern

ROOT = Path(__file__).parents[1]


def test_the_stubs_are_what_the_operators_declare():
    told = subprocess.run([sys.executable, ROOT / "docs" / "make_words.py", "--check"])
    assert told.returncode == 0, "python docs/make_words.py writes them"


@pytest.fixture
def folded():
    """A word of curves that only this test declares."""

    @operator(form="method")
    class Folded(Curve):
        """Turn back at a height.

        Example
        -------
        >>> sine(8).folded(0.5)
        """

        of: Curve = child(as_curve)
        height: float = number(default=0.5)

        def values(self, t: Time):
            inner = t.value(self.of)
            return self.height - abs(self.height - inner)

    yield Folded
    del Curve.folded, node._operators[Folded.tag]


def test_one_declaration_is_a_word_with_its_signature_docstring_repr_and_wire(folded):
    made = sine(8).folded(0.25)
    assert isinstance(made, folded)
    assert made.at([0, 4]).tolist() == [0.0, -0.5]
    assert repr(made) == "sine(8).folded(0.25)"
    assert loads(dumps(made)) == made
    assert sine(8).folded() == sine(8).folded(height=0.5)
    assert str(inspect.signature(Curve.folded)) == "(self, height: 'float' = 0.5)"
    assert inspect.getdoc(Curve.folded).startswith("Turn back at a height.")
    assert Curve.folded.__qualname__ == "Curve.folded"
    with pytest.raises(TypeError, match="hight"):
        sine(8).folded(hight=1)


def test_every_operator_that_follows_a_dot_is_a_method_of_its_family():
    families = {"latent": Latent, "curve": Curve, "join": Joined, "pattern": Pattern}
    dotted = [made for made in operators().values() if made.form == "method"]
    assert len(dotted) > 20
    for made in dotted:
        method = getattr(families[made.family], made.word)
        assert inspect.getdoc(method) == inspect.getdoc(made), made
        assert "self" in inspect.signature(method).parameters, made


def test_what_stands_at_the_root_is_a_word_of_latents_too():
    for word in ("exact", "overlap", "on", "norm"):
        assert getattr(Latent, word) is getattr(Joined, word)
    assert isinstance(sound("gong").norm(), Joined)


def test_a_sign_stands_on_either_side():
    assert repr(2 * sound("gong")) == "sound('gong') * 2"
    assert repr(np.array([1.0, 2.0]) + sound("gong")) == "z([1.0, 2.0]) + sound('gong')"
    assert repr(1 - sine(8)) == "1 - sine(8)"
