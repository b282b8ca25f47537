"""High-pass and low-pass of second order, resonant, with cut-offs that may move fast.

The state-variable filter of trapezoidal integrators (Zavalishin, "The Art of VA Filter Design",
2012, chapter 4, in the form of Simper, "Linear Trapezoidal Integrated SVF", 2013): its two states
mean the same at any cut-off, so a moving one neither clicks nor grows. `scipy.signal.sosfilt` is
as fast at a cut-off that stands (see benchmarks/README.md) but has none that moves.

There is no loop over samples. A linear section of second order over a cell of 64 samples is
`y = T x + O s`: `T` a triangular Toeplitz matrix of the impulse response, `O` what the state adds.
Where the cut-off stands, matrices do all cells at once. Where it moves, each cell is heard through
the coefficients at its left and at its right edge, from the same state, and crosses over.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from latentlive.effects.block import BLOCK, CELLS, F64, QUIET, Setting
from latentlive.effects.declared import INDEX
from latentlive.mixer import GRID

NYQUIST_PART = 0.49
"""Highest cut-off, as a part of the rate."""

_RISE = np.arange(GRID) / GRID
_FFT = 2 * GRID


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


def powers(of: Sections) -> F64:
    """Return `u` and `v` with `A^n = u_n A + v_n` for n = 0 to 63 [shape=(sections, 2, 64)].

    By Cayley and Hamilton; doubled six times from n = 0.
    """
    trace = of.a[:, 0, 0] + of.a[:, 1, 1]
    det = of.a[:, 0, 0] * of.a[:, 1, 1] - of.a[:, 0, 1] * of.a[:, 1, 0]
    found = np.empty((len(det), 2, GRID))
    found[:, 0, 0], found[:, 1, 0] = 0.0, 1.0
    step = np.zeros((len(det), 2, 2))
    step[:, 0, 0], step[:, 0, 1], step[:, 1, 0] = trace, 1.0, -det
    count = 1
    while count < GRID:
        found[:, :, count : 2 * count] = step @ found[:, :, :count]
        step = step @ step
        count *= 2
    return found


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
        """Filter a block with a filter for each of the grid's points."""
        of = sections(self._name, hz, q, self._rate)
        grown = powers(of)
        ab = (of.a @ of.b[:, :, None])[:, :, 0]
        ca = (of.c[:, None, :] @ of.a)[:, 0]
        response = np.zeros((len(hz), GRID))
        response[:, 0] = of.d
        first, second = (of.c * ab).sum(axis=1), (of.c * of.b).sum(axis=1)
        response[:, 1:] = grown[:, 0, :-1] * first[:, None] + grown[:, 1, :-1] * second[:, None]
        cells = x.reshape(2, CELLS, GRID)
        # What a cell leaves, through the filter at its right edge.
        left = grown[1:, :, ::-1] @ cells.transpose(1, 2, 0)
        left = ab[1:, :, None] * left[:, :1] + of.b[1:, :, None] * left[:, 1:]
        # A^64 = A A^63
        last = grown[1:, 0, -1, None, None] * of.a[1:] + grown[1:, 1, -1, None, None] * np.eye(2)
        states = self._states(left, of.a[1:] @ last)
        spectra = np.fft.rfft(cells, _FFT)
        shapes = np.fft.rfft(response, _FFT)
        both = np.empty((2, *spectra.shape), np.complex128)
        np.multiply(spectra, shapes[:-1], out=both[0])
        np.multiply(spectra, shapes[1:], out=both[1])
        heard = np.fft.irfft(both, _FFT)[..., :GRID]
        # What the state adds: (C A) s u_n + C s v_n, at both edges' filters.
        add = np.empty((len(hz), 2, 2))
        add[:, 0], add[:, 1] = ca, of.c
        for side, points in ((0, slice(None, -1)), (1, slice(1, None))):
            weights = add[points] @ states
            heard[side] += (weights.transpose(0, 2, 1) @ grown[points]).transpose(1, 0, 2)
        y: F64 = heard[1] - heard[0]
        y *= _RISE
        y += heard[0]
        return y.reshape(2, BLOCK)

    def _states(self, left: F64, over: F64) -> F64:
        """Return the states where cells begin [shape=(16, 2, channels)], one after another."""
        (l1, l2), (r1, r2) = self._state.tolist()
        states = []
        # Plain numbers: sixteen products of such small arrays would take longer.
        pairs = zip(over.reshape(-1, 4).tolist(), left.reshape(-1, 4).tolist(), strict=True)
        for (a, b, c, d), (u1, v1, u2, v2) in pairs:
            states.append((l1, r1, l2, r2))
            l1, l2 = a * l1 + b * l2 + u1, c * l1 + d * l2 + u2
            r1, r2 = a * r1 + b * r2 + v1, c * r1 + d * r2 + v2
        self._state = np.array([[l1, l2], [r1, r2]])
        return np.array(states).reshape(CELLS, 2, 2)
