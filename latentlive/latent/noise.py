"""Noise for drawing frames: a function of (seed, slot, frame), never of call order."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import hashed
from latentlive.units import Floats

BLOCK = 32
"""Frames drawn from one keyed generator, since one a frame would cost five times as much; the cache
holds the last 256 blocks."""


@lru_cache(maxsize=256)
def _block(key: int, index: int, dims: int) -> NDArray[np.float32]:
    counter = np.array([0, index % 2**64, 0, 0], np.uint64)
    bits = np.random.Philox(key=key, counter=counter)
    return np.random.Generator(bits).standard_normal((BLOCK, dims), dtype=np.float32)


def _whole(key: int, frames: NDArray[np.int64], dims: int) -> NDArray[np.float32]:
    blocks = frames // BLOCK
    step = np.diff(blocks)
    if len(blocks) and (step >= 0).all() and (step <= 1).all():
        # The usual case, one window after the other: a single gather.
        first, last = int(blocks[0]), int(blocks[-1])
        table = np.concatenate([_block(key, i, dims) for i in range(first, last + 1)])
        return table[frames - first * BLOCK]
    rows = np.empty((len(frames), dims), np.float32)
    for index in np.unique(blocks):
        here = blocks == index
        rows[here] = _block(key, int(index), dims)[frames[here] - index * BLOCK]
    return rows


def drawn(key: int, frames: Floats, dims: int) -> NDArray[np.float32]:
    """Return standard normal noise at positions of the layer's clock.

    Between two frames the noise crossfades from one draw to the next, scaled to keep its variance
    at 1 everywhere.

    Parameters
    ----------
    key : int
        From `noise_key`.
    frames : array [shape=(n,), frames]
    dims : int

    Returns
    -------
    array [shape=(n, dims)]
    """
    whole = np.floor(frames)
    part = (frames - whole).astype(np.float32)[:, None]
    first = whole.astype(np.int64)
    behind = _whole(key, first, dims)
    if not part.any():
        return behind
    ahead = _whole(key, first + 1, dims)
    back = np.float32(1.0) - part
    carried: NDArray[np.float32] = (back * behind + part * ahead) / np.sqrt(
        back * back + part * part
    )
    return carried


def noise_key(seed: int, slot: int, own: int | None) -> int:
    """Return the key of a layer's noise from the performance's seed, the slot and an own seed."""
    return hashed("noise", seed, slot, own)
