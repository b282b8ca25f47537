"""The map of a corpus: groups of sounds, and distances between sounds."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus import neighbours
from latentlive.corpus.neighbours import file_of, proposed
from latentlive.corpus.thumbnails import AROUSAL, DURATION, VALENCE, Scale
from latentlive.errors import SoundError
from latentlive.units import Floats

Labels = NDArray[np.int64]


def labelled(
    vectors: NDArray[np.floating[Any]], nodes: Floats, at_once: int = 1 << 22
) -> tuple[Labels, Labels]:
    """Return the nearest and the second nearest node of each vector (Euclidean).

    Parameters
    ----------
    vectors : array [shape=(n, 35)]
        May be memory-mapped.
    nodes : array [shape=(m, 35), m >= 2]
    at_once : int
        Distances held at a time.
    """
    best = np.empty(len(vectors), np.int64)
    second = np.empty(len(vectors), np.int64)
    # |v - w|^2 less |v|^2, which is the same for every node.
    half = 0.5 * np.einsum("ij,ij->i", nodes, nodes)
    step = max(at_once // len(nodes), 1)
    for start in range(0, len(vectors), step):
        part = slice(start, start + step)
        away = half - vectors[part] @ nodes.T
        best[part] = away.argmin(axis=1)
        np.put_along_axis(away, best[part, None], np.inf, axis=1)
        second[part] = away.argmin(axis=1)
    return best, second


class SoundMap:
    """Sounds on a square grid of nodes, similar ones side by side; its row identifies a sound.

    Parameters
    ----------
    thumbnails : array [shape=(n, 35)]
    labels : array [shape=(n,), int]
        The node of each sound.
    nodes : array [shape=(side * side, 35)]
        On the scale, row by row: node x + y * side.
    scale : Scale

    Example
    -------
    >>> raw = np.arange(140.0).reshape(4, 35)
    >>> scale = Scale.of(raw)
    >>> four = SoundMap(raw, np.arange(4), scale.normal(raw), scale)
    >>> four.near(0, 2)
    [1, 2]
    """

    def __init__(
        self,
        thumbnails: NDArray[np.floating[Any]],
        labels: Labels,
        nodes: Floats,
        scale: Scale,
    ) -> None:
        self.thumbnails, self.labels = thumbnails, labels
        self.nodes, self.scale = nodes, scale
        self.side = math.isqrt(len(nodes))

    @cached_property
    def seconds(self) -> Floats:
        """The length of each sound [shape=(n,)]."""
        return self.thumbnails[:, DURATION].astype(np.float64) / 1000.0

    @cached_property
    def vectors(self) -> Floats:
        """The sounds' thumbnails on the common scale [shape=(n, 35)]."""
        return self.scale.normal(self.thumbnails.astype(np.float64))

    @cached_property
    def sizes(self) -> Labels:
        """The number of sounds at each node [shape=(side * side,)]."""
        return np.bincount(self.labels, minlength=len(self.nodes))

    @cached_property
    def _graph(self) -> Path | None:
        """Where a graph of so many sounds is kept, if it was made."""
        many = len(self.thumbnails) >= neighbours.MANY
        return file_of(self.thumbnails, self.scale) if many else None

    def _away(self, vector: Floats) -> Floats:
        away: Floats = np.linalg.norm(self.vectors - vector, axis=1)
        return away

    def filled(self, node: int) -> int:
        """Return a node if it holds a sound, else the nearest one that does.

        Raises
        ------
        SoundError
            ``cluster: the map has nodes 0 to 24, got 30``
        """
        if not 0 <= node < len(self.nodes):
            raise SoundError(f"cluster: the map has nodes 0 to {len(self.nodes) - 1}, got {node}")
        if self.sizes[node]:
            return node
        away = np.linalg.norm(self.nodes - self.nodes[node], axis=1)
        return int(np.argmin(np.where(self.sizes > 0, away, np.inf)))

    def cluster(self, node: int, seconds: float | None = None) -> list[int]:
        """Return the rows of a node's sounds, nearest to the node first.

        With `seconds`, it stops once the sounds reach that length; if the node holds less, the
        nearest sounds of other nodes follow.
        """
        own, others = self.labels == node, self.labels != node
        order = self._nearest(node, np.flatnonzero(own))
        if seconds is not None:
            if self.seconds[order].sum() < seconds:
                order = np.concatenate([order, self._nearest(node, np.flatnonzero(others))])
            reached = np.cumsum(self.seconds[order])
            order = order[: int(np.searchsorted(reached, seconds)) + 1]
        rows: list[int] = order.tolist()
        return rows

    def _nearest(self, node: int, rows: Labels) -> Labels:
        """Return some rows, those nearest to a node first."""
        vectors = self.scale.normal(self.thumbnails[rows].astype(np.float64))
        away = np.linalg.norm(vectors - self.nodes[node], axis=1)
        return rows[np.argsort(away, kind="stable")]

    def node_at(self, valence: float | None, arousal: float | None) -> int:
        """Return the node, among those that hold sounds, nearest to a valence and an arousal."""
        there = self.scale.raw(self.nodes)
        away = np.where(self.sizes > 0, 0.0, np.inf)
        for feature, wanted in ((VALENCE, valence), (AROUSAL, arousal)):
            if wanted is not None:
                away = away + (there[:, feature] - wanted) ** 2
        return int(np.argmin(away))

    def near(self, sound: int | Floats, n: int) -> list[int]:
        """Return the rows of the `n` sounds most like a sound, nearest first, without itself.

        Parameters
        ----------
        sound : int or array [shape=(35,)]
            A row, or the thumbnail of a sound from elsewhere.
        n : int [>= 1]
        """
        raw = self.thumbnails[sound] if isinstance(sound, int) else np.asarray(sound)
        vector = self.scale.normal(raw.astype(np.float64))
        rows = proposed(self._graph, vector, n + 1) if self._graph else None  # and itself
        if rows is None or not (rows < len(self.thumbnails)).all():
            rows, away = np.arange(len(self.thumbnails)), self._away(vector)
        else:
            among = self.scale.normal(self.thumbnails[rows].astype(np.float64))
            away = np.linalg.norm(among - vector, axis=1)
        if isinstance(sound, int):
            away[rows == sound] = np.inf
        order = np.argsort(away, kind="stable")[:n]
        found: list[int] = rows[order[np.isfinite(away[order])]].tolist()
        return found
