"""Clips: the texture of a voice on its own clock, perhaps morphing out of another one."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from latentlive.curves import inputs_of
from latentlive.errors import ExpressionError
from latentlive.expr import Kind, Record, Whole, declared, record
from latentlive.expr.fields import shown
from latentlive.expr.record import Stored, inline
from latentlive.latent import OnMap, Texture
from latentlive.protocol.kinds import CHANNELS, OVER, SAMPLE, TEMPO, TEXT, Digests, Playable
from latentlive.protocol.wire import Message
from latentlive.units import Tempo

S = TypeVar("S", "Source", str)
T = TypeVar("T", "Source", str)


@record()
class Source(Record):
    """A texture as the performer typed it, with the recordings that it needs.

    Parameters
    ----------
    expr : Latent or Joined
    code : str
        Its repr.
    sounds : mapping
        What finds its recordings, by the digests of the nodes that name them: a digest, or those of
        mix, left and right of a stereo one.
    channels : int
        1, or 2 if it plays stereo recordings.
    """

    expr: Texture = declared(Playable())
    code: str = declared(TEXT)
    sounds: Mapping[str, str] = declared(Digests())
    channels: int = declared(CHANNELS, default=1)

    @functools.cached_property
    def data(self) -> Message:
        """The texture as JSON data."""
        return self.dump()

    @functools.cached_property
    def live(self) -> bool:
        """Whether it follows live curves."""
        return bool(inputs_of(self.expr))

    @functools.cached_property
    def roams(self) -> bool:
        """Whether it reads whichever sounds of the map it reaches, each for a moment."""
        return any(isinstance(node, OnMap) for node in self.expr.walk())

    @functools.cached_property
    def digest(self) -> str:
        """The digest of its data, 16 hexadecimal digits."""
        text = json.dumps(self.data, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


class SourceKind(Kind):
    """A texture, or its key in a log."""

    def coerce(self, value: Any, place: str) -> Source | str:
        """Return the value unchanged."""
        if not isinstance(value, Source | str):
            raise ExpressionError(f"{place} must be a texture, got {shown(value)}")
        return value

    def plain(self, value: Source | str, ref: Any, keep: Stored) -> Any:
        """Return the texture's key if `keep` stores it, or its data."""
        kept = keep(value)
        return kept.data if isinstance(kept, Source) else kept

    def revive(self, data: Any, node: Any, kept: Stored) -> Any:
        """Return the texture from its data, or from its key."""
        return Source.load(data) if isinstance(data, dict) else kept(data)


class Given(SourceKind):
    """A texture, never a key."""

    def coerce(self, value: Any, place: str) -> Source:
        """Return the texture."""
        if not isinstance(value, Source):
            raise ExpressionError(f"{place} must be a texture, got {shown(value)}")
        return value


SOURCE = SourceKind()


@dataclass(frozen=True)
class Crossing(Generic[S]):
    """A morph out of an earlier clip, in latent space.

    Parameters
    ----------
    before : Clip
    at, over : int [samples, global]
    """

    before: Clip[S]
    at: int
    over: int


@dataclass(frozen=True)
class Clip(Generic[S]):
    """A texture on its own clock.

    Parameters
    ----------
    source : Source, or in a log its key
    origin : int [samples, global]
        The sample at which its clock is 0.
    tempo : Tempo
        Of its own clock: beats since `origin`.
    crossing : Crossing or None
        The earlier clip.
    lead : int [samples]
        How long after they arrive its live curves are heard; 0 where it has none.
    """

    source: S
    origin: int
    tempo: Tempo
    crossing: Crossing[S] | None = None
    lead: int = 0

    @property
    def channels(self: Clip[Source]) -> int:
        """How many channels it is rendered in: 2 while anything in it plays stereo recordings."""
        before = self.crossing.before.channels if self.crossing else 1
        return max(self.source.channels, before)

    @property
    def leads(self) -> list[tuple[int, int | None]]:
        """The leads of what is live in it, each with the sample where that is over, if ever."""
        found: list[tuple[int, int | None]] = [(self.lead, None)] if self.lead else []
        if self.crossing:
            end = self.crossing.at + self.crossing.over
            before = self.crossing.before.leads
            found += [(lead, end if over is None else min(over, end)) for lead, over in before]
        return found

    def timed(self, tempo: Tempo, at: int) -> Clip[S]:
        """Return the clip from sample `at` on, under another tempo of the transport.

        Drops a crossing that has ended by then.
        """
        crossing = self.crossing
        if crossing and crossing.at + crossing.over <= at:
            crossing = None
        if crossing:
            crossing = replace(crossing, before=crossing.before.timed(tempo, at))
        return replace(self, tempo=tempo.since(self.origin), crossing=crossing)

    def moved(self, by: int) -> Clip[S]:
        """Return the clip with its clock moved, without a crossing."""
        return replace(self, origin=self.origin + by, crossing=None)

    def mapped(self, source: Callable[[S], T], rate: int) -> Clip[T]:
        """Return the clip with every source mapped, and its tempo at a sample rate."""
        crossing = None
        if self.crossing:
            before = self.crossing.before.mapped(source, rate)
            crossing = Crossing(before, self.crossing.at, self.crossing.over)
        tempo = replace(self.tempo, sample_rate=rate)
        return Clip(source(self.source), self.origin, tempo, crossing, self.lead)

    def dump(self, keep: Stored = inline) -> Message:
        """Return the clip as JSON data; `keep` stores its sources."""
        data: Message = {
            "source": SOURCE.plain(self.source, None, keep),
            "origin": self.origin,
            "tempo": self.tempo.dump(),
        }
        if self.lead:
            data["lead"] = self.lead
        if self.crossing:
            before = self.crossing.before.dump(keep)
            data["crossing"] = [before, self.crossing.at, self.crossing.over]
        return data


class ClipKind(Kind):
    """A clip; after loading it has no sample rate yet."""

    def coerce(self, value: Any, place: str) -> Clip[Any]:
        """Return the clip."""
        if not isinstance(value, Clip):
            raise ExpressionError(f"{place} must be a clip, got {shown(value)}")
        return value

    def plain(self, value: Clip[Any], ref: Any, keep: Stored) -> Message:
        """Return the clip's data."""
        return value.dump(keep)

    def revive(self, data: Any, node: Any, kept: Stored) -> Clip[Any]:
        """Return the clip that `plain` wrote."""
        fields = {"source", "origin", "tempo"}
        if not isinstance(data, dict) or data.keys() - {"crossing", "lead"} != fields:
            raise ExpressionError(f"a clip was expected, got {shown(data)}")
        crossing = None
        if "crossing" in data:
            before, at, over = _three(data["crossing"])
            at, over = SAMPLE.coerce(at, "crossing: at"), OVER.coerce(over, "crossing: over")
            crossing = Crossing(self.revive(before, node, kept), at, over)
        origin = SAMPLE.coerce(data["origin"], "clip: origin")
        source = SOURCE.coerce(SOURCE.revive(data["source"], node, kept), "clip: source")
        lead = LEAD_SAMPLES.coerce(data.get("lead", 0), "clip: lead")
        return Clip(source, origin, TEMPO.revive(data["tempo"], node, kept), crossing, lead)


def _three(data: Any) -> list[Any]:
    if not isinstance(data, list) or len(data) != 3:
        raise ExpressionError(f"a crossing was expected, got {shown(data)}")
    return data


LEAD_SAMPLES = Whole("samples", most=2**20)
CLIP = ClipKind()
