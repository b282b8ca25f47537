"""The shared block between engine, worker and audio process: rings indexed by global position.

A writer writes data first and publishes it after, so a torn write is never heard. One process
writes each part: the worker audio and its ready range, the engine gains and flags, the audio
process position, counters and tap.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentlive.mixer import GRID
from latentlive.units import Samples

VOICES = 64
RING = 1 << 17
POINTS = RING // GRID

_HEADER = 16
_SIZES = {
    "header": (np.int64, (_HEADER,)),
    "active": (np.int64, (VOICES,)),
    "ready": (np.int64, (VOICES, 2)),
    "gains": (np.float32, (2, VOICES, POINTS)),
    "audio": (np.float32, (VOICES, RING)),
    "tap": (np.float32, (RING, 2)),
}
POSITION, RUNNING, CLOSING, MISSING, UNDERFLOWS, HEARTBEAT, BUSY_NS, BUSY_MAX_NS, PANIC = range(9)


def _bytes() -> int:
    return sum(int(np.prod(shape)) * np.dtype(kind).itemsize for kind, shape in _SIZES.values())


@dataclass
class Block:
    """The mapped block.

    Parameters
    ----------
    fd : int
        The descriptor to hand to child processes.
    header : array [shape=(16,), int64]
    active : array [shape=(voices,), int64]
        1 where the audio process mixes a voice.
    ready : array [shape=(voices, 2), int64]
        First and one past the last position that a voice's ring holds.
    gains : array [shape=(2, voices, points)]
        Left and right gain at each grid point, a ring.
    audio : array [shape=(voices, RING)]
    tap : array [shape=(RING, 2)]
        What was heard, a ring.
    """

    fd: int
    header: NDArray[np.int64]
    active: NDArray[np.int64]
    ready: NDArray[np.int64]
    gains: NDArray[np.float32]
    audio: NDArray[np.float32]
    tap: NDArray[np.float32]

    @classmethod
    def create(cls) -> Block:
        """Return a new block; it vanishes with the last process that holds it."""
        if hasattr(os, "memfd_create"):
            fd = os.memfd_create("latentlive")
        else:
            fd, path = tempfile.mkstemp(prefix="latentlive-")
            os.unlink(path)
        # Reserved now: a full memory file system answers here, not as a bus error on stage.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(fd, 0, _bytes())
        else:
            os.ftruncate(fd, _bytes())
        return cls.attach(fd)

    @classmethod
    def attach(cls, fd: int) -> Block:
        """Map a block that another process created."""
        memory = mmap.mmap(fd, _bytes())
        parts, offset = {}, 0
        for name, (kind, shape) in _SIZES.items():
            count = int(np.prod(shape))
            parts[name] = np.frombuffer(memory, kind, count, offset).reshape(shape)
            offset += count * np.dtype(kind).itemsize
        return cls(fd, **parts)

    def write_audio(self, voice: int, start: int, samples: Samples) -> None:
        """Write a voice's samples from a global position on, then publish them."""
        at = start % RING
        head = min(len(samples), RING - at)
        self.audio[voice, at : at + head] = samples[:head]
        self.audio[voice, : len(samples) - head] = samples[head:]
        self.ready[voice, 1] = start + len(samples)

    def read_tap(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return what was heard from one global position to another [shape=(n, 2)]."""
        return self.tap[np.arange(start, stop) % RING]
