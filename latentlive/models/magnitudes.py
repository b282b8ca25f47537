"""Spaces that decode magnitudes of spectra: their phases come from the recordings themselves.

A vector is what the model knows of a window, its code, and the window itself, scaled to an RMS of
1: the carrier. Vectors mix linearly, so the carrier of a mix is the mix of the carriers. Its phases
are the first guess for the decoded magnitudes; a fixed number of Griffin-Lim steps makes
neighbouring windows agree. Each step hears `overlap - 1` windows to either side, so a window
depends on those near it and on nothing else. Without a recording, hashed noise is the carrier.

Griffin, Lim: Signal estimation from modified short-time Fourier transform (IEEE TASSP 1984).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from latentlive.space import F32, Part, Space

Spectrum = NDArray[np.complex64]

STEPS = 4
"""Griffin-Lim steps: from a carrier as good as sixteen from noise."""

LEAST = 1e-5
"""RMS of a window below which it is silence and carries nothing."""

FADED = 1e-3
"""RMS of a mixed carrier below which noise carries."""

TABLE = 1 << 17
"""Samples of noise that carriers take their stretch of."""

TINY = np.float32(1e-12)


class Magnitudes(Space):
    """A space whose vectors are a code and a carrier.

    Parameters
    ----------
    code : int
        Numbers of a vector before its carrier.
    window, hop : int [samples]
    sample_rate : int [samples a second]
    """

    hop: int
    linear = True
    keeps = np.float16
    block, page = 32, 256

    def __init__(self, code: int, window: int, hop: int, sample_rate: int) -> None:
        self.code, self.window, self.hop = code, window, hop
        self.sample_rate = sample_rate
        self.dims = code + window
        self.behind = self.ahead = (window // hop - 1) * (STEPS + 1)
        self._fade = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)).astype(np.float32)
        self._norm = np.float32(np.sum(self._fade.astype(np.float64) ** 2) / hop)

    @abstractmethod
    def described(self, samples: F32, windows: F32, rms: F32) -> tuple[F32, F32]:
        """Return the codes of a page [shape=(n, code)], and log-variances of their first numbers.

        Parameters
        ----------
        samples : array
            Of the page, with `margin` samples on both sides.
        windows : array [shape=(n, window)]
        rms : array [shape=(n, 1)]
            Of the windows, 1 where they are silent.
        """

    @abstractmethod
    def wanted(self, code: F32, heard: F32, noise: NDArray[np.bool_]) -> F32:
        """Return magnitudes [shape=(n, window / 2 + 1)], of the window faded by a Hann.

        Parameters
        ----------
        code : array [shape=(n, code)]
        heard : array
            Magnitudes of the carriers, whose RMS is 1.
        noise : array [shape=(n,)]
            Where the carrier is noise.
        """

    def encode_page(self, samples: F32) -> F32:
        """Return the vectors of a page [shape=(n, dims + spread)]."""
        first = self.margin
        windows = sliding_window_view(samples, self.window)[first :: self.hop]
        windows = windows[: self.page_vectors(samples)]
        rms = np.sqrt(np.mean(windows.astype(np.float64) ** 2, axis=1, keepdims=True))
        silent = rms < LEAST
        rms = np.where(silent, 1.0, rms).astype(np.float32)
        code, log_variance = self.described(samples, windows, rms)
        carrier: F32 = np.where(silent, np.float32(0.0), windows / rms)
        return np.concatenate([code, carrier, log_variance], axis=1, dtype=np.float32)

    def prepare(self, z: F32, first: int, key: int, turn: float = 0.0) -> F32:
        """Return the faded windows of a block [shape=(block, window)]."""
        carrier = z[:, self.code :]
        rms = np.sqrt(np.mean(carrier * carrier, axis=1, keepdims=True))
        noise = rms[:, 0] < FADED
        carrier = (carrier / np.where(noise[:, None], np.float32(1.0), rms)).astype(np.float32)
        if noise.any():
            frames = first - self.behind + np.flatnonzero(noise)
            carrier[noise] = self._noise(frames, key)
        spectrum: Spectrum = np.fft.rfft(carrier * self._fade, axis=1).astype(np.complex64)
        heard = np.abs(spectrum)
        wanted = self.wanted(z[:, : self.code], heard, noise)
        spectrum *= wanted / np.maximum(heard, TINY)
        for _ in range(STEPS):
            spectrum = np.fft.rfft(self._rejoined(spectrum), axis=1).astype(np.complex64)
            spectrum *= wanted / np.maximum(np.abs(spectrum), TINY)
        inside = slice(self.behind, self.behind + self.block)
        return self._windows(spectrum[inside])

    def synthesize(self, parts: Sequence[Part]) -> F32:
        """Return the windows of some parts, one after the other [shape=(n, 1, window)]."""
        windows = [part.prepared[part.start : part.stop] for part in parts]
        return np.concatenate(windows)[:, None]

    def _windows(self, spectrum: Spectrum) -> F32:
        windows = np.fft.irfft(spectrum, axis=1).astype(np.float32, copy=False)
        windows *= self._fade / self._norm
        return windows

    def _rejoined(self, spectrum: Spectrum) -> F32:
        """Return the faded windows of the sound that some spectra make."""
        windows = self._windows(spectrum)
        n, hop = len(windows), self.hop
        sound = np.zeros((n - 1) * hop + self.window, np.float32)
        overlap = self.window // hop
        for k in range(overlap):  # every window of a residue class at once: they do not overlap
            alone = windows[k::overlap]
            begin = k * hop
            sound[begin : begin + alone.size] += alone.reshape(-1)
        faded: F32 = sliding_window_view(sound, self.window)[::hop] * self._fade
        return faded

    def _noise(self, frames: NDArray[np.int64], key: int) -> F32:
        """Return windows of one long noise [shape=(n, window)], by the frame that they begin at."""
        at = (frames[:, None] * self.hop + np.arange(self.window) + key % TABLE) % TABLE
        windows: F32 = _table()[at]
        return windows


@lru_cache(maxsize=1)
def _table() -> F32:
    """Return noise of mean square 1."""
    return np.random.Generator(np.random.Philox(0xCA44)).standard_normal(TABLE, np.float32)
