"""The audio process and the one that stands by, really frozen and killed, in every order."""

from __future__ import annotations

import os
import queue
import signal
import sys
import time

import pytest

from latentlive.engine.output import guard, relay
from latentlive.engine.output.guard import Guard
from latentlive.engine.output.relay import Relay, Standby
from latentlive.engine.shared import CLOSING, POSITION, RUNNING, TICKS, Shared
from latentlive.errors import EngineError
from latentlive.ground import restarts
from latentlive.protocol import children
from tests.live.conftest import wait_until
from tests.live.test_faults import alive

RATE = 44100


class Stand:
    """A relay of silent audio processes that is watched as the engine's loop does."""

    def __init__(self, log):
        self.shared, self.inbox, self.said = Shared.create(), queue.Queue(), []
        self.shared.header[RUNNING] = 1
        options = {"device": "", "block": 512, "latency": 0.1, "silent": True}
        shared = children.Children(self.shared.fd, self.inbox, log)
        self.relay = Relay(self.shared, RATE, options, shared, self.said.append)

    def until(self, condition, seconds, what):
        def looked():
            self.relay.watch()
            while not self.inbox.empty():
                self.relay.take(*self.inbox.get())
            return condition()

        return wait_until(looked, seconds, what)

    @property
    def position(self):
        return int(self.shared.header[POSITION])

    def goes_on(self, seconds):
        """Wait until time passes; return how long that took."""
        at, begun = self.position, time.monotonic()
        self.until(lambda: self.position > at + 4096, seconds, "time to go on")
        return time.monotonic() - begun


@pytest.fixture
def stand(tmp_path, monkeypatch):
    monkeypatch.setattr(relay, "STANDBY_AFTER", 0.1)
    with (tmp_path / "log").open("wb") as log:
        stand = Stand(log)
        yield stand
        stand.relay.close()
        stand.shared.header[CLOSING] = 1


def test_one_that_stands_by_and_freezes_is_replaced_unsaid(stand):
    frozen = stand.until(lambda: stand.relay.standby, 20, "one to stand by")
    os.kill(frozen, signal.SIGSTOP)
    stand.until(lambda: stand.relay.standby not in (None, frozen), 20, "another one")
    wait_until(lambda: not alive(frozen), 5, "the frozen one to be gone")
    assert not stand.said
    assert stand.goes_on(5) < 1


def test_the_audio_process_is_killed_while_the_one_that_stands_by_is_frozen(stand):
    stands_by = stand.until(lambda: stand.relay.standby, 20, "one to stand by")
    stand.goes_on(5)
    os.kill(stands_by, signal.SIGSTOP)  # in the same moment: nobody can know it
    os.kill(stand.relay.pid, signal.SIGKILL)
    stand.goes_on(10)
    assert stand.relay.pid != stands_by
    wait_until(lambda: not alive(stands_by), 5, "the frozen one to be gone")
    assert stand.said[0] == "the audio process died and is started again"


def test_a_frozen_audio_process_is_replaced_and_named(stand):
    stand.goes_on(20)
    frozen = stand.relay.pid
    stand.until(lambda: stand.relay.standby, 20, "one to stand by")
    os.kill(frozen, signal.SIGSTOP)
    stand.until(lambda: stand.said, 5, "it to be noticed")
    assert stand.said == ["the audio process hung and was replaced"]
    assert stand.goes_on(5) < 1
    wait_until(lambda: not alive(frozen), 5, "the frozen one to be gone")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who is stopped")
def test_one_that_is_stopped_is_not_waited_for(stand, monkeypatch):
    for patience in (
        "FROZEN_AFTER",
        "STANDBY_FROZEN_AFTER",
        "STANDBY_DOUBTED_AFTER",
        "GO_PATIENCE",
    ):
        monkeypatch.setattr(relay, patience, 1000.0)
    stand.goes_on(20)
    for _ in range(2):
        frozen = stand.until(lambda: stand.relay.standby, 20, "one to stand by"), stand.relay.pid
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        stand.until(lambda f=frozen: stand.relay.pid not in f, 20, "another one to play")
        stand.goes_on(20)
        wait_until(lambda f=frozen: not any(alive(pid) for pid in f), 5, "both to be gone")
    assert stand.said == ["the audio process hung and was replaced"] * 2


def test_where_no_process_can_be_started_it_is_tried_later_and_later(stand, monkeypatch):
    monkeypatch.setattr(restarts, "FIRST", 0.1)
    stand.until(lambda: stand.relay.standby, 20, "one to stand by")
    tried = []

    def no_more(*arguments, **options):
        tried.append(time.monotonic())
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(children.subprocess, "Popen", no_more)
        for pid in (stand.relay.standby, stand.relay.pid):
            os.kill(pid, signal.SIGKILL)
        stand.until(lambda: len(tried) >= 3 and stand.relay.pid is None, 10, "some tries")
    assert tried[2] - tried[0] > 0.1
    assert [line for line in stand.said if "Too many open files" in line] == [
        "engine: no audio process can be started: [Errno 24] Too many open files; it is tried again"
    ]
    stand.goes_on(10)


def test_a_child_that_cannot_be_heard_leaves_no_process(tmp_path, monkeypatch):
    def no_thread(*arguments, **options):
        raise RuntimeError("can't start new thread")

    shared, started = Shared.create(), []
    popen = children.subprocess.Popen
    monkeypatch.setattr(children.threads, "run", no_thread)
    monkeypatch.setattr(
        children.subprocess, "Popen", lambda *a, **o: started.append(popen(*a, **o)) or started[-1]
    )
    with (tmp_path / "log").open("wb") as log, pytest.raises(EngineError, match="new thread"):
        children.Child("audio", "http.server", ["0"], shared.fd, queue.Queue(), log)
    assert started[0].returncode == -signal.SIGKILL


def test_an_engine_whose_loop_stands_still_for_long_is_ended(sleeper, monkeypatch):
    monkeypatch.setattr(guard, "HOPELESS", 0.5)
    shared = Shared.create()
    Guard(shared, sleeper.pid)
    begun = time.monotonic()
    while time.monotonic() < begun + 1.0:
        shared.header[TICKS] += 1
        time.sleep(0.01)
    assert sleeper.poll() is None
    assert sleeper.wait(5) == -signal.SIGKILL
    shared.header[CLOSING] = 1


def test_an_engine_that_does_not_come_to_its_turn_is_waited_for(starved, monkeypatch):
    monkeypatch.setattr(guard, "HOPELESS", 0.5)
    shared = Shared.create()
    shared.header[TICKS] = 1
    Guard(shared, starved.pid)
    begun = time.monotonic()
    wait_until(lambda: time.monotonic() > begun + 1.5, 5, "some time")
    assert starved.process.poll() is None
    starved.feed()  # from here on it computes, and tells nothing
    assert starved.process.wait(20) == -signal.SIGKILL
    shared.header[CLOSING] = 1


def test_one_that_stands_by_and_does_not_come_to_its_turn_is_waited_for(starved, monkeypatch):
    monkeypatch.setattr(relay, "STANDBY_FROZEN_AFTER", 0.4)
    standby = Standby(starved)
    standby.answered()
    begun = time.monotonic()
    while time.monotonic() < begun + 1.5:
        assert not standby.hangs()
        time.sleep(0.01)
    assert {"op": "ping"} in starved.sent
    starved.feed()
    starved.process.send_signal(signal.SIGSTOP)
    wait_until(standby.hangs, 5, "it to be noticed")
