"""Decisions: what a log is made of. `Desk.perform` takes one again.

The desk notes a decision as it takes it. Performed again, in the same order, decisions give the
same samples, in a replay and in a bounce.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from latentlive.curves import Curve
from latentlive.expr import Maybe, Number, One, Record, Whole, declared, record
from latentlive.protocol.clip import CLIP, SOURCE, Clip
from latentlive.protocol.kinds import (
    CHANNELS,
    FLAG,
    KNOBS,
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
    SOURCE_NAME,
    TEMPO,
    TEXT,
)
from latentlive.protocol.state import State
from latentlive.units import Tempo

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


@record()
class OfVoice(Decision):
    """A decision about a voice, by its serial."""

    voice: int = declared(SERIAL)


def rings_of(wide: float, channels: int) -> int:
    """Return how many rings a voice needs: two if left and right differ in their noise, or in the
    recordings."""
    return 2 if wide or channels > 1 else 1


@record("start")
class Started(OfVoice):
    """A voice starts, and reaches its full level after `over` samples."""

    layer: str = declared(LAYER)
    slot: int = declared(SLOT)
    wide: float = declared(SHARE)
    pair: int = declared(PAIR)
    over: int = declared(OVER)
    clip: Clip[Any] = declared(CLIP)
    channels: int = declared(CHANNELS, default=1)

    @property
    def rings(self) -> int:
        """How many rings the voice holds."""
        return rings_of(self.wide, self.channels)


@record("patch")
class Patched(OfVoice):
    """The effects of a layer, a bus or the master begin on a pair of channels, as a strip with a
    serial of its own."""

    layer: str = declared(LAYER)
    slot: int = declared(SLOT)
    pair: int = declared(PAIR)

    @property
    def rings(self) -> int:
        """It has two sides."""
        return 2


@record()
class Moved(OfVoice):
    """A voice's level moves in `over` samples, from where it is then."""

    level: float = declared(GAIN)
    over: int = declared(OVER)


@record("fade")
class Faded(Moved):
    """A voice fades in or out."""


@record("gate")
class Gated(Moved):
    """A voice is muted for an underrun, or unmuted."""


@record("held")
class Held(OfVoice):
    """A level that follows what arrives came too late: it was held up to the sample `to`."""

    to: int = declared(SAMPLE)


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


@record("tune")
class Tuned(Decision):
    """What a layer's effects are set to changed.

    Parameters
    ----------
    space : Source, optional
        The recording that is the room of the reverb from now on, in a log its key.
    """

    slot: int = declared(SLOT)
    glide: bool = declared(FLAG)
    curves: Mapping[str, Curve] = declared(KNOBS)
    space: Any = declared(Maybe(SOURCE), default=None)


@record("send")
class Sent(Decision):
    """A send changed: from the slot of a layer to that of a bus, or to a layer as the key that
    its compressor listens to."""

    slot: int = declared(SLOT)
    target: int = declared(SLOT)
    glide: bool = declared(FLAG)
    curves: Mapping[str, Curve] = declared(LEVELS)
    pre: bool = declared(FLAG, default=False)
    listened: bool = declared(FLAG, default=False)


@record("renewed")
class Renewed(Decision):
    """The process of effects was started again: effects begin anew, without what rang in them."""


@record("master")
class MasterSet(Decision):
    """The master's level changed."""

    gain_db: Curve = declared(LEVEL)


@record("tape")
class Taped(Decision):
    """A value arrived from a source; `by` tells who sent it."""

    source: str = declared(SOURCE_NAME)
    value: float = declared(Number())
    by: str = declared(TEXT, default="")


@record("tempo")
class TempoSet(Decision):
    """The transport's tempo changed."""

    tempo: Tempo = declared(TEMPO)

    def at_rate(self, rate: int) -> Self:
        return self.changed(tempo=replace(self.tempo, sample_rate=rate))


@record("seed")
class SeedSet(Decision):
    """The seed changed."""

    seed: int = declared(SEED)


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
