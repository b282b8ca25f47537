"""From vectors of a space to a descriptor: ridge regression on principal axes, and the cloud."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentlive.latent.moving import Straight, whole
from latentlive.renderer.listening import Material
from latentlive.space import Space
from latentlive.units import Floats

COUNTS, PENALTIES = (8, 16, 32, 64, 128, 256), (1e-3, 1e-2, 1e-1)
"""Principal axes and penalties that are tried."""

FOLDS = 4
"""Parts of the sounds, each predicted from the others, by which they are chosen."""

AXES = 12
"""Of the cloud."""

INSIDE = 0.99
"""The part of the corpus's vectors that lies in the cloud."""

LARGEST = float(np.finfo(np.float16).max)


def straight(space: Space, material: Material) -> dict[str, Straight]:
    """Return directions along lines, by descriptor.

    The step goes where vectors of the corpus vary together: the covariance times the weights.
    """
    count, each, dims = material.vectors.shape
    presence = -1 if space.presence is None else space.presence
    vectors = material.vectors.reshape(-1, dims)
    vectors = vectors / whole(vectors, presence)[:, None]
    centre, scale = vectors.mean(axis=0), vectors.std(axis=0)
    scale[scale < 1e-6] = np.inf  # what never changes tells nothing
    plain = (vectors - centre) / scale
    sizes, axes = np.linalg.eigh(plain.T @ plain / len(plain))
    order = np.argsort(-sizes)[: int((sizes > 1e-6).sum())]
    axes = axes[:, order] / np.sqrt(sizes[order]) / scale[:, None]
    rows = ((vectors - centre) @ axes).reshape(count, each, -1)
    free = np.isfinite(scale).astype(np.float64)
    free[[*space.steady, *([presence] if presence >= 0 else [])]] = 0.0
    cloud = axes[:, :AXES].T
    radius = float(np.quantile(np.sqrt((rows[..., :AXES] ** 2).sum(axis=-1)), INSIDE))
    found = {}
    for name, wanted in material.heard.items():
        weights, constant = ridge(rows.mean(axis=1), wanted, material.sound % FOLDS)
        along = axes[:, : len(weights)] @ weights
        step = free * ((vectors - centre).T @ ((vectors - centre) @ (free * along)))
        step /= max(float(along @ step), 1e-12)
        told = np.concatenate([np.stack([centre, along, step]), cloud])
        told = np.clip(told, -LARGEST, LARGEST).astype(np.float16).astype(np.float64)
        found[name] = Straight(told, float(presence), constant, float(wanted.std()), 1.0, radius)
    return found


def ridge(rows: Floats, wanted: Floats, part: NDArray[np.int64]) -> tuple[Floats, float]:
    """Return weights on the first axes, and a constant.

    Parameters
    ----------
    rows : array [shape=(n, axes)]
    wanted : array [shape=(n,)]
    part : array [shape=(n,)]
        The number of the part of each row: each part is predicted from the others, to choose how
        many axes and which penalty.
    """
    counts = sorted({min(count, rows.shape[1]) for count in COUNTS})
    errors = {(count, penalty): 0.0 for count in counts for penalty in PENALTIES}
    for number in np.unique(part):
        here = part == number
        centre, middle = rows[~here].mean(axis=0), wanted[~here].mean()
        for count, penalty in errors:
            weights = _solved(rows[~here, :count], wanted[~here], penalty)
            off = (rows[here, :count] - centre[:count]) @ weights + middle - wanted[here]
            errors[count, penalty] += float(off @ off)
    count, penalty = min(errors, key=lambda tried: errors[tried])
    weights = _solved(rows[:, :count], wanted, penalty)
    return weights, float(wanted.mean() - rows[:, :count].mean(axis=0) @ weights)


def _solved(rows: Floats, wanted: Floats, penalty: float) -> Floats:
    rows = rows - rows.mean(axis=0)
    square = rows.T @ rows + penalty * len(rows) * np.eye(rows.shape[1])
    weights: Floats = np.linalg.solve(square, rows.T @ (wanted - wanted.mean()))
    return weights
