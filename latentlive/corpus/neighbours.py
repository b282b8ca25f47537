"""The nearest sounds of a large map without looking at each: a graph in a file, mapped into memory.

USearch, since it is a library of one purpose that is kept well (Apache-2.0), has wheels for all
systems, and reads its file where it lies. It proposes; what is nearest among its proposals is
measured exactly. The one module that imports it.

Source: Malkov, Yashunin: Efficient and robust approximate nearest neighbor search using
hierarchical navigable small world graphs (2018).
"""

from __future__ import annotations

import contextlib
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.thumbnails import Scale, stretches
from latentlive.ground.extras import lacking
from latentlive.ground.files import working_file, write_whole
from latentlive.units import Floats

MANY = 20_000
"""Sounds from which on a graph is made; fewer are compared faster than it opens."""

LINKS, CARE_OF_MAKING, CARE_OF_FINDING = 16, 64, 128
"""Of the graph: links of a sound, and how many are looked at; see benchmarks/neighbours.py."""

MORE = 64
"""Proposals beyond those asked for."""

FOLDER = "neighbours"


def file_of(thumbnails: NDArray[np.float32], scale: Scale) -> Path:
    """Return where the graph of some sounds is kept, if it was made."""
    found = hashlib.blake2b(np.ascontiguousarray(thumbnails, "<f4").tobytes(), digest_size=16)
    for part in (scale.mean, scale.std, scale.weights):
        found.update(np.asarray(part, "<f8").tobytes())
    return working_file(f"{found.hexdigest()}.usearch", FOLDER)


def make(thumbnails: NDArray[np.float32], scale: Scale) -> Path | None:
    """Make the graph of some sounds and keep it; None if the library is missing.

    Parameters
    ----------
    thumbnails : array [shape=(n, 35)]
        May be memory-mapped.
    scale : Scale
    """
    if lacking("corpus", "corpus", "usearch"):
        return None
    from usearch.index import Index

    path = file_of(thumbnails, scale)
    if path.is_file():
        return path
    index = Index(
        ndim=thumbnails.shape[1],
        metric="l2sq",
        dtype="f32",
        connectivity=LINKS,
        expansion_add=CARE_OF_MAKING,
        expansion_search=CARE_OF_FINDING,
    )
    for part in stretches(thumbnails):
        rows = np.arange(len(part)) + len(index)
        # One thread: the order in which sounds are put in decides the graph.
        index.add(rows, scale.normal(part).astype(np.float32), threads=1)

    def write(beside: Path) -> None:
        index.save(str(beside))

    write_whole(path, write)
    return path


@lru_cache(maxsize=2)
def _opened(path: Path) -> Any:
    from usearch.index import Index

    return Index.restore(str(path), view=True)


def proposed(path: Path, vector: Floats, n: int) -> NDArray[np.int64] | None:
    """Return the rows of sounds among which the `n` nearest are, rising; None if there is no graph.

    Parameters
    ----------
    path : Path
        As `file_of` returns it.
    vector : array [shape=(35,)]
        On the scale.
    n : int
    """
    if not path.is_file() or lacking("near", "corpus", "usearch"):
        return None
    with contextlib.suppress(RuntimeError, ValueError):  # damaged: each sound is compared
        found = _opened(path).search(vector.astype(np.float32), n + MORE, threads=1)
        return np.sort(np.asarray(found.keys, np.int64))
    return None
