"""Filters: their response against scipy's bilinear design, and what moving cut-offs leave."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from latentlive.effects.declared import INDEX
from tests.effects.driving import click, noise, rows, sine, swings, through
from tests.effects.measures import bilinear, levels, sidebands

SWEEP = 64 * 16 + 1


@pytest.mark.parametrize("name", ["hpf", "lpf"])
@pytest.mark.parametrize("hz", [20, 200, 1000, 8000, 20000])
@pytest.mark.parametrize("q", [0.3, 0.7, 20])
def test_the_response_is_the_one_of_the_analog_filter(name, hz, q):
    given = click(64)
    heard = through(given, **{f"{name}_on": 1, f"{name}_hz": hz, f"{name}_q": q})
    bands = np.geomspace(20, 20000, 60)
    b, a = bilinear(name, hz, np.float32(q))
    # The same stretch of both responses, so that neither is cut differently.
    impulse = np.zeros(given.shape[1])
    impulse[0] = 1.0
    expected = signal.lfilter(b, a, impulse)
    ours, theirs = levels(heard[0], bands), levels(expected, bands)
    audible = theirs > -100
    assert np.abs(ours - theirs)[audible].max() < 0.05
    assert np.array_equal(heard[0], heard[1])


def test_a_filter_equals_a_loop_over_samples():
    x = noise(3)
    b, a = bilinear("lpf", 700.0, np.float32(5.0))
    assert np.allclose(
        through(x, lpf_on=1, lpf_hz=700, lpf_q=5), signal.lfilter(b, a, x.astype(float)), atol=1e-9
    )


def test_a_moving_cut_off_is_a_loop_over_samples():
    blocks, rate = 2, 44100
    x, edges = noise(blocks), np.geomspace(100, 9000, blocks * 16 + 1).astype(np.float32)
    q = np.geomspace(0.5, 8, blocks * 16 + 1).astype(np.float32)
    heard = through(x, rows(blocks, lpf_on=1, lpf_hz=edges, lpf_q=q))
    at = np.arange(blocks * 1024) / 64
    hz = np.exp(np.interp(at, np.arange(len(edges)), np.log(edges.astype(float))))
    k = 1 / np.exp(np.interp(at, np.arange(len(q)), np.log(q.astype(float))))
    g, expected = np.tan(np.pi * hz / rate), np.zeros(len(at))
    first = second = 0.0
    for n, sample in enumerate(x[0].astype(float)):
        # Simper's form, as he writes it.
        v1 = (first + g[n] * (sample - second)) / (1 + g[n] * (g[n] + k[n]))
        v2 = second + g[n] * v1
        first, second = 2 * v1 - first, 2 * v2 - second
        expected[n] = v2
    assert np.allclose(heard[0], expected, atol=1e-12)


def test_standing_and_moving_filters_are_the_same():
    x = noise(4)
    moving = rows(4, hpf_on=1, hpf_hz=300, hpf_q=2)
    moving[INDEX["hpf.hz"], ::3] *= np.float32(1 + 1e-6)
    assert np.allclose(through(x, moving), through(x, hpf_on=1, hpf_hz=300, hpf_q=2), atol=1e-5)


@pytest.mark.parametrize(
    ("hz", "q", "below"),
    [
        (200 * 40 ** np.linspace(0, 1, SWEEP), 0.7, -140),
        (200 * 40 ** np.linspace(0, 1, SWEEP), 8.0, -140),
        (200 * 40 ** swings(1), 0.7, -90),
        (200 * 40 ** swings(5), 0.7, -80),
    ],
)
def test_a_sweep_leaves_no_sidebands_of_the_grid(hz, q, below):
    x = sine(64, 1000.0, 0.5)
    y = through(x, rows(64, lpf_on=1, lpf_hz=hz, lpf_q=q))
    assert sidebands(y, 1000.0) < below


def test_a_filter_that_is_off_changes_nothing_and_comes_in_smoothly():
    x = noise(6)
    assert np.array_equal(through(x, lpf_hz=100), x)
    on = np.concatenate([np.zeros(33), np.linspace(0, 1, 17)[1:], np.ones(48)])
    y = through(x, rows(6, lpf_on=on, lpf_hz=100))
    assert np.array_equal(y[:, : 2 * 1024], x[:, : 2 * 1024])
    assert y[:, 4 * 1024 :].std() < 0.2 * x.std()


def test_a_filter_that_rings_out_becomes_silent():
    x = noise(200)
    x[:, 1024:] = 0.0
    y = through(x, lpf_on=1, lpf_hz=100, lpf_q=20)
    assert np.abs(y[:, 1024:2048]).max() > 1e-3
    assert not y[:, -1024:].any()
