"""The sound input on a real device path: levels, grabbed sounds, their replay, and what fails."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.engine.log.bounced import bounce_file
from latentlive.engine.log.logbook import opened as opened_log
from tests.live.conftest import RATE, strict, wait_until
from tests.live.test_arriving import again, arrived, read

pytestmark = pytest.mark.device

RNG = np.random.default_rng(12)
NOISE = (RNG.standard_normal(2 * RATE) * 0.1).astype("f4")
LOUD = np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE).astype("f4")


@pytest.fixture(scope="module")
def stage(sink):
    """An input that hears what is played to it."""
    module = sink.microphone()
    yield sink
    sink.unplug(module)


@pytest.fixture
def corpus(tmp_path):
    """A corpus of one sound."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    soundfile.write(folder / "noise.wav", NOISE, RATE)
    return folder


def stereo(*left):
    """Return samples that are heard on the first channel only."""
    samples = np.concatenate(left)
    return np.stack([samples, np.zeros_like(samples)], axis=1)


def silence(seconds):
    return np.zeros(round(seconds * RATE), np.float32)


def opened(live):
    """Ask for the input, and wait for it."""
    with pytest.raises(ll.EngineError, match="grab: the input is opened now"):
        live.grab(1)
    return wait_until(lambda: live.state.get("input"), 20, "the input")


def heard_for(live, seconds):
    """Wait until the input has heard so much; return the sound of it."""

    def grabbed():
        with contextlib.suppress(ll.EngineError):
            return live.grab(seconds)

    return wait_until(grabbed, seconds + 10, "the input to hear enough")


def lag_of(found, played):
    """Return where something begins in a recording, by correlation [samples]."""
    size = 1 << (len(found) + len(played)).bit_length()
    spectrum = np.fft.rfft(found, size) * np.conj(np.fft.rfft(played, size))
    return int(np.argmax(np.fft.irfft(spectrum, size)))


def sound_process(live):
    """Return the process that listens, 0 if there is none."""
    listed = ["pgrep", "-P", str(live.welcome.pid), "-f", "inputs.sound"]
    found = subprocess.run(listed, capture_output=True, text=True).stdout.split()
    return int(found[0]) if found else 0


def test_no_input_is_opened_before_a_word_asks(stage, tmp_path):
    said = []
    with ll.Engine(model="toy", say=said.append) as live:
        live.d1 >> ll.sound(NOISE).spread(0)
        live.watch(1)
        live.learn("sea")
        wait_until(lambda: live.state.get("seconds", 0) > 1, 20, "a second")
        assert sound_process(live) == 0
        assert live.fresh()["input"] is None
        assert "input" not in repr(live.status)
        live.d1.gain(ll.level(1).range(-20, 0))
        name = wait_until(lambda: live.state["input"], 20, "the input")
        assert f"input      {name}" in repr(live.status)
    assert f"input on: {name}" in said


def test_a_level_follows_the_input_and_a_grabbed_sound_is_what_was_played(stage, tmp_path, corpus):
    """Live, replay and bounce are the same, also on a machine that has only the log's folder."""
    said, log, out = [], tmp_path / "evening.py", tmp_path / "heard.wav"
    options = {"corpus": corpus, "model": "toy", "silent": True, "input": "pulse"}
    with ll.Engine(**options, out=out, log=log, say=said.append) as live:
        steady = ll.sound(np.full(RATE, 0.2, np.float32)).spread(0)
        live.d1.fade(0).gain(ll.level(1).range(-40, 0)) >> steady
        followed = ll.interp(steady, ll.sound("noise"), ll.level(1, release=0.5))
        live.d2.fade(0).lead(1.5) >> followed
        wait_until(lambda: live.state.get("input"), 20, "the input")
        wait_until(lambda: live.state.get("seconds", 0) > 0.5, 20, "half a second")
        player = stage.play(stereo(silence(0.5), LOUD * 0.5, silence(0.7), NOISE, silence(0.3)))
        player.wait(20)
        door = live.grab(4, name="door")
        assert repr(door) == "sound('door')"
        live.d3.fade(0) >> door.spread(0)
        second = live.grab(1)
        live.d4.fade(0) >> ll.interp(second, ll.sound("noise"), ll.sine(1)).extend(2)
        wait_until(lambda: live.shown("d4"), 10, "the grabbed sounds")
        before = live.state["seconds"]
        wait_until(lambda: live.state["seconds"] > before + 1.5, 20, "them to be heard")
        assert live.state["input_gaps"] == 0
        live.hush(0.1)
        wait_until(lambda: live.state.get("silent"), 10, "silence")
    played = np.concatenate([LOUD * 0.5, silence(0.7), NOISE])
    (path,) = (tmp_path / "evening-grabbed").glob("*-door.flac")
    found = soundfile.read(path, dtype="float32")[0]
    assert len(found) == 4 * RATE
    lag = lag_of(found, NOISE)
    begin = max(lag - len(played) + len(NOISE), 0)
    expected = played[len(played) - len(NOISE) - (lag - begin) :]
    common = min(len(expected), len(found) - begin)
    assert common > 2 * RATE
    assert np.abs(found[begin : begin + common] - expected[:common]).max() < 2.0**-23

    lines = [json.loads(line) for line in log.with_suffix(".jsonl").read_text().splitlines()]
    taped = [line for line in lines if line.get("do") == "tape"]
    assert {line["source"] for line in taped} == {"level:1", "level:1:0.01:0.5"}
    values = np.array([[one["at"], one["value"]] for one in taped if one["source"] == "level:1"])
    assert values[:, 1].max() == pytest.approx(1 - 20 * np.log10(2) / 60, abs=0.01)
    assert np.diff(values[:, 0]).min() >= 0
    span = (values[-1, 0] - values[0, 0]) / RATE
    assert len(values) < 110 * span
    rising = values[:, 0][np.argmax(values[:, 1] > 0.5)]
    loud = values[:, 0][np.argmax(values[:, 1] > 0.85)]
    assert (loud - rising) / RATE < 0.1  # an attack of 10 ms

    heard = read(out)
    shutil.rmtree(os.environ["LATENTLIVE_CACHE"] + "/grabbed")
    shutil.rmtree(os.environ["LATENTLIVE_CACHE"] + "/audio")  # as on another machine
    bounce_file(log, tmp_path / "bounced.wav")
    bounced = read(tmp_path / "bounced.wav")
    same = min(len(bounced), len(heard))
    assert same > 6 * RATE
    assert np.array_equal(bounced[:same], heard[:same])
    shutil.rmtree(os.environ["LATENTLIVE_CACHE"] + "/audio")
    replayed = again(opened_log(log, None).path, tmp_path / "again.wav", "toy")
    same = min(len(replayed), same)
    assert np.array_equal(replayed[:same], heard[:same])


def test_a_level_follows_within_the_latencies_of_the_devices(stage, tmp_path, monkeypatch):
    """The engine hears itself: from a sample that it plays to the level of it."""
    monkeypatch.setenv("PULSE_SOURCE", "ci.monitor")
    log, out = tmp_path / "evening.py", tmp_path / "heard.wav"
    with ll.Engine(model="toy", log=log, out=out) as live:
        live.master.gain(0)
        pulses = ll.sound(np.concatenate([silence(1), LOUD])).spread(0)
        live.d2.gain(ll.level(1).range(-60, -50)) >> ll.sound(NOISE * 0.001)
        live.d1.fade(0) >> pulses
        wait_until(lambda: live.state.get("input"), 20, "the input")
        begun = live.state["seconds"]
        wait_until(lambda: live.state["seconds"] > begun + 5, 30, "two pulses")
    rows = [json.loads(line) for line in log.with_suffix(".jsonl").read_text().splitlines()]
    values = [(row["at"], row["value"]) for row in rows if row.get("do") == "tape"]
    risen = [at for (_, before), (at, now) in pairwise(values) if before < 0.8 <= now]
    loud = np.abs(read(out)[:, 0]) > 0.2
    onsets = np.flatnonzero(loud & (np.convolve(loud, np.ones(4000))[: len(loud)] == 1))
    delays = [(at - onsets[onsets < at][-1]) / RATE for at in risen if (onsets < at).any()]
    assert len(delays) >= 2
    assert 0.05 < min(delays) < 0.3  # of which the device plays 0.1 s later


def test_what_cannot_be_grabbed_is_refused_in_one_line(stage, corpus):
    said = []
    options = {"corpus": corpus, "model": "toy", "silent": True, "input": "pulse"}
    with ll.Engine(**options, say=said.append) as live:
        opened(live)
        with pytest.raises(
            ll.EngineError, match=r"^grab: 60 beats are 60 s, and input 1 has been heard for \d"
        ):
            live.grab(60)
        for arguments, line in (
            ((0,), "grab: beats must be > 0 beats, got 0"),
            ((-3,), "grab: beats must be > 0 beats, got -3"),
            ((1e9,), "grab: beats must be <= 1e\\+06 beats, got 1e\\+09"),
            ((1000,), "grab: 1000 beats are 1000 s, and 120 s of the input are kept"),
            (("x",), "grab: beats must be a number of beats, got 'x'"),
            ((1, 0), "grab: channel must lie in 1 to 64, got 0"),
            ((1, 99), "grab: channel must lie in 1 to 64, got 99"),
            ((1, 64), "grab: input 64: pulse has 32 channels"),
            ((1, 1, "../x"), "grab: a name is letters, digits, - _ and blanks"),
            ((1, 1, ""), "grab: a name is letters, digits, - _ and blanks"),
            ((1, 1, "a/b"), "grab: a name is letters, digits, - _ and blanks"),
            ((1, 1, 3), "grab: a name is letters, digits, - _ and blanks"),
            ((1, 1, "x" * 121), "grab: a name has at most 120 bytes, got 121"),
        ):
            with pytest.raises((ll.EngineError, ll.ExpressionError), match=f"^{line}"):
                live.grab(*arguments)
        heard_for(live, 0.5)
        assert repr(live.grab(0.1, name="noise")) == "sound('noise-2')"
        assert "grab: 'noise' is there already; this is 'noise-2'" in said
        assert "grab: input 1 was silent in noise-2" in said
        with pytest.raises(ll.ExpressionError, match="a sound of the input was grabbed as"):
            ll.prior(3).frozen("noise-2", seconds=1)
        one, other = live.grab(0.1), live.grab(0.1)
        assert {repr(one), repr(other)} <= set(map("sound('grab-{}')".format, range(1, 20)))
        assert one != other


def test_a_grabbed_sound_is_there_in_the_next_performance_and_on_the_map(stage, corpus, tmp_path):
    options = {"corpus": corpus, "model": "toy", "silent": True}
    stage.play(stereo(silence(0.3), NOISE, NOISE))
    with ll.Engine(**options, input="pulse") as live:
        opened(live)
        heard_for(live, 1)
        live.grab(1, name="gate")
    command = [sys.executable, "-m", "latentlive.cli", "corpus", str(corpus)]
    subprocess.run(command, capture_output=True, check=True)
    assert len(Corpus(corpus).audio("gate", RATE).samples) == RATE
    with ll.Engine(**options) as live:
        live.d1 >> ll.sound("gate").extend(2)
        live.d2 >> ll.near(ll.sound("gate"), 1)
        wait_until(lambda: live.state.get("seconds", 0) > 0.2, 30, "both to sound")
        with pytest.raises(ll.EngineError, match="grab: no device is to be opened"):
            live.grab(1)


def test_a_killed_process_costs_a_line_and_no_dropout(stage, tmp_path):
    said = []
    with ll.Engine(model="toy", say=said.append, out=tmp_path / "heard.wav") as live:
        live.d1.gain(ll.level(1).range(-20, 0)) >> ll.sound(NOISE).spread(0)
        wait_until(lambda: live.state.get("input"), 20, "the input")
        wait_until(lambda: arrived(live).get("level:1") is not None, 10, "a level")
        first = sound_process(live)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: sound_process(live) not in (0, first), 10, "another process")
        wait_until(lambda: sum("input on: " in line for line in said) == 2, 20, "the input again")
        stage.play(stereo(LOUD))
        wait_until(lambda: arrived(live).get("level:1", 0) > 0.9, 10, "a high level")
        assert live.fresh()["missing"] == live.state["underflows"] == 0
    lost = "the input's process ended, and what it had kept is lost; it is started again"
    assert [line for line in said if "input on" not in line] == [lost]


def test_an_input_that_is_gone_costs_a_line_and_is_heard_again(own_sink, corpus):
    said = []
    own_sink.microphone()
    options = {"corpus": corpus, "model": "toy", "silent": True, "input": "pulse"}
    with ll.Engine(**options, say=said.append) as live:
        live.d1.gain(ll.level(1).range(-20, 0)) >> ll.sound(NOISE).spread(0)
        wait_until(lambda: live.state.get("input"), 20, "the input")
        playing = own_sink.play(np.concatenate([stereo(LOUD)] * 20))
        wait_until(lambda: arrived(live).get("level:1", 0) > 0.9, 10, "a high level")
        playing.terminate()
        playing.wait()
        own_sink.end(signal.SIGKILL)
        wait_until(lambda: not live.state.get("input"), 20, "the loss of it")
        wait_until(lambda: arrived(live).get("level:1") == 0.0, 5, "a low level")
        with pytest.raises(ll.EngineError, match=r"grab: (the sound input|no sound)"):
            live.grab(1)
        assert "none: " in repr(live.status)
        position = live.state["position"]
        own_sink.start()
        own_sink.microphone()
        wait_until(lambda: live.state.get("input"), 20, "the input again")
        own_sink.play(stereo(LOUD))
        wait_until(lambda: arrived(live).get("level:1", 0) > 0.9, 10, "a high level")
        assert live.fresh()["position"] > position
        assert live.state["missing"] == 0
    assert len([line for line in said if line.startswith("no input: ")]) == 1


def test_an_input_at_another_rate_is_resampled_and_a_missing_one_is_named(
    stage, tmp_path, corpus, monkeypatch
):
    folder = tmp_path / "strict"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(strict("InputStream"))
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    options = {"corpus": corpus, "model": "toy", "silent": True}
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        with ll.Engine(**options, input="pulse", log=tmp_path / "e.py", say=print) as live:
            opened(live)
            heard_for(live, 0.1)
            stage.play(stereo(silence(0.3), LOUD * 0.5)).wait(10)
            live.grab(1, name="tone")
    (path,) = (tmp_path / "e-grabbed").glob("*-tone.flac")
    samples, rate = soundfile.read(path)
    assert rate == RATE
    middle = samples[np.abs(samples) > 0.05]
    assert len(middle) > RATE // 2
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) == pytest.approx(220, abs=1)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.01)
    said = []
    with ll.Engine(**options, input="pulsed", say=said.append) as live:
        live.d1.gain(ll.level(1)) >> ll.sound(NOISE)
        wait_until(lambda: said, 20, "a line")
        wait_until(lambda: live.state.get("seconds", 0) > 0.5, 20, "time to pass")
        with pytest.raises(ll.EngineError, match="grab: no sound input 'pulsed'; did you mean"):
            live.grab(1)
    hint = "did you mean 'pulse'? (latentlive devices lists them)"
    assert said == [f"no input: no sound input 'pulsed'; {hint}; it is tried again"]


def test_a_layer_follows_the_level_of_another_and_replays(tmp_path):
    log, out = tmp_path / "evening.py", tmp_path / "heard.wav"
    with ll.Engine(model="toy", silent=True, log=log, out=out) as live:
        pulse = ll.sound(np.concatenate([LOUD * 0.5, silence(1)])).spread(0)
        live.d2.fade(0) >> pulse.loop()
        live.d1.fade(0).pan(1).gain(ll.level(live.d2, release=0.05).range(0, -60)) >> ll.sound(
            np.full(RATE, 0.5, np.float32)
        ).spread(0)
        wait_until(lambda: live.state.get("seconds", 0) > 4.5, 30, "some seconds")
        assert live.state["input"] is None
        assert "level('d2', release=0.05)" in repr(live.inputs)
    heard = read(out)
    rows = [json.loads(line) for line in log.with_suffix(".jsonl").read_text().splitlines()]
    taped = [row for row in rows if row.get("do") == "tape"]
    values = np.array([[row["at"], row["value"]] for row in taped])
    high, low = values[:, 1].max(), values[:, 1].min()
    peak = np.abs(heard[RATE // 2 : RATE - 2000, 0]).max()
    assert low == 0.0
    assert high == pytest.approx(1 + np.log10(peak) / 3, abs=0.02)
    replayed = again(log, tmp_path / "again.wav", "toy")
    same = min(len(replayed), len(heard))
    assert np.array_equal(replayed[:same], heard[:same])
