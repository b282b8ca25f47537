"""Laws 1, 2, 9 and 10 in spaces of every kind, through the renderer and through the workers."""

from __future__ import annotations

import itertools
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import latentlive as ll
from latentlive.engine.render import worker
from latentlive.engine.render.worker import Worker, rendered
from latentlive.engine.shared import Shared
from latentlive.errors import ExpressionError
from latentlive.models import load_model
from latentlive.protocol.clip import Clip, Crossing, Source
from latentlive.protocol.rendering import Job, Load, Loaded
from latentlive.renderer import Rendering, Spaces, check
from latentlive.units import Tempo
from tests.spaces import KINDS, home
from tests.strategies import SHORT, SOUNDS, latents

calm = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
kinds = pytest.mark.parametrize("kind", KINDS)
played = st.one_of(latents, latents.map(lambda x: x.loop()), latents.map(lambda x: x.norm()))
"""What every space can play: its join is its own."""

MIX = ll.interp(ll.sound(SHORT[2]), ll.sound(SHORT[1]).slow(2), ll.sine(0.01))
TURNS = (0, 700, 900)
"""Where a texture's clock began, and where and how long another takes over from it."""


def render(kind, texture, **options):
    spaces, name = home(kind)
    return Rendering(texture.on(name) if name else texture, spaces, SOUNDS, **options)


@kinds
@calm
@given(texture=played, chunk=st.integers(1, 299))
def test_law_1_and_10_samples_are_the_same_for_any_chunk(kind, texture, chunk):
    rendering, again = render(kind, texture), render(kind, texture)
    total = min(rendering.length or 2000, 2000)
    whole = rendering.samples(0, total)
    assert np.isfinite(whole).all()
    parts = [again.samples(a, min(a + chunk, total)) for a in range(0, total, chunk)]
    assert np.array_equal(np.concatenate(parts), whole)


@kinds
@calm
@given(texture=played, starts=st.lists(st.integers(0, 1900), min_size=1, max_size=5))
def test_law_2_and_10_samples_are_the_same_in_any_order(kind, texture, starts):
    rendering = render(kind, texture)
    total = min(rendering.length or 2000, 2000)
    whole = rendering.samples(0, total)
    for start in starts:
        start %= total
        stop = min(start + 100, total)
        assert np.array_equal(rendering.samples(start, stop), whole[start:stop])


@kinds
def test_law_9_hour_ten_costs_what_the_first_second_costs(kind):
    rendering = render(kind, ll.interp(ll.sound(SHORT[2]).loop(), ll.noise(1), ll.perlin(3)))
    asked, ask = [], rendering.drawn
    rendering.drawn = lambda frames: asked.append(len(frames)) or ask(frames)
    counts = []
    for start in (0, 10 * 3600 * 44100 + 17):
        rendering.samples(start, start + 44100)
        counts.append(sum(asked))
        asked.clear()
    assert abs(counts[1] - counts[0]) <= 16


SHARED = Shared.create()
"""One for all bands: a new one for each example would fill the memory when one fails."""


class Band:
    """A worker with some voices, each with a ring of its own."""

    def __init__(self, kind, textures):
        self.spaces, name = home(kind) if isinstance(kind, str) else (Spaces(kind()), None)
        textures = [x.on(name) if name else x for x in textures]
        self.shared, self.clips = SHARED, []
        self.worker = Worker(self.spaces.default, self.shared)
        self.worker.spaces = self.spaces
        for serial, texture in enumerate(textures):
            source = Source(texture, repr(texture), {})
            clip = Clip(source, 0, Tempo(60, 44100))
            if serial % 2:
                origin, at, over = TURNS
                mix = MIX.on(name) if name else MIX
                before = Clip(source.changed(expr=mix), origin, clip.tempo)
                clip = Clip(source, 48 * serial, clip.tempo, Crossing(before, at, over))
            load = Load(serial, 0, (serial,), clip, 0.0, serial, 5)
            assert isinstance(self.worker.bind(load), Loaded)
            self.clips.append(clip)

    def play(self, jobs):
        """Return what the worker writes for stretches rendered together, (serial, start, stop)."""
        replies = self.worker.render([Job(serial, 0, start, stop) for serial, start, stop in jobs])
        assert [reply.word for reply in replies] == ["rendered"] * len(jobs)
        rings = self.shared.audio
        return [rings[s][np.arange(a, b) % rings.shape[1]] for s, a, b in jobs]

    def alone(self, serial, start, stop):
        """Return what a rendering of that voice alone gives, all at once."""
        clip = self.clips[serial]
        one = rendered(clip, self.spaces, 5, serial)
        return one.samples(0, stop - clip.origin)[start - clip.origin :]


@kinds
@settings(calm, max_examples=8)
@given(
    textures=st.lists(latents, min_size=2, max_size=3),
    moments=st.lists(st.integers(150, 3000), min_size=1, max_size=4),
    length=st.integers(1, 900),
)
def test_law_10_a_batch_of_voices_gives_what_each_gives_alone(kind, textures, moments, length):
    with mock.patch.object(worker, "stored_sounds", return_value=SOUNDS):
        hold_apart(Band(kind, textures), textures, moments, length)


def hold_apart(band, textures, moments, length):
    """Hold what a band plays against each of its voices alone."""
    for moment in moments:
        starts = [moment + 31 * serial for serial in range(len(textures))]
        jobs = [(serial, start, start + length) for serial, start in enumerate(starts)]
        for job, samples in zip(jobs, band.play(jobs), strict=True):
            assert np.array_equal(samples, band.alone(*job))


TONE = ll.sound((np.sin(np.arange(30_000) / 20) * 0.2).astype("f4"))
HISS = ll.sound((np.random.default_rng(3).standard_normal(20_000) * 0.1).astype("f4"))
BOTH = [
    ll.interp(TONE, HISS, ll.sine(0.5)).extend(1.7).on("spectral"),
    ll.interp(TONE, HISS, ll.sine(0.5)),
    HISS.rev().norm().on("spectral"),
]


def test_built_in_spaces_play_side_by_side_and_one_batch_gives_what_each_gives_alone():
    band = Band(lambda: load_model("rawaudiovae"), BOTH)
    for moment, length in ((150, 7000), (31_000, 999), (31_999, 5000), (200, 300)):
        jobs = [(serial, moment, moment + length) for serial in range(3)]
        for job, samples in zip(jobs, band.play(jobs), strict=True):
            assert samples.any()
            assert np.array_equal(samples, band.alone(*job))


@settings(calm, max_examples=6)
@given(cuts=st.lists(st.integers(1, 39_999), min_size=1, max_size=4), data=st.data())
def test_laws_1_2_and_10_in_the_spectral_space(cuts, data):
    rendering = Rendering(BOTH[0], load_model("rawaudiovae"), SOUNDS)
    whole = rendering.samples(0, 40_000)
    again = Rendering(BOTH[0], load_model("rawaudiovae"), SOUNDS)
    cuts = sorted({0, 40_000, *cuts})
    stretches = data.draw(st.permutations(list(itertools.pairwise(cuts))))
    for start, stop in stretches:
        assert np.array_equal(again.samples(start, stop), whole[start:stop])


def test_voices_that_have_much_to_encode_do_not_hold_up_the_others():
    """What does not fit into a batch is not begun: it is asked for again, behind the urgent."""
    band = Band("pages", [TONE, HISS, MIX])
    jobs = [Job(serial, 0, 200, 900) for serial in range(3)]
    band.worker.longest = 0.0
    assert [reply.serial for reply in band.worker.render(jobs)] == [0]
    assert [reply.serial for reply in band.worker.render(jobs[1:])] == [1]
    band.worker.longest = 60.0
    assert [reply.serial for reply in band.worker.render(jobs)] == [0, 1, 2]


def test_a_block_is_prepared_once():
    """Stretches of half a block prepare no block twice; the first ones lie before sample 0."""
    rendering = render("anchors", MIX.loop())
    hop, block = rendering.hop, rendering.space.block
    for start in range(0, 40 * hop * block, hop * block // 2):
        rendering.samples(start, start + hop * block // 2)
    assert rendering.space.prepared == 41


def test_the_noise_of_a_block_is_that_of_its_layer():
    one, other = (render("anchors", MIX, slot=slot).samples(0, 800) for slot in (0, 1))
    assert not np.array_equal(one, other)


def test_a_morph_within_a_space_is_first_one_texture_and_then_the_other():
    """Both clocks count: before, the windows of the first; after, exactly those of the second."""
    band = Band("context", [MIX, MIX.rev()])
    morph = rendered(band.clips[1], band.spaces, 5, 1)
    first, second = (render("context", x, seed=5, slot=1, looped=True) for x in (MIX, MIX.rev()))
    (origin, at, over), own = TURNS, band.clips[1].origin
    until = at - (morph.space.ahead + morph.overlap) * morph.hop
    expected = first.samples(own - origin, until - origin)
    assert np.array_equal(morph.samples(0, until - own), expected)
    later = at + over + (morph.space.behind + morph.overlap) * morph.hop - own
    expected = second.samples(later, later + 999)
    assert np.array_equal(morph.samples(later, later + 999), expected)


@pytest.mark.parametrize(
    ("texture", "line"),
    [
        (MIX.exact(), "exact: the space 'hopped' has no windows to write end to end"),
        (MIX.overlap(2), "overlap: the space 'hopped' has a hop of its own"),
    ],
    ids=["exact", "overlap"],
)
def test_what_a_space_does_not_have_is_refused_when_typed(texture, line):
    for bind in (
        lambda: check(texture, KINDS["a hop"]().facts, SOUNDS, 1.0),
        lambda: render("a hop", texture),
    ):
        with pytest.raises(ExpressionError, match=line):
            bind()


@pytest.mark.parametrize("kind", ["22.05 kHz", "48 kHz"])
def test_a_space_at_another_rate_gives_the_sound_at_the_place_and_pitch_that_it_has(kind):
    clock = np.arange(30_000) / 44100
    wave = (0.3 * np.sin(2 * np.pi * 997 * clock)).astype("f4")
    rendering = render(kind, ll.sound(wave).spread(0))
    assert rendering.length == pytest.approx(len(wave), abs=2)
    got = rendering.samples(0, 29_000)[2000:]
    if kind == "48 kHz":  # its decoder has a memory: a place and a pitch, not a shape
        spectrum = np.abs(np.fft.rfft(got * np.hanning(len(got))))
        assert spectrum.argmax() * 44100 / len(got) == pytest.approx(997, abs=2)
    else:
        assert np.abs(got - wave[2000:29_000]).max() < 1e-3


def test_slices_of_a_space_at_another_rate_are_seconds_and_beats_are_beats():
    wave = ll.sound(np.linspace(-0.5, 0.5, 44100, dtype="f4")).spread(0)
    part = render("22.05 kHz", wave.slice(0.25, 0.75))
    assert part.length == 22050
    assert part.samples(0, 22050)[11025] == pytest.approx(0.0, abs=1e-3)
    faded = render("22.05 kHz", wave * ll.line(0, 0.5, 0.5)).samples(0, 43_000)[40_000:]
    expected = 0.5 * np.linspace(-0.5, 0.5, 44100)[40_000:43_000]
    assert faded == pytest.approx(expected, abs=2e-3)
