"""What is heard along a recording, as a curve."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.errors import ExpressionError, LatentliveError
from latentlive.latent import freezing_by
from latentlive.renderer import contours
from latentlive.renderer.freezing import Here
from tests.freezing.conftest import opened

RATE = 44100


def rising(seconds=4.0, low=220.0, octaves=1.0):
    """Return a tone with four harmonics that rises, and grows from -20 dB by 10 dB."""
    t = np.arange(round(seconds * RATE)) / RATE
    hz = low * 2.0 ** (octaves * t / seconds)
    phase = 2.0 * np.pi * np.cumsum(hz) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 5))
    level = 10.0 ** (np.linspace(-20.0, -10.0, len(t)) / 20.0)
    return (tone / np.sqrt(np.mean(tone**2)) * level).astype(np.float32)


TONE = rising()


def test_pitch_loudness_and_centroid_are_those_of_the_tone_in_their_own_units():
    beats = np.array([0.5, 1.0, 2.0, 3.5])
    pitch = ll.contour(TONE, "pitch").at(beats)
    assert np.abs(12.0 * np.log2(pitch / (220.0 * 2.0 ** (beats / 4.0)))).max() < 0.3
    assert np.allclose(ll.contour(TONE, "loudness").at(beats), -20.0 + 2.5 * beats, atol=0.3)
    centroid = ll.contour(ll.sound(TONE), "centroid").at(beats)
    assert np.abs(np.log2(centroid / pitch) - np.log2(centroid / pitch).mean()).max() < 0.05
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * np.float32(0.1)
    assert ll.contour(TONE, "flatness").at([2]) < -8 < -4 < ll.contour(noise, "flatness").at([0.5])


def test_a_deep_modulation_is_rough_and_a_slow_one_is_not():
    t = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * 1000 * t)
    rough, slow, plain = (
        ll.contour(0.3 * (1 + depth * np.cos(2 * np.pi * hz * t)) * tone, "roughness").at([0.5])[0]
        for hz, depth in ((70, 1), (4, 1), (70, 0))
    )
    assert rough > 0.5
    assert slow < 0.05
    assert plain < 0.05


def test_it_repeats_or_holds_its_end_and_can_be_asked_anywhere():
    looped, held = ll.contour(TONE), ll.contour(TONE, loop=False)
    beats = np.linspace(0.1, 3.9, 50)
    assert np.allclose(looped.at(beats + 40_000.0), looped.at(beats))
    assert np.allclose(looped.at(beats - 8.0), looped.at(beats))
    assert np.array_equal(held.at([50.0, 5000.0]), held.at([4.0, 4.0]))
    assert np.array_equal(held.at([-3.0]), held.at([0.0]))
    shuffled = np.random.default_rng(0).permutation(beats)
    assert np.array_equal(looped.at(shuffled), [looped.at([beat])[0] for beat in shuffled])
    assert np.allclose(ll.fit(held).children[0].span, 4.0)


def test_it_composes_like_any_curve():
    loud = ll.contour(TONE, "loudness")
    moved = ((loud + 20.0) / 10.0).range(100, 200).smooth(0.1).slow(2).late(1)
    assert np.allclose(moved.at([5.0]), 100.0 + 100.0 * 0.5, atol=3)
    assert ll.loads(ll.dumps(moved)) == moved
    assert repr(ll.contour("gong", loop=False)) == "contour('gong', 'loudness', False)"


def test_silence_and_what_has_no_pitch_hold_the_last_value():
    sound = np.concatenate([TONE[:RATE], np.zeros(RATE, np.float32)])
    centroid = ll.contour(sound, "centroid", loop=False)
    assert centroid.at([1.5]) == centroid.at([2.0])
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * np.float32(0.1)
    with pytest.raises(ExpressionError, match="contour: the array has no pitch"):
        ll.contour(noise, "pitch")
    with pytest.raises(ExpressionError, match="contour: the array has no centroid"):
        ll.contour(np.zeros(100, np.float32), "centroid")


def test_it_is_kept_and_lasts_longer_than_its_recording(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "cache"))
    soundfile.write(tmp_path / "tone.wav", TONE, RATE, "FLOAT")
    with freezing_by(Here("toy", tmp_path)):
        first = ll.contour("tone", "pitch")
        monkeypatch.setitem(contours.MEASURES, "pitch", (2048, None))
        assert ll.contour("tone", "pitch") == first
        (path,) = (tmp_path / "cache" / "contours").iterdir()
        monkeypatch.undo()
        monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "cache"))
        for damaged in (b"", path.read_bytes()[:-8], b"\x93NUMPY" + bytes(99)):
            path.write_bytes(damaged)
            assert ll.contour("tone", "pitch") == first
        text = ll.dumps(first)
        (tmp_path / "tone.wav").unlink()
    assert ll.loads(text).at([1.0]) == first.at([1.0])


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("gnog",), "no 'gnog' in corpus"),
        (("gong", "hue"), "descriptor must be 'centroid' or"),
        ((ll.noise(1),), "sound must be a recording such as 'gong'"),
        ((3,), "sound must be a recording"),
        (("gong", "pitch", 1), "loop must be True or False"),
        ((np.zeros(601 * RATE, np.float32),), "lasts 601 seconds, 600 is the most"),
    ],
)
def test_what_is_no_recording_is_refused(given, why):
    with pytest.raises(LatentliveError) as caught:
        ll.contour(*given)
    assert why in str(caught.value)


def test_a_contour_drives_levels_and_textures_of_an_engine(tmp_path):
    soundfile.write(tmp_path / "tone.wav", TONE, RATE, "FLOAT")
    with opened(tmp_path) as live:
        live.d1 >> ll.sound("tone").extend(2)
        live.d1.gain(ll.contour("tone", "loudness")).pan(ll.contour("tone", "pitch").range(0, 1))
        live.d2 >> ll.interp(ll.sound("tone"), ll.noise(1), ll.contour("tone", "roughness"))
        live.wait_for(lambda: len(live.fresh()["layers"]) == 2, 20)
