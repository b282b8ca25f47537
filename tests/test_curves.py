"""Curves: what a performer hears of them."""

from __future__ import annotations

import numpy as np
import pytest

import latentlive as ll


@pytest.mark.parametrize(
    ("curve", "values"),
    [
        (ll.sine(8), [0, 0.5, 1, 0.5, 0]),
        (ll.cosine(8), [1, 0.5, 0, 0.5, 1]),
        (ll.saw(8), [0, 0.25, 0.5, 0.75, 0]),
        (ll.isaw(8), [1, 0.75, 0.5, 0.25, 1]),
        (ll.tri(8), [0, 0.5, 1, 0.5, 0]),
        (ll.square(8), [0, 0, 1, 1, 0]),
        (ll.sine2(8), [-1, 0, 1, 0, -1]),
        (ll.line(2, 4, 4), [2, 3, 4, 4, 4]),
        (ll.env([(2, 1), (6, 5)]), [1, 1, 3, 5, 5]),
        (ll.seq([1, 2, 3], 2), [1, 2, 3, 1, 2]),
        (3 - ll.line(0, 4, 4), [3, 1, -1, -1, -1]),
        (ll.line(0, 8, 8) * 2 + 1, [1, 5, 9, 13, 17]),
        (1 / ll.line(0, 8, 8), [0, 0.5, 0.25, 1 / 6, 0.125]),
        (-ll.saw(8), [0, -0.25, -0.5, -0.75, 0]),
        (ll.saw(8).slow(2), [0, 0.125, 0.25, 0.375, 0.5]),
        (ll.saw(8).early(2), [0.25, 0.5, 0.75, 0, 0.25]),
        (ll.saw(8).late(2), [0.75, 0, 0.25, 0.5, 0.75]),
        (ll.saw(8).range(-12, ll.number(0)), [-12, -9, -6, -3, -12]),
    ],
    ids=repr,
)
def test_values_at_every_second_beat(curve, values):
    np.testing.assert_allclose(curve.at([0, 2, 4, 6, 8]), values, atol=1e-12)


def test_chance_stays_in_0_to_1_and_uses_the_range():
    beats = np.arange(0, 20_000, 0.21)
    for make in (ll.rand, ll.perlin, ll.brown):
        values = make(1).at(beats)
        assert 0 <= values.min() < 0.2
        assert 0.8 < values.max() <= 1


def test_perlin_glides_and_rand_jumps():
    beats = np.arange(0, 100, 0.01)
    assert np.abs(np.diff(ll.perlin(1).at(beats))).max() < 0.03
    assert np.abs(np.diff(ll.rand(1).at(beats))).max() > 0.5


def test_brown_falls_with_the_square_of_frequency():
    values = ll.brown(1).at(np.arange(0, 4096, 0.5))
    power = np.abs(np.fft.rfft(values * np.hanning(len(values)))) ** 2
    low, high = power[64:128].mean(), power[512:1024].mean()
    assert 8 < 10 * np.log10(low / high) < 30  # three octaves at 6 dB each: 18 dB


def test_fit_reaches_both_ends_and_begins_again_with_each_pass():
    from latentlive.latent import Scope, join_of
    from latentlive.renderer import BoundWorld, Spaces, ask
    from tests.strategies import SOUNDS, SPACE

    zero, one = ll.sound(np.zeros(640)), ll.sound(np.ones(640))
    ramp = ll.interp(zero, one, ll.fit([0, 1])).loop(2)
    scope = Scope(BoundWorld(SOUNDS, Spaces(SPACE), join_of(ramp)))
    mean = ask(ramp, scope, np.arange(20.0), np.arange(20.0), 0).mean[:, 0]
    np.testing.assert_allclose(mean, np.tile(np.linspace(0, 1, 10), 2), atol=1e-6)


def test_a_curve_is_the_same_at_hour_ten():
    curve = ll.sine(7) + ll.saw(3)
    np.testing.assert_allclose(curve.at([36_000 * 21 + 2.5]), curve.at([2.5]), atol=1e-6)
