"""Self-organizing maps: minisom as the map object and its measures, with our own batch trainer.

minisom moves the map for one sound after another. Here an epoch is one matrix product that finds
every sound's best node, and two small ones that spread the results over the neighbours: a Gaussian
on a grid is the product of one along x and one along y.

Source: Kohonen, Essentials of the self-organizing map (Neural Networks, 2013), the batch
algorithm.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.map import labelled
from latentlive.corpus.thumbnails import AT_ONCE
from latentlive.units import Floats

if TYPE_CHECKING:
    from minisom import MiniSom

F32 = NDArray[np.float32]

EPOCHS = 100
LAST_SIGMA = 0.36
"""The final neighbourhood, in nodes. A smaller one brings sounds a little nearer to their nodes
but tears the map: at 0.25 a fifth more of them have their two best nodes apart."""


def side_for(sounds: int) -> int:
    """Return the side of a map for `sounds` sounds, about six to a node.

    Example
    -------
    >>> [side_for(n) for n in (214, 1139, 53318)]
    [5, 13, 94]
    """
    return max(math.isqrt(sounds // 6), 1)


def first_nodes(vectors: Floats, side: int, seed: int) -> Floats:
    """Return nodes spread evenly over the plane of the two main axes of some vectors.

    Parameters
    ----------
    vectors : array [shape=(n, dims)]
    side : int
    seed : int
        Draws a small jitter, without which equal sounds would make equal nodes.

    Returns
    -------
    array [shape=(side * side, dims)]
    """
    mean = vectors.mean(axis=0)
    values, axes = np.linalg.eigh(np.cov(vectors - mean, rowvar=False))
    axes = axes[:, ::-1][:, :2] * np.sqrt(np.maximum(values[::-1][:2], 0.0))
    # The sign of an axis is arbitrary: its largest part points up.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    along = np.linspace(-1.5, 1.5, side) if side > 1 else np.zeros(1)
    y, x = (grid.ravel() for grid in np.meshgrid(along, along, indexing="ij"))
    nodes = mean + np.outer(x, axes[:, 0]) + np.outer(y, axes[:, 1])
    noise = np.random.Generator(np.random.Philox(seed)).standard_normal(nodes.shape)
    jittered: Floats = nodes + 0.1 * vectors.std() * noise
    return jittered


def epoch(vectors: F32, nodes: F32, sigma: float) -> F32:
    """Return the nodes after one batch epoch with a neighbourhood of `sigma` nodes."""
    return _spread(_held(vectors, nodes), nodes, sigma)


def _held(vectors: F32, nodes: F32) -> F32:
    """Return the sum of the vectors at each node, and their number [shape=(nodes, dims + 1)]."""
    dims = nodes.shape[1]
    best = _best(vectors, nodes)
    order = np.argsort(best, kind="stable")
    filled, first, counts = np.unique(best[order], return_index=True, return_counts=True)
    held = np.zeros((len(nodes), dims + 1), np.float32)
    held[filled, :dims] = np.add.reduceat(vectors[order], first, axis=0)
    held[filled, dims] = counts
    return held


def _spread(held: F32, nodes: F32, sigma: float) -> F32:
    """Return the nodes that the vectors held at them, and at their neighbours, make."""
    side, dims = math.isqrt(len(nodes)), nodes.shape[1]
    away = np.arange(side)[:, None] - np.arange(side)
    near = np.exp(-0.5 * (away / sigma) ** 2).astype(np.float32)
    along_y = near @ held.reshape(side, -1)
    spread = np.einsum("xk,ykd->yxd", near, along_y.reshape(side, side, -1), optimize=True)
    spread = spread.reshape(side * side, -1)
    weight = spread[:, dims:]
    # A node that no sound reaches stays in place.
    moved: F32 = np.where(weight > 1e-12, spread[:, :dims] / np.maximum(weight, 1e-12), nodes)
    return moved


def _best(vectors: F32, nodes: F32, at_once: int = 1 << 21) -> NDArray[np.int64]:
    """Return the best node of each vector, from one matrix product per stretch of vectors."""
    # One more dimension of the product carries the node's half square.
    wide = np.hstack([nodes, -0.5 * np.einsum("ij,ij->i", nodes, nodes)[:, None]]).T.copy()
    step = max(at_once // len(nodes), 1)
    ones = np.ones((len(vectors), 1), np.float32)
    wider = np.hstack([vectors, ones])
    best = np.empty(len(vectors), np.int64)
    room = np.empty((step, len(nodes)), np.float32)
    for start in range(0, len(vectors), step):
        part = wider[start : start + step]
        near = np.matmul(part, wide, out=room[: len(part)])
        near.argmax(axis=1, out=best[start : start + step])
    return best


def train(
    vectors: Floats,
    side: int | None = None,
    seed: int = 0,
    epochs: int = EPOCHS,
    last: float = LAST_SIGMA,
    seconds: float = math.inf,
) -> Floats:
    """Return the nodes of a map trained on some vectors; the same for the same seed.

    Parameters
    ----------
    vectors : array [shape=(n, dims)]
        Thumbnails on a common scale.
    side : int, optional
        By default `side_for` their number.
    seed : int
    epochs : int
    last : float [nodes]
        The final neighbourhood.
    seconds : float [seconds]
        Most time for the schedule; steps grow to meet it.

    Returns
    -------
    array [shape=(side * side, dims)]
        Row by row: node x + y * side.
    """
    side = side or side_for(len(vectors))
    if len(vectors) < 2 or side == 1:
        alike: Floats = vectors.mean(axis=0, keepdims=True).repeat(side * side, axis=0)
        return alike
    data = np.ascontiguousarray(vectors, np.float32)
    nodes = first_nodes(vectors, side, seed).astype(np.float32)
    first = max(side / 2.0, 2 * last)
    begun, done = time.monotonic(), 0.0
    while done < 1.0:
        nodes = epoch(data, nodes, first * (last / first) ** done)
        done = max(done + 1.0 / epochs, (time.monotonic() - begun) / seconds)
    trained: Floats = epoch(data, nodes, last).astype(np.float64)
    return trained


PASSES = 6.0
"""How often `train_in_batches` goes through all vectors."""

STEPS = 100
"""Batches; from each to the next the neighbourhood shrinks, so they are as many as epochs."""

KEPT = 0.25
"""The part of a pass after which what was held weighs 1/e."""


def train_in_batches(
    vectors: F32,
    side: int | None = None,
    seed: int = 0,
    passes: float = PASSES,
    last: float = LAST_SIGMA,
) -> Floats:
    """Return the nodes of a map of very many vectors, which may stay on the disk.

    A batch of vectors, drawn from everywhere, moves all nodes; what earlier batches held fades. A
    few passes do what `train` does in a hundred, in the memory of one batch.

    Parameters
    ----------
    vectors : array [shape=(n, dims), float32]
        On a common scale; may be memory-mapped.
    side, seed, last
        As for `train`.
    passes : float

    Returns
    -------
    array [shape=(side * side, dims)]
    """
    side = side or side_for(len(vectors))
    size = min(math.ceil(len(vectors) * passes / STEPS), len(vectors))
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(vectors))
    drawn = np.sort(order[: max(size, 20_000)])
    nodes = first_nodes(vectors[drawn].astype(np.float64), side, seed).astype(np.float32)
    held = np.zeros((side * side, vectors.shape[1] + 1), np.float32)
    first, fading = max(side / 2.0, 2 * last), math.exp(-size / (KEPT * len(vectors)))
    for step in range(STEPS):
        rows = np.sort(np.take(order, range(step * size, (step + 1) * size), mode="wrap"))
        held = held * np.float32(fading) + _held(np.asarray(vectors[rows]), nodes)
        nodes = _spread(held, nodes, first * (last / first) ** (step / (STEPS - 1)))
    trained: Floats = nodes.astype(np.float64)
    return trained


def as_minisom(nodes: Floats) -> MiniSom:
    """Return the map as a `MiniSom`, whose weights are indexed [x, y].

    Example
    -------
    >>> as_minisom(np.arange(140.0).reshape(4, 35)).get_weights()[1, 0, :3]
    array([35., 36., 37.])
    """
    from minisom import MiniSom

    side = math.isqrt(len(nodes))
    som = MiniSom(side, side, nodes.shape[1])
    som._weights = nodes.reshape(side, side, -1).transpose(1, 0, 2).copy()
    return som


def errors(vectors: NDArray[np.floating[Any]], nodes: Floats) -> tuple[float, float]:
    """Return quantisation and topographic error as minisom defines them, in little memory.

    The first is the mean distance to the best node; the second the share of vectors whose best
    and second best nodes are not among each other's eight neighbours. The vectors may be
    memory-mapped.
    """
    if len(nodes) == 1:
        return _distance(vectors, np.zeros(len(vectors), np.int64), nodes), 0.0
    best, second = labelled(vectors, nodes)
    side = math.isqrt(len(nodes))
    apart = np.maximum(np.abs(best % side - second % side), np.abs(best // side - second // side))
    return _distance(vectors, best, nodes), float((apart > 1).mean())


def _distance(vectors: NDArray[np.floating[Any]], best: NDArray[np.int64], nodes: Floats) -> float:
    """Return the mean distance of vectors to their nodes."""
    parts = (slice(first, first + AT_ONCE) for first in range(0, len(vectors), AT_ONCE))
    away = [np.linalg.norm(vectors[part] - nodes[best[part]], axis=1) for part in parts]
    return float(np.concatenate(away).mean())
