"""The mixer: pure, the same bits for every block size."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from latentlive.curves import Num
from latentlive.engine.desk.fades import Fade, Reading, Setting
from latentlive.engine.output.player import Player
from latentlive.engine.shared import ALL_RINGS, MISSING, POSITION, RUNNING, Shared
from latentlive.mixer import GRID, mix
from latentlive.units import Tempo

RATE = 44100


def test_gains_go_straight_from_point_to_point():
    audio = np.ones((1, 128), np.float32)
    gains = np.array([[[0, 1, 0.5]], [[1, 1, 1]]], np.float32)
    out = mix(audio, gains)
    np.testing.assert_allclose(out[:64, 0], np.arange(64) / 64)
    np.testing.assert_allclose(out[64:, 0], 1 - 0.5 * np.arange(64) / 64)
    assert (out[:, 1] == 1).all()


def test_no_voice_is_silence():
    assert not mix(np.empty((0, 64), np.float32), np.empty((2, 0, 2), np.float32)).any()


def _filled(seed=0, voices=20, length=64 * 600):
    rng = np.random.default_rng(seed)
    shared = Shared.create()
    for voice in range(voices):
        shared.ready[voice] = 0
        shared.write_audio(voice, 0, rng.standard_normal(length).astype(np.float32) * 0.05)
        shared.gains[:, voice, : length // GRID + 1] = rng.random((2, length // GRID + 1))
        shared.active[voice] = 1
    shared.header[RUNNING] = 1
    return shared


def _heard(shared, sizes):
    shared.header[POSITION] = 0
    player, parts = Player(shared), []
    for size in sizes:
        out = np.empty((size, 2), np.float32)
        player.fill(out)
        parts.append(out)
    return np.concatenate(parts)


def test_the_mix_has_the_same_bits_for_every_block_size():
    shared = _filled()
    total = 64 * 512
    whole = _heard(shared, [total])
    for size in (64, 100, 128, 441, 512, 1024, 1000):
        sizes = [size] * (total // size)
        assert np.array_equal(_heard(shared, sizes), whole[: sum(sizes)]), size


def test_what_is_heard_is_left_on_the_tap():
    shared = _filled()
    heard = _heard(shared, [512] * 20)
    assert np.array_equal(shared.read_tap(0, 512 * 20), heard)


def test_nothing_moves_before_the_transport():
    shared = _filled()
    shared.header[RUNNING] = 0
    assert not _heard(shared, [512, 512]).any()
    assert shared.header[POSITION] == 0


def test_a_voice_is_heard_in_whole_cells_and_what_is_not_ready_is_counted():
    shared = _filled(voices=1, length=1000)
    shared.gains[:, 0, :] = 1.0
    out = _heard(shared, [2048])
    assert out[:960].any()
    assert not out[960:].any()
    # The limiter looks 17 cells ahead of what is heard.
    assert shared.header[MISSING] == 2048 + 17 * GRID - 960


def _loud(level):
    """Return a block with one voice: noise that rises from silence to far above full scale."""
    rng = np.random.default_rng(2)
    length = 64 * 1500
    shared = Shared.create()
    noise = rng.standard_normal(length) * np.linspace(0.01, level, length)
    bursts = np.sin(np.arange(length) * np.pi / 2 + np.pi / 4) * level * (rng.random(length) > 0.4)
    shared.write_audio(0, 0, (noise + bursts * (np.arange(length) > 50_000)).astype(np.float32))
    shared.gains[:, 0, : length // GRID + 1] = 1.0
    shared.active[0] = 1
    shared.header[RUNNING] = 1
    return shared


def true_peak_db(samples):
    """Return the peak of a sixteenfold oversampled signal in dBFS."""
    oversampled = soxr.resample(samples.astype(np.float64), 1, 16, "VHQ")
    return 20 * np.log10(np.abs(oversampled).max())


@pytest.mark.parametrize("level", [0.5, 2.0, 8.0])
def test_true_peaks_stay_below_1_dbfs(level):
    heard = _heard(_loud(level), [512] * 170)
    assert np.abs(heard).max() > 0.5
    assert -1.6 < true_peak_db(heard) <= -0.7


def test_what_is_below_the_ceiling_passes_bit_for_bit():
    shared = _filled(voices=3)
    gains_now = shared.gains[:, :3, : 64 * 512 // GRID + 1]
    dry = mix(shared.audio[:3, : 64 * 512], gains_now)
    assert np.abs(dry).max() < 0.6
    assert np.array_equal(_heard(shared, [64 * 512]), dry)


@pytest.mark.parametrize("size", [64, 100, 441, 512, 1000])
def test_the_limiter_has_the_same_bits_for_every_block_size(size):
    shared = _loud(4.0)
    whole = _heard(shared, [64 * 1000])
    sizes = [size] * (64 * 1000 // size)
    assert np.array_equal(_heard(shared, sizes), whole[: sum(sizes)])


def test_the_limiter_comes_before_the_peak_and_leaves_slowly():
    shared = Shared.create()
    samples = np.full(64 * 1000, 0.1, np.float32)
    samples[30_000] = 4.0
    shared.write_audio(0, 0, samples)
    shared.gains[:, 0, :1001] = 1.0
    shared.active[0] = 1
    shared.header[RUNNING] = 1
    gain = _heard(shared, [64 * 900])[:, 0] / samples[: 64 * 900]
    assert (gain[: 30_000 - 18 * 64] == 1.0).all()
    assert (gain[30_000 + 90 * 64 :] == 1.0).all()
    assert gain.min() < 0.25
    assert np.abs(np.diff(gain)).max() < 1 / 512


def test_all_voices_fit_the_block():
    assert len(Shared.create().active) == ALL_RINGS


@pytest.mark.parametrize("low", [0.0, 0.3, 1.0])
def test_opposite_fades_keep_their_power_and_ends_are_exact(low):
    samples = np.arange(-100, 1200)
    up, down = Fade(0, 1000, 0.0, 1.0), Fade(0, 1000, 1.0, 0.0)
    power = up.gain(samples) ** 2 + down.gain(samples) ** 2
    np.testing.assert_allclose(power, 1.0, atol=1e-12)
    assert up.gain(np.array([0, 1000, 5000])).tolist() == [0.0, 1.0, 1.0]


def test_an_interrupted_fade_starts_from_what_sounds():
    fade = Fade(0, 1000, 0.0, 1.0)
    turned = fade.towards(0.0, 300, 500)
    assert turned.gain(np.array([300]))[0] == pytest.approx(fade.gain(np.array([300]))[0])
    assert turned.gain(np.array([800]))[0] == 0.0


def test_until_a_fade_begins_the_one_before_it_goes_on():
    up = Fade(0, 1000, 0.0, 1.0)
    later = up.towards(0.0, 800, 500)
    samples = np.arange(0, 1400, 100)
    np.testing.assert_array_equal(later.gain(samples[:8]), up.gain(samples[:8]))
    again = later.towards(1.0, 1_000_000, 500).towards(0.0, 2_000_000, 500)
    assert len(again.past) == 1  # what lies far back is forgotten


def test_what_is_set_at_one_moment_is_one_setting():
    setting = Setting().changed(5000, RATE, gain_db=Num(-6.0)).changed(5000, RATE, pan=Num(1.0))
    assert setting.past == (Setting(),)
    assert (setting.gain_db, setting.pan) == (Num(-6.0), Num(1.0))
    samples = np.arange(0, 10_000, GRID)
    together = Setting().changed(5000, RATE, gain_db=Num(-6.0), pan=Num(1.0))
    np.testing.assert_array_equal(
        setting.gains(samples, Reading(0, Tempo(), 0)),
        together.gains(samples, Reading(0, Tempo(), 0)),
    )


def test_settings_glide_and_pan_keeps_power():
    setting = Setting().changed(5000, RATE, gain_db=Num(-6.0), pan=Num(1.0))
    samples = np.arange(0, 10_000, GRID)
    gains = setting.gains(samples, Reading(0, Tempo(), 0))
    np.testing.assert_allclose(gains[:, samples < 5000], np.sqrt(0.5))
    after = gains[:, samples >= 5000 + 1024]
    np.testing.assert_allclose(after[0], 0.0, atol=1e-12)
    np.testing.assert_allclose(after[1], 10 ** (-6 / 20))
    assert np.abs(np.diff(gains, axis=1)).max() < 0.06
    muted = Setting().changed(0, RATE, gain_db=Num(-120.0))
    assert not muted.gains(np.array([5000]), Reading(0, Tempo(), 0)).any()
