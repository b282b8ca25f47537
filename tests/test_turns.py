"""What waits for its turn on a busy machine is told from what hangs."""

from __future__ import annotations

import signal

from latentlive.ground import processes
from latentlive.ground.turns import Turns
from tests.live.conftest import wait_until


def test_only_what_would_go_on_and_is_not_let_misses_its_turns(starved, sleeper):
    turns = Turns(starved.pid)
    computed = processes.worked(starved.pid)
    assert [turns.missed() for _ in range(3)] == [True] * 3
    starved.feed()
    wait_until(lambda: processes.worked(starved.pid) > computed + 0.1, 20, "its work")
    assert not turns.missed()
    starved.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: processes.stopped(starved.pid), 5, "it to stop")
    turns.missed()
    assert not turns.missed()
    assert not Turns(sleeper.pid).missed()


def test_what_a_debugger_holds_is_left_to_it(monkeypatch):
    monkeypatch.setattr(processes, "_states", lambda pid: ["t"])
    assert processes.would_go_on(1)
    monkeypatch.setattr(processes, "_states", lambda pid: ["S", "D", "T", "Z"])
    assert not processes.would_go_on(1)
