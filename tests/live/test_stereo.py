"""A stereo layer, a mono one and a wide one, through a real engine, its replay and its bounce."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import latentlive as ll
from latentlive.cli import main
from latentlive.corpus.frozen import frozen_file
from tests.live.conftest import RATE, wait_until

pytestmark = pytest.mark.device

RNG = np.random.default_rng(41)
LEFT, RIGHT = ((RNG.standard_normal(RATE) * 0.2).astype("f4") for _ in range(2))


def read(path):
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def run(*words):
    told = CliRunner().invoke(main, [str(word) for word in words])
    assert told.exit_code == 0, told.output


def power(samples):
    return np.mean(samples.astype(np.float64) ** 2, axis=0)


def test_live_replay_and_bounce_hold_the_same_channels(tmp_path):
    sounds, log, out = (tmp_path / name for name in ("sounds", "evening.py", "heard.wav"))
    sounds.mkdir()
    soundfile.write(sounds / "hard.wav", np.stack([0 * RIGHT, RIGHT], 1), RATE, "FLOAT")
    soundfile.write(sounds / "both.wav", np.stack([LEFT, RIGHT], 1), RATE, "FLOAT")
    soundfile.write(sounds / "one.wav", LEFT, RATE, "FLOAT")
    said = []
    options = {"corpus": sounds, "model": "toy", "silent": True, "say": said.append}
    with ll.Engine(**options, out=out, log=log, seed=2) as live:
        with live.cell():
            live.d1 >> ll.sound("hard").extend(2).spread(0)
            live.d2.gain(-12) >> ll.sound("one").slow(2).spread(0)
            live.d3.wide(0.8).gain(-12) >> ll.sound("one").extend(3)
            live.d4.pan(0) >> ll.sound("both").extend(2).spread(0).mono()
        wait_until(lambda: live.state.get("beat", 0) >= 1.5, 30, "a beat and a half")
        live.d4.pan(0.5).morph(1) >> ll.sound("both").spread(0)
        wait_until(lambda: live.state.get("beat", 0) >= 4, 30, "beat 4")
        live.hush(0.2)
        wait_until(lambda: live.state["silent"], 5, "silence")
        assert live.state["missing"] == 0
    heard = read(out)
    assert not any("cannot keep up" in line for line in said)

    again, mixed, stems = (tmp_path / name for name in ("again.wav", "mix.wav", "stems"))
    run("replay", log, "--silent", "--out", again)
    run("bounce", log, "-o", mixed, "--stems", stems, "--corpus", sounds)
    for found in (read(again), read(mixed)):
        shared = min(len(found), len(heard))
        assert shared > 4 * RATE
        assert np.array_equal(found[:shared], heard[:shared])

    layers = {path.stem: read(path)[: 4 * RATE] for path in stems.iterdir()}
    assert sorted(layers) == ["d1", "d2", "d3", "d4"]
    left, right = power(layers["d1"])
    assert right > 1e-3
    assert left < 1e-9 * right
    assert np.array_equal(*layers["d2"].T)
    assert not np.array_equal(*layers["d3"].T)
    left, right = power(layers["d4"][:RATE])
    assert left > 1e-4
    assert right < 1e-9 * left
    assert abs(np.corrcoef(*layers["d4"][-RATE // 2 :].T)[0, 1]) < 0.2


def test_a_frozen_stereo_texture_plays_its_own_samples(tmp_path):
    sounds, out = tmp_path / "sounds", tmp_path / "heard.wav"
    sounds.mkdir()
    soundfile.write(sounds / "both.wav", np.stack([LEFT, RIGHT], 1), RATE, "FLOAT")
    with ll.Engine(corpus=sounds, model="toy", silent=True, out=out) as live:
        frozen = ll.sound("both").frozen("pair of channels")
        live.d1.fade(0) >> frozen
        wait_until(lambda: live.shown("d1"), 30, "what is frozen")
        begun = live.state["position"]
        wait_until(lambda: live.state["position"] > begun + 3 * RATE, 30, "three seconds of it")
    heard = read(out)
    kept = read(frozen_file("pair of channels"))
    assert kept.shape == (RATE, 2)
    first = np.flatnonzero(heard.any(axis=1))[0] - 1  # its fade begins at 0
    gain = np.float32(10 ** (-9 / 20) * np.cos(np.pi / 4))
    expected = np.tile(kept, (2, 1)) * gain
    assert np.allclose(heard[first + 128 :][: 2 * RATE - 128], expected[128:], atol=1e-5)
