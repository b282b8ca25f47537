"""Randomly built expressions of every operator, for the laws."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

import latentlive as ll
from latentlive.corpus import Audio, Corpus, audio_digest
from latentlive.curves import Curve, inputs_of
from latentlive.expr.node import operators
from latentlive.latent import Latent, Place, Sound
from latentlive.renderer import corpus_sounds
from latentlive.space import ToySpace

SPACE = ToySpace()
_RNG = np.random.default_rng(7)
SHORT = [(_RNG.standard_normal(n) * 0.2).astype(np.float32) for n in (100, 640, 1000)]


class Chart:
    """A small map: short sounds, called "0", "1" ..., at places of their own."""

    digest = "a chart of short sounds"
    places = _RNG.random((7, 2))

    def row(self, name):
        """Return the row of a name."""
        return int(name) if name.isdigit() and int(name) < len(self.places) else None

    def audio(self, row, wait=True):
        """Return the sound of a row."""
        samples = SHORT[row % len(SHORT)]
        return Audio(samples, audio_digest(samples))


class Charted:
    """Arrays, and sounds of a chart: no corpus is ever opened."""

    chart = Chart()

    def __init__(self, sounds):
        self._sounds = sounds

    def __call__(self, sound):
        """Return a sound's samples."""
        if isinstance(sound, Place):
            return self.chart.audio(round(6 * sound.x))
        if isinstance(sound, Sound) and isinstance(sound.source, str):
            return self.chart.audio(int(sound.source))
        return self._sounds(sound)

    def atlas(self, node):
        """Return the map."""
        return self.chart


SOUNDS = Charted(corpus_sounds(Corpus(), SPACE.sample_rate))


def at(frames: float) -> float:
    """Return the second at which a frame of the toy space begins."""
    return frames * SPACE.window / SPACE.sample_rate


numbers = st.floats(-20, 20, allow_nan=False).map(lambda x: round(x, 3))
beats = st.floats(0.01, 64).map(lambda x: round(x, 3))
factors = st.fractions(Fraction(1, 9), 9, max_denominator=12)
seeds = st.integers(0, 2**40)
wave = st.sampled_from([ll.sine, ll.cosine, ll.saw, ll.isaw, ll.tri, ll.square])
wave2 = st.sampled_from([ll.sine2, ll.cosine2, ll.saw2, ll.isaw2, ll.tri2, ll.square2])
chance = st.sampled_from([ll.rand, ll.perlin, ll.brown, ll.rand2, ll.perlin2, ll.brown2])


DANCE = Path(__file__).with_name("movement") / "dance.csv"
"""A movement with uneven times."""


CONTOURS = [ll.contour(SHORT[2], "flatness"), ll.contour(SHORT[1], "loudness", loop=False)]


LIVE = [
    *(ll.knob("sea", 0.3), ll.xy("pad").y, ll.cc(74, 2, "nano", 0.1), ll.bend(), ll.touch(3)),
    *(ll.gate(40, 60), ll.key(start=-7), ll.velocity(), ll.osc("/a", 1, start=-3.5)),
    *(ll.level(2), ll.level("d2", 0.5, attack=0.1)),
]


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
    st.sampled_from(["hand_x", "hand_y", 2]).map(lambda column: ll.track(DANCE, column)),
    st.just(ll.track(DANCE, "hand_x", rate=20)),
    *map(st.just, CONTOURS),
    *map(st.just, LIVE),
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
        st.builds(lambda c, b: c.smooth(b) if c.cost == 1 else c, inner, beats),
        st.builds(lambda c, b: c.lag(min(b, 5)) if c.cost == 1 else c, inner, beats),
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

MOVED = ll.track(DANCE, "hand_y")
LONG = ll.line(0, 0.2, 9)
LEARNED = ll.interp(ll.z(SHORT[0][:64]), ll.z(SHORT[1][:64]), MOVED.ease("inout")).slice(0, 4)
"""A texture of four seconds to learn from."""

every = st.one_of(st.none(), st.floats(1 / 64, 3).map(lambda x: round(x, 3)))
"""Beats of a step, or none."""

places = st.one_of(curves, st.floats(-0.2, 1.2).map(lambda x: round(x, 3)))
onmap = st.one_of(
    st.builds(lambda x, y, b, k: ll.roam(x, y, b, k), places, places, every, st.integers(1, 16)),
    st.builds(lambda x, y: ll.place(x, y), curves, places),
    st.builds(
        lambda n, x, y, a, b: ll.swarm(n, x, y, a, b),
        st.integers(1, 5),
        places,
        places,
        places,
        every.filter(bool),
    ),
    st.builds(
        lambda way, timing, b: ll.tour(way, timing, b),
        st.lists(st.sampled_from("0123456"), min_size=2, max_size=5),
        st.sampled_from(["distance", "even"]),
        beats,
    ),
)
"""What moves on a map, for ever."""

PARTS = [
    [0, 0, at(3), 1, 1],
    [0, at(3), at(8.5), 2, 0.5],
    [1, 0, at(1.5), 1, 0],
    [0, at(9), at(15), 3, 1],
]
"""Parts of two short sounds: the first two follow one another."""

steady = curves.filter(lambda curve: not inputs_of(curve))
improvisers = st.one_of(
    st.builds(
        lambda score, c, n, e, t: ll.improvised(
            [ll.sound(SHORT[2]), ll.sound(SHORT[1])], PARTS, score, c, n, e, t
        ),
        st.one_of(st.none(), st.lists(st.integers(1, 3), min_size=1, max_size=9)),
        steady,
        st.integers(1, 5),
        st.one_of(every, steady),
        steady,
    ),
    st.builds(
        lambda i, c, n: ll.improvise(ll.sound(SHORT[i]), c, n, over="codes"),
        st.integers(0, len(SHORT) - 1),
        steady,
        st.integers(1, 5),
    ),
)
"""What improvises, for ever."""

points = st.integers(0, len(SHORT) - 1).map(lambda i: SHORT[i][:64])
sounds = st.one_of(
    st.integers(0, len(SHORT) - 1).map(lambda i: ll.sound(SHORT[i])),
    st.just(ll.silence.slice(0, at(5))),
    st.builds(lambda p, n: ll.z(p).slice(at(1), at(n)), points, st.integers(2, 20)),
    st.builds(lambda n: ll.prior(n).slice(0, at(7)), seeds),
    st.builds(lambda n: ll.noise(n).slice(at(2.5), at(9)), seeds),
    st.builds(lambda n, b: ll.drift(n, b).slice(0, at(11)), seeds, beats),
    st.builds(lambda x, b: x.slice(at(b), at(12)), onmap, st.integers(0, 3)),
    st.builds(lambda x, b: x.slice(at(b), at(b + 12)), improvisers, st.integers(0, 9000)),
    st.builds(lambda x: ll.place(x, 0.5), st.floats(0, 1).map(lambda x: round(x, 2))),
    st.builds(
        lambda a, n, w: ll.follow(LONG + a, ll.drift(n, 0.3).slice(0, 2.2), w).slice(0, at(6)),
        curves,
        seeds,
        beats,
    ),
    st.builds(
        lambda a, b: ll.follow([MOVED, ll.sine(1)], LEARNED, drive=[a, b]).slice(at(1.5), at(8)),
        curves,
        curves,
    ),
)


strokes = st.recursive(
    st.one_of(
        st.sampled_from(["x", "x..X", "x~.x.", "X.x.~"]).map(ll.strokes),
        st.sampled_from([ll.euclid(3, 8).rev(), ll.euclid(2, 5) + "x."]),
        st.lists(st.sampled_from([0, 0.3, 1, 2]), min_size=1, max_size=5).map(ll.strokes),
        st.builds(lambda n, r: ll.euclid(n // 2, n, r), st.integers(1, 9), st.integers(-3, 9)),
    ),
    lambda inner: st.one_of(
        inner.map(lambda pattern: pattern.rev()),
        st.builds(lambda a, b: a + b, inner, inner),
    ),
    max_leaves=3,
)
"""Patterns of strokes."""


def _hit(draw: st.DrawFn, inner: st.SearchStrategy[Latent]) -> Latent:
    """Return a struck texture, a few hundred samples from stroke to stroke."""
    return draw(inner).hits(
        draw(st.one_of(strokes, curves)),
        draw(st.floats(2, 12).map(lambda x: at(round(x, 2)))),
        draw(st.sampled_from([0, 1 / 3])),
        draw(st.sampled_from([1, 0.7, ll.sine(1), ll.knob("sea", 0.5)])),
        draw(st.sampled_from([0, at(0.7)])),
        draw(st.sampled_from([0, 0.02, at(3)])),
    )


def _finite(inner: st.SearchStrategy[Latent]) -> st.SearchStrategy[Latent]:
    match, law = st.sampled_from(["crop", "repeat"]), st.sampled_from(["std", "logvar"])
    moments = st.floats(1.5, 9).map(lambda x: at(round(x, 2)))
    shifts = st.floats(-0.01, 0.0).map(lambda x: round(x, 4))
    return st.one_of(
        st.builds(ll.interp, inner, inner, st.one_of(amounts, fits), match, law),
        st.builds(ll.slerp, inner, inner, st.one_of(amounts, fits)),
        st.builds(lambda a, b, n: ll.steps(a, b, 0, 1, 1 / n), inner, inner, st.integers(1, 4)),
        st.builds(lambda a, b, c: ll.path([a, b, ll.prior(1), a], c), inner, inner, amounts),
        st.builds(
            lambda a, b, w: ll.blend((a, w), (b, 1), (ll.prior(2), 0.5)), inner, inner, amounts
        ),
        st.builds(
            lambda a, b, x, y: ll.between({(0, 0.5): a, (1, 0): b, (1, 1): ll.prior(3)}, at=[x, y]),
            inner,
            inner,
            amounts,
            amounts,
        ),
        st.builds(lambda a, b, x: ll.between([(0, a), (1, b)], at=x), inner, inner, amounts),
        st.builds(lambda a, b: ll.cat(a, b, a), inner, inner),
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: a - b, inner, inner),
        st.builds(lambda a, c: c * a, inner, amounts),
        st.builds(lambda a, c: a.offset(ll.prior(4), c), inner, amounts),
        st.builds(lambda a, i, c: a.dim(i, c), inner, st.integers(0, 63), amounts),
        st.builds(lambda a, c: a.jitter(c), inner, amounts),
        st.builds(lambda a, k: a.quantise(k, ll.sound(SHORT[1])), inner, st.integers(1, 9)),
        st.builds(
            lambda a, b: a.smooth(b) if a.cost == 1 else a,
            inner,
            st.floats(0.001, 0.1).map(lambda x: round(x, 3)),
        ),
        st.builds(lambda a: a.rev(), inner),
        st.builds(lambda a, b: a.slice(0, b), inner, moments),
        st.builds(lambda a, b: a.early(b), inner, shifts),
        st.builds(lambda a, f: a.freeze(f).slice(0, at(6)), inner, moments),
        st.builds(lambda a, c: a.scrub(c).slice(at(1), at(8)), inner, amounts),
        st.builds(lambda x, c: ll.interp(x, x.slow(2), c), inner, amounts),  # a shared part
        st.builds(lambda x, k: x.extend(k), inner, factors),
        st.builds(lambda x, k: x.slow(k), inner, factors),
        st.builds(lambda x, k: x.fast(k), inner, factors),
        st.builds(lambda x, n: x.loop(n), inner, st.integers(1, 3)),
        st.builds(lambda x, k: x.spread(k), inner, amounts),
        st.composite(_hit)(inner).map(lambda struck: struck.slice(at(1), at(30))),
        st.builds(lambda x, n: x.seed(n), inner, seeds),
    )


latents = st.recursive(sounds, _finite, max_leaves=4)
"""Finite latents over short arrays, for the toy space."""

recorded = st.sampled_from(
    [
        ll.cluster(3),
        ll.cluster(4, 20),
        ll.cluster(valence=0.25, arousal=-0.5),
        ll.cluster(seconds=9, arousal=1),
        ll.near(ll.sound("gong"), 6),
        ll.place(0.25, 1),
        ll.excerpts(12).quantise(8),
        ll.improvise("gong", memory="corpus"),
        ll.improvise([3, 1, 3, 4], ll.sine(8), every=ll.seq([0.25, 0.5], 1)),
        ll.improvise(["gong", ll.near(ll.sound("gong"), 2).slice(1, 2)], memory=["rain"]),
        ll.improvise(ll.cluster(4), 0.5, 2, 0.25, [ll.sound("gong"), ll.cluster(3)], typicality=1),
        ll.sound("gong").brighter(ll.sine2(8)).rougher(-1).noisier(0.5).on("rawaudiovae"),
        ll.sound("gong").extend(2).bright(ll.contour(SHORT[0], "centroid")),
        ll.interp(ll.roam(ll.sine(8), 0.5, 0.5), ll.sound("gong"), ll.sine(8)).extend(2),
        ll.sound("gong").hits(ll.euclid(3, 8).rev() + "x.").on("spectral"),
        ll.sound("gong").on("mine.safetensors").exact(),
        ll.sound("gong").pitch("A3").voiced(0.5).on("spectral"),
        ll.sound("gong").transpose(ll.line(0, 7, 4)).loudness(-20).on("spectral"),
    ]
)
"""What needs a corpus, its map or another model: here it is written, not rendered."""

textures = st.one_of(
    latents,
    latents.map(lambda x: x.loop()),
    latents.map(lambda x: x.exact()),
    latents.map(lambda x: x.norm()),
    latents.map(lambda x: x.mono()),
    latents.map(lambda x: x.norm().overlap(2)),
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
