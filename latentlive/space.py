"""A latent space: a fact sheet and two machines, and nothing else in the house knows a model.

The *encoder* describes recordings by latent vectors, window by window at any sample, or page by
page on the recording's own grid. The *decoder* makes windows of vectors, each by itself or in
blocks that know their neighbours. The renderer adds the windows up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


Axis = Callable[[F32, F32], F32]
"""Moves vectors [shape=(n, dims)] by values [shape=(n,)] and returns the moved ones."""


class Prior(NamedTuple):
    """Where the vectors of a space lie before anything is known of the sound.

    Parameters
    ----------
    mean, std : float or array [shape=(dims,)]
        Of a normal distribution; what is jittered moves by this std.
    draws : int
        How many numbers a vector is made of that is not drawn number by number; 0 otherwise.
    made : function of draws from N(0, I) [shape=(n, draws)]
        Returns the vectors that they make [shape=(n, dims)].
    """

    mean: float | F32 = 0.0
    std: float | F32 = 1.0
    draws: int = 0
    made: Callable[[F32], F32] | None = None

    def vectors(self, drawn: F32) -> F32:
        """Return the vectors of draws from N(0, I) [shape=(n, dims or draws)]."""
        if self.made is not None:
            return self.made(drawn)
        return (self.mean + self.std * drawn).astype(np.float32)


class Part(NamedTuple):
    """Vectors that are to be decoded: `start` to `stop` of what was prepared together."""

    prepared: Any
    start: int
    stop: int


@dataclass(frozen=True)
class Facts:
    """What an expression can be checked against without its space: plain data.

    Parameters
    ----------
    name : str
    sample_rate : int [samples a second]
    window, dims : int
    hop : int or None
    linear, prior : bool
    axes : tuple of str
        See `Space`.
    """

    name: str
    sample_rate: int
    window: int
    dims: int
    hop: int | None = None
    linear: bool = False
    prior: bool = True
    axes: tuple[str, ...] = ()

    def dump(self) -> dict[str, Any]:
        """Return the facts as JSON data."""
        return asdict(self)

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Facts:
        """Return the facts that `dump` wrote."""
        return cls(**{**data, "axes": tuple(data["axes"])})


class Space:
    """What every model derives from. What is given here holds for the simplest kind: independent
    windows, read at any sample, normally distributed.

    Parameters
    ----------
    name : str
        How the space is called on stage.
    digest : str
        What tells this space's weights, or its code, from any other's.
    sample_rate : int [samples a second]
        Of the samples that it encodes, and of those that it gives.
    channels : int
        Of what it gives.
    window : int [samples]
        What is decoded of one vector; one frame of the algebra.
    dims : int
        Numbers of one vector.
    hop : int or None [samples]
        From one vector to the next, a whole part of the window; None leaves that to the
        performer's ``.overlap(k)``. A space with a hop gives windows that are faded already.
    block, behind, ahead : int [vectors]
        Vectors are prepared in blocks of `block`, which lie on a grid of the texture's clock, with
        so many more on either side. Blocks of 1 are prepared in stretches of any length.
    page, margin : int [vectors], int [samples]
        Recordings are encoded in pages of `page` vectors, from their samples and `margin` more on
        either side; 0 encodes window by window, wherever windows begin.
    peak : float
        The largest sample that it can encode and give. Louder recordings are encoded at a lower
        level, and what is decoded of them is raised again.
    keeps : numpy type
        In which encoded pages are stored.
    std : float or array [shape=(dims,)]
        The spread of vectors encoded in pages.
    prior : Prior or None
    silence : array [shape=(dims,)] or None
        The vector of silence; None where encoding silence tells it.
    axes : mapping of name to Axis
        What can be set by name: ``pitch`` [Hz], ``transpose`` [semitones], ``loudness`` [dB],
        ``voiced`` [0 to 1].
    linear : bool
        Whether vectors may be mixed in straight lines only.
    """

    name: str
    digest: str
    sample_rate: int
    window: int
    dims: int
    channels: int = 1
    hop: int | None = None
    block: int = 1
    behind: int = 0
    ahead: int = 0
    page: int = 0
    margin: int = 0
    peak: float = math.inf
    keeps: type[np.floating[Any]] = np.float32
    std: float | F32 = 0.0
    prior: Prior | None = Prior()
    silence: F32 | None = None
    axes: Mapping[str, Axis] = MappingProxyType({})
    linear: bool = False

    @property
    def facts(self) -> Facts:
        """What an expression is checked against."""
        return Facts(
            self.name,
            self.sample_rate,
            self.window,
            self.dims,
            self.hop,
            self.linear,
            self.prior is not None,
            tuple(self.axes),
        )

    def encode(self, windows: F32) -> tuple[F32, F32]:
        """Return mean and log-variance [shape=(n, dims)] of windows [shape=(n, window)].

        A window's bits do not depend on the batch around it.
        """
        raise NotImplementedError

    def encode_page(self, samples: F32) -> F32:
        """Return the vectors of a page [shape=(n, dims)].

        Parameters
        ----------
        samples : array [shape=(margin + (n - 1) * hop + window + margin,)]
            Vector i describes the window that begins at ``margin + i * hop``. Outside the
            recording there is silence.
        """
        raise NotImplementedError

    def decode(self, z: F32) -> F32:
        """Return windows [shape=(n, window)] of vectors [shape=(n, dims)], each by itself."""
        raise NotImplementedError

    def prepare(self, z: F32, first: int, key: int, turn: float = 0.0) -> Any:
        """Return what a block needs to be decoded: what costs much is done once.

        Parameters
        ----------
        z : array [shape=(behind + n + ahead, dims)]
            `n` is `block`, or any number where that is 1.
        first : int
            Which vector of the texture's clock the block's first is, counted from the first that
            is heard.
        key : int
            All chance is drawn from this key and the vector's number.
        turn : float [radians]
            How far chance is turned from that of this key to that of ``key ^ 1``: left and right
            of a wide texture differ by it.
        """
        return z

    def synthesize(self, parts: Sequence[Part]) -> F32:
        """Return the windows of some parts, one after the other [shape=(n, channels, window)].

        A window's bits depend on what was prepared, not on the parts around it.
        """
        z = np.concatenate([part.prepared[part.start : part.stop] for part in parts])
        return self.decode(z)[:, None]

    def warm(self) -> None:
        """Decode a block of nothing: what is loaded when it is first used is loaded then."""
        z = np.zeros((self.behind + self.block + self.ahead, self.dims), np.float32)
        self.synthesize([Part(self.prepare(z, 0, 0), 0, self.block)])


class ToySpace(Space):
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
