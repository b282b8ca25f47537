"""Windows of recordings, drawn at random and never across two of them.

What a step draws depends on the seed and the step alone. So a training resumes exactly, without
any generator's state, and several processes share a batch by each taking their part of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from latentlive.units import Samples

F32 = NDArray[np.float32]


class Windows:
    """Stretches of some recordings, each stretch inside one recording.

    Parameters
    ----------
    sounds : sequence of arrays [shape=(n,), float32, mono]
        They are only read where a stretch is drawn, so they may be memory-mapped.
    length : int [samples, > 0]
        Of a stretch. A shorter recording is followed by silence.
    seed : int

    Example
    -------
    >>> windows = Windows([np.ones(3000, np.float32)], 1024, seed=0)
    >>> windows.draw(step=5, n=8).shape
    (8, 1024)
    """

    def __init__(self, sounds: Sequence[Samples], length: int, seed: int) -> None:
        self.sounds = sounds
        self.length = length
        self.seed = seed
        places = [max(len(sound) - length + 1, 1) for sound in sounds]
        self._ends = np.cumsum(places)

    def rng(self, step: int) -> np.random.Generator:
        """Return the generator of a step."""
        return np.random.default_rng((self.seed, step))

    def draw(self, step: int, n: int, gain_db: tuple[float, float] = (0.0, 0.0)) -> F32:
        """Return n stretches [shape=(n, length)], each at a random level and polarity.

        Parameters
        ----------
        step : int
        n : int
        gain_db : (lowest, highest) [dB]
            Stretches are clipped to -1..1 after it.
        """
        rng = self.rng(step)
        flat = rng.integers(self._ends[-1], size=n)
        which = np.searchsorted(self._ends, flat, side="right")
        result = np.zeros((n, self.length), np.float32)
        for row, sound, end in zip(result, which, flat - self._ends[which], strict=True):
            # Places are counted from a sound's last one, which is -1.
            samples = self.sounds[sound]
            first = max(len(samples) - self.length + 1, 1) + end
            piece = samples[first : first + self.length]
            row[: len(piece)] = piece
        gain = 10.0 ** (rng.uniform(*gain_db, (n, 1)) / 20.0) * rng.choice([-1.0, 1.0], (n, 1))
        clipped: F32 = np.clip(result * gain.astype(np.float32), -1.0, 1.0)
        return clipped


class Grid:
    """All windows of some recordings on a fixed grid, in a new order each epoch.

    Parameters
    ----------
    sounds : sequence of arrays [shape=(n,), float32, mono]
    length : int [samples]
        Of a window; the last one of a recording is filled up with silence.
    hop : int [samples]
        From one window of a recording to the next.
    seed : int
    """

    def __init__(self, sounds: Sequence[Samples], length: int, hop: int, seed: int) -> None:
        self.sounds = sounds
        self.length = length
        self.hop = hop
        self.seed = seed
        counts = [max(-(-(len(sound) - length) // hop), 0) + 1 for sound in sounds]
        self._first = np.concatenate([[0], np.cumsum(counts)])
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.zeros(0, np.int64))

    def __len__(self) -> int:
        return int(self._first[-1])

    def draw(self, step: int, n: int) -> F32:
        """Return a step's windows [shape=(at most n, length)]; an epoch's last batch is shorter."""
        steps = -(-len(self) // n)
        epoch, place = divmod(step, steps)
        if self._order[0] != epoch:
            rng = np.random.default_rng((self.seed, epoch))
            self._order = (epoch, rng.permutation(len(self)))
        chosen = self._order[1][place * n : (place + 1) * n]
        which = np.searchsorted(self._first, chosen, side="right") - 1
        result = np.zeros((len(chosen), self.length), np.float32)
        for row, sound, index in zip(result, which, chosen - self._first[which], strict=True):
            piece = self.sounds[sound][index * self.hop : index * self.hop + self.length]
            row[: len(piece)] = piece
        return result
