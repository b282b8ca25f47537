"""Voices of the shared block to a mix: a cell of 64 samples is heard whole, or not at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentlive.engine.shared import MISSING, POINTS, RING, VOICES, Block
from latentlive.engine.timing import CLOSE, to_samples
from latentlive.ground.system import fence
from latentlive.mixer import GRID, mix

Ints = NDArray[np.int64]

LONGEST_HOLE = RING // 2
"""Samples after which a hole is told of though it goes on."""


class RingMix:
    """Mixes voices from their rings, and tells the engine what was not there.

    Parameters
    ----------
    block : Block
    """

    def __init__(self, block: Block) -> None:
        self.block = block
        self._holes: dict[int, tuple[int, int]] = {}

    def mix(
        self, voices: Ints, first: int, last: int, position: int, away: bool = False
    ) -> NDArray[np.float32]:
        """Return the mix of some voices over cells `first` to `last`.

        Parameters
        ----------
        voices : array [shape=(n,), int64]
            Rings, in the order in which they are added.
        first, last : int [cells of 64 samples, global]
        position : int [samples, global]
            What lies before it was heard already.
        away : bool
            Whether the engine hangs, so that nothing follows what the rings hold.

        Returns
        -------
        array [shape=((last - first) * 64, 2)]
        """
        mixed, levels, absent = mix_voices(self.block, voices, first, last, away)
        if self._holes or absent.any():
            audible = (levels != 0.0).any(axis=0)
            audible = audible[:, :-1] | audible[:, 1:]
            new = np.arange(first + 1, last + 1) * GRID > position
            self._note(voices, first, last, absent & audible & new)
        return mixed

    def tell_holes(self) -> None:
        """Tell of the holes that go on: nothing is mixed any more. What lies ahead of being heard
        counts, for the limiter has looked at it."""
        for voice, (start, stop) in self._holes.items():
            self.block.write_hole(voice, start, stop)
        self._holes.clear()

    def _note(self, voices: Ints, first: int, last: int, missing: NDArray[np.bool_]) -> None:
        """Count missing cells and tell of holes that are over, or long."""
        self.block.header[MISSING] += GRID * int(np.count_nonzero(missing))
        for row, cell in np.argwhere(missing).tolist():
            voice, at = int(voices[row]), (first + cell) * GRID
            start, stop = self._holes.pop(voice, (at, at))
            if stop != at or stop - start >= LONGEST_HOLE:
                self.block.write_hole(voice, start, stop)
                start = at
            self._holes[voice] = start, at + GRID
        for voice, (start, stop) in list(self._holes.items()):
            if stop < last * GRID:
                self.block.write_hole(voice, start, stop)
                del self._holes[voice]


def gains_at(block: Block, voices: Ints, first: int, last: int) -> NDArray[np.float32]:
    """Return the gains of some voices at the edges of cells [shape=(2, n, last - first + 1)].

    Where they are not written yet the last written one is held.
    """
    points = np.arange(first, last + 1)
    until = block.gains_until[voices]
    fence()  # read before what it tells of
    if ((until > 0) & (until <= last * GRID)).any():
        newest = np.where(until > 0, (until - 1) // GRID, last)
        points = np.minimum(points, newest[:, None])
    return block.gains[:, voices[:, None], points % POINTS]


def absent_cells(block: Block, voices: Ints, first: int, last: int) -> NDArray[np.bool_]:
    """Return which cells the rings of some voices do not hold [shape=(n, last - first)]."""
    since, until = block.ready[voices, :, None].swapaxes(0, 1)
    starts = np.arange(first, last)[None, :] * GRID
    held = np.maximum(since, until - RING)
    absent: NDArray[np.bool_] = (starts < held) | (starts + GRID > until)
    return absent


def closing(block: Block, voices: Ints, first: int, last: int) -> NDArray[np.float32]:
    """Return gains that close some voices by the ends of their rings [shape=(n, edges)]."""
    ends = block.ready[voices, 1] // GRID * GRID
    left = ends[:, None] - np.arange(first, last + 1) * GRID
    level = left / to_samples(CLOSE, block.rate)
    gains: NDArray[np.float32] = np.clip(level, 0.0, 1.0).astype(np.float32)
    return gains


def mix_voices(
    block: Block, voices: Ints, first: int, last: int, away: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Mix some voices over cells `first` to `last`, in the order given; see `RingMix.mix`.

    Returns
    -------
    mixed : array [shape=((last - first) * 64, 2)]
    levels : array [shape=(2, n, last - first + 1)]
        Left and right gain at the edges of the cells.
    absent : array [shape=(n, last - first), bool]
        Cells that were not there, and are silent.
    """
    levels = gains_at(block, voices, first, last)
    absent = absent_cells(block, voices, first, last)
    fence()
    cells = block.audio.reshape(VOICES, POINTS, GRID)
    audio = cells[voices[:, None], np.arange(first, last) % POINTS]
    heard = levels * closing(block, voices, first, last) if away else levels
    mixed = _mixed(audio, heard, absent)
    if not np.isfinite(mixed.sum()):
        # A ring holds what is no number: that voice alone is not heard there.
        absent = absent | ~np.isfinite(audio).all(axis=2)
        mixed = _mixed(audio, np.nan_to_num(heard), absent)
    return mixed, levels, absent


def _mixed(
    audio: NDArray[np.float32], levels: NDArray[np.float32], absent: NDArray[np.bool_]
) -> NDArray[np.float32]:
    if absent.any():
        audio[absent] = 0.0
    voices, cells, _ = audio.shape
    return mix(audio.reshape(voices, cells * GRID), levels)
