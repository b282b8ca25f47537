"""Sound to spectral vectors: its tonal part, the places of its energy, its envelope in time."""

from __future__ import annotations

import numpy as np

from latentlive.spectral import pitch
from latentlive.spectral.grid import (
    AROUND,
    BIN,
    F32,
    F64,
    FRAME,
    HOP,
    PAGE,
    SIZE,
)
from latentlive.spectral.layout import (
    ATOMS,
    DIMS,
    HARMONICS,
    LEVEL_POWER,
    PITCH_REFERENCE,
    PLACES,
    RESIDUE,
    SLOTS,
    Frames,
    packed,
    roots,
)
from latentlive.spectral.partials import (
    DEEP,
    THIN,
    boxed,
    deepened,
    gathered,
    spectra,
    steady,
    thinned,
    tonality,
)
from latentlive.spectral.shares import atoms, weighed

STEP = 64
"""Frames analysed together, so that they stay in the processor's cache."""

LEAK = 0.0001
"""The part of the surrounding partials that counts as their skirts, not as noise."""

DECIDING = 10
"""Frames before and after that a decision on voicing reads."""

BOX: F64 = np.ones(2 * DECIDING + 1)

NEAR, FAR, STIFF = 0.05, 0.2, 0.02
"""How far a partial may be from its harmonic, in parts of the pitch: `STIFF` times the harmonic's
number, at least `NEAR` and at most `FAR`."""

SUDDEN = 1.5
"""Natural log of energy by which tones must rise above, or fall below, all energies nearby."""

SMOOTH = 64
"""Samples of a running mean; three in a row keep only what is slower than .4 kHz."""

LOUDEST = 4.0
"""Samples beyond this are clipped."""

FLOOR = 1e-9
"""A mean square below this, -90 dB, is silence."""


def sharpened(samples: F32) -> F32:
    """Return steps from sample to sample without changes slower than a slot [shape=(n,)].

    The waveform of a rumble is not a shape, but its swings would count as one.
    """
    smooth = np.pad(samples.astype(np.float64), 3 * SMOOTH // 2)
    for _ in range(3):
        running = np.cumsum(np.pad(smooth, (1, 0)))
        smooth = (running[SMOOTH:] - running[:-SMOOTH]) / SMOOTH
    fast = samples - smooth[1 : 1 + len(samples)]
    return np.diff(fast, prepend=0.0).astype(np.float32)


def sudden(energy: F32) -> F32:
    """Return how far energies [shape=(n, 3 * slots)] rise above, or fall below, all nearby.

    Natural logs [shape=(n,)] of the greatest such step in the middle third.
    """
    log = np.log(energy)
    seen = np.lib.stride_tricks.sliding_window_view(log, SLOTS, axis=1).max(2)
    near = np.lib.stride_tricks.sliding_window_view(log, SLOTS // 2, axis=1).max(2)
    inner = np.arange(SLOTS + 1, 2 * SLOTS)
    rise = near[:, inner] - seen[:, inner - SLOTS]
    fall = near[:, inner - SLOTS // 2] - seen[:, inner]
    found: F32 = np.maximum(rise, fall).max(1)
    return found


def shapes(frames: F32, sharp: F32) -> tuple[F32, F32]:
    """Return how noise and tones move inside windows [shape=(n, slots)]: quarters of natural logs.

    Noise follows the energy of the edges. Tones follow the energy, but only where they begin or
    end; their beating is not a shape.

    Parameters
    ----------
    frames, sharp : array [shape=(n, size)]
        Stretches, and the same `sharpened`.
    """
    n = len(frames)
    start, slot = (SIZE - FRAME) // 2, FRAME // SLOTS
    edges = sharp[:, start : start + FRAME].reshape(n, SLOTS, slot)
    square = np.mean(edges * edges, 2)
    mean = np.maximum(square.mean(1, keepdims=True), np.float32(1e-12))
    noise = np.log(np.maximum(square / mean, np.float32(1e-6)))
    # The window's slots and as many on each side.
    wide = slice(start - FRAME, start + 2 * FRAME)
    energy = np.mean(np.square(frames[:, wide]).reshape(n, 3 * SLOTS, slot), 2) + np.float32(1e-10)
    inner = energy[:, SLOTS : 2 * SLOTS]
    tone = np.log(inner / inner.mean(1, keepdims=True))
    edges = np.mean(np.square(sharp[:, wide]).reshape(n, 3 * SLOTS, slot), 2) + np.float32(1e-12)
    turns = [np.clip(sudden(x) - np.float32(SUDDEN), 0.0, 1.0) for x in (energy, edges)]
    tone *= np.minimum(*turns)[:, None]
    return _quarters(noise), _quarters(tone)


def _quarters(log: F32) -> F32:
    found: F32 = np.clip(log, np.float32(-12.0), np.float32(5.0)) / np.float32(4.0)
    return found


def levels(frames: F32) -> F32:
    """Return twice the mean square in the middle of stretches: the sum of their spectra."""
    start = (SIZE - FRAME) // 2
    middle = frames[:, start : start + FRAME]
    hann = np.float32(0.5) - np.float32(0.5) * np.cos(
        2 * np.pi * np.arange(FRAME, dtype=np.float32) / FRAME
    )
    squared = (middle * hann) ** 2
    found: F32 = np.float32(2.0) * squared.sum(1) / np.float32(0.375 * FRAME)
    return found


def _vectors(frames: F32, sharp: F32, low: F32, hz: F64, power: F32, place: F32) -> F32:
    """Return the vectors of stretches [shape=(n, size)] whose pitch is known, 0 if none.

    `harmonic` is the harmonics' share of the tonal energy, `voiced` the tonal share of all energy;
    `settled` turns both into decisions.
    """
    tone = tonality(power, place)
    n = len(frames)
    pitched = np.flatnonzero(hz > 0)
    total = np.maximum(power.sum(1, keepdims=True), np.float32(1e-20))
    tonal, place = gathered(power, tone, place)
    noise = power * (np.float32(1.0) - tone)
    noise = np.maximum(noise - np.float32(LEAK) * boxed(tonal), np.float32(0.0))
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
    harmonic, voiced = np.zeros(n, np.float32), np.zeros(n, np.float32)
    pitches = np.full(n, PITCH_REFERENCE)
    # Without harmonics, the residue is the whole spectrum in fewer shares.
    shares = energy.reshape(n, RESIDUE, -1)
    residue_energy = shares.sum(2)
    residue_position = position[:, 2 :: ATOMS // RESIDUE].copy()
    residue_tone = (shares * tone_of.reshape(shares.shape)).sum(2)
    residue_tone /= np.maximum(residue_energy, np.float32(1e-20))
    if len(pitched):
        own, where = tonal[pitched], place[pitched]
        f0 = pitch.refined(hz[pitched] / BIN, own, where)
        pitches[pitched] = f0 * BIN
        clear = own.sum(1)
        energies, share = split(own, where, f0)
        harmonic[pitched] = np.maximum(share, 1e-3)
        voiced[pitched] = np.maximum(clear, 1e-3)
        harmonics[pitched] = energies
        cut = atoms(weighed(own, noise[pitched], where), RESIDUE)
        residue_position[pitched], residue_energy[pitched], residue_tone[pitched] = cut
    noise_shape, tone_shape = shapes(frames, sharp)
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
        harmonic,
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
        The harmonics' share of the tonal energy.
    """
    n, bins = tonal.shape
    index = np.flatnonzero(tonal)
    row = index // bins
    ratio = place.ravel()[index] / f0[row]
    number = np.rint(ratio)
    off = np.abs(ratio - number) * f0[row]
    # Strings are stiff: their high harmonics are a little sharp.
    room = np.maximum(np.clip(STIFF * number, NEAR, FAR) * f0[row], 0.5)
    number[(number > HARMONICS) | (off > room)] = 0
    target = row * (HARMONICS + 1) + number.astype(np.int64)
    energy = tonal.ravel()[index]
    summed = np.bincount(target, energy, n * (HARMONICS + 1)).reshape(n, -1)
    share = summed[:, 1:].sum(1) / np.maximum(summed.sum(1), 1e-20)
    # Each partial of a bell counts as its nearest harmonic.
    bell = ringing(tonal.sum(1)) * (1.0 - harmonious(share, 1.0))
    stray = number == 0
    nearest = np.clip(np.rint(ratio), 1, HARMONICS).astype(np.int64)
    part = np.where(stray, bell[row], 1.0)
    turned = (row * HARMONICS + nearest - 1)[stray]
    harmonics = summed[:, 1:].astype(np.float64)
    harmonics += np.bincount(turned, (energy * part)[stray], n * HARMONICS).reshape(n, -1)
    tonal.ravel()[index] = energy * (1.0 - part)
    return harmonics, share


def encoded(samples: F32, count: int) -> F32:
    """Return the vectors of a page [shape=(count, dims)] of its samples with a margin around.

    Parameters
    ----------
    samples : array [shape=(margin + (count - 1) * hop + frame + margin,)]
        Sample `margin` is the first one of the page's first window. Outside the recording: 0.
    count : int
        Of a page of less than `PAGE` vectors, those beside it are decided on too.
    """
    samples = np.clip(np.nan_to_num(samples), -LOUDEST, LOUDEST).astype(np.float32)
    if not samples.any():
        return np.zeros((count, DIMS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, SIZE)[::HOP]
    sharp = np.lib.stride_tricks.sliding_window_view(sharpened(samples), SIZE)[::HOP]
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
    beside = 0 if count == PAGE else DECIDING
    first, last = AROUND - beside, AROUND + count + beside
    z = np.empty((last - first, DIMS), np.float32)
    for index, (power, place) in enumerate(kept):
        start = index * STEP
        a, b = max(start, first), min(start + len(power), last)
        if a < b:
            here = slice(a - start, b - start)
            power, place = power[here], place[here]
            stretches = frames[a:b], sharp[a:b], low[a:b]
            z[a - first : b - first] = _vectors(*stretches, hz[a:b], power, place)
    return settled(z)[beside : beside + count]


def ringing(clear: F64) -> F64:
    """Return whether a sound is nearly all partials, 0..1 [clear: their share of it]."""
    found: F64 = np.clip((clear - 0.8) / 0.1, 0.0, 1.0)
    return found


def harmonious(share: F64, bell: F64 | float) -> F64:
    """Return whether partials form a tone, 0..1; a bell needs a greater share, or keeps its own."""
    found: F64 = np.clip((share - 0.3 - 0.35 * bell) / 0.2, 0.0, 1.0)
    return found


def settled(z: F32) -> F32:
    """Decide from neighbouring frames which are harmonic and which have a pitch.

    A tone consists largely of harmonics of its pitch. A sound of nearly only partials, such as a
    bell or a chord, has the pitch that a listener hears, whether they are harmonics or not.
    """
    there = z[:, PLACES["harmonic"]][:, 0] > 0
    near = np.maximum(np.convolve(there, BOX, "same"), 1.0)

    def mean(name: str) -> F64:
        found: F64 = np.convolve(z[:, PLACES[name]][:, 0].astype(np.float64), BOX, "same") / near
        return found

    clear = ringing(mean("voiced")) * there
    tone = harmonious(mean("harmonic"), clear) * there
    voiced = np.maximum(tone, clear)
    was = z[:, PLACES["voiced"]][:, 0]
    z[:, PLACES["pitch"]] *= (voiced / np.where(there, was, 1.0)).astype(np.float32)[:, None]
    z[:, PLACES["voiced"]] = voiced[:, None]
    part = np.clip((tone - 0.6) / 0.38, 0.0, 1.0)
    z[:, PLACES["harmonic"]] = (part * part * (3.0 - 2.0 * part))[:, None]
    return z
