"""What is measured of effects: responses, decays, sidebands, and what folds back."""

from __future__ import annotations

import numpy as np
from scipy import signal

from latentlive.effects.rooms import decay
from tests.effects.driving import RATE, db


def bilinear(name, hz, q, rate=RATE):
    """Return b, a of the analog filter through the bilinear transform, prewarped at hz."""
    w = 2 * rate * np.tan(np.pi * min(hz, 0.49 * rate) / rate)
    bottom = [1.0, w / q, w * w]
    return signal.bilinear([w * w] if name == "lpf" else [1.0, 0.0, 0.0], bottom, rate)


def levels(y, bands):
    """Return the level of a response at some frequencies, in dB."""
    return db(np.exp(-2j * np.pi / RATE * np.outer(bands, np.arange(len(y)))) @ y)


def octave(hz):
    """Return a filter of the octave around a frequency."""
    return signal.butter(4, [hz / 2**0.5, hz * 2**0.5], "bandpass", fs=RATE, output="sos")


def fallen(energies, step):
    """Return the seconds in which energies fall by 60 dB.

    By Schroeder's integration, from -5 to -35 dB.
    """
    left = np.cumsum(energies[::-1])[::-1]
    falls = 10 * np.log10(left / left[0])
    inside = np.flatnonzero((falls < -5) & (falls > -35))
    return -60.0 / float(np.polyfit(inside * step, falls[inside], 1)[0])


def measured_decay(shape, hz):
    """Return the seconds in which a response falls by 60 dB in an octave."""
    return fallen((signal.sosfiltfilt(octave(hz), shape) ** 2).sum(axis=0), 1 / RATE)


def declared_decay(hz, seconds, damp):
    """Return the same, as declared: an octave holds faster and slower decays."""
    bands, gains = signal.sosfreqz(octave(hz), 2000, fs=RATE)
    at = np.arange(0, 1.2 * seconds, seconds / 2000)
    falls = 10 ** (-6 * at[:, None] / decay(bands, seconds, damp))
    return fallen((np.abs(gains) ** 4 * falls).sum(axis=1), at[1])


def sidebands(y, hz):
    """Return the strongest sideband that the grid of 64 samples adds to a tone, relative, in dB.

    The first half second settles.
    """
    heard = y[0, RATE // 2 :]
    spectrum = np.abs(np.fft.rfft(heard * np.kaiser(len(heard), 20)))
    bands = np.fft.rfftfreq(len(heard), 1 / RATE)
    found = []
    for number in range(1, 20):
        for side in (-1, 1):
            place = abs(hz + side * number * RATE / 64)
            # What lies beside a harmonic may be the sound's own.
            if abs(place - hz * round(place / hz)) > 200 and place < RATE / 2:
                found.append(spectrum[np.abs(bands - place) < 60].max())
    return float(db(max(found) / spectrum.max()))


FOLDING = 1 << 15
"""Samples in which `folded` looks for what folds back."""


def whole(hz):
    """Return the nearest frequency with a whole number of periods in `FOLDING` samples."""
    return round(hz * FOLDING / RATE) * RATE / FOLDING


def folded(y, hz):
    """Return the strongest partial beside the harmonics of a tone, relative, in dB."""
    spectrum = np.abs(np.fft.rfft(y[0, 1024 : 1024 + FOLDING] * np.kaiser(FOLDING, 16)))
    bands = np.fft.rfftfreq(FOLDING, 1 / RATE)
    off = np.abs(bands - hz * np.round(bands / hz)) > 20
    return float(db(spectrum[off].max() / spectrum.max()))
