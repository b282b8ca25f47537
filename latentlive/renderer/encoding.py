"""Encodings of recordings, window by window, remembered as float16."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from latentlive.corpus import Audio
from latentlive.latent import Latents
from latentlive.space import Space
from latentlive.units import Samples

MAX_ROWS = 200_000
"""Encoded windows that are remembered: about 200 MB at 256 dimensions."""


def windows_at(
    samples: Samples, offsets: NDArray[np.int64], wrap: NDArray[np.bool_], window: int
) -> Samples:
    """Return the windows that begin at some offsets [shape=(n, window)].

    Outside the recording there is silence, or, where `wrap` is set, the recording goes round.
    """
    inside = (offsets >= 0) & (offsets + window <= len(samples))
    if inside.all():
        return np.ascontiguousarray(sliding_window_view(samples, window)[offsets])
    index = offsets[:, None] + np.arange(window)
    rounded = np.where(wrap[:, None], index % len(samples), index)
    valid = (rounded >= 0) & (rounded < len(samples))
    return np.where(valid, samples[np.clip(rounded, 0, len(samples) - 1)], np.float32(0.0))


class Encoder:
    """Encodes windows of recordings in one space, each once.

    Parameters
    ----------
    space : Space
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self._rows: dict[tuple[str, int, bool], NDArray[np.float16]] = {}

    def encode(
        self, audio: Audio, offsets: NDArray[np.int64], wrap: NDArray[np.bool_], exact: bool
    ) -> Latents:
        """Return the latents of the windows at some sample offsets.

        Parameters
        ----------
        audio : Audio
        offsets : array [shape=(n,), samples]
        wrap : array [shape=(n,)]
            Where a window past the end goes on at the beginning.
        exact : bool
            Keep float32; otherwise latents are those that float16 holds, remembered or not.

        Returns
        -------
        Latents [shape=(n, dims)]
        """
        window = self.space.window
        if exact:
            mean, log_variance = self.space.encode(windows_at(audio.samples, offsets, wrap, window))
            return Latents(mean, np.exp(np.float32(0.5) * log_variance))
        # A window that lies inside is the same whether it may wrap or not.
        round_end = wrap & (offsets + window > len(audio.samples))
        keys = [
            (audio.digest, offset, round_)
            for offset, round_ in zip(offsets.tolist(), round_end.tolist(), strict=True)
        ]
        missing = {key: None for key in keys if key not in self._rows}
        if missing:
            self._fill(audio, list(missing))
        rows = np.stack([self._rows[key] for key in keys]).astype(np.float32)
        return Latents(
            np.ascontiguousarray(rows[:, 0]),
            np.exp(np.float32(0.5) * np.ascontiguousarray(rows[:, 1])),
        )

    def _fill(self, audio: Audio, keys: list[tuple[str, int, bool]]) -> None:
        offsets = np.array([offset for _, offset, _ in keys], np.int64)
        wrap = np.array([round_ for _, _, round_ in keys], np.bool_)
        windows = windows_at(audio.samples, offsets, wrap, self.space.window)
        both = np.stack(self.space.encode(windows), axis=1).astype(np.float16)
        if len(self._rows) + len(keys) > MAX_ROWS:
            for key in list(self._rows)[: MAX_ROWS // 4]:
                del self._rows[key]
        self._rows.update(zip(keys, both, strict=True))
