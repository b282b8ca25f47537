"""Decisions that were noted before, taken again at their samples: what replay and bounce share."""

from __future__ import annotations

import heapq
import itertools
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from latentlive.engine.desk.desk import BEFORE, Stage
from latentlive.engine.desk.fades import GLIDE
from latentlive.engine.desk.voices import LONGEST_PIECE, State, Voice
from latentlive.engine.log.course import disorder
from latentlive.engine.log.performance import Performance
from latentlive.engine.shared import RING
from latentlive.mixer import GRID, grid_floor
from latentlive.protocol.clip import Part
from latentlive.protocol.wire import Message


class Panic(NamedTuple):
    """A moment at which all voices that had begun fell silent."""

    at: int
    voices: tuple[int, ...]


class Score:
    """The decisions of a performance, taken in the order in which they were noted.

    They are read from the log a little ahead of the sample for which they are asked: far enough
    to know all that was noted later and lies before it.

    Parameters
    ----------
    stage : Stage
    performance : Performance
    begin : int [samples]
        What lies before it is taken at once; voices that were over by then are left out.
    wanted : function of a layer's name
        Tells whether what it plays is taken.
    tell : function of a decision
        Told those that the stage does not take: states, names, and what was not heard and panics
        once they are here.
    """

    def __init__(
        self,
        stage: Stage,
        performance: Performance,
        begin: int = 0,
        wanted: Callable[[str], bool] = lambda layer: True,
        tell: Callable[[Message], object] = lambda decision: None,
    ) -> None:
        self.stage, self._source = stage, performance.source
        self._wanted, self._tell = wanted, tell
        self._lines = performance.decisions()
        self._latest = int(performance.header["begins"])
        self._disorder = disorder(int(performance.header["rate"]))
        self._all_read = False
        self._numbers = itertools.count(1)
        self._waiting: deque[tuple[int, Message]] = deque()
        self._soonest: deque[tuple[int, int]] = deque()
        """Sample and number of those that wait and lie before all that were noted after them."""
        self._due = 0
        """The number up to which what waits is to be taken."""
        self._uncast: deque[Message] = deque()
        self._cast: dict[int, Message] = {}
        """What lets the voices begin that have a ring, and do not sound yet."""
        self._begun: dict[int, Message] = {}
        """What lets the voices begin that are not over, as far as is read."""
        self._dropped: set[int] = set()
        """Voices that wait to begin, and are never heard."""
        self._ends: deque[tuple[int, int]] = deque()
        self._panics: deque[Panic] = deque()
        self._holes: dict[tuple[int, int], list[Message]] = {}
        """What was not heard, by voice and side, in rising order."""
        self._untold: list[tuple[int, int, Message]] = []
        """The same with its sample and a number, a heap."""
        self._begin = begin
        self._go_to(begin)

    @property
    def over(self) -> bool:
        """Whether nothing is left to be decided."""
        return self._all_read and not self._waiting and not self._ends

    @property
    def panic(self) -> int | None:
        """The sample of the next panic."""
        return self._panics[0].at if self._panics else None

    @property
    def held_up(self) -> int | None:
        """Where the next voice ends, if one that is to begin waits for its ring; else None."""
        number, decision = self._waiting[0] if self._waiting else (self._due + 1, {})
        if number > self._due or decision["do"] != "start" or not self._ends:
            return None
        return self._ends[0][0]

    # Reading.

    def _read(self, until: int) -> None:
        """Read until nothing that comes can lie before a sample."""
        while not self._all_read and self._latest - self._disorder <= until:
            self._read_one()

    def _read_one(self) -> None:
        decision = next(self._lines, None)
        if decision is None:
            self._all_read = True
        else:
            self._latest = max(self._latest, int(decision["at"]))
            self._note(decision)

    def _note(self, decision: Message) -> None:
        do, at, serial = decision["do"], int(decision["at"]), decision.get("voice")
        if do == "start" and self._wanted(decision["layer"]):
            self._begun[int(decision["voice"])] = decision
            self._uncast.append(decision)
        elif do == "hole":
            side = int(decision["voice"]), int(decision["side"])
            insort(self._holes.setdefault(side, []), decision, key=_at)
            heapq.heappush(self._untold, (at, next(self._numbers), decision))
            return
        elif do == "end":
            self._note_end(int(decision["voice"]), at)
            return
        elif do == "panic":
            decision = self._note_panic(decision)
        elif do in ("mark", "space") or (serial is not None and serial not in self._begun):
            return
        number = next(self._numbers)
        while self._soonest and self._soonest[-1][0] >= at:
            self._soonest.pop()
        self._soonest.append((at, number))
        self._waiting.append((number, decision))

    def _note_end(self, serial: int, at: int) -> None:
        start = self._begun.pop(serial, None)
        if start is not None and start["at"] < at:
            self._ends.append((at, serial))
        elif start is not None:
            self._dropped.add(serial)  # it was stopped before it was heard

    def _note_panic(self, decision: Message) -> Message:
        """Take note of a panic; what was to begin after it is never heard."""
        at, begun = int(decision["at"]), self._begun
        self._dropped |= {serial for serial, start in begun.items() if start["at"] >= at}
        heard = tuple(serial for serial in begun if serial not in self._dropped)
        self._begun = {}
        panic = Panic(at, heard)
        if heard:
            self._panics.append(panic)
        return {**decision, "panic": panic}

    # The beginning.

    def _go_to(self, begin: int) -> None:
        """Let all be as it was at a sample."""
        settled, kept = begin - BEFORE - 2 * GLIDE, dict[int, list[Message]]()
        while not self._all_read and self._latest - self._disorder <= begin + GRID:
            self._read_one()
            self._let_go(begin, kept)
            self._pass(min(settled, self._latest - self._disorder), kept)
        self._pass(settled, kept)
        for decisions in kept.values():
            self._give_ring(decisions[0])
            for decision in decisions:
                self.stage.perform(decision)
        self._cast.clear()
        self.take(begin + GRID)
        for voice in self.stage.voices.values():
            if voice.start < begin:
                self.stage.skip(voice, max(grid_floor(begin) - BEFORE, voice.start))

    def _let_go(self, begin: int, kept: dict[int, list[Message]]) -> None:
        """Forget the voices that were over by then."""
        gone: list[int] = []
        while self._ends and self._ends[0][0] <= begin:
            gone.append(self._ends.popleft()[1])
        while self._panics and self._panics[0].at <= begin:
            gone += self._panics.popleft().voices
        for serial in gone:
            self._forget_holes(serial)
            if kept.pop(serial, None) is None:
                self._dropped.add(serial)

    def _pass(self, until: int, kept: dict[int, list[Message]]) -> None:
        """Take what lies before a sample, and keep what concerns voices, which have no ring yet."""
        for decision in self._taken_before(until):
            serial: int | None = decision.get("voice")
            if serial is None:
                self._perform(decision)
            elif decision["do"] == "start":
                self._uncast.popleft()
                if serial in self._dropped:
                    self._dropped.discard(serial)
                else:
                    kept[serial] = [decision]
            elif serial in kept:
                kept[serial].append(decision)

    def _taken_before(self, until: int) -> Iterator[Message]:
        """Yield what is due before a sample; what is not taken stays, with what follows it."""
        while self._soonest and self._soonest[0][0] < until:
            self._due = self._soonest.popleft()[1]
        while self._waiting and self._waiting[0][0] <= self._due:
            yield self._waiting[0][1]
            self._waiting.popleft()

    # As time goes on.

    def cast(self, until: int) -> None:
        """Give rings to the voices that begin before a sample, as far as rings are free."""
        self._read(until)
        while self._uncast and self._uncast[0]["at"] < until:
            if self._uncast[0]["voice"] not in self._dropped:
                if self.stage.free_rings < _rings(self._uncast[0]):
                    return
                self._give_ring(self._uncast[0])
            self._uncast.popleft()

    def _give_ring(self, start: Message) -> None:
        part = Part.load(start["part"], self.stage.tempo.sample_rate, self._source)
        self.stage.cast(
            start["layer"],
            int(start["slot"]),
            part,
            int(start["at"]),
            float(start["wide"]),
            int(start["pair"]),
            int(start["voice"]),
        )
        self._cast[int(start["voice"])] = start

    def take(self, until: int) -> None:
        """Take every decision that is due before a sample, but what waits for a panic or a ring."""
        self.cast(until)
        with self.stage.gathered():
            for decision in self._taken_before(until):
                if not self._may_take(decision):
                    break
                self._perform(decision)

    def _may_take(self, decision: Message) -> bool:
        if decision["do"] == "panic":
            return not self._panics or self._panics[0] is not decision["panic"]
        if decision["do"] != "start" or decision["voice"] in self._dropped:
            return True
        return decision["voice"] in self._cast or self._make_room(decision)

    def _make_room(self, start: Message) -> bool:
        """Give a ring to a voice that is to begin; those that begin later give theirs back."""
        for serial in sorted(self._cast, key=lambda serial: -int(self._cast[serial]["at"])):
            if self.stage.free_rings >= _rings(start):
                break
            self.stage.end(self.stage.voices[serial])
            self._uncast.appendleft(self._cast.pop(serial))
        if self.stage.free_rings < _rings(start):
            return False
        self._uncast.remove(start)
        self._give_ring(start)
        return True

    def _perform(self, decision: Message) -> None:
        do = decision["do"]
        if do == "state":
            state = State.load(decision["state"], self._source)
            self._tell({**decision, "state": state})
        elif do == "rename":
            self._tell(decision)
        elif do == "start" and decision["voice"] in self._dropped:
            self._dropped.discard(decision["voice"])
            if self._cast.pop(int(decision["voice"]), None):
                self.stage.end(self.stage.voices[int(decision["voice"])])
        elif do != "panic":
            if do == "start":
                del self._cast[int(decision["voice"])]
            self.stage.perform(decision)

    def end(self, position: int) -> None:
        """Free the voices that were freed by a position, and tell of what was not heard."""
        while self._untold and self._untold[0][0] <= position:
            _, _, hole = heapq.heappop(self._untold)
            if hole["to"] > self._begin and hole["voice"] in self.stage.voices:
                self._tell(hole)
        while self._ends and self._ends[0][0] <= position:
            self._free(self._ends.popleft()[1])

    def panicked(self) -> None:
        """Free every voice that has begun: the panic that was next is here."""
        panic = self._panics.popleft()
        for serial in panic.voices:
            if serial in self.stage.voices:
                self.stage.voices[serial].sounding = False  # it is over without an end
            self._free(serial)
        self._tell({"do": "panic", "at": panic.at})

    def _free(self, serial: int) -> None:
        self._forget_holes(serial)
        if serial in self.stage.voices:
            self.stage.end(self.stage.voices[serial])

    def _forget_holes(self, serial: int) -> None:
        for side in (0, 1):
            self._holes.pop((serial, side), None)

    def silence_holes(self, voice: Voice) -> None:
        """Take out of a voice's rings what was not heard of it, as far as it is rendered."""
        block = self.stage.block
        if voice.loaded and voice.busy is None and (voice.failed or voice.piece < LONGEST_PIECE):
            self._pass_over(voice)
        for side, ring in enumerate(voice.rings):
            holes = self._holes.get((voice.serial, side), [])
            begun = [hole for hole in holes if _at(hole) < voice.rendered]
            held = max(int(block.ready[ring, 0]), voice.rendered - RING)
            for hole in begun:
                at, to = _at(hole), int(hole["to"])
                places = np.arange(max(at, held), min(to, voice.rendered))
                block.audio[ring, places % RING] = 0.0
            if begun:
                going_on = [hole for hole in begun if int(hole["to"]) > voice.rendered]
                self._holes[voice.serial, side] = going_on + holes[len(begun) :]

    def _pass_over(self, voice: Voice) -> None:
        """Let a voice that cannot be rendered go on behind what was not heard of it: it was not
        rendered then."""
        until = voice.rendered + LONGEST_PIECE
        for side, _ in enumerate(voice.rings):
            holes = self._holes.get((voice.serial, side), [])
            covering = [int(hole["to"]) for hole in holes if _at(hole) <= voice.rendered]
            until = min(until, max(covering, default=0))
        if until <= voice.rendered:
            return
        nothing = np.zeros(until - voice.rendered, np.float32)
        for ring in voice.rings:
            self.stage.block.write_audio(ring, voice.rendered, nothing)
        voice.rendered, voice.piece, voice.failed = until, LONGEST_PIECE, False


def _at(decision: Message) -> int:
    return int(decision["at"])


def _rings(start: Message) -> int:
    return 2 if start["wide"] else 1
