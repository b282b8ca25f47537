"""The settings of a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, cast

from latentlive.curves import Curve, Num
from latentlive.expr import Maybe, Record, declared, record
from latentlive.protocol.clip import SOURCE, S, T
from latentlive.protocol.kinds import BEATS, FLAG, LEAD, LEVEL, PAIR, SAMPLE, SHARE

DEFAULT_FADE_BEATS = 0.1
DEFAULT_XFADE_BEATS = 1.0
DEFAULT_QUANT_BEATS = 1.0

LEVELS = ("gain_db", "amp", "pan")
"""The settings that are curves."""


@record()
class State(Record, Generic[S]):
    """A layer's texture and settings; a change folds into the next one.

    Parameters
    ----------
    source : Source or None
        The layer's texture; in a log its key.
    origin : int or None [samples, global]
        The sample at which the texture's clock began.
    gain_db, amp, pan : Curve
    fade, xfade, quant : float [beats]
    morph : bool
        Whether the layer morphs to new textures through latent space over `xfade`, or crossfades.
    wide : float
    pair : int
    muted, soloed : bool
    lead : float or None [seconds]
        How long after they arrive live curves are heard; None leaves that to the engine.
    """

    source: S | None = declared(Maybe(SOURCE), default=None)
    origin: int | None = declared(Maybe(SAMPLE), default=None)
    gain_db: Curve = declared(LEVEL, default=Num(0.0))
    amp: Curve = declared(LEVEL, default=Num(1.0))
    pan: Curve = declared(LEVEL, default=Num(0.5))
    fade: float = declared(BEATS, default=DEFAULT_FADE_BEATS)
    xfade: float = declared(BEATS, default=DEFAULT_XFADE_BEATS)
    quant: float = declared(BEATS, default=DEFAULT_QUANT_BEATS)
    morph: bool = declared(FLAG, default=False)
    wide: float = declared(SHARE, default=0.0)
    pair: int = declared(PAIR, default=0)
    muted: bool = declared(FLAG, default=False)
    soloed: bool = declared(FLAG, default=False)
    lead: float | None = declared(Maybe(LEAD), default=None)

    def silenced(self) -> State[S]:
        """Return the state without its texture."""
        return self.changed(source=None, origin=None)

    def mapped(self, source: Callable[[S], T]) -> State[T]:
        """Return the state with its texture mapped by `source`."""
        made: Any = self
        if self.source is not None:
            made = self.changed(source=source(self.source))
        return cast("State[T]", made)
