"""What the scheduler knows: voices that render and sound, layers that own them, cells to come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from latentlive.curves import Curve
from latentlive.engine.envelope import Fade, Setting

DEFAULT_FADE_BEATS = 0.1
DEFAULT_XFADE_BEATS = 1.0
DEFAULT_QUANT_BEATS = 1.0


@dataclass
class Voice:
    """One ring of the shared block, playing one texture.

    Parameters
    ----------
    index, serial : int
        Its ring, and which of the ring's successive tenants this is.
    layer : str
    source : mapping
        The texture as it came: 'expr' (JSON), 'code', 'sounds'.
    origin : int [samples, global]
        Where the clock of its texture is 0.
    start : int [samples, global]
        Where it is to sound first.
    fresh : bool
        Whether its clock begins where it does, whatever the layer played before.
    """

    index: int
    serial: int
    layer: str
    source: dict[str, Any]
    origin: int
    start: int
    fade: Fade
    fresh: bool = False
    loaded: bool = False
    length: int | None = None
    asked: int = 0
    sounding: bool = False
    gains_until: int = 0

    @property
    def end(self) -> int | None:
        """Where a texture that is played once is over."""
        return None if self.length is None else self.origin + self.length


@dataclass
class Layer:
    """A named place for one texture, with its level, pan and fades.

    Parameters
    ----------
    name : str
    slot : int
        Keys the noise: 0 for ``d1``.
    before : mapping or None
        The source that played before this one, to go back to if this one fails.
    """

    name: str
    slot: int
    setting: Setting = field(default_factory=Setting)
    muted: bool = False
    soloed: bool = False
    fade_beats: float = DEFAULT_FADE_BEATS
    xfade_beats: float = DEFAULT_XFADE_BEATS
    quant_beats: float = DEFAULT_QUANT_BEATS
    voice: Voice | None = None
    leaving: list[Voice] = field(default_factory=list)
    error: str = ""
    before: dict[str, Any] | None = None


@dataclass
class Cell:
    """Changes that land together, once every new texture of them is ready.

    Parameters
    ----------
    at : int [samples, global]
        Where they are meant to land.
    fixed : bool
        Whether that moment was asked for, or is the next quant and may move.
    """

    at: int
    fixed: bool
    quant: float
    voices: list[Voice] = field(default_factory=list)
    settings: list[tuple[str, dict[str, Curve]]] = field(default_factory=list)
    stops: list[tuple[str, float | None]] = field(default_factory=list)
    levels: bool = False
    master: Curve | None = None
