"""What is heard of short stretches of sound: brightness, noisiness, roughness, loudness.

Sources: ISO/IEC 15938-4 (MPEG-7), for the centroid of the power on an axis of octaves, and for the
flatness of bands; Daniel and Weber, Psychoacoustical roughness: implementation of
an optimized model (Acustica 1997), for the roughness, simplified: neighbouring bands are not
compared, and one weighting of modulations serves all of them; Zwicker and Fastl, Psychoacoustics
(1990), for the exponent with which bands are weighed.
"""

from __future__ import annotations

import itertools

import numpy as np

from latentlive.units import Floats, Samples

FRAME, HOP = 2048, 1024
"""Samples of a spectrum, and from one to the next."""

STRETCH = 8192
"""Samples in which modulations are counted: the slowest goes round three times."""

LOUDNESS = 0.23
"""The exponent from power to loudness."""

BARK = (
    *(20, 100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720),
    *(2000, 2320, 2700, 3150, 3700, 4400, 5300, 6400, 7700, 9500, 12000, 15500),
)
"""The edges of the 24 critical bands, in Hz."""

THIRDS = (0.0, *(250.0 * 2.0 ** (third / 3.0) for third in range(19)))
"""The edges of the bands of flatness, in Hz: below 250 Hz a third of an octave has too few bins."""

SLOWEST, ROUGHEST = 15.0, 70.0
"""Modulations a second: from where they count, and where they count most."""

LOWEST = 30.0
"""Hz from which on sound is bright or dark."""

QUIET = 1e-12


def spectra(samples: Floats, rate: int) -> tuple[Floats, Floats]:
    """Return power spectra [shape=(..., frames, bins)] and the frequencies of their bins in Hz.

    Parameters
    ----------
    samples : array [shape=(..., n)]
        At least `FRAME`.
    rate : int [samples a second]
    """
    window = np.hanning(FRAME + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME, axis=-1)[..., ::HOP, :]
    power: Floats = np.abs(np.fft.rfft(frames * window)) ** 2 / (window.sum() / 2.0) ** 2
    hz: Floats = np.fft.rfftfreq(FRAME, 1.0 / rate).astype(np.float64)
    return power, hz


def centroid(power: Floats, hz: Floats) -> Floats:
    """Return the centre of the power above 30 Hz, in octaves [shape=(...)]: the log to 2 of Hz."""
    there = power * (hz >= LOWEST) + QUIET * QUIET
    octaves: Floats = there @ np.log2(np.maximum(hz, LOWEST)) / there.sum(axis=-1)
    return octaves


def flatness(power: Floats, hz: Floats) -> Floats:
    """Return the flatness of thirds of an octave, each by its loudness [shape=(...), dB].

    0 is flat.
    """
    flat, weights = np.zeros(power.shape[:-1]), np.full(power.shape[:-1], QUIET)
    for low, high in itertools.pairwise(THIRDS):
        band = power[..., (hz >= low) & (hz < high)] + QUIET
        if band.shape[-1]:
            mean = band.mean(axis=-1)
            weight = mean**LOUDNESS
            flat += weight * 10.0 * (np.log10(band).mean(axis=-1) - np.log10(mean))
            weights += weight
    found: Floats = flat / weights
    return found


def roughness(samples: Floats, rate: int) -> Floats:
    """Return how rough stretches are [shape=(...)]: 0 is smooth, a deep modulation about 0.8.

    Parameters
    ----------
    samples : array [shape=(..., STRETCH)]
    rate : int [samples a second]
    """
    count = samples.shape[-1]
    spectrum = np.fft.rfft(samples * np.hanning(count + 1)[:-1])
    hz = np.fft.rfftfreq(count, 1.0 / rate)
    total = (np.abs(spectrum) ** 2).sum(axis=-1)
    rough, weights = np.zeros(total.shape), np.full(total.shape, QUIET)
    for first, last in itertools.pairwise(np.searchsorted(hz, BARK)):
        band = spectrum[..., first:last]
        if not band.shape[-1]:
            continue
        size = 1 << int(2 * band.shape[-1] - 1).bit_length()
        modulated = np.abs(np.fft.rfft(np.abs(np.fft.ifft(band, size))))
        depth = 2.0 * (modulated[..., 1:] ** 2 @ _counts(size, rate / count)[1:] ** 2)
        power = (np.abs(band) ** 2).sum(axis=-1)
        weight = (power / np.maximum(total, QUIET)) ** LOUDNESS * (power > 1e-5 * total)
        rough += weight * np.minimum(depth / np.maximum(modulated[..., 0] ** 2, QUIET), 1.0)
        weights += weight
    found: Floats = np.sqrt(rough / weights)
    return found


def _counts(size: int, step: float) -> Floats:
    """Return how much modulations count, those of `step` Hz, twice that and so on, from 0."""
    ratio = np.arange(size // 2 + 1) * step / ROUGHEST
    counts: Floats = ratio * np.exp(1.0 - ratio) * (ratio >= SLOWEST / ROUGHEST)
    return counts


def heard(stretches: Samples, rate: int) -> dict[str, Floats]:
    """Return the descriptors of stretches [shape=(n, STRETCH)], by name [shape=(n,)].

    ``centroid`` in octaves (the logarithm to base 2 of Hz), ``flatness`` in dB, ``roughness``.
    """
    wide = stretches.astype(np.float64)
    power, hz = spectra(wide, rate)
    mean = power.mean(axis=-2)
    return {
        "centroid": centroid(mean, hz),
        "roughness": roughness(wide, rate),
        "flatness": flatness(mean, hz),
    }
