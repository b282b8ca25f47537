"""Moments at which changes land."""

from __future__ import annotations

from latentlive.expr import Record, declared, record
from latentlive.protocol.kinds import BEATS, NAME, SAMPLE


class When(Record):
    """A requested moment."""

    what, words = "moment", {}


@record("now")
class Now(When):
    """At the next quant, once every texture is ready."""

    def __str__(self) -> str:
        return "now"


@record("at")
class At(When):
    """At a sample."""

    sample: int = declared(SAMPLE)


@record("beat")
class Beat(When):
    """At a beat of the transport: the sample moves when the tempo changes."""

    beat: float = declared(BEATS)


@record("cue")
class Cue(When):
    """At ``go`` with this name."""

    name: str = declared(NAME)

    def __str__(self) -> str:
        return "go"


@record("after")
class After(When):
    """Some beats after the cue of this name has landed."""

    name: str = declared(NAME)
    beats: float = declared(BEATS)

    def __str__(self) -> str:
        return f"{self.name} + {self.beats:g}"


NOW = Now()
