"""The real device path: what comes out of PortAudio is the offline render, sample for sample."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.models import load_model
from latentlive.renderer import Rendering, corpus_sounds
from tests.live.conftest import RATE, wait_until

pytestmark = pytest.mark.device
GRID = 64


def gains(length, fades, gain_db, pan):
    """Return left and right gain per sample, written out anew: fades on a quarter circle,
    equal-power pan, a master of -9 dB, straight lines between points 64 samples apart."""
    points = np.arange(0, length + GRID, GRID)
    level = np.full(len(points), 10 ** ((gain_db - 9.0) / 20))
    for start, beats, rising in fades:
        x = np.clip((points - start) / (beats * RATE), 0, 1) * math.pi / 2
        level = level * (np.sin(x) if rising else np.cos(x))
    sides = np.stack([level * math.cos(pan * math.pi / 2), level * math.sin(pan * math.pi / 2)])
    return np.stack([np.interp(np.arange(length), points, side) for side in sides], axis=1)


def looped(texture, corpus, slot, length):
    """Return the offline samples of a texture as a layer plays it."""
    space = load_model()
    sounds = corpus_sounds(corpus, space.sample_rate)
    return Rendering(texture, space, sounds, slot=slot, looped=True).samples(0, length)


def aligned(captured, expected):
    """Return the capture from the sample on where `expected` begins."""
    probe = expected[: 2 * RATE, 0]
    size = 1 << (len(captured) + len(probe)).bit_length()
    spectrum = np.fft.rfft(captured[:, 0], size) * np.conj(np.fft.rfft(probe, size))
    offset = int(np.argmax(np.fft.irfft(spectrum, size)))
    return captured[offset : offset + len(expected)]


def layer_state(live, name):
    found = [one for one in live.state.get("layers", []) if one["name"] == name]
    return found[0] if found else {}


def test_device_hears_the_offline_render_sample_for_sample(sink, recordings, tmp_path):
    corpus = Corpus(recordings)
    first = ll.interp(ll.sound("ambi_choir"), ll.sound("ambi_lunar_land"), ll.sine(4)).extend(2)
    first, second = first.mono(), ll.sound("loop_amen").slow(2).mono()
    third = ll.sound("ambi_dark_woosh").extend(4).mono()
    heard = tmp_path / "heard.wav"
    capture = sink.capture()
    with ll.Engine(corpus=corpus, out=heard) as live:
        with live.cell():
            live.d1 >> first
            live.d1.gain(-3).pan(0.25)
            live.d2 >> second
        wait_until(lambda: live.state.get("seconds", 0) > 1.2, 20, "two layers to sound")
        assert live.state["device"]
        live.d1 >> third
        wait_until(lambda: live.shown("d1") == repr(third), 5, "the new texture to land")
        wait_until(lambda: live.state["seconds"] > 5.0, 10, "it to sound")
        swapped = layer_state(live, "d1")["since"]
        state = live.state
    captured = capture.stop()
    assert state["underflows"] == 0
    assert state["missing"] == 0
    assert swapped % RATE < GRID  # on the beat

    length = 5 * RATE
    old, new = looped(first, corpus, 0, length), looped(third, corpus, 0, length)
    other = looped(second, corpus, 1, length)
    expected = (
        old[:, None] * gains(length, [(0, 0.1, True), (swapped, 1, False)], -3, 0.25)
        + new[:, None] * gains(length, [(swapped, 1, True)], -3, 0.25)
        + other[:, None] * gains(length, [(0, 0.1, True)], 0, 0.5)
    )
    assert np.abs(expected).max() > 0.02
    recorded = ll_read(heard)
    assert np.abs(recorded[:length] - expected).max() < 1e-6
    came_out = aligned(captured, expected)
    assert len(came_out) == length
    assert np.abs(came_out - expected).max() < 1e-6


def ll_read(path):
    import soundfile

    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def test_hush_fades_to_silence_without_a_click(sink, tmp_path):
    tone = np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE).astype(np.float32) * 0.5
    capture = sink.capture()
    with ll.Engine(model="toy") as live:
        live.d1 >> ll.sound(tone).spread(0)
        wait_until(lambda: live.state.get("seconds", 0) > 1.0, 20, "the tone to sound")
        live.hush(0.5)
        wait_until(lambda: live.state["silent"], 5, "silence")
        time.sleep(0.5)
    heard = capture.stop()[:, 0]
    peak = np.abs(heard).max()
    assert peak > 0.05
    # A sine of 220 Hz moves at most 3.2 % of its peak in a sample; a click would move more.
    assert np.abs(np.diff(heard)).max() < 0.05 * peak
    assert np.abs(heard[-RATE // 4 :]).max() == 0.0


def test_a_worker_killed_in_mid_render_is_replaced_and_the_layer_goes_on(sink, tmp_path):
    import os
    import signal

    said = []
    heard = tmp_path / "heard.wav"
    rng = np.random.default_rng(1)
    noise = (rng.standard_normal(3 * RATE) * 0.1).astype(np.float32)
    with ll.Engine(model="toy", out=heard, say=said.append) as live:
        live.d1 >> ll.sound(noise).spread(0)
        wait_until(lambda: live.state.get("seconds", 0) > 1.0, 20, "the layer to sound")
        killed_at = live.state["position"]
        os.kill(live.state["workers"][0], signal.SIGKILL)
        wait_until(lambda: live.state["position"] > killed_at + 4 * RATE, 20, "four more seconds")
        state = live.state
    assert any("a render worker died" in line for line in said)
    assert state["missing"] == 0
    samples = ll_read(heard)[:, 0]
    level = 10 ** (-9 / 20) * math.cos(math.pi / 4)
    at = np.arange(RATE, killed_at + 3 * RATE)
    assert np.abs(samples[at] - noise[at % len(noise)] * level).max() < 2e-4
