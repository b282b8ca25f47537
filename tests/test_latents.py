"""Latents: what each operator does to positions, means and spreads, on the exact toy space."""

from __future__ import annotations

import numpy as np
import pytest

import latentlive as ll
from latentlive.errors import ExpressionError, ModelError, SoundError
from latentlive.latent import Scope, join_of
from latentlive.models import RawAudioVAE, save_model
from latentlive.renderer import BoundWorld, Rendering, Spaces, ask, check, corpus_sounds
from latentlive.space import ToySpace
from tests.conftest import random_weights
from tests.strategies import SOUNDS, SPACE, at

W = SPACE.window
RNG = np.random.default_rng(5)
RAMP = np.repeat(np.arange(10, dtype=np.float32) / 16, W)  # frame i holds i / 16 everywhere
A = ll.sound(RAMP)
B = ll.sound(np.repeat(np.arange(10, 0, -1, dtype=np.float32) / 16, W))
BEAT_FRAMES = 4.0
BEAT = BEAT_FRAMES * W / 44100


def asked(latent, frames, beats=None, seed=0):
    scope = Scope(BoundWorld(SOUNDS, Spaces(SPACE), join_of(latent)), beat_frames=BEAT_FRAMES)
    frames = np.asarray(frames, np.float64)
    beats = frames / BEAT_FRAMES if beats is None else np.asarray(beats, np.float64)
    return ask(latent, scope, frames, beats, seed)


def means(latent, frames, beats=None):
    """Return 16 times the first dimension: the index of the ramp's frame."""
    return asked(latent, frames, beats).mean[:, 0] * 16


def length(latent):
    scope = Scope(BoundWorld(SOUNDS, Spaces(SPACE), join_of(latent)), beat_frames=BEAT_FRAMES)
    return float(scope.length(latent))


@pytest.mark.parametrize(
    ("latent", "expected"),
    [
        (A, [0, 1, 2, 3, 4]),
        (A.rev(), [9, 8, 7, 6, 5]),
        (A.slice(at(3), at(7)), [3, 4, 5, 6, 7]),
        (A.early(0.5), [2, 3, 4, 5, 6]),
        (A.late(0.5), [0, 0, 0, 1, 2]),
        (A.freeze(at(6)), [6, 6, 6, 6, 6]),
        (A.scrub(ll.line(1, 0, 1)), [9, 6, 4, 2, 0]),
        (A.fast(2), [0, 2, 4, 6, 8]),
        (A.slice(0, at(2)).loop(), [0, 1, 0, 1, 0]),
        (ll.cat(A.slice(0, at(2)), B.slice(0, at(3))), [0, 1, 10, 9, 8]),
        (ll.interp(A, B, ll.line(0, 1, 1)), [0, 3, 5, 6, 6]),
        (ll.interp(A, B, [0, 1]), [0, 10 / 9 + 7 / 9 - 1 / 9, 28 / 9, 4, 40 / 9]),
        (ll.path([A, B, A], ll.line(0, 1, 1)), [0, 5, 8, 5, 4]),
        (ll.blend((A, 1), (B, 3)), [7.5, 7, 6.5, 6, 5.5]),
        (ll.blend((A, 0), (B, 0)), [5, 5, 5, 5, 5]),
        (A + B, [10, 10, 10, 10, 10]),
        (B - A, [10, 8, 6, 4, 2]),
        (A * 2, [0, 2, 4, 6, 8]),
        (ll.line(0, 1, 1) * A, [0, 0.25, 1, 2.25, 4]),
        (A.offset(B, 2), [20, 19, 18, 17, 16]),
        (A.dim(0, ll.line(0, 16, 1) / 16), [0, 4, 8, 12, 16]),
        (ll.z(np.full(W, 0.25)), [4, 4, 4, 4, 4]),
        (ll.silence, [0, 0, 0, 0, 0]),
        (ll.steps(A.slice(0, at(2)), B.slice(0, at(2)), 0, 1, 1), [0, 1, 10, 9, 8]),
        (A.slice(at(2), at(8)).smooth(0.01), [2, 3, 4, 5, 6]),
    ],
    ids=repr,
)
def test_means_of_the_first_frames(latent, expected):
    got = means(latent, [0, 1, 2, 3, 4])
    tolerance = 0.51 if latent.word == "smooth" else 0.01
    if latent.word == "interp" and "[0.0, 1.0]" in repr(latent):
        expected = [(1 - c) * i + c * (10 - i) for i, c in enumerate(np.arange(5) / 9)]
    np.testing.assert_allclose(got, expected, atol=tolerance)


@pytest.mark.parametrize(
    ("latent", "frames"),
    [
        (A, 10),
        (A.extend(4), 40),
        (A.slow(1 / 2), 5),
        (A.slice(at(3), at(7)), 4),
        (A.slice(at(3), at(99)), 7),
        (A.early(0.5), 8),
        (A.late(1), 14),
        (A.rev(), 10),
        (A.loop(3), 30),
        (A.loop(), np.inf),
        (A.freeze(at(2)), np.inf),
        (A.scrub(0.5), np.inf),
        (ll.silence, np.inf),
        (ll.cat(A, A.slow(2), ll.prior(1).slice(0, at(5))), 35),
        (ll.cat(A, ll.drift(1)), np.inf),
        (ll.interp(A, A.slow(2)), 10),
        (ll.interp(A, A.slow(2), match="repeat"), 20),
        (ll.interp(A, ll.prior(3)), 10),
        (ll.steps(A, A.slow(2)), 60),
        (A + A.loop(), 10),
        (A.slow(2).late(1), 24),
    ],
    ids=repr,
)
def test_lengths_in_frames(latent, frames):
    assert length(latent) == pytest.approx(frames)


def test_extend_leaves_curves_and_slow_slows_them():
    ramp = ll.interp(A, B, ll.line(0, 1, 4))
    beats = np.array([0.0, 2.0, 4.0])
    still = means(
        ll.interp(A.freeze(at(2)), B.freeze(at(2)), ll.line(0, 1, 4)).extend(2), [0, 1, 2], beats
    )
    slower = means(
        ll.interp(A.freeze(at(2)), B.freeze(at(2)), ll.line(0, 1, 4)).slow(2), [0, 1, 2], beats
    )
    np.testing.assert_allclose(still, [2, 5, 8], atol=0.01)
    np.testing.assert_allclose(slower, [2, 3.5, 5], atol=0.01)
    assert length(ramp.extend(2)) == length(ramp.slow(2)) == 20


def test_repeat_goes_round_the_shorter():
    short = A.slice(0, at(3))
    got = means(ll.interp(B, short, 1, match="repeat"), [0, 1, 2, 3, 4, 5, 9])
    np.testing.assert_allclose(got, [0, 1, 2, 0, 1, 2, 0], atol=0.01)


def test_points_of_chance_keep_their_variance_everywhere():
    frames = np.arange(0, 400, 0.25)
    for latent in (ll.noise(1), ll.drift(1, 0.5)):
        values = asked(latent, frames).mean
        assert values.std() == pytest.approx(1.0, abs=0.05)
        assert asked(latent, frames).std.max() == 0.0
    still = asked(ll.prior(1), frames).mean
    assert (still == still[0]).all()
    assert not np.array_equal(still[0], asked(ll.prior(2), frames).mean[0])
    assert not np.array_equal(still[0], asked(ll.prior(1).seed(9), frames).mean[0])


def test_drift_is_smooth_and_noise_is_not():
    frames = np.arange(0, 40, 0.1)
    smooth = np.abs(np.diff(asked(ll.drift(1, 4), frames).mean, axis=0)).max()
    rough = np.abs(np.diff(asked(ll.noise(1), frames).mean, axis=0)).max()
    assert smooth < 0.3 < rough


def test_slerp_keeps_the_length_on_the_way():
    a, b = (ll.z(v) for v in RNG.standard_normal((2, W)).astype("f4"))
    on_the_way = asked(ll.slerp(a, b, ll.line(0, 1, 1)), [0, 1, 2, 3, 4]).mean
    lengths = np.linalg.norm(on_the_way, axis=1)
    ends = lengths[[0, -1]]
    assert lengths.min() >= ends.min() * 0.999
    assert lengths.max() <= ends.max() * 1.001
    straight = asked(ll.interp(a, b, 0.5), [0]).mean
    assert np.linalg.norm(straight) < 0.9 * ends.min()
    same = asked(ll.slerp(a, a, 0.5), [0]).mean
    np.testing.assert_allclose(same, asked(a, [0]).mean, atol=1e-6)


def test_extrapolation_stays_sane_and_exact_mode_does_not_clamp():
    wide = ll.interp(A, A.spread(16), 9)
    latents = asked(wide, [3])
    assert latents.std[0, 0] == pytest.approx(1.0, rel=2e-3)  # the nearer end's
    shrunk = asked(ll.interp(A.spread(16), A, 9), [3])
    assert shrunk.std.min() >= 0.0
    far = means(ll.interp(A, B, 50), [2])
    assert far[0] == pytest.approx(2 + 1.5 * (8 - 2), abs=0.01)
    scope = Rendering(wide.exact(), SPACE, SOUNDS).scope
    exact = ask(wide, scope, np.array([3.0]), np.array([3.0]), 0)
    assert exact.std[0, 0] == pytest.approx((1 + 9 * 15) / 16, rel=2e-3)


def test_logvar_is_the_geometric_way():
    wide = A.spread(16)
    std = asked(ll.interp(A, wide, 0.5), [0]).std[0, 0]
    logvar = asked(ll.interp(A, wide, 0.5, law="logvar"), [0]).std[0, 0]
    assert std == pytest.approx((1 + 1 / 16) / 2, rel=2e-3)
    assert logvar == pytest.approx(0.25, rel=2e-3)


def test_jitter_shakes_by_the_amount():
    shaken = asked(A.freeze(0).jitter(0.5), np.arange(500.0)).mean
    assert shaken.std() == pytest.approx(0.5, abs=0.02)


def test_norm_brings_different_sounds_to_one_loudness():
    noise = RNG.standard_normal(20_000).astype("f4")
    loud, quiet = (
        Rendering(ll.sound(noise * g).spread(0).norm(), SPACE, SOUNDS) for g in (0.5, 0.02)
    )
    levels = [20 * np.log10(r.samples(2000, 18_000).std()) for r in (loud, quiet)]
    assert levels == pytest.approx([-20, -20], abs=0.5)
    silent = Rendering(ll.sound(np.zeros(2000)).norm(), SPACE, SOUNDS).samples(0, 2000)
    assert np.isfinite(silent).all()


def test_another_model_by_name(tmp_path):
    path = tmp_path / "small.safetensors"
    save_model(path, RawAudioVAE(random_weights(128, 32, 8)), {})
    texture = ll.interp(A, ll.z(np.zeros(8)), 0.5).on(str(path))
    rendering = Rendering(texture, SPACE, SOUNDS)
    assert rendering.space.window == 128
    assert len(rendering.samples(0, 640)) == 640
    assert check(texture, SPACE.facts, SOUNDS, BEAT) == 5
    with pytest.raises(ModelError, match="no file"):
        Rendering(A.on(str(tmp_path / "none.safetensors")), SPACE, SOUNDS)


@pytest.mark.parametrize("rate", [22050, 48000])
def test_a_model_of_another_rate_is_resampled(tmp_path, rate):
    path = tmp_path / "other.safetensors"
    save_model(path, RawAudioVAE(random_weights(128, 32, 8), rate), {})
    texture = ll.interp(A, B, 0.5).on(str(path))
    rendering = Rendering(texture, SPACE, SOUNDS)
    assert rendering.length == pytest.approx(len(RAMP), abs=2)
    seconds = float(check(texture, SPACE.facts, SOUNDS, BEAT)) * 128 / rate
    assert seconds * 44100 == pytest.approx(rendering.length, abs=2)
    assert rendering.samples(0, len(RAMP)).any()


@pytest.mark.parametrize("texture", [ll.cluster(3), ll.near(ll.sound("gong"), 2)], ids=repr)
def test_what_needs_a_map_says_so(texture, tmp_path):
    from latentlive.corpus import Corpus

    sounds = corpus_sounds(Corpus(tmp_path), 44100)
    with pytest.raises(SoundError, match="has no map yet"):
        check(texture, SPACE.facts, sounds, BEAT)


@pytest.mark.parametrize(
    ("texture", "line"),
    [
        (ll.z([1, 2]), "z: the space has 64 dimensions, got 2"),
        (A.dim(64, 0), "dim: i must be below the space's 64 dimensions, got 64"),
        (A.loop().rev(), "rev: .* never ends, so it has no whole; slice it first"),
        (ll.drift(1).scrub(0), "scrub: .* never ends"),
        (ll.cat(ll.silence, A), "cat: silence never ends"),
        (A.slice(at(10), at(12)), "slice: start must be before the end at 0.01 seconds, got 0.01"),
        (A.early(3), "early: nothing is left after 3 beats; it lasts 2.50"),
        (ll.steps(ll.silence, ll.prior(1)), "steps: both sounds never end; slice one"),
    ],
    ids=repr,
)
def test_what_has_no_meaning_is_refused_when_checked(texture, line):
    with pytest.raises(ExpressionError, match=line):
        check(texture, SPACE.facts, SOUNDS, BEAT)


def test_roots_combine_but_only_once():
    assert A.norm().exact().on("m.safetensors") != A.exact()
    for bad in (
        lambda: A.exact().overlap(2),
        lambda: A.overlap(2).norm().overlap(4),
        lambda: A.norm().norm(),
    ):
        with pytest.raises(ExpressionError, match="is set already"):
            bad()


def test_a_loop_reads_round_its_end():
    """The window over the seam holds the end and the beginning, not silence."""
    tone = ll.sound((np.sin(np.arange(10 * W) * 2 * np.pi * 5 / W)).astype("f4")).spread(0)
    looped = Rendering(tone.loop(), ToySpace(), SOUNDS).samples(W, 30 * W)
    expected = np.sin(np.arange(W, 30 * W) * 2 * np.pi * 5 / W)
    assert np.abs(looped - expected).max() < 1e-3


@pytest.mark.parametrize("amount", [-9, -1, -0.5, 1.5, 2, 9])
def test_extrapolating_real_sounds_stays_within_12_db(recordings, amount):
    from benchmarks.seams import level, rendered
    from latentlive.corpus import Corpus
    from latentlive.models import load_model

    spaces, sounds = Spaces(load_model("rawaudiovae")), corpus_sounds(Corpus(recordings), 44100)
    for one, other in (("ambi_choir", "ambi_lunar_land"), ("vinyl_backspin", "ambi_swoosh")):
        a, b = ll.sound(one), ll.sound(other)
        far = rendered(ll.interp(a, b, amount), spaces, sounds)
        assert np.isfinite(far).all()
        inputs = [level(rendered(x, spaces, sounds)[: len(far)]) for x in (a, b)]
        assert level(far) < max(inputs) + 12
