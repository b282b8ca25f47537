"""A graph of very many sounds, against comparing each; and maps trained in batches from the disk.

    python -m benchmarks.neighbours              # some minutes
    python -m benchmarks.neighbours --million    # graph and opening at a million, some more
    python -m benchmarks.neighbours --quick      # does it run at all?

Synthetic thumbnails: 2,000 groups in 35 numbers, weighted as real ones are. "Recall" is the share
of the exact nearest twelve that `near` finds; "exact" and "graph" are its medians over 60 sounds,
the file mapped into memory. Memory is what the process gained by it. "Opening" is what a program
that has just started does before its first `near`, in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from latentlive import som
from latentlive.corpus import neighbours
from latentlive.corpus.index import Index, Mapped
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


def opening(counts: list[int]) -> None:
    """Print what a map of very many sounds costs a program that opens it."""
    print("| sounds | index | read | first near | again | a node | memory |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    for count in counts:
        sounds = drawn(count)
        chance = np.random.default_rng(1)
        nodes = chance.normal(size=(som.side_for(count) ** 2, 35))
        labels = chance.integers(len(nodes), size=count)
        names = [f"folder-{row % 500}/sound-{row:07}" for row in range(count)]
        files, places = [f"{name}.wav" for name in names], chance.random((count, 2))
        told = names, files, [None] * count, sounds.thumbnails, labels, nodes, sounds.scale
        neighbours.make(sounds.thumbnails, sounds.scale)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "index.sqlite")
            with Index(path) as index:
                index.put_map(Mapped(*told, places=places))
            command = [sys.executable, "-m", "benchmarks.neighbours", "--open", str(path)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found = json.loads(done.stdout)
            print(
                f"| {count:,} | {path.stat().st_size / 1e6:.0f} MB | {found['read']:.2f} s "
                f"| {found['first']:.2f} s | {1000 * found['again']:.2f} ms "
                f"| {1000 * found['node']:.0f} ms | {found['memory']:.0f} MB |",
                flush=True,
            )


def opened(path: Path) -> None:
    """Open an index as a program does, and print what each step took."""
    found, begun, before = {}, time.perf_counter(), resident()

    def lap(name: str) -> None:
        nonlocal begun
        now = time.perf_counter()
        found[name], begun = now - begun, now

    with Index(path) as index:
        mapped = index.read()
    assert mapped is not None
    lap("read")
    for name in ("first", "again"):
        mapped.map.near(7, 12)
        lap(name)
    mapped.map.cluster(5)
    lap("node")
    print(json.dumps({**found, "memory": resident() - before}))


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


def main(quick: bool, million: bool) -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["LATENTLIVE_CACHE"] = cache
        many = [1_000_000] if million else [25_000, 50_000, 100_000]
        graphs([20_000] if quick else many)
        opening([20_000] if quick else [1_000_000] if million else [100_000])
    if not million:
        maps([5_000] if quick else [10_000, 100_000], 5_000 if quick else 10_000)


if __name__ == "__main__":
    if "--open" in sys.argv:
        opened(Path(sys.argv[-1]))
    else:
        main("--quick" in sys.argv, "--million" in sys.argv)
