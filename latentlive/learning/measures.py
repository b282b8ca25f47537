"""Measures of reconstruction: of samples, of spectrum, of timbre."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from latentlive.units import Samples

FFT, HOP = 1024, 256
FLOOR = 1e-3
"""Added to magnitudes; a full-scale sine has 256, 108 dB above this."""


def si_sdr(reference: Samples, estimate: Samples) -> float:
    """Return the scale-invariant signal-to-distortion ratio in dB (Le Roux et al., 2019).

    Parameters
    ----------
    reference, estimate : array [shape=(n,)]

    Example
    -------
    >>> x = np.array([1.0, -1.0, 1.0, -1.0])
    >>> round(si_sdr(x, 0.5 * x + np.array([0.05, 0.05, -0.05, -0.05])))
    20
    """
    reference, estimate = reference.astype(np.float64), estimate.astype(np.float64)
    target = reference * (estimate @ reference) / max(float(reference @ reference), 1e-12)
    wanted = float(target @ target)
    unwanted = float(np.square(estimate - target).sum())
    return 10.0 * float(np.log10(max(wanted, 1e-12) / max(unwanted, 1e-12)))


def magnitudes(samples: Samples) -> Samples:
    """Return the short-time spectrum, windows of 1024 every 256 [shape=(frames, 513)]."""
    padded = np.pad(samples, (FFT // 2, FFT))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    spectrum: Samples = np.abs(np.fft.rfft(frames * np.hanning(FFT + 1)[:-1], axis=1))
    return spectrum


def log_distance(reference: Samples, estimate: Samples) -> float:
    """Return the mean difference of log-magnitudes, natural, over time and frequency.

    Parameters
    ----------
    reference, estimate : array [shape=(n,)]

    Example
    -------
    >>> x = np.sin(np.arange(4096.0))
    >>> log_distance(x, x)
    0.0
    """
    logs = [np.log(magnitudes(samples) + FLOOR) for samples in (reference, estimate)]
    return float(np.mean(np.abs(logs[0] - logs[1])))


BANDS, CEPSTRA = 40, 24
LOWEST_HZ, HIGHEST_HZ = 40.0, 16000.0


@lru_cache(maxsize=1)
def _cepstral(sample_rate: int) -> tuple[Samples, Samples]:
    """Return triangular mel bands of the spectrum, and their cosine transform."""
    mels = np.linspace(np.log1p(LOWEST_HZ / 700), np.log1p(HIGHEST_HZ / 700), BANDS + 2)
    centres = 700 * np.expm1(mels)
    hz = np.fft.rfftfreq(FFT, 1 / sample_rate)
    triangles = [np.interp(hz, centres[i : i + 3], [0, 1, 0]) for i in range(BANDS)]
    bands = np.array(
        [
            t if t.any() else hz == hz[np.abs(hz - c).argmin()]
            for t, c in zip(triangles, centres[1:-1], strict=True)
        ],
        float,
    )
    places = np.pi / BANDS * (np.arange(BANDS) + 0.5)
    cosines = np.cos(places * np.arange(1, CEPSTRA + 1)[:, None]) * np.sqrt(2 / BANDS)
    return bands / bands.sum(1, keepdims=True), cosines


def cepstral_distance(reference: Samples, estimate: Samples, sample_rate: int = 44100) -> float:
    """Return the mean mel-cepstral distance in dB: of timbres, independent of level and phase.

    Parameters
    ----------
    reference, estimate : array [shape=(n,)]
    sample_rate : int [samples per second]

    Example
    -------
    >>> x = np.sin(np.arange(4096.0))
    >>> cepstral_distance(x, 0.5 * x) < 0.1
    True
    """
    bands, cosines = _cepstral(sample_rate)
    cepstra = []
    for samples in (reference, estimate):
        power = np.square(magnitudes(samples), dtype=np.float64) @ bands.T
        cepstra.append(np.log(power + 1e-7 * power.max() + 1e-10) @ cosines.T)
    distance = np.sqrt(2.0 * np.square(cepstra[0] - cepstra[1]).sum(axis=1))
    return float(10.0 / np.log(10.0) * distance.mean())
