"""Loudness against another implementation, and the tones of EBU Tech 3341."""

from __future__ import annotations

import math

import loudness
import numpy as np
import pytest
import soundfile

from latentlive.loudness import Meter, weighting

RATES = (22050, 44100, 48000, 96000)


def measured(samples, rate, seed=0):
    """Return a meter that was given samples in pieces of chance lengths."""
    rng, meter, at = np.random.default_rng(seed), Meter(rate, samples.shape[1]), 0
    while at < len(samples):
        count = int(rng.integers(1, 9000))
        meter.take(samples[at : at + count])
        at += count
    return meter


def tone(rate, *parts, hz=1000.0):
    """Return a stereo tone of levels and seconds, one after the other."""
    gains = np.concatenate([np.full(round(s * rate), 10 ** (db / 20)) for db, s in parts])
    one = np.sin(2 * np.pi * hz / rate * np.arange(len(gains))) * gains
    return np.stack([one, one], axis=1).astype(np.float32)


@pytest.mark.parametrize("rate", RATES)
def test_it_agrees_with_another_implementation(rate, recordings):
    rng = np.random.default_rng(rate)
    noise = (rng.standard_normal((rate * 8, 2)) * 0.1).astype(np.float32)
    walk = np.cumsum(rng.standard_normal((rate * 8, 1)), axis=0)
    walk = ((walk - walk.mean()) / np.abs(walk).max()).astype(np.float32)
    for samples in (noise, walk, noise * np.linspace(1, 0, len(noise), dtype="f4")[:, None]):
        theirs = loudness.integrated_loudness(samples, rate)
        assert measured(samples, rate).integrated == pytest.approx(theirs, abs=0.05)


def test_it_agrees_on_recordings(recordings):
    files = sorted(recordings.glob("loop_*.flac"))[:8]
    assert files
    for file in files:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        samples = np.tile(samples, (3, 1))
        theirs = loudness.integrated_loudness(samples, rate)
        assert measured(samples, rate).integrated == pytest.approx(theirs, abs=0.05)


# EBU Tech 3341, table 1, cases 1 to 5: integrated loudness within 0.1 LU.
CASES = [
    ([(-23, 20)], -23),
    ([(-33, 20)], -33),
    ([(-36, 10), (-23, 60), (-36, 10)], -23),
    ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
    ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
]


@pytest.mark.parametrize(("parts", "level"), CASES)
@pytest.mark.parametrize("rate", [44100, 48000])
def test_the_tones_of_the_standard(rate, parts, level):
    assert measured(tone(rate, *parts), rate).integrated == pytest.approx(level, abs=0.1)


def test_short_term_is_that_of_the_last_three_seconds():
    meter = measured(tone(48000, (-40, 5), (-20, 3)), 48000)
    assert meter.short_term == pytest.approx(-20.0, abs=0.1)
    meter.take(np.zeros((3 * 48000, 2), np.float32))
    assert meter.short_term < -60
    assert meter.integrated == pytest.approx(-20.0, abs=0.7)  # blocks across the turn


def test_silence_has_no_loudness():
    meter = measured(np.zeros((48000, 2), np.float32), 48000)
    assert meter.integrated == meter.short_term == -math.inf
    assert Meter(48000, 2).short_term == -math.inf


def test_pieces_make_no_difference():
    samples = (np.random.default_rng(1).standard_normal((88200, 2)) * 0.1).astype(np.float32)
    found = {measured(samples, 44100, seed).integrated for seed in range(5)}
    assert len(found) == 1


def test_the_weighting_is_that_of_the_standard():
    hz = np.geomspace(10, 23000, 200)
    z = np.exp(-2j * np.pi * hz / 48000)
    above, below = (
        (1.53512485958697, -2.69169618940638, 1.19839281085285),
        (1.0, -1.69065929318241, 0.73248077421585),
    )
    shelf = np.polyval(above[::-1], z) / np.polyval(below[::-1], z)
    high_pass = (1 - 2 * z + z**2) / (1 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    assert np.abs(weighting(hz, 48000) - shelf * high_pass).max() < 1e-6
