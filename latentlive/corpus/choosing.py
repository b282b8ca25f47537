"""The sounds of ``cluster`` and ``near``: chosen on the map, joined into one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence

import numpy as np

from latentlive.corpus.audio import Audio, audio_of
from latentlive.corpus.index import Mapped
from latentlive.corpus.library import Corpus
from latentlive.corpus.reading import joined
from latentlive.corpus.store import keep
from latentlive.errors import SoundError
from latentlive.ground.extras import lacking
from latentlive.ground.launch import command
from latentlive.ground.names import normal
from latentlive.units import Floats

Say = Callable[[str], object]
"""Receives one line for the performer."""

PATIENCE = 120.0


def cluster(
    corpus: Corpus,
    sample_rate: int,
    say: Say,
    n: int | None,
    seconds: float | None = None,
    valence: float | None = None,
    arousal: float | None = None,
) -> Audio:
    """Return the sounds of a node, joined; parameters as for the word ``cluster``.

    Raises
    ------
    SoundError
        If the corpus has no map, the map no such node, or none of the files can be read.
    """
    mapped = corpus.need_map()
    rows = cluster_rows(mapped, say, n, seconds, valence, arousal)
    return _together(corpus, mapped, rows, sample_rate, say)


def cluster_rows(
    mapped: Mapped,
    say: Say,
    n: int | None,
    seconds: float | None = None,
    valence: float | None = None,
    arousal: float | None = None,
) -> list[int]:
    """Return the rows of the sounds of a node, nearest to it first.

    Raises
    ------
    SoundError
        If the map has no such node.
    """
    sounds = mapped.map
    if n is None:
        node = sounds.node_at(valence, arousal)
        wanted = {"valence": valence, "arousal": arousal}
        said = ", ".join(f"{name} {value:g}" for name, value in wanted.items() if value is not None)
        say(f"cluster: node {node} is nearest to {said}")
    else:
        node = sounds.filled(n)
        if node != n:
            say(f"cluster: node {n} is empty; the nearest one with sounds is {node}")
    return sounds.cluster(node, seconds)


def nearest_to(corpus: Corpus, sample_rate: int, x: float, y: float) -> Audio:
    """Return the sound nearest to a place on the map [0 to 1].

    Raises
    ------
    SoundError
        If the corpus has no map, or the sound cannot be read.
    """
    mapped = corpus.placed()
    return corpus.row_audio(mapped, nearest_row(mapped, x, y), sample_rate)


def nearest_row(mapped: Mapped, x: float, y: float) -> int:
    """Return the row of the sound nearest to a place on a map that has places."""
    assert mapped.places is not None
    return int(((mapped.places - (x, y)) ** 2).sum(axis=1).argmin())


def near(corpus: Corpus, sample_rate: int, say: Say, source: object, n: int) -> Audio:
    """Return the `n` sounds most like a sound, joined.

    Parameters
    ----------
    source : str or array [shape=(n,), float32, at the sample rate]
        A name in the corpus, a path, or samples.

    Raises
    ------
    SoundError
        As `cluster`, or if the sound is missing.
    """
    mapped = corpus.need_map()
    rows = near_rows(corpus, sample_rate, source, n)
    return _together(corpus, mapped, rows, sample_rate, say)


def near_rows(corpus: Corpus, sample_rate: int, source: object, n: int) -> list[int]:
    """Return the rows of the `n` sounds most like a sound, nearest first; see `near`."""
    mapped = corpus.need_map()
    row = row_of(corpus, mapped, source) if isinstance(source, str) else None
    like = _thumbnail(corpus, source, sample_rate) if row is None else row
    return mapped.map.near(like, n)


def row_of(corpus: Corpus, mapped: Mapped, name: str) -> int | None:
    """Return the row of a sound on the map, by its name, short name or path."""
    if normal(name) in mapped.rows:
        return mapped.rows[normal(name)]
    if corpus.outside(name) is not None:
        return None
    path = corpus.path(name)
    try:
        inside = path.resolve().relative_to(corpus.folder.resolve())
    except ValueError:
        return None
    return mapped.rows.get(normal(inside.with_suffix("").as_posix()))


def _thumbnail(corpus: Corpus, source: object, sample_rate: int) -> Floats:
    """Return the thumbnail of a sound outside the index, measured in a separate process."""
    if line := lacking("near", "corpus", "librosa"):
        raise SoundError(line)
    if isinstance(source, str):
        digest = corpus.audio(source, sample_rate).digest
    else:
        digest = keep(audio_of(np.asarray(source, np.float32))).digest
    measuring = command("latentlive.corpus.features", digest, str(sample_rate))
    try:
        told = subprocess.run(measuring, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise SoundError(f"near: the sound took over {PATIENCE:g} s to measure") from None
    if told.returncode:
        lines = told.stderr.strip().splitlines() or ["no reason given"]
        raise SoundError(f"near: the sound cannot be measured: {lines[-1]}")
    return np.array(json.loads(told.stdout))


def _together(
    corpus: Corpus, mapped: Mapped, rows: Sequence[int], sample_rate: int, say: Say
) -> Audio:
    """Return the sounds of some rows, joined; name missing files and leave them out."""
    parts = []
    for row in rows:
        try:
            parts.append(corpus.row_audio(mapped, row, sample_rate))
        except SoundError as error:
            say(f"left out: {mapped.names[row]}: {str(error).removeprefix('sound: ')}")
    if not parts:
        raise SoundError(f"corpus: none of the {len(rows)} sounds chosen can be read")
    return joined(parts)


EXCERPT = 0.5
"""Seconds of one sound among excerpts."""


def excerpts(corpus: Corpus, sample_rate: int, say: Say, n: int) -> Audio:
    """Return half a second of each of up to `n` sounds, from all nodes of the map, joined.

    Raises
    ------
    SoundError
        If the corpus has no sounds, or none of those chosen can be read.
    """
    mapped, names = corpus.mapped, corpus.names
    if mapped is not None:
        order = np.lexsort((np.array(mapped.names), mapped.labels))
        names = [mapped.names[row] for row in order]
    if not names:
        raise SoundError(f"excerpts: no sounds in {corpus.name!r}")
    parts = []
    for i in range(min(n, len(names))):
        name = names[i * len(names) // min(n, len(names))]
        try:
            whole = corpus.audio(name, sample_rate)
        except SoundError as error:
            say(f"left out: {name}: {str(error).removeprefix('sound: ')}")
            continue
        length = min(round(EXCERPT * sample_rate), len(whole.samples))
        first = (len(whole.samples) - length) // 4
        parts.append(whole.part(first, length))
    if not parts:
        raise SoundError("excerpts: none of the sounds chosen can be read")
    return keep(parts[0]) if len(parts) == 1 else joined(parts)
