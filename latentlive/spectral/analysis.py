"""Sound to spectral vectors: what is tonal, where it lies, and how it is spread in time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from latentlive.spectral import pitch
from latentlive.spectral.grid import (
    AROUND,
    BIN,
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
    Ints,
    erbs,
)
from latentlive.spectral.layout import (
    ATOMS,
    DIMS,
    HARMONICS,
    LEVEL_POWER,
    PITCH_REFERENCE,
    PLACES,
    REFERENCE,
    RESIDUE,
    SLOTS,
    Frames,
    packed,
    roots,
)

NARROW = 371
"""Bins that are bands of their own: up to 4 kHz."""

BESIDE = 14
"""Bins on either side that a partial has to stand out of."""

THIN = 8
"""Of what tells about the bass, every so many samples are enough."""

TAPS = 128

DEEP = 110
"""Bins, to 1.2 kHz, that longer stretches tell about where there is no pitch and no change."""

WIDE = 4
"""Bins of a band beyond."""

STEP = 64
"""Frames that are analysed together, so that they stay in the processor's cache."""

PARTIAL = 2.0
"""What a partial weighs against noise of its energy when shares are cut."""

LEAK = 0.0001
"""Of the partials around, what is taken for their skirts and not for noise."""

DECIDING = 10
"""Frames before and after that a decision on voicing hears."""

NEAR, FAR, STIFF = 0.05, 0.2, 0.02
"""How far from a harmonic, in parts of the pitch, what belongs to it may lie: `STIFF` times its
number, but not less than `NEAR` and not more than `FAR`."""

SUDDEN = 1.5
"""Natural log of energy by which tones have to rise above, or fall below, all that was near."""

LOUDEST = 4.0
"""Samples beyond are clipped."""

FLOOR = 1e-9
"""A mean square below this, -90 dB, is silence."""


@lru_cache(maxsize=2)
def _windows(size: int) -> tuple[F32, F32]:
    phase = 2.0 * np.pi * np.arange(size) / size
    hann = 0.5 - 0.5 * np.cos(phase)
    slope = np.pi / size * np.sin(phase)
    return hann.astype(np.float32), slope.astype(np.float32)


def spectra(frames: F32) -> tuple[F32, F32]:
    """Return powers and reassigned places, in bins, of stretches [shape=(n, size)].

    A sinusoid of amplitude A sums to A^2, noise of variance s to 2s. Each bin's energy is placed
    where its phase says that it is (Auger and Flandrin 1995).
    """
    size = frames.shape[1]
    hann, slope = _windows(size)
    x = np.fft.rfft(frames * hann).astype(np.complex64)
    xd = np.fft.rfft(frames * slope).astype(np.complex64)
    power = x.real * x.real + x.imag * x.imag
    # The imaginary part of xd / x.
    cross = xd.imag * x.real - xd.real * x.imag
    shift = cross / np.maximum(power, np.float32(1e-20)) * np.float32(size / (2.0 * np.pi))
    place = np.arange(power.shape[1], dtype=np.float32)
    place = place - np.clip(shift, np.float32(-2.5), np.float32(2.5))
    power *= np.float32(4.0 / (size * 0.375 * size))
    return power, place


@lru_cache(maxsize=1)
def _lowpass() -> F32:
    """Return a filter that lets pass what a rate of 5.5 kHz can hold, to 2.2 kHz."""
    n = np.arange(TAPS) - (TAPS - 1) / 2
    taps = np.sinc(n / THIN * 0.9) * np.blackman(TAPS)
    found: F32 = (taps / taps.sum()).astype(np.float32)
    return found


def thinned(samples: F32) -> F32:
    """Return every eighth sample, without what is above 2.2 kHz."""
    before = TAPS // 2 - 1
    padded = np.pad(samples, (before, TAPS))
    cut = np.lib.stride_tricks.sliding_window_view(padded, TAPS)[: len(samples) : THIN]
    found: F32 = np.ascontiguousarray(cut) @ _lowpass()
    return found


def deepened(low: F32, tonal: F32, noise: F32, place: F32) -> None:
    """Put what stretches twice as long say about the bass in place of what is known, in place.

    Parameters
    ----------
    low : array [shape=(n, size / 4)]
        Stretches of 8192 samples, of which every eighth is left.
    tonal, noise, place : array [shape=(n, bins)]
    """
    power, where = spectra(low)
    tone = tonality(power, where)
    fine, fine_place = gathered(power, tone, where)
    rough = power * (np.float32(1.0) - tone)
    # Two fine bins to a bin, whose middle is the even one.
    top = 2 * DEEP
    odd, even = fine[:, 1:top:2], fine[:, 2 : top + 1 : 2]
    pair = odd + even
    mean = odd * fine_place[:, 1:top:2] + even * fine_place[:, 2 : top + 1 : 2]
    tonal[:, 1 : DEEP + 1] = pair
    bins = np.arange(1, DEEP + 1, dtype=np.float32)
    mean = np.where(pair > 1e-20, mean / np.maximum(pair, np.float32(1e-20)) * 0.5, bins)
    place[:, 1 : DEEP + 1] = mean
    noise[:, 1 : DEEP + 1] = rough[:, 1:top:2] + rough[:, 2 : top + 1 : 2]


def _smoothed(x: F32) -> F32:
    """Return [1 2 1] / 4 along the bins."""
    out = x.copy()
    out[:, 1:-1] += np.float32(0.5) * (x[:, :-2] + x[:, 2:])
    return out * np.float32(0.5)


def _boxed(x: F32) -> F32:
    """Return means over `BESIDE` bins on both sides: 29 are 16 and 8 and 4 and 1."""
    padded = np.pad(x, ((0, 0), (BESIDE, BESIDE)), mode="edge")
    two = padded[:, :-1] + padded[:, 1:]
    four = two[:, :-2] + two[:, 2:]
    eight = four[:, :-4] + four[:, 4:]
    sixteen = eight[:, :-8] + eight[:, 8:]
    n = x.shape[1]
    found: F32 = sixteen[:, :n] + eight[:, 16 : 16 + n]
    found += four[:, 24 : 24 + n]
    found += padded[:, 28 : 28 + n]
    found *= np.float32(1.0 / (2 * BESIDE + 1))
    return found


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
    mean = _boxed(decibels)
    # What surrounds a peak, without the peak.
    around = _boxed(np.minimum(decibels, mean))
    out = decibels - around - np.float32(3.0)
    tall = np.clip((out - np.float32(8.0)) / np.float32(5.0), 0.0, 1.0)
    wide = tall.copy()
    for k in (1, 2):
        np.maximum(wide[:, k:], tall[:, :-k], out=wide[:, k:])
        np.maximum(wide[:, :-k], tall[:, k:], out=wide[:, :-k])
    steady *= np.clip((out + np.float32(3.0)) / np.float32(5.0), 0.0, 1.0)
    found: F32 = np.maximum(steady, wide)
    return found


@lru_cache(maxsize=1)
def _bands() -> tuple[Ints, F32]:
    """Return the first bin of each band that atoms are cut from, and its width in ERB.

    A band is a bin up to 4 kHz and four beyond, where hearing is no finer.
    """
    first = np.r_[1 : NARROW + 1, NARROW + 1 : int(HIGHEST / BIN) : WIDE]
    edges = np.r_[first, first[-1] + WIDE] * BIN
    return first, np.diff(erbs(edges)).astype(np.float32)


def banded(x: F32 | F64) -> F32:
    """Return sums over bands [shape=(n, bins) -> (n, bands)]."""
    first, _ = _bands()
    wide = len(first) - NARROW
    high = x[:, NARROW + 1 : NARROW + 1 + wide * WIDE].reshape(len(x), wide, WIDE)
    pairs = high[:, :, :2] + high[:, :, 2:]
    return np.concatenate([x[:, 1 : NARROW + 1], pairs[:, :, 0] + pairs[:, :, 1]], 1)


def gathered(power: F32, tone: F32, place: F32) -> tuple[F32, F32]:
    """Gather the tonal energy of bins where it lies.

    Returns
    -------
    energies, places [bins] : arrays [shape=(n, bins)]
        A place is the mean of what came to a bin; where nothing came, the bin itself.
    """
    n, bins = power.shape
    index = np.flatnonzero(tone > np.float32(0.05))
    where = place.ravel()[index].astype(np.float64)
    energy = (power * tone).ravel()[index].astype(np.float64)
    target = np.rint(where).astype(np.int64) + index // bins * bins
    np.clip(target, 0, n * bins - 1, out=target)
    total = np.bincount(target, energy, n * bins).reshape(n, bins)
    moment = np.bincount(target, energy * where, n * bins).reshape(n, bins)
    own = np.broadcast_to(np.arange(bins, dtype=np.float64), (n, bins)).copy()
    np.divide(moment, total, out=own, where=total > 1e-25)
    return total.astype(np.float32), own.astype(np.float32)


def weighed(tonal: F32, noise: F32, place: F32) -> tuple[F32, F32, F32]:
    """Return what atoms are cut from: energies and places of bands [shape=(n, bands) each].

    Parameters
    ----------
    tonal, noise : array [shape=(n, bins)]
        Energies, parts of the whole.
    place : array [shape=(n, bins), bins]
        Where the tonal energy lies.
    """
    bands = banded(tonal)
    where = banded(tonal * place)
    np.divide(where, bands, out=where, where=bands > np.float32(1e-20))
    return bands, banded(noise), where


def atoms(bands: tuple[F32, F32, F32], count: int) -> tuple[F32, F32, F32]:
    """Cut spectra, as `weighed` gives them, into shares of equal weight.

    Returns
    -------
    positions [octaves from 640 Hz], energies, tonal shares : arrays [shape=(n, count)]
    """
    tonal, noise, place = bands
    n, width = tonal.shape
    first, per_erb = _bands()
    rows = np.arange(n)[:, None]
    total = np.maximum((tonal + noise).sum(1, keepdims=True), np.float32(1e-20))
    # The fourth root is near to loudness; nothing is made of what lies 75 dB below.
    share = np.float32(PARTIAL) * np.sqrt(np.sqrt(tonal / total))
    share += np.sqrt(np.sqrt(noise / total))
    share = np.maximum(share - np.float32(10.0 ** (-7.5 / 4)), np.float32(1e-6)) * per_erb
    mass = np.cumsum(share, 1, dtype=np.float64)
    mass /= mass[:, -1:]
    # All rows in one search: each lies one higher than the one before it.
    cuts = np.arange(1, count + 1) / count - 1e-9
    at = np.searchsorted((mass + rows).ravel(), (cuts + rows).ravel()).reshape(n, -1)
    at = np.clip(at - rows * width, 0, width - 1)
    before = np.where(at > 0, mass[rows, at - 1], 0.0)
    part = np.clip((cuts - before) / np.maximum(mass[rows, at] - before, 1e-30), 0.0, 1.0)
    # A band is shared only by those that have nothing else: no share ends with a bit of the next.
    ends = np.ones((n, count), np.bool_)
    ends[:, :-1] = at[:, 1:] != at[:, :-1]
    part[ends] = 1.0
    sums = []
    running = np.zeros((n, width + 1))
    for kind in (tonal, noise, noise * first.astype(np.float32)):
        np.cumsum(kind, axis=1, out=running[:, 1:])
        inside = running[rows, at] + part * (running[rows, at + 1] - running[rows, at])
        sums.append(np.maximum(np.diff(inside, axis=1, prepend=0.0), 0.0))
    tone, energy, moment = sums
    # Noise lies in the middle; of partials the strongest says where, since a mean would invent
    # one between two. Bits of positive floats are in order, with the band's number below them.
    start = np.zeros((n, count), np.int64)
    start[:, 1:] = at[:, :-1] + ends[:, :-1]
    start = np.minimum(start, at)
    key = (tonal.view(np.int32).astype(np.int64) << 16) + np.arange(width)
    best = np.maximum.reduceat(key.ravel(), (start + rows * width).ravel()).reshape(n, count)
    last = (part * tonal[rows, at]).astype(np.float32).view(np.int32).astype(np.int64)
    strongest = np.maximum(best, (last << 16) + at) & 0xFFFF
    middle = np.where(energy > 1e-14, moment / np.maximum(energy, 1e-14), first[at])
    energy += tone
    tone = np.clip(tone / np.maximum(energy, 1e-30), 0.0, 1.0)
    bins = np.where(tone > 0.5, place[rows, strongest], middle)
    hz = np.clip(bins * BIN, LOWEST, HIGHEST)
    position = np.maximum.accumulate(np.log2(hz / REFERENCE), axis=1)
    return position.astype(np.float32), energy.astype(np.float32), tone.astype(np.float32)


def shapes(frames: F32) -> tuple[F32, F32]:
    """Return how noise and tones move inside windows [shape=(n, slots)]: quarters of natural logs.

    Noise moves as the energy of the edges does. Tones move only where they begin or end, as the
    energy does; their beating is not a shape.
    """
    n = len(frames)
    start, slot = (SIZE - FRAME) // 2, FRAME // SLOTS
    edges = np.diff(frames[:, start - 1 : start + FRAME], axis=1).reshape(n, SLOTS, slot)
    square = np.mean(edges * edges, 2)
    mean = np.maximum(square.mean(1, keepdims=True), np.float32(1e-12))
    noise = np.log(np.maximum(square / mean, np.float32(1e-6)))
    # Slots of the window and as many on both sides.
    wide = frames[:, start - FRAME : start + 2 * FRAME]
    energy = np.mean(np.square(wide).reshape(n, 3 * SLOTS, slot), 2) + np.float32(1e-10)
    mean = energy[:, SLOTS : 2 * SLOTS].mean(1, keepdims=True)
    tone = np.log(energy[:, SLOTS : 2 * SLOTS] / mean)
    log = np.log(energy)
    seen = np.lib.stride_tricks.sliding_window_view(log, SLOTS, axis=1).max(2)
    near = np.lib.stride_tricks.sliding_window_view(log, SLOTS // 2, axis=1).max(2)
    inner = np.arange(SLOTS + 1, 2 * SLOTS)
    rise = near[:, inner] - seen[:, inner - SLOTS]
    fall = near[:, inner - SLOTS // 2] - seen[:, inner]
    sudden = np.maximum(rise, fall).max(1, keepdims=True)
    tone *= np.clip(sudden - SUDDEN, 0.0, 1.0)
    return _quarters(noise), _quarters(tone)


def _quarters(log: F32) -> F32:
    found: F32 = np.clip(log, np.float32(-12.0), np.float32(5.0)) / np.float32(4.0)
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


def _vectors(frames: F32, low: F32, hz: F64, power: F32, place: F32) -> F32:
    """Return the vectors of stretches [shape=(n, size)] whose pitch is known, 0 if none.

    As voiced as harmonics are a share of what is tonal; `settled` makes a decision of that.
    """
    tone = tonality(power, place)
    n = len(frames)
    pitched = np.flatnonzero(hz > 0)
    total = np.maximum(power.sum(1, keepdims=True), np.float32(1e-20))
    tonal, place = gathered(power, tone, place)
    noise = power * (np.float32(1.0) - tone)
    noise = np.maximum(noise - np.float32(LEAK) * _boxed(tonal), np.float32(0.0))
    bass = slice(1, DEEP + 1)
    bells = tonal[:, bass].sum(1) > noise[:, bass].sum(1)
    long = np.flatnonzero((hz <= 0) & bells & steady(low))
    if len(long):
        parts = tonal[long], noise[long], place[long]
        deepened(low[long], *parts)
        tonal[long], noise[long], place[long] = parts
        total[long] = np.maximum((parts[0] + parts[1]).sum(1, keepdims=True), np.float32(1e-20))
    tonal /= total
    noise /= total
    bands = weighed(tonal, noise, place)
    position, energy, tone_of = atoms(bands, ATOMS)
    harmonics = np.zeros((n, HARMONICS), np.float32)
    voiced = np.zeros(n, np.float32)
    pitches = np.full(n, PITCH_REFERENCE)
    # Without harmonics the rest is all there is, in fewer shares.
    shares = energy.reshape(n, RESIDUE, -1)
    residue_energy = shares.sum(2)
    residue_position = position[:, 2 :: ATOMS // RESIDUE].copy()
    residue_tone = (shares * tone_of.reshape(shares.shape)).sum(2)
    residue_tone /= np.maximum(residue_energy, np.float32(1e-20))
    if len(pitched):
        own, where = tonal[pitched], place[pitched]
        f0 = pitch.refined(hz[pitched] / BIN, own, where)
        pitches[pitched] = f0 * BIN
        energies, share = split(own, where, f0)
        voiced[pitched] = np.maximum(share, 1e-3)
        harmonics[pitched] = energies
        cut = atoms(weighed(own, noise[pitched], where), RESIDUE)
        residue_position[pitched], residue_energy[pitched], residue_tone[pitched] = cut
    noise_shape, tone_shape = shapes(frames)
    level = levels(frames)
    described = Frames(
        position,
        roots(energy),
        tone_of,
        residue_position,
        roots(residue_energy),
        residue_tone,
        noise_shape,
        tone_shape,
        roots(harmonics),
        voiced,
        np.log2(pitches / PITCH_REFERENCE).astype(np.float32),
        roots(level, LEVEL_POWER),
    )
    z = packed(described, np.ones(n, np.float32))
    z[level <= np.float32(FLOOR)] = 0.0
    return z


def split(tonal: F32, place: F32, f0: F64) -> tuple[F64, F64]:
    """Take the harmonics of pitches out of tonal energies, in place.

    Parameters
    ----------
    tonal, place : array [shape=(n, bins)]
    f0 : array [shape=(n,), bins]

    Returns
    -------
    energies of harmonics : array [shape=(n, harmonics)]
    shares : array [shape=(n,)], 0..1
        How much of what is tonal was a harmonic.
    """
    n, bins = tonal.shape
    index = np.flatnonzero(tonal)
    row = index // bins
    ratio = place.ravel()[index] / f0[row]
    number = np.rint(ratio)
    off = np.abs(ratio - number) * f0[row]
    # Strings are stiff: their high harmonics lie a little too high.
    room = np.maximum(np.clip(STIFF * number, NEAR, FAR) * f0[row], 0.5)
    number[(number > HARMONICS) | (off > room)] = 0
    target = row * (HARMONICS + 1) + number.astype(np.int64)
    summed = np.bincount(target, tonal.ravel()[index], n * (HARMONICS + 1)).reshape(n, -1)
    tonal.ravel()[index[number > 0]] = 0.0
    share = summed[:, 1:].sum(1) / np.maximum(summed.sum(1), 1e-20)
    return summed[:, 1:].astype(np.float64), share


def steady(low: F32) -> NDArray[np.bool_]:
    """Return whether stretches are about as loud everywhere [shape=(n,)]."""
    loud = np.square(low).reshape(len(low), 8, -1).mean(2)[:, 1:-1] + np.float32(1e-12)
    found: NDArray[np.bool_] = loud.max(1) < np.float32(4.0) * loud.min(1)
    return found


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
    long = thinned(np.pad(samples, SIZE // 2))
    low = np.lib.stride_tricks.sliding_window_view(long, 2 * SIZE // THIN)[:: HOP // THIN]
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
            z[a - AROUND : b - AROUND] = _vectors(frames[a:b], low[a:b], hz[a:b], power, place)
    return settled(z)


def settled(z: F32) -> F32:
    """Decide what is voiced: what mostly is, in the frames around, harmonics of one pitch."""
    shares = z[:, PLACES["voiced"]][:, 0].astype(np.float64)
    there = shares > 0
    box = np.ones(2 * DECIDING + 1)
    mean = np.convolve(shares, box, "same") / np.maximum(np.convolve(there, box, "same"), 1.0)
    voiced = np.clip((mean - 0.7) / 0.2, 0.0, 1.0) * there
    factor = (voiced / np.where(there, shares, 1.0)).astype(np.float32)[:, None]
    z[:, PLACES["voiced"]] *= factor
    z[:, PLACES["pitch"]] *= factor
    return z
