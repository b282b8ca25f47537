"""Who moves the player: a device's callback, a resampler ahead of it, or the wall clock.

One of them at a time, the one that holds the baton. A callback only tries for it and plays
silence as long as another has it; it never waits.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from latentlive.engine.output.player import Player, spread
from latentlive.engine.shared import (
    CALLS,
    HEARTBEAT,
    PANIC,
    PANIC_DONE,
    POSITION,
    UNDERFLOWS,
)
from latentlive.engine.timing import DEVICE_LATE, FIRST_PATIENCE, LONGEST_LATE, RESAMPLED_AHEAD

F32 = NDArray[np.float32]


class Clock:
    """Keeps time at the pace of the wall clock while no device does.

    Parameters
    ----------
    player : Player
    rate : int [samples per second]
    frames : int
        Samples of a block.
    due : float [seconds of time.monotonic], optional
        When the next block was due, if another process was to play it: the clock catches up.
    """

    def __init__(self, player: Player, rate: int, frames: int, due: float | None = None) -> None:
        self.player, self.rate, self.frames = player, rate, frames
        now = time.monotonic()
        self._baton = threading.Lock()
        self._due = now if due is None else max(due, now - LONGEST_LATE)
        self._free_from = now + FIRST_PATIENCE
        self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take(self, wait: bool = False) -> bool:
        """Take the baton from the clock; return whether it was to be had."""
        return self._baton.acquire(blocking=wait)

    def give(self, due: float) -> None:
        """Give the baton back; the clock goes on at a moment of `time.monotonic`."""
        self._due = due
        self._baton.release()

    def allow(self) -> None:
        """Let time begin without a device."""
        self._free_from = 0.0

    def close(self) -> None:
        """End time, once the baton is back: nothing moves the player any more."""
        self._closed = True
        self._thread.join()

    def _run(self) -> None:
        out = np.empty((self.frames, self.player.shared.channels), np.float32)
        header = self.player.shared.header
        while not self._closed:
            with self._baton:
                now = time.monotonic()
                if now < self._free_from and not header[POSITION]:
                    header[HEARTBEAT] += 1
                    self._due = now + self.frames / self.rate
                while self._due <= now:
                    self.player.fill(out)
                    self._due += self.frames / self.rate
                due = self._due
            time.sleep(max(due - time.monotonic(), 0.001))


class Feed(Protocol):
    """What stands between the player and an open device."""

    driving: bool

    def fill(self, out: F32, underflow: bool) -> None:
        """Write the next samples of the device [shape=(n, device channels)]."""

    def watch(self) -> None:
        """Let the clock go on if the device has not called for too long; it may call again."""

    def stop(self, due: float) -> None:
        """Give the baton back, after the last call of `fill`."""


class Direct:
    """A device at the model's rate: its callback fills from the player.

    Parameters
    ----------
    clock : Clock
    latency : float [seconds]
        What the device queues: time is not late before that has passed.
    """

    def __init__(self, clock: Clock, latency: float) -> None:
        self.clock, self.latency = clock, latency
        self.driving = self._inside = False
        self._called = 0.0

    def fill(self, out: F32, underflow: bool) -> None:
        """Write the next samples of the device [shape=(n, device channels)]."""
        header = self.clock.player.shared.header
        header[CALLS] += 1
        self._inside, self._called = True, time.monotonic()
        if not self.driving and self.clock.take():
            self.driving = True  # never set to False here: `watch` may be about to
        if self.driving:
            header[UNDERFLOWS] += underflow
            self.clock.player.fill(out)
        else:
            out[:] = 0.0
        self._inside = False

    def watch(self) -> None:
        """Let the clock go on if the device has not called for too long; it may call again."""
        due = self._called + self.latency
        if not self.driving or time.monotonic() < due + DEVICE_LATE:
            return
        self.driving = False  # said first, then looked: a callback looks the other way round
        if self._inside:
            self.driving = True
        else:
            self.clock.give(due)

    def stop(self, due: float) -> None:
        """Give the baton back, after the last call of `fill`."""
        if self.driving:
            self.driving = False
            self.clock.give(due)


class Resampled:
    """A device at another rate: a thread fills and resamples ahead, the callback copies.

    The ring between them has one writer and one reader, each with a counter of its own.

    Parameters
    ----------
    clock : Clock
    rate : int [samples per second]
        The device's.
    latency : float [seconds]
        The ring holds so much and 100 ms, for devices that ask in bursts.
    """

    def __init__(self, clock: Clock, rate: int, latency: float) -> None:
        import soxr

        self.clock, self.driving, self.latency = clock, False, latency
        self._shared = clock.player.shared
        self._stream = soxr.ResampleStream(clock.rate, rate, self._shared.channels, "float32", "HQ")
        self._enough = round(rate * (latency + RESAMPLED_AHEAD))
        chunk = round(2 * clock.frames * rate / clock.rate) + 4096
        self._ring = np.zeros((self._enough + chunk, self._shared.channels), np.float32)
        self._written = self._read = 0
        self._silenced = clock.player.panics
        self._called = 0.0
        self._stopped = self._holding = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def ahead(self) -> int:
        """Samples that are resampled and not heard yet."""
        return self._written - self._read

    def fill(self, out: F32, underflow: bool) -> None:
        """Write the next samples of the device [shape=(n, device channels)]."""
        header = self._shared.header
        header[CALLS] += 1
        self._called = time.monotonic()
        out[:] = 0.0
        if not self.driving:
            return
        have = min(self.ahead, len(out))
        header[UNDERFLOWS] += underflow or have < len(out)
        done, asked = int(header[PANIC_DONE]), int(header[PANIC])
        if asked == self._silenced == done:
            at = self._read % len(self._ring)
            head = min(have, len(self._ring) - at)
            spread(self._ring[at : at + head], out[:head])
            spread(self._ring[: have - head], out[head:have])
        self._read += have

    def watch(self) -> None:
        """Nothing: the thread that fills ahead watches too."""

    def stop(self, due: float) -> None:
        """Give the baton back, after the last call of `fill`."""
        self._stopped = True
        self._thread.join()
        if self._holding:
            self._holding = False
            self.clock.give(due)

    def _run(self) -> None:
        out = np.empty((self.clock.frames, self._shared.channels), np.float32)
        while not self._stopped:
            due = self._called + self.latency
            late = time.monotonic() >= due + DEVICE_LATE
            if self._holding and late:
                self.driving = self._holding = False
                self.clock.give(due)
            elif not late and not self._holding:
                self._holding = self.clock.take(wait=True)
            elif self._holding and self.ahead < self._enough:
                self._fill_ahead(out)
                continue
            self.driving = self._holding
            time.sleep(0.002)

    def _fill_ahead(self, out: F32) -> None:
        self.clock.player.fill(out)
        if self.clock.player.panics != self._silenced:
            # What was resampled and not heard yet is not to be heard.
            self._stream.clear()
            self._ring[:] = 0.0
            self._silenced = self.clock.player.panics
        self._push(self._stream.resample_chunk(out))

    def _push(self, samples: F32) -> None:
        at = self._written % len(self._ring)
        head = min(len(samples), len(self._ring) - at)
        self._ring[at : at + head] = samples[:head]
        self._ring[: len(samples) - head] = samples[head:]
        self._written += len(samples)
