"""Tapes: what has arrived from controllers and other programs, each value with its sample.

A live curve is read from tapes a constant time after its values arrived, so it is a function of
position like any other curve, and a log of the tapes is all that a replay needs.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from latentlive.units import Floats, Tempo

SLEW = 0.02
"""Seconds in which a curve moves to a new value, so that nothing clicks."""

FIRST_SLEW = 0.3
"""Seconds in which it moves to the first value of a controller: a first touch does not jump."""

KEPT = 60.0
"""Seconds of history that are kept; of older values only the last of each source."""

BACK = 30.0
"""Seconds that a curve may look back, at most."""

MOST_HEADS = 512
"""Curves whose values are kept at hand."""


class Point(NamedTuple):
    """A value of a source, from a sample on."""

    at: int
    source: str
    value: float


class Heard(Protocol):
    """A curve of what arrives."""

    start: float

    @property
    def digest(self) -> str:
        """Identifies the curve."""

    @abstractmethod
    def hears(self, source: str) -> bool:
        """Return whether values of a source concern the curve."""

    @abstractmethod
    def ear(self) -> Callable[[str, float], float | None]:
        """Return a function that turns values, as they come, into the curve's own; None keeps
        the last one."""

    @property
    def first_slew(self) -> float:
        """Seconds in which the curve moves to its first value."""


class Head:
    """The values of one curve: ramps of a fixed length from each value to the next.

    Parameters
    ----------
    curve : Heard
    rate : int [samples a second]
    """

    def __init__(self, curve: Heard, rate: int) -> None:
        self._curve, self._rate = curve, rate
        self._turned = curve.ear()
        self._table = np.empty((16, 4))
        """First sample, value there, value to move to, and samples that it takes."""
        self._first = self._end = 0

    def take(self, at: int, source: str, value: float) -> None:
        """Take a value that arrived at a sample, not before the last one."""
        now = self._turned(source, value)
        if now is None:
            return
        low, slew = float(self._curve.start), self._curve.first_slew
        if self._end > self._first:
            begun, before, after, over = self._table[self._end - 1].tolist()
            low = before + (after - before) * min((at - begun) / over, 1.0)
            slew = SLEW
        if self._end == len(self._table):
            kept = self._table[self._first : self._end]
            self._table = np.concatenate([kept, np.empty((len(kept) + 16, 4))])
            self._first, self._end = 0, len(kept)
        self._table[self._end] = at, low, now, slew * self._rate
        self._end += 1

    def read(self, samples: Floats) -> Floats:
        """Return the values at some samples [shape=(n,)]."""
        table = self._table[self._first : self._end]
        if not len(table):
            return np.full(samples.shape, float(self._curve.start))
        found = np.searchsorted(table[:, 0], samples, "right") - 1
        at, low, high, over = table[np.maximum(found, 0)].T
        value = low + (high - low) * np.minimum((samples - at) / over, 1.0)
        values: Floats = np.where(found < 0, float(self._curve.start), value)
        return values

    def forget(self, before: float) -> None:
        """Drop ramps that were over by a sample."""
        begun = self._table[self._first : self._end, 0]
        self._first += max(int(np.searchsorted(begun, before)) - 1, 0)


class Tapes:
    """The values of all sources, in the order in which they arrived.

    Parameters
    ----------
    rate : int [samples a second]
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.closed = 0
        """The sample before which no more values come."""
        self.count = 0
        """How many values have arrived."""
        self._points: deque[Point] = deque()
        self._last: OrderedDict[str, Point] = OrderedDict()
        """The last value of each source that is no longer among the points."""
        self._heads: OrderedDict[str, tuple[Heard, Head]] = OrderedDict()

    def take(self, point: Point) -> None:
        """Take a value; its sample is not before that of the last one."""
        self._points.append(point)
        self.count += 1
        for curve, head in self._heads.values():
            if curve.hears(point.source):
                head.take(*point)

    def close(self, before: int) -> None:
        """Close the tapes before a sample, and forget what is older than a curve may look."""
        self.closed = max(self.closed, before)
        oldest = self.closed - KEPT * self.rate
        if not self._points or self._points[0].at >= oldest - self.rate:
            return
        while self._points and self._points[0].at < oldest:
            point = self._points.popleft()
            self._last[point.source] = point
            self._last.move_to_end(point.source)
        for _, head in self._heads.values():
            head.forget(oldest)

    @property
    def kept(self) -> list[Point]:
        """All that a newcomer needs, in order."""
        return [*self._last.values(), *self._points]

    def since(self, known: int) -> list[Point]:
        """Return what arrived after the first `known` values, all that is kept if that is less."""
        new = self.count - known
        if not new:
            return []
        if new > len(self._points) or not known:
            return self.kept
        return list(islice(self._points, len(self._points) - new, None))

    def read(self, curve: Heard, samples: Floats) -> Floats:
        """Return a curve's values at some samples [shape=(n,)], its `start` before the first."""
        found = self._heads.get(curve.digest)
        if found is None:
            head = Head(curve, self.rate)
            for point in self.kept:
                if curve.hears(point.source):
                    head.take(*point)
            found = self._heads[curve.digest] = curve, head
            if len(self._heads) > MOST_HEADS:
                self._heads.popitem(last=False)
        else:
            self._heads.move_to_end(curve.digest)
        return found[1].read(samples)


@dataclass(frozen=True)
class Clock:
    """Where on the tapes live curves are read: the samples of a query, on a layer's own clock.

    Parameters
    ----------
    samples : array [shape=(n,), samples]
        Since the layer's clock began.
    tempo : Tempo
        Of that clock.
    tapes : Tapes or None
        None where nothing arrives: live curves then stay at their start.
    shift : int [samples]
        From the clock to the place on the tapes: its beginning, less the lead.
    """

    samples: Floats
    tempo: Tempo
    tapes: Tapes | None = None
    shift: int = 0

    def read(self, curve: Heard) -> Floats:
        """Return a live curve's values [shape=(n,)]."""
        if self.tapes is None:
            return np.full(self.samples.shape, float(curve.start))
        return self.tapes.read(curve, self.samples + self.shift)

    def back(self, samples: Floats | float) -> Clock:
        """Return the clock some samples earlier, `BACK` seconds at most."""
        most = BACK * self.tempo.sample_rate
        return replace(self, samples=self.samples - np.minimum(samples, most))

    def back_by_beats(self, beats: float) -> Clock:
        """Return the clock some beats (>= 0) earlier."""
        then = self.tempo.samples(self.tempo.beats(self.samples) - beats)
        return self.back(self.samples - then)

    def past(self, beats: Floats) -> Clock:
        """Return the clock so many beats (>= 0) earlier each, one after the other."""
        earlier = [self.back_by_beats(float(back)).samples for back in beats]
        return replace(self, samples=np.concatenate(earlier))

    def only(self, chosen: NDArray[np.bool_]) -> Clock:
        """Return the clock at some of the positions."""
        return replace(self, samples=self.samples[chosen])
