"""The map's trainer against minisom's, on the same data, in the same run, one thread.

    python benchmarks/som.py            # four minutes
    python benchmarks/som.py --quick    # small maps only: does it run at all?

The data are synthetic thumbnails: clusters on a three-dimensional sheet in the 35 dimensions,
normalised and weighted as real ones. Their scale is that of a published corpus: there minisom's
13 x 13 map of 1,139 sounds has quantisation error .860 with topographic error .434 after 30
epochs at sigma 1, and here it has nearly the same.
"""

from __future__ import annotations

import os

# Before numpy is imported: one thread for every library.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import time
from collections.abc import Callable

import click
import numpy as np
from minisom import MiniSom

from latentlive import som
from latentlive.corpus.thumbnails import NAMES, Scale
from latentlive.units import Floats

SMALL, LARGE = 1139, 53_318
TRIED = 300
"""Steps of minisom that are timed to know how many fit into a given time."""


def thumbnails(count: int, seed: int = 0) -> Floats:
    """Return synthetic thumbnails on the common scale [shape=(count, 35)]."""
    rng = np.random.default_rng(seed)
    sheet, clusters = 3, max(count // 25, 8)
    centres = rng.standard_normal((clusters, sheet))
    places = centres[rng.integers(clusters, size=count)]
    places = places + 0.3 * rng.standard_normal(places.shape)
    width = len(NAMES)
    raw = places @ rng.standard_normal((sheet, width)) / np.sqrt(sheet)
    raw += 0.2 * rng.standard_normal(raw.shape)
    return Scale.of(raw).normal(raw)


def minisom(vectors: Floats, side: int, sigma: float, linear: bool = False) -> MiniSom:
    """Return a fresh map of minisom's."""
    fresh = MiniSom(side, side, vectors.shape[1], sigma=sigma, random_seed=0)
    if linear:
        fresh.pca_weights_init(vectors)
    else:
        fresh.random_weights_init(vectors)
    return fresh


def nodes_of(trained: MiniSom) -> Floats:
    """Return the nodes of a map of minisom's, row by row."""
    weights = trained.get_weights()
    flat: Floats = weights.transpose(1, 0, 2).reshape(-1, weights.shape[2])
    return flat


def timed(work: Callable[[], object]) -> float:
    """Return how long something takes, in seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def row(what: str, seconds: float, vectors: Floats, nodes: Floats) -> tuple[float, float]:
    """Print a line of the table; return the errors."""
    quantisation, topographic = som.errors(vectors, nodes)
    print(f"| {what:<46} | {seconds:7.2f} | {quantisation:6.3f} | {topographic:6.3f} |", flush=True)
    return quantisation, topographic


def heading(title: str) -> None:
    """Print the head of a table."""
    print(f"\n{title}\n")
    print(f"| {'trainer':<46} | {'seconds':>7} | {'QE':>6} | {'TE':>6} |")
    print(f"|{'-' * 48}|{'-' * 8}:|{'-' * 7}:|{'-' * 7}:|")


def verdict(what: str, measured: float, target: float, ok: bool) -> None:
    """Print whether a target is met."""
    print(f"{what}: {measured:.3f}, target {target:g}: {said(ok)}", flush=True)


def said(ok: bool) -> str:
    """Return PASS or FAIL."""
    return "PASS" if ok else "FAIL"


def compare(theirs: dict[str, tuple[float, float]], batch: list[tuple[float, float]]) -> None:
    """Print whether each of minisom's maps is matched in both errors by one of ours."""
    for name, (q, t) in theirs.items():
        better = any(mine <= q and apart <= t for mine, apart in batch)
        print(f"a batch map at least as good in both as minisom's, {name}: {said(better)}")


def small() -> None:
    """1,139 sounds on 13 x 13."""
    vectors, side = thumbnails(SMALL), som.side_for(SMALL)
    som.train(vectors)  # warm
    heading(f"{SMALL} sounds, {side} x {side}")
    whole = minisom(vectors, side, 1.0)
    steps = 30 * len(vectors)
    taken = timed(lambda: whole.train(vectors, steps, random_order=True))
    row("minisom, 30 epochs, sigma 1", taken, vectors, nodes_of(whole))
    kept: list[Floats] = []
    spent = timed(lambda: kept.append(som.train(vectors)))
    same = int(steps * spent / taken)
    theirs = {}
    for sigma in (1.0, side / 2):
        short = minisom(vectors, side, sigma, linear=True)
        used = timed(lambda s=short: s.train(vectors, same, random_order=True))  # type: ignore[misc]
        label = f"minisom, equal time, principal axes, sigma {sigma:g}"
        theirs[f"sigma {sigma:g}"] = row(label, used, vectors, nodes_of(short))
    quantisation, topographic = row(
        f"batch, sigma at the end {som.LAST_SIGMA:g}", spent, vectors, kept[0]
    )
    batch = [(quantisation, topographic)]
    for last in (0.25, 0.5, 2.0):
        other: list[Floats] = []
        used = timed(lambda at=last, to=other: to.append(som.train(vectors, last=at)))  # type: ignore[misc]
        batch.append(row(f"batch, sigma at the end {last:g}", used, vectors, other[0]))
    compare(theirs, batch)
    verdict("QE", quantisation, 0.89, quantisation <= 0.89)
    verdict("TE", topographic, 0.29, topographic <= 0.29)
    verdict("seconds", spent, 1.0, spent <= 1.0)
    again = som.train(vectors)
    print(f"same seed, same map: {said(np.array_equal(again, kept[0]))}")


def large(seconds: float) -> None:
    """53,318 sounds on 94 x 94; ours gets a tenth less time than the quicker of minisom's."""
    vectors, side = thumbnails(LARGE), som.side_for(LARGE)
    data = vectors.astype(np.float32)
    nodes = som.first_nodes(vectors, side, 0).astype(np.float32)
    probe = minisom(vectors, side, side / 4)
    step = timed(lambda: probe.train(vectors, TRIED, random_order=True)) / TRIED
    ours = sorted(timed(lambda: som.epoch(data, nodes, 10.0)) for _ in range(5))[2]
    heading(f"{LARGE} sounds, {side} x {side}, {seconds:g} s each")
    theirs, least = {}, seconds
    for sigma in (1.0, side / 4):
        short = minisom(vectors, side, sigma, linear=True)
        count = int(seconds / step)
        used = timed(lambda s=short, c=count: s.train(vectors, c, random_order=True))  # type: ignore[misc]
        least = min(least, used)
        label = f"minisom, {count} steps, sigma {sigma:g}"
        theirs[f"sigma {sigma:g}"] = row(label, used, vectors, nodes_of(short))
    batch = []
    for last in (som.LAST_SIGMA, 1.0, side / 12):
        kept: list[Floats] = []
        used = timed(
            lambda at=last, to=kept: to.append(som.train(vectors, last=at, seconds=0.9 * least))  # type: ignore[misc]
        )
        batch.append(row(f"batch, sigma at the end {last:.2g}", used, vectors, kept[0]))
    one = step * LARGE
    print(f"an epoch: minisom {one:.1f} s (from {TRIED} steps), batch {ours:.2f} s")
    verdict("times as fast an epoch", one / ours, 40, one / ours >= 40)
    compare(theirs, batch)


@click.command()
@click.option("--quick", is_flag=True, help="Small maps only.")
@click.option("--seconds", default=60.0, show_default=True, help="For each large map.")
def main(quick: bool, seconds: float) -> None:
    """Print the tables."""
    small()
    if not quick:
        large(seconds)


if __name__ == "__main__":
    main()
