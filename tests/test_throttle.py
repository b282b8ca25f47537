"""The throttle: at most 200 values a second of a source, the last one always, none twice."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlive.engine.inputs.throttle import (
    FORGOTTEN,
    GAP,
    LONGEST_SOURCE,
    LONGEST_TABLE,
    MOST_SOURCES,
    PERIOD,
    SECOND,
    Throttle,
)

MS = SECOND // 1000
START = 1000 * SECOND
"""A clock that has run for a while."""


def values(throttle, now):
    return [row for m in throttle.messages(now) if m["op"] == "values" for row in m["rows"]]


def told(throttle, now, op):
    return [message for message in throttle.messages(now) if message["op"] == op]


def play(arrivals, end=SECOND):
    """Give a throttle plain arrivals (milliseconds, value) of one source, and collect its rows."""
    throttle, rows = Throttle("osc"), []
    arrivals = iter([*arrivals, (math.inf, 0.0)])
    at, value = next(arrivals)
    for ms in range(end // MS + 2 * PERIOD // MS):
        while at <= ms:
            throttle.take("knob:a", value, START + ms * MS, "me", START + ms * MS)
            at, value = next(arrivals)
        rows += values(throttle, START + ms * MS)
    return rows


def test_a_value_goes_out_at_once():
    throttle = Throttle("osc")
    throttle.take("knob:a", 0.5, START, "me", START)
    assert throttle.pause(START) == 0.0
    assert values(throttle, START) == [("knob:a", 0.5, START, "me")]
    assert 0.0 < throttle.pause(START) <= 1.0


def test_messages_of_values_are_ten_milliseconds_apart():
    throttle, moments = Throttle("osc"), []
    for ms in range(100):
        throttle.take(f"osc:/{ms % 20}:0", ms, START + ms * MS, "me", START + ms * MS)
        moments += [ms for _ in told(throttle, START + ms * MS, "values")]
    assert moments == list(range(0, 100, 10))


def test_a_thousand_values_a_second_become_two_hundred_evenly():
    rows = play([(ms, float(ms)) for ms in range(1000)])
    assert 199 <= len(rows) <= 201
    moments = [row[2] for row in rows[1:]]
    assert {b - a for a, b in pairwise(moments)} == {GAP}
    assert rows[-1][1] == 999.0


def test_a_hundred_and_fifty_values_a_second_come_whole():
    rows = play([(7 * n, float(n)) for n in range(140)])
    assert [(row[1], row[2]) for row in rows] == [(n, START + 7 * n * MS) for n in range(140)]


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3).map(float)), max_size=200))
def test_the_last_value_is_never_lost_none_comes_twice_and_the_rate_holds(arrivals):
    arrivals = sorted(arrivals, key=lambda one: one[0])
    rows = play(arrivals, end=SECOND // 3)
    assert [row[1] for row in rows[-1:]] == [value for _, value in arrivals[-1:]]
    assert all(a[1] != b[1] and a[2] <= b[2] for a, b in pairwise(rows))
    assert len(rows) <= 2 + 300 // 5
    assert {(row[2], row[1]) for row in rows} <= {(START + ms * MS, v) for ms, v in arrivals}


def test_values_for_different_moments_may_come_at_once_up_to_a_second_ahead():
    throttle = Throttle("osc")
    for n in range(1000):
        throttle.take("osc:/a:0", n, START + n * GAP, "me", START)
    assert [row[1] for row in values(throttle, START)] == list(range(201))
    assert [row[1] for row in values(throttle, START + PERIOD)] == [999.0]


def test_a_value_for_now_does_not_wait_behind_one_for_later():
    throttle = Throttle("osc")
    later = START + SECOND // 2
    throttle.take("osc:/a:0", 1.0, later, "me", START)
    throttle.take("osc:/a:0", 0.2, START + 1, "me", START + 1)
    throttle.take("osc:/a:0", 0.2, later + SECOND // 10, "me", START + 2)
    rows = values(throttle, START + 2)
    # The third is what came last, but not what holds at its moment.
    assert [row[1] for row in rows] == [1.0, 0.2, 0.2]


def test_what_waits_goes_before_what_is_for_later():
    throttle = Throttle("osc")
    for value, ms in ((1.0, 0), (2.0, 2), (3.0, 300)):
        throttle.take("osc:/a:0", value, START + ms * MS, "me", START)
    assert [row[1] for row in values(throttle, START)] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_counted_as_malformed(value):
    throttle = Throttle("osc")
    throttle.take("osc:/a:0", value, START, "me", START)
    assert list(throttle.messages(START)) == [
        {"op": "counted", "what": "osc", "malformed": 1, "refused": 0}
    ]


def test_sources_beyond_the_most_and_long_names_are_refused_and_counted():
    throttle = Throttle("osc")
    for n in range(MOST_SOURCES + 10):
        throttle.take(f"osc:/{n}:0", 1.0, START, "me", START)
    throttle.take("o" * (LONGEST_SOURCE + 1), 1.0, START, "me", START)
    assert len(values(throttle, START)) == MOST_SOURCES
    assert throttle.refused == 11


def test_a_source_that_was_long_silent_gives_way_to_a_new_one():
    throttle = Throttle("osc")
    for n in range(MOST_SOURCES):
        throttle.take(f"osc:/{n}:0", 1.0, START, "me", START)
    values(throttle, START)
    later = START + FORGOTTEN
    throttle.take("osc:/0:0", 0.0, later, "me", later)
    throttle.take("osc:/new:0", 1.0, later, "me", later)
    assert [row[0] for row in values(throttle, later)] == ["osc:/0:0", "osc:/new:0"]
    assert throttle.refused == 0


def test_counters_are_told_once_a_second_and_only_when_they_changed():
    throttle, moments = Throttle("osc"), []
    for ms in range(5000):
        throttle.malformed += ms < 2500
        moments += [ms for _ in told(throttle, START + ms * MS, "counted")]
    assert moments == [0, 1000, 2000, 3000]


def test_the_table_has_the_newest_first_their_values_and_rates():
    throttle = Throttle("midi")
    assert list(throttle.messages(START)) == []
    for ms in range(1000):
        throttle.take("cc:1", ms / 1000, START + ms * MS, "one", START + ms * MS)
    for n in range(LONGEST_TABLE):
        throttle.take(f"cc:x{n}", n, START + 999 * MS, "two", START + 999 * MS)
    throttle.take("cc:1", 1.0, START + 999 * MS, "three", START + 999 * MS)
    (table,) = told(throttle, START + SECOND, "table")
    assert table["what"] == "midi"
    assert table["rows"][:2] == [["cc:1", 1.0, 1001.0, "three"], ["cc:x199", 199, 1.0, "two"]]
    assert len(table["rows"]) == LONGEST_TABLE
    assert told(throttle, START + 2 * SECOND, "table")[0]["rows"][0][2] == 0.0
    assert told(throttle, START + 3 * SECOND, "table") == []
