"""Where a stretched recording is read: each window chosen to continue the one before it.

WSOLA: Verhelst, Roelands: An overlap-add technique based on waveform similarity for high quality
time-scale modification of speech (ICASSP 1993). The search runs on the recording itself; what is
found is read, encoded, mixed and decoded like any other window.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from latentlive.units import Samples

BLOCK = 1024
"""Windows from one anchor to the next. An anchor is read where the stretching says, whatever came
before: so any position can be asked without searching from the beginning."""


class Alignment:
    """The positions at which the windows of a stretched recording are read.

    Parameters
    ----------
    samples : array [shape=(n,)]
    read_hop : Fraction [samples]
        From one window to the next in the recording.
    hop : int [samples]
        From one window to the next in what is heard.
    window : int [samples]
        A window is sought within a quarter of this to either side.
    """

    def __init__(self, samples: Samples, read_hop: Fraction, hop: int, window: int) -> None:
        self.samples, self.read_hop, self.hop, self.window = samples, read_hop, hop, window
        self.reach = window // 4
        self._blocks: dict[int, NDArray[np.int64]] = {}

    def offsets(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sample at which each window begins [shape=(n,)]; negative ones too."""
        found = np.empty(len(index), np.int64)
        blocks = index // BLOCK
        for block in np.unique(blocks):
            here = blocks == block
            found[here] = self._block(int(block))[index[here] - block * BLOCK]
        return found

    def _block(self, block: int) -> NDArray[np.int64]:
        known = self._blocks.get(block)
        if known is None:
            known = self._blocks[block] = self._search(block * BLOCK)
        return known

    def _search(self, first: int) -> NDArray[np.int64]:
        samples, window = self.samples, self.window
        up, down = self.read_hop.numerator, self.read_hop.denominator
        nominal = (np.arange(first, first + BLOCK) * up + down // 2) // down
        found = nominal.copy()
        last = len(samples) - window
        for i in range(1, BLOCK):
            follow = int(found[i - 1]) + self.hop
            low = max(int(nominal[i]) - self.reach, 0)
            high = min(int(nominal[i]) + self.reach, last)
            if nominal[i] > last:
                break  # what reaches past the end is read as it comes
            if low > high or not 0 <= follow <= last:
                continue
            wanted = samples[follow : follow + window]
            if float(wanted @ wanted) < 1e-9 * window:
                continue  # silence follows anything
            region = np.ascontiguousarray(samples[low : high + window])
            likeness = np.correlate(region, wanted, "valid")
            power = np.concatenate([[0.0], np.cumsum(region.astype(np.float64) ** 2)])
            energy = power[window:] - power[: len(likeness)]
            found[i] = low + int(np.argmax(likeness / np.sqrt(np.maximum(energy, 1e-12))))
        return found
