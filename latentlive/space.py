"""A latent space: a fact sheet and two machines; no other module knows a model.

The *encoder* turns recordings into latent vectors, window by window at any sample, or page by page
on the recording's own grid. The *decoder* turns vectors into windows, each by itself or in blocks
that depend on their neighbours. The renderer overlaps and adds the windows.
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
    """The distribution of a space's vectors before the sound is known.

    Parameters
    ----------
    mean, std : float or array [shape=(dims,)]
        Of a normal distribution; jitter moves vectors by this std.
    draws : int
        Numbers that `made` turns into a vector; 0 draws each number of a vector.
    made : function of draws from N(0, I) [shape=(n, draws)]
        Returns vectors [shape=(n, dims)].
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


class StartingError(Exception):
    """A space whose process is being started cannot decode yet: ask again."""


class Part(NamedTuple):
    """Vectors to decode: `start` to `stop` of a prepared block."""

    prepared: Any
    start: int
    stop: int


@dataclass(frozen=True)
class Facts:
    """The facts for checking an expression without its space: plain data.

    Parameters
    ----------
    name : str
    sample_rate : int [samples a second]
    window, dims : int
    hop : int or None
    linear, prior, encodes : bool
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
    encodes: bool = True

    def dump(self) -> dict[str, Any]:
        """Return the facts as JSON data."""
        return asdict(self)

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Facts:
        """Return the facts that `dump` wrote."""
        return cls(**{**data, "axes": tuple(data["axes"])})


class Space:
    """The base of every model. Its defaults describe the simplest kind: independent windows, read
    at any sample, normally distributed.

    Parameters
    ----------
    name : str
        The space's name on stage.
    digest : str
        Identifies this space's weights, or its code.
    sample_rate : int [samples a second]
        Of the samples that it encodes and decodes.
    channels : int
        Of the decoded samples.
    window : int [samples]
        Samples decoded from one vector; one frame of the algebra.
    dims : int
        Numbers of one vector.
    hop : int or None [samples]
        From one vector to the next, a whole part of the window; None leaves that to the
        performer's ``.overlap(k)``. A space with a hop fades its windows itself.
    block, behind, ahead : int [vectors]
        `prepare` takes blocks of `block` vectors, on a grid of the texture's clock, with `behind`
        vectors before and `ahead` after. With a block of 1 it takes stretches of any length.
    live_block : int [vectors]
        Size of the blocks of textures that follow live curves, where smaller blocks are possible at
        a price: each block is decoded when its last vector is known. 0 is `block`.
    page, margin : int [vectors], int [samples]
        The encoder works in pages of `page` vectors, from their samples and `margin` more on
        either side; 0 encodes window by window, at any sample.
    short : int [vectors]
        Size of the pages of what few windows are read from: each joint of two sounds. 0 is `page`.
    hears : int or None [samples]
        How far beyond a window its vector hears, where the rest of the margin only helps to decide,
        as on a pitch. Windows that hear a joint are encoded anew. None is `margin`.
    peak : float
        The largest sample that it can encode and decode. Louder recordings are lowered before
        encoding and raised again after decoding.
    keeps : numpy type
        The type of stored pages.
    std : float or array [shape=(dims,)]
        The std of vectors encoded in pages.
    spread : int
        How many of a vector's first numbers have a log-variance of their own, which pages hold
        after the vector; the others have `std`.
    prior : Prior or None
    silence : array [shape=(dims,)] or None
        The vector of silence; None to encode silence instead.
    axes : mapping of name to Axis
        Properties set by name: ``pitch`` [Hz], ``transpose`` [semitones], ``loudness`` [dB],
        ``voiced`` [0 to 1].
    linear : bool
        Whether vectors mix only linearly.
    encodes : bool
        Whether the space encodes recordings; without an encoder only drawn or typed vectors play.
    steady : tuple of int
        Numbers of a vector that measured directions leave as they are: its pitch, its level.
    presence : int or None
        The number of a vector that multiplies all others, 0 in silence.
    names : tuple of str
        The meaning of a vector's first numbers, or of all, if the model says it.
    licence : str
        The licence note of the model's file.
    hurried : bool
        Whether layers play: a space that is still starting then raises StartingError.
    training : mapping
        What the model's file says of its training.
    """

    name: str
    digest: str
    sample_rate: int
    window: int
    dims: int
    channels: int = 1
    hop: int | None = None
    block: int = 1
    live_block: int = 0
    behind: int = 0
    ahead: int = 0
    page: int = 0
    short: int = 0
    margin: int = 0
    hears: int | None = None
    peak: float = math.inf
    keeps: type[np.floating[Any]] = np.float32
    std: float | F32 = 0.0
    prior: Prior | None = Prior()
    silence: F32 | None = None
    axes: Mapping[str, Axis] = MappingProxyType({})
    linear: bool = False
    encodes: bool = True
    steady: tuple[int, ...] = ()
    presence: int | None = None
    names: tuple[str, ...] = ()
    licence: str = ""
    spread: int = 0
    hurried: bool = False
    training: Mapping[str, Any] = MappingProxyType({})

    @property
    def facts(self) -> Facts:
        """The facts for checking an expression."""
        return Facts(
            self.name,
            self.sample_rate,
            self.window,
            self.dims,
            self.hop,
            self.linear,
            self.prior is not None,
            tuple(self.axes),
            self.encodes,
        )

    def page_samples(self, count: int) -> int:
        """Return how many samples the encoding of a page of so many vectors reads."""
        return (count - 1) * (self.hop or 0) + self.window + 2 * self.margin

    def page_vectors(self, samples: F32) -> int:
        """Return how many vectors the encoding of some samples gives."""
        return (len(samples) - self.page_samples(1)) // (self.hop or 1) + 1

    def encode(self, windows: F32) -> tuple[F32, F32]:
        """Return mean and log-variance [shape=(n, dims)] of windows [shape=(n, window)].

        A window's bits do not depend on the batch around it.
        """
        raise NotImplementedError

    def encode_page(self, samples: F32) -> F32:
        """Return the vectors of a page [shape=(n, dims + spread)].

        Parameters
        ----------
        samples : array [shape=(margin + (n - 1) * hop + window + margin,)]
            Of `page` or of `short` vectors. Vector i describes the window that begins at ``margin
            + i * hop``. Samples outside the recording are silent.
        """
        raise NotImplementedError

    def decode(self, z: F32) -> F32:
        """Return windows [shape=(n, window)] of vectors [shape=(n, dims)], each by itself."""
        raise NotImplementedError

    def prepare(self, z: F32, first: int, key: int, turn: float = 0.0) -> Any:
        """Return a block prepared for decoding: expensive work happens once.

        Parameters
        ----------
        z : array [shape=(behind + n + ahead, dims)]
            `n` is `block`, or any number where that is 1.
        first : int
            Index of the block's first vector on the texture's clock, counted from the first audible
            one.
        key : int
            This key and the vector's index determine all chance.
        turn : float [radians]
            How far chance is turned from this key's to that of ``key ^ 1``: left and right of a
            wide texture differ by it.
        """
        return z

    def synthesize(self, parts: Sequence[Part]) -> F32:
        """Return the windows of some parts, one after the other [shape=(n, channels, window)].

        A window's bits depend on its prepared block, not on the parts around it.
        """
        z = np.concatenate([part.prepared[part.start : part.stop] for part in parts])
        return self.decode(z)[:, None]

    def start(self) -> bool:
        """Start what the space needs to run; return whether it answers by now."""
        return True

    def at_rate(self, rate: int) -> Space:
        """Return the space for samples at a rate: itself, where it was made for one of its own."""
        return self

    def warm(self) -> None:
        """Decode a block of zeros, to load now whatever the first use loads."""
        z = np.zeros((self.behind + self.block + self.ahead, self.dims), np.float32)
        self.synthesize([Part(self.prepare(z, 0, 0), 0, self.block)])


class Verbatim(Space):
    """Recordings as they are: a vector is a window of their samples, and costs nothing.

    What was rendered once, a frozen sound, plays in it as it is. It has any rate.
    """

    name = digest = "samples"
    window = dims = hop = 1024
    prior, linear = None, True

    def __init__(self, sample_rate: int = 44100) -> None:
        self.sample_rate = sample_rate

    def at_rate(self, rate: int) -> Space:
        """Return the space at a rate."""
        return Verbatim(rate)

    def decode(self, z: F32) -> F32:
        """Return the vectors, which are windows."""
        return z


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
        """Return the windows unchanged, and a constant log-variance."""
        return windows.copy(), np.full_like(windows, self._log_variance)

    def decode(self, z: F32) -> F32:
        """Return the vectors unchanged."""
        return z.copy()
