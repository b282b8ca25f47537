"""Codes: a few vectors of a space that stand for all others, found by k-means.

Source: Lloyd: Least squares quantization in PCM (1982); Arthur, Vassilvitskii: k-means++ (SODA
2007). After van den Oord, Vinyals, Kavukcuoglu (NeurIPS 2017), and Dieleman, van den Oord, Simonyan
(NeurIPS 2018), where networks learn codes and what follows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ExpressionError
from latentlive.expr import child, operator, whole
from latentlive.expr.fields import shown
from latentlive.latent.base import Latent
from latentlive.latent.query import Latents, Length, Query, Scope
from latentlive.latent.sources import Excerpts, Recorded, as_latent
from latentlive.latent.studying import Keep, Learner
from latentlive.latent.time import Slice
from latentlive.units import Floats

F32 = NDArray[np.float32]

PART = 32
"""Vectors read at a time."""

ROUNDS = 24
"""Rounds of Lloyd's algorithm, at most."""

VECTORS = 2048
"""Vectors that codes are found from."""

MOST_CODES = 256


def heard(value: Any, place: str) -> Latent:
    """Return a recording, or a slice of one.

    Raises
    ------
    ExpressionError
        For anything else: what is mixed has no samples of its own.
    """
    latent = as_latent(value, place)
    inner = latent.of if isinstance(latent, Slice) else latent
    if not isinstance(inner, Recorded):
        raise ExpressionError(
            f"{place} must be a recording or a slice of one, got {shown(latent)}; "
            "freeze it first: .frozen('mine')"
        )
    return latent


class Codes(NamedTuple):
    """Codes of some vectors.

    Parameters
    ----------
    centres : array [shape=(k, dims)]
    scale : array [shape=(dims,)]
        Distances count in these.
    labels : array [shape=(n,)]
        The code of each of the vectors.
    away : array [shape=(n,)]
        The square of its distance to it.
    """

    centres: F32
    scale: F32
    labels: NDArray[np.int64]
    away: F32


def nearest(vectors: F32, codes: F32, scale: F32) -> tuple[NDArray[np.int64], F32]:
    """Return the nearest code of each vector, and its squared distance.

    Row by row, so that the bits of one do not depend on the others.

    Example
    -------
    >>> nearest(np.float32([[0.2], [0.9]]), np.float32([[0], [1]]), np.float32([1]))[0]
    array([0, 1])
    """
    scaled = np.ascontiguousarray(vectors / scale)
    best = np.zeros(len(vectors), np.int64)
    least = np.full(len(vectors), np.inf, np.float32)
    for number, code in enumerate(codes / scale):
        away = np.square(scaled - code).sum(axis=1)
        nearer = away < least
        best[nearer], least[nearer] = number, away[nearer]
    return best, least


def typical_of(labels: NDArray[np.int64], away: Floats | F32) -> list[float]:
    """Return how typical each of some things is of its group: 1 the nearest to it, 0 the farthest.

    Parameters
    ----------
    labels : array [shape=(n,)]
    away : array [shape=(n,)]
        How far it is from the middle of its group.

    Example
    -------
    >>> typical_of(np.array([0, 0, 1, 0]), np.array([0.3, 0.1, 9.0, 0.2]))
    [0.0, 1.0, 1.0, 0.5]
    """
    typical = np.ones(len(labels))
    for group in np.unique(labels):
        members = np.flatnonzero(labels == group)
        order = members[np.argsort(away[members], kind="stable")]
        typical[order] = np.linspace(1.0, 0.0, len(order)) if len(order) > 1 else 1.0
    found: list[float] = typical.tolist()
    return found


class Clustering:
    """k-means of some vectors, a round at a time.

    Parameters
    ----------
    vectors : array [shape=(n, dims)]
    k : int
    """

    def __init__(self, vectors: F32, k: int) -> None:
        self._vectors, self._k = vectors, min(k, len(vectors))
        spread = vectors.std(axis=0, dtype=np.float64)
        self.scale = np.where(spread > 1e-6, spread, 1.0).astype(np.float32)
        self._centres = self._seeded()
        self._round = 0
        self._labels: NDArray[np.int64] | None = None

    def go_on(self) -> Codes | None:
        """Do a round; return the codes after the last."""
        labels, away = nearest(self._vectors, self._centres, self.scale)
        settled = self._labels is not None and np.array_equal(labels, self._labels)
        self._labels, self._round = labels, self._round + 1
        if settled or self._round == ROUNDS:
            return Codes(self._centres, self.scale, labels, away)
        for code in range(len(self._centres)):
            members = self._vectors[labels == code]
            if len(members):
                total = np.add.reduce(members.astype(np.float64), axis=0)
                self._centres[code] = (total / len(members)).astype(np.float32)
        return None

    def _seeded(self) -> F32:
        chance = np.random.Generator(np.random.Philox(self._k))
        chosen = [int(chance.integers(len(self._vectors)))]
        least = np.full(len(self._vectors), np.inf, np.float32)
        while len(chosen) < self._k:
            _, away = nearest(self._vectors, self._vectors[chosen[-1:]], self.scale)
            least = np.minimum(least, away)
            rising = np.cumsum(least, dtype=np.float64)
            if not rising[-1]:  # fewer vectors differ than there are to be codes
                break
            chosen.append(int(np.searchsorted(rising, chance.random() * rising[-1], "right")))
        return self._vectors[chosen].copy()


class CodeStudy:
    """Reads a recording in a space and finds its codes.

    Parameters
    ----------
    source : Latent
        With an end.
    seconds : array [shape=(n, m)]
        Moments that are read; each row gives one vector, the mean of its own.
    k : int
    query : Query
    """

    def __init__(self, source: Latent, seconds: Floats, k: int, query: Query) -> None:
        rate = float(query.world.frames(1.0))
        self._source, self._frames, self._k = source, seconds * rate, k
        self._scope = replace(query.scope, stretch=Fraction(1), beat_frames=rate, memo={})
        self._seconds, self._seed = seconds, query.seed
        self._read: list[F32] = []
        self._clustering: Clustering | None = None
        self._codes: Codes | None = None
        self.keep: Keep | None = None
        self.memo: dict[str, Any] = {}
        """What depends on the codes alone."""

    def go_on(self) -> bool:
        """Read the next part, or do a round of the clustering; return whether all is done."""
        if self._codes is not None:
            return True
        first = PART * len(self._read)
        if self._clustering is not None:
            self._codes = self._clustering.go_on()
            if self._codes is not None and self.keep is not None:
                self.keep(self._stored(self._codes))
        elif first < len(self._frames):
            part = slice(first, first + PART)
            frames, seconds = self._frames[part].ravel(), self._seconds[part].ravel()
            query = self._scope.query(frames, seconds, self._seed)
            mean = query.latents(self._source).mean
            rows = mean.reshape(*self._frames[part].shape, mean.shape[1])
            self._read.append(rows.mean(axis=1).astype(np.float32))
        else:
            self._clustering = Clustering(np.concatenate(self._read), self._k)
        return self._codes is not None

    @property
    def codes(self) -> Codes:
        """The codes; finds first what is missing."""
        while self._codes is None:
            self.go_on()
        return self._codes

    @staticmethod
    def _stored(codes: Codes) -> dict[str, F32]:
        return {**codes._asdict(), "labels": codes.labels.astype(np.float32)}

    def recall(self, learned: dict[str, F32]) -> None:
        """Take codes that were found before, if they are of these vectors."""
        if learned.keys() != set(Codes._fields):
            return
        centres, scale, labels, away = (learned[name] for name in Codes._fields)
        whole = centres.ndim == 2 and 0 < len(centres) <= max(self._k, 1)
        dims = self._scope.world.dims
        whole = whole and centres.shape[1] == dims and scale.shape == (dims,)
        whole = whole and labels.shape == away.shape == (len(self._frames),)
        if not whole or not all(np.isfinite(one).all() for one in learned.values()):
            return
        if (scale > 0).all() and 0 <= labels.min() <= labels.max() < len(centres):
            self._codes = Codes(centres, scale, labels.astype(np.int64), away)


def spaced(source: Latent, scope: Scope, most: int) -> Floats:
    """Return at most some moments of a recording, evenly spaced [shape=(n, 1), seconds]."""
    length = scope.length(source)
    assert isinstance(length, Fraction)
    seconds = float(length / scope.world.frames(1.0))
    count = max(min(most, int(seconds * 100.0)), 1)
    moments = np.arange(count, dtype=np.float64) + 0.5
    return moments[:, None] * (seconds / count)


@operator(form="method")
class Quantise(Learner):
    """Snap each vector to the nearest of `k` (1 to 256) codes: a palette of so many timbres.

    The codes stand for the vectors of excerpts from the whole corpus, or of a recording `by`; they
    are found once for a space, which takes some seconds, and kept. The noise of each frame stays,
    and silence stays silent.

    Example
    -------
    >>> sound("gong").quantise(8, by=sound("rain"))
    sound('gong').quantise(8, sound('rain'))
    """

    of: Latent = child(as_latent)
    k: int = whole(least=1, most=MOST_CODES)
    by: Latent = child(heard, default=Excerpts())

    def length(self, scope: Scope) -> Length:
        return scope.length(self.of)

    @property
    def taught(self) -> Sequence[Latent]:
        return (self.by,)

    def subject(self, query: Query) -> tuple[object, ...]:
        return "codes", self.by.digest, self.k

    def study(self, query: Query) -> CodeStudy:
        return CodeStudy(self.by, spaced(self.by, query.scope, VECTORS), self.k, query)

    def at(self, query: Query) -> Latents:
        mean, std = query.latents(self.of)
        found = query.world.lesson(self, query)
        if found is None:
            return Latents(mean, std)
        codes = cast("CodeStudy", found).codes
        all_codes = np.concatenate([codes.centres, query.world.silence().mean])
        best, _ = nearest(mean, all_codes, codes.scale)
        return Latents(all_codes[best], std)
