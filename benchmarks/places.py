"""The places of sounds: the neighbours that they keep, how evenly they fill the square, the time.

    python -m benchmarks.places            # a minute, on one thread
    python -m benchmarks.places --quick    # without the largest map

*Trusted* is 1 less a penalty for each of the nearest ten on the plane that is not among the nearest
ten of the thumbnails (Venna, Kaski: Neighborhood preservation in nonlinear projection methods,
ICANN 2001); *contin.* is the same the other way round. *Filled* is the share of cells of a grid,
two sounds to a cell on average, that hold a sound.
"""

from __future__ import annotations

import time

import click
import numpy as np
from sklearn.manifold import trustworthiness

from benchmarks.som import thumbnails
from latentlive import som
from latentlive.corpus import Corpus, embedding
from latentlive.corpus.map import labelled
from latentlive.units import Floats

COUNTS = (220, 3000, 20_000)
MEASURED = 3000
"""Sounds among which neighbours are looked for: of larger maps a seeded choice."""


def filled(places: Floats) -> float:
    """Return the share of cells that hold a sound [places: shape=(n, 2), 0 to 1]."""
    side = int(np.sqrt(len(places) / 2))
    count, *_ = np.histogram2d(*places.T, bins=side, range=[[0, 1], [0, 1]])
    return float((count > 0).mean())


def scaled(plane: Floats) -> Floats:
    """Return places in the square from 0 to 1, as they are."""
    return (plane - plane.min(axis=0)) / np.ptp(plane, axis=0)


def row(what: str, vectors: Floats, plane: Floats, seconds: float) -> None:
    """Print a row of the table."""
    some = np.random.default_rng(1).permutation(len(vectors))[:MEASURED]
    there, here = vectors[some], plane[some]
    kept = (
        trustworthiness(there, here, n_neighbors=10),
        trustworthiness(here, there, n_neighbors=10),
    )
    told = f"{kept[0]:7.3f} | {kept[1]:7.3f} | {filled(scaled(plane)):6.2f} | {seconds:7.2f}"
    print(f"| {len(vectors):6} | {what:24} | {told} |", flush=True)


def compare(vectors: Floats, large: bool) -> None:
    """Print what each way of placing sounds keeps."""
    begun = time.perf_counter()
    axes = embedding._axes(vectors)
    row("two main axes (PCA)", vectors, axes, time.perf_counter() - begun)
    begun = time.perf_counter()
    nodes = som.train(vectors)
    label, side = labelled(vectors, nodes)[0], int(np.sqrt(len(nodes)))
    grid = np.stack([label % side, label // side], axis=1).astype(float)
    row("nodes of the SOM", vectors, grid, time.perf_counter() - begun)
    if not large:
        begun = time.perf_counter()
        found = embedding._tsne(vectors, axes, 0)
        row("t-SNE as it is", vectors, found, time.perf_counter() - begun)
    begun = time.perf_counter()
    places = embedding.embedded(vectors)
    row("places", vectors, places, time.perf_counter() - begun)


@click.command()
@click.option("--quick", is_flag=True, help="Without the largest map.")
def main(quick: bool) -> None:
    """Print the table."""
    embedding.embedded(thumbnails(50))  # libraries are loaded
    print("| sounds | by                       | trusted | contin. | filled | seconds |")
    print("|-------:|--------------------------|--------:|--------:|-------:|--------:|")
    compare(Corpus().need_map().map.vectors, large=False)
    for count in COUNTS[: 2 if quick else None]:
        compare(thumbnails(count), count > embedding.LANDMARKS)


if __name__ == "__main__":
    main()
