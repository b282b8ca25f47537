"""The rings of the shared memory, mixed: a step of 64 samples is heard whole or not at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentlive.engine.shared import ALL_RINGS, MASTER_FIRST, MISSING, POINTS, RING, Shared
from latentlive.engine.timing import CLOSE, to_samples
from latentlive.ground.system import fence
from latentlive.mixer import GRID, mix

Ints = NDArray[np.int64]

LONGEST_HOLE = RING // 2
"""Samples after which a hole is told of though it goes on."""


class Holes:
    """Tells the engine which samples of rings were not there when they were due.

    Parameters
    ----------
    shared : Shared
    unfed : bool
        Whether strips lacked them, which the process of effects tells of.
    """

    def __init__(self, shared: Shared, unfed: bool = False) -> None:
        self._shared, self._unfed = shared, unfed
        self._open: dict[int, tuple[int, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._open)

    def note(self, rings: Ints, first: int, last: int, missing: NDArray[np.bool_]) -> None:
        """Count missing steps [shape=(n, last - first)]; tell of holes that are over, or long."""
        if missing.any():
            self._shared.header[MISSING] += GRID * int(np.count_nonzero(missing))
        for row, step in np.argwhere(missing).tolist():
            ring, at = int(rings[row]), (first + step) * GRID
            start, stop = self._open.pop(ring, (at, at))
            if stop != at or stop - start >= LONGEST_HOLE:
                self._write(ring, start, stop)
                start = at
            self._open[ring] = start, at + GRID
        for ring, (start, stop) in list(self._open.items()):
            if stop < last * GRID:
                self._write(ring, start, stop)
                del self._open[ring]

    def tell(self) -> None:
        """Tell of the holes that go on: nothing is mixed any more. What lies ahead of being heard
        counts, for the limiter has looked at it."""
        for ring, (start, stop) in self._open.items():
            self._write(ring, start, stop)
        self._open.clear()

    def _write(self, ring: int, start: int, stop: int) -> None:
        self._shared.write_hole(ring, start, stop, self._unfed)


class RingMix:
    """Mixes rings, and tells the engine what they did not hold.

    Parameters
    ----------
    shared : Shared
    """

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self._holes = Holes(shared)

    def mix(
        self, rings: Ints, first: int, last: int, position: int, away: bool = False
    ) -> NDArray[np.float32]:
        """Return the mix of some rings over steps `first` to `last`.

        Parameters
        ----------
        rings : array [shape=(n,), int64]
            Rings, in the order in which they are added.
        first, last : int [steps of 64 samples, global]
        position : int [samples, global]
            What lies before it was heard already.
        away : bool
            Whether the engine hangs, so that nothing follows what the rings hold.

        Returns
        -------
        array [shape=((last - first) * 64, 2)]
        """
        mixed, levels, absent = mix_rings(self.shared, rings, first, last, away)
        if self._holes or absent.any():
            audible = (levels != 0.0).any(axis=0)
            audible = audible[:, :-1] | audible[:, 1:]
            new = np.arange(first + 1, last + 1) * GRID > position
            self._holes.note(rings, first, last, absent & audible & new)
        return mixed

    def tell_holes(self) -> None:
        """Tell of the holes that go on: nothing is mixed any more."""
        self._holes.tell()


def gains_at(shared: Shared, rings: Ints, first: int, last: int) -> NDArray[np.float32]:
    """Return the gains of some rings at the edges of steps [shape=(2, n, last - first + 1)].

    Where they are not written yet the last written one is held.
    """
    points = np.arange(first, last + 1)
    until = shared.gains_until[rings]
    fence()  # read before what it tells of
    if ((until > 0) & (until <= last * GRID)).any():
        newest = np.where(until > 0, (until - 1) // GRID, last)
        points = np.minimum(points, newest[:, None])
    return shared.gains[:, rings[:, None], points % POINTS]


def straight_past(shared: Shared, rings: Ints, first: int, last: int) -> NDArray[np.float32] | None:
    """Return the part of each ring that goes past the master's effects [shape=(n, edges)], None
    while those have nothing of it."""
    through = shared.through[np.arange(first, last + 1) % POINTS]
    if not through.any():
        return None
    ours = (shared.active[rings] < MASTER_FIRST)[:, None]
    return np.where(ours, np.float32(1.0) - through, np.float32(1.0))


def absent_steps(shared: Shared, rings: Ints, first: int, last: int) -> NDArray[np.bool_]:
    """Return which steps some rings do not hold [shape=(n, last - first)]."""
    since, until = shared.ready[rings, :, None].swapaxes(0, 1)
    starts = np.arange(first, last)[None, :] * GRID
    held = np.maximum(since, until - RING)
    absent: NDArray[np.bool_] = (starts < held) | (starts + GRID > until)
    return absent


def closing(shared: Shared, rings: Ints, first: int, last: int) -> NDArray[np.float32]:
    """Return gains that close some rings where what they hold ends [shape=(n, edges)]."""
    ends = shared.ready[rings, 1] // GRID * GRID
    left = ends[:, None] - np.arange(first, last + 1) * GRID
    level = left / to_samples(CLOSE, shared.rate)
    gains: NDArray[np.float32] = np.clip(level, 0.0, 1.0).astype(np.float32)
    return gains


def audio_of(shared: Shared, rings: Ints, first: int, last: int) -> NDArray[np.float32]:
    """Return the samples of some rings, step by step [shape=(n, last - first, 64)]."""
    steps = shared.audio.reshape(ALL_RINGS, POINTS, GRID)
    return steps[rings[:, None], np.arange(first, last) % POINTS]


def mix_rings(
    shared: Shared, rings: Ints, first: int, last: int, away: bool = False, whole: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Mix some rings over steps `first` to `last`, in the order given; see `RingMix.mix`.

    What goes through the master's effects is left out, unless the `whole` is asked for.

    Returns
    -------
    mixed : array [shape=((last - first) * 64, 2)]
    levels : array [shape=(2, n, last - first + 1)]
        Left and right gain at the edges of the steps.
    absent : array [shape=(n, last - first), bool]
        Steps that were not there, and are silent.
    """
    levels = gains_at(shared, rings, first, last)
    past = None if whole else straight_past(shared, rings, first, last)
    if past is not None:
        levels = levels * past
    absent = absent_steps(shared, rings, first, last)
    fence()
    audio = audio_of(shared, rings, first, last)
    heard = levels * closing(shared, rings, first, last) if away else levels
    mixed = _mixed(audio, heard, absent)
    if not np.isfinite(mixed.sum()):
        # A ring holds NaN or infinity: it alone is silent there.
        absent = absent | ~np.isfinite(audio).all(axis=2)
        mixed = _mixed(audio, np.nan_to_num(heard), absent)
    return mixed, levels, absent


def _mixed(
    audio: NDArray[np.float32], levels: NDArray[np.float32], absent: NDArray[np.bool_]
) -> NDArray[np.float32]:
    if absent.any():
        audio[absent] = 0.0
    rings, steps, _ = audio.shape
    return mix(audio.reshape(rings, steps * GRID), levels)
