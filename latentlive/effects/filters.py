"""High-pass and low-pass of second order, resonant, with cut-offs that may move fast.

The state-variable filter of trapezoidal integrators (Zavalishin, "The Art of VA Filter Design",
2012, chapter 4, in the form of Simper, "Linear Trapezoidal Integrated SVF", 2013): its two states
mean the same at any cut-off, so a moving one neither clicks nor grows. `scipy.signal.sosfilt` is
as fast at a cut-off that stands (see benchmarks/README.md) but has none that moves.

There is no loop over samples. Where the cut-off stands, a cell of 64 samples is `y = T x + O s`:
`T` a triangular Toeplitz matrix of the impulse response, `O` what the state adds; matrices do all
cells at once. Where it moves, each sample has coefficients of its own. Then 64 parts of a block
take their 16 steps side by side, each for any first state: a matrix and what is added. What one
part leaves is what the next begins with. (In cells that cross over from old to new coefficients
a fast sweep left sidebands of -57 dB; this costs the same.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from latentlive.effects.block import BLOCK, CELLS, F64, QUIET, Setting, ramp
from latentlive.effects.declared import INDEX
from latentlive.mixer import GRID

NYQUIST_PART = 0.49
"""Highest cut-off, as a part of the rate."""

PART = 16
"""Samples of a part, where the cut-off moves."""

PARTS = BLOCK // PART


@dataclass(frozen=True)
class Sections:
    """Filters of second order, `s' = A s + B x`, `y = C s + D x` [n of them].

    Parameters
    ----------
    a : array [shape=(n, 2, 2)]
    b, c : array [shape=(n, 2)]
    d : array [shape=(n,)]
    """

    a: F64
    b: F64
    c: F64
    d: F64


def sections(name: str, hz: F64, q: F64, rate: int) -> Sections:
    """Return the state-variable filters of some cut-offs [shape=(n,)] and resonances."""
    g = np.tan(np.pi * np.minimum(hz, NYQUIST_PART * rate) / rate)
    k = 1.0 / q
    a1 = 1.0 / (1.0 + g * (g + k))
    a2 = g * a1
    a3 = g * a2
    a, b, c = np.empty((len(hz), 2, 2)), np.empty((len(hz), 2)), np.empty((len(hz), 2))
    b[:, 0], b[:, 1] = 2 * a2, 2 * a3
    a[:, 0, 0], a[:, 0, 1] = 2 * a1 - 1, -b[:, 0]
    a[:, 1, 0], a[:, 1, 1] = b[:, 0], 1 - b[:, 1]
    if name == "lpf":
        c[:, 0], c[:, 1] = a2, 1 - a3
        return Sections(a, b, c, a3)
    # 1 - k a2 - a3 is a1: written so, it does not cancel at high cut-offs.
    c[:, 0], c[:, 1] = -k * a1 - a2, k * a2 + a3 - 1
    return Sections(a, b, c, a1)


class _Still:
    """The matrices of one filter that stands still."""

    def __init__(self, of: Sections) -> None:
        a, b, c = of.a[0], of.b[0], of.c[0]
        steps = [np.eye(2)]
        for _ in range(GRID):
            steps.append(a @ steps[-1])
        response = np.array([of.d[0], *(c @ p @ b for p in steps[: GRID - 1])])
        lag = np.arange(GRID)[:, None] - np.arange(GRID)
        toeplitz = np.where(lag >= 0, response[np.maximum(lag, 0)], 0.0)
        ends = np.stack([p @ b for p in steps[GRID - 1 :: -1]], axis=1)
        # From the samples of a cell: what they give in it, and the state that they leave.
        self.cell = np.ascontiguousarray(np.concatenate([toeplitz, ends]).T)
        self.state = np.ascontiguousarray(np.array([c @ p for p in steps[:GRID]]).T)
        # From the state before a block and what each cell leaves: the states at all edges.
        whole = np.zeros((2 * CELLS + 2, 2 * CELLS + 2))
        over = [np.eye(2)]
        for _ in range(CELLS):
            over.append(steps[GRID] @ over[-1])
        for row in range(CELLS + 1):
            for column in range(row + 1):
                at = slice(2 * row, 2 * row + 2), slice(2 * column, 2 * column + 2)
                whole[at] = over[row - column]
        self.edges = np.ascontiguousarray(whole.T)


@lru_cache(maxsize=256)
def _still(name: str, hz: float, q: float, rate: int) -> _Still:
    return _Still(sections(name, np.array([hz]), np.array([q]), rate))


class Filter:
    """One filter of a chain, `hpf` or `lpf`, with its state."""

    def __init__(self, name: str, rate: int) -> None:
        self._name, self._rate = name, rate
        self._on, self._hz, self._q = (INDEX[f"{name}.{p}"] for p in ("on", "hz", "q"))
        self._state = np.zeros((2, 2))
        self.idle = True

    def reset(self) -> None:
        """Forget all that was heard."""
        self._state[:] = 0.0
        self.idle = True

    def process(self, x: F64 | None, setting: Setting) -> F64 | None:
        """Return what comes out of a block [shape=(2, 1024)]; None is silence."""
        if setting.off(self._on) or (x is None and float(np.abs(self._state).max()) < QUIET):
            if not self.idle:
                self.reset()
            return x
        self.idle = False
        given = np.zeros((2, BLOCK)) if x is None else x
        hz, q = setting.steady(self._hz), setting.steady(self._q)
        if hz is not None and q is not None:
            y = self._stand(given, _still(self._name, hz, q, self._rate))
        else:
            y = self._move(given, setting.points(self._hz), setting.points(self._q))
        if setting.steady(self._on) != 1.0:
            y -= given
            y *= setting.samples(self._on)
            y += given
        return y

    def _stand(self, x: F64, by: _Still) -> F64:
        """Filter a block with one filter."""
        found = x.reshape(2 * CELLS, GRID) @ by.cell
        given = np.empty((2, 2 * CELLS + 2))
        given[:, :2] = self._state
        given[:, 2:] = found[:, GRID:].reshape(2, 2 * CELLS)
        edges = given @ by.edges
        self._state = edges[:, -2:].copy()
        y: F64 = edges[:, :-2].reshape(2 * CELLS, 2) @ by.state
        y += found[:, :GRID]
        return y.reshape(2, BLOCK)

    def _move(self, x: F64, hz: F64, q: F64) -> F64:
        """Filter a block with another filter at each sample."""
        of = sections(self._name, _between(hz), _between(q), self._rate)
        # Step by step of the parts, all parts at once: [A b], for a state and a sample.
        by = np.empty((PART, PARTS, 2, 3))
        by[:, :, :, :2] = of.a.reshape(PARTS, PART, 2, 2).swapaxes(0, 1)
        by[:, :, :, 2] = of.b.reshape(PARTS, PART, 2).swapaxes(0, 1)
        # Two columns say what becomes of a part's first state, two what its samples add.
        grown = np.zeros((PART + 1, PARTS, 3, 4))
        grown[0, :, 0, 0] = grown[0, :, 1, 1] = 1.0
        grown[:-1, :, 2, 2:] = x.reshape(2, PARTS, PART).transpose(2, 1, 0)
        for step in range(PART):
            np.matmul(by[step], grown[step], out=grown[step + 1, :, :2])
        first = np.ascontiguousarray(self._states(grown[-1, :, :2]).transpose(1, 2, 0))
        # From here on the parts lie side by side, which numpy goes through fast.
        planes = np.ascontiguousarray(grown[:-1].transpose(2, 3, 0, 1))
        planes[0] *= of.c[:, 0].reshape(PARTS, PART).T
        planes[1] *= of.c[:, 1].reshape(PARTS, PART).T
        planes[2] *= of.d.reshape(PARTS, PART).T
        heard = np.add(planes[0], planes[1], out=planes[0])
        heard += planes[2]
        y = heard[2:]
        y += heard[0] * first[0, :, None]
        y += heard[1] * first[1, :, None]
        return np.ascontiguousarray(y.swapaxes(1, 2)).reshape(2, BLOCK)

    def _states(self, over: F64) -> F64:
        """Return the states before each part [shape=(64, 2, channels)], one after another."""
        (l1, l2), (r1, r2) = self._state.tolist()
        states = []
        # Plain numbers: 64 products of such small arrays would take longer.
        for a, b, u1, v1, c, d, u2, v2 in over.reshape(PARTS, 8).tolist():
            states.append((l1, r1, l2, r2))
            l1, l2 = a * l1 + b * l2 + u1, c * l1 + d * l2 + u2
            r1, r2 = a * r1 + b * r2 + v1, c * r1 + d * r2 + v2
        self._state = np.array([[l1, l2], [r1, r2]])
        return np.array(states).reshape(PARTS, 2, 2)


def _between(points: F64) -> F64:
    """Return the values at all samples [shape=(1024,)], in even steps on a logarithmic scale."""
    return np.exp(ramp(np.log(points)))
