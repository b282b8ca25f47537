"""A graph of very many sounds, against comparing each; and maps trained in batches from the disk.

    python -m benchmarks.neighbours            # some minutes
    python -m benchmarks.neighbours --quick    # does it run at all?

Synthetic thumbnails: 2,000 groups in 35 numbers, weighted as real ones are. "Recall" is the share
of the exact nearest twelve that `near` finds; "exact" and "graph" are its medians over 60 sounds,
the file mapped into memory. Memory is what the process gained by it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from latentlive import som
from latentlive.corpus import neighbours
from latentlive.corpus.map import SoundMap
from latentlive.corpus.thumbnails import Scale


def drawn(count: int) -> SoundMap:
    """Return a map of synthetic sounds."""
    chance = np.random.default_rng(0)
    centres = chance.normal(size=(2000, 35))
    found = centres[chance.integers(2000, size=count)] + 0.4 * chance.normal(size=(count, 35))
    thumbnails = found.astype(np.float32)
    scale = Scale.of(thumbnails[:100_000].astype(np.float64))
    return SoundMap(thumbnails, np.zeros(count, np.int64), np.zeros((4, 35)), scale)


def timed(sounds: SoundMap, rows: list[int]) -> tuple[list[list[int]], float]:
    """Return the nearest twelve of some sounds, and the median of the milliseconds."""
    found, took = [], []
    for row in rows:
        begun = time.perf_counter()
        found.append(sounds.near(row, 12))
        took.append(time.perf_counter() - begun)
    return found, 1000.0 * float(np.median(took))


def resident() -> float:
    """Return the process's memory [MB]."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def graphs(counts: list[int]) -> None:
    """Print how graphs of some sizes do."""
    print("| sounds | made in | file | recall | exact | graph |")
    print("|--:|--:|--:|--:|--:|--:|")
    for count in counts:
        sounds = drawn(count)
        rows = list(range(0, count, count // 60))
        sounds.near(0, 12)  # its file is named by its thumbnails' digest, once
        _ = sounds.vectors  # kept by the map: exact search does not pay for it each time
        exact, slow = timed(sounds, rows)
        begun = time.perf_counter()
        path = neighbours.make(sounds.thumbnails, sounds.scale)
        made = time.perf_counter() - begun
        assert path is not None
        found, quick = timed(sounds, rows)
        recall = np.mean([len({*a} & {*b}) / 12 for a, b in zip(exact, found, strict=True)])
        size = path.stat().st_size / 1e6
        print(
            f"| {count:,} | {made:.1f} s | {size:.0f} MB | {recall:.3f} | {slow:.1f} ms "
            f"| {quick:.2f} ms |",
            flush=True,
        )


def maps(counts: list[int], whole: int) -> None:
    """Print how maps trained in batches do; one size is trained whole too."""
    print("| sounds | nodes | way | time | memory | quantisation | topographic |")
    print("|--:|--:|---|--:|--:|--:|--:|")
    for count in counts:
        sounds = drawn(count)
        vectors = sounds.vectors
        with tempfile.TemporaryDirectory() as folder:
            np.save(Path(folder, "vectors.npy"), vectors.astype(np.float32))
            on_disk = np.load(Path(folder, "vectors.npy"), mmap_mode="r")
            ways = {"batches from disk": lambda on_disk=on_disk: som.train_in_batches(on_disk)}
            if count == whole:
                ways["a hundred epochs"] = lambda vectors=vectors: som.train(vectors)
            for way, train in ways.items():
                before, begun = resident(), time.perf_counter()
                nodes = train()
                took, gained = time.perf_counter() - begun, max(resident() - before, 0.0)
                some = slice(0, 20_000)
                quantised, torn = som.errors(vectors[some], nodes)
                print(
                    f"| {count:,} | {len(nodes):,} | {way} | {took:.0f} s | {gained:.0f} MB "
                    f"| {quantised:.3f} | {torn:.3f} |",
                    flush=True,
                )


def main(quick: bool) -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["LATENTLIVE_CACHE"] = cache
        graphs([20_000] if quick else [25_000, 50_000, 100_000])
    maps([5_000] if quick else [10_000, 100_000], 5_000 if quick else 10_000)


if __name__ == "__main__":
    main("--quick" in sys.argv)
