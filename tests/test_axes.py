"""Axes: a space's pitch, level and voicing by name, in tune, and refused where there are none."""

from __future__ import annotations

import numpy as np
import pytest

import latentlive as ll
from latentlive.errors import ExpressionError
from latentlive.models import load_model
from latentlive.renderer import Rendering, check
from latentlive.spectral import Spectral
from tests.strategies import SOUNDS, SPACE

RATE = 44100
CLOCK = np.arange(2 * RATE) / RATE
TONE = ll.sound(
    sum(0.06 / h * np.sin(2 * np.pi * 131 * h * CLOCK + h * h) for h in range(1, 13)).astype("f4")
)
HISS = ll.sound((np.random.default_rng(0).standard_normal(RATE) * 0.1).astype("f4"))


@pytest.fixture(scope="module")
def spectral():
    return load_model("spectral")


def heard(space, texture, seconds=2.0):
    return Rendering(texture, space, SOUNDS).samples(0, round(seconds * RATE))


def fundamental(samples, near):
    """Return the frequency of the strongest partial within a fourth of what is expected [Hz]."""
    size = 1 << 19
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))
    hz = np.arange(len(power)) * RATE / size
    power[(hz < near / 1.3) | (hz > near * 1.3)] = 0.0
    return hz[power.argmax()]


def cents(a, b):
    return 1200 * np.log2(a / b)


@pytest.mark.parametrize(
    ("pitch", "hz"), [("A3", 220.0), ("C#3", 138.591), ("Bb2", 116.541), (311.0, 311.0)]
)
def test_a_recording_sounds_at_the_pitch_that_is_asked_for(spectral, pitch, hz):
    samples = heard(spectral, TONE.pitch(pitch))[RATE // 4 :]
    assert abs(cents(fundamental(samples, hz), hz)) < 10


def test_a_melody_out_of_one_recording(spectral):
    notes = [220.0, 261.63, 196.0, 329.63]
    samples = heard(spectral, TONE.loop().pitch(ll.seq(notes, 0.5)))
    for i, hz in enumerate(notes):
        middle = samples[round((i + 0.15) * RATE / 2) : round((i + 0.85) * RATE / 2)]
        assert abs(cents(fundamental(middle, hz), hz)) < 10


def test_a_glissando(spectral):
    samples = heard(spectral, TONE.loop().pitch(ll.line(150, 300, 2)))
    for second in (0.5, 1.0, 1.5):
        middle = samples[round((second - 0.03) * RATE) : round((second + 0.03) * RATE)]
        assert fundamental(middle, 150 + 75 * second) == pytest.approx(150 + 75 * second, rel=0.02)


def test_transposed_and_levelled(spectral):
    fifth = heard(spectral, TONE.transpose(7))[RATE // 4 :]
    assert abs(cents(fundamental(fifth, 196.3), 131 * 2 ** (7 / 12))) < 10
    for db in (-30, -18):
        samples = heard(spectral, TONE.loudness(db))[RATE // 4 : -RATE // 4]
        assert 20 * np.log10(samples.std()) == pytest.approx(db, abs=1.0)


def test_noise_gets_a_pitch_if_it_is_voiced(spectral):
    samples = heard(spectral, HISS.voiced(1).pitch("A2"), 1.0)[RATE // 8 :]
    assert abs(cents(fundamental(samples, 110.0), 110.0)) < 10


@pytest.mark.parametrize("word", ["pitch", "transpose", "loudness", "voiced"])
def test_a_space_without_the_axis_refuses_when_typed_and_names_who_has_it(word):
    texture = getattr(TONE, word)(1)
    line = rf"{word}: the space 'toy' has no such axis; write .on\('spectral'\)"
    with pytest.raises(ExpressionError, match=line):
        check(texture, SPACE.facts, SOUNDS, 1.0)
    assert check(texture.on("spectral"), SPACE.facts, SOUNDS, 1.0) > 0


@pytest.mark.parametrize("name", ["H3", "", "A", "A##3", "la"])
def test_what_is_no_note_is_refused(name):
    with pytest.raises(ExpressionError, match="pitch: hz must be a note such as 'A3' or 'C#4'"):
        TONE.pitch(name)


@pytest.mark.parametrize(
    ("texture", "line"),
    [
        (ll.prior(3), "prior: the space 'spectral' has no prior to draw from"),
        (ll.noise(3), "noise: the space 'spectral' has no prior to draw from"),
        (ll.drift(3), "drift: the space 'spectral' has no prior to draw from"),
        (TONE.jitter(1), "jitter: the space 'spectral' has no prior to draw from"),
        (ll.slerp(TONE, HISS), "slerp: the space 'spectral' mixes in straight lines only"),
    ],
    ids=["prior", "noise", "drift", "jitter", "slerp"],
)
def test_what_a_space_knows_nothing_of_is_refused_when_typed(texture, line):
    bare = Spectral()  # without the prior that is beside it
    with pytest.raises(ExpressionError, match=line):
        check(texture, bare.facts, SOUNDS, 1.0)


def test_positions_are_seconds_in_every_space(spectral):
    """The same half second, and the same moment for ever, whatever a space calls a frame."""
    tones = np.where(CLOCK < 1, np.sin(2 * np.pi * 220 * CLOCK), np.sin(2 * np.pi * 330 * CLOCK))
    sound = ll.sound((0.2 * tones).astype("f4")).spread(0)
    for space in (spectral, load_model("rawaudiovae")):
        part = sound.slice(1.2, 1.7)
        assert Rendering(part, space, SOUNDS).length == RATE // 2
        assert abs(fundamental(heard(space, part, 0.5), 330.0) - 330) < 3
    assert abs(fundamental(heard(spectral, sound.freeze(1.5), 1.0), 330.0) - 330) < 3
