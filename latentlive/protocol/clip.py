"""What a voice plays, as plain data: a texture on its own clock, perhaps out of another one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from latentlive.protocol.schema import OVER, SAMPLE
from latentlive.protocol.wire import Message
from latentlive.units import Tempo

Source = dict[str, Any]
"""A texture as it came: 'expr' (JSON), 'code' (text), 'sounds' (digests of recordings)."""


@dataclass(frozen=True)
class Turning:
    """A texture that is interpolated into another, in latent space.

    Parameters
    ----------
    before : Part
    at, over : int [samples, global]
    """

    before: Part
    at: int
    over: int


@dataclass(frozen=True)
class Part:
    """A texture on its own clock.

    Parameters
    ----------
    source : mapping
    origin : int [samples, global]
        Where its clock is 0.
    tempo : Tempo
        Of its own clock: beats since `origin`.
    turning : Turning or None
        What it comes out of.
    """

    source: Source
    origin: int
    tempo: Tempo
    turning: Turning | None = None

    def timed(self, tempo: Tempo, at: int) -> Part:
        """Return the part under another tempo of the transport, as it goes on from `at`.

        What it came out of is forgotten once it is over.
        """
        turning = self.turning
        if turning and turning.at + turning.over <= at:
            turning = None
        if turning:
            turning = replace(turning, before=turning.before.timed(tempo, at))
        return replace(self, tempo=tempo.since(self.origin), turning=turning)

    def moved(self, by: int) -> Part:
        """Return the part, not coming out of another one, with its clock moved."""
        return replace(self, origin=self.origin + by, turning=None)

    def dump(self, source: Callable[[Source], Any] = lambda source: source) -> Message:
        """Return the part as JSON data, each source as `source` says."""
        data: Message = {
            "source": source(self.source),
            "origin": self.origin,
            "tempo": self.tempo.dump(),
        }
        if self.turning:
            before = self.turning.before.dump(source)
            data["turning"] = [before, self.turning.at, self.turning.over]
        return data

    @classmethod
    def load(
        cls, data: Message, rate: int, source: Callable[[Any], Source] = lambda source: source
    ) -> Part:
        """Return the part that `dump` wrote."""
        turning = None
        if "turning" in data:
            before, at, over = data["turning"]
            at, over = SAMPLE.coerce(at, "turning: at"), OVER.coerce(over, "turning: over")
            turning = Turning(cls.load(before, rate, source), at, over)
        origin = SAMPLE.coerce(data["origin"], "part: origin")
        return cls(source(data["source"]), origin, Tempo.load(data["tempo"], rate), turning)
