"""What arrives from all inputs becomes tapes: each value at a sample, bound knobs beside it."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Any

from latentlive.engine.desk.desk import Desk
from latentlive.engine.inputs.bindings import TURNING, Binding, Bindings
from latentlive.engine.inputs.pace import Pace
from latentlive.engine.shared import FILLED, POSITION
from latentlive.engine.timing import ARRIVED, LATEST
from latentlive.errors import EngineError, LatentliveError
from latentlive.mixer import grid_ceil, grid_floor
from latentlive.protocol.kinds import SOURCE_NAME, TEXT
from latentlive.protocol.requests import Learn
from latentlive.protocol.wire import Message

MOST_SOURCES = 1000
"""Sources that are heard; values of further ones are refused."""

MOST_A_SECOND = 4000
"""Values that are heard in a second."""

SHOWN = 200
"""Sources that views show, the newest."""

LEARNT_FROM = 0.2
"""How far a controller is moved before a knob learns it: a jittery one does not learn itself."""

LARGEST_STEP = 8
"""Steps that a controller without ends takes at once as it begins to be turned, at most."""

NEVER_LEARNT = {0, 64, *range(120, 128)}
"""Controllers that are no knobs: banks, the pedal, channel modes."""

Row = tuple[str, float, int, str]
"""Source, value, moment [nanoseconds of time.monotonic_ns], and who sent it."""


@dataclass
class Shown:
    """The last value of a source, for views."""

    value: float
    by: str


class Arrivals:
    """Gives values their samples, in order, and notes them.

    A value belongs to the sample that the device asked for when it arrived, as the pace tells: so
    the time until it is heard is constant. Tapes are closed a little behind, so that values are
    still in time that an input process has gathered.

    Parameters
    ----------
    desk : Desk
    say : function of a line
        Told what a performer should know.
    """

    def __init__(self, desk: Desk, say: Callable[[str], object] = lambda line: None) -> None:
        self._desk, self._say = desk, say
        self._rate = desk.tempo.sample_rate
        self.pace = Pace(self._rate)
        self._waiting: list[tuple[int, int, Row]] = []
        self._numbers = itertools.count()
        self._budget = float(MOST_A_SECOND)
        self._ticked = 0
        self.refused = 0
        """Values that were too many."""
        self.shown: OrderedDict[str, Shown] = OrderedDict()
        self.bound: dict[str, Binding] = {}
        """What turns a knob, by the controller."""
        self.tell: Callable[[str, Message], object] = lambda kind, message: None
        """Tells the process of a kind of input something; a server gives it."""
        self._bindings: Bindings | None = None
        self._learning: Learn | None = None
        self._from: dict[str, float] = {}
        self._begins: dict[str, float] = {}
        self._sources: set[str] = set()

    def take(self, rows: Iterable[Any]) -> None:
        """Take rows of an input process; a bad one is refused alone."""
        for row in rows:
            try:
                source, value, moment, by = row
                checked = SOURCE_NAME.coerce(source, "input"), float(value), int(moment)
                label = TEXT.coerce(by, "input")
            except (LatentliveError, TypeError, ValueError, OverflowError):
                self.refused += 1
                continue
            if not math.isfinite(checked[1]) or len(self._waiting) >= MOST_A_SECOND:
                self.refused += 1
                continue
            self._wait((*checked, label))

    def _wait(self, row: Row) -> None:
        sample = self._desk.position
        if self._desk.running:
            sample = round(self.pace.sample(row[2]))
        latest = self._desk.tapes.closed + round(LATEST * self._rate)
        at = grid_ceil(min(max(sample, self._desk.tapes.closed), latest))
        heapq.heappush(self._waiting, (at, next(self._numbers), row))

    def turn(self, name: str, value: float, by: str, now: int) -> None:
        """Turn a knob at a moment [nanoseconds of time.monotonic_ns]."""
        self._wait((f"knob:{name}", value, now, by))

    def advance(self, now: int) -> None:
        """Note what has arrived, up to a moment [nanoseconds of time.monotonic_ns]."""
        desk, header = self._desk, self._desk.shared.header
        closed = desk.position
        if desk.running:
            filled = int(header[FILLED])
            position = int(header[POSITION])
            if filled and filled == int(header[FILLED]):
                self.pace.observe(filled, position)
            closed = min(round(self.pace.sample(now - round(ARRIVED * 1e9))), position)
        closed = max(grid_floor(closed), desk.tapes.closed)
        passed, self._ticked = (now - self._ticked) / 1e9, now
        self._budget = min(self._budget + passed * MOST_A_SECOND, float(MOST_A_SECOND))
        while self._waiting and self._waiting[0][0] <= closed:
            at, _, row = heapq.heappop(self._waiting)
            self._note(max(at, desk.tapes.closed), row)
        desk.tapes.close(closed)

    def _note(self, at: int, row: Row) -> None:
        source, value, _, by = row
        new = source not in self._sources
        if self._budget < 1.0 or (new and len(self._sources) >= MOST_SOURCES):
            self.refused += 1
            return
        self._budget -= 1.0
        self._sources.add(source)
        before = self.shown.pop(source, None)
        if before is not None and before.value == value and not self._steps:
            self.shown[source] = before
            return
        if before is None and source in self._begins:
            before = Shown(self._begins[source], by)
        self.shown[source] = Shown(value, by)
        if len(self.shown) > MOST_SOURCES:
            self.shown.popitem(last=False)
        self._desk.tape(at, source, value, by)
        if self._learning is not None and self._learn(self._learning, source, value):
            return  # it was a step, not a value
        if (binding := self.bound.get(source)) is not None:
            self._turn_bound(at, binding.knob, before, value, by)

    def status(self) -> Message:
        """Return what has arrived, the newest first, and which controllers turn knobs."""
        newest = itertools.islice(reversed(self.shown.items()), SHOWN)
        rows = [[source, round(shown.value, 4), shown.by] for source, shown in newest]
        bound = {source: one.knob for source, one in self.bound.items()}
        return {"arrived": rows, "bound": bound, "too_many": self.refused}

    # Knobs that follow controllers.

    def remember(self, bindings: Bindings) -> None:
        """Take the bindings of earlier performances, and keep those of this one."""
        self._bindings, self.bound = bindings, bindings.read()

    def learn(self, request: Learn) -> None:
        """Bind a knob to the controller that is moved next."""
        self._learning, self._from = request, {}
        if self._steps:
            self.tell("midi", {"op": "anew"})

    def forget(self, name: str) -> None:
        """Let a knob follow no controller any more.

        Raises
        ------
        EngineError
            If it follows none.
        """
        bound = [source for source, one in self.bound.items() if one.knob == name]
        if not bound:
            raise EngineError(f"forget: no controller turns the knob {name!r}")
        for source in bound:
            if self.bound.pop(source).endless:
                self.tell("midi", {"op": "relative", "source": source, "mode": "off"})
            if self._bindings is not None:
                self._bindings.forget(source)

    def kinds(self, follows: Set[str]) -> set[str]:
        """Return the kinds of input that turn some of the knobs that are followed."""
        turning = [source for source, one in self.bound.items() if f"knob:{one.knob}" in follows]
        return {"osc" if source.startswith("osc:") else "midi" for source in turning}

    def endless(self) -> Iterator[Message]:
        """Yield what the MIDI process is told of controllers that turn without an end."""
        for one in self.bound.values():
            if one.endless:
                yield self._begin(one)

    def _begin(self, binding: Binding) -> Message:
        """Return the message that begins an endless controller where its knob is."""
        source, held = binding.source, self.shown.get(f"knob:{binding.knob}")
        known = self.shown.get(source)
        start = known.value if known else held.value if held else 0.5
        self._begins[source] = start
        return {"op": "relative", "source": source, "mode": binding.endless, "start": start}

    @property
    def _steps(self) -> bool:
        """Whether steps are waited for, which may be the same again and again."""
        return self._learning is not None and self._learning.endless is not None

    def _learn(self, learning: Learn, source: str, value: float) -> bool:
        """Bind the knob if this is the controller; return whether the value was a step of it."""
        kind, *rest = source.split(":")
        if kind not in TURNING or not 0.0 <= value <= 1.0:
            return False
        if kind == "cc" and int(rest[0]) in NEVER_LEARNT:
            return False
        mode = None
        if learning.endless is None:
            first = self._from.setdefault(source, value)
            if abs(value - first) < LEARNT_FROM:
                return False
        else:
            mode = stepping(value) if learning.endless == "any" else learning.endless
            if kind != "cc" or mode is None:
                return False
        by = self.shown[source].by or source
        binding = Binding(source, learning.name, mode)
        before = self.bound.get(source)
        self.bound[source], self._learning = binding, None
        if mode is not None:
            del self.shown[source]
            self.tell("midi", self._begin(binding))
        elif before is not None and before.endless:
            self.tell("midi", {"op": "relative", "source": source, "mode": "off"})
        self._say(f"knob {learning.name!r} follows {by}")
        if self._bindings is not None:
            self._bindings.keep(binding)
        return mode is not None

    def _turn_bound(self, at: int, name: str, before: Shown | None, value: float, by: str) -> None:
        """Turn a knob by a controller: where they differ it catches up as it is moved."""
        knob = f"knob:{name}"
        held = self.shown.get(knob)
        now = value if held is None else held.value
        if held is not None and before is not None:
            now = caught_up(held.value, before.value, value)
        self._note(at, (knob, now, 0, by))


def stepping(value: float) -> str | None:
    """Return how a controller without ends tells its steps, by the value of one; None for others.

    >>> stepping(1 / 127), stepping(126 / 127), stepping(63 / 127), stepping(40 / 127)
    ('twos', 'twos', 'offset', None)
    """
    data = round(value * 127)
    if 0 < data <= LARGEST_STEP or data >= 128 - LARGEST_STEP:
        return "twos"
    return "offset" if 0 < abs(data - 64) <= LARGEST_STEP else None


def caught_up(knob: float, before: float, now: float) -> float:
    """Return the value of a knob whose controller moves: no jump, and equal at either end.

    >>> caught_up(0.5, 0.0, 0.5), caught_up(0.5, 0.2, 1.0), caught_up(0.3, 0.3, 0.4)
    (0.75, 1.0, 0.4)
    """
    if now > before:
        moved = knob + (1.0 - knob) * (now - before) / (1.0 - before)
    elif now < before:
        moved = knob - knob * (before - now) / before
    else:
        moved = knob
    return round(min(max(moved, 0.0), 1.0), 6)
