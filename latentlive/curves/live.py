"""Live curves: knobs, controllers, keys, OSC messages and levels as functions of position.

After Tidal's controls: what arrives is part of what a curve is asked with. A curve here is read
from tapes (`tapes.py`), a constant time after its values arrived. Until its first value, and where
nobody plays, it stays at its `start`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

from latentlive.curves.base import Curve, Time
from latentlive.curves.tapes import FIRST_SLEW, SLEW, Point, Tapes
from latentlive.errors import ExpressionError
from latentlive.expr import Kind, Maybe, Node, Number, Text, Whole, declared, number, operator
from latentlive.expr.fields import shown
from latentlive.ground.names import normal
from latentlive.units import Floats

Ear = Callable[[str, float], float | None]

SHARE = Number(least=0.0, most=1.0)
CHANNEL = Maybe(Whole(least=1, most=16))
KEY = 60
"""The number of the key whose value is 0: middle C."""


class Live(Curve):
    """A curve of what arrives."""

    arrives: ClassVar[str] = "osc"
    """The kind of input that it follows."""
    start: float
    first_slew = SLEW

    @property
    def span(self) -> None:
        return None

    @property
    def needs(self) -> str:
        """The kind of input that it follows, and, behind a blank, what that is asked for."""
        return self.arrives

    def hears(self, source: str) -> bool:
        """Return whether values of a source concern the curve."""
        raise NotImplementedError

    def ear(self) -> Ear:
        """Return a function that turns arriving values into the curve's own."""
        return lambda source, value: value

    def values(self, t: Time) -> Floats:
        return t.live(self)


def inputs_of(node: Node) -> frozenset[str]:
    """Return the kinds of input that a node follows, and its knobs: a controller may turn them."""
    live = [one for one in node.walk() if isinstance(one, Live)]
    return frozenset(
        [one.needs for one in live] + [f"knob:{one.name}" for one in live if isinstance(one, Knob)]
    )


LONG_AGO = -(10**9)
"""A sample before anything is heard: what arrived then has been reached."""


def standing(values: Mapping[str | int, float], rate: int) -> Tapes:
    """Return tapes on which some live curves have a value all the time.

    Parameters
    ----------
    values : mapping
        By the name of a knob, an OSC address such as ``/wrist/x``, or the number of a controller.
    rate : int [samples a second]

    Raises
    ------
    ExpressionError
        ``start: the value of 'sea' must be a number, got 'high'``
    """
    tapes = Tapes(rate)
    for name, value in values.items():
        number = Number().coerce(value, f"start: the value of {name!r}")
        if isinstance(name, int):
            source = f"cc:{name}:1:start"
        else:
            called = Text().coerce(name, "start: name")
            source = f"osc:{called}:0" if called.startswith("/") else f"knob:{called}"
        tapes.take(Point(LONG_AGO, source, number))
    return tapes


@operator
class Knob(Live):
    """A named knob, 0 to 1: turned by `turn`, by a learned controller, or by OSC ``/knob/NAME``.

    Parameters
    ----------
    name : str
    start : float
        Its value until it is turned, 0 to 1.

    Example
    -------
    >>> knob("sea").range(-40, 0).at([0])
    array([-20.])
    """

    name: str = declared(Text())
    start: float = declared(SHARE, default=0.5)

    def hears(self, source: str) -> bool:
        return source == f"knob:{self.name}"


class Pad(NamedTuple):
    """The two knobs of a pad."""

    x: Knob
    y: Knob


def xy(name: str, start: float = 0.5) -> Pad:
    """Return the knobs ``x`` and ``y`` of a pad: ``xy("pad").x`` is ``knob("pad.x")``.

    Example
    -------
    >>> xy("pad").x
    knob('pad.x')
    """
    name = Text().coerce(name, "xy: name")
    return Pad(Knob(f"{name}.x", start), Knob(f"{name}.y", start))


class FromDevice(Live):
    """A curve of a MIDI device: any, or one by a part of its name; any channel, or one of 1 to 16.

    Sources read ``kind:number:channel:device`` or ``kind:channel:device``.
    """

    arrives = "midi"
    kind: str
    numbered = False
    channel: int | None
    device: str

    def hears(self, source: str) -> bool:
        kind, _, rest = source.partition(":")
        if kind != self.kind:
            return False
        number, _, rest = rest.partition(":") if self.numbered else ("", "", rest)
        channel, _, device = rest.partition(":")
        if self.channel is not None and channel != str(self.channel):
            return False
        near = self.device.casefold() in device.casefold()
        if not self.numbered:
            return near
        return near and number.isdecimal() and self.counts(int(number))  # a log may name anything

    def counts(self, number: int) -> bool:
        """Return whether a controller or key of this number concerns the curve."""
        return True


ANY_DEVICE = Text(empty=True)


@operator
class Cc(FromDevice):
    """A MIDI controller, 0 to 1; its first value is reached in a third of a second, not at once.

    Parameters
    ----------
    n : int
        Its number, 0 to 127.
    channel : int or None
        1 to 16; None is any.
    device : str
        A part of the device's name; empty is any.
    start : float
        The value until it moves, 0 to 1.

    Example
    -------
    >>> cc(1).range(200, 2000).at([0])
    array([200.])
    """

    kind, numbered, first_slew = "cc", True, FIRST_SLEW
    n: int = declared(Whole(most=127))
    channel: int | None = declared(CHANNEL, default=None)
    device: str = declared(ANY_DEVICE, default="")
    start: float = declared(SHARE, default=0.0)

    def counts(self, number: int) -> bool:
        return number == self.n


@operator
class Bend(FromDevice):
    """A MIDI pitch bend, -1 to 1.

    Example
    -------
    >>> bend().range(-2, 2).at([0])
    array([-2.])
    """

    kind = "bend"
    channel: int | None = declared(CHANNEL, default=None)
    device: str = declared(ANY_DEVICE, default="")
    start: float = declared(Number(least=-1.0, most=1.0), default=0.0)


@operator
class Touch(FromDevice):
    """MIDI pressure on the keys, 0 to 1.

    Example
    -------
    >>> touch().at([0])
    array([0.])
    """

    kind, first_slew = "touch", FIRST_SLEW
    channel: int | None = declared(CHANNEL, default=None)
    device: str = declared(ANY_DEVICE, default="")
    start: float = declared(SHARE, default=0.0)


class OfKeys(FromDevice):
    """A curve of MIDI keys: their values are velocities, 0 when a key is let go."""

    kind, numbered = "note", True


@operator
class Gate(OfKeys):
    """1 while a key from `low` to `high` (0 to 127) is down, 0 otherwise.

    Example
    -------
    >>> gate().at([0])
    array([0.])
    """

    low: int = declared(Whole(most=127), default=0)
    high: int = declared(Whole(most=127), default=127)
    channel: int | None = declared(CHANNEL, default=None)
    device: str = declared(ANY_DEVICE, default="")
    start: float = declared(SHARE, default=0.0)

    def counts(self, number: int) -> bool:
        return self.low <= number <= self.high

    def ear(self) -> Ear:
        down: set[str] = set()

        def heard(source: str, value: float) -> float:
            (down.add if value > 0.0 else down.discard)(source)
            return float(bool(down))

        return heard


@operator
class Key(OfKeys):
    """The key that was pressed last, in semitones from middle C.

    Example
    -------
    >>> key().at([0])
    array([0.])
    """

    channel: int | None = declared(CHANNEL, default=None)
    device: str = declared(ANY_DEVICE, default="")
    start: float = declared(Number("semitones", least=-60.0, most=67.0), default=0.0)

    def ear(self) -> Ear:
        return lambda source, value: float(int(source.split(":")[1]) - KEY) if value else None


@operator
class Velocity(OfKeys):
    """How hard the last key was pressed, 0 to 1.

    Example
    -------
    >>> velocity(start=0.7).at([0])
    array([0.7])
    """

    channel: int | None = declared(CHANNEL, default=None)
    device: str = declared(ANY_DEVICE, default="")
    start: float = declared(SHARE, default=0.0)

    def ear(self) -> Ear:
        return lambda source, value: value or None


class Address(Kind):
    """The address of OSC messages, such as ``/wrist/x``; a name of Tidal's controls has no /."""

    def coerce(self, value: object, place: str) -> str:
        """Return the value; refuse what no message can be sent to."""
        if not isinstance(value, str) or not value.strip() or len(value) > 100 or " " in value:
            raise ExpressionError(
                f"{place} is an address such as '/wrist/x', of at most 100 letters, "
                f"got {shown(value)}"
            )
        return normal(value)


@operator
class Osc(Live):
    """A number of OSC messages, as it was sent.

    Parameters
    ----------
    path : str
        The address, such as ``/wrist/x``; of Tidal's ``/ctrl NAME VALUE`` the name.
    index : int
        Which of a message's values, from 0 on.
    start : float
        The value until a message comes.

    Example
    -------
    >>> osc("/wrist/x", start=0.2).at([0])
    array([0.2])
    """

    path: str = declared(Address())
    index: int = declared(Whole(most=99), default=0)
    start: float = number(default=0.0)

    def hears(self, source: str) -> bool:
        return source == f"osc:{self.path}:{self.index}"
