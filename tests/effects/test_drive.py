"""Drive: its gain law, its latency, and what folds back."""

from __future__ import annotations

import numpy as np
import pytest

from latentlive.effects.drive import LATENCY, steepness
from tests.effects.driving import RATE, noise, rows, sine, swings, through
from tests.effects.measures import folded, sidebands, whole


@pytest.mark.parametrize("gain", [0, 0.01, 1, 6, 24, 48])
def test_quiet_sounds_rise_by_the_gain_and_full_scale_stays(gain):
    quiet = sine(8, 500.0, 1e-5)
    y = through(quiet, drive_on=1, drive_db=gain)
    late = np.pad(quiet, ((0, 0), (LATENCY, 0)))[:, : y.shape[1]]
    assert np.allclose(y, late * 10 ** (np.float32(gain) / 20), atol=2e-7 * 10 ** (gain / 20))
    steady = np.ones((2, 8 * 1024))
    assert through(steady, drive_on=1, drive_db=gain)[0, -1] == pytest.approx(1.0, abs=1e-3)


def test_it_follows_the_curve():
    x = np.linspace(-1, 1, 30 * 1024)
    k = steepness(np.array([18.0]))[0]
    y = through(np.stack([x, x]), drive_on=1, drive_db=18)[0]
    assert k / np.tanh(k) == pytest.approx(10 ** (18 / 20))
    expected = np.tanh(k * x) / np.tanh(k)
    assert np.allclose(y[LATENCY + 50 :], expected[50:-LATENCY], atol=1e-3)


def test_no_gain_is_the_same_sound_half_a_millisecond_later():
    x = noise(4)
    y = through(x, drive_on=1, drive_db=0)
    assert LATENCY / RATE <= 0.0005
    assert np.array_equal(y[:, LATENCY:], x[:, :-LATENCY])


@pytest.mark.parametrize(
    ("gain", "hz", "below"), [(12, 5000, -90), (24, 5000, -75), (24, 1000, -60)]
)
def test_little_folds_back(gain, hz, below):
    hz = whole(hz)
    assert folded(through(sine(34, hz, 0.5), drive_on=1, drive_db=gain), hz) < below


def test_a_gain_that_moves_leaves_no_sidebands_of_the_grid():
    x = sine(64, 1000.0, 0.5)
    assert sidebands(through(x, rows(64, drive_on=1, drive_db=24 * swings(2))), 1000.0) < -80
