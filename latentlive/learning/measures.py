"""How well a sound is rebuilt: by its samples, and by its spectrum."""

from __future__ import annotations

import numpy as np

from latentlive.units import Samples

FFT, HOP = 1024, 256
FLOOR = 1e-3
"""Added to magnitudes of which a full-scale sine has 256: 108 dB below it."""


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
