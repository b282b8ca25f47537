"""A strip: a chain of effects whose memory is finite, so that any stretch can be had by itself.

A filter remembers for ever, in principle: what it gives at a sample depends on all samples before.
A bounce of the last minute of an hour would have to begin at the first minute to hold the same
bits. So time is cut into epochs of 32 seconds. For the epoch that begins at `b` a fresh chain
starts at `b - WARM`, without any state, and hears the same as the old one; from `b` on it takes
over, linearly in `CROSS`. The longest reverb and nearly all of the longest echo have passed by
then, so nobody hears it.

What a strip gives at sample p follows from what it was given in the last `EPOCH + CROSS + WARM`
samples before the block of p, 52 seconds, and `pre_roll` says from where on exactly. Most of the
time one chain runs, in 20 of 32 seconds two: 1.6 times the work of a chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from latentlive.effects.block import BLOCK, F32, F64, Setting
from latentlive.effects.chain import Chain
from latentlive.effects.reverb import NO_ROOMS
from latentlive.effects.rooms import Room

EPOCH_SECONDS, WARM_SECONDS, CROSS_SECONDS = 32.0, 16.0, 4.0

LOUDEST = 1e6
"""Samples beyond this are faults, as what is no number: 120 dB over full scale."""


def _blocks(seconds: float, rate: int) -> int:
    """Return seconds as samples, in whole blocks."""
    return max(round(seconds * rate / BLOCK), 1) * BLOCK


class Epochs:
    """Where chains begin and take over, in samples.

    Parameters
    ----------
    rate : int [samples a second]
    """

    def __init__(self, rate: int) -> None:
        self.every = _blocks(EPOCH_SECONDS, rate)
        self.warm = _blocks(WARM_SECONDS, rate)
        self.cross = _blocks(CROSS_SECONDS, rate)

    def pre_roll(self, begin: int) -> int:
        """Return the sample from which on a strip must hear to give the same from `begin` on."""
        block = begin // BLOCK * BLOCK
        return max((block - self.cross) // self.every * self.every - self.warm, 0)


def pre_roll(begin: int, rate: int) -> int:
    """Return the sample from which a strip must be fed to hold the same bits from `begin` on.

    It holds the same as a strip that was fed from its first sample.

    >>> pre_roll(0, 44100), pre_roll(60 * 44100, 44100) / 44100
    (0, 16.00725623582766)
    """
    return Epochs(rate).pre_roll(begin)


class Strip:
    """The effects of a layer, a bus or the master, with finite memory.

    Parameters
    ----------
    rate : int [samples a second]
    since : int [samples]
        Before it there was nothing to hear; a multiple of 64. The first block that it is given
        may lie later, as `pre_roll` says.
    """

    def __init__(self, rate: int, since: int) -> None:
        self._rate, self._since = rate, since // BLOCK * BLOCK
        self._epochs = Epochs(rate)
        self._chains: dict[int, Chain] = {}
        self._next: int | None = None
        self.faults = 0
        """Blocks that were silenced, since they held what is no number or no sound."""

    @property
    def idle(self) -> bool:
        """Whether nothing is on and nothing rings: blocks of silence may be left out."""
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
            A multiple of 1024; blocks follow one another. Where some were left out, the strip
            begins anew.
        x : array [shape=(2, 1024)]
            Where it holds what is no number, the block is silent and the strip begins anew.
        rows, key, rooms
            As `Chain.process` takes them.
        """
        if start % BLOCK:
            raise ValueError(f"strip: a block begins at a multiple of {BLOCK}, got {start}")
        if start != self._next:
            self._since = start
            self._chains.clear()
        self._next = start + BLOCK
        loud, key_loud = _loudness(x), 0.0 if key is None else _loudness(key)
        if not (loud <= LOUDEST and key_loud <= LOUDEST):
            return self._fault(self._chains.values())
        given = np.array(x, np.float64) if loud else None
        heard = None if key is None else np.array(key, np.float64)
        setting = Setting(rows)
        return self._crossed(start, given, setting, heard, rooms)

    def _crossed(
        self,
        start: int,
        x: F64 | None,
        setting: Setting,
        key: F64 | None,
        rooms: Mapping[int, Room],
    ) -> F32:
        epochs = self._epochs
        epoch = start // epochs.every
        into = start - epoch * epochs.every
        numbers = [epoch]
        if into < epochs.cross:
            numbers.insert(0, epoch - 1)
        if into >= epochs.every - epochs.warm:
            numbers.append(epoch + 1)
        begins = {n: max(n * epochs.every - epochs.warm, self._since) for n in numbers}
        given: dict[int, F64 | None] = {}
        kept: dict[int, Chain] = {}
        for begin in begins.values():
            if begin > start or begin in given:
                continue
            chain = kept[begin] = self._chains.get(begin) or Chain(self._rate)
            y = chain.run(x, setting, key, rooms)
            if y is not None and not _loudness(y) <= LOUDEST:
                self._fault([chain])
                y = None
            given[begin] = y
        self._chains = kept
        y = given[begins[epoch]]
        if into < epochs.cross and begins[epoch - 1] != begins[epoch]:
            old = given[begins[epoch - 1]]
            if old is not None or y is not None:
                before = np.zeros((2, BLOCK)) if old is None else old
                after = np.zeros((2, BLOCK)) if y is None else y
                across = (into + np.arange(BLOCK)) / epochs.cross
                y = before + across * (after - before)
        if y is None:
            return np.zeros((2, BLOCK), np.float32)
        return y.astype(np.float32)

    def _fault(self, chains: Iterable[Chain]) -> F32:
        """Count a fault, let some chains begin anew, and return silence."""
        self.faults += 1
        for chain in chains:
            chain.reset()
        return np.zeros((2, BLOCK), np.float32)


def _loudness(x: NDArray[np.floating]) -> float:
    """Return the greatest amplitude; no number where one of the samples is none."""
    return max(float(x.max()), -float(x.min()))
