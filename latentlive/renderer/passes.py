"""What a loop was decoded to when it last came by: the same latents are not decoded again.

Nothing is concluded from the expression. A window is taken from the pass before exactly if its
latent vector has the same bits, so a rendering is the same with and without.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentlive.units import Samples

LONGEST = 2048
"""Windows of the longest loop that is remembered: 12 s of RawAudioVAE at overlap 4, 10 MB."""


class Passes:
    """The windows of the last pass of a loop, with the latent vectors behind them.

    Parameters
    ----------
    period : int [windows]
        Of one pass.
    dims, window : int
        Of the space.

    Example
    -------
    >>> passes, z = Passes(2, 1, 4), np.float32([[1], [2]])
    >>> passes.unknown(0, z)
    array([ True,  True])
    >>> _ = passes.completed(0, z, passes.unknown(0, z), np.ones((2, 4), np.float32))
    >>> passes.unknown(2, np.float32([[1], [3]]))
    array([False,  True])
    """

    def __init__(self, period: int, dims: int, window: int) -> None:
        self.period = period
        self._z = np.full((period, dims), np.nan, np.float32)  # equal to nothing
        self._decoded = np.empty((period, window), np.float32)

    def unknown(self, first: int, z: Samples) -> NDArray[np.bool_]:
        """Return which windows from the `first` on have to be decoded [shape=(n,)]."""
        unknown: NDArray[np.bool_] = (self._z[self._places(first, len(z))] != z).any(axis=1)
        return unknown

    def completed(
        self, first: int, z: Samples, unknown: NDArray[np.bool_], decoded: Samples
    ) -> Samples:
        """Remember what was unknown and is decoded now; return all windows [shape=(n, window)]."""
        places = self._places(first, len(z))
        windows = self._decoded[places]
        windows[unknown] = decoded
        self._z[places], self._decoded[places] = z, windows
        return windows

    def _places(self, first: int, count: int) -> NDArray[np.int64]:
        return (first + np.arange(count)) % self.period
