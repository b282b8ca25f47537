"""Decisions: what a log is made of, each declared with what the desk does to take it again.

The desk notes a decision as it takes it. Performed again, in the same order, decisions give the
same samples, in a replay and in a bounce.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from latentlive.curves import Curve
from latentlive.expr import Number, One, Record, Whole, declared, record
from latentlive.protocol.clip import CLIP, Clip
from latentlive.protocol.kinds import (
    FLAG,
    LAYER,
    LEVEL,
    LEVELS,
    NAME,
    OVER,
    PAIR,
    SAMPLE,
    SEED,
    SERIAL,
    SHARE,
    SLOT,
    TEMPO,
)
from latentlive.protocol.state import State
from latentlive.units import Tempo

if TYPE_CHECKING:
    from latentlive.engine.desk.desk import Desk

GAIN = Number(least=0.0, most=1.0)


@record()
class Decision(Record):
    """Something decided, from a sample on.

    Parameters
    ----------
    at : int [samples, global]
    """

    what, words, key = "decision", {}, "do"
    at: int = declared(SAMPLE)

    def at_rate(self, rate: int) -> Self:
        """Return a decision that was read, at the sample rate of its log."""
        return self

    def perform(self, desk: Desk) -> None:
        """Take it again on a desk; some change nothing there."""


@record()
class OfVoice(Decision):
    """A decision about a voice, by its serial."""

    voice: int = declared(SERIAL)


@record("start")
class Started(OfVoice):
    """A voice starts, and reaches its full level after `over` samples."""

    layer: str = declared(LAYER)
    slot: int = declared(SLOT)
    wide: float = declared(SHARE)
    pair: int = declared(PAIR)
    over: int = declared(OVER)
    clip: Clip[Any] = declared(CLIP)

    @property
    def rings(self) -> int:
        """How many rings the voice holds."""
        return 2 if self.wide else 1

    def perform(self, desk: Desk) -> None:
        if (voice := desk.voices.get(self.voice)) is not None:
            desk.start(voice, self.at, self.over)


@record()
class Moved(OfVoice):
    """A voice's level moves in `over` samples, from where it is then."""

    level: float = declared(GAIN)
    over: int = declared(OVER)


@record("fade")
class Faded(Moved):
    """A voice fades in or out."""

    def perform(self, desk: Desk) -> None:
        if (voice := desk.voices.get(self.voice)) is not None:
            desk.fade(voice, self.at, self.level, self.over)


@record("gate")
class Gated(Moved):
    """A voice is muted for an underrun, or unmuted."""

    def perform(self, desk: Desk) -> None:
        if (voice := desk.voices.get(self.voice)) is not None:
            desk.gate(voice, self.at, self.level, self.over)


@record("end")
class Ended(OfVoice):
    """A voice was freed."""


@record("hole")
class Hole(OfVoice):
    """Samples that one side of a voice lacked when they were due, up to the sample `to`."""

    to: int = declared(SAMPLE)
    side: int = declared(Whole(most=1))


@record("level")
class Levelled(Decision):
    """A layer's gain, amp, pan or audibility changed."""

    slot: int = declared(SLOT)
    glide: bool = declared(FLAG)
    curves: Mapping[str, Curve] = declared(LEVELS)

    def perform(self, desk: Desk) -> None:
        desk.level(self.slot, self.at, self.glide, self.curves)


@record("master")
class MasterSet(Decision):
    """The master's level changed."""

    gain_db: Curve = declared(LEVEL)

    def perform(self, desk: Desk) -> None:
        desk.set_master(self.at, self.gain_db)


@record("tempo")
class TempoSet(Decision):
    """The transport's tempo changed."""

    tempo: Tempo = declared(TEMPO)

    def at_rate(self, rate: int) -> Self:
        return self.changed(tempo=replace(self.tempo, sample_rate=rate))

    def perform(self, desk: Desk) -> None:
        desk.set_tempo(self.at, self.tempo)


@record("seed")
class SeedSet(Decision):
    """The seed changed."""

    seed: int = declared(SEED)

    def perform(self, desk: Desk) -> None:
        desk.set_seed(self.at, self.seed)


@record("panic")
class Panicked(Decision):
    """All voices that had begun fell silent."""


@record("state")
class Settled(Decision):
    """A layer's state after a change: it brings the layer back after a crash."""

    layer: str = declared(LAYER)
    slot: int = declared(SLOT)
    state: State[Any] = declared(One(State))


@record("rename")
class Renamed(Decision):
    """A layer was renamed."""

    layer: str = declared(LAYER)
    name: str = declared(LAYER)


@record("space")
class SpaceNamed(Decision):
    """The digest of the space that ``.on`` named."""

    name: str = declared(NAME)
    digest: str = declared(NAME)


@record("mark")
class Marked(Decision):
    """The performance has come this far."""
