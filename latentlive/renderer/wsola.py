"""Read positions of a stretched recording: each window continues the one before it.

WSOLA: Verhelst, Roelands: An overlap-add technique based on waveform similarity for high quality
time-scale modification of speech (ICASSP 1993). The search runs on the recording itself; windows
found are encoded, mixed and decoded like any other.
"""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from latentlive.ground.files import write_whole
from latentlive.units import Samples

Index = TypeVar("Index", int, NDArray[np.int64])

SILENT = 1e-9
"""The power below which a window counts as silence."""

MAX_BLOCKS = 256
"""Blocks kept in memory: four hours of one stretched recording at a hop of 256."""

BLOCK = 1024
"""Windows from one anchor to the next. An anchor is read at its nominal position, whatever came
before: so a search starts at the block's anchor, not at the beginning."""


class Alignment:
    """The read positions of a stretched recording's windows.

    Parameters
    ----------
    samples : array [shape=(n,)]
    read_hop : Fraction [samples]
        From one window to the next in the recording.
    hop : int [samples]
        From one window to the next in the output.
    window : int [samples]
        The search reaches a quarter of this to either side.
    folder : path, optional
        Keeps the blocks that are searched to their end.
    """

    def __init__(
        self,
        samples: Samples,
        read_hop: Fraction,
        hop: int,
        window: int,
        folder: Path | None = None,
    ) -> None:
        self.folder = folder
        self.samples, self.read_hop, self.hop, self.window = samples, read_hop, hop, window
        self.reach = window // 4
        self._blocks: dict[int, list[int]] = {}

    def offsets(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sample at which each window begins [shape=(n,)]; indices may be negative."""
        found = np.empty(len(index), np.int64)
        blocks = index // BLOCK
        for block in np.unique(blocks):
            here = blocks == block
            inside = index[here] - block * BLOCK
            known = self._searched(int(block), int(inside.max()) + 1)
            found[here] = np.array(known)[inside]
        return found

    def _searched(self, block: int, count: int) -> list[int]:
        """Return a block's positions, searched as far as needed."""
        known = self._blocks.get(block)
        if known is None:
            known = self._blocks[block] = self._load(block)
        if len(self._blocks) > MAX_BLOCKS:
            del self._blocks[next(iter(self._blocks))]
        first, last = block * BLOCK, len(self.samples) - self.window
        while len(known) < count:
            n = first + len(known)
            nominal = self._nominal(n)
            free = not known or n < 0 or nominal > last  # an anchor, or outside the recording
            known.append(nominal if free else self._best(nominal, known[-1] + self.hop, last))
            if len(known) == BLOCK:
                self._keep(block, known)
        return known

    def _load(self, block: int) -> list[int]:
        """Return a block that an earlier search stored, or an empty one."""
        if self.folder is None:
            return []
        try:
            found = np.load(self.folder / f"{block}.npy", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return []
        sound = found.shape == (BLOCK,) and found.dtype == np.int64
        nominal = self._nominal(np.arange(block * BLOCK, (block + 1) * BLOCK))
        near = sound and np.abs(found - nominal).max() <= self.reach
        return found.tolist() if near else []

    def _keep(self, block: int, known: list[int]) -> None:
        if self.folder is not None:
            # If the write fails, the next run searches the block again.
            with contextlib.suppress(OSError):
                self.folder.mkdir(parents=True, exist_ok=True)
                write_whole(
                    self.folder / f"{block}.npy", lambda path: np.save(path, np.array(known))
                )

    def _nominal(self, n: Index) -> Index:
        """Return the sample at which the stretch ratio alone puts window n, rounded."""
        up, down = self.read_hop.numerator, self.read_hop.denominator
        return (2 * n * up + down) // (2 * down)

    def _best(self, nominal: int, follow: int, last: int) -> int:
        """Return the position near `nominal` that best matches what follows the last window."""
        samples, window = self.samples, self.window
        low, high = max(nominal - self.reach, 0), min(nominal + self.reach, last)
        if not 0 <= follow <= last:
            return nominal
        wanted = samples[follow : follow + window]
        if float(wanted @ wanted) < SILENT * window:
            return nominal  # silence follows anything
        region = np.ascontiguousarray(samples[low : high + window])
        likeness = np.correlate(region, wanted, "valid")
        power = np.concatenate([[0.0], np.cumsum(region.astype(np.float64) ** 2)])
        energy = power[window:] - power[: len(likeness)]
        return low + int(np.argmax(likeness / np.sqrt(np.maximum(energy, 1e-12))))
