"""Directions of a space that codes waveforms: parts of different frequency, raised or lowered.

The sign of such a vector's numbers says nothing of the sound, so no line in the space makes a sound
brighter. But where what is decoded is nearly a sum of fixed waveforms, one for each number, some
sums of these hold low frequencies and others high ones: the eigenvectors of the centroid.
"""

from __future__ import annotations

import numpy as np

from latentlive.latent.moving import LOUDEST, Shares
from latentlive.renderer.listening import Material
from latentlive.renderer.ridge import FOLDS, ridge
from latentlive.space import Space
from latentlive.units import Floats

LINEAR = 0.8
"""The part of the energy that a sum of waveforms must explain."""

PARTS = 96
"""Parts that are told apart; the rest stays as it is."""

LOWEST = 30.0
"""Hz below which nothing is told apart."""

DECODED = 4096
"""Vectors that are decoded."""

RANGE = (0.005, 0.995)
"""Quantiles of the descriptor in the corpus that a sound is moved between."""


def shares(space: Space, material: Material) -> dict[str, Shares] | None:
    """Return directions by shares of energy, by descriptor; None where no sum of waveforms fits."""
    if space.hop is not None or space.block > 1 or space.behind or space.ahead:
        return None
    count, each, dims = material.vectors.shape
    vectors = material.vectors.reshape(-1, dims)
    chosen = vectors[np.linspace(0, len(vectors) - 1, DECODED).astype(int)]
    decoded = space.decode(chosen.astype(np.float32)).astype(np.float64)
    waveforms = np.linalg.lstsq(chosen, decoded, rcond=None)[0]
    off = decoded - chosen @ waveforms
    if float((off**2).sum()) > (1.0 - LINEAR) * float((decoded**2).sum()):
        return None
    octaves, into, back = _parts(waveforms, space.sample_rate)
    energy = ((vectors @ into) ** 2).mean(axis=0)
    matter = energy / max(float(energy.sum()), 1e-20)
    middle = float(matter @ octaves)
    kept = np.sort(np.argsort(-matter * (octaves - middle) ** 2)[:PARTS])
    into = into[:, kept].astype(np.float16).astype(np.float64)
    back = back[:, kept].astype(np.float16).astype(np.float64)
    rows = np.concatenate([into.T, back.T])
    parts = vectors @ into
    left = vectors - parts @ back.T
    spread = np.delete(energy, kept).sum() / max(float((left**2).sum(axis=1).mean()), 1e-20)
    energies = np.column_stack([parts**2, spread * (left**2).sum(axis=1)]) + 1e-20
    part = energies / energies.sum(axis=1, keepdims=True)
    mean = part.reshape(count, each, -1).mean(axis=1)
    logs = np.log(part + 1e-6).reshape(count, each, -1).mean(axis=1)
    others = np.delete(matter, kept)
    rest = float(others @ np.delete(octaves, kept)) / max(float(others.sum()), 1e-20)
    own = np.append(octaves[kept], rest)
    found = {}
    for name, wanted in material.heard.items():
        std = float(wanted.std())
        if name == "centroid":
            told = mean @ own
            slope = float(np.cov(told, wanted)[0, 1] / max(told.var(ddof=1), 1e-12))
            weights = slope * own + float(wanted.mean() - slope * told.mean())
            step = own - middle
        else:
            fit, constant = ridge(mean, wanted, material.sound % FOLDS)
            weights = np.append(fit, np.zeros(len(own) - len(fit))) + constant
            step = ((logs - logs.mean(axis=0)) * (wanted - wanted.mean())[:, None]).mean(axis=0)
        step = step / max(float(np.abs(step).max()), 1e-12) * LOUDEST / 3.0
        low, high = np.quantile(wanted, RANGE)
        found[name] = Shares(
            rows, weights, step, float(spread), std, 1.0 / std, float(low), float(high)
        )
    return found


def _parts(waveforms: Floats, rate: int) -> tuple[Floats, Floats, Floats]:
    """Return the octaves of parts, rising; what vectors have of each; the parts' vectors.

    Parameters
    ----------
    waveforms : array [shape=(dims, window)]
        Of each number of a vector.
    rate : int [samples a second]

    Returns
    -------
    octaves [shape=(dims,)], into [shape=(dims, dims)], back [shape=(dims, dims)]
        ``z @ into`` are the parts of z, whose squares are energies; ``(z @ into) @ back.T`` is z.
    """
    dims, window = waveforms.shape
    hz = np.fft.rfftfreq(window, 1.0 / rate)
    spectrum = np.fft.rfft(waveforms, axis=1)
    raised = np.fft.irfft(spectrum * np.log2(np.maximum(hz, LOWEST)), window, axis=1)
    square = waveforms @ waveforms.T
    square += 1e-4 * np.trace(square) / dims * np.eye(dims)
    centred = raised @ waveforms.T
    lower = np.linalg.cholesky(square)
    inner = np.linalg.solve(lower, np.linalg.solve(lower, (centred + centred.T) / 2.0).T)
    octaves, turned = np.linalg.eigh((inner + inner.T) / 2.0)
    back = np.linalg.solve(lower.T, turned)
    return octaves, square @ back, back
