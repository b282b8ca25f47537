"""Knobs are turned through real sockets: live, replay and bounce are the same samples."""

from __future__ import annotations

import json
import socket
import time

import numpy as np
import pytest
import soundfile
from pythonosc.osc_message_builder import OscMessageBuilder

import latentlive as ll
from latentlive.engine.log.bounced import bounce_file
from latentlive.errors import EngineError
from tests.live.conftest import wait_until

RNG = np.random.default_rng(8)
ONE, OTHER = ((RNG.standard_normal(n) * 0.1).astype("f4") for n in (41_000, 70_001))
RATE = 44100


def read(path):
    """Return the samples of a file."""
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


class Hands:
    """Sends OSC from a socket of its own."""

    def __init__(self, place):
        host, port = place.rsplit(":", 1)
        self.place = host, int(port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, path, *values):
        """Send a message."""
        message = OscMessageBuilder(path)
        for value in values:
            message.add_arg(value)
        self.socket.sendto(message.build().dgram, self.place)


def arrived(live):
    """Return the last values by source."""
    return {source: value for source, value, _ in live.state.get("arrived", [])}


def again(log, out, model):
    """Replay a log, and return what was heard."""
    with ll.Engine(model=model, silent=True, out=out, replay=log, say=print) as replay:
        wait_until(lambda: replay.state.get("replaying") is False, 40, "the end of the replay")
    return read(out)


def test_what_was_turned_is_replayed_and_bounced_to_the_sample(tmp_path):
    model = "spectral"
    said, log, out = [], tmp_path / "evening.py", tmp_path / "heard.wav"
    with ll.Engine(model=model, silent=True, out=out, log=log, osc="0", say=said.append) as live:
        place = wait_until(lambda: live.state.get("osc"), 20, "the socket")
        hands = Hands(place)
        one, other = ll.sound(ONE), ll.sound(OTHER)
        live.d1.fade(0).lead(1.5).gain(ll.knob("level", 0.9).range(-20, 0))
        live.d1 >> ll.interp(one, other, ll.osc("/hand/x", 1).lag(0.1)).extend(2)
        (
            live.d2.pan(ll.osc("pan")).wide(1).lead(1.2)
            >> ll.path([one, other, one], ll.knob("sea")).loop()
        )
        wait_until(lambda: live.state.get("seconds", 0) > 0.5, 30, "half a second")
        for turn in range(150):
            hands.send("/hand/x", "name", abs(np.sin(turn / 11.0)).item(), 3)
            hands.send("/knob/sea", abs(np.cos(turn / 17.0)).item())
            hands.send("/knob/level", turn / 150)
            hands.send("/ctrl", "pan", turn / 75 - 0.5)
            hands.socket.sendto(b"/broken", hands.place)
            if turn == 60:
                live.d1.morph(1).lead(2) >> ll.interp(other, one, ll.osc("/hand/x", 1))
            if turn == 100:
                live.d2.lead(1.4)
            time.sleep(0.02)
        wait_until(lambda: arrived(live).get("knob:level") == 0.9933, 5, "the last value")
        state = live.fresh()
        assert state["missing"] == state["underflows"] == 0
        assert state["malformed"] > 100
        live.hush(0.2)
        wait_until(lambda: live.state.get("silent"), 10, "silence")
    heard = read(out)
    lines = [json.loads(line) for line in log.with_suffix(".jsonl").read_text().splitlines()]
    taped = [line for line in lines if line.get("do") == "tape"]
    assert {line["source"] for line in taped} >= {"osc:/hand/x:1", "osc:pan:0", "knob:sea"}
    assert len(taped) > 400
    assert all(line["by"].startswith("osc 127.0.0.1:") for line in taped)
    replayed, bounced = again(log, tmp_path / "again.wav", model), tmp_path / "bounced.wav"
    same = min(len(replayed), len(heard))
    assert same > 3 * RATE
    assert np.array_equal(replayed[:same], heard[:same])
    bounce_file(log, bounced)
    assert np.array_equal(read(bounced)[:same], heard[:same])
    part = read(bounce_file(log, tmp_path / "part.wav", begin="2"))
    assert np.array_equal(part[: same - 2 * RATE], heard[2 * RATE : same])


def test_a_knob_is_heard_a_lead_after_it_is_turned_and_a_level_sooner(tmp_path):
    log = tmp_path / "evening.py"
    with ll.Engine(model="toy", silent=True, log=log, out=tmp_path / "heard.wav") as live:
        loud = ll.sound(np.full(RATE, 0.5, np.float32)).spread(0)
        quiet = ll.sound(np.full(RATE, 0.001, np.float32)).spread(0)
        live.d1.fade(0).lead(1.2) >> ll.interp(quiet, loud, ll.knob("a", 0))
        live.d2.fade(0).pan(ll.knob("b", 0)) >> loud
        wait_until(lambda: live.state.get("seconds", 0) > 1, 30, "a second")
        live.turn("a", 1)
        live.turn("b", 1)
        wait_until(lambda: live.state.get("seconds", 0) > 3.5, 30, "the end")
    lines = [json.loads(line) for line in log.with_suffix(".jsonl").read_text().splitlines()]
    taped = {line["source"]: line["at"] for line in lines if line.get("do") == "tape"}
    heard = read(tmp_path / "heard.wav")
    right = np.abs(heard[:, 1])
    level = int(np.argmax(right > 0.01))
    assert (level - taped["knob:b"]) / RATE == pytest.approx(lines[0]["lead"] / RATE, abs=0.005)
    assert lines[0]["lead"] / RATE < 0.15
    grown = np.abs(heard[:, 0] - heard[taped["knob:a"] + round(0.9 * RATE), 0]) > 0.02
    after = taped["knob:a"] + round(0.9 * RATE)
    texture = after + int(np.argmax(grown[after:]))
    assert (texture - taped["knob:a"]) / RATE == pytest.approx(1.2, abs=0.03)


def test_what_is_asked_of_knobs_is_answered_and_refused_in_one_line(tmp_path):
    said = []
    with ll.Engine(model="toy", silent=True, osc="0", say=said.append) as live:
        hands = Hands(wait_until(lambda: live.state.get("osc"), 20, "the socket"))
        live.turn("sea", 0.25)
        live.learn("sea")
        for value in (0.0, 0.1, 0.3, 0.6, 1.0):
            hands.send("/fader/1", value)
            time.sleep(0.03)
        wait_until(lambda: arrived(live).get("knob:sea") == 1.0, 5, "the learned knob")
        assert "osc('/fader/1')" in repr(live.knobs)
        assert "knob('sea')" in repr(live.inputs)
        live.watch(5)
        time.sleep(0.3)
        hands.send("/fader/2", 0.5)
        wait_until(lambda: any("osc('/fader/2')" in line for line in said), 5, "a line of watch")
        live.watch(0)
        live.forget("sea")
        for call, line in (
            (lambda: live.forget("sea"), "forget: no controller turns the knob 'sea'"),
            (lambda: live.turn("sea", 2), "turn: value must be <= 1, got 2"),
            (lambda: live.turn("", 1), "turn: name must be a name in quotes"),
            (lambda: live.d1.lead(0), "lead: seconds must be >= 0.05 seconds, got 0"),
        ):
            with pytest.raises((EngineError, ll.ExpressionError), match=line):
                call()


def test_other_programs_are_told_beats_levels_cues_and_curves(tmp_path):
    from pythonosc.osc_packet import OscPacket

    ears = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ears.bind(("127.0.0.1", 0))
    ears.settimeout(20)
    port, heard = ears.getsockname()[1], {}

    def until(path, condition):
        """Return the first message to an address for which a condition holds."""
        while True:
            for told in heard.get(path, []):
                if condition(told):
                    return told
            message = OscPacket(ears.recv(4096)).messages[0].message
            heard.setdefault(message.address, []).append(message.params)

    with ll.Engine(model="toy", silent=True, osc="0", say=print) as live:
        live.visuals(port)
        live.send("/bright", ll.line(0, 1000, 1000) + ll.knob("a", 0) * 5000, port=port, rate=50)
        live.d1.fade(0) >> ll.sound(OTHER).loop()
        with live.cue("drop"):
            live.d2 >> ll.sound(ONE).loop()
        level = until("/latentlive/level", lambda told: told[1] > 0.01)
        assert level[0] == "d1"
        until("/latentlive/cue", lambda told: told == ["drop", "waits"])
        beat = until("/latentlive/beat", lambda told: told[0] == 2)
        assert beat == [2, 60.0]
        value = until("/bright", lambda told: told[0] > 2)
        assert 2 < value[0] < 10
        live.turn("a", 1)
        until("/bright", lambda told: told[0] > 5000)
        live.go("drop")
        until("/latentlive/cue", lambda told: told == ["drop", "comes"])
        until("/latentlive/cue", lambda told: told == ["drop", "over"])
        until("/latentlive/level", lambda told: told[0] == "d2" and told[1] > 0.01)
        live.send("/bright", None)
        live.visuals(None)
        with pytest.raises(EngineError, match="send: nothing is sent to '/bright'"):
            live.send("/bright", None)
        with pytest.raises(ll.ExpressionError, match="send: path is an address"):
            live.send("no where", 1)
        with pytest.raises(ll.ExpressionError, match="port must lie in 1 to 65535"):
            live.visuals(70000)
    ears.close()


def test_an_input_process_that_is_killed_is_replaced_and_a_taken_port_is_told(tmp_path):
    import os
    import signal
    import subprocess

    said, taken = [], socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    with ll.Engine(model="toy", silent=True, osc=str(port), say=said.append) as live:
        place = wait_until(lambda: live.state.get("osc"), 20, "the socket")
        assert place != f"127.0.0.1:{port}"
        assert any(f"osc: port {port} is taken: it listens on" in line for line in said)
        listed = ["pgrep", "-P", str(live.welcome.pid), "-f", "inputs.osc"]

        def process():
            found = subprocess.run(listed, capture_output=True, text=True).stdout.split()
            return int(found[0]) if found else 0

        first = process()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: process() not in (0, first), 10, "another process")
        wait_until(lambda: live.fresh()["osc"] != place, 10, "another socket")
        Hands(live.state["osc"]).send("/a", 1)
        wait_until(lambda: "osc:/a:0" in arrived(live), 5, "a value")
    taken.close()
