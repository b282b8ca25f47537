"""Indexing: files a second, memory, opening; and whether like lies beside like.

    python benchmarks/corpus.py /usr/share/sonic-pi/samples            # two to ten minutes
    python benchmarks/corpus.py /usr/share/sonic-pi/samples --quick    # does it run at all?

- growth: folders of 100, 1,000 and 10,000 synthesised sounds of half a second, indexed from
  nothing, again with nothing to do, and opened by a new process;
- opening: an index of 50,000 sounds;
- likeness: of real recordings, the share whose nearest neighbour's name begins alike, against
  the share that chance would give; with no folder, this part is left out;
- features: their distributions over the real recordings and over the starter sounds; with
  ``--published DIR``, beside the statistics of an existing map.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import click
import numpy as np
import soundfile

from latentlive.corpus import Corpus
from latentlive.corpus.importing import read_map
from latentlive.corpus.index import Entry, Index, Mapped
from latentlive.corpus.thumbnails import NAMES, Scale
from latentlive.mapping import make_map

RATE = 44100


def prefix(name: str) -> str:
    """Return the first part of a name: ``bd`` of ``bd_haus``."""
    return name.replace("-", "_").split("_")[0]


def agreement(corpus: Corpus) -> tuple[float, float]:
    """Return the share of sounds whose nearest neighbour has their prefix, and chance's share."""
    mapped = corpus.need_map()
    first = np.array([prefix(name) for name in mapped.names])
    nearest = [mapped.map.near(row, 1)[0] for row in range(len(first))]
    alike = [(first == mine).sum() - 1 for mine in first]
    return float((first == first[nearest]).mean()), float(np.mean(alike) / (len(first) - 1))


def synthesise(folder: Path, count: int) -> None:
    """Write `count` different half-second sounds into subfolders of a hundred."""
    rng = np.random.default_rng(0)
    time_ = np.arange(RATE // 2) / RATE
    for n in range(count):
        below = folder / f"{n // 100:03}"
        below.mkdir(exist_ok=True)
        hz, fall, hiss = 60 * 40 ** rng.random(), rng.uniform(2, 30), rng.random() * 0.2
        tone = np.sin(2 * np.pi * hz * time_) * np.exp(-fall * time_)
        sound = 0.5 * tone + hiss * rng.standard_normal(len(time_))
        soundfile.write(below / f"{n:05}.wav", np.clip(sound, -1, 1), RATE, subtype="PCM_16")


def apart(code: str, *arguments: str) -> dict[str, float]:
    """Run code in a process of its own; return the JSON that it prints."""
    told = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    if told.returncode:
        raise click.ClickException(told.stderr)
    found: dict[str, float] = json.loads(told.stdout)
    return found


INDEXING = """
import json, resource, sys, time
from latentlive.corpus import Corpus
from latentlive.mapping import make_map

if __name__ == "__main__":
    begun = time.perf_counter()
    made = make_map(Corpus(sys.argv[1]))
    taken = time.perf_counter() - begun
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({"seconds": taken, "sounds": made.sounds, "side": made.side,
                      "cpu": sum(u.ru_utime + u.ru_stime for u in used),
                      "parent": used[0].ru_maxrss / 1024, "worker": used[1].ru_maxrss / 1024}))
"""

OPENING = """
import json, sys, time
from pathlib import Path
from latentlive.corpus.importing import read_map
from latentlive.corpus.index import Index

begun, used = time.perf_counter(), time.process_time()
with Index(Path(sys.argv[1])) as index:
    mapped = index.read()
opened, used = time.perf_counter() - begun, time.process_time() - used
begun = time.perf_counter()
mapped.map.near(0, 6)
print(json.dumps({"seconds": opened, "cpu": used, "near": time.perf_counter() - begun}))
"""


def growth(counts: tuple[int, ...]) -> None:
    """Print how time and memory grow with the number of files."""
    print(
        "| files | index, s | CPU, s | files/s | files/CPU s | again, s | parent MB | worker MB "
        "| map | open, ms |"
    )
    print("|--:" * 8 + "|:--|--:|")
    for count in counts:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            synthesise(folder, count)
            first = apart(INDEXING, name)
            again = apart(INDEXING, name)
            path = Corpus(folder).index_path
            opened = median(apart(OPENING, str(path))["seconds"] for _ in range(3))
            path.unlink()
        print(
            f"| {count} | {first['seconds']:.1f} | {first['cpu']:.1f} "
            f"| {count / first['seconds']:.0f} | {count / first['cpu']:.0f} "
            f"| {again['seconds']:.2f} | {first['parent']:.0f} | {first['worker']:.0f} "
            f"| {first['side']:.0f} x {first['side']:.0f} | {1000 * opened:.0f} |",
            flush=True,
        )


def opening(count: int) -> None:
    """Print how long an index of many sounds takes to open in a new process."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "index.sqlite"
        rng = np.random.default_rng(0)
        rows = rng.standard_normal((count, len(NAMES)))
        names = [f"a/{n:06}" for n in range(count)]
        nodes = rng.standard_normal((91 * 91, len(NAMES)))
        labels = rng.integers(len(nodes), size=count)
        files = [f"{name}.wav" for name in names]
        with Index(path) as index:
            index.put(Entry(n, f, thumbnail=r) for n, f, r in zip(names, files, rows, strict=True))
            index.put_map(Mapped(names, files, [None] * count, rows, labels, nodes, Scale.of(rows)))
        found = [apart(OPENING, str(path)) for _ in range(5)]
        opened, cpu, near = (median(f[k] for f in found) for k in ("seconds", "cpu", "near"))
        size = path.stat().st_size / 1e6
    verdict = "PASS" if opened < 0.2 else "FAIL"
    print(
        f"\n{count} sounds ({size:.0f} MB): opened in {opened:.3f} s (CPU {cpu:.3f} s), "
        f"target 0.2: {verdict}; "
        f"the first near() after it in {near:.3f} s"
    )


def likeness(folder: Path) -> None:
    """Print how often a nearest neighbour has the same kind of name."""
    begun = time.perf_counter()
    corpus = Corpus(folder)
    made = make_map(corpus)
    taken = time.perf_counter() - begun
    same, chance = agreement(corpus)
    print(
        f"\n{made.sounds} real recordings in {taken:.1f} s ({made.report.measured} measured), "
        f"map {made.side} x {made.side}, QE {made.quantisation:.3f}, TE {made.topographic:.3f}"
    )
    print(
        f"nearest neighbour with the same prefix: {same:.1%}, by chance {chance:.1%}: "
        f"{same / chance:.1f} times as often"
    )


def published(folder: Path, corpora: dict[str, Corpus]) -> None:
    """Print mean and std of every feature of an existing map beside ours."""
    theirs = read_map(folder).scale
    print(f"\n| feature | {folder.name} | " + " | ".join(corpora) + " |")
    print("|---|---|" + "---|" * len(corpora))
    for column, feature in enumerate(NAMES):
        scales = [theirs, *(corpus.need_map().scale for corpus in corpora.values())]
        shown = [f"{s.mean[column]:.3f} ± {s.std[column]:.3f}" for s in scales]
        print(f"| {feature} | " + " | ".join(shown) + " |")


def distributions(corpora: dict[str, Corpus]) -> None:
    """Print mean, std, least, median and most of each feature, of the MFCCs only the first."""
    print("\n| feature | corpus | mean | std | least | median | most |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for column, feature in enumerate(NAMES):
        if feature.startswith("mfcc") and feature not in ("mfcc0_mean", "mfcc1_mean", "mfcc1_std"):
            continue
        for label, corpus in corpora.items():
            x = corpus.need_map().thumbnails[:, column]
            figures = (x.mean(), x.std(), x.min(), np.median(x), x.max())
            print(f"| {feature} | {label} | " + " | ".join(f"{v:.2f}" for v in figures) + " |")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--quick", is_flag=True, help="A hundred files.")
@click.option("--published", "existing", type=click.Path(path_type=Path), help="An existing map.")
def main(folder: Path | None, quick: bool, existing: Path | None) -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["LATENTLIVE_CACHE"] = cache
        growth((100,) if quick else (100, 1000, 10_000))
        opening(50_000)
        corpora = {"starter": Corpus()}
        if folder is not None:
            likeness(folder)
            corpora = {"real": Corpus(folder), **corpora}
        distributions(corpora)
        if existing is not None:
            published(existing, corpora)


if __name__ == "__main__":
    main()
