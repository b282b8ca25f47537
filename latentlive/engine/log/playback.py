"""Playback: the decisions of a log, taken again at their samples. Replay and bounce share it."""

from __future__ import annotations

import heapq
import itertools
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from latentlive.curves import Point
from latentlive.engine.desk.decisions import (
    Decision,
    Ended,
    Hole,
    Marked,
    OfVoice,
    Panicked,
    Patched,
    Renamed,
    Settled,
    SpaceNamed,
    Started,
    Taped,
    Tuned,
)
from latentlive.engine.desk.desk import Desk
from latentlive.engine.desk.gains import BEFORE
from latentlive.engine.desk.model import LONGEST_PIECE, Voice
from latentlive.engine.log.course import disorder
from latentlive.engine.log.performance import Performance
from latentlive.engine.shared import RING
from latentlive.engine.timing import GLIDE, to_samples
from latentlive.mixer import GRID, grid_floor


class Panic(NamedTuple):
    """A panic, and the voices that it silenced."""

    noted: Panicked
    voices: tuple[int, ...]

    @property
    def at(self) -> int:
        """The sample."""
        return self.noted.at


class Playback:
    """The decisions of a performance, taken in the order in which they were noted.

    They are read from the log a little ahead of the sample for which they are asked: far enough
    to know all that was noted later and lies before it.

    Parameters
    ----------
    desk : Desk
    performance : Performance
    begin : int [samples]
        What lies before it is taken at once; voices that were over by then are left out.
    wanted : function of a layer's name
        Tells whether what it plays is taken.
    tell : function of a decision
        Told those that the desk does not take: states, names, and what was not heard and panics
        once they are here.
    """

    def __init__(
        self,
        desk: Desk,
        performance: Performance,
        begin: int = 0,
        wanted: Callable[[str], bool] = lambda layer: True,
        tell: Callable[[Decision], object] = lambda decision: None,
    ) -> None:
        self.desk, self._source = desk, performance.source
        self._wanted, self._tell = wanted, tell
        self._lines = performance.decisions()
        self._latest = performance.header.begins
        self._disorder = disorder(performance.header.rate)
        self._all_read = False
        self._numbers = itertools.count(1)
        self._waiting: deque[tuple[int, Decision]] = deque()
        self._soonest: deque[tuple[int, int]] = deque()
        """Sample and number of the decisions that wait and lie before all later lines."""
        self._due = 0
        """The number up to which waiting decisions are due."""
        self._unallocated: deque[Started] = deque()
        self._allocated: dict[int, Started] = {}
        """The starts of voices that have a ring and do not sound yet."""
        self._begun: dict[int, Started | Patched] = {}
        """The starts of voices and strips that are not over, as far as the log is read."""
        self._dropped: set[int] = set()
        """Voices that end before they are heard."""
        self._ends: deque[tuple[int, int]] = deque()
        self._panics: deque[Panic] = deque()
        self._holes: dict[tuple[int, int], list[Hole]] = {}
        """Holes by voice and side, in rising order."""
        self._untold: list[tuple[int, int, Hole]] = []
        """The same as a heap, by sample and number."""
        self._taped: deque[Taped] = deque()
        """What arrived and is still to come; starts that wait for a ring do not hold it up."""
        self._begin = begin
        self._go_to(begin)

    @property
    def over(self) -> bool:
        """Whether no decision is left."""
        return self._all_read and not self._waiting and not self._ends

    @property
    def panic(self) -> int | None:
        """The sample of the next panic."""
        return self._panics[0].at if self._panics else None

    @property
    def held_up(self) -> int | None:
        """Where the next voice ends, if a start waits for its ring; else None."""
        if not self._waiting or not self._ends:
            return None
        number, decision = self._waiting[0]
        if number > self._due or not isinstance(decision, Started):
            return None
        return self._ends[0][0]

    # Reading.

    def _read(self, until: int) -> None:
        """Read until no later line can lie before a sample."""
        while not self._all_read and self._latest - self._disorder <= until:
            self._read_one()

    def _read_one(self) -> None:
        decision = next(self._lines, None)
        if decision is None:
            self._all_read = True
        else:
            self._latest = max(self._latest, decision.at)
            self._note(decision)

    def _note(self, decision: Decision) -> None:
        if isinstance(decision, Hole):
            side = decision.voice, decision.side
            insort(self._holes.setdefault(side, []), decision, key=_at)
            heapq.heappush(self._untold, (decision.at, next(self._numbers), decision))
            return
        if isinstance(decision, Ended):
            self._note_end(decision.voice, decision.at)
            return
        if isinstance(decision, Started | Patched) and self._wanted(decision.layer):
            self._begun[decision.voice] = decision
            if isinstance(decision, Started):
                self._unallocated.append(decision)
        elif isinstance(decision, OfVoice) and decision.voice not in self._begun:
            return
        elif isinstance(decision, Panicked):
            self._note_panic(decision)
        elif isinstance(decision, Taped):
            self._taped.append(decision)
            return
        elif isinstance(decision, Marked | SpaceNamed):
            return
        number = next(self._numbers)
        while self._soonest and self._soonest[-1][0] >= decision.at:
            self._soonest.pop()
        self._soonest.append((decision.at, number))
        self._waiting.append((number, decision))

    def _note_end(self, serial: int, at: int) -> None:
        start = self._begun.pop(serial, None)
        if start is not None and start.at < at:
            self._ends.append((at, serial))
        elif start is not None:
            self._dropped.add(serial)  # it was stopped before it was heard

    def _note_panic(self, panicked: Panicked) -> None:
        """Note a panic; voices that would have started after it are never heard."""
        begun = self._begun
        self._dropped |= {serial for serial, start in begun.items() if start.at >= panicked.at}
        heard = tuple(serial for serial in begun if serial not in self._dropped)
        self._begun = {}
        if heard:
            self._panics.append(Panic(panicked, heard))

    # The beginning.

    def _go_to(self, begin: int) -> None:
        """Bring everything to its state at a sample."""
        glide = to_samples(GLIDE, self.desk.tempo.sample_rate)
        settled, kept = begin - BEFORE - 2 * glide, dict[int, list[OfVoice]]()
        while not self._all_read and self._latest - self._disorder <= begin + GRID:
            self._read_one()
            self._let_go(begin, kept)
            self._hear(begin)
            self._pass(min(settled, self._latest - self._disorder), kept)
        self._pass(settled, kept)
        self._hear(begin)
        for point in self.desk.tapes.kept:
            self.desk.note(Taped(*point))
        for start, *moves in kept.values():
            if isinstance(start, Started):
                self._give_ring(start)
            for decision in (start, *moves):
                self.desk.perform(decision)
        self._allocated.clear()
        self.take(begin + GRID)
        for voice in self.desk.voices.values():
            if voice.start < begin:
                self.desk.skip(voice, max(grid_floor(begin) - BEFORE, voice.start))

    def _hear(self, begin: int) -> None:
        """Take what had arrived by then."""
        while self._taped and self._taped[0].at < begin:
            taped = self._taped.popleft()
            self.desk.tapes.take(Point(taped.at, taped.source, taped.value))
        self.desk.tapes.close(min(begin, self._latest))

    def _let_go(self, begin: int, kept: dict[int, list[OfVoice]]) -> None:
        """Forget the voices that are over by then."""
        gone: list[int] = []
        while self._ends and self._ends[0][0] <= begin:
            gone.append(self._ends.popleft()[1])
        while self._panics and self._panics[0].at <= begin:
            gone += self._panics.popleft().voices
        for serial in gone:
            self._forget_holes(serial)
            if kept.pop(serial, None) is None:
                self._dropped.add(serial)

    def _pass(self, until: int, kept: dict[int, list[OfVoice]]) -> None:
        """Take decisions before a sample; keep those about voices, which have no ring yet."""
        for decision in self._taken_before(until):
            if not isinstance(decision, OfVoice):
                self._perform(decision)
            elif isinstance(decision, Started | Patched):
                if isinstance(decision, Started):
                    self._unallocated.popleft()
                if decision.voice in self._dropped:
                    self._dropped.discard(decision.voice)
                else:
                    kept[decision.voice] = [decision]
            elif decision.voice in kept:
                kept[decision.voice].append(decision)

    def _taken_before(self, until: int) -> Iterator[Decision]:
        """Yield decisions due before a sample; if the caller stops, the rest stays."""
        while self._soonest and self._soonest[0][0] < until:
            self._due = self._soonest.popleft()[1]
        while self._waiting and self._waiting[0][0] <= self._due:
            yield self._waiting[0][1]
            self._waiting.popleft()

    # As time goes on.

    def allocate(self, until: int) -> None:
        """Give rings to voices that start before a sample, as far as rings are free."""
        self._read(until)
        while self._unallocated and self._unallocated[0].at < until:
            if self._unallocated[0].voice not in self._dropped:
                if self.desk.free_rings < self._unallocated[0].rings:
                    return
                self._give_ring(self._unallocated[0])
            self._unallocated.popleft()

    def _give_ring(self, start: Started) -> None:
        clip = start.clip.mapped(self._source, self.desk.tempo.sample_rate)
        told = start.wide, start.pair, start.voice, start.channels
        self.desk.allocate(start.layer, start.slot, clip, start.at, *told)
        self._allocated[start.voice] = start

    def take(self, until: int) -> None:
        """Take every decision due before a sample, up to one that waits for a panic or a ring."""
        self.allocate(until)
        while self._taped and self._taped[0].at < until:
            self.desk.perform(self._taped.popleft())
        self.desk.tapes.close(until)
        with self.desk.gathered():
            for decision in self._taken_before(until):
                if not self._may_take(decision):
                    break
                self._perform(decision)

    def _may_take(self, decision: Decision) -> bool:
        if isinstance(decision, Panicked):
            return not self._panics or self._panics[0].noted is not decision
        if not isinstance(decision, Started) or decision.voice in self._dropped:
            return True
        return decision.voice in self._allocated or self._make_room(decision)

    def _make_room(self, start: Started) -> bool:
        """Give a ring to a voice that starts; later starts give theirs back."""
        for serial in sorted(self._allocated, key=lambda serial: -self._allocated[serial].at):
            if self.desk.free_rings >= start.rings:
                break
            self.desk.end(self.desk.voices[serial])
            self._unallocated.appendleft(self._allocated.pop(serial))
        if self.desk.free_rings < start.rings:
            return False
        self._unallocated.remove(start)
        self._give_ring(start)
        return True

    def _perform(self, decision: Decision) -> None:
        if isinstance(decision, Settled):
            self._tell(decision.changed(state=decision.state.mapped(self._source)))
        elif isinstance(decision, Renamed):
            self._tell(decision)
        elif isinstance(decision, Started | Patched) and decision.voice in self._dropped:
            self._dropped.discard(decision.voice)
            if self._allocated.pop(decision.voice, None):
                self.desk.end(self.desk.voices[decision.voice])
        else:
            if isinstance(decision, Tuned) and decision.space is not None:
                decision = decision.changed(space=self._source(decision.space))
            if isinstance(decision, Started):
                del self._allocated[decision.voice]
            self.desk.perform(decision)

    def end(self, position: int) -> None:
        """Free the voices that ended by a position, and tell of their holes."""
        while self._untold and self._untold[0][0] <= position:
            _, _, hole = heapq.heappop(self._untold)
            if hole.to > self._begin and self.desk.of(hole.voice) is not None:
                self._tell(hole)
        while self._ends and self._ends[0][0] <= position:
            self._free(self._ends.popleft()[1])

    def panicked(self) -> None:
        """Free every voice that has started: the next panic is here."""
        panic = self._panics.popleft()
        for serial in panic.voices:
            if (one := self.desk.of(serial)) is not None:
                one.sounding = False  # the panic ends it, no end is noted
            self._free(serial)
        self._tell(panic.noted)

    def _free(self, serial: int) -> None:
        self._forget_holes(serial)
        if (one := self.desk.of(serial)) is not None:
            self.desk.end(one)

    def _forget_holes(self, serial: int) -> None:
        for side in (0, 1):
            self._holes.pop((serial, side), None)

    def silence_holes(self, voice: Voice) -> None:
        """Silence the holes of a voice in its rings, as far as it is rendered."""
        shared = self.desk.shared
        if (
            voice.loaded
            and voice.stream.busy is None
            and (voice.failed or voice.piece < LONGEST_PIECE)
        ):
            self._pass_over(voice)
        for side, ring in enumerate(voice.rings):
            holes = self._holes.get((voice.serial, side), [])
            begun = [hole for hole in holes if hole.at < voice.rendered]
            held = max(int(shared.ready[ring, 0]), voice.rendered - RING)
            for hole in begun:
                places = np.arange(max(hole.at, held), min(hole.to, voice.rendered))
                shared.audio[ring, places % RING] = 0.0
            if begun:
                going_on = [hole for hole in begun if hole.to > voice.rendered]
                self._holes[voice.serial, side] = going_on + holes[len(begun) :]

    def silence_strips(self, since: int, until: int) -> None:
        """Silence the holes of strips in their rings, in what was rendered of them last."""
        shared = self.desk.shared
        for strip in self.desk.strips:
            for side, ring in enumerate(strip.rings):
                holes = self._holes.get((strip.serial, side), [])
                for hole in holes:
                    places = np.arange(max(hole.at, since), min(hole.to, until))
                    shared.audio[ring, places % RING] = 0.0
                self._holes[strip.serial, side] = [hole for hole in holes if hole.to > until]

    def _pass_over(self, voice: Voice) -> None:
        """Let a voice that cannot be rendered go on behind what was not heard of it: it was not
        rendered then."""
        until = voice.rendered + LONGEST_PIECE
        for side, _ in enumerate(voice.rings):
            holes = self._holes.get((voice.serial, side), [])
            covering = [hole.to for hole in holes if hole.at <= voice.rendered]
            until = min(until, max(covering, default=0))
        if until <= voice.rendered:
            return
        nothing = np.zeros(until - voice.rendered, np.float32)
        for ring in voice.rings:
            self.desk.shared.write_audio(ring, voice.rendered, nothing)
        voice.rendered, voice.piece, voice.failed = until, LONGEST_PIECE, False


def _at(decision: Decision) -> int:
    return decision.at
