"""Encodings of recordings, window by window, cached as float16."""

from __future__ import annotations

import weakref

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from latentlive.corpus import Audio
from latentlive.latent import Latents
from latentlive.renderer.pages import Keys
from latentlive.renderer.store import Store
from latentlive.space import Space
from latentlive.units import Samples

ENCODED_AT_ONCE = 256
"""Windows encoded per batch, so that a long stretch never holds all its windows in memory."""

LEAST_WINDOWS = 4
"""Shorter recordings, such as arrays typed by hand, stay in memory only."""

LARGEST = np.float32(np.finfo(np.float16).max)
LARGEST_LOG_VARIANCE = np.float32(30.0)
"""A std of three million: vectors drawn with it still decode to finite numbers."""


def windows_at(
    samples: Samples, offsets: NDArray[np.int64], wrap: NDArray[np.bool_], window: int
) -> Samples:
    """Return the windows that begin at some offsets [shape=(n, window)].

    Samples outside the recording are silent; where `wrap` is set, the recording wraps around.
    """
    inside = (offsets >= 0) & (offsets + window <= len(samples))
    if inside.all() and isinstance(samples, np.ndarray):
        return np.ascontiguousarray(sliding_window_view(samples, window)[offsets])
    index = offsets[:, None] + np.arange(window)
    rounded = np.where(wrap[:, None], index % len(samples), index)
    valid = (rounded >= 0) & (rounded < len(samples))
    return np.where(valid, samples[np.clip(rounded, 0, len(samples) - 1)], np.float32(0.0))


class Encoder:
    """Encodes windows of recordings in one space, each once, and caches them on disk.

    The key of a window is (recording, model, sample offset, whether it wraps past the end). A hop
    is only a pattern of offsets: an encoding serves every hop that reaches its offset.

    Parameters
    ----------
    space : Space
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.store = Store(space.digest, space.dims, space.window)
        # Write pending rows when the encoder is collected or the process ends.
        weakref.finalize(self, self.store.flush)

    def encode(
        self,
        audio: Audio,
        offsets: NDArray[np.int64],
        wrap: NDArray[np.bool_],
    ) -> Latents:
        """Return the latents of the windows at some sample offsets.

        Parameters
        ----------
        audio : Audio
        offsets : array [shape=(n,), samples]
        wrap : array [shape=(n,)]
            Whether a window past the end continues at the beginning.

        Returns
        -------
        Latents [shape=(n, dims)]
            Rounded to float16, cached or not.
        """
        keys = self._keys(audio, offsets, wrap)
        if (keys[1:] > keys[:-1]).all():
            rows = self._rows(audio, keys)
        else:
            keys, places = np.unique(keys, return_inverse=True)
            rows = self._rows(audio, keys)[places]
        return Latents(
            rows[:, 0].astype(np.float32),
            np.exp(np.float32(0.5) * rows[:, 1].astype(np.float32)),
        )

    def flush(self) -> None:
        """Write every pending encoding."""
        self.store.flush()

    def _keys(self, audio: Audio, offsets: NDArray[np.int64], wrap: NDArray[np.bool_]) -> Keys:
        """Return a number for each window: twice its offset, plus one where it wraps."""
        window, length = self.space.window, len(audio.samples)
        # Wrapping never changes a window inside the recording, and all windows wholly before it
        # are the same silence, as are all wholly after it.
        round_end = wrap & (offsets + window > length)
        return np.where(round_end, offsets % length * 2 + 1, np.clip(offsets, -window, length) * 2)

    def encoded(self, windows: Samples, level: float = 1.0) -> tuple[Samples, Samples]:
        """Return mean and log-variance of windows, clipped to the range of a row."""
        if level != 1.0:
            windows = windows / np.float32(level)
        mean, log_variance = self.space.encode(windows)
        return np.clip(mean, -LARGEST, LARGEST), np.minimum(log_variance, LARGEST_LOG_VARIANCE)

    def _rows(self, audio: Audio, keys: Keys) -> NDArray[np.float16]:
        """Return mean and log-variance of each key [shape=(n, 2, dims)]."""
        on_disk = len(audio.samples) >= LEAST_WINDOWS * self.space.window
        rows, missing = self.store.find(audio.digest, keys, on_disk)
        absent = np.flatnonzero(missing)
        for first in range(0, len(absent), ENCODED_AT_ONCE):
            part = absent[first : first + ENCODED_AT_ONCE]
            wrap = (keys[part] & 1).astype(np.bool_)
            windows = windows_at(audio.samples, keys[part] >> 1, wrap, self.space.window)
            both = np.empty((len(part), 2, self.space.dims), np.float16)
            both[:, 0], both[:, 1] = self.encoded(windows, audio.level)
            rows[part] = both
            self.store.add(audio.digest, keys[part], both, on_disk)
        return rows


class Unencoded(Encoder):
    """Reads windows of recordings where the vectors are their samples: nothing is kept or rounded.

    Parameters
    ----------
    space : Space
    """

    def __init__(self, space: Space) -> None:
        self.space = space

    def encode(self, audio: Audio, offsets: NDArray[np.int64], wrap: NDArray[np.bool_]) -> Latents:
        """Return the windows at some sample offsets, and no spread; as `Encoder.encode`."""
        windows = windows_at(audio.samples, offsets, wrap, self.space.window)
        return Latents(windows, np.zeros_like(windows))

    def flush(self) -> None:
        """Nothing waits to be written."""
