"""The rack: renders the strips of the shared memory into their rings, block after block.

A block has 1024 samples and lies on multiples of 1024 of the global position, so no sample depends
on when it was rendered. The process of effects has a rack, and so has a bounce.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus import recording
from latentlive.effects.block import BLOCK
from latentlive.effects.rooms import Room
from latentlive.effects.strip import Strip
from latentlive.engine.output.ringmix import (
    Holes,
    absent_steps,
    audio_of,
    mix_rings,
)
from latentlive.engine.shared import (
    ANY_SIDE,
    FROM,
    KEY,
    LOUD,
    MASTER,
    MASTER_FIRST,
    PLACE,
    POINTS,
    RENEWED,
    RINGS,
    RUNNING,
    SERIAL,
    SINCE,
    SLOT,
    STARTED,
    STARTING,
    STRIPPED,
    TO,
    Shared,
)
from latentlive.errors import SoundError
from latentlive.ground.system import fence
from latentlive.mixer import GRID

F32 = NDArray[np.float32]
Ints = NDArray[np.int64]

STEPS = BLOCK // GRID

AUDIBLE = 10.0 ** (-90.0 / 20.0)
"""The amplitude up to which a strip counts as silent."""

LATE = 6144
"""Samples behind the position at which a rack gives up: gains are written so far ahead that those
before are gone soon after."""

RISE = np.arange(GRID, dtype=np.float32) / np.float32(GRID)


@dataclass
class Effects:
    """The effects of a strip, and what they were made for."""

    serial: int
    since: int
    strip: Strip


class Rack:
    """Renders strips.

    Parameters
    ----------
    shared : Shared
    rooms : mapping of number to Room
        The recordings that reverbs have as rooms.
    due : int [samples]
        A block that ends so near the position no longer waits for voices that are not rendered.
    begin : int [samples, global]
        What lies before it another rack has rendered.
    """

    def __init__(
        self, shared: Shared, rooms: Mapping[int, Room], due: int = 0, begin: int = 0
    ) -> None:
        self._shared, self._rooms, self._due, self._begin = shared, rooms, due, begin
        self._effects: dict[int, Effects] = {}
        self._next: int | None = None
        self._starting = 0
        self._holes = Holes(shared, unfed=True)
        self.faulty: set[int] = set()
        """The serials of strips whose effects gave what is no number, and begin anew."""

    def advance(self, until: int, wait: bool = False) -> int:
        """Render the blocks that end by a position; return how many there were.

        Parameters
        ----------
        until : int [samples, global]
        wait : bool
            Whether to stop before a block for which not all is known yet: what its strips are
            set to, and what they are fed.
        """
        rendered = 0
        if not self._may_begin():
            return rendered
        while True:
            table = self._shared.strips.copy()
            fence()  # what a strip is fed with was written before it began
            taken = np.flatnonzero(table[:, SINCE] >= 0)
            if not len(taken):
                self._effects.clear()
                self._next = None
                return rendered
            if self._next is None:
                begin = max(int(table[taken, SINCE].min()), self._begin)
                self._next = begin // BLOCK * BLOCK
            start = self._next
            if start + BLOCK > until or (wait and not self._known(table, taken, start)):
                return rendered
            self._render(table, taken, start)
            self._next = start + BLOCK
            self._shared.header[STRIPPED] = self._next
            rendered += 1

    def _may_begin(self) -> bool:
        """Return whether it is known what sounds: while the transport stands, what lands changes
        what was rendered already."""
        header = self._shared.header
        starting = int(header[STARTING])
        if header[RUNNING]:
            return True
        if starting != self._starting:
            self._starting, self._next = starting, None
            self._effects.clear()
            header[STRIPPED] = 0
            fence()
            header[STARTED] = starting
        return starting > 0

    def is_late(self, position: int) -> bool:
        """Return whether it lies so far back that what its next block needs is overwritten."""
        return self._next is not None and self._next < position - LATE

    def _known(self, table: Ints, taken: Ints, start: int) -> bool:
        """Return whether all is there that a block needs."""
        shared, stop = self._shared, start + BLOCK
        begun = taken[table[taken, SINCE] < stop]
        rows = np.flatnonzero(shared.sends[:, FROM] >= 0)
        if (shared.knobs_until[begun] <= stop).any() or (shared.sends_until[rows] <= stop).any():
            return False
        rings = np.flatnonzero(np.isin(shared.feeding[:, 0], begun) & (shared.active[:RINGS] > 0))
        if (table[begun, SLOT] == MASTER).any():
            rings = np.flatnonzero((shared.active > 0) & (shared.active < MASTER_FIRST))
            rings = rings[rings < RINGS]
            if (shared.gains_until[rings] <= stop).any():
                return False
        # A voice that is not rendered yet may still be, until the device asks for it.
        due = shared.header[RUNNING] and stop <= shared.position + self._due
        return due or bool((shared.ready[rings, 1] >= stop).all())

    def _render(self, table: Ints, taken: Ints, start: int) -> None:
        order = sorted(taken.tolist(), key=lambda number: (table[number, PLACE], number))
        heard: dict[int, F32] = {}
        for number in order:
            since = max(int(table[number, SINCE]), 0)
            if since >= start + BLOCK:
                continue
            fed = self._fed(table, number, start, heard)
            effects = self._effects_of(table, number, start)
            knobs = self._points(self._shared.knobs[number], start)
            first = max(since - start, 0) // GRID
            knobs[:, :first] = knobs[:, first : first + 1]  # nothing was written before it began
            key = self._sent(table, number, start, heard, key=True)
            before = effects.faults
            heard[number] = effects.process(start, fed, knobs, key, self._rooms)
            if effects.faults > before:
                self.faulty.add(int(table[number, SERIAL]))
            self._write(number, start, heard[number])
        gone = self._effects.keys() - set(order)
        for number in gone:
            del self._effects[number]

    def _effects_of(self, table: Ints, number: int, start: int) -> Strip:
        """Return the effects of a strip, new ones where it is new or begins anew."""
        serial, renewed = int(table[number, SERIAL]), int(table[number, RENEWED])
        since = max(int(table[number, SINCE]), renewed if renewed <= start else 0)
        held = self._effects.get(number)
        if held is None or held.serial != serial or held.since < since:
            held = Effects(serial, since, Strip(self._shared.rate, since))
            self._effects[number] = held
        return held.strip

    def _fed(self, table: Ints, number: int, start: int, heard: Mapping[int, F32]) -> F32:
        """Return what a strip is fed [shape=(2, 1024)]: voices, then sends, each in order."""
        shared = self._shared
        if table[number, SLOT] == MASTER:
            return self._whole(number, start)
        rings = np.flatnonzero((shared.feeding[:, 0] == number) & (shared.active[:RINGS] > 0))
        rings = rings[np.argsort(shared.active[rings])]
        fed = np.zeros((2, BLOCK), np.float32)
        if len(rings):
            feeds = self._points(shared.feeds[rings], start)
            feeds[:, : max(int(table[number, SINCE]) - start, 0) // GRID] = 0.0
            first = start // GRID
            absent = absent_steps(shared, rings, first, first + STEPS)
            fence()
            audio = audio_of(shared, rings, first, first + STEPS)
            absent |= ~np.isfinite(audio).all(axis=2)
            audio[absent] = 0.0
            audible = (feeds[:, :-1] != 0.0) | (feeds[:, 1:] != 0.0)
            self._holes.note(rings, first, first + STEPS, absent & audible)
            for ring, samples, points in zip(rings, audio, feeds, strict=True):
                side = int(shared.feeding[ring, 1])
                sides = slice(None) if side == ANY_SIDE else side - 1
                fed[sides] += samples.reshape(-1) * ramp(points)
        sent = self._sent(table, number, start, heard, key=False)
        fed = fed if sent is None else fed + sent
        fed[:, : max(int(table[number, SINCE]) - start, 0)] = 0.0
        return fed

    def _sent(
        self, table: Ints, number: int, start: int, heard: Mapping[int, F32], key: bool
    ) -> F32 | None:
        """Return what other strips send to one [shape=(2, 1024)], None if none does."""
        sends = self._shared.sends
        rows = np.flatnonzero((sends[:, TO] == number) & (sends[:, KEY] == int(key)))
        rows = rows[np.argsort(table[sends[rows, FROM], SERIAL], kind="stable")]
        total: F32 | None = None
        for row in rows.tolist():
            source = heard.get(int(sends[row, FROM]))
            if source is not None:
                gains = self._points(self._shared.send_gains[:, row], start)
                part = source * np.stack([ramp(points) for points in gains])
                total = part if total is None else total + part
        return total

    def _whole(self, number: int, start: int) -> F32:
        """Return the part of the mix of a pair of channels that goes through the master's
        effects [shape=(2, 1024)]."""
        shared, first = self._shared, start // GRID
        pair = shared.pair[RINGS + 2 * number]
        rings = np.flatnonzero(
            (shared.active > 0) & (shared.active < MASTER_FIRST) & (shared.pair == pair)
        )
        rings = rings[np.argsort(shared.active[rings])]
        mixed, levels, absent = mix_rings(shared, rings, first, first + STEPS, whole=True)
        audible = (levels != 0.0).any(axis=0)
        self._holes.note(rings, first, first + STEPS, absent & (audible[:, :-1] | audible[:, 1:]))
        points = self._points(shared.through, start)
        points[: max(int(shared.strips[number, SINCE]) - start, 0) // GRID] = 0.0
        part = ramp(points)
        return np.ascontiguousarray((mixed * part[:, None]).T)

    def _points(self, values: F32, start: int) -> F32:
        """Return values at the 17 grid points of a block [shape=(..., 17)]."""
        first = start // GRID
        return values[..., np.arange(first, first + STEPS + 1) % POINTS]

    def _write(self, number: int, start: int, heard: F32) -> None:
        shared, rings = self._shared, (RINGS + 2 * number, RINGS + 2 * number + 1)
        for ring, samples in zip(rings, heard, strict=True):
            shared.write_audio(ring, start, samples)
        if float(np.abs(heard).max()) > AUDIBLE:
            shared.strips[number, LOUD] = start + BLOCK


def room_of(told: str, rate: int) -> Room:
    """Return a recording of the cache as a room.

    Raises
    ------
    SoundError
        If it is gone, or silent.
    """
    audio = recording(told)
    sides = [side.samples for side in audio.sides] or [audio.samples] * 2
    try:
        return Room(np.stack(sides, axis=1), rate)
    except ValueError as error:
        raise SoundError(f"reverb: no {error}") from None


def ramp(points: F32) -> F32:
    """Return a gain that is linear between grid points [shape=(1024,)]."""
    steps: F32 = points[:-1, None] + (points[1:] - points[:-1])[:, None] * RISE
    return steps.reshape(-1)
