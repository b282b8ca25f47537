"""Thumbnails: what the features of plain sounds must be, however the sound arrives."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from latentlive.corpus.features import of_file, thumbnail
from latentlive.corpus.streams import streamed
from latentlive.corpus.thumbnails import NAMES, WEIGHTS, Scale, arousal, valence
from latentlive.errors import SoundError

RATE = 44100
TIME = np.arange(2 * RATE) / RATE


def features(samples):
    """Return the features of some samples by name."""
    values = thumbnail([np.asarray(samples, np.float32)])
    return dict(zip(NAMES, values, strict=True))


def test_the_thumbnail_is_that_of_published_maps():
    assert len(NAMES) == 35
    assert NAMES[:5] == ("duration", "valence", "arousal", "loudness_mean", "loudness_std")
    assert NAMES[5] == "mfcc0_mean"
    assert NAMES[18] == "mfcc0_std"
    assert NAMES[31:] == ("decrease_mean", "decrease_std", "f0_mean", "f0_std")
    assert WEIGHTS[5:31] == pytest.approx(1 / 13)
    assert (np.delete(WEIGHTS, np.arange(5, 31)) == 1).all()


@pytest.mark.parametrize("hz", [110.0, 440.0, 1200.0])
def test_a_tone_has_its_pitch_and_a_steady_everything(hz):
    tone = features(0.5 * np.sin(2 * np.pi * hz * TIME))
    assert tone["f0_mean"] == pytest.approx(hz, rel=0.01)
    assert tone["duration"] == pytest.approx(2000.0)
    for name in ("f0_std", "loudness_std", "mfcc0_std", "decrease_std"):
        assert tone[name] < 0.01 * max(abs(tone[name.replace("_std", "_mean")]), 1), name


def test_louder_is_louder_and_a_fade_has_spread():
    tone = np.sin(2 * np.pi * 440 * TIME)
    quiet, loud = features(0.05 * tone), features(0.5 * tone)
    fading = features(0.5 * tone * np.linspace(1, 0, len(tone)))
    assert loud["loudness_mean"] > 1.5 * quiet["loudness_mean"]
    assert fading["loudness_std"] > 2 * loud["loudness_std"]


def test_bass_decreases_and_hiss_does_not():
    low = features(0.5 * np.sin(2 * np.pi * 60 * TIME))
    hiss = features(0.1 * np.random.default_rng(0).standard_normal(2 * RATE))
    assert low["decrease_mean"] < -0.5 < hiss["decrease_mean"]


def test_valence_and_arousal_are_the_given_formulas():
    ones = dict.fromkeys(("loudness_mean", "flatness_mean", "mfcc1_std", "mfcc5_std"), 1.0)
    felt = valence(**ones, decrease_std=1.0)
    assert felt == pytest.approx(-0.061 + 0.588 + 0.302 + 0.361 - 0.229 - 0.169)
    names = "loudness_mean loudness_std tristimulus2_std tristimulus3_mean mfcc3_std mfcc5_std"
    stirred = arousal(**dict.fromkeys(names.split(), 2.0), mfcc11_std=2.0)
    slopes = 0.060 + 0.087 + 1.905 + 0.698 - 0.421 + 1.164 + 0.506
    assert stirred == pytest.approx(2 * slopes - 1.551)


@pytest.mark.parametrize("cut", [1, 1000, 1024, 2048, 77_777])
def test_the_blocks_in_which_a_sound_comes_do_not_matter(cut):
    length = 3 if cut == 1 else 600_000
    samples = np.random.default_rng(1).standard_normal(length).astype("f4") * 0.1
    blocks = [samples[i : i + cut] for i in range(0, length, cut)]
    assert np.array_equal(thumbnail(blocks), thumbnail([samples]))


@pytest.mark.parametrize("samples", [np.zeros(1), np.zeros(RATE), np.ones(1), np.ones(RATE)])
def test_silence_and_a_single_sample_have_finite_features(samples):
    found = thumbnail([samples.astype(np.float32)])
    assert np.isfinite(found).all()
    assert found[NAMES.index("valence")] > -1
    if not samples.any():
        assert found[NAMES.index("loudness_mean")] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("suffix", "rate", "channels", "subtype"),
    [
        (".wav", 22050, 1, "PCM_U8"),
        (".wav", 96000, 2, "PCM_32"),
        (".wav", 48000, 6, "FLOAT"),
        (".flac", 44100, 2, "PCM_24"),
        (".ogg", 32000, 1, "VORBIS"),
        (".mp3", 44100, 2, "MPEG_LAYER_III"),
        (".aiff", 8000, 1, "PCM_16"),
    ],
)
def test_any_format_rate_and_channels_give_nearly_the_same(
    tmp_path, suffix, rate, channels, subtype
):
    time = np.arange(rate) / rate
    tone = 0.4 * np.sin(2 * np.pi * 330 * time) + 0.1 * np.sin(2 * np.pi * 990 * time)
    path = tmp_path / f"Über tön{suffix}"
    soundfile.write(path, np.repeat(tone[:, None], channels, 1), rate, subtype=subtype)
    found, error = of_file(str(path))
    assert error == ""
    named = dict(zip(NAMES, found, strict=True))
    assert named["f0_mean"] == pytest.approx(330, rel=0.02)
    assert named["duration"] == pytest.approx(1000, rel=0.06)  # mp3 begins with a little silence


def test_streaming_reads_what_reading_reads(tmp_path):
    samples = np.random.default_rng(2).standard_normal((70_000, 2)).astype("f4") * 0.1
    path = tmp_path / "x.wav"
    soundfile.write(path, samples, 44100, subtype="FLOAT")
    whole = np.concatenate(list(streamed(path, 44100, block=999)))
    assert np.array_equal(whole, samples.mean(axis=1))
    slower = np.concatenate(list(streamed(path, 22050, block=999)))
    assert abs(len(slower) - 35_000) <= 1
    with pytest.raises(SoundError, match="cannot read"):
        list(streamed(tmp_path / "none.wav", 44100))


def test_the_scale_and_its_inverse():
    raw = np.random.default_rng(3).standard_normal((50, 35)) * 7 + 3
    raw[:, 4] = 2.5  # a feature that never differs
    scale = Scale.of(raw)
    normal = scale.normal(raw)
    assert normal.mean(axis=0) == pytest.approx(0.0)
    assert normal.std(axis=0) == pytest.approx(np.where(np.arange(35) == 4, 0, WEIGHTS))
    assert scale.raw(normal) == pytest.approx(raw)
