"""MIDI clock that goes out: pulses at their times, from a thread of its own."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence

from latentlive.engine.inputs.follower import (
    CONTINUE,
    PER_SIXTEENTH,
    POSITION,
    PULSE,
    START,
    STOP,
)
from latentlive.engine.inputs.lock import PER_BEAT
from latentlive.engine.inputs.throttle import SECOND
from latentlive.protocol.wire import Message

Send = Callable[[str, Sequence[int]], bool]

LONGEST_POSITION = 2**14
"""Sixteenths after which a song position begins again: 1024 bars of four beats."""

JUMP = PER_BEAT
"""Pulses that are made up for, or waited for; if it is more, the song goes on elsewhere."""


class Song:
    """A device that gets pulses.

    Parameters
    ----------
    now : int [ns]
    message : dict
        ``bpm`` and the ``beat`` at ``time_ns``.
    """

    def __init__(self, message: Message, now: int) -> None:
        self.tell(message)
        self.going = False
        self._locate(now)

    def tell(self, message: Message) -> None:
        """Take another tempo, or another beat at a time."""
        bpm, beat, at = float(message["bpm"]), float(message["beat"]), int(message["time_ns"])
        if not (0.0 < bpm < 1000.0 and math.isfinite(beat)):
            raise ValueError(f"midi: no clock at {bpm} bpm, beat {beat}")
        self._pulses_a_ns, self._beat, self._at = bpm * PER_BEAT / (60 * SECOND), beat, at

    def _locate(self, now: int) -> None:
        """Make the pulse that is nearest to this moment the next one."""
        self._next = round(self._pulse_at(now))

    def _pulse_at(self, now: int) -> float:
        return self._beat * PER_BEAT + (now - self._at) * self._pulses_a_ns

    def due(self) -> int:
        """Return when the next pulse is due [ns]."""
        return self._at + round((self._next - self._beat * PER_BEAT) / self._pulses_a_ns)

    def orders(self, now: int) -> list[tuple[int, ...]]:
        """Return the messages that are due: a pulse, and what has to stand before it.

        A device starts with the first beat, or else goes on at the next sixteenth, which is told
        as its song position: programs understand that, and a drum machine that does not is in
        time all the same.
        """
        if abs(self._pulse_at(now) - self._next) > JUMP:
            self._locate(now)
            if self.going:
                self.going = False
                return [(STOP,)]
            return []
        if now < self.due():
            return []
        begun = self._begin()
        self._next += 1
        # The order stands well before its pulse: a device needs a moment to get ready.
        return [*begun, (PULSE,), *self._begin()]

    def _begin(self) -> list[tuple[int, ...]]:
        """Return what starts the device with the next pulse, if it is one to start with."""
        if self.going or self._next < 0 or self._next % PER_SIXTEENTH:
            return []
        self.going = True
        if self._next == 0:
            return [(START,)]
        place = self._next // PER_SIXTEENTH % LONGEST_POSITION
        return [(POSITION, place % 128, place // 128), (CONTINUE,)]


class Metronome:
    """Sends MIDI clock to devices.

    Parameters
    ----------
    send : function
        Sends a message to a device; returns whether the device is there.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._songs: dict[str, Song] = {}
        self._changed = threading.Condition()

    def tell(self, message: Message) -> None:
        """Take the engine's message about a device's clock.

        Parameters
        ----------
        message : dict
            ``device`` and ``running``; if it runs, ``bpm`` and the ``beat`` at ``time_ns``.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is not such a message.
        """
        device = message["device"]
        with self._changed:
            if not message["running"]:
                if self._songs.pop(device, None):
                    self._send(device, (STOP,))
            elif device in self._songs:
                self._songs[device].tell(message)
            else:
                self._songs[device] = Song(message, time.monotonic_ns())
            self._changed.notify()

    def devices(self) -> list[str]:
        """Return the devices that get pulses."""
        with self._changed:
            return list(self._songs)

    def stop(self) -> None:
        """Stop every device."""
        for device in self.devices():
            self.tell({"device": device, "running": False})

    def run(self) -> None:
        """Send what is due, forever."""
        with self._changed:
            while True:
                now = time.monotonic_ns()
                for device, song in self._songs.items():
                    for order in song.orders(now):
                        if not self._send(device, order):
                            song.going = False  # when it is back it starts again
                due = min((song.due() for song in self._songs.values()), default=None)
                pause = None if due is None else max(due - time.monotonic_ns(), 0) / SECOND
                self._changed.wait(pause)
