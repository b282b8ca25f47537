"""Which worker renders what: one for what sounds, one for what is prepared, each the other's spare.

A texture is bound and tried in the second lane, where it may take its time, and moves to the first
when it sounds. Once the first has enough to do, the second takes its share of what sounds, before
what it prepares. One that renders too slowly stays in the second. When a worker dies, the other
serves both until it is back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from latentlive.engine.desk.decisions import SpaceNamed
from latentlive.engine.desk.model import SLOW, Stream, Voice
from latentlive.engine.render.priority import CHUNK, FIRST_CHUNK, Due, batch, pressed
from latentlive.engine.schedule.timeline import Timeline
from latentlive.engine.schedule.underrun import too_slow
from latentlive.engine.timing import ENCODED_AHEAD, ENCODED_FIRST, LEAST_PIECE, to_samples
from latentlive.mixer import grid_floor
from latentlive.protocol.rendering import (
    MOST,
    AboutVoice,
    Answer,
    Batch,
    Drop,
    Encode,
    Failed,
    Finished,
    Job,
    Loaded,
    Move,
    Order,
    Ready,
    Render,
    Starts,
    Tape,
    Value,
)

STEADY, PREPARING = LANES = (0, 1)

FULL = 0.25
"""Load, in seconds of rendering a second of sound, beyond which the steady lane gets help."""

HANGS = 2
"""Workers that a voice may hang before it fails."""

SMOOTHING = 0.25
"""How much of a voice's load the newest stretch decides."""


class Dispatch:
    """Tells the workers what to render, and takes their answers.

    Parameters
    ----------
    timeline : Timeline
    failed : function of a voice's serial and a line
        Told of a voice that cannot be rendered.
    """

    def __init__(self, timeline: Timeline, failed: Callable[[int, str], object]) -> None:
        self._timeline, self._failed = timeline, failed
        self.up = [False, False]
        self._idle = [True, True]
        self._bound: tuple[set[int], set[int]] = (set(), set())
        self._missing = [0, 0]
        self._encoding: list[tuple[Stream, int] | None] = [None, None]
        """What each worker encodes now, and how far."""
        self._taped = [0, 0]
        """How many values each worker was told."""
        self._spaces: set[tuple[str, str]] = set()

    @property
    def backlog(self) -> float:
        """How much is to be rendered until every voice is far enough ahead [seconds]."""
        return sum(self._missing) / self._timeline.tempo.sample_rate

    def ready(self, lane: int) -> None:
        """Note that a worker takes orders."""
        self.up[lane] = self._idle[lane] = True

    def died(self, lane: int) -> None:
        """Note that a worker has died, with all that it knew."""
        self.up[lane], self._encoding[lane] = False, None
        self._taped[lane] = 0
        self._bound[lane].clear()
        for voice in self._timeline.voices.values():
            voice.stream.told.pop(lane, None)
            voice.stream.bound.pop(lane, None)
            if voice.stream.busy == lane:
                voice.stream.busy = None

    def hung(self, serial: int) -> None:
        """Note that a worker hung while it was busy with a voice; 0 for none of them.

        Such a voice is rendered alone, after the others; it fails if it hangs another one.
        """
        voice = self._timeline.voices.get(serial)
        if voice is not None:
            voice.stream.hung += 1
            if voice.stream.hung >= HANGS:
                self._failed(serial, "its rendering hangs; does its disk answer?")

    def orders(self, lane: int) -> list[Order]:
        """Return the orders for a worker now."""
        if not self.up[lane]:
            return []
        voices = self._timeline.voices
        found: list[Order] = [*self._arrived(lane)]
        over = [serial for serial in self._bound[lane] if serial not in voices]
        over += [
            v.serial for v in voices.values() if lane in v.stream.told and self._needless(v, lane)
        ]
        if over:
            found.append(Drop(tuple(over)))
            self._bound[lane].difference_update(over)
            for serial in over:
                if serial in voices:
                    voices[serial].stream.told.pop(lane, None)
                    voices[serial].stream.bound.pop(lane, None)
        unbound = [
            voice
            for voice in voices.values()
            if self._home(voice) == lane and voice.stream.told.get(lane) != voice.version
            if voice.stream.hung < HANGS
        ]
        found += [self._binding(voice, lane) for voice in unbound if not voice.stream.hung]
        if self._idle[lane]:
            hung = [voice for voice in unbound if voice.stream.hung]
            due = self._due(lane)
            hurried = pressed(due, self._timeline.tempo.sample_rate)
            work: Order | None = None
            if not hurried and (job := self._in_advance(lane, ENCODED_FIRST, waiting=True)):
                work = Encode(job)  # it cannot begin before
            elif due:
                work = Render(tuple(self._jobs(lane, due)))
            elif hung:  # last of all: it may hang the worker, and what waits behind it
                found.append(self._binding(hung[0], lane))
            elif job := self._in_advance(lane, ENCODED_AHEAD):
                work = Encode(job)
            if work is not None:
                found.append(work)
            self._idle[lane] = work is None
        return found

    def _arrived(self, lane: int) -> Iterator[Tape]:
        """Yield orders that tell a worker what has arrived since it was told last."""
        tapes = self._timeline.desk.tapes
        points = tapes.since(self._taped[lane])
        self._taped[lane] = tapes.count
        for first in range(0, len(points), MOST):
            yield Tape(tuple(Value(*point) for point in points[first : first + MOST]))

    def _home(self, voice: Voice) -> int:
        if voice.stream.hung and not voice.sounding:
            return PREPARING  # it waits there: it could hang the worker of what sounds
        lane = PREPARING
        if voice.sounding and voice.stream.load < SLOW:
            if voice.stream.lane is None:
                voice.stream.lane = self._lighter()
            lane = voice.stream.lane
        return lane if self.up[lane] else 1 - lane

    def _lighter(self) -> int:
        """Return the lane for a voice that starts, or had an underrun."""
        steady, preparing = self._loads()
        return PREPARING if steady > max(FULL, preparing) else STEADY

    def _loads(self) -> list[float]:
        """Return the load of each lane from sounding voices [seconds a second]."""
        loads = [0.0, 0.0]
        for voice in self._timeline.voices.values():
            if voice.stream.lane is not None and not voice.late:
                loads[voice.stream.lane] += voice.stream.load
        return loads

    def _relieve(self, lane: int, pressed: list[Due]) -> None:
        """Move one urgent voice to the other worker if that balances the load."""
        loads, other = self._loads(), 1 - lane
        for one in reversed(pressed):
            voice = one.voice
            if voice.stream.lane == lane and loads[other] + 2.0 * voice.stream.load < loads[lane]:
                voice.stream.lane = other
                return

    def _needless(self, voice: Voice, lane: int) -> bool:
        """Return whether a worker still keeps a voice that has moved to the other one."""
        home = self._home(voice)
        return (
            home != lane
            and voice.stream.bound.get(home) == voice.version
            and voice.stream.busy != lane
        )

    def _binding(self, voice: Voice, lane: int) -> Order:
        moved = self._moved(voice, voice.stream.told.get(lane))
        voice.stream.told[lane] = voice.version
        self._bound[lane].add(voice.serial)
        if moved:
            return Move(voice.serial, voice.version, voice.clip.origin)
        return voice.binding(self._timeline.desk.seed)

    def _moved(self, voice: Voice, version: int | None) -> bool:
        """Return whether a version of a voice differs from the present one by its place only."""
        first = voice.moved_from
        return version is not None and first is not None and version >= first

    def _due(self, lane: int) -> list[Due]:
        """Return the stretches that a worker could render now, and note how much is missing."""
        timeline, position = self._timeline, self._timeline.position
        waiting = {v.serial: changes.at for changes in timeline.pending for v in changes.voices}
        due: list[Due] = []
        missing = 0
        rate = timeline.tempo.sample_rate
        least = to_samples(LEAST_PIECE, rate)
        for voice in timeline.voices.values():
            if voice.stream.busy is not None or not self._serves(lane, voice) or voice.complete:
                continue
            if voice.sounding and voice.rendered < position and timeline.running:
                continue  # too late to be heard; underrun handling skips ahead
            base = max(position, voice.start) if voice.sounding else voice.start
            left, ahead = voice.rendered - base, timeline.ahead_of(voice)
            if left < ahead:
                length = FIRST_CHUNK if left < timeline.ready_enough else CHUNK
                length = min(length, voice.piece)
                limit = voice.limit(timeline.desk.tapes.closed)
                if limit is not None:  # what it follows has not arrived beyond that
                    length = min(length, grid_floor(limit - voice.rendered))
                    if length < min(least, voice.piece):
                        continue
                missing += ahead - left
                due.append(Due(voice, left, waiting.get(voice.serial), length, ahead))
        self._missing[lane] = missing
        if all(self.up):
            self._relieve(lane, pressed(due, rate))
        return due

    def _jobs(self, lane: int, due: list[Due]) -> list[Job]:
        """Return the stretches that a worker renders now, the most urgent first."""
        chosen = batch(due, self._timeline.tempo.sample_rate)
        for one in chosen:
            one.voice.stream.busy = lane
        return [one.job for one in chosen]

    def _in_advance(self, lane: int, seconds: float, waiting: bool = False) -> Job | None:
        """Return a stretch to encode, of a voice that waits or follows something live: neither
        is rendered far ahead; or of one that roams: it reads new sounds all the time. None if so
        much of each is encoded. Of those only that wait, live ones, if `waiting`."""
        enough = seconds * self._timeline.tempo.sample_rate
        position, running = self._timeline.position, self._timeline.running
        known = {
            voice: max(voice.stream.encoded, voice.rendered)
            for voice in self._timeline.voices.values()
            if (voice.live or voice.clip.source.roams or not voice.sounding)
            if not voice.complete
            if not waiting or (voice.needs_encoding and not (voice.sounding and running))
            if voice.stream.load < SLOW and self._serves(lane, voice)
        }

        def left(voice: Voice) -> int:
            return known[voice] - max(voice.start, position)

        first = min(known, key=left, default=None)
        if first is None or left(first) >= enough:
            return None
        begin, end = known[first], known[first] + FIRST_CHUNK
        self._encoding[lane] = first.stream, end
        return Job(first.serial, first.version, begin, end)

    def _serves(self, lane: int, voice: Voice) -> bool:
        """Return whether a worker renders a voice: its home if it is there, else the other."""
        home = self._home(voice)
        waits = voice.stream.hung and not voice.sounding
        server = home if waits or voice.stream.bound.get(home) == voice.version else 1 - home
        return server == lane and voice.stream.bound.get(lane) == voice.version

    def answered(self, lane: int, answer: Answer) -> None:
        """Take a worker's answer."""
        if isinstance(answer, Ready):
            self.ready(lane)
        elif isinstance(answer, Batch):
            self._idle[lane] = True
            if encoding := self._encoding[lane]:
                stream, end = encoding
                stream.encoded = end
                self._encoding[lane] = None
            for voice in self._timeline.voices.values():
                if voice.stream.busy == lane:
                    voice.stream.busy = None
            for one in answer.answers:
                self._told(lane, one)
        elif isinstance(answer, AboutVoice):
            self._told(lane, answer)

    def _told(self, lane: int, answer: AboutVoice) -> None:
        voice = self._timeline.voices.get(answer.serial)
        if voice is None:
            return
        if isinstance(answer, Finished):
            self._measured(voice, answer.cost)
            if voice.serial not in self._timeline.voices:
                return  # it was refused
        now = answer.version == voice.version
        if isinstance(answer, Failed) and (now or self._moved(voice, answer.version)):
            self._failed(voice.serial, answer.error)
        elif not now:
            if isinstance(answer, Finished):
                # The ring now holds samples of another clip.
                self._timeline.desk.expect(voice, voice.start)
        elif isinstance(answer, Starts):
            voice.stream.told.pop(lane, None)
        elif isinstance(answer, Loaded):
            voice.stream.bound[lane] = voice.version
            voice.length, voice.beyond = answer.length, answer.beyond
            self._note_spaces(answer.spaces)
        elif isinstance(answer, Finished) and answer.start == voice.rendered:
            voice.rendered, voice.stream.hung = answer.stop, 0

    def _measured(self, voice: Voice, cost: float) -> None:
        """Note what a stretch of a voice cost, and refuse a voice that is too slow to land.

        One that is aimed at later moments again and again is measured too: what it renders is
        never soon enough.
        """
        stream = voice.stream
        stream.stretches += 1
        stream.quick = stream.quick or cost < 1.0
        stream.load += (SMOOTHING if stream.load else 1.0) * (cost - stream.load)
        whole = voice.length is not None and voice.length <= self._timeline.ahead
        if stream.slow and not voice.sounding and not whole:
            self._failed(voice.serial, too_slow(voice))

    def _note_spaces(self, spaces: Mapping[str, str]) -> None:
        """Log, once each, the digests of the spaces that were named."""
        desk = self._timeline.desk
        for name, digest in spaces.items() - self._spaces:
            self._spaces.add((name, digest))
            desk.note(SpaceNamed(desk.position, name, digest))
