"""Processes frozen for real, and engines told to end: what is heard, said and left behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.engine.log.resume import crashed
from latentlive.ground.files import cache_folder
from tests.live.conftest import RATE, wait_until
from tests.live.test_faults import TONE, alive, playing
from tests.live.test_survival import kept, layer

RNG = np.random.default_rng(8)
SOUNDS = [(RNG.standard_normal(40_000 + 1000 * n) * 0.05).astype("f4") for n in range(8)]


def eight(live):
    """Let eight layers play."""
    for number, samples in enumerate(SOUNDS, 1):
        live.layer(f"d{number}") >> ll.sound(samples)
    live.start()
    wait_until(lambda: live.state.get("seconds", 0) > 0.5, 30, "them to sound")
    wait_until(lambda: all(one["ready"] > 1.5 for one in live.state["layers"]), 30, "some ahead")
    return wait_until(lambda: live.state["workers_up"] == 2 and live.state, 20, "both workers")


def processes_of(state):
    """Return the processes beside an engine."""
    return [pid for pid in (*state["workers"], state["audio"], state["standby"]) if pid]


def addresses(kind="engine"):
    return list(cache_folder("run").glob(f"{kind}-*.json"))


HUNG = "a render worker hung and was replaced"
SILENT = {f"d{n}: a render worker hung; it is silent until it is back" for n in range(1, 9)}
"""What is told where the machine is so slow that what was rendered ahead runs out meanwhile."""


def freeze(lanes, said):
    """Freeze workers while eight layers play, until others are in their places and all sounds."""
    with ll.Engine(model="toy", silent=True, hold=True, ahead=2.5, say=said.append) as live:
        workers = eight(live)["workers"]
        frozen = [workers[lane] for lane in lanes]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: not set(frozen) & set(live.state["workers"]), 2, "it to be noticed")
        wait_until(lambda: live.state["workers_up"] == 2, 10, "others to be up")
        at = live.state["seconds"]
        wait_until(lambda: live.state["seconds"] > at + 1.5, 10, "some time")
        wait_until(lambda: states(live) == ["playing"] * 8, 30, "all to be heard")
        assert not any(alive(pid) for pid in frozen)
        return live.state["missing"]


def states(live):
    return [one["state"] for one in live.state["layers"]]


@pytest.mark.parametrize("lane", [0, 1])
def test_a_frozen_worker_is_replaced_and_not_heard(lane):
    said = []
    assert freeze([lane], said) == 0
    assert said == [HUNG]


def test_where_both_workers_freeze_nothing_breaks_off_and_the_cause_is_named():
    """On an idle machine they are back before it is heard; here the start may take longer."""
    said = []
    assert freeze([0, 1], said) == 0
    assert said[:2] == [HUNG] * 2
    assert set(said[2:]) <= SILENT


def test_a_disk_that_never_answers_is_the_fault_of_the_layer_that_reads_it(tmp_path):
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    samples = (RNG.standard_normal(3 * RATE) * 0.1).astype("f4")
    soundfile.write(sounds / "slow.wav", samples, RATE, "FLOAT")
    said, good = [], ll.sound(TONE)
    options = {"corpus": sounds, "silent": True, "hold": True, "ahead": 2.5}
    with ll.Engine(model="toy", say=said.append, **options) as live:
        live.d1 >> good
        live.d2.quant(0).xfade(0) >> good
        live.start()
        playing(live)
        live.d2 >> ll.sound("slow")
        slow = repr(ll.sound("slow"))
        wait_until(lambda: layer(live, "d2")["code"] == slow, 10, "it to sound")
        wait_until(lambda: layer(live, "d2")["state"] == "playing", 10, "it to land")
        wait_until(lambda: live.state["workers_up"] == 2, 20, "both workers")
        file = kept(samples)
        file.unlink()
        os.mkfifo(file)  # who opens it waits for ever
        os.kill(live.state["workers"][0], signal.SIGKILL)
        wait_until(lambda: any(line.startswith("d2: its") for line in said), 20, "the end of it")
        wait_until(lambda: live.state["workers_up"] == 2, 20, "both workers")
        wait_until(lambda: layer(live, "d2")["code"] == repr(good), 10, "the one before")
        assert live.state["missing"] == 0
    assert [line for line in said if "silent until it is back" not in line] == [
        "a render worker died; the other one takes over",
        "a render worker hung and was replaced",
        "a render worker hung and was replaced",
        "d2: its rendering hangs; does its disk answer?",
        f"d2: back to {good!r}",
    ]


def test_an_engine_that_freezes_for_a_second_is_not_heard(tmp_path):
    said, out = [], tmp_path / "heard.wav"
    with ll.Engine(model="toy", silent=True, hold=True, out=out, say=said.append) as live:
        eight(live)
        os.kill(live.process.pid, signal.SIGSTOP)
        time.sleep(1.0)
        os.kill(live.process.pid, signal.SIGCONT)
        end = live.state["seconds"] + 2.5
        wait_until(lambda: live.state["seconds"] > end, 10, "what follows")
        state = live.state
    assert state["missing"] == 0
    assert said == []
    heard = np.abs(soundfile.read(out, dtype="float32")[0]).max(axis=1)
    first = np.flatnonzero(heard)[0]
    assert heard[first + 4096 : round(end * RATE)].reshape(-1)[:RATE].max() > 0


def frozen_engine(live):
    """Let a layer play, freeze the engine; return all its processes."""
    live.d1 >> ll.sound(TONE)
    state = playing(live)
    os.kill(live.process.pid, signal.SIGSTOP)
    return [live.process.pid, *processes_of(state)]


@pytest.mark.parametrize("word", ["panic", "stop"])
def test_from_another_terminal_a_frozen_engine_is_ended(word):
    said = []
    live = ll.Engine(model="toy", silent=True, say=said.append)
    pids = frozen_engine(live)
    command = [sys.executable, "-m", "latentlive.cli", word]
    told = subprocess.run(command, capture_output=True, text=True, timeout=5)
    line = "the engine did not answer and was ended; `latentlive resume` brings its layers back\n"
    assert (told.returncode, told.stderr) == (0, line)
    for pid in pids:
        wait_until(lambda pid=pid: not alive(pid), 2, "its processes to be gone")
    assert not addresses()
    wait_until(lambda: live.ended, 1, "the prompt to see it")
    assert said[-1] == "the engine is gone; `latentlive resume` brings its layers back"
    live.close()


def test_a_program_with_a_frozen_engine_is_told_and_leaves_it_within_five_seconds():
    said = []
    live = ll.Engine(model="toy", silent=True, say=said.append)
    pids = frozen_engine(live)
    wait_until(lambda: said, 5, "it to be told")
    assert said == ["the engine does not answer; `latentlive panic` ends it"]
    os.kill(live.process.pid, signal.SIGCONT)
    wait_until(lambda: "the engine answers again" in said, 5, "it to be back")
    wait_until(lambda: layer(live, "d1")["state"] == "playing", 10, "the layer too")
    assert "d1: the engine was held up; it is silent until it is back" in said
    os.kill(live.process.pid, signal.SIGSTOP)
    begun = time.monotonic()
    live.close()
    assert time.monotonic() - begun < 5
    for pid in pids:
        wait_until(lambda pid=pid: not alive(pid), 2, "its processes to be gone")
    assert not addresses()
    assert said[-1].startswith("the engine did not answer and was ended")


def test_panic_at_a_prompt_ends_a_frozen_engine():
    said = []
    live = ll.Engine(model="toy", silent=True, say=said.append)
    pids = frozen_engine(live)
    begun = time.monotonic()
    live.panic()
    assert time.monotonic() - begun < 4
    for pid in pids:
        wait_until(lambda pid=pid: not alive(pid), 1, "its processes to be gone")
    assert live.ended
    with pytest.raises(ll.EngineError, match="it has ended"):
        live.hush()
    live.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_an_engine_told_to_end_fades_out_tells_and_leaves_nothing(number, tmp_path):
    said, out = [], tmp_path / "heard.wav"
    live = ll.Engine(model="toy", silent=True, out=out, say=said.append)
    live.d1 >> ll.sound(TONE).spread(0)
    state = playing(live)
    os.kill(live.process.pid, number)
    assert live.process.wait(10) == 0
    wait_until(lambda: live.ended, 2, "the prompt to see it")
    name = signal.Signals(number).name
    assert said == [
        f"the engine was told to end by {name} and fades out",
        f"the engine has ended by {name}; `latentlive resume` brings its layers back",
    ]
    heard = np.abs(soundfile.read(out, dtype="float32")[0]).max(axis=1)
    parts = heard[-24 * 2205 :].reshape(24, 2205).max(axis=1)
    assert (np.diff(parts) <= 1e-3).all()  # it goes down, and nothing breaks off
    assert parts[0] > 10 * parts[-1]
    assert not any(alive(pid) for pid in processes_of(state))
    assert not addresses()
    assert str(crashed()) == str(live.welcome.log).replace(".py", ".jsonl")
    live.close()


def test_a_killed_engine_is_told_of_within_a_second_and_its_address_goes():
    said = []
    live = ll.Engine(model="toy", silent=True, say=said.append)
    live.d1 >> ll.sound(TONE)
    playing(live)
    live.process.kill()
    wait_until(lambda: said, 1, "it to be told")
    assert said == ["the engine is gone; `latentlive resume` brings its layers back"]
    live.process.wait()
    wait_until(lambda: not addresses(), 2, "its address to be gone")
    live.close()


def test_where_descriptors_have_run_out_everything_comes_back_when_there_are_some():
    said = []
    with ll.Engine(model="toy", silent=True, say=said.append) as live:
        live.d1 >> ll.sound(TONE)
        state, engine = playing(live), live.process.pid
        wait_until(lambda: live.state["standby"] and live.state["workers_up"] == 2, 20, "all")
        before = resource.prlimit(engine, resource.RLIMIT_NOFILE)
        resource.prlimit(engine, resource.RLIMIT_NOFILE, (8, before[1]))
        victims = processes_of(live.state)
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: sum("is tried again" in line for line in said) >= 2, 5, "both lines")
        time.sleep(1.0)
        assert children_of(engine) == []
        resource.prlimit(engine, resource.RLIMIT_NOFILE, before)
        wait_until(lambda: live.state["workers_up"] == 2, 20, "the workers to be back")
        at = live.state["position"]
        wait_until(lambda: live.state["position"] > at + RATE // 2, 10, "time to go on")
        assert len(children_of(engine)) <= 4
        assert not set(processes_of(live.state)) & set(victims)
        assert state["layers"][0]["name"] == live.state["layers"][0]["name"]
    assert sum("is tried again" in line for line in said) == 3  # two workers, one audio process


def test_where_memory_has_run_out_the_engine_goes_on_and_everything_comes_back():
    with ll.Engine(model="toy", silent=True, say=lambda line: None) as live:
        live.d1 >> ll.sound(TONE)
        state, engine = playing(live), live.process.pid
        wait_until(lambda: live.state["workers_up"] == 2, 20, "both workers")
        before = resource.prlimit(engine, resource.RLIMIT_AS)
        resource.prlimit(engine, resource.RLIMIT_AS, (260 << 20, before[1]))  # less than it has
        killed = time.monotonic()
        for pid in (live.state["workers"][0], state["audio"]):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: live.state_at > killed + 3.0, 20, "the engine to go on")
        resource.prlimit(engine, resource.RLIMIT_AS, before)
        wait_until(lambda: live.state["workers_up"] == 2, 40, "the workers to be back")
        at = live.state["position"]
        wait_until(lambda: live.state["position"] > at + RATE // 2, 20, "time to go on")
        assert layer(live, "d1")["state"] == "playing"


def children_of(pid):
    """Return the processes that one has started, those that have ended left out."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [child for child in map(int, file.read().split()) if alive(child)]
