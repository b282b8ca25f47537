"""A latent space: what encodes windows of sound into distributions and decodes them back."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


class Space(Protocol):
    """The protocol that every model fulfils; nothing else in the house knows a model.

    Windows are independent: each is encoded and decoded alone, and a window's bits do not
    depend on the batch around it.
    """

    @property
    def name(self) -> str:
        """How the space is called on stage."""

    @property
    def digest(self) -> str:
        """What tells this space's weights from any other's."""

    @property
    def sample_rate(self) -> int:
        """Samples per second."""

    @property
    def window(self) -> int:
        """Samples of one frame."""

    @property
    def dims(self) -> int:
        """Numbers of one latent vector."""

    def encode(self, windows: F32) -> tuple[F32, F32]:
        """Return mean and log-variance [shape=(n, dims)] of windows [shape=(n, window)]."""

    def decode(self, z: F32) -> F32:
        """Return windows [shape=(n, window)] of latent vectors [shape=(n, dims)]."""


class ToySpace:
    """An exact space for tests: the latent vector is the window itself.

    Parameters
    ----------
    window : int [samples, >= 16]
    std : float
        The std of every dimension, a power of two so that it survives float16.

    Example
    -------
    >>> space = ToySpace()
    >>> x = np.ones((2, 64), np.float32)
    >>> bool((space.decode(space.encode(x)[0]) == x).all())
    True
    """

    name = "toy"
    sample_rate = 44100

    def __init__(self, window: int = 64, std: float = 0.0625) -> None:
        self.window = self.dims = window
        self.digest = f"toy-{window}-{std}"
        self._log_variance = np.float32(2.0 * np.log(std))

    def encode(self, windows: F32) -> tuple[F32, F32]:
        """Return the windows as they are, and a constant log-variance."""
        return windows.copy(), np.full_like(windows, self._log_variance)

    def decode(self, z: F32) -> F32:
        """Return the vectors as they are."""
        return z.copy()
