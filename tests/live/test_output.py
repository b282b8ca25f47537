"""The device side for real: lost, frozen, at another rate, named wrongly, killed."""

from __future__ import annotations

import os
import queue
import re
import signal
import threading
import time

import numpy as np
import pytest

import latentlive as ll
from latentlive.doctor import sound
from latentlive.engine.output import probe as asking
from latentlive.engine.output.supervisor import Output
from latentlive.engine.shared import Shared
from latentlive.engine.timing import LONGEST_LATE
from latentlive.errors import DeviceError, EngineError
from latentlive.protocol.children import Children
from tests.live.conftest import strict, wait_until

RATE = 44100
TONE = (np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE) * 0.4).astype(np.float32)
LEVEL = 0.4 * 10 ** (-9 / 20) * np.sqrt(0.5)
"""The tone in either channel, behind the master and in the middle."""


LATE = 0.2
"""Seconds by which the position may be off the clock."""


class Pace:
    """Watches the position beside the wall clock."""

    def __init__(self, live):
        self.live, self.rows, self.over = live, [], False
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    @property
    def off(self):
        """The seconds by which the position is behind (< 0) or before the clock now."""
        (begun, first, _), (when, position, _) = self.rows[0], self.rows[-1]
        return (position - first) / RATE - (when - begun)

    def watch(self):
        seen = None
        while not self.over:
            state = self.live.state
            if state is not seen and state.get("running"):
                self.rows.append((time.monotonic(), state["position"], state["missing"]))
                seen = state
            time.sleep(0.002)

    def stop(self):
        """Return the seconds by which the position was off [shape=(n,)], and the positions."""
        self.over = True
        self.thread.join()
        when, position, _ = np.array(self.rows).T
        return (position - position[0]) / RATE - (when - when[0]), position


def sounding(live):
    live.d1 >> ll.sound(TONE).spread(0)
    wait_until(lambda: live.state.get("seconds", 0) > 1.0, 20, "the tone to sound")
    return wait_until(lambda: live.state["device"], 10, "the device")


def is_tone(heard, seconds=0.5):
    """Return whether the last part of a capture is the tone, without a gap."""
    part = heard[-round(seconds * RATE) - RATE // 5 : -RATE // 5, 0]
    t = np.arange(len(part)) * 2 * np.pi * 440 / RATE
    basis = np.stack([np.sin(t), np.cos(t)], axis=1)
    weights = np.linalg.lstsq(basis, part, rcond=None)[0]
    residue = np.abs(part - basis @ weights).max()
    return np.hypot(*weights), residue


def heard(sink):
    """Return level and residue of the tone: a busy machine may leave gaps, but not each time."""
    for _ in range(5):
        capture = sink.capture()
        time.sleep(1.0)
        level, residue = is_tone(capture.stop())
        if residue < 1e-3:
            break
    return level, residue


def test_a_device_that_is_gone_and_comes_back(own_sink):
    said = []
    with ll.Engine(model="toy", say=said.append) as live:
        sounding(live)
        pace = Pace(live)
        own_sink.end(signal.SIGKILL)
        wait_until(lambda: said, 5, "the loss to be noticed")
        time.sleep(2.0)
        assert live.state["device"] is None
        own_sink.start()
        wait_until(lambda: len(said) > 1, 5, "the device to be opened again")
        level, residue = heard(own_sink)
        off, position = pace.stop()
        state = live.state
    assert said[0] == "the sound device is gone; time is kept"
    assert re.fullmatch("heard again on .+", said[1])
    assert level == pytest.approx(LEVEL, rel=1e-3)
    assert residue < 1e-3
    assert (np.diff(position) >= 0).all()
    assert np.abs(off).max() < LATE
    assert state["missing"] == 0


def test_a_device_that_freezes_and_thaws(own_sink):
    said = []
    with ll.Engine(model="toy", say=said.append) as live:
        sounding(live)
        first = live.state["audio"]
        pace = Pace(live)
        own_sink.server.send_signal(signal.SIGSTOP)
        wait_until(lambda: said, 2, "the freeze to be noticed")
        wait_until(lambda: live.state["audio"] != first, 5, "another audio process")
        time.sleep(2.0)
        own_sink.server.send_signal(signal.SIGCONT)
        wait_until(lambda: len(said) > 1, 10, "the device to be opened again")
        level, residue = heard(own_sink)
        off, position = pace.stop()
        state = live.state
    assert said[0] == "the sound device does not answer; time is kept until it does"
    assert re.fullmatch("heard again on .+", said[1])
    assert level == pytest.approx(LEVEL, rel=1e-3)
    assert residue < 1e-3
    assert (np.diff(position) >= 0).all()
    assert np.abs(off).max() < LATE
    assert state["missing"] == 0


def test_an_audio_process_that_is_killed_makes_up_for_the_time_it_missed(own_sink):
    said = []
    with ll.Engine(model="toy", say=said.append) as live:
        sounding(live)
        pace = Pace(live)
        wait_until(lambda: pace.rows, 10, "time to pass")
        os.kill(live.state["audio"], signal.SIGKILL)
        wait_until(lambda: said, 5, "the death to be noticed")
        at, killed = live.state["position"], time.monotonic()
        wait_until(lambda: live.state["position"] > at, 20, "time to go on")
        took = time.monotonic() - killed
        most = took / 2 + max(took - LONGEST_LATE, 0.0)
        wait_until(lambda: pace.off > -most, 10, "what was missed to be made up for")
        capture = own_sink.capture()
        time.sleep(0.7)
        level, _ = is_tone(capture.stop(), 0.3)
        _, position = pace.stop()
        assert live.state["missing"] == 0
    assert said == ["the audio process died and is started again"]
    assert level == pytest.approx(LEVEL, rel=1e-3)
    assert (np.diff(position) >= 0).all()


def test_an_audio_process_that_stands_by_takes_over_before_it_is_missed(own_sink):
    said, silences = [], []
    with ll.Engine(model="toy", say=said.append) as live:
        sounding(live)
        stands_by = wait_until(lambda: live.state["standby"], 20, "another to stand by")
        os.kill(stands_by, signal.SIGKILL)  # one that is not needed is not missed
        wait_until(lambda: live.state["standby"] not in (None, stands_by), 20, "another one")
        for _ in range(3):
            capture = own_sink.capture()
            time.sleep(0.3)
            os.kill(live.state["audio"], signal.SIGKILL)
            time.sleep(1.0)
            heard = np.flatnonzero(np.abs(capture.stop()[:, 0]) > LEVEL / 100)
            silences.append(np.diff(heard).max() / RATE)
            wait_until(lambda: live.state["standby"], 20, "another to stand by")
        assert live.state["missing"] == 0
    assert said == ["the audio process died and is started again"] * 3
    assert min(silences) < 0.2  # started from nothing, it takes 0.3 s


def test_a_frozen_device_at_the_start_lets_time_begin_without_it(own_sink):
    own_sink.server.send_signal(signal.SIGSTOP)
    said = []
    with ll.Engine(model="toy", say=said.append) as live:
        live.d1 >> ll.sound(TONE).spread(0)
        wait_until(lambda: live.state.get("seconds", 0) > 0.5, 20, "time to begin")
        assert said == ["no sound is heard: the sound device does not answer; time is kept"]
        assert live.wait_for_device() is None
        own_sink.server.send_signal(signal.SIGCONT)
        wait_until(lambda: len(said) > 1, 10, "the device")
        assert re.fullmatch("heard on .+", said[1])
        wait_until(lambda: live.state["device"], 5, "the state to show it")


def test_a_device_that_is_not_there_is_named_in_one_line_and_time_is_kept(sink):
    said = []
    with ll.Engine(model="toy", device="pulsed", say=said.append) as live:
        assert live.wait_for_device() is None
        live.d1 >> ll.sound(TONE).spread(0)
        wait_until(lambda: live.state.get("seconds", 0) > 0.5, 20, "time to pass")
    why = "no sound device 'pulsed'; did you mean 'pulse'? (latentlive devices lists them)"
    assert said == [f"no sound is heard: {why}; time is kept"]


def test_a_device_is_chosen_by_a_part_of_its_name_or_by_number(sink):
    number = next(line.split()[0] for line in devices() if "pulse " in line)
    assert f"ok    sound    {sound('PULS', RATE).text}" == sound(number, RATE).line()
    with ll.Engine(model="toy", device="PULS") as live:
        assert live.wait_for_device() == "pulse"


def test_a_frozen_sound_server_does_not_take_along_who_asks_for_devices(own_sink, monkeypatch):
    before = asking.listed()
    own_sink.server.send_signal(signal.SIGSTOP)
    patience = asking.PROBE_PATIENCE
    monkeypatch.setattr(asking, "PROBE_PATIENCE", 2.0)
    with pytest.raises(DeviceError, match="does not answer; restart the sound server"):
        asking.listed()
    monkeypatch.setattr(asking, "PROBE_PATIENCE", patience)
    own_sink.server.send_signal(signal.SIGCONT)
    assert asking.listed() == before


def test_what_is_said_as_devices_come_and_go(tmp_path):
    said = []
    options = {"device": "none such", "block": 512, "latency": 0.1, "silent": False}
    with (tmp_path / "log").open("wb") as log:
        shared = Shared.create(6)
        children = Children(shared.fd, queue.Queue(), log)
        output = Output(shared, RATE, options, children, said.append, rings=dict)
        try:
            for device in (
                {"device": None, "why": "no sound device"},
                {"device": None, "why": "another reason"},
                {"device": "card", "rate": 48000, "channels": 4},
                {"device": None, "why": "the sound device is gone"},
                {"device": "card", "rate": 48000, "channels": 4},
            ):
                output.take(output.relay.child, {"op": "opened", "latency": 0.1, **device})
                assert output.status()["device"] == device["device"]
            output.take(object(), {"op": "opened", "device": "a stranger's"})
        finally:
            output.close()
    assert said == [
        "no sound is heard: no sound device; time is kept",
        "heard on card",
        "card plays at 48000 Hz: resampled from 44100 Hz",
        "card has 4 channels: 5 to 6 are not heard",
        "the sound device is gone; time is kept",
        "heard again on card",
    ]


def test_odd_channels_are_refused_in_one_line():
    with pytest.raises(EngineError, match="channels: must be even and lie in 2 to 16, got 3"):
        ll.Engine(model="toy", silent=True, channels=3)


def devices():
    import subprocess
    import sys

    command = [sys.executable, "-m", "latentlive.cli", "devices"]
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()


def test_a_device_that_refuses_the_rate_is_resampled_for(sink, tmp_path, monkeypatch):
    """The driver is real and runs at 48 kHz; only its consent to 44.1 kHz is taken away."""
    folder = tmp_path / "strict"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(strict("OutputStream"))
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    said, out = [], tmp_path / "heard.wav"
    capture = sink.capture()
    with ll.Engine(model="toy", out=out, say=said.append) as live:
        name = sounding(live)
        wait_until(lambda: live.state["seconds"] > 4.0, 10, "some seconds")
        cut = capture.stop()
        live.panic()
        again = sink.capture()
        time.sleep(0.6)
        silent = again.stop()
    assert said == [f"{name} plays at 48000 Hz: resampled from 44100 Hz"]
    level, residue = is_tone(cut, 2.0)
    assert level == pytest.approx(LEVEL, rel=2e-3)
    assert residue < 2e-3 * level
    assert not silent[RATE // 4 :].any()
    import soundfile

    mix = soundfile.read(out, dtype="float32")[0][RATE : 3 * RATE]
    expected = TONE[np.arange(RATE, 3 * RATE) % RATE]
    assert np.abs(mix[:, 0] - expected / 0.4 * LEVEL).max() < 1e-4  # the model's rate, not 48 kHz


PLAIN = """
import os
del os.memfd_create, os.posix_fallocate
"""


@pytest.mark.parametrize("way", ["as Linux does", "as macOS does"])
def test_nothing_is_left_when_everything_is_killed_at_once(way, tmp_path, monkeypatch):
    if way == "as macOS does":
        (tmp_path / "sitecustomize.py").write_text(PLAIN)
        paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    before = set(os.listdir("/dev/shm"))
    live = ll.Engine(model="toy", silent=True, channels=4)
    live.d1 >> ll.sound(TONE)
    wait_until(lambda: live.state.get("seconds", 0) > 0.3, 20, "a layer")
    for pid in (live.process.pid, *live.state["workers"], live.state["audio"]):
        os.kill(pid, signal.SIGKILL)
    live.process.wait()
    live.close()
    assert os.listdir(scratch) == []
    assert not {name for name in set(os.listdir("/dev/shm")) - before if "latentlive" in name}
