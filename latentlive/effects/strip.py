"""A strip: a chain of effects whose memory is finite, so that any stretch can be had by itself.

A filter remembers for ever, in principle: what it gives at a sample depends on all samples before.
A bounce of the last minute of an hour would have to begin at the first minute to hold the same
bits. So time is cut into epochs of 32 seconds. For the epoch that begins at `b` a fresh chain
starts without any state, at the earliest 16 seconds before `b`, and hears the same as the old one;
from `b` on it takes over, linearly in 4 seconds. It starts when what the effects remember, by
their rows, reaches beyond `b`: `lasting` says how long that is. The longest reverb and all but the
longest echoes have passed when it takes over, so nobody hears it.

What a strip gives at sample p follows from what it was given in the 52 seconds before the block of
p, and `pre_roll` says from where on exactly. A strip of filters has two chains for 5 seconds of
32, one with a reverb of 12 seconds for 19.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from latentlive.effects.block import BLOCK, F32, F64, Setting
from latentlive.effects.chain import Chain
from latentlive.effects.lasting import lasting
from latentlive.effects.reverb import NO_ROOMS
from latentlive.effects.rooms import Room

EPOCH_SECONDS, WARM_SECONDS, CROSS_SECONDS = 32.0, 16.0, 4.0

LOUDEST = 1e6
"""Samples beyond this are faults, as what is no number: 120 dB over full scale."""


def _blocks(seconds: float, rate: int) -> int:
    """Return seconds as samples, in whole blocks."""
    return max(round(seconds * rate / BLOCK), 1) * BLOCK


class Epochs:
    """Where chains begin and take over.

    Parameters
    ----------
    rate : int [samples a second]
    phase : int [samples]
        By how much epochs begin earlier than at multiples of their length. Strips with different
        phases have their second chains at different times: the load is even.
    """

    def __init__(self, rate: int, phase: int = 0) -> None:
        self.every = _blocks(EPOCH_SECONDS, rate)
        self.warm = _blocks(WARM_SECONDS, rate)
        self.cross = _blocks(CROSS_SECONDS, rate)
        self.phase = phase // BLOCK * BLOCK % self.every

    def begin(self, epoch: int) -> int:
        """Return the first sample of an epoch."""
        return epoch * self.every - self.phase

    def of(self, sample: int) -> int:
        """Return the epoch in which a sample lies."""
        return (sample + self.phase) // self.every

    def pre_roll(self, begin: int) -> int:
        """Return the sample from which on a strip must hear to give the same from `begin` on."""
        block = begin // BLOCK * BLOCK
        return max(self.begin(self.of(block - self.cross)) - self.warm, 0)


def pre_roll(begin: int, rate: int, phase: int = 0) -> int:
    """Return the sample from which a strip must be fed to hold the same bits from `begin` on.

    It holds the same as a strip that was fed from its first sample.

    >>> pre_roll(0, 44100), round(pre_roll(60 * 44100, 44100) / 44100, 2)
    (0, 16.0)
    """
    return Epochs(rate, phase).pre_roll(begin)


class Strip:
    """The effects of a layer, a bus or the master, with finite memory.

    Parameters
    ----------
    rate : int [samples a second]
    since : int [samples]
        Before it there was nothing to hear; a multiple of 64. The first block that it is given
        may lie later, as `pre_roll` says.
    phase : int [samples]
        See `Epochs`; the same as `pre_roll` is asked with.
    """

    def __init__(self, rate: int, since: int, phase: int = 0) -> None:
        self._rate, self._since = rate, since // BLOCK * BLOCK
        self._epochs = Epochs(rate, phase)
        self._chains: dict[int, Chain] = {}
        self._next: int | None = None
        self.faults = 0
        """Blocks that were silenced, since they held what is no number or no sound."""

    @property
    def idle(self) -> bool:
        """Whether nothing is on and nothing rings.

        Blocks of silence in which all is off may then be left out: it changes no bit.
        """
        return all(chain.idle for chain in self._chains.values())

    def process(
        self,
        start: int,
        x: NDArray[np.floating],
        rows: F32,
        key: NDArray[np.floating] | None = None,
        rooms: Mapping[int, Room] = NO_ROOMS,
    ) -> F32:
        """Return the block that begins at `start`, with effects [shape=(2, 1024)].

        Parameters
        ----------
        start : int [samples]
            A multiple of 1024; blocks follow one another. Where some were left out though the
            strip was not idle, it begins anew.
        x : array [shape=(2, 1024)]
            Where it holds what is no number, the block is silent and the strip begins anew.
        rows, key, rooms
            As `Chain.process` takes them.
        """
        if start % BLOCK:
            raise ValueError(f"strip: a block begins at a multiple of {BLOCK}, got {start}")
        if self._next is None or start < self._next or (start > self._next and not self.idle):
            self._since = start
            self._chains.clear()
        self._next = start + BLOCK
        loud, key_loud = _loudness(x), 0.0 if key is None else _loudness(key)
        if not (loud <= LOUDEST and key_loud <= LOUDEST):
            return self._fault(self._chains.values())
        setting = Setting(rows)
        given = np.array(x, np.float64, order="C") if loud else None
        heard = None if key is None else np.array(key, np.float64, order="C")
        parts: dict[int, F64 | None] = {}
        for epoch, chain in self._running(start, setting, rooms).items():
            y = chain.run(given, setting, heard, rooms)
            if y is not None and not _loudness(y) <= LOUDEST:
                self._fault([chain])
                y = None
            parts[epoch] = y
        mixed = self._crossed(start, parts)
        return np.zeros((2, BLOCK), np.float32) if mixed is None else mixed.astype(np.float32)

    def _running(self, start: int, setting: Setting, rooms: Mapping[int, Room]) -> dict[int, Chain]:
        """Return the chains that hear a block, by epoch."""
        epochs, now = self._epochs, self._epochs.of(start)
        running: dict[int, Chain] = {}
        begun, coming = epochs.begin(now), epochs.begin(now + 1)
        if start < begun + epochs.cross and self._since < begun:
            running[now - 1] = self._chains.get(now - 1) or Chain(self._rate)
        running[now] = self._chains.get(now) or Chain(self._rate)
        if now + 1 in self._chains:
            running[now + 1] = self._chains[now + 1]
        elif start >= coming - epochs.warm:
            left = (coming - start) / self._rate
            if left <= lasting(setting, self._rate, rooms):
                running[now + 1] = Chain(self._rate)
        self._chains = running
        return running

    def _crossed(self, start: int, parts: dict[int, F64 | None]) -> F64 | None:
        """Return what the chains give together: the old one goes, the new one comes."""
        now = self._epochs.of(start)
        new, old = parts[now], parts.get(now - 1)
        if now - 1 not in parts or (old is None and new is None):
            return new
        before = np.zeros((2, BLOCK)) if old is None else old
        after = np.zeros((2, BLOCK)) if new is None else new
        across = (start - self._epochs.begin(now) + np.arange(BLOCK)) / self._epochs.cross
        mixed: F64 = before + across * (after - before)
        return mixed

    def _fault(self, chains: Iterable[Chain]) -> F32:
        """Count a fault, let some chains begin anew, and return silence."""
        self.faults += 1
        for chain in chains:
            chain.reset()
        return np.zeros((2, BLOCK), np.float32)


def _loudness(x: NDArray[np.floating]) -> float:
    """Return the greatest amplitude; no number where one of the samples is none."""
    return max(float(x.max()), -float(x.min()))
