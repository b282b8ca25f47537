"""Recordings beyond full scale, samples as whole numbers, and windows that are no numbers."""

from __future__ import annotations

import numpy as np
import pytest

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.engine.render.worker import Worker
from latentlive.engine.shared import Shared
from latentlive.errors import ExpressionError
from latentlive.models import load_model
from latentlive.protocol.clip import Clip, Source
from latentlive.protocol.rendering import Job, Load
from latentlive.renderer import Rendering, corpus_sounds
from latentlive.renderer.offline import prepare, render_file
from latentlive.space import ToySpace
from latentlive.units import Tempo

MODELS = ("rawaudiovae", "spectral", "toy")
WAVE = (np.sin(np.arange(20_000) / 15) * np.linspace(0.1, 0.9, 20_000)).astype("f4")
LOUD = ll.sound(WAVE * 4).spread(0)


def rebuilt(texture, model="rawaudiovae", **options):
    return ll.render(texture, model=model, **options)


@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "u1", "u2", "u4"])
def test_whole_numbers_are_scaled_by_their_type(kind):
    half = 2 ** (8 * np.dtype(kind).itemsize - 1)
    middle = half if kind[0] == "u" else 0
    whole = np.array([middle, middle + half // 2, middle - half], kind)
    assert ll.sound(whole) == ll.sound([0.0, 0.5, -1.0])


def test_whole_numbers_of_a_type_that_no_file_has_must_lie_within_full_scale():
    assert ll.sound(np.array([0, 1, -1])) == ll.sound([0.0, 1.0, -1.0])
    with pytest.raises(ExpressionError, match=r"sound: source of int64 has no full scale"):
        ll.sound(np.array([0, 12_000, -3]))
    assert ll.z(np.array([3, 4], np.int16)).vector.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("model", MODELS)
def test_values_of_16_bits_stored_as_floats_play_that_loud(model):
    heard = rebuilt(ll.sound(WAVE * 32768), model)
    assert np.isfinite(heard).all()
    loudness = np.sqrt(np.mean(heard.astype("f8") ** 2) / np.mean((WAVE.astype("f8") * 32768) ** 2))
    assert 0.5 < loudness < 2.0


def test_a_recording_hotter_than_full_scale_is_rebuilt_at_its_own_level():
    heard, wanted = rebuilt(LOUD), WAVE * 4
    error = (heard - wanted)[1000:-1000]
    assert 10 * np.log10(np.mean(wanted**2) / np.mean(error**2)) > 15.0
    assert np.array_equal(heard, rebuilt(ll.sound(WAVE * 2).spread(0)) * 2)


def test_beside_a_hot_recording_others_keep_their_level():
    quiet = ll.sound(WAVE * 0.25).spread(0)
    mixed = rebuilt(ll.interp(LOUD, quiet, 1))
    assert 0.7 < np.std(mixed) / np.std(WAVE * 0.25) < 1.4
    turned = rebuilt(ll.interp(quiet, LOUD, 0))
    assert np.array_equal(mixed, turned)


def test_norm_brings_hot_recordings_to_the_common_loudness():
    hot, calm = rebuilt(LOUD.norm()), rebuilt(ll.sound(WAVE / 2).spread(0).norm())
    assert np.std(hot) == pytest.approx(np.std(calm), rel=0.1)


def test_exact_samples_are_those_of_the_paper_at_any_level():
    model = load_model("rawaudiovae")
    windows = (WAVE[:20_000] * 4)[: 19 * 1024].reshape(19, 1024)
    paper = model.decode(model.encode(windows)[0]).reshape(-1)
    np.testing.assert_allclose(rebuilt(LOUD.exact())[: len(paper)], paper, atol=1e-5)


def test_what_is_hotter_than_full_scale_is_said_once(tmp_path):
    said = []
    find = corpus_sounds(Corpus(tmp_path), 44100, said.append)
    for samples in (WAVE * 4, WAVE * 4, WAVE, WAVE * 1.15):
        find(ll.sound(samples))
    assert len(said) == 1
    assert "is 11.1 dB above full scale and plays that loud; .gain(-11)" in said[0]


class Fragile(ToySpace):
    """A toy space that makes no numbers of large vectors."""

    def decode(self, z):
        return np.where(np.abs(z) > 100, np.float32(np.nan), z)


def test_a_window_that_is_not_finite_is_a_failed_render(tmp_path):
    path = tmp_path / "x.flac"
    rendering, total = prepare(ll.sound(WAVE) * 1e6, model=Fragile(1024))
    with pytest.raises(ExpressionError, match="the space 'toy' makes no sound of these latents"):
        render_file(path, rendering, total, lambda n: None)
    assert not list(tmp_path.iterdir())


def test_of_a_batch_only_the_voice_that_is_not_finite_fails():
    shared = Shared.create(2)
    worker = Worker(Fragile(1024), shared)
    for serial, texture in enumerate((ll.sound(WAVE), ll.sound(WAVE) * 1e6, ll.sound(WAVE).rev())):
        source = Source(texture, "", {})
        clip = Clip(source, 0, Tempo(60, 44100))
        worker.load(Load(serial, 0, (serial,), clip, 0.0, serial, 0))
    for start in (0, 5000):
        replies = worker.render([Job(serial, 0, start, start + 5000) for serial in range(3)])
        assert [reply.word for reply in replies] == ["rendered", "failed", "rendered"]
        assert "NaN or infinity" in replies[1].error
    for serial, texture in ((0, ll.sound(WAVE)), (2, ll.sound(WAVE).rev())):
        sounds = corpus_sounds(None, 44100)
        alone = Rendering(texture, Fragile(1024), sounds, slot=serial, looped=True)
        assert np.array_equal(shared.audio[serial][:10_000], alone.samples(0, 10_000))


@pytest.mark.parametrize("model", ["rawaudiovae", "toy"])
def test_stds_without_bound_stay_numbers(model):
    space = load_model(model)
    raw = space.encode
    space.encode = lambda windows: (raw(windows)[0], np.full((len(windows), space.dims), 1e4, "f4"))
    assert np.isfinite(ll.render(ll.sound(WAVE), model=space)).all()
