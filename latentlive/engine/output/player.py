"""The player: it gives the device the mix of the rings at the position, nothing else.

It copies and counts. It never raises, waits, or looks at a message.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from latentlive.engine.output.ringmix import RingMix
from latentlive.engine.shared import (
    BUSY_MAX_NS,
    CLOSING,
    CUT,
    FILLED,
    HEARTBEAT,
    PANIC,
    PANIC_AT,
    PANIC_DONE,
    POSITION,
    RUNNING,
    TICKS,
    Shared,
    duration_bin,
)
from latentlive.engine.timing import AWAY
from latentlive.ground.system import fence
from latentlive.limiter import AHEAD, MEMORY, REACH, allowed, gains, limited
from latentlive.mixer import GRID, grid_ceil, grid_floor

Ints = NDArray[np.int64]


class Player:
    """Fills output blocks of any size from the shared memory.

    Each pair of channels is mixed and limited by itself; a pair without voices costs nothing.

    Parameters
    ----------
    shared : Shared
    """

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.closed = False
        self.panics = int(shared.header[PANIC])
        self._ticks, self._ticked = 0, 0
        self._buses = [Bus(shared) for _ in range(shared.channels // 2)]

    def fill(self, out: NDArray[np.float32]) -> None:
        """Write the next samples into `out` and move the position on.

        Parameters
        ----------
        out : array [shape=(n, device channels)]
            One channel takes the middle of the first pair; channels that the mix does not have
            are silent.
        """
        cut = int(self.shared.header[CUT]) - int(self.shared.header[POSITION])
        if 0 < cut < len(out):
            self._fill(out[:cut])
            self._fill(out[cut:])
        else:
            self._fill(out)

    def _fill(self, out: NDArray[np.float32]) -> None:
        begun = time.perf_counter_ns()
        header = self.shared.header
        header[HEARTBEAT] += 1
        position = int(header[POSITION])
        panicking = self._panicking(position)
        if not header[RUNNING] or self.closed:
            out[:] = 0.0
            return
        stop = position + len(out)
        heard = np.zeros((len(out), self.shared.channels), np.float32)
        if panicking:
            for bus in self._buses:
                bus.silence(stop // GRID)
        else:
            self._mix(heard, position, stop, self._away(begun))
        if header[CLOSING]:
            heard *= np.linspace(1.0, 0.0, len(out), dtype=np.float32)[:, None]
            self.closed = True
        spread(heard, out)
        self.shared.write_tap(position, heard)
        header[FILLED] = time.monotonic_ns()
        fence()
        header[POSITION] = stop
        busy = time.perf_counter_ns() - begun
        header[BUSY_MAX_NS] = max(int(header[BUSY_MAX_NS]), busy)
        self.shared.durations[duration_bin(busy)] += 1

    def _panicking(self, position: int) -> bool:
        """Return whether a panic silences this block, and note where that began."""
        header = self.shared.header
        done = int(header[PANIC_DONE])  # read first: a panic that is done was asked for before
        asked = int(header[PANIC])
        new = asked != self.panics
        if new:
            self.panics = asked
            header[PANIC_AT] = position
        cut = int(header[CUT])
        return new or asked != done or 0 < cut <= position

    def _away(self, now: int) -> bool:
        """Return whether the engine's loop has stood still for a while [now in nanoseconds]."""
        ticks = int(self.shared.header[TICKS])
        if ticks != self._ticks:
            self._ticks, self._ticked = ticks, now
        return ticks > 0 and now - self._ticked > AWAY * 1e9

    def _mix(self, heard: NDArray[np.float32], position: int, stop: int, away: bool) -> None:
        active = np.flatnonzero(self.shared.active)
        # Sums come in the order that the engine gave, whichever rings the voices have.
        active = active[np.argsort(self.shared.active[active])]
        if len(self._buses) == 1:
            self._buses[0].add(heard, position, stop, active, away)
            return
        places = self.shared.pair[active]
        for number, bus in enumerate(self._buses):
            out = heard[:, 2 * number : 2 * number + 2]
            bus.add(out, position, stop, active[places == number], away)


class Bus:
    """A pair of output channels: what is mixed ahead of being heard, and its limiter.

    Parameters
    ----------
    shared : Shared
    """

    def __init__(self, shared: Shared) -> None:
        self._mix = RingMix(shared)
        self._low = self._high = self._last = 0
        self._mixed = np.empty((0, 2), np.float32)
        self._allows = np.empty(0, np.float32)

    def silence(self, step: int) -> None:
        """Drop what is mixed; everything before a step of the grid was silent."""
        self._low, self._high = step - MEMORY - 1, step
        self._mixed = np.zeros(((MEMORY + 1) * GRID, 2), np.float32)
        self._allows = np.ones(MEMORY - 1, np.float32)  # the ends have no neighbour yet
        self._last = self._low
        self._mix.tell_holes()

    def add(
        self, out: NDArray[np.float32], position: int, stop: int, rings: Ints, away: bool
    ) -> None:
        """Write the limited mix of some rings into `out` [shape=(n, 2)], zeros so far.

        While the engine is `away`, each voice closes where its ring ends.
        """
        first, last = grid_floor(position) // GRID, grid_ceil(stop) // GRID
        low = first - MEMORY - 1
        if not len(rings) and self._last <= low:
            return
        self._mix_until(low, last + AHEAD + 1, rings, position, away)
        start = first - MEMORY - (self._low + 1)
        allows = self._allows[start : start + last - first + MEMORY + AHEAD]
        mixed = self._mixed[(first - self._low) * GRID : (last - self._low) * GRID]
        if float(allows.min()) < 1.0:
            mixed = limited(mixed, gains(allows))
        np.clip(mixed[position - first * GRID : stop - first * GRID], -1.0, 1.0, out=out)

    def _mix_until(self, low: int, high: int, rings: Ints, position: int, away: bool) -> None:
        """Hold the mix of steps `low` to `high`, and what its peaks allow but for the ends.

        A step is mixed once, as far ahead of being heard as the limiter looks.
        """
        if not self._low <= low <= self._high:
            self._low = self._high = low
            self._mixed, self._allows = self._mixed[:0], self._allows[:0]
        if high > self._high:
            known = self._high - self._low
            fresh = self._mix.mix(rings, self._high, high, position, away)
            self._mixed = np.concatenate([self._mixed, fresh])
            begin = max(known - 1, 1) * GRID  # the first step that had no neighbour ahead yet
            context = self._mixed[begin - REACH : len(self._mixed) - GRID + REACH]
            self._allows = np.concatenate([self._allows, allowed(context)])
            self._high = high
            if len(rings):
                self._last = high
        gone = low - self._low
        self._mixed, self._allows = self._mixed[gone * GRID :], self._allows[gone:]
        self._low = low


def spread(heard: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Give a mix to a device that may have other channels.

    Parameters
    ----------
    heard : array [shape=(n, channels)]
    out : array [shape=(n, device channels)]
    """
    have, want = heard.shape[1], out.shape[1]
    if want == 1:
        np.multiply(heard[:, 0] + heard[:, 1], 0.5, out=out[:, 0])
    else:
        out[:, :have] = heard[:, :want]
        out[:, have:] = 0.0
