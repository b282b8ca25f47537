"""From a folder of sounds to its map: index new sounds, train, store."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive import som
from latentlive.corpus import Corpus, neighbours
from latentlive.corpus.embedding import placed
from latentlive.corpus.index import Index, Mapped
from latentlive.corpus.map import labelled
from latentlive.corpus.scan import Measuring, Report, update
from latentlive.corpus.thumbnails import Scale, stretches
from latentlive.errors import SoundError
from latentlive.ground.extras import lacking
from latentlive.ground.files import working_folder

MANY = 100_000
"""Sounds from which on a map is trained in batches: a hundred epochs would take hours."""


@dataclass
class Made:
    """The result of mapping a folder.

    Parameters
    ----------
    report : Report
        The result of indexing.
    sounds : int
        The number of sounds on the map.
    side : int
        Of the map; 0 if an interrupt ended indexing before training.
    quantisation, topographic : float
        The errors of the map.
    replaced : str
        The source of an imported map that this one replaces.
    """

    report: Report
    sounds: int = 0
    side: int = 0
    quantisation: float = 0.0
    topographic: float = 0.0
    replaced: str = ""


def make_map(
    corpus: Corpus,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda done, total: done,
    measuring: Measuring | None = None,
) -> Made:
    """Index a folder and make its map; only new and changed sounds are measured.

    Parameters
    ----------
    corpus : Corpus
        Of a folder; the map of the starter corpus is part of latentlive.
    seed : int
        The same seed gives the same map.
    workers, progress, measuring
        As for `latentlive.corpus.scan.update`.

    Raises
    ------
    SoundError
        If the folder holds no sounds, the index cannot be written, or librosa is missing.
    """
    if line := lacking("corpus", "corpus", "librosa", "sklearn"):
        raise SoundError(line)
    with Index(corpus.index_path) as index:
        before = index.read()
        made = Made(update(corpus, index, workers, progress, measuring))
        names, files, thumbnails = index.measured()
        made.sounds = len(names)
        if made.report.interrupted or not names:
            return made
        if before is not None and _made_of(before, names, files, thumbnails, seed):
            mapped = before
            if before.places is None:
                with scaled(thumbnails, before.scale) as vectors:
                    mapped = placed(before, vectors)
                index.put_places(mapped)
        else:
            mapped = trained(names, files, thumbnails, seed)
            index.put_map(mapped)
    if made.sounds >= neighbours.MANY:
        neighbours.make(mapped.thumbnails, mapped.scale)
    made.replaced = before.origin if before else ""
    made.side = mapped.map.side
    with scaled(mapped.thumbnails, mapped.scale) as vectors:
        made.quantisation, made.topographic = som.errors(vectors, mapped.nodes)
    return made


def _made_of(
    before: Mapped, names: list[str], files: list[str], thumbnails: NDArray[np.float32], seed: int
) -> bool:
    """Return whether a map was made here from exactly these sounds with this seed."""
    same = (before.names, before.files, before.origin, before.seed) == (names, files, "", seed)
    return same and np.array_equal(before.thumbnails, thumbnails)


def trained(
    names: list[str], files: list[str], thumbnails: NDArray[np.float32], seed: int = 0
) -> Mapped:
    """Return a map of some sounds [thumbnails: shape=(n, 35)]."""
    scale = Scale.of(thumbnails)
    with scaled(thumbnails, scale) as vectors:
        train = som.train if len(names) < MANY else som.train_in_batches
        nodes = train(vectors, seed=seed)
        labels = labelled(vectors, nodes)[0] if len(nodes) > 1 else np.zeros(len(names), np.int64)
        starts: list[float | None] = [None] * len(names)
        mapped = Mapped(names, files, starts, thumbnails, labels, nodes, scale, seed=seed)
        return placed(mapped, vectors)


@contextlib.contextmanager
def scaled(thumbnails: NDArray[np.float32], scale: Scale) -> Iterator[NDArray[Any]]:
    """Yield thumbnails [shape=(n, 35)] on a scale: very many are mapped from a scratch file."""
    if len(thumbnails) < MANY:
        yield scale.normal(thumbnails.astype(np.float64))
        return
    where = working_folder("corpora")
    with tempfile.TemporaryDirectory(dir=where, ignore_cleanup_errors=True) as folder:
        shape, first = thumbnails.shape, 0
        vectors = np.memmap(Path(folder, "vectors"), np.float32, "w+", shape=shape)
        for part in stretches(thumbnails):
            vectors[first : first + len(part)] = scale.normal(part)
            first += len(part)
        yield vectors
        del vectors
