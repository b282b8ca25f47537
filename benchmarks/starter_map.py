"""Makes the map of the starter sounds that is part of latentlive, and says how good it is.

python benchmarks/starter_map.py -o latentlive/corpus/starter.sqlite
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
import numpy as np

from latentlive import som
from latentlive.corpus import Corpus
from latentlive.corpus.index import Index
from latentlive.corpus.scan import measured
from latentlive.mapping import trained


def make(path: Path) -> tuple[float, float]:
    """Write the map of the starter sounds; return its errors."""
    files = Corpus().files
    names = sorted(files)
    found = dict(measured({name: str(files[name]) for name in names}))
    thumbnails = np.array([found[name][0] for name in names], np.float32)
    mapped = trained(names, [files[name].name for name in names], thumbnails)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.sqlite"
        with Index(made) as index:
            index.put_map(mapped)
        path.write_bytes(made.read_bytes())
    return som.errors(mapped.map.vectors, mapped.nodes)


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def main(output: Path) -> None:
    """Make the map."""
    quantisation, topographic = make(output)
    print(f"{output}: {output.stat().st_size} bytes")
    print(f"quantisation error {quantisation:.3f}, topographic error {topographic:.3f}")


if __name__ == "__main__":
    main()
