"""Spectral vectors to faded windows: sinusoids and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from latentlive.spectral.grid import AHEAD, F32, F64, FRAME, HIGHEST, HOP, LOWEST, RATE, Ints
from latentlive.spectral.layout import (
    ATOMS,
    HARMONICS,
    LEVEL_POWER,
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

SOON = 2.0
"""Speed of the change from atoms to harmonics: complete half-way from a bell to a tone."""

RAMP = 32
"""Samples of the transition from one point of a shape to the next."""

SLOWEST = 350.0
"""Hz: the shape of noise leaves slower components still, and moves those twice as fast fully."""

SLOW = int(2 * SLOWEST * FRAME / RATE) + 1
"""Bins of noise that its shape moves partly or not at all."""

TABLE = 1 << 17
"""Complex numbers in the noise table; each frame reads a stretch of it."""


@dataclass(frozen=True)
class Prepared:
    """The components of a block's windows.

    Parameters
    ----------
    first : int
        The index of its first frame.
    key, turn : int, float [radians]
        The seed of its noise, and how far the noise is turned towards that of ``key ^ 1``.
    frequency, amplitude, phase : array [shape=(block, peaks)]
        Of sinusoids in the middle of each window, in Hz and cycles.
    noise_hz, noise_energy : array [shape=(block, atoms)]
        The place and energy of noise, ascending in each of two parts.
    noise_shape, tone_shape : array [shape=(block, slots)]
        Envelopes of both inside a window: quarters of natural logs of energy.
    """

    first: int
    key: int
    turn: float
    frequency: F32
    amplitude: F32
    phase: F32
    noise_hz: F32
    noise_energy: F32
    noise_shape: F32
    tone_shape: F32


def prepared(z: F32, first: int, key: int, turn: float = 0.0) -> Prepared:
    """Return the components of a block's windows: a pure function, in any order.

    Parameters
    ----------
    z : array [shape=(block + ahead, dims)]
    first : int
        The index of the block's first vector on the texture's clock.
    key, turn : int, float [radians]
        The seed of the noise, and how far the noise is turned towards that of ``key ^ 1``.
    """
    frames = unpacked(z)
    n = len(z)
    one = np.float32(1.0)
    s = np.clip((frames.voiced - np.float32(0.6)) / np.float32(0.38), 0.0, 1.0)
    s *= s * (np.float32(3.0) - np.float32(2.0) * s)
    # A bell has a pitch but no harmonics; mixing in a little of a tone lets the tone move it.
    s = (s * np.minimum(frames.harmonic * np.float32(SOON), one))[:, None]
    level = energies(frames.level, LEVEL_POWER)[:, None]
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
    rest = residue * frames.residue_tone
    residue_hz = np.float32(REFERENCE) * np.exp2(frames.residue_position)
    parts = [(hz, tonal), (residue_hz, rest), (harmonic_hz, harmonic)]
    parts = [(where, what) for where, what in parts if what.any()] or parts[:1]
    frequency, amplitude = peaks(
        np.concatenate([where for where, _ in parts], 1),
        np.concatenate([what for _, what in parts], 1),
    )
    block = n - AHEAD
    return Prepared(
        first,
        key,
        turn,
        frequency[:block],
        amplitude[:block],
        phases(frequency, first),
        np.concatenate([hz, residue_hz], 1)[:block],
        np.concatenate([energy - tonal, residue - rest], 1)[:block],
        frames.noise_shape[:block],
        frames.tone_shape[:block],
    )


def spread(hz: F32, energy: F32) -> F32:
    """Return the energy of bins [shape=(n, bins)] with each atom spread over its own room.

    The room reaches half-way to each neighbour. The energy below a frequency is piecewise linear:
    the second sum of the changes of its slope at the edges.

    Parameters
    ----------
    hz, energy : array [shape=(n, atoms)]
        Atoms of whole spectra, then those of residues; both ascending.
    """
    n = len(hz)
    where, bends = [], []
    for part in (slice(ATOMS), slice(ATOMS, None)):
        place = hz[:, part].astype(np.float64) * (FRAME / RATE)
        edge = np.empty((n, place.shape[1] + 1))
        edge[:, 1:-1] = (place[:, 1:] + place[:, :-1]) / 2.0
        edge[:, 0] = place[:, 0] - 0.5
        edge[:, -1] = place[:, -1] + 0.5
        # Atoms at the same place share a minimum of room.
        width = np.maximum(np.diff(edge, axis=1), 0.5)
        slope = energy[:, part] / width
        where += [edge[:, :-1], edge[:, :-1] + width]
        bends += [slope, -slope]
    at = np.concatenate(where, 1) + 1.5
    bend = np.concatenate(bends, 1)
    low = at.astype(np.int64)
    upper = (at - low) * bend
    room = NOISE_BINS + 4
    index = (np.clip(low, 0, room - 2) + np.arange(n)[:, None] * room).ravel()
    turns = np.bincount(index, (bend - upper).ravel(), n * room)
    turns[1:] += np.bincount(index, upper.ravel(), n * room)[:-1]
    slopes = np.cumsum(turns.reshape(n, room), axis=1)
    below = np.cumsum(slopes, axis=1)
    energy_of: F64 = np.diff(below[:, : NOISE_BINS + 1], axis=1)
    return np.maximum(energy_of, 0.0).astype(np.float32)


def decoded(parts: list[tuple[Prepared, int, int]]) -> F32:
    """Return faded windows [shape=(n, frame)] of vectors a..b of blocks, ready to add.

    Parameters
    ----------
    parts : list of (prepared block, first vector, vector after the last)
    """

    def joined(name: str) -> F32:
        return np.concatenate([getattr(p, name)[a:b] for p, a, b in parts])

    fade, power_fade = _fades()
    shape = joined("tone_shape")
    windows = sinusoids(joined("frequency"), joined("amplitude"), joined("phase"))
    windows *= shaped(shape, fade)
    spectrum = np.concatenate([_drawn(*part) for part in parts])
    spectrum *= np.float32(FRAME / 2.0) * np.sqrt(
        spread(joined("noise_hz"), joined("noise_energy"))
    )
    slow = np.matmul(spectrum[:, None, :SLOW].view(np.float32), _slow_waves())[:, 0]
    noise = np.fft.irfft(spectrum, axis=1).astype(np.float32, copy=False)
    noise -= slow
    noise *= shaped(joined("noise_shape"), power_fade)
    # Slow components begin and end with the tones.
    slow *= shaped(shape, power_fade)
    windows += noise
    windows += slow
    return windows


@lru_cache(maxsize=1)
def _slow_waves() -> F32:
    """Return the samples of slow bins, real and imaginary parts [shape=(2 * slow, frame)].

    A shape that cuts a wave as slow as itself clicks, so it leaves slow components still.
    """
    bins = np.arange(SLOW)
    turn = 2.0 * np.pi * bins[:, None] * np.arange(FRAME) / FRAME
    slow = np.clip(2.0 - bins * RATE / FRAME / SLOWEST, 0.0, 1.0)
    weight = np.where(bins == 0, 1.0, 2.0) / FRAME * slow
    waves = np.stack([np.cos(turn), -np.sin(turn)], axis=1) * weight[:, None, None]
    found: F32 = waves.reshape(2 * SLOW, FRAME).astype(np.float32)
    return found


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

    exp(i w n) with n = SIDE * p + q is exp(i w SIDE p) exp(i w q): no sine for each sample.
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
    return windows


@lru_cache(maxsize=1)
def _table() -> C64:
    """Return complex noise of mean square 1."""
    draw = np.random.Generator(np.random.Philox(0x0A15E)).standard_normal(2 * TABLE, np.float32)
    return (draw * np.float32(np.sqrt(0.5))).view(np.complex64)


def _offsets(key: int, frames: Ints) -> Ints:
    """Return each frame's start in the table: a hash of key and frame (splitmix64)."""
    x = frames.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    x ^= x >> np.uint64(31)
    return (x % np.uint64(TABLE - NOISE_BINS)).astype(np.int64)


@lru_cache(maxsize=1)
def _slots() -> F32:
    """Return the weight of each point of a shape at each sample [shape=(slots, frame)]."""
    slot = FRAME // SLOTS
    # Slots change within `RAMP` samples, so that a sudden rise is not heard early.
    place = np.arange(FRAME) + 0.5
    rise = np.clip((place - np.arange(SLOTS + 1)[:, None] * slot) / RAMP + 0.5, 0.0, 1.0)
    rise[0], rise[-1] = 1.0, 0.0
    return (rise[:-1] - rise[1:]).astype(np.float32)


def shaped(shape: F32, fade: F32) -> F32:
    """Return fades of windows [shape=(n, frame)] that follow shapes, at the same energy."""
    points = np.exp(np.float32(2.0) * shape)  # amplitudes: half of four times a quarter
    gain: F32 = np.matmul(points[:, None], _slots())[:, 0]
    # Row by row, so that a frame's bits do not depend on the number of frames.
    weight = _fades()[1] ** 2
    mean = (gain * gain * weight).sum(1, keepdims=True) * np.float32(1.0 / HOP)
    gain *= fade / np.sqrt(mean)
    return gain


def _drawn(block: Prepared, a: int, b: int) -> C64:
    """Return the noise of vectors a..b of a block [shape=(b - a, bins)], of mean square 1."""
    frames, bins = block.first + np.arange(a, b), np.arange(NOISE_BINS)
    noise: C64 = _table()[_offsets(block.key, frames)[:, None] + bins]
    if block.turn:
        other = _table()[_offsets(block.key ^ 1, frames)[:, None] + bins]
        noise = np.float32(math.cos(block.turn)) * noise + np.float32(math.sin(block.turn)) * other
    return noise
