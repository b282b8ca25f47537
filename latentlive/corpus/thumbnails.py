"""Thumbnails: a sound as 35 numbers, which give the distances between sounds.

The numbers and their order match published maps (Tatar, Cotton, Bisig, SMC 2023), so that
such maps can be read. `latentlive.corpus.features` measures them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.units import Floats

MFCCS = 13

NAMES = (
    "duration",
    "valence",
    "arousal",
    "loudness_mean",
    "loudness_std",
    *(f"mfcc{k}_mean" for k in range(MFCCS)),
    *(f"mfcc{k}_std" for k in range(MFCCS)),
    "decrease_mean",
    "decrease_std",
    "f0_mean",
    "f0_std",
)
"""The features of a thumbnail, in their order."""

UNITS = {"duration": "ms", "loudness": "sone-like", "mfcc": "log10 amplitude", "f0": "Hz"}
"""The unit of each kind of feature that has one; valence and arousal run from about -1 to 1."""

WEIGHTS = np.array([1.0 / MFCCS if name.startswith("mfcc") else 1.0 for name in NAMES])
"""The weight of each feature: all MFCCs together weigh as much as two others."""

DURATION, VALENCE, AROUSAL = 0, 1, 2

AT_ONCE = 1 << 16
"""Thumbnails that are computed with at a time, where there are very many."""


def valence(
    *,
    loudness_mean: float,
    flatness_mean: float,
    mfcc1_std: float,
    mfcc5_std: float,
    decrease_std: float,
) -> float:
    """Return how pleasant a sound is likely to seem, about -1 to 1."""
    return (
        -0.061 * loudness_mean
        + 0.588 * flatness_mean
        + 0.302 * mfcc1_std
        + 0.361 * mfcc5_std
        - 0.229 * decrease_std
        - 0.169
    )


def arousal(
    *,
    loudness_mean: float,
    loudness_std: float,
    tristimulus2_std: float,
    tristimulus3_mean: float,
    mfcc3_std: float,
    mfcc5_std: float,
    mfcc11_std: float,
) -> float:
    """Return how eventful a sound is likely to seem, about -1 to 1."""
    return (
        0.060 * loudness_mean
        + 0.087 * loudness_std
        + 1.905 * tristimulus2_std
        + 0.698 * tristimulus3_mean
        - 0.421 * mfcc5_std
        + 1.164 * mfcc11_std
        + 0.506 * mfcc3_std
        - 1.551
    )


def stretches(thumbnails: NDArray[np.floating[Any]]) -> Iterator[Floats]:
    """Yield thumbnails [shape=(n, 35)], some at a time, in float64."""
    for first in range(0, len(thumbnails), AT_ONCE):
        yield thumbnails[first : first + AT_ONCE].astype(np.float64)


@dataclass(frozen=True, eq=False)
class Scale:
    """The common scale of all thumbnails of a corpus.

    Parameters
    ----------
    mean, std, weights : array [shape=(35,)]
        ``(x - mean) / std * weight``.
    """

    mean: Floats
    std: Floats
    weights: Floats

    @classmethod
    def of(cls, thumbnails: NDArray[np.floating[Any]]) -> Scale:
        """Return the scale of some thumbnails [shape=(n, 35)]; std is the population's."""
        if len(thumbnails) <= AT_ONCE:
            exact = thumbnails.astype(np.float64)
            return cls(exact.mean(axis=0), exact.std(axis=0), WEIGHTS)
        mean, square = np.zeros(thumbnails.shape[1]), np.zeros(thumbnails.shape[1])
        for part in stretches(thumbnails):
            mean += part.sum(axis=0) / len(thumbnails)
        for part in stretches(thumbnails):
            square += ((part - mean) ** 2).sum(axis=0) / len(thumbnails)
        return cls(mean, np.sqrt(square), WEIGHTS)

    def normal(self, thumbnails: Floats) -> Floats:
        """Return thumbnails on the common scale; a feature that never differs is 0 for all.

        Example
        -------
        >>> raw = np.arange(70.0).reshape(2, 35)
        >>> Scale.of(raw).normal(raw)[:, 0]
        array([-1.,  1.])
        """
        return (thumbnails - self.mean) * self._factor

    def raw(self, normal: Floats) -> Floats:
        """Undo `normal`: return features in their own units."""
        factor = self._factor
        back = np.divide(1.0, factor, out=np.zeros_like(factor), where=factor > 0.0)
        return normal * back + self.mean

    @property
    def _factor(self) -> Floats:
        known = self.std > 0.0
        return np.divide(self.weights, self.std, out=np.zeros_like(self.std), where=known)
