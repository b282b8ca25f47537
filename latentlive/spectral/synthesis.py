"""Spectral vectors to faded windows: sinusoids and noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from latentlive.spectral.grid import AHEAD, F32, FRAME, HIGHEST, HOP, LOWEST, RATE, Ints
from latentlive.spectral.layout import (
    HARMONICS,
    PITCH_REFERENCE,
    REFERENCE,
    SLOTS,
    energies,
    unpacked,
)
from latentlive.spectral.peaks import peaks
from latentlive.spectral.phases import phases

C64 = NDArray[np.complex64]
C128 = NDArray[np.complex128]

NOISE_BINS = FRAME // 2 + 1
SIDE = 32
"""A window is SIDE x SIDE samples: n = SIDE * p + q."""

TABLE = 1 << 17
"""Complex numbers of noise that frames take their stretch of."""


@dataclass(frozen=True)
class Prepared:
    """What a block's windows are made of.

    Parameters
    ----------
    first : int
        The index of its first frame.
    key : int
        What its noise is drawn by.
    frequency, amplitude, phase : array [shape=(block, peaks)]
        Of sinusoids in the middle of each window, in Hz and cycles.
    noise : array [shape=(block, bins)]
        Magnitudes.
    envelope : array [shape=(block, slots)]
        Of the noise: quarters of natural logs of energy.
    """

    first: int
    key: int
    frequency: F32
    amplitude: F32
    phase: F32
    noise: F32
    envelope: F32


def prepared(z: F32, first: int, key: int) -> Prepared:
    """Return what the windows of a block are made of: a pure function, in whatever order.

    Parameters
    ----------
    z : array [shape=(block + ahead, dims)]
    first : int
        The index of the block's first vector on the texture's clock.
    key : int
        What noise is drawn by.
    """
    frames = unpacked(z)
    n = len(z)
    one = np.float32(1.0)
    s = np.clip((frames.voiced - np.float32(0.6)) / np.float32(0.38), 0.0, 1.0)
    s = (s * s * (np.float32(3.0) - np.float32(2.0) * s))[:, None]
    level = energies(frames.level)[:, None]
    hz = np.float32(REFERENCE) * np.exp2(frames.position)
    energy = energies(frames.energy)
    energy *= (one - s) * level / np.maximum(energy.sum(1, keepdims=True), np.float32(1e-20))
    harmonic_hz = (np.float32(PITCH_REFERENCE) * np.exp2(frames.pitch))[:, None] * np.arange(
        1, HARMONICS + 1, dtype=np.float32
    )
    harmonic = energies(frames.harmonics)
    residue = energies(frames.residue_energy)
    whole = harmonic.sum(1, keepdims=True) + residue.sum(1, keepdims=True)
    scale = s * level / np.maximum(whole, np.float32(1e-20))
    harmonic *= scale
    residue *= scale
    harmonic[(harmonic_hz > HIGHEST) | (harmonic_hz < LOWEST)] = 0.0
    harmonic_hz = np.clip(harmonic_hz, np.float32(LOWEST), np.float32(HIGHEST))
    tonal = energy * frames.tone
    frequency, amplitude = peaks(
        np.concatenate([hz, harmonic_hz], 1), np.concatenate([tonal, harmonic], 1)
    )
    block = n - AHEAD
    noise = _spread(hz[:block], (energy - tonal)[:block])
    residue_hz = np.float32(REFERENCE) * np.exp2(frames.residue_position[:block])
    noise += _spread(residue_hz, residue[:block])
    magnitude = np.float32(FRAME / 2.0) * np.sqrt(np.maximum(noise, np.float32(0.0)))
    return Prepared(
        first,
        key,
        frequency[:block],
        amplitude[:block],
        phases(frequency, first),
        magnitude,
        frames.envelope[:block],
    )


def _spread(hz: F32, energy: F32) -> F32:
    """Return the energy of bins when each atom fills the room half-way to its neighbours."""
    n, count = hz.shape
    place = hz.astype(np.float64) * (FRAME / RATE)
    edge = np.empty((n, count + 1))
    edge[:, 1:-1] = (place[:, 1:] + place[:, :-1]) / 2.0
    edge[:, 0] = place[:, 0] - 0.5
    edge[:, -1] = place[:, -1] + 0.5
    # At least a bin wide, and in order: what lies in one place is one step of the sum.
    edge[:, 1:] = np.maximum(edge[:, 1:], edge[:, :-1] + 1e-3)
    running = np.zeros((n, count + 1))
    np.cumsum(energy, axis=1, out=running[:, 1:])
    bins = np.arange(NOISE_BINS + 1) - 0.5
    offset = np.arange(n)[:, None] * 2048.0
    flat = (edge + offset).ravel()
    at = np.searchsorted(flat, (bins + offset).ravel(), "right").reshape(n, -1)
    at = np.clip(at - 1 - np.arange(n)[:, None] * (count + 1), 0, count - 1)
    rows = np.arange(n)[:, None]
    left = edge[rows, at]
    part = np.clip((bins - left) / (edge[rows, at + 1] - left), 0.0, 1.0)
    below = running[rows, at] + part * (running[rows, at + 1] - running[rows, at])
    found: F32 = np.maximum(np.diff(below, axis=1), 0.0).astype(np.float32)
    return found


def decoded(parts: list[tuple[Prepared, int, int]]) -> F32:
    """Return faded windows [shape=(n, frame)] of vectors a..b of blocks, to be only added.

    Parameters
    ----------
    parts : list of (prepared block, first vector, vector after the last)
    """

    def joined(name: str) -> F32:
        return np.concatenate([getattr(p, name)[a:b] for p, a, b in parts])

    offsets = np.concatenate([_offsets(p.key, p.first + np.arange(a, b)) for p, a, b in parts])
    windows = sinusoids(joined("frequency"), joined("amplitude"), joined("phase"))
    windows += noises(joined("noise"), joined("envelope"), offsets)
    return windows


@lru_cache(maxsize=1)
def _fades() -> tuple[F32, F32]:
    """Return the fades of sinusoids, whose sum is 1, and of noise, whose squares' sum is 1."""
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(FRAME) / FRAME)
    power = hann / np.sqrt(np.sum(hann**2) / HOP)
    return (hann / 2.0).astype(np.float32), power.astype(np.float32)


def _powers(step: C128, count: int) -> C64:
    """Return step ** (0 .. count - 1), by doubling [shape=(n, count, k)]."""
    n, k = step.shape
    out = np.empty((n, count, k), np.complex64)
    out[:, 0] = 1.0
    done, factor = 1, step
    while done < count:
        np.multiply(
            out[:, :done], factor[:, None].astype(np.complex64), out=out[:, done : 2 * done]
        )
        done, factor = 2 * done, factor * factor
    return out


def sinusoids(frequency: F32, amplitude: F32, phase: F32) -> F32:
    """Return faded windows of sinusoids [shape=(n, peaks)], as products of small matrices.

    exp(i w n) with n = SIDE * p + q is exp(i w SIDE p) exp(i w q): no sine is taken of a sample.
    """
    n = len(frequency)
    turn = 2.0 * np.pi / RATE * frequency.astype(np.float64)
    begin = 2.0 * np.pi * phase.astype(np.float64) - turn * (FRAME // 2)
    start = (amplitude * np.exp(1j * begin)).astype(np.complex64)
    left = _powers(np.exp(1j * SIDE * turn), SIDE)
    left *= start[:, None]
    right = _powers(np.exp(-1j * turn), SIDE)
    product = np.matmul(left.view(np.float32), right.view(np.float32).transpose(0, 2, 1))
    windows: F32 = product.reshape(n, FRAME)
    windows *= _fades()[0]
    return windows


@lru_cache(maxsize=1)
def _table() -> C64:
    """Return complex noise of mean square 1."""
    draw = np.random.Generator(np.random.Philox(0x0A15E)).standard_normal(2 * TABLE, np.float32)
    return (draw * np.float32(np.sqrt(0.5))).view(np.complex64)


def _offsets(key: int, frames: Ints) -> Ints:
    """Return where in the table frames begin: a hash of key and frame (splitmix64)."""
    x = frames.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    x ^= x >> np.uint64(31)
    return (x % np.uint64(TABLE - NOISE_BINS)).astype(np.int64)


@lru_cache(maxsize=1)
def _slots() -> tuple[Ints, F32]:
    """Return which two points of the envelope a sample lies between, and how far."""
    # Points lie 128 samples apart, the window in the middle half of them.
    place = (np.arange(FRAME) + FRAME / 2 + 0.5) / (2 * FRAME / SLOTS) - 0.5
    low = np.floor(place).astype(np.int64)
    return low, (place - low).astype(np.float32)


def noises(magnitude: F32, envelope: F32, offsets: Ints) -> F32:
    """Return faded windows of noise with these spectra [shape=(n, bins)] and envelopes."""
    noise = _table()[offsets[:, None] + np.arange(NOISE_BINS)]
    noise *= magnitude
    windows: F32 = np.fft.irfft(noise, axis=1).astype(np.float32, copy=False)
    low, part = _slots()
    points = np.exp(np.float32(2.0) * envelope)  # amplitudes: half of four times a quarter
    gain = points[:, low] + part * (points[:, low + 1] - points[:, low])
    fade = _fades()[1]
    weight = fade * fade
    # Row by row, so that a frame's bits do not depend on how many there are beside it.
    mean = (gain * gain * weight).sum(1, keepdims=True) * np.float32(1.0 / HOP)
    windows *= gain * (fade / np.sqrt(mean))
    return windows
