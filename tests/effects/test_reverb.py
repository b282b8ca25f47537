"""Reverb: the same as a convolution."""

from __future__ import annotations

import numpy as np
from scipy import signal

from latentlive.effects.reverb import ACROSS
from latentlive.effects.rooms import Room
from tests.effects.driving import RATE, noise, through


def test_a_room_is_convolved_with_what_is_heard():
    rng = np.random.default_rng(3)
    count = 3 * 16384 + 333
    shape = np.exp(-np.arange(count) / 9000)[:, None] * rng.standard_normal((count, 2))
    room, x = Room(shape, RATE), noise(90)
    wet = through(x, rooms={4: room}, reverb_on=1, reverb_mix=1, reverb_space=4)
    fade = round(0.1 * RATE)
    shape[-fade:] *= np.cos(np.linspace(0, np.pi / 2, fade))[:, None] ** 2
    shape /= np.sqrt((shape**2).sum() / 2)
    fed = (x + ACROSS * x[::-1]) / np.sqrt(1 + ACROSS**2)
    for side in (0, 1):
        expected = signal.oaconvolve(fed[side], shape[:, side])[: x.shape[1]]
        assert np.abs(wet[side] - expected).max() < 2e-6
