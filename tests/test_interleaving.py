"""The device may call between any two lines of the engine's: it finds what it would have found."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from latentlive.engine import shared as module
from latentlive.engine.desk import desk as stage
from latentlive.engine.desk import gains, strips
from latentlive.engine.output.ringmix import mix_rings
from latentlive.limiter import AHEAD
from latentlive.mixer import GRID
from latentlive.protocol.changes import Hush, Mute, Only, Rename, Restart, SetTempo, Stop
from tests.scheduling import RATE, A, B, House, play, put

CELLS = 512 // GRID + AHEAD + 1
"""What a call of the device reads, as far ahead as the limiter looks."""

WRITERS = {one.__file__ for one in (module, stage, gains, strips)}


class Watched(House):
    """A house in which, before each line that writes to the block, a device reads what is next."""

    def __init__(self):
        super().__init__()
        self.watching, self.lines, self.wrong = False, 0, []

    def watch(self, seconds):
        """Run as `run` does, and read in between."""
        self.watching = True
        self.run(seconds)
        self.watching = False
        assert self.lines > 1000
        assert not self.wrong

    def work(self):
        self.expected, _ = self._read()
        sys.settrace(self._called if self.watching else None)
        try:
            super().work()
        finally:
            sys.settrace(None)

    def _called(self, frame, event, argument):
        return self._at_line if frame.f_code.co_filename in WRITERS else None

    def _at_line(self, frame, event, argument):
        self.lines += 1
        if not self.scheduler.timeline.running:
            return self._at_line
        mixed, holes = self._read()
        if holes or not np.array_equal(mixed, self.expected):
            self.wrong.append((frame.f_code.co_name, frame.f_lineno, holes))
        return self._at_line

    def _read(self):
        """Return the mix of the cells that come next, and how many are audible and not there."""
        first = self.scheduler.timeline.position // GRID
        active = np.flatnonzero(self.shared.active)
        active = active[np.argsort(self.shared.active[active])]
        mixed, levels, absent = mix_rings(self.shared, active, first, first + CELLS)
        audible = (levels != 0.0).any(axis=0)
        return mixed, int(np.count_nonzero(absent & (audible[:, 1:] | audible[:, :-1])))


@pytest.mark.parametrize("idle", [2.0, 2.5, 3.0])
def test_a_ring_that_another_voice_left_long_ago_is_taken_without_a_hole(idle):
    house = Watched()
    house.apply(play("d1", A), put("d1", fade=0))
    house.apply(play("d2", B))
    house.run(1.0)
    house.apply(Stop("d2", 0.1))
    house.run(1.0 + idle)
    house.apply(play("d2", A), put("d2", quant=0))
    house.watch(0.4)


def test_whatever_is_changed_is_changed_ahead_of_what_the_device_reads():
    house = Watched()
    house.apply(play("d1", A), play("d2", B), put("d2", wide=0.5))
    house.run(0.5)
    for change in (
        put("d1", gain_db=-3.0),
        play("d1", B),
        put("d2", pan=0.1, wide=0.0, xfade=0.2),
        Mute("d1", True),
        Only(("d2",)),
        Restart("d1"),
        SetTempo(90.0),
        Rename("d2", "wind"),
        Hush(0.3),
    ):
        house.apply(change)
        house.watch(0.5)
    assert not np.abs(house.samples[-RATE // 10 :]).max()


def test_a_voice_that_is_late_falls_silent_and_comes_back_without_a_hole():
    house = Watched()
    house.apply(play("d1", A), play("d2", B))
    house.run(1.0)
    (late,) = [voice for voice in house.scheduler.timeline.voices.values() if voice.layer == "d2"]
    house.slow = {late.serial: 2.0}
    while late.gate.high:
        house.watch(0.2)
    house.slow = {}
    while not late.gate.high:
        house.watch(0.2)
    house.watch(0.2)
