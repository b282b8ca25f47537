"""The shared memory between engine, worker and audio process: rings indexed by global position.

A writer writes data first and publishes it after, so a torn write is never heard. One process
writes each part: the worker audio and its ready range, the process of effects that of strips, the
engine gains, feeds, knobs and flags, the audio process position, counters, holes and tap.
"""

from __future__ import annotations

import os
import sys
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.effects.declared import ROWS
from latentlive.errors import EngineError
from latentlive.ground.system import fence, mapped, share
from latentlive.mixer import GRID
from latentlive.units import Samples

RINGS = 128
"""Rings of voices; those of strips follow, two each."""

STRIPS = 32
SENDS = 64
ALL_RINGS = RINGS + 2 * STRIPS
RING = 1 << 17
POINTS = RING // GRID
HOLE_ROWS = 256
BINS = 64
MAX_CHANNELS = 16

HEADER_WORDS = 64
(
    CHANNELS,
    RATE,
    POSITION,
    RUNNING,
    CLOSING,
    MISSING,
    UNDERFLOWS,
    HEARTBEAT,
    BUSY_MAX_NS,
    PANIC,
    PANIC_DONE,
    PANIC_AT,
    HOLES,
    CUT,
    CALLS,
    TICKS,
    WORKING,
    WORKING_TOO,
    FILLED,
    UNFED,
    STRIPPED,
    STRIPS_BUSY_NS,
    STARTING,
    STARTED,
) = range(24)
"""Words of the header. TICKS counts the rounds of the engine's loop: while it stands still, so does
the engine. WORKING and the word after it tell which voice each worker is busy with. FILLED is the
moment of the last block [nanoseconds of time.monotonic_ns]. UNFED counts holes that strips met,
STRIPPED is one past the last position up to which strips are rendered, STRIPS_BUSY_NS what that
took in all. STARTING numbers the beginnings of the transport that are to be rendered, 0 while it is
not known yet what begins; STARTED is the one that strips were rendered for."""

STRIP_WORDS = 6
SINCE, SERIAL, SLOT, PLACE, RENEWED, LOUD = range(STRIP_WORDS)
"""Words of a strip: where it begins (-1 while nobody has it), its serial, its slot, its place in
the order in which they are rendered, where it begins anew (-1 if it does not), and one past the
last position at which it was loud, which the process of effects writes."""

SEND_WORDS = 3
FROM, TO, KEY = range(SEND_WORDS)
"""Words of a send: the numbers of two strips, -1 for none, and 1 where what is sent is a key."""

ANY_SIDE, LEFT, RIGHT = range(3)
"""The side of a strip that a ring feeds."""

MASTER = 1100
"""The slot of the master's effects, which no layer has."""

ORDER_BITS = 40
"""Voices are summed by slot, then by serial: in the same order everywhere."""

MASTER_FIRST = 1 + (MASTER << ORDER_BITS)
"""The least place in the sum that a strip of the master has."""


def _sizes(channels: int) -> dict[str, tuple[type, tuple[int, ...]]]:
    return {
        "header": (np.int64, (HEADER_WORDS,)),
        "active": (np.int64, (ALL_RINGS,)),
        "pair": (np.int64, (ALL_RINGS,)),
        "ready": (np.int64, (ALL_RINGS, 2)),
        "gains_until": (np.int64, (ALL_RINGS,)),
        "holes": (np.int64, (2, HOLE_ROWS, 3)),
        "durations": (np.int64, (BINS,)),
        "feeding": (np.int64, (RINGS, 2)),
        "strips": (np.int64, (STRIPS, STRIP_WORDS)),
        "knobs_until": (np.int64, (STRIPS,)),
        "sends": (np.int64, (SENDS, SEND_WORDS)),
        "sends_until": (np.int64, (SENDS,)),
        "through_until": (np.int64, (1,)),
        "gains": (np.float32, (2, ALL_RINGS, POINTS)),
        "feeds": (np.float32, (RINGS, POINTS)),
        "knobs": (np.float32, (STRIPS, len(ROWS), POINTS)),
        "send_gains": (np.float32, (2, SENDS, POINTS)),
        "through": (np.float32, (POINTS,)),
        "audio": (np.float32, (ALL_RINGS, RING)),
        "tap": (np.float32, (RING, channels)),
    }


def _bytes(channels: int) -> int:
    sizes = _sizes(channels).values()
    return sum(int(np.prod(shape)) * np.dtype(kind).itemsize for kind, shape in sizes)


@dataclass(eq=False)
class Shared:
    """The mapped memory.

    Parameters
    ----------
    fd : int
        The key to hand to child processes.
    header : array [shape=(64,), int64]
    active : array [shape=(rings,), int64]
        Where the audio process mixes a ring: its place in the sum, from 1 on; else 0.
    pair : array [shape=(rings,), int64]
        The pair of output channels that a ring is mixed into; 0 is channels 1 and 2.
    ready : array [shape=(rings, 2), int64]
        First and one past the last position that a ring holds.
    gains_until : array [shape=(rings,), int64]
        Position before which a ring's gains are written; the last of them is held beyond it.
        0: nothing is known, all are taken as they are.
    holes : array [shape=(2, 256, 3), int64]
        What was to be heard and was not there: ring, first position, one past the last. A ring
        of rows for the audio process, header[HOLES] counts those written, and one for that of
        effects, with header[UNFED].
    durations : array [shape=(64,), int64]
        Callbacks by how long they took, four bins an octave from 1 us on.
    feeding : array [shape=(voices' rings, 2), int64]
        The strip that a ring feeds, -1 for none, and the side of it.
    strips, sends : arrays [shape=(32, 6), (64, 3), int64]
    knobs_until, sends_until, through_until : arrays [shape=(32,), (64,), (1,), int64]
        As `gains_until`; but nothing is rendered beyond them.
    gains : array [shape=(2, rings, points)]
        Left and right gain at each grid point, a ring.
    feeds : array [shape=(voices' rings, points)]
        With how much a ring feeds its strip.
    knobs : array [shape=(32, rows, points)]
        What the effects of strips are set to.
    send_gains : array [shape=(2, 64, points)]
    through : array [shape=(points,)]
        The part of the mix that goes through the master's effects.
    audio : array [shape=(rings, RING)]
    tap : array [shape=(RING, channels)]
        What was heard, a ring.
    """

    fd: int
    header: NDArray[np.int64]
    active: NDArray[np.int64]
    pair: NDArray[np.int64]
    ready: NDArray[np.int64]
    gains_until: NDArray[np.int64]
    holes: NDArray[np.int64]
    durations: NDArray[np.int64]
    feeding: NDArray[np.int64]
    strips: NDArray[np.int64]
    knobs_until: NDArray[np.int64]
    sends: NDArray[np.int64]
    sends_until: NDArray[np.int64]
    through_until: NDArray[np.int64]
    gains: NDArray[np.float32]
    feeds: NDArray[np.float32]
    knobs: NDArray[np.float32]
    send_gains: NDArray[np.float32]
    through: NDArray[np.float32]
    audio: NDArray[np.float32]
    tap: NDArray[np.float32]

    @classmethod
    def create(cls, channels: int = 2, rate: int = 44100) -> Shared:
        """Create the memory; it vanishes with the last process and object that hold it.

        Parameters
        ----------
        channels : int
            Output channels, even, 2 to 16.
        rate : int [samples per second]

        Raises
        ------
        EngineError
            For other channels, or without enough memory.
        """
        if channels % 2 or not 2 <= channels <= MAX_CHANNELS:
            raise EngineError(
                f"channels: must be even and lie in 2 to {MAX_CHANNELS}, got {channels}"
            )
        size = _bytes(channels)
        fd = share(size)
        shared = cls._map(fd, channels)
        shared.header[CHANNELS], shared.header[RATE] = channels, rate
        shared.disconnect()
        if sys.platform != "win32":  # there the key is no descriptor
            weakref.finalize(shared, os.close, fd)
        return shared

    @classmethod
    def attach(cls, fd: int) -> Shared:
        """Map memory that another process created."""
        with mapped(fd, HEADER_WORDS * 8) as start:
            channels = int.from_bytes(start[:8], "little")
        return cls._map(fd, channels)

    @classmethod
    def _map(cls, fd: int, channels: int) -> Shared:
        memory = mapped(fd, _bytes(channels))
        parts: dict[str, NDArray[Any]] = {}
        offset = 0
        for name, (kind, shape) in _sizes(channels).items():
            count = int(np.prod(shape))
            parts[name] = np.frombuffer(memory, kind, count, offset).reshape(shape)
            offset += count * np.dtype(kind).itemsize
        return cls(fd, **parts)

    def disconnect(self) -> None:
        """Leave every strip to nobody."""
        self.feeding[:], self.strips[:], self.sends[:] = -1, -1, -1

    @property
    def channels(self) -> int:
        """How many output channels the mix has."""
        return int(self.header[CHANNELS])

    @property
    def rate(self) -> int:
        """The samples of a second."""
        return int(self.header[RATE])

    @property
    def position(self) -> int:
        """The next sample that the device will ask for."""
        return int(self.header[POSITION])

    def write_audio(self, ring: int, start: int, samples: Samples) -> None:
        """Write a ring's samples from a global position on, then publish them."""
        at = start % RING
        head = min(len(samples), RING - at)
        self.audio[ring, at : at + head] = samples[:head]
        self.audio[ring, : len(samples) - head] = samples[head:]
        fence()
        self.ready[ring, 1] = start + len(samples)

    def write_tap(self, start: int, heard: NDArray[np.float32]) -> None:
        """Write the mix that was heard from a global position on [shape=(n, channels)]."""
        at = start % RING
        head = min(len(heard), RING - at)
        self.tap[at : at + head] = heard[:head]
        self.tap[: len(heard) - head] = heard[head:]

    def read_tap(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return the mix that was heard between two global positions [shape=(n, channels)]."""
        return self.tap[np.arange(start, stop) % RING]

    def write_hole(self, ring: int, start: int, stop: int, unfed: bool = False) -> None:
        """Note that a ring lacked the samples from one position to another when they were due:
        to be heard, or to be fed to a strip."""
        word = UNFED if unfed else HOLES
        count = int(self.header[word])
        self.holes[int(unfed), count % HOLE_ROWS] = ring, start, stop
        fence()
        self.header[word] = count + 1

    def read_holes(self, known: int, unfed: bool = False) -> tuple[NDArray[np.int64], int]:
        """Return the holes after the first `known` [shape=(n, 3)], and how many there are now.

        Rows that were overwritten before they were read are left out.
        """
        count = int(self.header[UNFED if unfed else HOLES])
        first = max(known, count - HOLE_ROWS // 2)
        return self.holes[int(unfed), np.arange(first, count) % HOLE_ROWS], count


def duration_bin(nanoseconds: int) -> int:
    """Return the bin of a callback's duration: 0 up to 1 us, then four an octave."""
    quarter = int(4.0 * np.log2(max(nanoseconds, 1000) / 1000.0))
    return min(quarter, BINS - 1)


def duration_ms(counts: NDArray[np.int64], percent: float) -> float:
    """Return the duration below which so many percent of the callbacks stay [milliseconds].

    It is the upper edge of a bin: at most 19 % above the true one.

    Example
    -------
    >>> counts = np.zeros(64, np.int64)
    >>> counts[4] = 10  # 2 to 2.4 us
    >>> round(duration_ms(counts, 50), 5)
    0.00238
    """
    total = int(counts.sum())
    if not total:
        return 0.0
    index = int(np.searchsorted(np.cumsum(counts), total * percent / 100.0))
    return float(0.001 * 2.0 ** ((index + 1) / 4.0))
