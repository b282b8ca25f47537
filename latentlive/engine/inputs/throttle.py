"""What an input process lets through to the engine: the newest values, not too many, not twice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from latentlive.protocol.wire import Message

Row = tuple[str, float, int, str]
"""Source, value, its moment [ns of `time.monotonic_ns`], and who sent it."""

SECOND = 1_000_000_000
GAP = SECOND // 200
"""Nanoseconds between two values of a source."""

AHEAD = SECOND
"""Nanoseconds of values that a source may send at once, if they are for different moments."""

PERIOD = SECOND // 100
"""Nanoseconds between two messages of values."""

MOST_SOURCES = 512
LONGEST_SOURCE = 100
LONGEST_TABLE = 200

FORGOTTEN = 60 * SECOND
"""A source that was silent for so long gives its place to a new one, if all places are taken."""

NEVER = -(2**62)


@dataclass(slots=True)
class _Source:
    """A source that is known.

    Parameters
    ----------
    value, by
        What came last, and who sent it.
    heard : int [ns]
        When that was.
    count : int
        How many values came since the last table.
    sent, moment : int [ns]
        When the last value was let through, and the moment that it is for.
    held : (int [ns], float)
        The latest moment for which there is a value, and that value.
    busy : int [ns]
        Until when the values let through would last at one every 5 ms.
    waiting : Row or None
    """

    value: float = 0.0
    by: str = ""
    heard: int = NEVER
    count: int = 0
    sent: int = NEVER
    moment: int = NEVER
    held: tuple[int, float] = (NEVER, math.nan)
    busy: int = NEVER
    waiting: Row | None = None


class Throttle:
    """Turns what arrives into messages for the engine; it knows no socket, port or clock.

    A source has at most 200 values a second: a value sooner than 5 ms after the one before takes
    the place of what waits, and what waits goes out when the 5 ms are over. A sender who gives
    times may send a second of values ahead. A value that changes nothing stays here.

    Parameters
    ----------
    what : str
        The name of the input in its messages: ``"osc"``, ``"midi"``.

    Attributes
    ----------
    malformed, refused : int
        What could not be understood, and values of sources beyond 512 or with names beyond 100
        characters. Whoever reads packets counts in `malformed` too.

    Example
    -------
    >>> throttle = Throttle("osc")
    >>> throttle.take("knob:sea", 0.5, 7, "osc 127.0.0.1:53210", now=7)
    >>> next(throttle.messages(now=8))
    {'op': 'values', 'rows': [('knob:sea', 0.5, 7, 'osc 127.0.0.1:53210')]}
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self.malformed = self.refused = 0
        self._sources: dict[str, _Source] = {}  # the newest last
        self._waiting: dict[str, _Source] = {}
        self._events: dict[str, _Source] = {}  # those that `pass_on` let through
        self._ready: list[Row] = []
        self._sent = self._told = NEVER
        self._counted = (0, 0)
        self._table: list[list[object]] = []

    def take(self, source: str, value: float, moment: int, by: str, now: int) -> None:
        """Take a value that has arrived.

        Parameters
        ----------
        source : str
            Its canonical name.
        value : float
            Not a number and infinity count as malformed.
        moment : int [ns]
            When it is to hold; usually `now`.
        by : str
            Who sent it.
        now : int [ns]
        """
        if not math.isfinite(value):
            self.malformed += 1
            return
        known = self._find(source, now)
        if known is None:
            self.refused += 1
            return
        known.value, known.by, known.heard = value, by, now
        known.count += 1
        self._release(source, known, now)
        row = (source, value, moment, by)
        if abs(moment - known.moment) < GAP or known.busy > now + AHEAD:
            known.waiting = row
            self._waiting[source] = known
            return
        waiting = known.waiting
        if waiting is not None and waiting[2] <= moment:
            self._forget_waiting(source, known)
            self._let_through(known, waiting, waiting[2], now)
        self._let_through(known, row, moment, now)

    def renew(self) -> None:
        """Let the next value of each source through, even if it is the same as before."""
        for known in list(self._sources.values()):
            known.held = (NEVER, math.nan)

    def pass_on(self, source: str, value: float, moment: int, by: str, now: int) -> None:
        """Let a value through in any case: it is a note, and the next one does not replace it.

        Parameters
        ----------
        source, value, moment, by, now
            As `take` has them.
        """
        known = self._events.pop(source, None)
        if known is None:
            known = _Source()
            if len(self._events) >= MOST_SOURCES:  # they are kept for the table alone
                del self._events[next(iter(self._events))]
        self._events[source] = known
        known.value, known.by, known.heard = value, by, now
        known.count += 1
        self._ready.append((source, value, moment, by))

    def messages(self, now: int) -> Iterator[Message]:
        """Yield the messages that are due: values, counters, the table of what has come by.

        Parameters
        ----------
        now : int [ns]
        """
        for source, known in list(self._waiting.items()):
            self._release(source, known, now)
        if self._ready and now >= self._sent + PERIOD:
            rows, self._ready, self._sent = self._ready, [], now
            yield {"op": "values", "rows": rows}
        if now < self._told + SECOND:
            return
        seconds, self._told = (now - self._told) / SECOND, now
        counted = (self.malformed, self.refused)
        if counted != self._counted:
            self._counted = counted
            malformed, refused = counted
            yield {"op": "counted", "what": self._what, "malformed": malformed, "refused": refused}
        table = self._tabulate(seconds)
        if table != self._table:
            self._table = table
            yield {"op": "table", "what": self._what, "rows": table}

    def pause(self, now: int) -> float:
        """Return how long there will be no message if nothing arrives [seconds, at most 1].

        Parameters
        ----------
        now : int [ns]
        """
        due = self._told + SECOND
        if self._waiting:
            due = min(due, now + GAP)
        if self._ready:
            due = min(due, self._sent + PERIOD)
        return max(due - now, 0) / SECOND

    def _find(self, source: str, now: int) -> _Source | None:
        """Return a source, known from now on; None if there is no room for it."""
        known = self._sources.pop(source, None)
        if known is None:
            if len(source) > LONGEST_SOURCE:
                return None
            if len(self._sources) >= MOST_SOURCES:
                oldest = next(iter(self._sources))
                if now - self._sources[oldest].heard < FORGOTTEN:
                    return None
                del self._sources[oldest]
            known = _Source()
        self._sources[source] = known
        return known

    def _release(self, source: str, known: _Source, now: int) -> None:
        """Let through what waits if its 5 ms are over."""
        row = known.waiting
        if row is None or now < known.sent + GAP or known.busy > now + AHEAD:
            return
        self._forget_waiting(source, known)
        # It counts as sent when it was due: a late look must not slow the source down.
        due = known.sent + GAP
        self._let_through(known, row, max(row[2], known.moment + GAP), due)

    def _forget_waiting(self, source: str, known: _Source) -> None:
        known.waiting = None
        self._waiting.pop(source, None)

    def _let_through(self, known: _Source, row: Row, moment: int, now: int) -> None:
        """Let a value through unless it is what holds already at its moment."""
        _, value, time, _ = row
        latest, held = known.held
        if time >= latest:
            if value == held:
                return
            known.held = (time, value)
        known.sent, known.moment = now, moment
        known.busy = max(known.busy, now) + GAP
        self._ready.append(row)

    def _tabulate(self, seconds: float) -> list[list[object]]:
        """Return the newest sources with their last values, and count anew."""
        everything = [*reversed(self._events.items()), *reversed(self._sources.items())]
        newest = sorted(everything, key=lambda one: -one[1].heard)
        rows: list[list[object]] = [
            [source, known.value, round(known.count / seconds, 1), known.by]
            for source, known in newest[:LONGEST_TABLE]
        ]
        for _, known in newest:
            known.count = 0
        return rows
