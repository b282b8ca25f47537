"""Samples that must never change: what was played last year replays to the bit.

On the exact toy space, with curves of plain arithmetic, so that every machine agrees. A digest may
only be renewed together with an entry in the changelog that says what sounds different.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import latentlive as ll
from latentlive.renderer import Rendering
from tests.strategies import SOUNDS, SPACE

RAMP = (np.arange(3000, dtype=np.float32) % 97 - 48) / np.float32(64)
STEPS = np.repeat(np.array([0.5, -0.25, 0.125, 0.75], np.float32), 600)

GOLDEN = {
    "a sound": (ll.sound(RAMP).spread(0), "386a68002d48f7b1"),
    "a mix": (
        ll.interp(ll.sound(RAMP), ll.sound(STEPS), ll.tri(0.02)).spread(0),
        "632910167d77a078",
    ),
    "an array": (
        ll.interp(ll.sound(RAMP), ll.sound(STEPS), [0, 1, 0.5]).spread(0),
        "c6acb3a33fb99906",
    ),
    "end to end": (ll.sound(RAMP).extend(4).spread(0).exact(), "a76198632394c47d"),
    "in extension": (ll.sound(RAMP).extend(4).spread(0), "b5121bdbac6c6873"),
    "a loop": (ll.cat(ll.sound(STEPS), ll.sound(RAMP).rev()).spread(0).loop(2), "76b623cbcccf0bf1"),
    "with noise": (ll.sound(STEPS), "07cc2dda16b70e91"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_samples(name):
    texture, digest = GOLDEN[name]
    rendering = Rendering(texture, SPACE, SOUNDS, seed=3)
    samples = rendering.samples(0, rendering.length)
    # Rounded far below hearing: the last bit of a Hann window is the C library's to choose.
    rounded = np.rint(samples.astype(np.float64) * 2**18).astype(np.int64) + 0
    assert hashlib.blake2b(rounded.tobytes(), digest_size=8).hexdigest() == digest
