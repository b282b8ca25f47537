"""Comb and echo: when and how loud what goes round is heard, and where it is read."""

from __future__ import annotations

import numpy as np
import pytest

from latentlive.effects.block import BLOCK
from latentlive.effects.lines import Line, Reading, lagrange
from tests.effects.driving import RATE, click, db, noise, rows, sine, swings, through
from tests.effects.measures import levels, sidebands


def looped(x, delay, feedback):
    """Return what goes round a line, sample by sample."""
    whole = int(np.floor(delay))
    weights = lagrange(np.array([delay - whole]))[:, 0]
    y = np.concatenate([np.zeros(whole + 4), x.astype(float)])
    for n in range(whole + 4, len(y)):
        y[n] += feedback * sum(
            w * y[n - whole + k] for w, k in zip(weights, (1, 0, -1, -2), strict=True)
        )
    return y[whole + 4 :]


@pytest.mark.parametrize("delay", [11.025, 40.0, 90.5, 127.9, 128.0, 350.25, 1500.75])
@pytest.mark.parametrize("feedback", [0.9, -0.99])
def test_a_line_is_a_loop_over_samples(delay, feedback):
    x, line = noise(3, level=0.05), Line()
    parts = [
        line.feed(x[:, at : at + BLOCK], Reading(delay), feedback).copy()
        for at in range(0, x.shape[1], BLOCK)
    ]
    expected = looped(x[0], delay, feedback)
    assert np.allclose(np.concatenate(parts, axis=1)[0], expected, atol=2e-5)


def test_a_line_that_is_glided_is_the_same_as_one_that_stands():
    x = noise(3)
    for delay in (12.5, 200.25, 3000.5):
        still, moving = Line(), Line()
        for at in range(0, x.shape[1], BLOCK):
            part = x[:, at : at + BLOCK]
            one = still.feed(part, Reading(delay), 0.7)
            other = moving.feed(part, Reading(np.full(BLOCK, delay)), 0.7)
            assert np.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("samples", [40, 100, 3000, 22050])
def test_echoes_come_in_time_and_each_softer(samples):
    y = through(click(90), echo_on=1, echo_samples=samples, echo_feedback=0.5, echo_mix=0.25)[0]
    assert y[0] == pytest.approx(0.75)
    for n in (1, 2, 3):
        assert y[n * samples] == pytest.approx(0.25 * 0.5 ** (n - 1), rel=1e-5)
    assert np.count_nonzero(np.abs(y[: 3 * samples + 1]) > 1e-9) == 4


def test_an_echo_is_as_long_as_sixteen_seconds():
    x = click(720)
    y = through(x, echo_on=1, echo_samples=16 * RATE, echo_mix=1)
    assert y[0, 16 * RATE] == pytest.approx(1.0)
    assert np.count_nonzero(y[0]) == 1


@pytest.mark.parametrize("hz", [55.0, 441.0, 3000.0])
@pytest.mark.parametrize("feedback", [0.8, -0.8])
def test_a_comb_has_its_peaks_at_the_pitch_and_its_multiples(hz, feedback):
    y = through(click(64), comb_on=1, comb_hz=hz, comb_feedback=feedback, comb_mix=1)[0]
    places = (np.arange(1, 5) - (0.5 if feedback < 0 else 0.0)) * hz
    highest = 20 * np.log10(np.sqrt(1 - 0.64) / (1 - 0.8))
    lowest = 20 * np.log10(np.sqrt(1 - 0.64) / (1 + 0.8))
    low = places < 4000  # Interpolation takes a little of what is higher.
    assert np.allclose(levels(y, places)[low], highest, atol=0.1)
    assert np.allclose(levels(y, places + hz / 2)[low], lowest, atol=0.1)


def test_noise_keeps_its_level_in_a_comb():
    x = noise(200)
    for feedback in (0.0, 0.5, 0.9, -0.9):
        y = through(x, comb_on=1, comb_hz=220.5, comb_feedback=feedback, comb_mix=1)
        assert db(y.std() / x.std()) == pytest.approx(0, abs=0.4)


@pytest.mark.parametrize("name", ["comb", "echo"])
def test_what_goes_round_rings_out_when_it_is_taken_off(name):
    blocks, points = 300, 300 * 16 + 1
    on = np.clip((20 * 16 - np.arange(points)) / 16, 0, 1)
    values = {"comb": {"comb_hz": 60, "comb_feedback": 0.95}, "echo": {"echo_samples": 9000}}
    y = through(noise(blocks), rows(blocks, **{f"{name}_on": on}, **values[name]))
    dry = noise(blocks)
    tail = y - dry
    assert np.abs(tail[:, 21 * BLOCK : 22 * BLOCK]).max() > 1e-3
    assert np.abs(tail[:, 40 * BLOCK : 50 * BLOCK]).max() > 1e-5
    assert np.abs(tail[:, -BLOCK:]).max() < 1e-5


def test_a_line_becomes_silent_and_then_costs_nothing():
    x = click(600)
    y = through(x, comb_on=1, comb_hz=100, comb_feedback=0.9, comb_mix=1)
    assert np.abs(y[:, 10 * BLOCK : 11 * BLOCK]).max() > 1e-4
    assert not y[:, -BLOCK:].any()


def test_a_place_that_glides_reads_as_a_tape_does():
    delays = 4000 + 0.25 * 64 * np.arange(64 * 16 + 1)
    x = sine(64, 1000.0, 0.5)
    y = through(x, rows(64, echo_on=1, echo_mix=1, echo_feedback=0, echo_samples=delays))[0]
    spectrum = np.abs(np.fft.rfft(y[-(1 << 15) :] * np.hanning(1 << 15)))
    assert spectrum.argmax() * RATE / (1 << 15) == pytest.approx(750, abs=2)


def test_a_place_that_jumps_crosses_over():
    delays = np.where(np.arange(64 * 16 + 1) < 500, 4000.0, 9000.0)
    x = sine(64, 997.0, 0.5)
    y = through(x, rows(64, echo_on=1, echo_mix=1, echo_feedback=0, echo_samples=delays))[0]
    settled = y[8192:]
    assert np.abs(np.diff(settled)).max() < 0.5 * 2 * np.pi * 997 / RATE * 1.05
    spectrum = np.abs(np.fft.rfft(y[-(1 << 15) :] * np.hanning(1 << 15)))
    assert spectrum.argmax() * RATE / (1 << 15) == pytest.approx(997, abs=2)


@pytest.mark.parametrize(
    "values",
    [
        {"comb_on": 1, "comb_mix": swings(2)},
        {"comb_on": 1, "comb_feedback": 0.9 * swings(2)},
        {"echo_on": 1, "echo_samples": 5000, "echo_mix": swings(2)},
        {"echo_on": 1, "echo_samples": 5000, "echo_feedback": 0.9 * swings(2)},
        {"echo_on": 1, "echo_samples": 5000 + 100 * swings(2)},
    ],
)
def test_what_moves_leaves_no_sidebands_of_the_grid(values):
    assert sidebands(through(sine(64, 1000.0, 0.5), rows(64, **values)), 1000.0) < -80
