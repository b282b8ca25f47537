"""Where latents come from: recordings, points of the latent space, chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ExpressionError
from latentlive.expr import (
    Array,
    Either,
    Maybe,
    Node,
    Number,
    Text,
    Waveform,
    Whole,
    child,
    declared,
    lasting,
    operator,
    whole,
)
from latentlive.expr.fields import shown
from latentlive.latent.base import Latent
from latentlive.latent.noise import drawn
from latentlive.latent.query import Latents, Length, Query, Scope


def as_latent(value: Any, place: str = "latent") -> Latent:
    """Return a latent as it is, or a vector as a constant latent.

    Raises
    ------
    ExpressionError
        For anything else, and for a latent with its join already set.
    """
    if isinstance(value, Latent):
        return value
    if isinstance(value, np.ndarray | list | tuple):
        return Z(value)
    if isinstance(value, Node) and Latent in value.followed:
        raise ExpressionError(f"{place} has .{value.word}(), which stands at the root only")
    hint = f"; write sound({value!r})" if isinstance(value, str) else ""
    raise ExpressionError(
        f"{place} must be a latent such as sound('gong'), got {shown(value)}{hint}"
    )


class Recorded(Latent):
    """A source that the world reads as audio."""

    def length(self, scope: Scope) -> Length:
        return scope.world.length(self)

    def at(self, query: Query) -> Latents:
        return query.world.read(self, query)


SOURCE = Either("a name, a path or an array of samples", text=Text(), values=Waveform(np.float32))


@operator
class Sound(Recorded):
    """A recording, read window by window through the encoder.

    Parameters
    ----------
    source : str or array [shape=(n,) or (n, 2), float32, at the model's rate]
        The name of a sound in the corpus or of a frozen sound, a path to an audio file, or an
        array of samples; int8 to int32 are scaled by their type. A recording with two channels
        keeps both; of more there is a mix.

    Example
    -------
    >>> sound("gong")
    sound('gong')
    """

    source: str | Sequence[float] | NDArray[np.floating[Any] | np.integer[Any]] = declared(SOURCE)


@operator
class Cluster(Recorded):
    """The sounds of one node of the corpus's map, joined, nearest to the node first.

    Parameters
    ----------
    n : int [>= 0]
        The node: x + y * side. If it is empty, the nearest node that holds sounds.
    seconds : float [seconds, > 0], optional
        Roughly how long: take the nearest sounds, from other nodes if this one holds too few.
        Without it, take all of the node's sounds.
    valence, arousal : float [about -1 to 1], optional
        Instead of `n`: the node nearest to these values.

    Example
    -------
    >>> cluster(18, seconds=30)
    cluster(18, 30)
    >>> cluster(valence=0.3, arousal=-0.5)
    cluster(valence=0.3, arousal=-0.5)
    """

    n: int | None = declared(Maybe(Whole()), default=None)
    seconds: float | None = declared(Maybe(Number("seconds", above=0.0)), default=None)
    valence: float | None = declared(Maybe(Number()), default=None)
    arousal: float | None = declared(Maybe(Number()), default=None)

    def __post_init__(self) -> None:
        super().__post_init__()
        felt = self.valence is not None or self.arousal is not None
        if felt == (self.n is not None):
            raise ExpressionError(
                "cluster: give a node such as cluster(18), or valence= and arousal="
                + (", not both" if felt else "")
            )


@operator
class Near(Recorded):
    """The `n` sounds of the corpus most like a given sound, joined, nearest first.

    Parameters
    ----------
    sound : Sound
        From the corpus, a file or an array; a sound of the corpus is not its own neighbour.
    n : int [>= 1]

    Example
    -------
    >>> near(sound("gong"), 6)
    near(sound('gong'), 6)
    """

    sound: Latent = child(as_latent)
    n: int = whole(least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.sound, Sound):
            raise ExpressionError(
                f"near: sound must be a sound such as sound('gong'), got {shown(self.sound)}"
            )


@operator
class Excerpts(Recorded):
    """Half a second of each of up to `n` sounds (1 to 512), joined: a bit of the whole corpus.

    With a map of the corpus they come from all its nodes.

    Example
    -------
    >>> excerpts(24)
    excerpts(24)
    """

    n: int = whole(least=1, most=512, default=64)


class Endless(Latent):
    """A source that never ends."""

    def length(self, scope: Scope) -> Length:
        return math.inf


def _point(mean: NDArray[np.float32], frames: int) -> Latents:
    """Return one or many means without any spread."""
    means = np.broadcast_to(mean, (frames, mean.shape[-1]))
    return Latents(np.ascontiguousarray(means), np.zeros(means.shape, np.float32))


@operator
class Z(Endless):
    """One point of the latent space, for ever.

    Parameters
    ----------
    vector : array [shape=(dims,)]

    Example
    -------
    >>> z([0.5, -1])
    z([0.5, -1.0])
    """

    vector: Sequence[float] | NDArray[np.floating[Any] | np.integer[Any]] = declared(
        Array(np.float32)
    )

    def at(self, query: Query) -> Latents:
        vector, dims = np.asarray(self.vector, np.float32), query.world.dims
        if len(vector) != dims:
            raise ExpressionError(f"z: the space has {dims} dimensions, got {len(vector)}")
        return _point(vector, len(query.frames))


@operator
class Prior(Endless):
    """See `prior`."""

    n: int = whole(default=0)

    def at(self, query: Query) -> Latents:
        prior = query.world.prior(self.word)
        key = query.key("prior", self.n)
        point = drawn(key, np.zeros(1), prior.draws or query.world.dims)
        return _point(prior.vectors(point), len(query.frames))


@operator
class Noise(Endless):
    """See `noise`."""

    n: int = whole(default=0)

    def at(self, query: Query) -> Latents:
        prior = query.world.prior(self.word)
        key = query.key("noise source", self.n)
        points = drawn(key, query.frames, prior.draws or query.world.dims)
        return _point(prior.vectors(points), len(query.frames))


@operator
class Drift(Endless):
    """See `drift`."""

    n: int = whole(default=0)
    beats: float = lasting(default=8.0)

    def at(self, query: Query) -> Latents:
        prior = query.world.prior(self.word)
        key, dims = query.key("drift", self.n), prior.draws or query.world.dims
        turns = query.beats / self.beats
        step = np.floor(turns)
        x = turns - step
        # Sine and cosine of an eased angle keep the variance at 1.
        angle = (x * x * (3.0 - 2.0 * x) * (np.pi / 2))[:, None]
        here, there = drawn(key, step, dims), drawn(key, step + 1, dims)
        wandering = np.cos(angle) * here + np.sin(angle) * there
        return _point(prior.vectors(wandering.astype(np.float32)), len(query.frames))


@operator(form="name")
class Silence(Endless):
    """The latents of silence, for ever.

    Example
    -------
    >>> interp(sound("gong"), silence, line(0, 1, 8))
    interp(sound('gong'), silence, line(0, 1, 8))
    """

    def at(self, query: Query) -> Latents:
        mean, std = query.world.silence()
        frames = len(query.frames)
        return Latents(np.repeat(mean, frames, axis=0), np.repeat(std, frames, axis=0))


def prior(seed: int = 0) -> Latent:
    """One point drawn from the space's prior, N(0, I) in a VAE, for ever.

    Parameters
    ----------
    seed : int [>= 0]

    Example
    -------
    >>> prior(3)
    prior(3)
    """
    return Prior(seed)


def noise(seed: int = 0) -> Latent:
    """A new point drawn from the space's prior each frame, for ever.

    Parameters
    ----------
    seed : int [>= 0]

    Example
    -------
    >>> noise(3)
    noise(3)
    """
    return Noise(seed)


def drift(seed: int = 0, beats: float = 8.0) -> Latent:
    """Wander smoothly to a new point of the space's prior every `beats` beats, for ever.

    Parameters
    ----------
    seed : int [>= 0]
    beats : float [beats, > 0]

    Example
    -------
    >>> drift(3, beats=16)
    drift(3, 16)
    """
    return Drift(seed, beats)


silence = Silence()
