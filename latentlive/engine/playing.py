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
    POINTS,
    POSITION,
    RING,
    RUNNING,
    Block,
)
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
        """Return the mix from one global position to another [shape=(n, 2)]."""
        first, last = grid_floor(position), grid_ceil(stop)
        voices = np.flatnonzero(self.block.active)
        places = np.arange(first, last)
        audio = self.block.audio[voices[:, None], places % RING]
        points = np.arange(first // GRID, last // GRID + 1) % POINTS
        gains = self.block.gains[:, voices[:, None], points]
        for row, voice in enumerate(voices):
            since, until = self.block.ready[voice]
            if since > first or until < last:
                absent = (places < since) | (places >= until)
                audio[row, absent] = 0.0
                audible = np.repeat(np.abs(gains[:, row, :-1]).max(axis=0) > 0.0, GRID)
                self.block.header[MISSING] += int(np.count_nonzero(absent & audible))
        mixed = mix(audio, gains)
        np.clip(mixed, -1.0, 1.0, out=mixed)
        return mixed[position - first : stop - first]
