"""Loops that are decoded once: the same samples as if each pass were decoded anew, for less."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import latentlive as ll
from latentlive.engine.block import Block
from latentlive.engine.part import Part
from latentlive.engine.worker import Worker, rendered
from latentlive.expr import dump
from latentlive.models import load_model
from latentlive.renderer import Spaces
from latentlive.renderer.passes import LONGEST
from latentlive.space import ToySpace
from latentlive.units import Tempo

RNG = np.random.default_rng(17)
FRAMES = 12
A, B = (ll.sound((RNG.standard_normal(FRAMES * 1024) * 0.1).astype("f4")) for _ in range(2))
PASS = FRAMES * 1024


class Counting:
    """A space that counts what it decodes."""

    def __init__(self, space):
        self.space, self.decoded = space, 0

    def __getattr__(self, name):
        return getattr(self.space, name)

    def decode(self, z):
        self.decoded += len(z)
        return self.space.decode(z)


class Loops:
    """A worker with one voice after the other.

    Each has a ring of its own, since a worker does not forget what a ring holds.
    """

    def __init__(self, space):
        self.space = Counting(space)
        self.block = Block.create()
        self.worker = Worker(self.space, self.block)
        self.serial = 0

    def bind(self, texture, turning=None):
        source = {"expr": dump(texture), "code": repr(texture), "sounds": {}}
        self.part = Part(source, 0, Tempo(60, 44100), turning)
        binding = {"serial": self.serial, "version": 0, "rings": [self.serial], "wide": 0.0}
        told = self.worker.load({**binding, "part": self.part.dump(), "slot": 0, "seed": 5})
        assert told["op"] == "loaded"
        self.serial += 1

    def play(self, start, stop):
        """Return what the worker writes, and how many windows it decoded for it."""
        before, serial = self.space.decoded, self.serial - 1
        (reply,) = self.worker.render([[serial, 0, start, stop]])
        assert reply["op"] == "rendered"
        ring = self.block.audio[serial]
        return ring[np.arange(start, stop) % len(ring)], self.space.decoded - before

    def plain(self, start, stop):
        """Return what a rendering that remembers nothing gives for the same stretch."""
        rendering = rendered(self.part, Spaces(self.space.space), 5, 0)
        z = rendering.draw(plan := rendering.plan(start, stop))
        joined = rendering.finish(plan, self.space.space.decode(z))
        return rendering.cut(plan, joined, start, stop)


@pytest.fixture(params=["toy", "starter"])
def loops(request):
    return Loops(ToySpace(1024) if request.param == "toy" else load_model(None))


@pytest.mark.parametrize("overlap", [1, 2, 4])
def test_a_loop_without_noise_is_decoded_once_and_every_pass_has_the_same_samples(loops, overlap):
    loops.bind(ll.interp(A, B, 0.3).spread(0).overlap(overlap))
    loops.play(0, 2 * PASS)
    for start in (2 * PASS, 3 * PASS + 1000, 40 * PASS + 77):
        samples, decoded = loops.play(start, start + PASS + 500)
        assert decoded == 0
        assert samples.any()
        assert np.array_equal(samples, loops.plain(start, start + PASS + 500))


@pytest.mark.parametrize(
    "texture",
    [
        A,
        A.spread(0.5),
        A.slice(0, 10.3).spread(0),
        ll.interp(A.spread(0), B.spread(0), ll.perlin(0.3)),
    ],
    ids=["noise", "less noise", "no whole hops", "a curve that runs on"],
)
def test_what_differs_from_pass_to_pass_is_decoded_in_each(loops, texture):
    loops.bind(texture)
    seen = []
    for start in range(0, 4 * PASS, PASS):
        samples, decoded = loops.play(start, start + PASS)
        assert decoded >= FRAMES
        assert np.array_equal(samples, loops.plain(start, start + PASS))
        seen.append(samples)
    assert not np.array_equal(seen[2], seen[3])


def test_a_curve_that_comes_round_with_the_loop_is_decoded_once():
    loops = Loops(ToySpace(1024))
    loops.bind(ll.interp(A, B, ll.fit([0.0, 1.0])).spread(0))
    loops.play(0, 2 * PASS)
    assert loops.play(2 * PASS, 3 * PASS)[1] == 0
    loops.bind(ll.interp(A, B, ll.square(PASS / 44100)).spread(0))
    loops.play(0, 2 * PASS)
    samples, decoded = loops.play(2 * PASS, 3 * PASS)
    assert decoded <= 4  # but for the last bits of where the square turns
    assert np.array_equal(samples, loops.plain(2 * PASS, 3 * PASS))


@given(st.lists(st.integers(0, 5 * PASS), min_size=2, max_size=8))
def test_any_order_of_stretches_gives_the_same_samples(moments):
    loops = Loops(ToySpace(1024))
    loops.bind(ll.interp(A, B, ll.sine(0.7)).spread(0))
    for start in moments:
        stop = start + 1500
        assert np.array_equal(loops.play(start, stop)[0], loops.plain(start, stop))


def test_a_loop_longer_than_is_remembered_is_decoded_in_each_pass():
    long = ll.sound(np.full(1024 * (LONGEST // 4 + 1), 0.1, np.float32)).spread(0)
    for texture, remembered in ((long, False), (long.slice(0, LONGEST // 4), True)):
        loops = Loops(ToySpace(1024))
        loops.bind(texture)
        rendering = loops.worker.voices[0].renderings[0]
        assert (rendering.passes is not None) is remembered
