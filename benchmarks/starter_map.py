"""Makes the map of the starter sounds that is part of latentlive, and says how good it is.

python benchmarks/starter_map.py -o latentlive/corpus/starter.sqlite
"""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

import click
import numpy as np

from latentlive import som
from latentlive.corpus import Corpus
from latentlive.corpus.index import Entry, Index
from latentlive.corpus.map import labelled
from latentlive.corpus.scan import measured
from latentlive.corpus.thumbnails import Scale


def make(path: Path) -> tuple[float, float]:
    """Write the index and the map of the starter sounds; return the map's errors."""
    files = Corpus().files
    entries = []
    for name, (found, error) in measured({n: str(p) for n, p in files.items()}):
        assert found is not None, error
        entries.append(Entry(name, files[name].name, thumbnail=found))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.sqlite"
        with Index(made) as index:
            index.put(sorted(entries, key=lambda entry: entry.name))
            stored = index.read()
            raw = stored.thumbnails.astype(np.float64)
            scale = Scale.of(raw)
            nodes = som.train(scale.normal(raw))
            index.put_map(stored.names, labelled(scale.normal(raw), nodes)[0], nodes, scale)
        with sqlite3.connect(made) as db:
            db.execute("VACUUM")
        path.write_bytes(made.read_bytes())
    return som.errors(scale.normal(raw), nodes)


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def main(output: Path) -> None:
    """Make the map."""
    quantisation, topographic = make(output)
    print(f"{output}: {output.stat().st_size} bytes")
    print(f"quantisation error {quantisation:.3f}, topographic error {topographic:.3f}")


if __name__ == "__main__":
    main()
