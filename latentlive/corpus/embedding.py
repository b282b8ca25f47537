"""The places of sounds on a plane: similar ones side by side, the whole square filled.

scikit-learn comes with librosa, is kept well, and has t-SNE with a test of its own; UMAP would be a
new dependency with a compiler behind it. Beyond `LANDMARKS` sounds, a seeded choice of them is
embedded and each of the others is placed beside the one that it is most like, so that the time
grows in proportion. Then the cloud is spread until every part of the square has its share.

Sources: van der Maaten, Hinton: Visualizing Data using t-SNE (JMLR 2008); Rabin, Peyré, Delon,
Bernot: Wasserstein Barycenter and its Application to Texture Mixing (SSVM 2011), the spreading by
sorted projections; Roberts: The Unreasonable Effectiveness of Quasirandom Sequences (2018).
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.index import Mapped
from latentlive.errors import SoundError
from latentlive.ground.extras import lacking
from latentlive.ground.launch import command
from latentlive.ground.lines import say_once
from latentlive.units import Floats

LANDMARKS = 3000
"""Sounds that are embedded themselves: t-SNE takes about ten seconds for as many."""

PERPLEXITY = 25.0
"""Neighbours that count. At 10 fewer of them stay together, 40 gains nothing."""

LEAST = 8
"""Fewer sounds lie on their two main axes."""

AMONG = 3
"""Landmarks that decide where another sound is placed."""

MANY = 1000
"""Sounds that take some seconds."""

ROUNDS, DIRECTIONS = 8, 8
"""More rounds fill the square more evenly, and part more neighbours."""

GOLDEN = 0.6180339887498949
"""By which the directions turn from round to round, so that none comes again."""

AT_ONCE = 1 << 22
"""Distances held at a time."""


def embedded(vectors: NDArray[np.floating[Any]], seed: int = 0) -> Floats:
    """Return the places of sounds, similar ones side by side; the same for the same seed.

    Parameters
    ----------
    vectors : array [shape=(n, dims), n >= 1]
        Thumbnails on a common scale; may be memory-mapped.
    seed : int

    Returns
    -------
    array [shape=(n, 2), 0 to 1, at float32 precision]

    Example
    -------
    >>> embedded(np.eye(3)[:, :2]).shape
    (3, 2)
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # the order in which threads add would change the last bits
        chosen = np.arange(len(vectors))
        if len(vectors) > LANDMARKS:
            drawn = np.random.Generator(np.random.Philox(seed)).permutation(len(vectors))
            chosen = np.sort(drawn[:LANDMARKS])
        known = vectors[chosen].astype(np.float64)
        plane = _axes(known)
        if len(vectors) >= LEAST:
            found = _tsne(known, plane, seed)
            plane = found if np.isfinite(found).all() else plane
        if len(chosen) < len(vectors):
            plane = _among(vectors, known, plane)
    return spread(plane).astype(np.float32).astype(np.float64)


def _axes(vectors: Floats) -> Floats:
    """Return vectors on their two main axes [shape=(n, 2)], the largest part of an axis upward."""
    away = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(away.T @ away)
    axes = axes[:, ::-1][:, :2]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0.0, -1.0, 1.0)
    plane: Floats = away @ axes
    return plane


def _tsne(vectors: Floats, plane: Floats, seed: int) -> Floats:
    """Return vectors in the plane, begun from their main axes [shape=(n, 2)]."""
    from sklearn.manifold import TSNE

    start = plane / max(float(plane[:, 0].std()), 1e-12) * 1e-4
    method = TSNE(
        perplexity=min(PERPLEXITY, (len(vectors) - 1) / 3),
        init=start.astype(np.float32),
        learning_rate="auto",
        random_state=seed % 2**32,
        n_jobs=1,
    )
    found: Floats = method.fit_transform(vectors.astype(np.float32)).astype(np.float64)
    return found


def _among(vectors: NDArray[np.floating[Any]], known: Floats, plane: Floats) -> Floats:
    """Return each vector's place beside the one of those known that it is most like.

    It leans toward the next ones, at most half as far as the nearest known place: what is alike in
    many numbers may lie apart on a plane, and nothing belongs in between.
    """
    places = np.empty((len(vectors), 2))
    half = 0.5 * np.einsum("ij,ij->i", known, known)
    room = 0.5 * np.sqrt([np.partition(((plane - at) ** 2).sum(axis=1), 1)[1] for at in plane])
    step = max(AT_ONCE // len(known), 1)
    for first in range(0, len(vectors), step):
        part = vectors[first : first + step].astype(np.float64)
        near = np.argpartition(half - part @ known.T, AMONG, axis=1)[:, :AMONG]
        squares = ((part[:, None] - known[near]) ** 2).sum(axis=2)
        weights = 1.0 / np.maximum(squares, 1e-9)
        weights /= weights.sum(axis=1, keepdims=True)
        most = near[np.arange(len(part)), squares.argmin(axis=1)]
        lean = (weights[..., None] * plane[near]).sum(axis=1) - plane[most]
        far = np.maximum(np.sqrt((lean**2).sum(axis=1)), 1e-12)
        places[first : first + step] = (
            plane[most] + lean * np.minimum(room[most] / far, 1.0)[:, None]
        )
    return places


def spread(places: Floats) -> Floats:
    """Return places moved until they fill the square from 0 to 1, neighbours together.

    Along several directions at a time, each place moves toward where as many others would lie
    before it in an evenly filled square.

    Parameters
    ----------
    places : array [shape=(n, 2)]
    """
    places = places - places.min(axis=0)
    places = places / max(float(places.max()), 1e-12)
    places = places + 0.5 - 0.5 * places.max(axis=0)
    even = _even(len(places))
    for turn in range(ROUNDS):
        move = np.zeros_like(places)
        for angle in (np.arange(DIRECTIONS) + turn * GOLDEN % 1.0) * (np.pi / DIRECTIONS):
            x, y = np.cos(angle), np.sin(angle)
            here = places[:, 0] * x + places[:, 1] * y
            order = np.argsort(here, kind="stable")
            by = np.sort(even[:, 0] * x + even[:, 1] * y) - here[order]
            move[order] += np.outer(by, (x, y))
        places = places + move / DIRECTIONS
    low, high = places.min(axis=0), places.max(axis=0)
    wide = np.where(high > low, high - low, 1.0)
    filled: Floats = np.where(high > low, (places - low) / wide, 0.5)
    return filled


def _even(count: int) -> Floats:
    """Return points that fill a square evenly [shape=(count, 2)]."""
    plastic = 1.324717957244746
    index = np.arange(1, count + 1)[:, None]
    points: Floats = (0.5 + index / plastic ** np.array([1.0, 2.0])) % 1.0
    return points


def placed(mapped: Mapped, vectors: NDArray[np.floating[Any]] | None = None) -> Mapped:
    """Return a map with the places of its sounds; of many it says that they are being found.

    Parameters
    ----------
    mapped : Mapped
    vectors : array [shape=(n, 35)]
        Its thumbnails on its scale, if they are known already; may be memory-mapped.
    """
    count = len(mapped.names)
    if count >= MANY:
        say_once(f"finding the places of {count} sounds")
    there = mapped.map.vectors if vectors is None else vectors
    return replace(mapped, places=embedded(there, mapped.seed))


def placed_apart(mapped: Mapped) -> Mapped:
    """Return a map with the places of its sounds, found in a process of its own.

    Raises
    ------
    SoundError
        If that process fails, or scikit-learn is missing.
    """
    if line := lacking("corpus", "corpus", "sklearn"):
        raise SoundError(line)
    vectors = mapped.map.vectors
    placing = command(__name__, str(mapped.seed), str(vectors.shape[1]))
    told = subprocess.run(placing, input=vectors.astype("<f8").tobytes(), capture_output=True)
    if told.returncode or len(told.stdout) != 8 * len(vectors):
        lines = told.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise SoundError(f"corpus: the sounds cannot be placed: {lines[-1]}")
    places = np.frombuffer(told.stdout, "<f4").reshape(-1, 2).astype(np.float64)
    return replace(mapped, places=places)


def main() -> None:
    """Read vectors [float64, shape=(n, dims)] from standard input, write their places.

    The seed and `dims` are the arguments.
    """
    seed, dims = map(int, sys.argv[1:])
    vectors = np.frombuffer(sys.stdin.buffer.read(), "<f8").reshape(-1, dims)
    sys.stdout.buffer.write(embedded(vectors, seed).astype("<f4").tobytes())


if __name__ == "__main__":
    main()
