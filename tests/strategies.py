"""Randomly built expressions of every operator, for the laws."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.curves import Curve
from latentlive.expr.node import operators
from latentlive.latent import Latent
from latentlive.renderer import corpus_sounds
from latentlive.space import ToySpace

SPACE = ToySpace()
SOUNDS = corpus_sounds(Corpus(), SPACE.sample_rate)  # arrays only: no corpus is ever opened
_RNG = np.random.default_rng(7)
SHORT = [(_RNG.standard_normal(n) * 0.2).astype(np.float32) for n in (100, 640, 1000)]

numbers = st.floats(-20, 20, allow_nan=False).map(lambda x: round(x, 3))
beats = st.floats(0.01, 64).map(lambda x: round(x, 3))
factors = st.fractions(Fraction(1, 9), 9, max_denominator=12)
seeds = st.integers(0, 2**40)
wave = st.sampled_from([ll.sine, ll.cosine, ll.saw, ll.isaw, ll.tri, ll.square])
wave2 = st.sampled_from([ll.sine2, ll.cosine2, ll.saw2, ll.isaw2, ll.tri2, ll.square2])
chance = st.sampled_from([ll.rand, ll.perlin, ll.brown, ll.rand2, ll.perlin2, ll.brown2])


def _points(draw: st.DrawFn) -> list[tuple[float, float]]:
    steps = draw(st.lists(beats, min_size=1, max_size=5))
    return [(float(b), draw(numbers)) for b in np.cumsum(steps)]


leaves = st.one_of(
    numbers.map(ll.number),
    st.builds(lambda w, p: w(p), wave, beats),
    st.builds(lambda w, p: w(p), wave2, beats),
    st.builds(lambda w, p: w(p), chance, beats),
    st.builds(ll.square, beats, st.floats(0, 1).map(lambda x: round(x, 2))),
    st.builds(ll.line, numbers, numbers, beats),
    st.composite(_points)().map(ll.env),
    st.builds(ll.seq, st.lists(numbers, min_size=1, max_size=6), beats),
)


def _grown(inner: st.SearchStrategy[Curve]) -> st.SearchStrategy[Curve]:
    side = st.one_of(inner, numbers)
    return st.one_of(
        st.builds(lambda a, b: a + b, inner, side),
        st.builds(lambda a, b: b - a, inner, side),
        st.builds(lambda a, b: a * b, inner, side),
        st.builds(lambda a, b: a / b, inner, inner.filter(lambda c: c != ll.number(0))),
        st.builds(lambda a: a + a.slow(2), inner),  # a shared part
        st.builds(lambda c, a, b: c.range(a, b), inner, side, side),
        st.builds(lambda c, a, b: c.rangex(a, b), inner, beats, beats),
        st.builds(lambda c, n: c.quantise(n), inner, st.integers(1, 100)),
        st.builds(lambda c, b: c.smooth(b), inner, beats),
        st.builds(lambda c, k: c.ease(k), inner, st.sampled_from(["in", "out", "inout"])),
        st.builds(lambda c, k: c.slow(k), inner, factors),
        st.builds(lambda c, k: c.fast(k), inner, factors),
        st.builds(lambda c, b: c.early(b), inner, numbers),
        st.builds(lambda c, b: c.late(b), inner, numbers),
        st.builds(lambda c, n: c.seed(n), inner, seeds),
    )


curves = st.recursive(leaves, _grown, max_leaves=6)
"""Curves of beats: they may stand on endless expressions."""

fits = st.one_of(
    st.lists(numbers, min_size=1, max_size=90).map(ll.fit),
    st.builds(lambda a, b, n: ll.fit(ll.line(a, b, n)), numbers, numbers, beats),
    st.builds(lambda w, p: ll.fit(w(p)), wave, beats),
)
amounts = st.one_of(curves, st.floats(0, 1).map(lambda x: round(x, 3)))

sounds = st.integers(0, len(SHORT) - 1).map(lambda i: ll.sound(SHORT[i]))


def _finite(inner: st.SearchStrategy[Latent]) -> st.SearchStrategy[Latent]:
    match = st.sampled_from(["crop", "repeat"])
    return st.one_of(
        st.builds(ll.interp, inner, inner, st.one_of(amounts, fits), match),
        st.builds(lambda x, c: ll.interp(x, x.slow(2), c), inner, amounts),  # a shared part
        st.builds(lambda x, k: x.extend(k), inner, factors),
        st.builds(lambda x, k: x.slow(k), inner, factors),
        st.builds(lambda x, k: x.fast(k), inner, factors),
        st.builds(lambda x, n: x.loop(n), inner, st.integers(1, 3)),
        st.builds(lambda x, k: x.spread(k), inner, amounts),
        st.builds(lambda x, n: x.seed(n), inner, seeds),
    )


latents = st.recursive(sounds, _finite, max_leaves=4)
"""Finite latents over short arrays, for the toy space."""

textures = st.one_of(
    latents,
    latents.map(lambda x: x.loop()),
    latents.map(lambda x: x.exact()),
    st.builds(lambda x, k: x.overlap(k), latents, st.sampled_from([1, 2, 4, 8, 16])),
)


def names() -> dict[str, object]:
    """Return what code needs to be evaluated."""
    return {word: getattr(ll, word) for word in ll.WORDS}


def tags(root: object) -> set[str]:
    """Return the operators that an expression is made of."""
    return {node.tag for node in root.walk()}  # type: ignore[attr-defined]


def all_tags() -> set[str]:
    """Return every declared operator."""
    return set(operators())
