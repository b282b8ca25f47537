"""Levels: how loud an input channel or a layer is, as a live curve."""

from __future__ import annotations

from typing import NamedTuple

from latentlive.curves.live import SHARE, Live
from latentlive.errors import ExpressionError
from latentlive.expr import Kind, Number, Whole, declared, operator
from latentlive.expr.fields import shown
from latentlive.ground.names import normal

ATTACK, RELEASE = 0.01, 0.2
FOLLOWING = Number("seconds", least=0.001, most=10.0)

LONGEST_LAYER = 100
"""Most letters of a layer's name."""


class Measured(Kind):
    """What a level is of: an input channel by its number, or a layer by itself or its name."""

    channel = Whole(least=1, most=64)

    def coerce(self, value: object, place: str) -> int | str:
        """Return the number of the channel, or the name of the layer."""
        name = getattr(value, "name", value)  # that of a layer
        if not isinstance(name, str):
            return self.channel.coerce(value, place)
        if not name.isidentifier() or len(name) > LONGEST_LAYER:
            raise ExpressionError(
                f"{place} is an input channel such as 1, or a layer such as d2, got {shown(value)}"
            )
        return normal(name)


@operator
class Level(Live):
    """The level of an input channel, or of a layer: 0 at -60 dBFS and below, 1 at full scale.

    It rises 63 % of the way to a new level in `attack`, and falls so in `release`. The first level
    of a channel that is typed opens the sound input (``--input``), and a line tells which. Until
    something is heard, and without an input, it stays at its start.

    Parameters
    ----------
    channel : int or layer
        1 is the first channel of the input; ``d2`` is the layer, as loud as it is heard.
    start : float
        The value until something is heard, 0 to 1.
    attack, release : float [seconds, 0.001 to 10]

    Example
    -------
    >>> level(1).range(-30, 0).at([0])
    array([-30.])
    """

    channel: int | str = declared(Measured())
    start: float = declared(SHARE, default=0.0)
    attack: float = declared(FOLLOWING, default=ATTACK)
    release: float = declared(FOLLOWING, default=RELEASE)

    @property
    def needs(self) -> str:
        kind = "layers" if isinstance(self.channel, str) else "sound"
        return f"{kind} {self.source}"

    @property
    def source(self) -> str:
        """The name of what its values come from."""
        told = f"level:{self.channel}"
        usual = (self.attack, self.release) == (ATTACK, RELEASE)
        return told if usual else f"{told}:{self.attack!r}:{self.release!r}"

    def hears(self, source: str) -> bool:
        return source == self.source


class Gauge(NamedTuple):
    """How a level is measured.

    Parameters
    ----------
    source : str
    channel : str
        Of an input, as digits, or the name of a layer.
    attack, release : float [seconds]
    """

    source: str
    channel: str
    attack: float
    release: float


def gauge_of(source: str) -> Gauge:
    """Return how the values of a source of levels are measured.

    >>> gauge_of("level:2:0.05:1")
    Gauge(source='level:2:0.05:1', channel='2', attack=0.05, release=1.0)
    """
    _, channel, *told = source.split(":")
    attack, release = map(float, told) if told else (ATTACK, RELEASE)
    return Gauge(source, channel, attack, release)


def level_of(source: str) -> Level:
    """Return the curve that follows a source of levels.

    >>> level_of("level:d2:0.05:0.2")
    level('d2', attack=0.05)
    """
    _, channel, attack, release = gauge_of(source)
    return Level(int(channel) if channel.isdecimal() else channel, 0.0, attack, release)
