"""MIDI messages of a device, as values of sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from latentlive.protocol.wire import Message

NOTE_OFF, NOTE_ON, CONTROL, PRESSURE, BEND = 0x8, 0x9, 0xB, 0xD, 0xE
LENGTHS = {NOTE_OFF: 3, NOTE_ON: 3, CONTROL: 3, PRESSURE: 2, BEND: 3}
"""Bytes of the messages that are read, by the upper half of their first byte."""

COARSE = 32
"""Controllers below it may have a fine half, whose number is so much larger."""

FIRST_MODE = 120
"""From here on controllers stand for orders to a synthesizer, not for knobs."""

ALL_OFF = (120, 123)

TOGETHER = 10_000_000
"""Nanoseconds from the coarse half of a value to its fine half, at most."""

CENTRE = 8192


@dataclass(frozen=True)
class Event:
    """A value that has arrived.

    Parameters
    ----------
    source : str
        "cc:NUMBER:CHANNEL:DEVICE", "note:NUMBER:CHANNEL:DEVICE", "bend:CHANNEL:DEVICE" or
        "touch:CHANNEL:DEVICE".
    value : float
        In 0..1; a bend in -1..1.
    by : str
        The same for people: "cc 74 ch 1 nanoKONTROL2".
    """

    source: str
    value: float
    by: str

    @property
    def counts(self) -> bool:
        """Whether it counts even if another one follows at once: it is a note."""
        return self.source.startswith("note:")


class Relative:
    """Knobs that turn without an end, and tell of their steps only."""

    def __init__(self) -> None:
        self._knobs: dict[str, tuple[str, float]] = {}

    def tell(self, message: Message) -> None:
        """Take what the engine says of a knob.

        Parameters
        ----------
        message : dict
            ``source``, ``mode`` ("twos": 1..63 up, 127..64 down; "offset": 64 is no step; "off":
            it has ends after all) and
            perhaps ``start``, the value to begin at [0..1]; by default it stays where it is, or
            begins in the middle.
        """
        source = message["source"]
        if message["mode"] == "off":
            self._knobs.pop(source, None)
            return
        _, held = self._knobs.get(source, ("", 0.5))
        self._knobs[source] = (message["mode"], _clip(float(message.get("start", held))))

    def turn(self, source: str, data: int) -> float | None:
        """Return a knob's new value; None for one that is not relative."""
        if source not in self._knobs:
            return None
        mode, value = self._knobs[source]
        steps = data - 64 if mode == "offset" else (data + 64) % 128 - 64
        value = _clip(value + steps / 127)
        self._knobs[source] = (mode, value)
        return value


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)


class Device:
    """Reads what a device sends.

    Parameters
    ----------
    name : str
    relative : Relative
        The knobs of all devices that turn without an end.
    """

    def __init__(self, name: str, relative: Relative) -> None:
        self._name, self._relative = name, relative
        self._pressed: set[tuple[int, int]] = set()
        self._coarse: dict[tuple[int, int], int] = {}
        self._fine: set[tuple[int, int]] = set()
        self._awaited: set[tuple[int, int]] = set()
        self._before = (0, 0, -TOGETHER)

    def events(self, message: Sequence[int], now: int) -> Iterator[Event]:
        """Yield what a message says; nothing for one that is not for us.

        Parameters
        ----------
        message : bytes or list of int
        now : int [ns]
            When it arrived.
        """
        kind, channel = (message[0] >> 4, (message[0] & 15) + 1) if message else (0, 0)
        if len(message) != LENGTHS.get(kind) or any(byte > 127 for byte in message[1:]):
            return
        if kind == CONTROL:
            yield from self._control(channel, message[1], message[2], now)
        elif kind == PRESSURE:
            yield self._event("touch", channel, message[1] / 127)
        elif kind == BEND:
            bent = message[1] + 128 * message[2] - CENTRE
            yield self._event("bend", channel, bent / (CENTRE if bent < 0 else CENTRE - 1))
        else:
            yield self._note(channel, message[1], message[2] if kind == NOTE_ON else 0)

    def release(self, channel: int = 0) -> Iterator[Event]:
        """Yield the ends of the notes that are held, of one channel or of all."""
        for held, number in sorted(self._pressed):
            if channel in (0, held):
                yield self._note(held, number, 0)

    def _note(self, channel: int, number: int, velocity: int) -> Event:
        if velocity:
            self._pressed.add((channel, number))
        else:
            self._pressed.discard((channel, number))
        return self._event("note", channel, velocity / 127, number)

    def _control(self, channel: int, number: int, data: int, now: int) -> Iterator[Event]:
        if number >= FIRST_MODE:
            if number in ALL_OFF:
                yield from self.release(channel)
            return
        before, self._before = self._before, (channel, number, now)
        turned = self._relative.turn(f"cc:{number}:{channel}:{self._name}", data)
        if turned is not None:
            yield self._event("cc", channel, turned, number)
            return
        if number < COARSE:
            key = (channel, number)
            if key in self._awaited:  # the last one had no fine half: it has none after all
                self._fine.discard(key)
                self._awaited.discard(key)
            self._coarse[key] = data
            if key in self._fine:
                self._awaited.add(key)
                return
        elif number < 2 * COARSE:
            # Many controllers have buttons with these numbers: what is a fine half follows its
            # coarse one at once, the first time.
            key = (channel, number - COARSE)
            if before[:2] == key and now - before[2] <= TOGETHER:
                self._fine.add(key)
            if key in self._fine:
                self._awaited.discard(key)
                value = (128 * self._coarse[key] + data) / (2**14 - 1)
                yield self._event("cc", channel, value, number - COARSE)
                return
        yield self._event("cc", channel, data / 127, number)

    def _event(self, kind: str, channel: int, value: float, number: int | None = None) -> Event:
        which = "" if number is None else f"{number}:"
        known = "" if number is None else f" {number}"
        return Event(
            f"{kind}:{which}{channel}:{self._name}",
            value,
            f"{kind}{known} ch {channel} {self._name}",
        )
