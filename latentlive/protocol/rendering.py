"""Orders of the engine to a render worker, and the worker's answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from latentlive.expr import Many, Maybe, Number, One, Record, Whole, declared, record
from latentlive.protocol.clip import CLIP, Clip, Source
from latentlive.protocol.kinds import SAMPLE, SEED, SERIAL, SHARE, SLOT, SOURCE_NAME, TEXT, Digests

MOST = 1000
"""Most voices, and most answers, in one message."""

VERSION, RING = Whole(), Whole(most=10_000)
LENGTH = Whole("samples", most=10**300)
"""Samples of a voice; a loop can repeat enormously often."""


class Order(Record):
    """An order to a worker."""

    what, words = "order", {}
    answered: ClassVar[bool] = True


class Answer(Record):
    """An answer of a worker."""

    what, words = "answer", {}


@record()
class Job(Record):
    """A stretch of a voice, from its first sample to one past the last [samples, global]."""

    serial: int = declared(SERIAL)
    version: int = declared(VERSION)
    start: int = declared(SAMPLE)
    stop: int = declared(SAMPLE)


@record()
class OfVersion(Order):
    """An order about one version of a voice."""

    serial: int = declared(SERIAL)
    version: int = declared(VERSION)


@record("load")
class Load(OfVersion):
    """Make a voice's renderings, one for each of its rings."""

    rings: tuple[int, ...] = declared(Many(RING, 2))
    clip: Clip[Source] = declared(CLIP)
    wide: float = declared(SHARE)
    slot: int = declared(SLOT)
    seed: int = declared(SEED)


@record("move")
class Move(OfVersion):
    """Move the origin of a voice's clock."""

    origin: int = declared(SAMPLE)


@record("drop")
class Drop(Order):
    """Forget voices that have ended."""

    answered = False
    serials: tuple[int, ...] = declared(Many(SERIAL, MOST))


@record("render")
class Render(Order):
    """Render stretches of several voices in one decode."""

    jobs: tuple[Job, ...] = declared(Many(One(Job), MOST))


@record("encode")
class Encode(Order):
    """Encode a stretch's recordings, and decode nothing."""

    job: Job = declared(One(Job))


@record()
class Value(Record):
    """What a source was from a sample on."""

    at: int = declared(SAMPLE)
    source: str = declared(SOURCE_NAME)
    value: float = declared(Number())


@record("tape")
class Tape(Order):
    """Note values that have arrived, in order; jobs that follow depend on them."""

    answered = False
    values: tuple[Value, ...] = declared(Many(One(Value), MOST))


@record("ping")
class Ping(Order):
    """Request a `Pong`."""


@record("ready")
class Ready(Answer):
    """A worker accepts orders."""


@record("pong")
class Pong(Answer):
    """The worker responds."""


@record()
class AboutVoice(Answer):
    """An answer about one version of a voice."""

    serial: int = declared(SERIAL)
    version: int = declared(VERSION)


@record("loaded")
class Loaded(AboutVoice):
    """A voice is loaded: its length, None if endless, the spaces in use by name, and how far
    beyond a stretch the vectors lie that it needs."""

    length: int | None = declared(Maybe(LENGTH))
    spaces: Mapping[str, str] = declared(Digests())
    beyond: int = declared(Whole("samples"), default=0)


@record("starting")
class Starts(AboutVoice):
    """The voice's space is still starting in this worker: bind the voice again."""


@record("rendered")
class Finished(AboutVoice):
    """A stretch is in its ring; `cost` is seconds of rendering a second of sound."""

    start: int = declared(SAMPLE)
    stop: int = declared(SAMPLE)
    cost: float = declared(Number(least=0.0))


@record("failed")
class Failed(AboutVoice):
    """A voice cannot be rendered."""

    error: str = declared(TEXT)


@record("batch")
class Batch(Answer):
    """The result of each stretch begun."""

    answers: tuple[AboutVoice, ...] = declared(Many(One(Answer), MOST), default=())
