"""MIDI clock that comes in: where a device is in its song, and how fast."""

from __future__ import annotations

from collections.abc import Sequence

from latentlive.engine.inputs.lock import PER_BEAT, SILENT, Lock
from latentlive.engine.inputs.throttle import NEVER, SECOND
from latentlive.protocol.wire import Message

PULSE, START, CONTINUE, STOP, POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
PER_SIXTEENTH = PER_BEAT // 4
"""Pulses in a step of the song position."""

GAP = SECOND // 10
"""Nanoseconds between two messages."""

LONGEST_SILENCE = int(SILENT * SECOND)

FOREVER = 2**62
"""A time that never comes [ns]."""


class Follower:
    """Follows the clock of one device.

    Parameters
    ----------
    name : str
        Of the device.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = Lock()
        self._running = False
        self._pulse = self._next = self._count = 0
        self._bpm = 0.0
        self._heard = self._told = NEVER
        self._changed = False

    def hear(self, message: Sequence[int], now: int) -> None:
        """Take a message of the device.

        Parameters
        ----------
        message : bytes or list of int
            One that has nothing to do with clocks is left alone.
        now : int [ns]
            When it arrived.
        """
        kind = message[0] if message else 0
        if kind == PULSE:
            self._lock.pulse(now / SECOND)
            self._bpm = self._lock.bpm or self._bpm
            self._heard, self._count = now, self._count + 1
            if self._running:
                self._pulse, self._next = self._next, self._next + 1
        elif kind == START:
            self._running, self._pulse, self._next = True, -1, 0  # the pulse that follows is 0
        elif kind == CONTINUE:
            self._running, self._pulse = True, self._next - 1
        elif kind == STOP:
            self._running = False
        elif kind == POSITION and len(message) == 3:
            self._pulse = self._next = PER_SIXTEENTH * (message[1] + 128 * message[2])
        else:
            return
        self._changed = True

    def lose(self) -> None:
        """Take note that the device is gone."""
        if self._running or self._lock.locked:
            self._lock.release()
            self._running, self._changed = False, True

    def due(self) -> int:
        """Return when there is something to tell if nothing more arrives [ns]."""
        if self._changed:
            return self._told + GAP
        return self._heard + LONGEST_SILENCE if self._lock.locked else FOREVER

    def message(self, now: int) -> Message | None:
        """Return what is to be told of this clock, None if it is nothing, or too soon.

        It tells the ``beat`` of the song, which stands still while the song does, and the beats
        ``counted`` in pulses, which go on.

        Parameters
        ----------
        now : int [ns]
        """
        if self._lock.locked and now >= self._heard + LONGEST_SILENCE:
            self._lock.release()
            self._changed = True
        if not self._changed or now < self._told + GAP:
            return None
        self._changed, self._told = False, now
        return {
            "op": "clock",
            "device": self._name,
            "bpm": self._bpm,
            "beat": self._pulse / PER_BEAT,
            "counted": self._count / PER_BEAT,
            "time_ns": round(self._lock.time * SECOND) or now,
            "locked": self._lock.locked,
            "running": self._running,
        }
