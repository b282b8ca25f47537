"""Comb and echo: a delay line with feedback, `w(p) = x(p) + feedback w(p - D)`.

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

from latentlive.effects.block import BLOCK, CELLS, F32, F64, QUIET, Setting
from latentlive.effects.declared import INDEX, LONGEST_ECHO
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
_SLICED = 2 * GRID
"""Above this D a line that stands still is read in slices, below by a matrix for each cell."""


def lagrange(part: F64) -> F64:
    """Return the weights of the samples at 1, 0, -1, -2 for places `part` behind 0 [shape=(4, n)].

    >>> lagrange(np.array([0.0, 0.5])).T.tolist()
    [[0.0, 1.0, 0.0, 0.0], [-0.0625, 0.5625, 0.5625, -0.0625]]
    """
    f = part
    up, down, far = f + 1.0, f - 1.0, f - 2.0
    return np.stack(
        [-f * down * far / 6, up * down * far / 2, -up * f * far / 2, up * f * down / 6]
    )


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
    """What went round in a delay line, as far back as it may be read."""

    def __init__(self) -> None:
        self._held = np.zeros((2, 0), np.float32)
        self._end = self._back = self._quiet = 0
        self.quiet = True

    def reset(self) -> None:
        """Forget all that went round."""
        if not self.quiet:
            self._held[:] = 0.0
            self._end = self._back
        self._quiet, self.quiet = 0, True

    def _room(self, longest: int) -> None:
        """Make room for a block, and for reading as far back as `longest` samples."""
        need = longest + 4
        if need > self._back:
            # By powers of two: how much is held depends on the longest delay so far alone.
            back = max(2 * BLOCK, 1 << (need - 1).bit_length())
            held = np.zeros((2, 2 * back + 4 * BLOCK), np.float32)
            kept = self._held[:, self._end - self._back : self._end]
            held[:, back - kept.shape[1] : back] = kept
            self._held, self._end, self._back = held, back, back
        if self._end + BLOCK > self._held.shape[1]:
            self._held[:, : self._back] = self._held[:, self._end - self._back : self._end].copy()
            self._end = self._back

    def feed(
        self, x: F32 | None, reading: Reading, feedback: F64 | float
    ) -> tuple[F32, F32 | None]:
        """Let a block in; return all that goes round [shape=(2, 1024)], and what was read of it.

        The second is None where nobody read it as such.
        """
        longest = float(np.max(reading.delay))
        if reading.other is not None:
            longest = max(longest, float(reading.other.max()))
        self._room(math.ceil(longest) + 2)
        held, end = self._held, self._end
        new = held[:, end : end + BLOCK]
        if x is None:
            new[:] = 0.0
        else:
            new[:] = x
        read: F32 | None = None
        if isinstance(reading.delay, float) and isinstance(feedback, float):
            if reading.delay < _SLICED:
                self._go_round(reading.delay, feedback)
            else:
                read = self._slices(reading.delay, feedback)
        else:
            read = self._places(reading, feedback)
        np.clip(new, -LOUDEST, LOUDEST, out=new)
        # Sums with a tiny number round what is far smaller to zero: no denormals go round.
        new += _TINY
        new -= _TINY
        loud = x is not None or max(float(new.max()), -float(new.min())) >= QUIET
        self._quiet = 0 if loud else self._quiet + BLOCK
        self.quiet = self._quiet > longest + 4
        self._end = end + BLOCK
        return new, read

    def read(self, delay: float) -> F32:
        """Return what lies `delay` samples behind the last block [shape=(2, 1024)]."""
        whole = math.floor(delay)
        weights = lagrange(np.array([delay - whole]))[:, 0].astype(np.float32)
        return self._four(weights, self._end - BLOCK - whole, BLOCK)

    def _four(self, weights: F32, start: int, count: int) -> F32:
        held = self._held
        if weights[0] == 0.0 == weights[2]:
            return held[:, start : start + count].copy()
        found: F32 = held[:, start + 1 : start + 1 + count] * weights[0]
        for back in (0, 1, 2):
            found += held[:, start - back : start - back + count] * weights[back + 1]
        return found

    def _go_round(self, delay: float, feedback: float) -> None:
        matrix, end = _looped(delay, feedback), self._end
        back = len(matrix) - GRID
        for at in range(end, end + BLOCK, GRID):
            self._held[:, at : at + GRID] = self._held[:, at - back : at + GRID] @ matrix

    def _slices(self, delay: float, feedback: float) -> F32:
        whole, end = math.floor(delay), self._end
        weights = lagrange(np.array([delay - whole]))[:, 0].astype(np.float32)
        read, back = np.empty((2, BLOCK), np.float32), np.float32(feedback)
        for at in range(0, BLOCK, whole - 1):
            count = min(whole - 1, BLOCK - at)
            part = self._four(weights, end + at - whole, count)
            read[:, at : at + count] = part
            part *= back
            self._held[:, end + at : end + at + count] += part
        return read

    def _places(self, reading: Reading, feedback: F64 | float) -> F32:
        places, weights = self._nodes(reading.delay)
        if reading.other is not None:
            others, more = self._nodes(reading.other)
            places = np.concatenate([places, others])
            weights = np.concatenate([weights * (1.0 - reading.across), more * reading.across])
        short, end = weights.astype(np.float32), self._end
        read, held = np.empty((2, BLOCK), np.float32), self._held
        back = np.asarray(np.broadcast_to(feedback, (BLOCK,)), np.float32)
        step = reading.shortest - 1
        for at in range(0, BLOCK, step):
            part = slice(at, min(at + step, BLOCK))
            found = held[:, places[:, part]]
            found *= short[:, part]
            np.add.reduce(found, axis=1, out=read[:, part])
            held[:, end + part.start : end + part.stop] += read[:, part] * back[part]
        return read

    def _nodes(self, delay: F64 | float) -> tuple[NDArray[np.int64], F64]:
        """Return the four places in the line for each sample, and their weights [shape=(4, n)]."""
        behind = np.broadcast_to(np.asarray(delay, np.float64), (BLOCK,))
        whole = np.floor(behind)
        places = self._end + _PLACES - whole.astype(np.int64) + _NODES
        return places, lagrange(behind - whole)


class _Delayed:
    """What comb and echo have in common: what goes into the line, and how it is mixed in."""

    name = ""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._on, self._back, self._mix = (
            INDEX[f"{self.name}.{p}"] for p in ("on", "feedback", "mix")
        )
        self._line, self._tap = Line(), Tap()
        self.idle = True

    def reset(self) -> None:
        """Forget all that was heard."""
        self._line.reset()
        self._tap = Tap()
        self.idle = True

    def process(self, x: F64 | None, setting: Setting) -> F64 | None:
        """Return what comes out of a block [shape=(2, 1024)]; None is silence."""
        off = setting.off(self._on)
        if self._line.quiet and (off or x is None):
            if not self.idle:
                self.reset()
            return x
        self.idle = False
        on = setting.samples(self._on)
        given = None if off or x is None else (x * on).astype(np.float32)
        wet = self._wet(given, setting)
        y = wet * setting.samples(self._mix)
        if x is not None:
            y += x * (1.0 - on * setting.samples(self._mix))
        return y

    def _wet(self, given: F32 | None, setting: Setting) -> F64:
        raise NotImplementedError


class Comb(_Delayed):
    """Resonance at a pitch and its multiples; at any feedback noise keeps its level."""

    name = "comb"

    def _wet(self, given: F32 | None, setting: Setting) -> F64:
        reading = self._tap.plan(self._rate / setting.points(INDEX["comb.hz"]))
        back = setting.samples(self._back)
        round_, _ = self._line.feed(given, reading, back)
        return np.multiply(round_, np.sqrt(1.0 - np.square(back)), dtype=np.float64)


class Echo(_Delayed):
    """Repeats, each as much softer as the feedback says."""

    name = "echo"

    def _wet(self, given: F32 | None, setting: Setting) -> F64:
        most = float(LONGEST_ECHO * self._rate)
        reading = self._tap.plan(np.minimum(setting.points(INDEX["echo.samples"]), most))
        _, read = self._line.feed(given, reading, setting.samples(self._back))
        if read is None:
            read = self._line.read(float(reading.delay))
        return read.astype(np.float64)
