"""The settings of a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, NoReturn, cast

from latentlive.curves import Curve, Num
from latentlive.errors import ExpressionError
from latentlive.expr import Kind, Maybe, One, Record, declared, record
from latentlive.expr.fields import shown
from latentlive.protocol.clip import SOURCE, S, T
from latentlive.protocol.kinds import (
    BEATS,
    FLAG,
    KNOBS,
    LAYER,
    LEAD,
    LEVEL,
    PAIR,
    SAMPLE,
    SHARE,
    TEXT,
)

DEFAULT_FADE_BEATS = 0.1
DEFAULT_XFADE_BEATS = 1.0
DEFAULT_QUANT_BEATS = 1.0

LEVELS = ("gain_db", "amp", "pan", "width")
"""The settings that are curves."""


@record()
class Send(Record):
    """How much of a layer goes to a bus: dB, behind its fader or before it."""

    gain_db: Curve = declared(LEVEL)
    pre: bool = declared(FLAG, default=False)


class Sends(Kind):
    """Sends, by the name of the bus."""

    def coerce(self, value: Any, place: str) -> Mapping[str, Send]:
        """Return the sends."""
        if not isinstance(value, Mapping):
            raise ExpressionError(f"{place} must be an object, got {shown(value)}")
        return {LAYER.coerce(name, place): SEND.coerce(one, place) for name, one in value.items()}

    def plain(self, value: Mapping[str, Send], ref: Any, keep: Any) -> Any:
        """Return the data of each."""
        return {name: SEND.plain(one, ref, keep) for name, one in value.items()}

    def revive(self, data: Any, node: Any, kept: Any) -> Any:
        """Return the sends."""
        if not isinstance(data, dict):
            return data
        return {name: SEND.revive(one, node, kept) for name, one in data.items()}


SEND = One(Send)


class Nothing(Mapping[str, Any]):
    """A mapping that holds nothing and never will: what a field is by default."""

    def __getitem__(self, name: str) -> NoReturn:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0


NONE = Nothing()


@record()
class State(Record, Generic[S]):
    """A layer's texture and settings; a change folds into the next one.

    Parameters
    ----------
    source : Source or None
        The layer's texture; in a log its key.
    origin : int or None [samples, global]
        The sample at which the texture's clock began.
    gain_db, amp, pan, width : Curve
    fade, xfade, quant : float [beats]
    morph : bool
        Whether the layer morphs to new textures through latent space over `xfade`, or crossfades.
    wide : float
    pair : int
    muted, soloed : bool
    lead : float or None [seconds]
        How long after they arrive live curves are heard; None leaves that to the engine.
    effects : mapping of ``lpf.hz`` and so on to Curve
        What its effects are set to; ``lpf.on`` where it has one.
    space : Source or None
        The recording that its reverb has as a room; in a log its key.
    by : str
        The layer that its compressor listens to instead.
    sends : mapping of the name of a bus to Send
    """

    source: S | None = declared(Maybe(SOURCE), default=None)
    origin: int | None = declared(Maybe(SAMPLE), default=None)
    gain_db: Curve = declared(LEVEL, default=Num(0.0))
    amp: Curve = declared(LEVEL, default=Num(1.0))
    pan: Curve = declared(LEVEL, default=Num(0.5))
    width: Curve = declared(LEVEL, default=Num(1.0))
    fade: float = declared(BEATS, default=DEFAULT_FADE_BEATS)
    xfade: float = declared(BEATS, default=DEFAULT_XFADE_BEATS)
    quant: float = declared(BEATS, default=DEFAULT_QUANT_BEATS)
    morph: bool = declared(FLAG, default=False)
    wide: float = declared(SHARE, default=0.0)
    pair: int = declared(PAIR, default=0)
    muted: bool = declared(FLAG, default=False)
    soloed: bool = declared(FLAG, default=False)
    lead: float | None = declared(Maybe(LEAD), default=None)
    effects: Mapping[str, Curve] = declared(KNOBS, default=NONE)
    space: S | None = declared(Maybe(SOURCE), default=None)
    by: str = declared(TEXT, default="")
    sends: Mapping[str, Send] = declared(Sends(), default=NONE)

    @property
    def routed(self) -> bool:
        """Whether it has effects or sends."""
        return bool(self.effects or self.sends)

    def silenced(self) -> State[S]:
        """Return the state without its texture."""
        return self.changed(source=None, origin=None)

    def renamed(self, old: str, new: str) -> State[S]:
        """Return the state with another name of a layer that it sends to or listens to."""
        if old not in self.sends and self.by != old:
            return self
        sends = {new if bus == old else bus: send for bus, send in self.sends.items()}
        return self.changed(sends=sends, by=new if self.by == old else self.by)

    def mapped(self, source: Callable[[S], T]) -> State[T]:
        """Return the state with its texture and its room mapped by `source`."""
        found = {"source": self.source, "space": self.space}
        made: Any = self.changed(**{k: source(one) for k, one in found.items() if one is not None})
        return cast("State[T]", made)
