"""The grids of the spectral space: rate, window and hop, analysis bins, pages and blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Ints = NDArray[np.int64]

RATE = 44100
"""Samples per second."""

FRAME = 1024
"""Samples of the window that a vector describes and decodes to, centred on the vector."""

HOP = 256
"""Samples from one vector to the next."""

PAGE = 256
"""Vectors encoded together: 1.49 s."""

SHORT = 8
"""Vectors of a short page, around a joint: one window is read there, or a few."""

AROUND = 32
"""Vectors beside a page on both sides, from which its pitch track takes its context."""

BLOCK = 64
"""Vectors decoded together: .37 s. Phases start again at each block."""

LIVE_BLOCK = 16
"""Vectors decoded together where live curves are followed: 93 ms. Partials that move are steered
to their next anchors by up to 5 Hz then, instead of 1.3; steady ones as before."""

AHEAD = 1
"""Vectors after a block that its decoding reads, to steer its partials to their phases there."""

SIZE = 4096
"""Samples of an analysis."""

BINS = SIZE // 2 + 1
BIN = RATE / SIZE
"""Hz from one analysis bin to the next."""

HEARS = (SIZE - FRAME) // 2
"""Samples on both sides of a window that its spectrum is made of."""

MARGIN = AROUND * HOP + HEARS
"""Samples on both sides of a page's windows that its encoding reads."""

LOWEST, HIGHEST = 25.0, 20000.0
"""The range of the space in Hz."""


def erbs(hz: F64) -> F64:
    """Return places on the scale of hearing's bandwidths (Glasberg and Moore 1990)."""
    scale: F64 = 21.4 * np.log10(1.0 + 0.00437 * hz)
    return scale
