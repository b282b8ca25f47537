"""Reverb: convolution with a room, stereo in and out, without delay.

Uniformly partitioned convolution on two levels (Gardner, "Efficient Convolution without
Input-Output Delay", 1995; Wefers, "Partitioned Convolution Algorithms for Real-Time Auralization",
2015): the first 16384 samples of the room in partitions of a block, what follows in partitions of
eight, whose work is spread over the blocks until it is due.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from latentlive.effects.block import BLOCK, F32, F64, Setting
from latentlive.effects.declared import INDEX
from latentlive.effects.rooms import EARLY, LATE, Room, synthetic

C64 = NDArray[np.complex64]

NO_ROOMS: Mapping[int, Room] = MappingProxyType({})
"""No recordings are rooms."""

ACROSS = 0.3
"""How much of each side goes into the other one's response."""

STEP = 1.05
"""While a curve moves the synthetic room's seconds, they go in steps of this factor."""

DAMP_STEP = 0.05

HELD = 24
"""Late spectra that are held at least, 4.5 seconds: a room that follows finds what was heard."""

_BLOCKS = LATE // BLOCK
_OWN = np.float32(1.0 / math.sqrt(1.0 + ACROSS**2))
_OTHER = np.float32(ACROSS) * _OWN
_RISE = np.arange(BLOCK, dtype=np.float32) / np.float32(BLOCK)
_LATE_RISE = np.arange(LATE, dtype=np.float32) / np.float32(LATE)


def asked(setting: Setting) -> tuple[float, float]:
    """Return the seconds and the damping of the synthetic room that is asked for where a block
    ends; what moves goes in steps."""
    seconds, damp = INDEX["reverb.seconds"], INDEX["reverb.damp"]
    return stepped(
        setting.last(seconds),
        setting.last(damp),
        setting.steady(seconds) is None,
        setting.steady(damp) is None,
    )


def stepped(
    seconds: float, damp: float, seconds_move: bool, damp_moves: bool
) -> tuple[float, float]:
    """Return seconds and damping as those of a room that is kept.

    >>> stepped(2.5, 0.5, False, False), stepped(2.5, 0.52, True, True)
    ((2.5, 0.5), (2.527, 0.5))
    """
    if seconds_move:
        seconds = STEP ** round(math.log(seconds) / math.log(STEP))
    if damp_moves:
        damp = round(damp / DAMP_STEP) * DAMP_STEP
    return round(seconds, 4), round(damp, 4)


class _Spectra:
    """The spectra of the last parts of the input, newest first in time, in a ring."""

    def __init__(self, bins: int) -> None:
        self._held = np.zeros((2, 0, bins), np.complex64)
        self._newest = 0

    def reset(self) -> None:
        """Forget them."""
        self._held[:] = 0.0

    def grow(self, count: int) -> None:
        """Hold as many as `count`."""
        old = self._held
        if count <= old.shape[1]:
            return
        held = np.zeros((2, count, old.shape[2]), np.complex64)
        order = (self._newest + np.arange(old.shape[1])) % max(old.shape[1], 1)
        held[:, : old.shape[1]] = old[:, order]
        self._held, self._newest = held, 0

    def push(self, spectra: C64 | None) -> None:
        """Take the newest [shape=(2, bins)]; None is silence."""
        if self._held.shape[1]:
            self._newest = (self._newest - 1) % self._held.shape[1]
            self._held[:, self._newest] = 0.0 if spectra is None else spectra

    def through(self, shapes: C64, first: int, last: int) -> C64:
        """Return the sum of products with some of a room's spectra [shape=(2, bins)].

        Parameters
        ----------
        shapes : array [shape=(2, parts, bins)]
        first, last : int
            Which parts.
        """
        size = self._held.shape[1]
        total = np.zeros((2, shapes.shape[2]), np.complex64)
        at = first
        while at < last:
            place = (self._newest + at) % size
            count = min(last - at, size - place)
            total += np.add.reduce(
                self._held[:, place : place + count] * shapes[:, at : at + count], axis=1
            )
            at += count
        return total


def _spectra(samples: F32) -> C64:
    return np.fft.rfft(samples).astype(np.complex64, copy=False)


class Reverb:
    """The reverb of one chain, with the spectra of what it heard."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._on, self._mix = INDEX["reverb.on"], INDEX["reverb.mix"]
        self._early, self._late = _Spectra(BLOCK + 1), _Spectra(LATE + 1)
        self._before = np.zeros((2, BLOCK), np.float32)
        self._begin()

    def _begin(self) -> None:
        self._room: Room | None = None
        self._late_room: Room | None = None
        self._key: tuple[float, float] | None = None
        self._phase, self._silent, self._longest = 0, 0, 0
        self._gathered = np.zeros((2, 2 * LATE), np.float32)
        self._loud = False
        self._sums: list[tuple[Room, C64]] = []
        self._heard = np.zeros((2, LATE), np.float32)
        self._next = np.zeros((2, LATE), np.float32)
        self.idle = True

    def reset(self) -> None:
        """Forget all that was heard."""
        self._early.reset()
        self._late.reset()
        self._before[:] = 0.0
        self._begin()

    def process(
        self, x: F64 | None, setting: Setting, rooms: Mapping[int, Room] = NO_ROOMS
    ) -> F64 | None:
        """Return what comes out of a block [shape=(2, 1024)]; None is silence."""
        off = setting.off(self._on)
        if off or x is None:
            if not self.idle and self._silent > self._longest:
                self.reset()
            if self.idle:
                return x
        self.idle = False
        on, mix = setting.samples(self._on), setting.samples(self._mix)
        given: F32 | None = None
        if x is not None and not off:
            fed = (x * on).astype(np.float32)
            given = fed * _OWN
            given += fed[::-1] * _OTHER
        self._silent = 0 if given is not None else self._silent + BLOCK
        y = self._wet(given, self._wanted(setting, rooms)) * mix
        if x is not None:
            y += x * (1.0 - on * mix)
        return y

    def _wanted(self, setting: Setting, rooms: Mapping[int, Room]) -> Room:
        """Return the room that is asked for where the block ends."""
        space = round(setting.last(INDEX["reverb.space"]))
        if space in rooms:
            self._key = None
            return rooms[space]
        key = asked(setting)
        if key != self._key or self._room is None:
            self._key = key
            return synthetic(self._rate, *key)
        return self._room

    def _wet(self, given: F32 | None, room: Room) -> F64:
        # Silence counts from where the longest response has run out on both levels.
        self._longest = max(self._longest, room.samples + 3 * LATE)
        both = np.zeros((2, 2 * BLOCK), np.float32)
        both[:, :BLOCK] = self._before
        if given is None:
            self._before[:] = 0.0
        else:
            both[:, BLOCK:] = self._before[:] = given
        self._early.grow(EARLY)
        loud = self._silent <= BLOCK
        self._early.push(_spectra(both) if loud else None)
        old = self._room or room
        y = self._early_part(room)
        if old is not room:
            before = self._early_part(old)
            before += (y - before) * _RISE
            y = before
        self._room = room
        y += self._late_part(given, room)
        return y.astype(np.float64)

    def _early_part(self, room: Room) -> F32:
        total = self._early.through(room.early, 0, room.early.shape[1])
        y: F32 = np.fft.irfft(total, 2 * BLOCK)[:, BLOCK:].astype(np.float32)
        return y

    def _late_part(self, given: F32 | None, room: Room) -> F32:
        """Return what the late partitions give in this block, and do a part of their work.

        Eight blocks gather, the next eight see them through, the eight after that are where they
        are heard first: 16384 samples after the first of them came in.
        """
        phase = self._phase
        if phase == 0:
            self._turn(room)
        y = self._heard[:, phase * BLOCK : (phase + 1) * BLOCK].copy()
        place = slice(LATE + phase * BLOCK, LATE + (phase + 1) * BLOCK)
        if given is None:
            self._gathered[:, place] = 0.0
        else:
            self._gathered[:, place] = given
            self._loud = True
        self._work(phase)
        self._phase = (phase + 1) % _BLOCKS
        return y

    def _turn(self, room: Room) -> None:
        """Begin with eight new blocks: what was worked out is heard, what was gathered is due."""
        self._heard, self._next = self._next, self._heard
        self._late.grow(max(room.late.shape[1], HELD))
        self._late.push(_spectra(self._gathered) if self._loud else None)
        self._loud = bool(self._gathered[:, LATE:].any())
        self._gathered[:, :LATE] = self._gathered[:, LATE:]
        old = self._late_room or room
        self._late_room = room
        self._sums = [
            (each, np.zeros((2, LATE + 1), np.complex64))
            for each in ([room] if old is room else [old, room])
        ]

    def _work(self, phase: int) -> None:
        """Do the eighth part of what is due."""
        for room, total in self._sums:
            parts = room.late.shape[1]
            first, last = parts * phase // _BLOCKS, parts * (phase + 1) // _BLOCKS
            if last > first:
                total += self._late.through(room.late, first, last)
        if phase == _BLOCKS - 1:
            found = [np.fft.irfft(total, 2 * LATE)[:, LATE:] for _, total in self._sums]
            self._next[:] = found[0]
            if len(found) > 1:
                self._next += (found[1] - found[0]) * _LATE_RISE
