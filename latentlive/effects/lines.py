"""A delay line with feedback, `w(p) = x(p) + feedback w(p - D)`: what comb and echo are made of.

D is a fraction of samples: cubic Lagrange interpolation reads between them (Laakso and others,
"Splitting the Unit Delay", 1996), whose gain is at most 1, so a loop never grows. A moving D reads
faster or slower, as a tape does; where it jumps, the new place crosses over from the old one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from latentlive.effects.block import BLOCK, CELLS, F32, F64, QUIET, ramp
from latentlive.mixer import GRID

JUMP = GRID / 2
"""Samples by which D may move in a cell as a tape does; further, and it crosses over."""

FADE = CELLS
"""Cells of a crossover."""

LOUDEST = 1000.0
"""No sample in a line is louder: 60 dB over full scale."""

_RISE = np.arange(GRID) / GRID
_TINY = np.float32(1e-18)
_NODES = np.array([1, 0, -1, -2])[:, None]
_PLACES = np.arange(BLOCK)
_SPARE = 64
"""Blocks that a line takes in before what it holds is moved to its begin."""

_FEW = 300
"""Below so many samples at once a product of windows takes less time than four of slices."""

_SLICED = 2 * GRID
"""Above this D a line that stands still is read in slices, below by a matrix for each cell."""


def lagrange(part: F64) -> F64:
    """Return the weights of the samples at 1, 0, -1, -2 for places `part` behind 0 [shape=(4, n)].

    >>> lagrange(np.array([0.5])).T.tolist()
    [[-0.0625, 0.5625, 0.5625, -0.0625]]
    """
    up, down, far = part + 1.0, part - 1.0, part - 2.0
    found = np.empty((4, len(part)))
    outer, inner = part * down, up * far
    found[0], found[1] = outer * far / -6.0, inner * down / 2.0
    found[2], found[3] = inner * part / -2.0, outer * up / 6.0
    return found


@lru_cache(maxsize=64)
def _looped(delay: float, feedback: float) -> F32:
    """Return the matrix from what a line holds and 64 new samples to 64 that go round.

    [shape=(n + 64, 64)], n samples of the line, as many as D reaches back.
    """
    whole = math.floor(delay)
    weights = feedback * lagrange(np.array([delay - whole]))[:, 0]
    back = whole + 2
    line = np.zeros((back + GRID, back + GRID))
    line[:back, :back] = np.eye(back)
    line[back:, back:] = np.eye(GRID)
    at, most = 0, whole - 1
    while at < GRID:
        count = min(most, GRID - at)
        for node, weight in zip((1, 0, -1, -2), weights, strict=True):
            start = back + at - whole + node
            line[:, back + at : back + at + count] += weight * line[:, start : start + count]
        at += count
    return np.ascontiguousarray(line[:, back:], dtype=np.float32)


@dataclass(frozen=True)
class Reading:
    """How far behind each sample of a block a line is read.

    Parameters
    ----------
    delay : array [shape=(1024,)] or float
        Samples.
    other : array [shape=(1024,)] or None
        Where it crosses over to.
    across : array [shape=(1024,), 0 to 1]
        How far across it is.
    """

    delay: F64 | float
    other: F64 | None = None
    across: F64 | float = 0.0

    @property
    def shortest(self) -> int:
        """Whole samples behind at least."""
        least = float(np.min(self.delay))
        if self.other is not None:
            least = min(least, float(self.other.min()))
        return math.floor(least)

    @property
    def longest(self) -> float:
        """Samples behind at most."""
        most = float(np.max(self.delay))
        return most if self.other is None else max(most, float(self.other.max()))


class Tap:
    """Where a line is read: a place that glides, or crosses over to another one."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._to, self._left = 0.0, 0

    def plan(self, points: F64) -> Reading:
        """Return how a block is read, by what is wanted at the grid's points [shape=(17,)]."""
        wanted: list[float] = points.tolist()
        at = wanted[0] if self._at is None else self._at
        if not self._left and all(w == at for w in wanted):
            self._at = at
            return Reading(at)
        if not self._left and np.abs(np.diff(points, prepend=at)).max() <= JUMP:
            self._at = wanted[-1]
            return Reading(ramp(np.concatenate([[at], points[1:]])))
        starts, stops, others = np.empty(CELLS), np.empty(CELLS), np.empty(CELLS)
        across = np.zeros((CELLS, 2))
        for cell, goal in enumerate(wanted[1:]):
            starts[cell] = stops[cell] = others[cell] = at
            if not self._left and abs(goal - at) > JUMP:
                self._to, self._left = goal, FADE
            if self._left:
                done = FADE - self._left
                others[cell] = self._to
                across[cell] = done / FADE, (done + 1) / FADE
                self._left -= 1
                at = at if self._left else self._to
            else:
                stops[cell] = at = goal
        self._at = at
        delay = (starts[:, None] + (stops - starts)[:, None] * _RISE).reshape(BLOCK)
        if not across.any():
            return Reading(delay)
        mixed = across[:, :1] + (across[:, 1:] - across[:, :1]) * _RISE
        return Reading(delay, np.repeat(others, GRID), mixed.reshape(BLOCK))


class Line:
    """What went round in a delay line, as far back as it may be read.

    Parameters
    ----------
    least : int [samples]
        How far back it holds what went round at least: a delay that grows finds it there. It
        holds more as soon as it is read farther back.
    """

    def __init__(self, least: int = 0) -> None:
        self._least = least
        self._held = np.zeros((2, 4), np.float32)
        self._windows = _windows(self._held)
        self._end = self._back = self._silent = 0
        self._read: F32 | None = None
        self.quiet = True

    def reset(self) -> None:
        """Forget all that went round."""
        if not self.quiet or self._silent:
            self._held[:] = 0.0
        self._end = self._back
        self._silent, self.quiet = 0, True

    def _reserve(self, longest: float) -> None:
        """Make room for a block, and for reading as far back as `longest` samples."""
        need = max(math.ceil(longest), self._least) + 4
        if need > self._back:
            # By powers of two: how much is held depends on the longest delay so far alone.
            back = max(2 * BLOCK, 1 << (need - 1).bit_length())
            held = np.zeros((2, back + _SPARE * BLOCK), np.float32)
            kept = self._held[:, self._end - self._back : self._end]
            held[:, back - kept.shape[1] : back] = kept
            self._held, self._end, self._back = held, back, back
            self._windows = _windows(held)
        if self._end + BLOCK > self._held.shape[1]:
            self._held[:, : self._back] = self._held[:, self._end - self._back : self._end].copy()
            self._end = self._back

    def feed(self, x: F32 | None, reading: Reading, feedback: F64 | float) -> F32:
        """Let a block in and return all that goes round [shape=(2, 1024)], to read, not to keep."""
        self._read = None
        longest = reading.longest
        self._reserve(longest)
        new = self._held[:, self._end : self._end + BLOCK]
        new[:] = 0.0 if x is None else x
        if not isinstance(reading.delay, float) or not isinstance(feedback, float):
            self._go_glided(reading, feedback)
        elif reading.delay < _SLICED:
            self._go_round(reading.delay, feedback)
        else:
            self._go_still(reading.delay, feedback)
        np.clip(new, -LOUDEST, LOUDEST, out=new)
        # Sums with a tiny number round what is far smaller to zero: no denormals go round.
        new += _TINY
        new -= _TINY
        loud = x is not None or max(float(new.max()), -float(new.min())) >= QUIET
        self._silent = 0 if loud else self._silent + BLOCK
        self.quiet = self._silent > longest + 4
        self._end += BLOCK
        return new

    def read(self, reading: Reading) -> F32:
        """Return what the last block was read behind itself [shape=(2, 1024)]."""
        if self._read is not None:
            return self._read
        begin = self._end - BLOCK
        if isinstance(reading.delay, float):
            return self._tap(*_node(reading.delay), begin, BLOCK)
        return self._gathered(*self._nodes(reading, begin))

    def _gathered(self, places: NDArray[np.int64], weights: F32) -> F32:
        # As `self._held[:, places]`, in a sixth of the time.
        found = self._held.take(places, axis=1)
        found *= weights
        total: F32 = np.add.reduce(found, axis=1)
        return total

    def _go_round(self, delay: float, feedback: float) -> None:
        """Let new samples go round, where the line is short: a product for each cell."""
        matrix, held = _looped(delay, feedback), self._held
        back = len(matrix) - GRID
        for at in range(self._end, self._end + BLOCK, GRID):
            np.matmul(held[:, at - back : at + GRID], matrix, out=held[:, at : at + GRID])

    def _go_still(self, delay: float, feedback: float) -> None:
        """Let new samples go round, as many at once as the line is long."""
        whole, weights = _node(delay)
        weights = weights * np.float32(feedback)
        for at in range(self._end, self._end + BLOCK, whole - 1):
            stop = min(at + whole - 1, self._end + BLOCK)
            self._held[:, at:stop] += self._tap(whole, weights, at, stop - at)

    def _tap(self, whole: int, weights: F32, at: int, count: int) -> F32:
        """Return some samples from `at` on, read so many whole samples and a part behind."""
        start = at - whole - 2
        if count < _FEW:
            windowed: F32 = self._windows[:, start : start + count] @ weights
            return windowed
        held = self._held
        if weights[0] == weights[1] == 0.0:
            straight: F32 = held[:, start + 2 : start + 2 + count] * weights[2]
            return straight
        total: F32 = held[:, start : start + count] * weights[0]
        for node in (1, 2, 3):
            total += held[:, start + node : start + node + count] * weights[node]
        return total

    def _go_glided(self, reading: Reading, feedback: F64 | float) -> None:
        """Let new samples go round, each from a place of its own."""
        places, weights = self._nodes(reading, self._end)
        back, step = np.asarray(feedback, np.float32), reading.shortest - 1
        if step >= BLOCK:
            self._read = self._gathered(places, weights)
            self._held[:, self._end : self._end + BLOCK] += self._read * back
            return
        weights *= back
        for at in range(0, BLOCK, step):
            part = slice(at, min(at + step, BLOCK))
            new = self._held[:, self._end + at : self._end + part.stop]
            new += self._gathered(places[:, part], weights[:, part])

    def _nodes(self, reading: Reading, begin: int) -> tuple[NDArray[np.int64], F32]:
        """Return the places in the line for each sample of a block, and their weights.

        [shape=(4, 1024)], or 8 where it crosses over.
        """
        behind = np.broadcast_to(np.asarray(reading.delay, np.float64), (BLOCK,))
        whole = np.floor(behind)
        places = begin + _PLACES - whole.astype(np.int64) + _NODES
        weights = lagrange(behind - whole)
        if reading.other is not None:
            whole = np.floor(reading.other)
            others = begin + _PLACES - whole.astype(np.int64) + _NODES
            places = np.concatenate([places, others])
            across = lagrange(reading.other - whole) * reading.across
            weights = np.concatenate([weights * (1.0 - reading.across), across])
        return places, weights.astype(np.float32)


def _windows(held: F32) -> F32:
    """Return each four samples of a line in a row [shape=(2, n - 3, 4)], without a copy."""
    return np.lib.stride_tricks.sliding_window_view(held, 4, axis=1)


@lru_cache(maxsize=256)
def _node(delay: float) -> tuple[int, F32]:
    """Return the whole samples of a delay, and the weights of the four samples around it."""
    whole = math.floor(delay)
    weights = lagrange(np.array([delay - whole]))[::-1, 0]
    return whole, np.ascontiguousarray(weights, dtype=np.float32)
