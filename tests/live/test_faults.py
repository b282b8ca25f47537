"""Processes killed for real: what goes on, what ends, what is left behind."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import latentlive as ll
from latentlive.client.connection import start_engine
from latentlive.errors import EngineError
from latentlive.ground.files import cache_folder
from latentlive.protocol.address import running
from latentlive.protocol.wire import Wire
from tests.live.conftest import wait_until

RATE = 44100
TONE = (np.sin(np.arange(RATE) * 2 * np.pi * 220 / RATE) * 0.3).astype(np.float32)

PROMPT = """
import sys, time
import numpy as np, latentlive as ll
live = ll.Engine(model="toy", silent=True, on_exit=sys.argv[1])
live.d1 >> ll.sound(np.sin(np.arange(44100) * 0.03) * 0.3)
print(live.process.pid, flush=True)
while True: time.sleep(1)
"""


def alive(pid):
    """Return whether a process runs; one that has ended but was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def playing(live):
    return wait_until(lambda: live.state.get("seconds", 0) > 0.3 and live.state, 20, "a layer")


def test_killing_the_engine_leaves_no_process_and_no_address():
    live = ll.Engine(model="toy", silent=True)
    live.d1 >> ll.sound(TONE)
    playing(live)
    state = wait_until(lambda: live.state["standby"] and live.state, 20, "another to stand by")
    live.process.send_signal(signal.SIGKILL)
    live.process.wait()
    for child in (*state["workers"], state["audio"], state["standby"]):
        wait_until(lambda child=child: not alive(child), 5, "the children to end")
    with pytest.raises(EngineError, match=r"it has ended|is gone"):
        live.hush()
    live.close()
    with pytest.raises(EngineError, match="no engine is running"):
        ll.Engine.attach()
    assert not list(cache_folder("run").glob("engine-*.json"))


def test_killing_the_audio_process_brings_another_and_time_goes_on():
    said = []
    with ll.Engine(model="toy", silent=True, say=said.append) as live:
        live.d1 >> ll.sound(TONE)
        state = playing(live)
        os.kill(state["audio"], signal.SIGKILL)
        wait_until(lambda: live.state["audio"] != state["audio"], 5, "another audio process")
        wait_until(lambda: live.state["position"] > state["position"] + RATE, 10, "time to go on")
    assert any("audio process died" in line for line in said)


@pytest.mark.parametrize("on_exit", ["keep", "fade"])
def test_killing_the_prompt_does_what_on_exit_says(on_exit):
    prompt = subprocess.Popen(
        [sys.executable, "-c", PROMPT, on_exit], stdout=subprocess.PIPE, text=True
    )
    engine = int(prompt.stdout.readline())
    prompt.send_signal(signal.SIGKILL)
    prompt.wait()
    if on_exit == "fade":
        wait_until(lambda: not alive(engine), 10, "the engine to fade out and end")
        return
    time.sleep(1.0)
    live = ll.Engine.attach()
    state = playing(live)
    assert [one["name"] for one in state["layers"]] == ["d1"]
    live.panic()
    wait_until(lambda: live.state["silent"], 5, "silence")
    live.close(0.1)
    wait_until(lambda: not alive(engine), 10, "the engine to end")


def test_an_engine_that_a_killed_prompt_left_silent_ends_by_itself():
    address, process = start_engine(["--model", "toy", "--silent", "--idle", "0.8"])
    live = ll.Engine.attach()
    live.d1 >> ll.sound(TONE)
    playing(live)
    time.sleep(1.0)
    live.hang_up()  # as the system does for a killed process
    time.sleep(1.5)
    assert alive(address.pid)  # it sounds
    live = ll.Engine.attach()
    live.panic()
    time.sleep(1.5)
    assert alive(address.pid)  # somebody is there
    live.hang_up()
    assert process.wait(8) == 0
    assert not list(cache_folder("run").glob("engine-*.json"))


def command(*words):
    """Run a command of another terminal; return its status and what it says."""
    told = subprocess.run(
        [sys.executable, "-m", "latentlive.cli", *words], capture_output=True, text=True
    )
    return told.returncode, told.stderr


def test_panic_and_stop_from_another_terminal():
    live = ll.Engine(model="toy", silent=True)
    live.d1 >> ll.sound(TONE)
    playing(live)
    assert command("panic") == (0, "")
    wait_until(lambda: live.state["silent"], 5, "silence")
    assert command("stop") == (0, "")
    live.process.wait(10)
    live.close()
    assert command("panic") == (1, "Error: no engine is running; start one with latentlive\n")


def test_panic_and_stop_reach_every_engine_behind_a_stale_address():
    first, second = (ll.Engine(model="toy", silent=True) for _ in range(2))
    for live in (first, second):
        live.d1 >> ll.sound(TONE)
        playing(live)
    with socket.create_server(("127.0.0.1", 0)) as reused:  # by a program that says nothing
        stale = cache_folder("run") / "engine-1.json"
        known = {"port": reused.getsockname()[1], "token": "x", "pid": os.getpid(), "since": "ago"}
        stale.write_text(json.dumps(known))
        assert command("panic") == (0, "")
    assert not stale.exists()
    for live in (first, second):
        wait_until(lambda live=live: live.state["silent"], 5, "silence")
    line = "1 other engine still runs: latentlive stop --all ends all\n"
    assert command("stop", "--fade", "0") == (0, line)
    second.process.wait(10)
    assert first.process.poll() is None
    third = ll.Engine(model="toy", silent=True)
    assert command("stop", "--all", "--fade", "0") == (0, "")
    for live in (first, second, third):
        live.process.wait(10)
        live.close()
    assert not list(cache_folder("run").glob("engine-*.json"))


def test_a_stranger_without_the_token_is_not_heard():
    with ll.Engine(model="toy", silent=True) as live:
        _, connection = running()
        address = connection.getpeername()
        connection.close()
        stranger = socket.create_connection(address)
        wire = Wire(stranger.makefile("rb"), stranger.makefile("wb"))
        wire.send({"token": "guess"})
        assert wire.receive() is None
        for nonsense in (b"\xff" * 40, b"\x00\x00\x00\x05hello", b""):
            rude = socket.create_connection(address)
            rude.sendall(nonsense)
            rude.close()
        live.d1 >> ll.sound(TONE)
        playing(live)
        files = list(cache_folder("run").glob("engine-*.json"))
        assert [path.stat().st_mode & 0o777 for path in files] == [0o600]


def test_strangers_cost_the_sound_nothing():
    """250 MB before the token, 420 connections that say nothing, 256 descriptors."""
    with ll.Engine(model="toy", silent=True) as live:
        resource.prlimit(live.process.pid, resource.RLIMIT_NOFILE, (256, 256))
        live.d1 >> ll.sound(TONE)
        begun = playing(live)["position"]
        _, connection = running()
        address = connection.getpeername()
        connection.close()
        before, moment = memory(live.process.pid), time.monotonic()
        with socket.create_connection(address) as stranger, pytest.raises(ConnectionError):
            stranger.sendall(struct.pack(">I", 250_000_000) + b'{"token":[' + b"0," * 125_000_000)
        crowd = [socket.create_connection(address) for _ in range(420)]
        live.d1.gain(-3)  # it answers meanwhile
        assert time.monotonic() - moment < 4
        assert memory(live.process.pid) - before < 20e6
        assert command("panic") == (0, "")
        wait_until(lambda: live.state["silent"], 5, "silence")
        for one in crowd:
            one.close()
        assert live.state["missing"] == 0
        assert live.state["position"] > begun
        assert list(cache_folder("run").glob("engine-*.json"))


def memory(pid):
    """Return the bytes of a process that lie in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows where a stream leads")
def test_what_an_engine_writes_after_its_start_goes_to_its_log():
    with ll.Engine(model="toy", silent=True) as live:
        error = os.readlink(f"/proc/{live.process.pid}/fd/2")
        assert error.endswith(f"engine-{live.process.pid}.log")
