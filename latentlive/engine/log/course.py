"""The course of a log: each decision must be one that an engine could have taken here.

A log may come from anywhere. Reading it in order and checking each decision here takes no more
memory and time than the performance did.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from latentlive.engine.desk.decisions import (
    Decision,
    Ended,
    Hole,
    Levelled,
    Marked,
    OfVoice,
    Panicked,
    Patched,
    Renamed,
    SeedSet,
    Sent,
    Settled,
    SpaceNamed,
    Started,
    Taped,
    Tuned,
)
from latentlive.engine.log.formats import Header
from latentlive.engine.shared import RING, RINGS, STRIPS
from latentlive.engine.timing import DISORDER, STALL
from latentlive.errors import EngineError
from latentlive.mixer import GRID
from latentlive.protocol.changes import MOST_LAYERS
from latentlive.protocol.clip import Clip

MOST_AT_ONCE = 200_000
"""Decisions in as many samples: no engine takes as many in that time, and whoever plays a log holds
those that may still be out of order."""

MOST_NAMES = 10 * MOST_LAYERS
"""Names that layers may have had in the course of a performance."""

MOST_SOURCES = 2000
"""Sources of live values in one performance."""

MOST_SPACES = 100
"""Spaces that layers name: each is loaded before anything is played."""


class Sounding(NamedTuple):
    """A voice that has started and not ended."""

    start: int
    rings: int
    """Of a voice; 0 for a strip, which has its own."""


class Course:
    """How far a log has come, and what sounds there.

    Parameters
    ----------
    header : Header
        Of the log.
    """

    def __init__(self, header: Header) -> None:
        self._rate, self._channels = header.rate, header.channels
        self.begins = self.latest = self.marked = header.told
        self._moved = False
        self._counted_from = self._count = 0
        self._panicked = 0
        self._voices: dict[int, Sounding] = {}
        self._over: dict[int, Sounding] = {}
        self._slots: set[int] = set()
        self._spaces = 0
        self._sources: set[str] = set()
        self._sends: set[tuple[int, int, bool]] = set()
        self.effects = False
        """Whether anything goes through effects."""
        self._taped = header.told
        self.layers: set[str] = set()

    @property
    def disorder(self) -> int:
        """Samples by which a decision may lie before an earlier line."""
        return disorder(self._rate)

    def follow(self, decision: Decision) -> None:
        """Take the decision that comes next.

        Raises
        ------
        LatentliveError
            If no engine could have noted it here.
        """
        self._order(decision)
        if isinstance(decision, OfVoice) and not isinstance(decision, Started | Patched):
            self._find(decision)
        if isinstance(decision, Started | Patched | Settled | Levelled | Tuned | Sent):
            self._slots.add(decision.slot)
        if isinstance(decision, Started | Patched | Settled | Renamed):
            self.layers.add(decision.layer)
        if isinstance(decision, Renamed):
            self.layers.add(decision.name)
        if len(self._slots) > MOST_LAYERS or len(self.layers) > MOST_NAMES:
            raise EngineError(
                f"{decision.word}: an engine has at most {MOST_LAYERS} layers, "
                f"and {MOST_NAMES} names for them"
            )
        self._take(decision)
        self.latest = max(self.latest, decision.at)

    def _order(self, decision: Decision) -> None:
        do, at = decision.word, decision.at
        if at > self.latest + STALL * self._rate:
            raise EngineError(
                f"{do}: sample {at} lies {(at - self.latest) / self._rate:.0f} s beyond what comes "
                f"before it, and {STALL:.0f} s is the most"
            )
        # The log of a replay from the middle begins with the voices that sounded there.
        told_before = not self._moved and at <= self.begins
        if at < self.latest - self.disorder and do != Hole.word and not told_before:
            raise EngineError(f"{do}: sample {at} comes after sample {self.latest}: out of order")
        if max(at, self.latest) > self._counted_from + self.disorder:
            self._counted_from, self._count = max(at, self.latest), 0
        self._count += 1
        if self._count > MOST_AT_ONCE:
            raise EngineError(f"{do}: more than {MOST_AT_ONCE} decisions come at once here")

    def _find(self, decision: OfVoice) -> None:
        """Refuse a decision about a voice that does not sound."""
        serial = decision.voice
        known = serial in self._voices or (isinstance(decision, Hole) and serial in self._over)
        if not known:
            raise EngineError(f"{decision.word}: there is no voice {serial} here")

    @functools.singledispatchmethod
    def _take(self, decision: Decision) -> None:
        """Check a decision against what sounds; most need no more checks."""

    @_take.register
    def _(self, start: Started) -> None:
        if start.voice in self._voices:
            raise EngineError(f"start: voice {start.voice} sounds already")
        if start.at < self._panicked:
            raise EngineError(f"start: sample {start.at} lies before the panic at {self._panicked}")
        if 2 * start.pair + 2 > self._channels:
            raise EngineError(f"start: there is no pair {start.pair} of channels")
        if sum(voice.rings for voice in self._voices.values()) + start.rings > RINGS:
            raise EngineError(f"start: more than {RINGS} voices sound at once")
        clip: Clip[str] | None = start.clip
        while clip is not None:
            crossing = clip.crossing
            if max(clip.origin, crossing.at if crossing else 0) > start.at + self.disorder:
                raise EngineError(
                    f"start: its clock begins after sample {start.at}, where it is heard"
                )
            clip = crossing.before if crossing else None
        self._voices[start.voice] = Sounding(start.at, start.rings)

    @_take.register
    def _(self, patched: Patched) -> None:
        self.effects = True
        if patched.voice in self._voices:
            raise EngineError(f"patch: voice {patched.voice} sounds already")
        if patched.at < self._panicked or patched.at % GRID:
            raise EngineError(f"patch: no effects can begin at sample {patched.at}")
        if 2 * patched.pair + 2 > self._channels:
            raise EngineError(f"patch: there is no pair {patched.pair} of channels")
        if sum(not voice.rings for voice in self._voices.values()) >= STRIPS:
            raise EngineError(f"patch: more than {STRIPS} layers and buses have effects at once")
        self._voices[patched.voice] = Sounding(patched.at, 0)

    @_take.register
    def _(self, sent: Sent) -> None:
        self._sends.add((sent.slot, sent.target, sent.listened))
        if len(self._sends) > MOST_LAYERS:
            raise EngineError(f"send: at most {MOST_LAYERS} sends are made in one performance")

    @_take.register
    def _(self, decision: SpaceNamed) -> None:
        self._spaces += 1
        if self._spaces > MOST_SPACES:
            raise EngineError(f"space: at most {MOST_SPACES} are played in one performance")

    @_take.register
    def _(self, taped: Taped) -> None:
        if self._moved and taped.at < self._taped:
            raise EngineError(f"tape: sample {taped.at} comes after sample {self._taped}")
        self._taped = max(self._taped, taped.at)
        self._sources.add(taped.source)
        if len(self._sources) > MOST_SOURCES:
            raise EngineError(f"tape: at most {MOST_SOURCES} sources are heard in one performance")

    @_take.register
    def _(self, decision: SeedSet) -> None:
        if self._moved or decision.at > self.begins:
            raise EngineError("seed: it cannot change once the performance has begun")

    @_take.register
    def _(self, decision: Ended) -> None:
        self._moved = True
        self._ended({decision.voice: self._voices.pop(decision.voice)})

    def _ended(self, voices: dict[int, Sounding]) -> None:
        """Remember voices that are over: their holes are noted a little later."""
        self._over |= voices
        while len(self._over) > 4 * RINGS:
            oldest = next(iter(self._over))
            del self._over[oldest]

    @_take.register
    def _(self, hole: Hole) -> None:
        self._moved = True
        voice = self._voices.get(hole.voice) or self._over[hole.voice]
        if hole.side >= (voice.rings or 2):
            raise EngineError(f"hole: voice {hole.voice} has no second side")
        if not voice.start - GRID <= hole.at < hole.to <= hole.at + RING:
            raise EngineError(
                f"hole: samples {hole.at} to {hole.to} are none that voice {hole.voice} could miss"
            )

    @_take.register
    def _(self, decision: Panicked) -> None:
        if decision.at < self._panicked:
            raise EngineError(f"panic: sample {decision.at} comes after sample {self._panicked}")
        self._panicked = decision.at
        self._ended(self._voices)
        self._voices = {}

    @_take.register
    def _(self, decision: Marked) -> None:
        self._moved = True
        if decision.at < self.marked:
            raise EngineError(f"mark: sample {decision.at} comes after sample {self.marked}")
        self.marked = decision.at


def disorder(rate: int) -> int:
    """Return the samples by which a decision may lie before one on an earlier line."""
    return round(DISORDER * rate) + 2 * RING
