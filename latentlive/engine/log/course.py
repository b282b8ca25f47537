"""What a log may say next: what no engine could have noted after what came before is refused.

A log may come from anywhere. Whoever reads it in order and lets each decision pass here needs no
more memory and time than the performance took.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from latentlive.curves import Curve
from latentlive.engine.desk.voices import State
from latentlive.engine.schedule.changes import LEVELS, MOST_LAYERS
from latentlive.engine.shared import RING, VOICES
from latentlive.errors import EngineError
from latentlive.mixer import GRID
from latentlive.protocol.clip import Part, Source
from latentlive.protocol.levels import curve_of
from latentlive.protocol.schema import DECISIONS, check_shape
from latentlive.protocol.wire import Message
from latentlive.units import Tempo

STALL = 600.0
"""Seconds between two decisions at most: an engine notes where it is all the time, and none is held
up for longer."""

DISORDER = 4.0
"""Seconds by which a decision may lie before one that was noted earlier: some are taken ahead of
their moment. What was not heard is noted after it, by two rings more."""

MOST_AT_ONCE = 200_000
"""Decisions in as many samples: no engine takes as many in that time, and whoever plays a log holds
those that may still be out of order."""

MOST_NAMES = 10 * MOST_LAYERS
"""Names that layers may have had, one after the other."""

MOST_SPACES = 100
"""Spaces that layers name: each is loaded before anything is played."""

CURVES = 500
"""Curves of levels that are kept as they were read: many a log says the same again and again."""


class Sounding(NamedTuple):
    """A voice that a log has begun."""

    start: int
    rings: int


class Course:
    """How far a log has come, and what sounds there.

    Parameters
    ----------
    header : mapping
        Of the log, checked.
    source : function of a digest
        Finds a texture; raises if the log has not told of it.
    """

    def __init__(self, header: Message, source: Callable[[str], Source]) -> None:
        self._rate, self._channels = int(header["rate"]), int(header["channels"])
        self._source = source
        self.begins = self.latest = self.marked = int(header["begins"])
        self._moved = False
        self._counted_from = self._count = 0
        self._panicked = 0
        self._voices: dict[int, Sounding] = {}
        self._over: dict[int, Sounding] = {}
        self._slots: set[int] = set()
        self._spaces = 0
        self.layers: set[str] = set()

    @property
    def disorder(self) -> int:
        """Samples by which what comes may lie before what has come."""
        return disorder(self._rate)

    def follow(self, decision: Message) -> Message:
        """Return the decision that comes next, with its curves and its tempo as such.

        Raises
        ------
        LatentliveError
            If no engine could have noted it here.
        """
        check_shape(decision, DECISIONS, "decision", "do")
        do, at = str(decision["do"]), int(decision["at"])
        self._order(do, at)
        if "voice" in decision and do != "start":
            self._voice(decision)
        if "slot" in decision:
            self._slots.add(int(decision["slot"]))
        self.layers |= {decision[word] for word in ("layer", "name") if word in decision}
        if len(self._slots) > MOST_LAYERS or len(self.layers) > MOST_NAMES:
            raise EngineError(
                f"{do}: an engine has at most {MOST_LAYERS} layers, and {MOST_NAMES} names for them"
            )
        followed: Message = getattr(self, f"_{do}", dict)(decision)
        self.latest = max(self.latest, at)
        return followed

    def _order(self, do: str, at: int) -> None:
        if at > self.latest + STALL * self._rate:
            raise EngineError(
                f"{do}: sample {at} lies {(at - self.latest) / self._rate:.0f} s beyond what comes "
                f"before it, and {STALL:.0f} s is the most"
            )
        # A replay that began in the middle notes first what sounded there already.
        told_before = not self._moved and at <= self.begins
        if at < self.latest - self.disorder and do != "hole" and not told_before:
            raise EngineError(f"{do}: sample {at} comes after sample {self.latest}: out of order")
        if max(at, self.latest) > self._counted_from + self.disorder:
            self._counted_from, self._count = max(at, self.latest), 0
        self._count += 1
        if self._count > MOST_AT_ONCE:
            raise EngineError(f"{do}: more than {MOST_AT_ONCE} decisions come at once here")

    def _voice(self, decision: Message) -> None:
        """Refuse what is said of a voice that is not there."""
        serial = int(decision["voice"])
        known = serial in self._voices or (decision["do"] == "hole" and serial in self._over)
        if not known:
            raise EngineError(f"{decision['do']}: there is no voice {serial} here")

    def _start(self, decision: Message) -> Message:
        serial, at = int(decision["voice"]), int(decision["at"])
        if serial in self._voices:
            raise EngineError(f"start: voice {serial} sounds already")
        if at < self._panicked:
            raise EngineError(f"start: sample {at} lies before the panic at {self._panicked}")
        if 2 * int(decision["pair"]) + 2 > self._channels:
            raise EngineError(f"start: there is no pair {decision['pair']} of channels")
        rings = 2 if decision["wide"] else 1
        if sum(voice.rings for voice in self._voices.values()) + rings > VOICES:
            raise EngineError(f"start: more than {VOICES} voices sound at once")
        part: Part | None = Part.load(decision["part"], self._rate, self._source)
        while part is not None:
            turning = part.turning
            if max(part.origin, turning.at if turning else 0) > at + self.disorder:
                raise EngineError(f"start: its clock begins after sample {at}, where it is heard")
            part = turning.before if turning else None
        self._voices[serial] = Sounding(at, rings)
        return decision

    def _level(self, decision: Message) -> Message:
        curves: dict[str, Curve] = {}
        for word, data in decision["curves"].items():
            if word not in (*LEVELS, "audible"):
                raise EngineError(f"level: there is no {word!r}")
            curves[word] = _curve(data)
        return {**decision, "curves": curves}

    def _space(self, decision: Message) -> Message:
        self._spaces += 1
        if self._spaces > MOST_SPACES:
            raise EngineError(f"space: at most {MOST_SPACES} are played in one performance")
        return decision

    def _master(self, decision: Message) -> Message:
        return {**decision, "gain_db": _curve(decision["gain_db"])}

    def _tempo(self, decision: Message) -> Message:
        return {**decision, "tempo": Tempo.load(decision["tempo"], self._rate)}

    def _seed(self, decision: Message) -> Message:
        if self._moved or decision["at"] > self.begins:
            raise EngineError("seed: it cannot change once the performance has begun")
        return decision

    def _end(self, decision: Message) -> Message:
        self._moved = True
        serial = int(decision["voice"])
        self._ended({serial: self._voices.pop(serial)})
        return decision

    def _ended(self, voices: dict[int, Sounding]) -> None:
        """Remember voices that are over: what was not heard of them is noted a little later."""
        self._over |= voices
        while len(self._over) > 4 * VOICES:
            oldest = next(iter(self._over))
            del self._over[oldest]

    def _hole(self, decision: Message) -> Message:
        self._moved = True
        serial, at, to = (int(decision[word]) for word in ("voice", "at", "to"))
        voice = self._voices.get(serial) or self._over[serial]
        if decision["side"] >= voice.rings:
            raise EngineError(f"hole: voice {serial} has no second side")
        if not voice.start - GRID <= at < to <= at + RING:
            raise EngineError(f"hole: samples {at} to {to} are none that voice {serial} could miss")
        return decision

    def _panic(self, decision: Message) -> Message:
        at = int(decision["at"])
        if at < self._panicked:
            raise EngineError(f"panic: sample {at} comes after sample {self._panicked}")
        self._panicked = at
        self._ended(self._voices)
        self._voices = {}
        return decision

    def _mark(self, decision: Message) -> Message:
        self._moved = True
        if decision["at"] < self.marked:
            raise EngineError(f"mark: sample {decision['at']} comes after sample {self.marked}")
        self.marked = int(decision["at"])
        return decision

    def _state(self, decision: Message) -> Message:
        State.load(decision["state"], self._source)
        return decision


def disorder(rate: int) -> int:
    """Return the samples by which a decision of a log may lie before one that was noted earlier."""
    return round(DISORDER * rate) + 2 * RING


def _curve(data: Any) -> Curve:
    text = json.dumps(data)
    return _kept(text) if len(text) < 2000 else curve_of(data)


@functools.lru_cache(CURVES)
def _kept(text: str) -> Curve:
    return curve_of(json.loads(text))
