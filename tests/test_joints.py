"""Joints: where one latent gives way to another, one recording is heard, cut to the other."""

from __future__ import annotations

import numpy as np
import pytest

import latentlive as ll
from benchmarks.loops import RATE, around, least, tone
from latentlive.corpus import Corpus
from latentlive.models import load_model
from latentlive.renderer import Rendering, corpus_sounds
from latentlive.space import ToySpace
from tests.strategies import SOUNDS, SPACE

RNG = np.random.default_rng(2)
X, Y, Z = ((RNG.standard_normal(n) * 0.2).astype("f4") for n in (1000, 777, 1500))
A, B, C = (ll.sound(x).spread(0) for x in (X, Y, Z))


def toy(texture, length):
    """Return samples in a space whose windows are decoded as they are."""
    return Rendering(texture, SPACE, SOUNDS).samples(0, length)


def second(samples):
    """Return the second at which a sample lies."""
    return samples / 44100


@pytest.mark.parametrize(
    ("texture", "dry"),
    [
        (ll.cat(A, B, C), [X, Y, Z]),
        (ll.cat(A, B).loop(), [X, Y, X, Y]),
        (ll.cat(A.loop(2), B), [X, X, Y]),
        (ll.cat(ll.cat(A, B), ll.cat(C, A)), [X, Y, Z, X]),
        (ll.cat(ll.interp(A, C, 0), B), [X, Y]),
        (ll.cat(A, ll.interp(B, C, ll.line(0, 0, 1))), [X, Y]),
        (ll.cat(C.slice(0, second(700)), C.slice(second(700), 1)), [Z]),
        (ll.steps(A, A, 0, 1, 0.5), [X, X, X]),
    ],
    ids=["three", "looped", "a loop", "nested", "a mix", "before a mix", "slices", "steps"],
)
def test_what_follows_one_another_sounds_as_if_it_were_one_recording(texture, dry):
    samples = np.concatenate(dry)
    np.testing.assert_allclose(toy(texture, len(samples)), samples, atol=1e-3)


def test_a_slice_that_is_looped_begins_as_sharply_as_its_recording():
    looped, fade = toy(C.slice(0, second(700)).loop(), 1400), SPACE.window // 4
    first, again = looped[fade : 700 - fade], looped[700 + fade : 1400 - fade]
    np.testing.assert_allclose(again, first, atol=1e-3)


def test_what_has_no_recording_takes_over_at_the_middle_of_a_window():
    point = ll.z(np.full(64, 0.1, np.float32)).slice(0, second(640))
    heard = toy(ll.cat(ll.sound(np.full(640, 0.1, np.float32)).spread(0), point), 1280)
    assert 0.07 < heard.min() <= heard.max() < 0.11


@pytest.mark.parametrize("space", ["spectral", "rawaudiovae"])
@pytest.mark.parametrize("k", [1, 2])
def test_a_tone_in_two_parts_is_as_loud_where_they_meet_as_elsewhere(space, k):
    half = ll.sound(tone()[:RATE]).extend(k)
    texture = ll.cat(half, half).spread(0)
    rendering = Rendering(texture, load_model(space), corpus_sounds(Corpus(), RATE))
    heard = rendering.samples(0, 2 * k * RATE)
    if k == 1:
        for measure in (around, least):
            assert abs(measure(heard, RATE) - measure(heard, RATE // 2)) < 0.3
    assert around(heard, k * RATE) > around(heard, k * RATE // 2) - 6.0


def test_a_joint_of_slow_sounds_costs_a_few_vectors_for_each_window(monkeypatch):
    """Each window there holds other samples: encoded whole, a page each, it cost seconds."""
    space = load_model("spectral")
    part = ll.sound((RNG.standard_normal(3 * RATE) * 0.1).astype("f4")).slice(0.6, 2).extend(8)
    sounds = corpus_sounds(Corpus(), RATE)
    rendering = Rendering(ll.cat(part, part.rev()).loop(), space, sounds)
    rendering.samples(round(9.5 * RATE), 10 * RATE)  # whole pages of the recording
    sizes, encode = [], space.encode_page
    monkeypatch.setattr(
        space, "encode_page", lambda x: sizes.append(space.page_vectors(x)) or encode(x)
    )
    around = round(11.6 * RATE) - 10 * RATE
    rendering.samples(10 * RATE, 10 * RATE + around)
    assert sizes.count(space.page) <= 2
    assert set(sizes) - {space.page} == {space.short}
    # Windows that hear the joint, before and after it; each lies between two vectors at most.
    windows = (space.window + 2 * space.hears) // space.hop
    assert windows // 2 < sizes.count(space.short) <= 2 * windows + 2


def test_a_joint_is_encoded_once_however_curves_move(monkeypatch):
    mix = ll.interp(A, C, ll.sine(0.01))
    space = ToySpace()
    rendering = Rendering(ll.cat(mix, mix).loop(), space, SOUNDS)
    rendering.samples(0, 20_000)
    encoded = []
    monkeypatch.setattr(space, "encode", lambda windows: encoded.append(len(windows)))
    rendering.samples(20_000, 60_000)
    assert encoded == []
