"""Comp: its curve, its times, and whom it listens to."""

from __future__ import annotations

import numpy as np
import pytest

from latentlive.effects.comp import KNEE, reduction
from tests.effects.driving import RATE, db, noise, rows, sine, swings, through
from tests.effects.measures import sidebands


def level(y):
    """Return the level of the last quarter of a sine, in decibels of its peak."""
    return float(db(np.sqrt(2) * y[0, -y.shape[1] // 4 :].std()))


@pytest.mark.parametrize(("threshold", "ratio"), [(-18, 4), (-40, 2), (-30, 20), (-20, 1)])
@pytest.mark.parametrize("hz", [60.0, 1000.0])
def test_the_static_curve(threshold, ratio, hz):
    for loud in np.arange(-60.0, 1.0, 7.5):
        y = through(
            sine(80, hz, 10 ** (loud / 20)),
            comp_on=1, comp_threshold=threshold, comp_ratio=ratio, comp_makeup=3,
        )  # fmt: skip
        over = loud - threshold
        if over <= -KNEE / 2:
            expected = loud
        elif over >= KNEE / 2:
            expected = threshold + over / ratio
        else:
            expected = loud + (1 / ratio - 1) * (over + KNEE / 2) ** 2 / (2 * KNEE)
        assert level(y) == pytest.approx(expected + 3, abs=0.1)


def test_the_curve_has_no_corner():
    levels = np.linspace(-30, 0, 3001)
    slopes = np.diff(reduction(levels, -15.0, 4.0)) / np.diff(levels)
    assert np.abs(np.diff(slopes)).max() < 0.01
    assert slopes[0] == 0
    assert slopes[-1] == pytest.approx(0.75)


@pytest.mark.parametrize(("attack", "release"), [(0.005, 0.1), (0.05, 0.5)])
def test_attack_and_release_take_their_time(attack, release):
    loud, soft = np.ones(RATE), np.full(2 * RATE, 0.01)
    one = np.concatenate([soft[:RATE], loud, soft])
    one = one[: len(one) // 1024 * 1024]
    y = through(
        np.stack([one, one]), comp_on=1, comp_threshold=-20, comp_ratio=4,
        comp_attack=attack, comp_release=release,
    )[0]  # fmt: skip
    gain = db(y / one)
    turned = gain[2 * RATE - 100]
    assert turned == pytest.approx(-15, abs=0.05)
    down = np.argmax(gain[RATE:] < turned * (1 - np.exp(-1))) / RATE
    up = np.argmax(gain[2 * RATE :] > turned * np.exp(-1)) / RATE
    assert down == pytest.approx(attack, abs=16 / RATE + 0.02 * attack)
    # A peak is held for 10 ms before the gain recovers.
    assert up == pytest.approx(0.01 + release, abs=32 / RATE + 0.02 * release)


def test_it_turns_both_sides_alike():
    x = noise(40)
    x[1] *= 0.01
    y = through(x, comp_on=1, comp_threshold=-50)
    assert np.allclose(y[0] / x[0], y[1] / x[1])


def test_it_listens_to_a_key():
    x, key = sine(40, 300.0, 0.1), noise(40)
    key[:, : 20 * 1024] = 0.0
    y = through(x, key=key, comp_on=1, comp_threshold=-50)
    assert np.array_equal(y[:, : 20 * 1024], x[:, : 20 * 1024])
    assert y[:, 25 * 1024 :].std() < 0.3 * x.std()
    deaf = through(x, key=np.zeros_like(key), comp_on=1, comp_threshold=-50)
    assert np.array_equal(deaf, x)


def test_it_ducks_though_the_sound_paused():
    x, key = sine(20, 300.0, 0.1), sine(20, 300.0, 0.5)
    x[:, 2 * 1024 : 10 * 1024] = 0.0
    y = through(x, key=key, comp_on=1, comp_threshold=-50)
    assert np.abs(y[:, 10 * 1024 : 11 * 1024]).max() < 0.02


@pytest.mark.parametrize(
    "values",
    [{"comp_makeup": 12 * swings(2), "comp_ratio": 1}, {"comp_threshold": -30 * swings(2)}],
)
def test_what_moves_leaves_no_sidebands_of_the_grid(values):
    x = sine(64, 1000.0, 0.5)
    assert sidebands(through(x, rows(64, comp_on=1, **values)), 1000.0) < -80
