"""Filters: their response against scipy's bilinear design, and what moving cut-offs leave."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from tests.effects.driving import RATE, click, db, noise, through


def reference(name, hz, q, rate):
    """Return b, a of the analog prototype through the bilinear transform, prewarped at hz."""
    w = 2 * rate * np.tan(np.pi * min(hz, 0.49 * rate) / rate)
    bottom = [1.0, w / q, w * w]
    return signal.bilinear([w * w] if name == "lpf" else [1.0, 0.0, 0.0], bottom, rate)


@pytest.mark.parametrize("name", ["hpf", "lpf"])
@pytest.mark.parametrize("hz", [20, 200, 1000, 8000, 20000])
@pytest.mark.parametrize("q", [0.3, 0.7, 20])
def test_the_response_is_the_one_of_the_analog_filter(name, hz, q):
    given = click(64)
    heard = through(given, **{f"{name}_on": 1, f"{name}_hz": hz, f"{name}_q": q})
    bands = np.geomspace(20, 20000, 60)
    b, a = reference(name, hz, np.float32(q), RATE)
    # The same stretch of both responses, so that neither is cut differently.
    impulse = np.zeros(given.shape[1])
    impulse[0] = 1.0
    expected = signal.lfilter(b, a, impulse)
    turns = np.exp(-2j * np.pi / RATE * np.outer(bands, np.arange(len(impulse))))
    ours, theirs = db(turns @ heard[0]), db(turns @ expected)
    audible = theirs > -100
    assert np.abs(ours - theirs)[audible].max() < 0.05
    assert np.array_equal(heard[0], heard[1])


def test_a_filter_equals_a_loop_over_samples():
    x = noise(3)
    b, a = reference("lpf", 700.0, np.float32(5.0), RATE)
    assert np.allclose(
        through(x, lpf_on=1, lpf_hz=700, lpf_q=5), signal.lfilter(b, a, x.astype(float)), atol=1e-9
    )
