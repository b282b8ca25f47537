"""Which bands of a sound a model keeps, and which it hisses in.

*Kept*: the level of what is rebuilt against the sound's own in dB, per band, over the sounds that
hold something there. *Hiss*: what is rebuilt in bands that hold nothing, against the whole sound.
"""

from __future__ import annotations

import itertools

import numpy as np

from latentlive.latent import Sound
from latentlive.learning.measures import FFT, magnitudes
from latentlive.models import Model
from latentlive.renderer import render
from latentlive.units import Samples

EDGES_HZ = (0, 1000, 3000, 6000, 11_000, 16_000, 20_000)
NOTHING_DB = -75.0
"""A band that lies so far below the whole sound holds nothing."""

HEADINGS = [f"{low}-{high} Hz" for low, high in itertools.pairwise(EDGES_HZ)]
HEADINGS.append("hiss dB")


def cells(model: Model, sounds: list[Samples]) -> list[str]:
    """Return the mean level kept in each band, and the mean hiss, as text."""
    kept, hiss = [], []
    for samples in sounds:
        given = powers(samples, model.sample_rate)
        found = powers(render(Sound(samples).spread(0), model=model), model.sample_rate)
        there = given > given.sum() * 10 ** (NOTHING_DB / 10)
        kept.append(np.where(there, decibels(found) - decibels(given), np.nan))
        if not there.all():
            hiss.append(decibels(found[~there].sum()) - decibels(given.sum()))
    return [mean(band) for band in np.array(kept).T] + [mean(np.array(hiss))]


def powers(samples: Samples, sample_rate: int) -> Samples:
    """Return the power in each band [shape=(bands,)]."""
    spectrum = np.square(magnitudes(samples), dtype=np.float64).mean(axis=0)
    hz = np.arange(len(spectrum)) * sample_rate / FFT
    edges = itertools.pairwise(EDGES_HZ)
    return np.array([spectrum[(hz >= low) & (hz < high)].sum() for low, high in edges])


def decibels(power: Samples | float) -> Samples:
    """Return powers in dB, with a floor far below any sound."""
    return np.asarray(10.0 * np.log10(np.asarray(power) + 1e-12))


def mean(values: Samples) -> str:
    """Return the mean of the numbers among values, or a dash where there is none."""
    numbers = values[np.isfinite(values)]
    return f"{numbers.mean():.1f}" if len(numbers) else "-"
