"""Messages of the engine to connected programs."""

from __future__ import annotations

from typing import Any

from latentlive.errors import ExpressionError
from latentlive.expr import Kind, Maybe, Record, Whole, declared, record
from latentlive.expr.fields import shown
from latentlive.protocol.kinds import BPM, NAME, TEXT
from latentlive.protocol.wire import Message


class Data(Kind):
    """JSON data, which a view shows unchanged."""

    def coerce(self, value: Any, place: str) -> Message:
        """Return the value unchanged."""
        if not isinstance(value, dict):
            raise ExpressionError(f"{place} must be an object, got {shown(value)}")
        return value


NUMBER = Maybe(Whole())


class Reply(Record):
    """A message of the engine."""

    what, words = "reply", {}


@record("welcome")
class Welcome(Reply):
    """The engine's first message: its space, rate, tempo, log and corpus.

    Parameters
    ----------
    pid : int
    model, digest : str
        Of the space.
    space : facts of the space, as data
    sample_rate : int [samples per second]
    bpm : float
    log : str
    corpus : str
        As given, empty for the starter corpus.
    file : str
        The name or full path of the space's model file, empty for the default.
    """

    pid: int = declared(Whole())
    model: str = declared(TEXT)
    digest: str = declared(NAME)
    space: Message = declared(Data())
    sample_rate: int = declared(Whole())
    bpm: float = declared(BPM)
    log: str = declared(TEXT)
    corpus: str = declared(TEXT)
    file: str = declared(TEXT)


@record("status")
class Status(Reply):
    """The engine's state, for views and panels."""

    state: Message = declared(Data())


@record("alive")
class Alive(Reply):
    """The status has not changed."""


@record("say")
class Line(Reply):
    """A line for the performer."""

    line: str = declared(TEXT)


@record("done")
class Done(Reply):
    """The engine has served a request."""

    id: int | None = declared(NUMBER)


@record("refused")
class Refused(Reply):
    """The engine has refused a request and changed nothing."""

    id: int | None = declared(NUMBER)
    error: str = declared(TEXT)


@record("closing")
class Closing(Reply):
    """The engine fades out and sends no more."""


@record("ended")
class Over(Reply):
    """The engine has ended: 'stopped', or by the signal of this name."""

    why: str = declared(TEXT)
