"""What waits for its turn on a busy machine is told from what hangs."""

from __future__ import annotations

import math
import sys

from latentlive.ground import processes
from latentlive.ground.turns import LASTS, Stop, Turns
from tests.live.conftest import wait_until


def test_what_would_go_on_and_is_not_let_misses_its_turns(starved, sleeper):
    turns = Turns(starved.pid)
    assert [turns.missed() for _ in range(3)] == [True] * 3
    asleep = Turns(sleeper.pid)
    wait_until(lambda: not asleep.missed(), 20, "it to sleep")


def test_what_computes_and_what_is_stopped_misses_none(monkeypatch):
    looks = iter([(0.0, 5.0, "R"), (1.0, 5.05, "R"), (2.0, 5.5, "R"), (3.0, 5.5, "T")])
    now, worked, state = next(looks)
    monkeypatch.setattr(processes, "worked", lambda pid: worked)
    monkeypatch.setattr(processes, "_states", lambda pid: [state])
    monkeypatch.setattr(sys, "platform", "linux")
    turns, missed = Turns(1, lambda: now), []
    for now, worked, state in looks:  # noqa: B007 - what is asked looks at them
        missed.append(turns.missed())
    assert missed == [True, False, False]


def test_where_descriptors_have_run_out_it_is_told_from_nothing(monkeypatch):
    monkeypatch.setattr(processes, "worked", lambda pid: math.inf)
    monkeypatch.setattr(processes, "would_go_on", lambda pid: False)
    assert not Turns(1).missed()


def test_what_a_debugger_holds_is_left_to_it(monkeypatch):
    monkeypatch.setattr(processes, "_states", lambda pid: ["t"])
    assert processes.would_go_on(1)
    monkeypatch.setattr(processes, "_states", lambda pid: ["S", "D", "T", "Z"])
    assert not processes.would_go_on(1)


def test_a_stop_that_all_others_shared_is_none(monkeypatch):
    looks = iter([(0.0, True), (0.01, True), (0.02, False), (1.0, True), (1.0 + LASTS, True)])
    monkeypatch.setattr(processes, "stopped", lambda pid: stopped)
    stop, lasts = Stop(1, lambda: now), []
    for now, stopped in looks:  # noqa: B007 - what is asked looks at them
        lasts.append(stop.lasts())
    assert lasts == [False, False, False, False, True]
