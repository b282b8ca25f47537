"""Effects in a real engine: live, replay and bounce hold the same, whatever is killed."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import latentlive as ll
from latentlive.cli import main
from tests.live.conftest import RATE, wait_until

pytestmark = pytest.mark.device

RNG = np.random.default_rng(43)
SOUNDS = {name: (RNG.standard_normal(n) * 0.1).astype("f4") for name, n in
          (("one", 50_000), ("two", 70_001))}  # fmt: skip
SOUNDS["room"] = (RNG.standard_normal(RATE) * np.exp(-np.arange(RATE) / 8000)).astype("f4")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder of three sounds, one of them a room."""
    folder = tmp_path_factory.mktemp("sounds")
    for name, samples in SOUNDS.items():
        soundfile.write(folder / f"{name}.wav", samples, RATE, "FLOAT")
    return folder


def read(path):
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def run(*words):
    told = CliRunner().invoke(main, [str(word) for word in words])
    assert told.exit_code == 0, told.output


def same(found, heard):
    shared = min(len(found), len(heard))
    assert shared > 4 * RATE
    wrong = np.flatnonzero((found[:shared] != heard[:shared]).any(axis=1))
    assert not len(wrong), f"{len(wrong)} samples from {wrong[0]} to {wrong[-1]}"


def begin(live):
    """Play two layers with effects, sends and curves, a bus and a master."""
    with live.cell():
        live.bus("hall").reverb(1, seconds=2).gain(-3)
        live.d1.lpf(ll.sine(2).rangex(300, 5000), q=3).echo(ll.knob("far", 0.3)).send("hall", -6)
        live.d1.gain(-6) >> ll.sound("one").spread(0)
        live.d2.reverb(0.5, space=ll.sound("room")).comp(-30, by=live.d1)
        live.d2.pan(0.3).width(0.5) >> ll.sound("two").spread(0)
        live.master.comp(-20, ratio=2)


def test_effects_sends_and_curves_are_replayed_and_bounced_bit_for_bit(tmp_path, corpus):
    log, out = tmp_path / "evening.py", tmp_path / "heard.wav"
    with ll.Engine(corpus=corpus, model="toy", silent=True, out=out, log=log) as live:
        begin(live)
        wait_until(lambda: live.state.get("beat", 0) >= 2, 30, "beat 2")
        live.turn("far", 0.6)
        wait_until(lambda: live.state["beat"] >= 4, 30, "beat 4")
        live.d1.stop(0.1)
        live.d2.dry()
        wait_until(lambda: live.state["beat"] >= 7, 30, "beat 7")
        live.hush(0.5)
        wait_until(lambda: live.state["silent"], 10, "silence")
        missing = live.state["missing"]
    heard = read(out)
    assert missing == 0
    assert np.abs(heard[5 * RATE : 6 * RATE]).max() > 1e-3
    mixed, stems, again = (tmp_path / name for name in ("mix.wav", "stems", "again.wav"))
    run("bounce", log, "-o", mixed, "--stems", stems, "--corpus", corpus)
    same(read(mixed), heard)
    assert sorted(path.stem for path in stems.iterdir()) == ["d1", "d2", "hall", "master"]
    total = sum(read(path) for path in stems.iterdir())
    assert np.abs(total - read(mixed)).max() < 1e-5
    run("replay", log, "--silent", "--out", again, "--from", "00:02")
    shared = min(len(read(again)), len(heard) - 2 * RATE)
    assert np.array_equal(read(again)[:shared], heard[2 * RATE :][:shared])


def test_the_process_of_effects_dies_and_another_one_goes_on(tmp_path, corpus):
    log, out, said = tmp_path / "evening.py", tmp_path / "heard.wav", []
    options = {"corpus": corpus, "model": "toy", "silent": True, "say": said.append}
    with ll.Engine(**options, out=out, log=log) as live:
        begin(live)
        wait_until(lambda: live.state.get("beat", 0) >= 2, 30, "beat 2")
        wait_until(lambda: len(live.state["effects"]) == 2, 30, "another to stand by")
        os.kill(live.state["effects"][0], signal.SIGKILL)
        killed = live.state["position"]
        wait_until(lambda: live.state["position"] > killed + 2 * RATE, 30, "two seconds")
        live.d1.stop(0.1)
        live.d2.stop(0.1)
        wait_until(lambda: live.state["position"] > killed + 4 * RATE, 30, "two more")
        live.hush(0.2)
        wait_until(lambda: live.state["silent"], 10, "silence")
    heard = read(out)
    told = "the process of effects died; another one goes on, without what rang"
    assert [line for line in said if "effects" in line] == [told]
    quiet = np.flatnonzero(np.abs(heard[RATE : killed + 2 * RATE]).max(axis=1) > 1e-5)
    assert np.diff(quiet).max() < 0.5 * RATE
    run("bounce", log, "-o", tmp_path / "mix.wav", "--corpus", corpus)
    same(read(tmp_path / "mix.wav"), heard)


def test_the_audio_process_dies_in_a_tail_that_rings_on(own_sink, tmp_path, corpus):
    with ll.Engine(corpus=corpus, model="toy", log=tmp_path / "evening.py") as live:
        live.d1.fade(0).reverb(0.8, seconds=8) >> ll.sound("one").spread(0)
        wait_until(lambda: live.state.get("beat", 0) >= 1.5, 30, "a beat and a half")
        wait_until(lambda: live.state["standby"], 20, "another to stand by")
        live.d1.stop(0.05)
        wait_until(lambda: not live.shown("d1"), 10, "the end of the texture")
        capture, audio = own_sink.capture(), live.state["audio"]
        os.kill(audio, signal.SIGKILL)
        wait_until(lambda: live.state["audio"] not in (None, audio), 20, "another one")
        at = live.state["position"]
        wait_until(lambda: live.state["position"] > at + RATE, 20, "a second more")
        heard = np.abs(capture.stop()[:, 0])
        missing = live.state["missing"]
    # Its successor makes up for the time that was lost: effects are not rendered as far ahead.
    assert missing < 0.2 * RATE
    ringing = np.flatnonzero(heard > 1e-4)
    assert len(ringing) > RATE // 2
    assert np.diff(ringing).max() < 0.4 * RATE


def test_a_crashed_run_comes_back_with_its_effects(tmp_path, corpus):
    log = tmp_path / "evening.py"
    with ll.Engine(corpus=corpus, model="toy", silent=True, log=log) as live:
        begin(live)
        wait_until(lambda: live.state.get("beat", 0) >= 1.5, 30, "a beat and a half")
        shown = {one["name"]: one["effects"] for one in live.fresh()["layers"]}
        master = live.state["master_effects"]
        os.kill(live.process.pid, signal.SIGKILL)
        live.process.wait()
    with ll.Engine(corpus=corpus, model="toy", silent=True, resume=log) as live:
        wait_until(lambda: live.state.get("running"), 30, "the transport")
        begun = live.state["position"]
        wait_until(lambda: live.state["position"] > begun + RATE, 30, "a second")
        assert {one["name"]: one["effects"] for one in live.fresh()["layers"]} == shown
        assert live.state["master_effects"] == master == "comp(-20, ratio=2)"
        assert shown["hall"] == "reverb(1, seconds=2)"
        assert live.state["missing"] == 0


def test_what_a_device_waits_for_goes_before_what_renders_seconds_ahead():
    with ll.Engine(model="toy", silent=True) as live:
        live.d1.lpf(500) >> ll.sound(SOUNDS["one"])
        live.start()
        state = wait_until(
            lambda: live.state.get("effects") and live.state["workers_up"] == 2 and live.state,
            30,
            "all processes",
        )

        def nice(pid):
            return os.getpriority(os.PRIO_PROCESS, pid)

        assert {nice(worker) - nice(live.process.pid) for worker in state["workers"]} == {5}
        for pid in (state["audio"], *state["effects"]):  # who may not go first, goes as others do
            assert nice(live.process.pid) - nice(pid) in (0, 5)
