"""Faults in the middle of a performance: what is not at fault keeps its samples, bit for bit."""

from __future__ import annotations

import contextlib
import os
import pty
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.engine.server.peers import HOPELESS, Peer
from latentlive.engine.timing import WORKER_PAUSE
from latentlive.ground.files import cache_folder
from latentlive.models.files import starter_path
from latentlive.protocol.address import running
from latentlive.protocol.replies import Line
from latentlive.protocol.requests import TellState
from tests.live.conftest import RATE, wait_until
from tests.live.test_faults import alive

SECONDS = 3
RNG = np.random.default_rng(5)
ONE, OTHER = ((RNG.standard_normal(n) * 0.1).astype("f4") for n in (41_000, 70_001))

BEGIN = """
import numpy as np, latentlive as ll
RNG = np.random.default_rng(5)
one, other = ((RNG.standard_normal(n) * 0.1).astype("f4") for n in (41_000, 70_001))
live.d1.gain(ll.sine(2).range(-9, 0)) >> ll.sound(one)
live.d2.pan(0.2) >> ll.sound(other).slow(1.5)
with live.at(1.5):
    live.d1 >> ll.sound(other).rev()
"""


def begun(live):
    """Let two layers play, and a plan: all of it noted before the transport moves."""
    exec(BEGIN, {"live": live})


@contextlib.contextmanager
def performance(out, **options):
    """Yield an engine that plays them on the first two of four channels, and plays to its end."""
    said = options.pop("said", [])
    with ll.Engine(
        silent=True, channels=4, hold=True, out=out, seed=2, say=said.append, **options
    ) as live:
        begun(live)
        yield live
        at(live, SECONDS + 0.2)
        assert live.state["missing"] == 0


def at(live, seconds):
    return wait_until(lambda: live.state.get("seconds", 0) >= seconds, 40, f"second {seconds}")


def read(path):
    return soundfile.read(path, dtype="float32", always_2d=True)[0][: SECONDS * RATE]


def same(out, plain):
    """Return whether the first pair holds what it does without a fault."""
    return len(plain) == SECONDS * RATE and np.array_equal(read(out)[:, :2], plain[:, :2])


def layer(live, name):
    found = [one for one in live.state["layers"] if one["name"] == name]
    return found[0] if found else {}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """What is heard when nothing goes wrong."""
    out = tmp_path_factory.mktemp("plain") / "heard.wav"
    with performance(out, model="toy") as live:
        live.start()
    heard = read(out)
    assert np.abs(heard[:, :2]).max() > 0.02
    assert not heard[:, 2:].any()
    return heard


def test_workers_killed_again_and_again_in_mid_render_are_not_heard(plain, tmp_path):
    back = []
    with performance(tmp_path / "heard.wav", model="toy") as live:
        wait_until(lambda: live.state.get("workers_up") == 2, 20, "both workers")
        live.start()
        for number, moment in ((0, 0.5), (1, 1.3), (0, 2.2)):
            at(live, moment)
            workers = live.state["workers"]
            killed = time.monotonic()
            os.kill(workers[number], signal.SIGKILL)
            wait_until(lambda w=workers: live.state["workers"] != w, 5, "its death to be seen")
            wait_until(lambda: live.state["workers_up"] == 2, 10, "it to be back")
            back.append(time.monotonic() - killed)
    assert same(tmp_path / "heard.wav", plain)
    # At once, however slow the machine starts it, not after a pause.
    assert min(back) < WORKER_PAUSE / 2


def test_both_workers_killed_at_once_are_not_heard(plain, tmp_path):
    with performance(tmp_path / "heard.wav", model="toy") as live:
        live.start()
        at(live, 1.0)
        for pid in live.state["workers"]:
            os.kill(pid, signal.SIGKILL)
    assert same(tmp_path / "heard.wav", plain)


def ended(out):
    """End an engine that its prompt has left behind, if it still runs."""
    with contextlib.suppress(ll.EngineError):
        live = ll.Engine.attach(say=lambda line: None)
        if str(out.parent) in str(live.fresh()["recording"]):
            live.close(0.1)


SCRIPT = """
import sys, time
import latentlive as ll
live = ll.Engine(model="toy", silent=True, channels=4, hold=True, out=sys.argv[1], seed=2,
                 on_exit="keep")
"""


def test_a_prompt_in_an_endless_loop_changes_nothing(plain, tmp_path):
    out = tmp_path / "heard.wav"
    code = SCRIPT + BEGIN + "live.start()\nprint('go', flush=True)\nwhile True: pass\n"
    prompt = subprocess.Popen([sys.executable, "-c", code, out], stdout=subprocess.PIPE)
    try:
        assert prompt.stdout.readline() == b"go\n"
        live = ll.Engine.attach()
        at(live, SECONDS + 0.2)
        assert live.state["missing"] == 0
        live.close(0.1)
    finally:
        prompt.kill()
        prompt.wait()
        ended(out)
    assert same(out, plain)


def test_a_prompt_that_is_stopped_and_one_that_never_reads_hold_nobody_up(plain, tmp_path):
    out = tmp_path / "heard.wav"
    code = SCRIPT + BEGIN + "live.start()\nprint('go', flush=True)\nsys.stdin.readline()\n"
    code += "print(live.fresh()['position'], flush=True)\n"
    prompt = subprocess.Popen(
        [sys.executable, "-c", code, out], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert prompt.stdout.readline() == b"go\n"
        prompt.send_signal(signal.SIGSTOP)
        live = ll.Engine.attach()
        deaf, connection = running()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for number in range(5000):
            deaf.send({"op": "state", "id": number})
        waited = []
        while live.state.get("seconds", 0) < SECONDS + 0.2:
            asked = time.monotonic()
            live.request(TellState())
            waited.append(time.monotonic() - asked)
            time.sleep(0.05)
        connection.close()
        assert np.median(waited) < 0.2
        prompt.send_signal(signal.SIGCONT)
        prompt.stdin.write(b"\n")
        prompt.stdin.flush()
        assert int(prompt.stdout.readline()) > SECONDS * RATE  # it is told where things are now
        assert live.state["missing"] == 0
        live.close(0.1)
    finally:
        prompt.kill()
        prompt.wait()
        ended(out)
    assert same(out, plain)


def test_a_client_that_never_reads_is_waited_for_by_nobody_and_given_up():
    ours, _theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    inbox = queue.Queue()
    client = Peer(ours, inbox)
    threading.Thread(target=client.listen, daemon=True).start()
    assert inbox.get(timeout=5) == (client, {"op": "hello"})
    begun = time.monotonic()
    for _ in range(HOPELESS + 100):
        client.send(Line("x" * 1000))
    assert time.monotonic() - begun < 2
    assert inbox.get(timeout=5) == (client, None)


@contextlib.contextmanager
def prompt(*options):
    """Open the real prompt on a terminal; kill it at the end."""
    control, terminal = pty.openpty()
    command = [sys.executable, "-m", "latentlive.cli", *options]
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )
    try:
        yield control
    finally:
        process.kill()
        process.wait()
        os.close(control)
        os.close(terminal)


@pytest.mark.parametrize("on_exit", ["keep", "fade"])
def test_killing_the_real_prompt_does_what_its_option_says(on_exit, tmp_path):
    options = ["--model", "toy", "--corpus", str(tmp_path), "--device", "none"]

    def attached():
        with contextlib.suppress(ll.EngineError):
            return ll.Engine.attach(say=lambda line: None)

    with prompt(*options, "--on-exit", on_exit):
        live = wait_until(attached, 30, "its engine")
        engine = live.welcome.pid
        live.d1 >> ll.sound(ONE)
        wait_until(lambda: live.state.get("running"), 30, "a layer")
    if on_exit == "fade":
        wait_until(lambda: not alive(engine), 10, "the engine to fade out and end")
        return
    time.sleep(1.5)
    assert layer(live, "d1")["state"] == "playing"
    live.close(0.1)
    wait_until(lambda: not alive(engine), 10, "the engine to end")


def test_an_attached_prompt_that_is_killed_does_what_its_own_option_says(tmp_path):
    """The first engine's program keeps it; the prompt attached to it was to fade it."""
    with ll.Engine(model="toy", corpus=tmp_path, device="none", on_exit="keep") as live:
        live.d1 >> ll.sound(ONE)
        wait_until(lambda: live.state.get("running"), 30, "a layer")
        for bpm, options in (90, []), (120, ["--on-exit", "fade"]):
            assert layer(live, "d1")["state"] == "playing"
            with prompt("attach", "--plain", *options) as terminal:
                os.write(terminal, f"tempo({bpm})\n".encode())
                wait_until(lambda bpm=bpm: live.state["bpm"] == bpm, 30, "what was typed")
            time.sleep(1.5 if bpm == 90 else 0)
        wait_until(lambda: live.ended, 10, "the engine to fade out and end")


def with_a_fault(live, suspect, good, cause):
    """Play a texture on the last pair over a good one, then let it fail."""
    live.d3.out(3).quant(0).xfade(0) >> good
    live.start()
    at(live, 0.3)
    live.d3 >> suspect
    wait_until(lambda: layer(live, "d3").get("code") == repr(suspect), 10, "it to be there")
    wait_until(lambda: layer(live, "d3")["state"] == "playing", 10, "it to land")
    time.sleep(0.3)
    cause()
    wait_until(lambda: layer(live, "d3").get("code") == repr(good), 10, "it to go back")


def kept(samples):
    """Return where a recording lies decoded."""
    from latentlive.corpus import audio_digest

    return cache_folder("audio") / f"{audio_digest(samples)}.npy"


@pytest.mark.parametrize("fault", ["cut short", "removed"])
def test_a_recording_that_breaks_while_it_sounds_is_the_layers_own_fault(fault, plain, tmp_path):
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    samples = (RNG.standard_normal(60 * RATE) * 0.1).astype("f4")
    soundfile.write(sounds / "long.wav", samples, RATE, "FLOAT")
    said, out, good = [], tmp_path / "heard.wav", ll.sound(ONE).spread(0)
    with performance(out, model="toy", corpus=sounds, said=said) as live:

        def cause():
            if fault == "removed":
                kept(samples).unlink()
                for pid in live.state["workers"]:
                    os.kill(pid, signal.SIGKILL)
            else:
                os.truncate(kept(samples), 4096)  # its pages are gone under who has mapped it

        with_a_fault(live, ll.sound("long").rev(), good, cause)
    assert same(out, plain)
    assert f"d3: back to {good!r}" in said
    assert sum(line.startswith("d3: sound: the decoded sound") for line in said) == 1
    assert "a render worker died; the other one takes over" in said
    assert np.abs(read(out)[-RATE // 4 :, 2:]).max() > 0.02


def test_a_model_that_is_gone_when_it_is_needed_again_is_the_layers_own_fault(plain, tmp_path):
    model = tmp_path / "mine.safetensors"
    shutil.copy(starter_path(), model)
    said, out, good = [], tmp_path / "heard.wav", ll.sound(ONE).spread(0)
    with performance(out, model="toy", said=said) as live:

        def cause():
            model.unlink()
            for pid in live.state["workers"]:
                os.kill(pid, signal.SIGKILL)

        with_a_fault(live, ll.sound(OTHER).on(str(model)), good, cause)
    assert same(out, plain)
    assert f"d3: back to {good!r}" in said
    assert sum(line.startswith("d3: model: ") for line in said) == 1


def test_a_texture_that_is_slower_than_time_falls_silent_alone(recordings, tmp_path):
    from latentlive.corpus import Corpus

    names = [name for name in Corpus(recordings).names if name.startswith(("loop_", "ambi_"))][:40]
    slow = ll.blend(*((ll.sound(name).extend(3), 1 / 40) for name in names)).overlap(16)
    heard, said = [], []
    for texture in (None, slow):
        out = tmp_path / f"{len(heard)}.wav"
        with performance(out, model="rawaudiovae", corpus=recordings, said=said) as live:
            live.start()
            if texture is not None:
                at(live, 0.5)
                live.d3.out(3).quant(0) >> texture
                wait_until(lambda live=live: layer(live, "d3").get("late"), 30, "it to be late")
        heard.append(read(out))
    assert np.array_equal(heard[0][:, :2], heard[1][:, :2])
    assert any("d3: rendering cannot keep up" in line for line in said)
    assert not any(line.startswith(("d1", "d2")) for line in said)
