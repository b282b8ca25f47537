"""How good a model is: sounds rebuilt, led into one another, and stretched.

- SI-SDR of all sounds joined, windows end to end and overlapped (the default);
- log distance: the mean difference of log-magnitudes, overlapped;
- interpolation, pairs of sounds at eleven fixed amounts from 0 to 1: *dip*, the lowest level
  against a straight line in dB between the two; *seam*, the mean step at window boundaries over the
  mean step elsewhere; *monotone*, the share of steps that move the spectral centroid from the first
  towards the second; *crossfade*, the SI-SDR of the middle against the two rebuilt sounds simply
  mixed: high means that interpolating is crossfading;
- extension by four: level against the sound itself in dB, and seam.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from seams import level, seam

from latentlive.latent import Interp, Sound
from latentlive.learning.measures import log_distance, magnitudes, si_sdr
from latentlive.models import Model
from latentlive.renderer import render
from latentlive.units import Samples

AMOUNTS = np.linspace(0.0, 1.0, 11)
SECONDS = 4
PAIRS = 4


@dataclass(frozen=True)
class Figures:
    """What a model reaches on some sounds."""

    end_to_end: float
    overlapped: float
    log_distance: float
    dip: float
    seam: float
    monotone: float
    crossfade: float
    extended_level: float
    extended_seam: float

    def cells(self) -> list[str]:
        """Return the figures as text."""
        return [f"{getattr(self, field.name):.2f}" for field in fields(self)]


HEADINGS = [
    "end to end dB",
    "overlap 4 dB",
    "log distance",
    "dip dB",
    "seam",
    "monotone",
    "crossfade dB",
    "x4 level dB",
    "x4 seam",
]


def judge(model: Model, sounds: list[Samples]) -> Figures:
    """Return a model's figures on some sounds."""
    ended, overlapped = [], []
    for samples in sounds:
        still = Sound(np.array(samples)).spread(0)
        ended.append(render(still.exact(), model=model)[: len(samples)])
        overlapped.append(render(still, model=model))
    joined = np.concatenate(sounds)
    distances = [log_distance(a, b) for a, b in zip(sounds, overlapped, strict=True)]
    hop = model.window // 4
    mixed = np.mean([interpolated(model, a, b, hop) for a, b in pairs(model, sounds)], axis=0)
    stretched = np.mean([extended(model, a, hop) for a, _ in pairs(model, sounds)], axis=0)
    return Figures(
        si_sdr(joined, np.concatenate(ended)),
        si_sdr(joined, np.concatenate(overlapped)),
        float(np.average(distances, weights=[len(s) for s in sounds])),
        *map(float, mixed),
        *map(float, stretched),
    )


def pairs(model: Model, sounds: list[Samples]) -> list[tuple[Samples, Samples]]:
    """Return the longest sounds in pairs of equal length."""
    most = SECONDS * model.sample_rate
    longest = [np.array(s[:most]) for s in sorted(sounds, key=len, reverse=True)[: 2 * PAIRS]]
    both = zip(longest[::2], longest[1::2], strict=True)
    return [(a[: len(b)], b) for a, b in both]


def interpolated(model: Model, a: Samples, b: Samples, hop: int) -> list[float]:
    """Return dip, seam, monotone and crossfade of a pair."""
    mixes = [
        render(Interp(Sound(a), Sound(b), float(amount)).spread(0), model=model)
        for amount in AMOUNTS
    ]
    levels = np.array([level(samples) for samples in mixes])
    straight = levels[0] + AMOUNTS * (levels[-1] - levels[0])
    centroids = np.array([centroid(samples) for samples in mixes])
    towards = np.sign(np.diff(centroids)) == np.sign(centroids[-1] - centroids[0])
    return [
        float((levels - straight).min()),
        seam(mixes[5], hop),
        float(towards.mean()),
        si_sdr(0.5 * (mixes[0] + mixes[-1]), mixes[5]),
    ]


def extended(model: Model, samples: Samples, hop: int) -> list[float]:
    """Return level and seam of a sound made four times as long."""
    long = render(Sound(samples).extend(4).spread(0), model=model)
    return [level(long) - level(samples), seam(long, hop)]


def centroid(samples: Samples) -> float:
    """Return the spectral centroid of the mean magnitudes, in bins."""
    mean = magnitudes(samples).mean(axis=0)
    return float((mean * np.arange(len(mean))).sum() / mean.sum())
