"""What was played, its replay and its bounce hold the same samples; a crashed run goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import latentlive as ll
from latentlive.cli import main
from latentlive.engine.log.performance import Performance
from latentlive.engine.log.resume import crashed
from latentlive.errors import EngineError
from tests.live.conftest import RATE, wait_until
from tests.live.test_device import aligned

pytestmark = pytest.mark.device


def read(path):
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def until(live, beat):
    wait_until(lambda: live.state.get("beat", 0) >= beat, 30, f"beat {beat}")


def perform(live):
    """Swaps, fades, levels, two spaces, a wide layer, a cue, a tempo, errors, a killed worker, a
    panic."""
    with live.cell(code="d1 >> ...", name="begin"):
        live.d1.gain(-3).pan(ll.sine(3)) >> ll.sound("ambi_choir").extend(3)
        live.d2.wide(0.8) >> ll.sound("loop_amen").slow(2)
        with live.at(5):
            live.d3 >> ll.sound("ambi_lunar_land").transpose(ll.sine(2) * 7).on("spectral")
            live.d2.gain(-6)
        with live.cue("drop"):
            live.d1.morph(3) >> ll.sound("ambi_dark_woosh").extend(3)
    until(live, 1.2)
    live.d2 >> ll.interp(ll.sound("loop_amen"), ll.sound("bd_haus"), ll.perlin(2))
    with contextlib.suppress(ZeroDivisionError), live.cell(code="d1 >> x; 1 / 0"):
        live.d1 >> ll.sound("bd_haus")
        raise ZeroDivisionError
    with pytest.raises(EngineError, match="no cue"):
        live.go("nothing")
    until(live, 2.5)
    os.kill(live.state["workers"][0], signal.SIGKILL)
    live.tempo(100, over=2)
    until(live, 4.5)
    live.go("drop")
    live.d2.fade(3).stop()
    until(live, 8.2)
    live.undo()
    until(live, 10.5)
    live.panic()
    time.sleep(0.3)
    live.d5 >> ll.sound("ambi_choir").slow(2)
    until(live, 15)
    live.hush(0.5)
    wait_until(lambda: live.state["silent"], 5, "silence")


@pytest.fixture(scope="module")
def performance(sink, recordings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("performance")
    log, heard, said = folder / "evening.py", folder / "heard.wav", []
    capture = sink.capture()
    with ll.Engine(corpus=recordings, out=heard, log=log, seed=3, say=said.append) as live:
        perform(live)
        assert live.state["missing"] == 0
    samples = read(heard)
    captured = aligned(capture.stop(), samples[: 6 * RATE])
    assert np.array_equal(captured, samples[: len(captured)])  # what the device played
    assert any("worker died" in line for line in said)
    assert np.abs(samples).max() > 0.05
    return log, samples


def test_live_replay_and_bounce_hold_the_same_samples(performance, tmp_path):
    log, heard = performance
    again = tmp_path / "again.wav"
    done = CliRunner().invoke(main, ["replay", str(log), "--out", str(again)])
    assert done.exit_code == 0, done.output
    replayed = read(again)
    shared = min(len(replayed), len(heard))
    assert shared > 8 * RATE
    assert np.array_equal(replayed[:shared], heard[:shared])
    assert not heard[shared:].any()

    mixed, stems = tmp_path / "mix.wav", tmp_path / "stems"
    begun = time.monotonic()
    done = CliRunner().invoke(main, ["bounce", str(log), "-o", str(mixed), "--stems", str(stems)])
    assert done.exit_code == 0, done.output
    assert time.monotonic() - begun < len(heard) / RATE
    bounced = read(mixed)
    shared = min(len(bounced), len(heard))
    assert np.array_equal(bounced[:shared], heard[:shared])
    assert sorted(p.stem for p in stems.iterdir()) == ["d1", "d2", "d3", "d5"]


def test_a_replay_from_the_middle_holds_the_same_samples(performance, tmp_path):
    log, heard = performance
    again = tmp_path / "again.wav"
    done = CliRunner().invoke(main, ["replay", str(log), "--from", "4.5", "--out", str(again)])
    assert done.exit_code == 0, done.output
    replayed, rest = read(again), heard[round(4.5 * RATE) :]
    shared = min(len(replayed), len(rest))
    assert shared > 4 * RATE
    assert np.array_equal(replayed[:shared], rest[:shared])


def test_a_replay_begins_with_what_is_shorter_than_its_lead(tmp_path):
    log, out = tmp_path / "short.py", tmp_path / "heard.wav"
    click = np.full(1000, 0.3, np.float32)
    with ll.Engine(model="toy", silent=True, log=log, out=out) as live:
        live.d1.fade(0) >> ll.sound(click).spread(0).loop(1)
        wait_until(lambda: live.state.get("position", 0) > 4 * len(click), 10, "its end")
    again = tmp_path / "again.wav"
    told = CliRunner().invoke(main, ["replay", str(log), "--silent", "--out", str(again)])
    assert told.exit_code == 0, told.output
    replayed, heard = read(again), read(out)
    shared = min(len(replayed), len(heard))
    assert shared >= len(click)
    assert np.abs(heard[:shared]).max() > 0.05
    assert np.array_equal(replayed[:shared], heard[:shared])
    assert not heard[shared:].any()
    assert not replayed[shared:].any()


def test_a_missing_recording_or_another_model_is_named_before_anything_plays(
    performance, tmp_path, monkeypatch
):
    log, _ = performance
    told = CliRunner().invoke(main, ["bounce", str(log), "-o", str(tmp_path / "x.wav")], env={})
    assert told.exit_code == 0, told.output
    other = ["replay", str(log), "--model", "toy", "--out", str(tmp_path / "y.wav")]
    told = CliRunner().invoke(main, other)
    assert told.exit_code == 1
    assert "it was played with the model" in told.output
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "elsewhere"))
    told = CliRunner().invoke(main, ["replay", str(log), "--corpus", str(empty)])
    assert told.exit_code == 1
    assert "ambi_choir" in told.output
    assert "Traceback" not in told.output


def test_an_edited_log_is_refused_and_performed_where_that_is_asked_for(performance, tmp_path):
    log, _ = performance
    copy = tmp_path / "copy.py"
    ran = tmp_path / "ran"
    copy.write_text(f"open({str(ran)!r}, 'w').close()\nd1 >> sound('bd_haus').loop(1)\n")
    copy.with_suffix(".jsonl").write_text(log.with_suffix(".jsonl").read_text())
    corpus = Performance(copy).header.corpus
    rest = ["--corpus", corpus, "--model", "toy"]
    for command in (["replay", str(copy), "--silent"], ["bounce", str(copy), "-o", "x.wav"]):
        told = CliRunner().invoke(main, [*command, *rest])
        assert told.exit_code == 1
        assert "was edited since it was written; --perform runs its code anew" in told.output
        assert not ran.exists()
    told = CliRunner().invoke(main, ["replay", str(copy), "--silent", "--perform", *rest])
    assert told.exit_code == 0, told.output
    assert ran.exists()


def test_a_log_without_its_decisions_is_refused_and_nothing_of_it_is_run(tmp_path):
    log, ran = tmp_path / "evening.py", tmp_path / "ran"
    log.write_text(f"open({str(ran)!r}, 'w').close()\n")
    for command in (["replay", str(log), "--silent"], ["bounce", str(log), "-o", "x.wav"]):
        told = CliRunner().invoke(main, command)
        assert told.exit_code == 1
        assert "has no evening.jsonl beside it" in told.output
        assert "--perform runs its code anew" in told.output
    CliRunner().invoke(main, ["resume", str(log)])
    assert not ran.exists()


CRASH = """
import os, time
import latentlive as ll
live = ll.Engine(model="toy", silent=True, tempo=90)
import numpy as np
noise = (np.random.default_rng(1).standard_normal(30000) * 0.1).astype("f4")
live.d1.gain(-6) >> ll.sound(noise).spread(0)
live.layer("sea").pan(0.1) >> ll.sound(noise[::-1].copy()).spread(0)
live.tempo(120)
while live.state.get("seconds", 0) < 3:
    time.sleep(0.05)
state = live.state
print(live.process.pid, *state["workers"], state["audio"], live.log, flush=True)
time.sleep(60)
"""


def found():
    try:
        return crashed()
    except EngineError:
        return None


def test_a_run_that_was_killed_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    script = subprocess.Popen([sys.executable, "-c", CRASH], stdout=subprocess.PIPE, text=True)
    *pids, log = script.stdout.readline().split()
    told = CliRunner().invoke(main, ["resume", log])
    assert told.exit_code == 1
    assert told.output.startswith(f"Error: resume: {log} is still played, by process {pids[0]}; ")
    for pid in [*map(int, pids), script.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    script.wait()
    path = wait_until(found, 5, "the engine to be gone")
    again = tmp_path / "again.wav"
    told = CliRunner().invoke(main, ["replay", str(path), "--silent", "--out", str(again)])
    assert told.exit_code == 0, told.output  # it ends, though nothing in the log does
    end = Performance(path).end
    assert np.abs(read(again)[:end]).max() > 0.01
    assert len(read(again)) < end + 5 * RATE
    heard = tmp_path / "heard.wav"
    with ll.Engine(silent=True, resume=path, model="toy", out=heard) as live:
        wait_until(lambda: live.state.get("running") and live.state["seconds"] > 4, 20, "it")
        shown = {one["name"]: (one["gain"], one["origin"]) for one in live.state["layers"]}
        assert live.state["bpm"] == 120
    assert shown == {"d1": ("-6", 0), "sea": ("+0", 0)}
    assert np.abs(read(heard)).max() > 0.01
    with pytest.raises(EngineError, match="no run has crashed"):
        crashed()
