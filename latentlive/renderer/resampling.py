"""Resampling: a local operator on an absolute grid, so that bits depend on position alone.

A polyphase filter (a sinc in a Kaiser window): sample n of the result reads the same few samples
of the source, in the same order, in every request.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from latentlive.units import Samples

CROSSINGS = 32
"""Zeros of the sinc on either side."""

BETA = 10.0
"""Of the Kaiser window: aliases are 100 dB down."""

PASSED = 0.94
"""The passband, as a part of the narrower band."""

PAGE = 4096
MAX_PAGES = 256
"""Resampled pages kept of one recording: 4 MB."""


class Resampler:
    """Converts samples from one rate to another.

    Parameters
    ----------
    source, target : int [samples a second]
    """

    def __init__(self, source: int, target: int) -> None:
        common = math.gcd(source, target)
        self.up, self.down = target // common, source // common
        self.half, self._filters = _filters(self.up, self.down)

    def needed(self, start: int, stop: int) -> tuple[int, int]:
        """Return the range of the source that samples `start` to `stop` of the result read."""
        first, last = start * self.down // self.up, (stop - 1) * self.down // self.up
        return first - self.half + 1, last + self.half + 1

    def resampled(self, samples: Samples, start: int, stop: int) -> Samples:
        """Return samples `start` to `stop` of the result from the source samples they need."""
        if stop == start:
            return np.empty(0, np.float32)
        grid = np.arange(start, stop, dtype=np.int64) * self.down
        first, phase = grid // self.up, grid % self.up
        near = np.lib.stride_tricks.sliding_window_view(samples, 2 * self.half)[first - first[0]]
        summed: Samples = (near * self._filters[phase]).sum(axis=1)
        return summed


@lru_cache(maxsize=8)
def _filters(up: int, down: int) -> tuple[int, Samples]:
    """Return half the filter length, and a filter for each phase [shape=(up, 2 * half)]."""
    band = min(1.0, up / down)
    half = math.ceil(CROSSINGS / band)
    away = np.arange(2 * half) - (half - 1) - np.arange(up)[:, None] / up
    shape = np.i0(BETA * np.sqrt(np.maximum(1.0 - (away / half) ** 2, 0.0)))
    taps = np.sinc(away * band * PASSED) * shape
    return half, (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)


class Resampled:
    """A recording at another rate, computed only where it is read.

    Parameters
    ----------
    samples : array [shape=(n,)]
    source, target : int [samples a second]
    """

    def __init__(self, samples: Samples, source: int, target: int) -> None:
        self._samples, self._resampler = samples, Resampler(source, target)
        self._length = -(-len(samples) * target // source)
        self._pages: OrderedDict[int, Samples] = OrderedDict()

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: slice | NDArray[np.int64]) -> Samples:
        if isinstance(index, slice):
            index = np.arange(*index.indices(self._length))
        found = np.empty(index.shape, np.float32)
        pages = index // PAGE
        for number in np.unique(pages):
            here = pages == number
            found[here] = self._page(int(number))[index[here] - number * PAGE]
        return found

    def _page(self, number: int) -> Samples:
        page = self._pages.pop(number, None)
        if page is None:
            start, stop = number * PAGE, (number + 1) * PAGE
            first, last = self._resampler.needed(start, stop)
            inside = self._samples[max(first, 0) : max(last, 0)]
            before = max(-first, 0)
            around = np.pad(inside, (before, last - first - before - len(inside)))
            page = self._resampler.resampled(around, start, stop)
        self._pages[number] = page
        if len(self._pages) > MAX_PAGES:
            self._pages.popitem(last=False)
        return page
