"""What the device is given: the mix of the shared block at its position, nothing else.

It copies and counts. It never raises, waits, or looks at a message.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from latentlive.engine.block import (
    BUSY_MAX_NS,
    BUSY_NS,
    CLOSING,
    HEARTBEAT,
    MISSING,
    PANIC,
    POINTS,
    POSITION,
    RING,
    RUNNING,
    Block,
)
from latentlive.limiter import AHEAD, MEMORY, REACH, allowed, gains, limited
from latentlive.mixer import GRID, grid_ceil, grid_floor, mix


class Player:
    """Fills output blocks of any size from the shared block.

    Parameters
    ----------
    block : Block
    """

    def __init__(self, block: Block) -> None:
        self.block = block
        self.closed = False
        self._panics = int(block.header[PANIC])
        self._low = self._high = 0
        self._mixed = np.empty((0, 2), np.float32)
        self._allows = np.empty(0, np.float32)

    def fill(self, out: NDArray[np.float32]) -> None:
        """Write the next samples into `out` [shape=(n, 2)] and move the position on."""
        begun = time.perf_counter_ns()
        header = self.block.header
        header[HEARTBEAT] += 1
        if not header[RUNNING] or self.closed:
            out[:] = 0.0
            return
        position = int(header[POSITION])
        stop = position + len(out)
        if header[PANIC] != self._panics:
            self._panics = int(header[PANIC])
            self._mixed[:] = 0.0  # what was mixed ahead is not heard either
        heard = self.heard(position, stop)
        if header[CLOSING]:
            heard *= np.linspace(1.0, 0.0, len(out), dtype=np.float32)[:, None]
            self.closed = True
        out[:] = heard
        self.block.tap[np.arange(position, stop) % RING] = heard
        header[POSITION] = stop
        busy = time.perf_counter_ns() - begun
        header[BUSY_NS] += busy
        header[BUSY_MAX_NS] = max(int(header[BUSY_MAX_NS]), busy)

    def heard(self, position: int, stop: int) -> NDArray[np.float32]:
        """Return the limited mix from one global position to another [shape=(n, 2)]."""
        first, last = grid_floor(position) // GRID, grid_ceil(stop) // GRID
        self._mix_until(first - MEMORY - 1, last + AHEAD + 1)
        start = first - MEMORY - (self._low + 1)
        points = gains(self._allows[start : start + last - first + MEMORY + AHEAD])
        mixed = self._mixed[(first - self._low) * GRID : (last - self._low) * GRID]
        out = np.clip(limited(mixed, points), -1.0, 1.0)
        return out[position - first * GRID : stop - first * GRID]

    def _mix_until(self, low: int, high: int) -> None:
        """Hold the mix of cells `low` to `high`, and what its peaks allow but for the ends.

        A cell is mixed once, as far ahead of being heard as the limiter looks.
        """
        if not self._low <= low <= self._high:
            self._low = self._high = low
            self._mixed, self._allows = self._mixed[:0], self._allows[:0]
        if high > self._high:
            known = self._high - self._low
            fresh = self._voices(self._high, high)
            self._mixed = np.concatenate([self._mixed, fresh])
            begin = max(known - 1, 1) * GRID  # the first cell that had no neighbour ahead yet
            context = self._mixed[begin - REACH : len(self._mixed) - GRID + REACH]
            self._allows = np.concatenate([self._allows, allowed(context)])
            self._high = high
        gone = low - self._low
        self._mixed, self._allows = self._mixed[gone * GRID :], self._allows[gone:]
        self._low = low

    def _voices(self, first: int, last: int) -> NDArray[np.float32]:
        """Return the mix of all voices over some cells [shape=((last - first) * 64, 2)]."""
        voices = np.flatnonzero(self.block.active)
        places = np.arange(first * GRID, last * GRID)
        audio = self.block.audio[voices[:, None], places % RING]
        points = np.arange(first, last + 1) % POINTS
        levels = self.block.gains[:, voices[:, None], points]
        for row, voice in enumerate(voices):
            since, until = self.block.ready[voice]
            if since > places[0] or until <= places[-1]:
                absent = (places < since) | (places >= until)
                audio[row, absent] = 0.0
                audible = np.repeat(np.abs(levels[:, row, :-1]).max(axis=0) > 0.0, GRID)
                new = places >= self.block.header[POSITION]
                self.block.header[MISSING] += int(np.count_nonzero(absent & audible & new))
        return mix(audio, levels)
