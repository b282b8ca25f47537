"""Sound to spectral vectors: what is tonal, where it lies, and how it is spread in time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from latentlive.spectral import pitch
from latentlive.spectral.grid import (
    AROUND,
    BIN,
    BINS,
    F32,
    F64,
    FRAME,
    HIGHEST,
    HOP,
    LOWEST,
    MARGIN,
    PAGE,
    PAGE_SAMPLES,
    SIZE,
    erbs,
)
from latentlive.spectral.layout import (
    ATOMS,
    DIMS,
    HARMONICS,
    PITCH_REFERENCE,
    REFERENCE,
    RESIDUE,
    SLOTS,
    Frames,
    packed,
    roots,
)

STEP = 64
"""Frames that are analysed together, so that they stay in the processor's cache."""

LOUDEST = 16.0
"""Samples beyond are clipped."""

FLOOR = 1e-9
"""A mean square below this, -90 dB, is silence."""


@lru_cache(maxsize=1)
def _windows() -> tuple[F32, F32]:
    phase = 2.0 * np.pi * np.arange(SIZE) / SIZE
    hann = 0.5 - 0.5 * np.cos(phase)
    slope = np.pi / SIZE * np.sin(phase)
    return hann.astype(np.float32), slope.astype(np.float32)


@lru_cache(maxsize=1)
def _per_erb() -> F64:
    """Return how much of hearing's scale a bin covers [shape=(bins,)]."""
    found: F64 = np.gradient(erbs(np.arange(BINS, dtype=np.float64) * BIN))
    return found


def spectra(frames: F32) -> tuple[F32, F32]:
    """Return powers and reassigned places, in bins, of stretches [shape=(n, size)].

    A sinusoid of amplitude A sums to A^2, noise of variance s to 2s. Each bin's energy is placed
    where its phase says that it is (Auger and Flandrin 1995).
    """
    hann, slope = _windows()
    x = np.fft.rfft(frames * hann).astype(np.complex64)
    xd = np.fft.rfft(frames * slope).astype(np.complex64)
    power = x.real * x.real + x.imag * x.imag
    # The imaginary part of xd / x.
    cross = xd.imag * x.real - xd.real * x.imag
    shift = cross / np.maximum(power, np.float32(1e-20)) * np.float32(SIZE / (2.0 * np.pi))
    place = np.arange(BINS, dtype=np.float32) - np.clip(shift, np.float32(-2.5), np.float32(2.5))
    power *= np.float32(4.0 / (SIZE * 0.375 * SIZE))
    return power, place


def _smoothed(x: F32) -> F32:
    """Return [1 2 1] / 4 along the bins."""
    out = x.copy()
    out[:, 1:-1] += np.float32(0.5) * (x[:, :-2] + x[:, 2:])
    return out * np.float32(0.5)


def _boxed(x: F32, half: int) -> F32:
    """Return means over `half` bins on both sides."""
    padded = np.pad(x, ((0, 0), (half + 1, half)), mode="edge")
    total = np.cumsum(padded, 1, dtype=np.float64)
    width = 2 * half + 1
    return ((total[:, width:] - total[:, :-width]) / width).astype(np.float32)


def tonality(power: F32, place: F32) -> F32:
    """Return how tonal each bin is, 0..1.

    A partial draws the places of the bins around it to itself, and stands out of its surroundings;
    noise does neither. Choirs and pads beat, so that their places waver: standing out is enough.
    """
    slope = np.zeros_like(place)
    slope[:, 1:-1] = np.abs(place[:, 2:] - place[:, :-2]) * np.float32(0.5)
    steady = np.clip(np.float32(1.25) - slope / np.float32(0.4), 0.0, 1.0)
    weight = power + np.float32(1e-20)
    for _ in range(2):
        steady = _smoothed(steady * weight) / _smoothed(weight)
    steady = np.clip((steady - np.float32(0.5)) / np.float32(0.35), 0.0, 1.0)
    decibels = np.float32(10.0 / np.log(10.0)) * np.log(weight)
    mean = _boxed(decibels, 14)
    # What surrounds a peak, without the peak.
    around = _boxed(np.minimum(decibels, mean), 14)
    out = decibels - around - np.float32(3.0)
    tall = np.clip((out - np.float32(8.0)) / np.float32(5.0), 0.0, 1.0)
    wide = tall.copy()
    for k in (1, 2):
        np.maximum(wide[:, k:], tall[:, :-k], out=wide[:, k:])
        np.maximum(wide[:, :-k], tall[:, k:], out=wide[:, :-k])
    steady *= np.clip((out + np.float32(3.0)) / np.float32(5.0), 0.0, 1.0)
    found: F32 = np.maximum(steady, wide)
    return found


def atoms(power: F32, tone: F32, place: F32, count: int) -> tuple[F32, F32, F32]:
    """Cut spectra into shares of equal weight.

    Returns
    -------
    positions [octaves from 640 Hz], energies, tonal shares : arrays [shape=(n, count)]
    """
    n = len(power)
    moved = np.where(tone > np.float32(0.3), place, np.arange(BINS, dtype=np.float32))
    order = np.argsort(moved, axis=1, kind="stable")
    rows = np.arange(n)[:, None]
    moved, power, tone = moved[rows, order], power[rows, order], tone[rows, order]
    per_erb = _per_erb()[order]
    total = np.maximum(power.sum(1, keepdims=True, dtype=np.float64), 1e-20)
    share = np.maximum(power / total, 1e-15) ** 0.3 * per_erb
    share = np.maximum(share - 10.0 ** (-7.5 * 0.3) * per_erb, 0.0) + 1e-6 * per_erb
    square = power.astype(np.float64) ** 2
    kinds = (power, power * tone, square, square * moved)
    mass = np.cumsum(share, 1)
    mass /= mass[:, -1:]
    # All rows in one search: each lies one higher than the one before it.
    cuts = np.arange(1, count) / count
    flat = (mass + np.arange(n)[:, None]).ravel()
    at = np.searchsorted(flat, (cuts + np.arange(n)[:, None]).ravel()).reshape(n, -1)
    at = np.clip(at - np.arange(n)[:, None] * BINS, 0, BINS - 1)
    before = np.where(at > 0, mass[rows, at - 1], 0.0)
    part = np.clip((cuts - before) / np.maximum(mass[rows, at] - before, 1e-30), 0.0, 1.0)
    sums = []
    for kind in kinds:
        running = np.zeros((n, BINS + 1))
        np.cumsum(kind, axis=1, out=running[:, 1:])
        inside = running[rows, at] + part * (running[rows, at + 1] - running[rows, at])
        sums.append(np.diff(inside, axis=1, prepend=0.0, append=running[:, -1:]))
    energy, tonal, weight, centre = (np.maximum(s, 0.0) for s in sums)
    # The strongest partial of a share says where it lies: a mean would invent one between two.
    middle = (np.arange(count) + 0.5) / count
    at = np.searchsorted(flat, (middle + np.arange(n)[:, None]).ravel()).reshape(n, -1)
    at = np.clip(at - np.arange(n)[:, None] * BINS, 0, BINS - 1)
    bins = np.where(weight > 1e-26, centre / np.maximum(weight, 1e-30), moved[rows, at])
    hz = np.clip(bins * BIN, LOWEST, HIGHEST)
    position = np.maximum.accumulate(np.log2(hz / REFERENCE), axis=1)
    tonal = np.clip(tonal / np.maximum(energy, 1e-30), 0.0, 1.0)
    return position.astype(np.float32), energy.astype(np.float32), tonal.astype(np.float32)


def envelopes(frames: F32) -> F32:
    """Return how the energy of the edges moves inside stretches: quarters of natural logs."""
    middle = frames[:, SIZE // 4 - 1 : SIZE // 4 + SIZE // 2]
    edges = np.diff(middle, axis=1).reshape(len(frames), SLOTS, -1)
    log = np.log(np.mean(edges * edges, 2) + np.float32(1e-12))
    log -= log.mean(1, keepdims=True)
    found: F32 = np.clip(log, np.float32(-5.0), np.float32(5.0)) / np.float32(4.0)
    return found


def levels(frames: F32) -> F32:
    """Return twice the mean square in the middle of stretches: what their spectra should sum to."""
    start = (SIZE - FRAME) // 2
    middle = frames[:, start : start + FRAME]
    hann = np.float32(0.5) - np.float32(0.5) * np.cos(
        2 * np.pi * np.arange(FRAME, dtype=np.float32) / FRAME
    )
    squared = (middle * hann) ** 2
    found: F32 = np.float32(2.0) * squared.sum(1) / np.float32(0.375 * FRAME)
    return found


def _vectors(frames: F32, hz: F64, power: F32, place: F32, tone: F32) -> F32:
    """Return the vectors of stretches [shape=(n, size)] whose pitch is known, 0 if none."""
    n = len(frames)
    voiced = hz > 0
    tonal = power * tone
    total = np.maximum(power.sum(1, keepdims=True), np.float32(1e-20))
    position, energy, tone_of = atoms(power, tone, place, ATOMS)
    harmonics = np.zeros((n, HARMONICS), np.float32)
    rest = power.copy()
    pitches = np.ones(n)
    if voiced.any():
        pitches[voiced] = pitch.refined(hz[voiced] / BIN, tonal[voiced], place[voiced]) * BIN
        f0 = pitches[voiced, None] / BIN
        number = np.rint(np.arange(BINS) / f0).astype(np.int64)
        number[(number < 1) | (number > HARMONICS)] = 0
        index = (number + np.arange(len(f0))[:, None] * (HARMONICS + 1)).ravel()
        length = len(f0) * (HARMONICS + 1)
        summed = np.bincount(index, tonal[voiced].ravel(), length).reshape(len(f0), -1)
        harmonics[voiced] = summed[:, 1:]
        rest[voiced] -= np.where(number > 0, tonal[voiced], np.float32(0.0))
    residue_position, residue_energy, _ = atoms(rest, np.zeros_like(tone), place, RESIDUE)
    level = levels(frames)
    described = Frames(
        position,
        roots(energy / total),
        tone_of,
        residue_position,
        roots(residue_energy / total),
        envelopes(frames),
        roots(harmonics / total),
        voiced.astype(np.float32),
        np.log2(pitches / PITCH_REFERENCE).astype(np.float32),
        roots(level),
    )
    loud = level > np.float32(FLOOR)
    z = packed(described, np.ones(n, np.float32))
    z[~loud] = 0.0
    return z


def encoded(samples: F32) -> F32:
    """Return the vectors of a page [shape=(page, dims)] of its samples with a margin around.

    Parameters
    ----------
    samples : array [shape=(page samples + 2 * margin,)]
        Sample `margin` is the first one of the page's first window. Outside of the recording: 0.
    """
    if samples.shape != (PAGE_SAMPLES + 2 * MARGIN,):
        raise ValueError(f"a page wants {PAGE_SAMPLES + 2 * MARGIN} samples, got {samples.shape}")
    samples = np.clip(np.nan_to_num(samples), -LOUDEST, LOUDEST).astype(np.float32)
    if not samples.any():
        return np.zeros((PAGE, DIMS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, SIZE)[::HOP]
    kept = []
    strength = []
    for start in range(0, len(frames), STEP):
        part = frames[start : start + STEP]
        power, place = spectra(part)
        strength.append(pitch.strengths(power))
        kept.append((power, place))
    path = pitch.track(np.concatenate(strength))
    hz = np.where(path >= 0, pitch.PITCHES[path], 0.0)
    z = np.empty((PAGE, DIMS), np.float32)
    for index, (power, place) in enumerate(kept):
        start = index * STEP
        a, b = max(start, AROUND), min(start + len(power), AROUND + PAGE)
        if a < b:
            here = slice(a - start, b - start)
            power, place = power[here], place[here]
            tone = tonality(power, place)
            z[a - AROUND : b - AROUND] = _vectors(frames[a:b], hz[a:b], power, place, tone)
    return z
