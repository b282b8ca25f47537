"""The tonal part of a spectrum: its energy and its frequencies."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from latentlive.spectral.grid import F32

BESIDE = 14
"""Bins on either side above which a partial must stand out."""

THIN = 8
"""Decimation for the analysis of the bass."""

TAPS = 128

DEEP = 110
"""Bins, to 1.2 kHz, analysed in longer stretches where there is no pitch and no change."""


@lru_cache(maxsize=2)
def _windows(size: int) -> tuple[F32, F32]:
    phase = 2.0 * np.pi * np.arange(size) / size
    hann = 0.5 - 0.5 * np.cos(phase)
    slope = np.pi / size * np.sin(phase)
    return hann.astype(np.float32), slope.astype(np.float32)


def spectra(frames: F32) -> tuple[F32, F32]:
    """Return powers and reassigned places, in bins, of stretches [shape=(n, size)].

    A sinusoid of amplitude A sums to A^2, noise of variance s to 2s. Each bin's phase gives the
    place of its energy (Auger and Flandrin 1995).
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


def _smoothed(x: F32) -> F32:
    """Return [1 2 1] / 4 along the bins."""
    out = x.copy()
    out[:, 1:-1] += np.float32(0.5) * (x[:, :-2] + x[:, 2:])
    return out * np.float32(0.5)


def boxed(x: F32) -> F32:
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

    A partial draws the places of the bins around it to itself and rises above its surroundings;
    noise does neither. Choirs and pads beat, so their places waver: for them, rising is enough.
    """
    slope = np.zeros_like(place)
    slope[:, 1:-1] = np.abs(place[:, 2:] - place[:, :-2]) * np.float32(0.5)
    steady = np.clip(np.float32(1.25) - slope / np.float32(0.4), 0.0, 1.0)
    weight = power + np.float32(1e-20)
    for _ in range(2):
        steady = _smoothed(steady * weight) / _smoothed(weight)
    steady = np.clip((steady - np.float32(0.5)) / np.float32(0.35), 0.0, 1.0)
    decibels = np.float32(10.0 / np.log(10.0)) * np.log(weight)
    mean = boxed(decibels)
    # The surroundings of a peak, without the peak.
    around = boxed(np.minimum(decibels, mean))
    out = decibels - around - np.float32(3.0)
    tall = np.clip((out - np.float32(8.0)) / np.float32(5.0), 0.0, 1.0)
    wide = tall.copy()
    for k in (1, 2):
        np.maximum(wide[:, k:], tall[:, :-k], out=wide[:, k:])
        np.maximum(wide[:, :-k], tall[:, k:], out=wide[:, :-k])
    steady *= np.clip((out + np.float32(3.0)) / np.float32(5.0), 0.0, 1.0)
    found: F32 = np.maximum(steady, wide)
    return found


def gathered(power: F32, tone: F32, place: F32) -> tuple[F32, F32]:
    """Move the tonal energy of bins to its reassigned places.

    Returns
    -------
    energies, places [bins] : arrays [shape=(n, bins)]
        A place is the mean of the places gathered in a bin, or the bin itself if there are none.
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


@lru_cache(maxsize=1)
def _lowpass() -> F32:
    """Return the low-pass filter for a rate of 5.5 kHz: it passes up to 2.2 kHz."""
    n = np.arange(TAPS) - (TAPS - 1) / 2
    taps = np.sinc(n / THIN * 0.9) * np.blackman(TAPS)
    found: F32 = (taps / taps.sum()).astype(np.float32)
    return found


def thinned(samples: F32) -> F32:
    """Return every eighth sample, low-passed at 2.2 kHz."""
    before = TAPS // 2 - 1
    padded = np.pad(samples, (before, TAPS))
    cut = np.lib.stride_tricks.sliding_window_view(padded, TAPS)[: len(samples) : THIN]
    found: F32 = np.ascontiguousarray(cut) @ _lowpass()
    return found


def steady(low: F32) -> NDArray[np.bool_]:
    """Return whether stretches are about equally loud throughout [shape=(n,)]."""
    loud = np.square(low).reshape(len(low), 8, -1).mean(2)[:, 1:-1] + np.float32(1e-12)
    found: NDArray[np.bool_] = loud.max(1) < np.float32(4.0) * loud.min(1)
    return found


def deepened(low: F32, tonal: F32, noise: F32, place: F32) -> None:
    """Replace the analysis of the bass by that of stretches twice as long, in place.

    Parameters
    ----------
    low : array [shape=(n, size / 4)]
        Stretches of 8192 samples, decimated to every eighth.
    tonal, noise, place : array [shape=(n, bins)]
    """
    power, where = spectra(low)
    tone = tonality(power, where)
    fine, fine_place = gathered(power, tone, where)
    rough = power * (np.float32(1.0) - tone)
    # Two fine bins make a bin; the even one is its centre.
    top = 2 * DEEP
    odd, even = fine[:, 1:top:2], fine[:, 2 : top + 1 : 2]
    pair = odd + even
    mean = odd * fine_place[:, 1:top:2] + even * fine_place[:, 2 : top + 1 : 2]
    tonal[:, 1 : DEEP + 1] = pair
    bins = np.arange(1, DEEP + 1, dtype=np.float32)
    mean = np.where(pair > 1e-20, mean / np.maximum(pair, np.float32(1e-20)) * 0.5, bins)
    place[:, 1 : DEEP + 1] = mean
    noise[:, 1 : DEEP + 1] = rough[:, 1:top:2] + rough[:, 2 : top + 1 : 2]
