"""Too much to render: what must fall silent does, one layer after the other, and comes back."""

from __future__ import annotations

import numpy as np
import pytest

import latentlive as ll
from latentlive.engine.server.status import report
from latentlive.engine.shared import MISSING
from tests.scheduling import RNG, House, play

SOUND = ll.sound((RNG.standard_normal(30 * 1024) * 0.1).astype("f4"))


class Loaded(House):
    """A house with so many layers; after a second each takes so long to render [s a second]."""

    def __init__(self, count, load):
        super().__init__()
        self.closed = {}
        self.apply(*(play(f"d{n}", SOUND.early(n / 40)) for n in range(1, count + 1)))
        self.run(1)
        self.takes(load)

    def takes(self, load):
        self.slow = dict.fromkeys(self.scheduler.timeline.voices, load) if load else {}

    def run(self, seconds, block=512):
        """Count how often each layer was seen to fall silent."""
        before = self.silent()
        for _ in range(round(seconds * 10)):
            super().run(0.1, block)
            now = self.silent()
            for name in now - before:
                self.closed[name] = self.closed.get(name, 0) + 1
            before = now

    def silent(self):
        return {one["name"] for one in report(self.scheduler)["layers"] if one["late"]}


@pytest.mark.parametrize(("count", "load", "fit"), [(10, 0.25, 8), (24, 0.1, 20), (6, 0.45, 4)])
def test_no_more_falls_silent_than_the_two_workers_cannot_render(count, load, fit):
    house = Loaded(count, load)
    house.run(14)
    assert len(house.silent()) <= count - fit + 1
    assert set(house.closed.values()) == {1}  # nothing comes and goes
    assert not house.shared.header[MISSING]
    silent = [int(name[1:]) for name in house.closed]
    assert 1 not in silent
    house.takes(0)
    house.run(6)
    assert not house.silent()


def test_a_worker_with_too_much_gives_to_the_other_and_the_samples_are_the_same():
    heavy, light = Loaded(24, 0.05), Loaded(24, 0)
    assert {voice.stream.lane for voice in heavy.scheduler.timeline.voices.values()} == {0}
    for house in (heavy, light):
        house.run(8)
    assert {voice.stream.lane for voice in heavy.scheduler.timeline.voices.values()} == {0, 1}
    assert not heavy.closed
    assert np.array_equal(heavy.samples, light.samples)


def test_the_backlog_tells_how_much_is_to_be_rendered():
    house = Loaded(10, 0.25)
    assert house.dispatch.backlog == 0
    house.run(6)
    assert 2 < house.dispatch.backlog < 20  # of ten voices, two seconds each
    house.takes(0)
    house.run(6)
    assert house.dispatch.backlog == 0


def test_what_does_not_fit_in_tries_again_now_and_then():
    house = Loaded(9, 0.25)
    house.run(40)
    assert 1 <= sum(house.closed.values()) <= 6
    assert not house.shared.header[MISSING]
