"""Words that are not here answer with what to do instead, and leave the table when they come."""

from __future__ import annotations

import inspect

import pytest

import latentlive as ll
from latentlive.client import Layer
from latentlive.curves import Curve
from latentlive.expr.node import LAYER_WORDS
from latentlive.latent import Latent
from latentlive.later import LATER
from latentlive.prompt.scope import OF_THE_ENGINE
from tests.prompting import console

PROMISED = """pitch transpose loudness voiced brighter rougher noisier bright improvise hits euclid
    tour place roam swarm
    lead track follow grab link clock_in clock_out send hpf lpf comb drive comp echo reverb dry bus
    frozen mic seconds stage mono midi rate"""


def here(word):
    """Return whether a word can be typed: alone, or behind a latent, a curve or a layer."""
    alone = word in ll.WORDS or word in OF_THE_ENGINE
    return alone or any(hasattr(owner, word) for owner in (Latent, Curve, Layer))


@pytest.mark.parametrize("word", PROMISED.split())
def test_a_word_that_is_to_come_is_here_or_answers_with_what_to_do(word):
    assert here(word) or word in LATER


@pytest.mark.parametrize("word", sorted(set(LATER) - {"stop"}))  # `stop` alone; layers have theirs
def test_a_word_that_has_come_has_left_the_table(word):
    assert not here(word)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("sound('x').rate(2)", "sound: a latent has no .rate(); instead: .fast(2) and .slow(2)"),
        ("d1.delay(0.3)", "d1: a layer has no .delay(); instead: d1.echo(0.5)"),
        ("bus('hall').fade(3)", "hall: a bus has no .fade(); it has gain, amp, pan,"),
        ("midi", "no name 'midi' here; instead: follow a controller: cc(1)"),
        ("sound('x').pan()", "sound: a latent has no .pan(); it is a layer's word: "
         "(d1 >> ...).pan(0.5)"),
        ("sound('x').stop()", "sound: a latent has no .stop(); it is a layer's word: "
         "(d1 >> ...).stop(8)"),
        ("d1.gian(3)", "d1: a layer has no .gian(); did you mean 'gain'?"),
        ("d1.xyz()", "d1: a layer has no .xyz(); it has gain, amp, pan,"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_word_that_is_not_here(code, line):
    answer = console()[0].run(code)
    assert answer.error.startswith(line)
    assert "?;" not in answer.error


def test_every_word_of_layers_is_known_to_latents():
    layers = {n for n, held in inspect.getmembers(Layer, callable) if n[0] != "_"}
    assert layers - set(dir(Latent)) == set(LAYER_WORDS)


@pytest.mark.parametrize("word", sorted(LATER))
def test_what_to_do_instead_can_be_done(word):
    """No advice names a word that is not here either."""
    advice = LATER[word]
    names = {part.strip("().") for part in advice.replace("(", " ").split() if "(" in part}
    assert not names & set(LATER)
