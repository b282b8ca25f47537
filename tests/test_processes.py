"""Processes by number, and the addresses that they leave when they are killed."""

from __future__ import annotations

import json
import os
import signal
import sys

import pytest

from latentlive.ground import processes
from latentlive.ground.files import cache_folder
from latentlive.protocol.address import Address, publish, sweep
from tests.live.conftest import wait_until


def test_a_process_is_told_from_a_later_one_of_its_number(sleeper):
    since = processes.started(sleeper.pid)
    assert since
    assert since == processes.started(sleeper.pid)
    assert since != processes.started(os.getpid())
    sleeper.kill()
    wait_until(lambda: not processes.started(sleeper.pid), 5, "its end, though nobody has waited")
    assert not processes.started(0)
    assert not processes.started(2**22 + 1)


def test_what_works_is_told_from_what_is_frozen(sleeper):
    begun = processes.worked(os.getpid())
    wait_until(lambda: processes.worked(os.getpid()) >= begun + 0.02, 10, "our own work")
    sleeper.send_signal(signal.SIGSTOP)
    if sys.platform == "linux":
        wait_until(lambda: processes.stopped(sleeper.pid), 5, "it to be seen")
    begun, ours = processes.worked(sleeper.pid), processes.worked(os.getpid())
    wait_until(lambda: processes.worked(os.getpid()) >= ours + 0.02, 10, "more work of ours")
    assert processes.worked(sleeper.pid) == begun
    assert not processes.stopped(os.getpid())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no ps")
def test_systems_without_proc_are_asked_by_ps(sleeper, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert processes.started(sleeper.pid) == processes.started(sleeper.pid) != ""
    assert processes.worked(sleeper.pid) < 10
    assert processes._seconds("1-02:03:04.5") == 93784.5
    sleeper.kill()
    wait_until(lambda: not processes.started(sleeper.pid), 5, "its end")


def test_only_the_process_that_is_meant_is_ended(sleeper):
    processes.end(sleeper.pid, since="another time")
    assert sleeper.poll() is None
    processes.end(sleeper.pid, processes.started(sleeper.pid))
    assert sleeper.wait(5) == -signal.SIGKILL
    processes.end(sleeper.pid)


def test_addresses_of_killed_processes_are_swept_and_those_of_others_stay(sleeper):
    theirs = publish(Address(9, "secret", sleeper.pid), "prompt")
    ours = publish(Address(9, "secret", os.getpid()), "prompt")
    later = cache_folder("run") / "engine-1.json"
    later.write_text(json.dumps({"port": 9, "token": "x", "pid": os.getpid(), "since": "before"}))
    nonsense = cache_folder("run") / "engine-2.json"
    nonsense.write_text("[")
    try:
        sweep()
        assert theirs.exists()
        assert not later.exists()
        assert not nonsense.exists()
        sleeper.kill()
        sleeper.wait()
        sweep()
        assert not theirs.exists()
        assert ours.stat().st_mode & 0o777 == 0o600
        assert [path.name for path in ours.parent.iterdir()] == [ours.name]
    finally:
        ours.unlink()
