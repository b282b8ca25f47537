"""When what died, hung or could not be started is tried again."""

from __future__ import annotations

from latentlive.ground.patience import JUDGED, Patience
from latentlive.ground.restarts import FIRST, LONGEST, Restarts


class Clock:
    """A clock that is set."""

    now = 0.0

    def __call__(self):
        return self.now


def test_what_cannot_be_started_is_tried_later_and_later_and_told_once():
    clock = Clock()
    restarts = Restarts(clock)
    told, pauses = [], []
    for _ in range(8):
        assert restarts.due
        told.append(restarts.failed())
        begun = clock.now
        while not restarts.due:
            clock.now += 0.1
        pauses.append(clock.now - begun)
    assert told == [True] + [False] * 7
    assert pauses[0] < FIRST + 0.2
    assert pauses == sorted(pauses)
    assert LONGEST <= pauses[-1] < LONGEST + 0.2
    restarts.began()
    assert restarts.failed()


def test_deaths_are_counted_within_a_minute():
    clock = Clock()
    restarts = Restarts(clock)
    assert [restarts.died() for _ in range(3)] == [1, 2, 3]
    clock.now = 61.0
    assert restarts.died() == 1


def test_patience_does_not_count_what_passed_while_nobody_looked():
    clock = Clock()
    patience = Patience(clock)
    for _ in range(10):
        clock.now += 0.1
        patience.waited()
    assert abs(patience.waited() - 1.0) < 1e-9
    clock.now += 3600.0  # the machine slept
    assert patience.waited() < 1.3
    patience.heard()
    assert patience.waited() == 0.0


def test_patience_does_not_count_what_is_excused():
    clock, excuses = Clock(), iter([True, True, False, True])
    patience = Patience(clock, lambda: next(excuses))
    waited = []
    for _ in range(4):
        clock.now += JUDGED
        waited.append(patience.waited())
    assert waited == [0.0, 0.0, JUDGED, JUDGED]
    clock.now += JUDGED / 2
    assert patience.waited() == 1.5 * JUDGED  # until it is asked, it counts
    patience.heard()
    assert patience.waited() == 0.0
