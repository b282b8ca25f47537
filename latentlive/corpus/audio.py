"""Recordings as samples in memory: one channel, or the mix, left and right of two."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from latentlive.units import Samples

PEAK_PART = 1 << 20
"""Samples that are looked at together for the largest magnitude."""


@dataclass(frozen=True, eq=False)
class Audio:
    """A decoded recording.

    Parameters
    ----------
    samples : array [shape=(n,), float32, n >= 1]
        At the requested rate, channels mixed to one; read-only.
    digest : str
        The digest of these samples, and of the level.
    level : float [> 0]
        The divisor of the samples when they are encoded.
    known_peak : float, optional
        The largest magnitude, if the decoder measured it.
    sides : tuple of Audio
        Left and right of a stereo recording, each as long as the mix; empty for a mono one.
    """

    samples: Samples
    digest: str
    level: float = 1.0
    known_peak: float | None = None
    sides: tuple[Audio, ...] = ()

    @property
    def channels(self) -> int:
        """1, or 2 of a stereo recording."""
        return 2 if self.sides else 1

    @property
    def recording(self) -> str:
        """What `recording` finds it by: its digest, with those of its sides where it has two."""
        return " ".join(one.digest for one in (self, *self.sides))

    @property
    def loudest(self) -> float:
        """The largest magnitude of all channels."""
        return max(one.peak for one in (self, *self.sides))

    def side(self, channel: int | None) -> Audio:
        """Return a channel, 0 left or 1 right, or with None the mix; a mono one has no others."""
        return self if channel is None or not self.sides else self.sides[channel]

    def part(self, first: int, count: int) -> Audio:
        """Return a stretch of it, not stored."""
        samples, told = self.samples[first : first + count], f"{self.digest} {first} {count}"
        return Audio(samples, told, sides=tuple(one.part(first, count) for one in self.sides))

    @cached_property
    def peak(self) -> float:
        """The largest magnitude of its samples, measured part by part unless known."""
        if self.known_peak is not None:
            return self.known_peak
        parts = range(0, len(self.samples), PEAK_PART)
        return max(float(np.abs(self.samples[i : i + PEAK_PART]).max()) for i in parts)

    def lowered(self, level: float) -> Audio:
        """Return the same recording, to be encoded at another level."""
        if level == self.level:
            return self
        sides = tuple(side.lowered(level) for side in self.sides)
        return replace(self, digest=f"{self.digest} 1/{level:g}", level=level, sides=sides)


def audio_digest(samples: Samples) -> str:
    """Return the digest of some samples."""
    data = np.ascontiguousarray(samples, np.float32)
    return hashlib.blake2b(data.tobytes(), digest_size=16).hexdigest()


def audio_of(samples: Samples) -> Audio:
    """Return the recording of some samples [shape=(n,) or (n, 2)], not stored.

    Two channels that are the same are one.
    """
    if samples.ndim == 1:
        return Audio(samples, audio_digest(samples))
    left, right = (np.ascontiguousarray(side) for side in samples.T)
    if np.array_equal(left, right):
        return audio_of(left)
    mix = mixed(samples)
    return Audio(mix, audio_digest(mix), sides=(audio_of(left), audio_of(right)))


def mixed(samples: Samples) -> Samples:
    """Return the mean of all channels [shape=(n,)]."""
    return np.ascontiguousarray(samples.mean(axis=1), np.float32)
