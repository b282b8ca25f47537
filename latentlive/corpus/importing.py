"""Existing maps: text and JSON files in the format of MASOM's Max patches.

Every row of a text file is ``KEY, values;`` with blanks between values.

Source: Tatar and Pasquier, MASOM: A musical agent architecture based on self-organizing maps
(MUME 2017), and its public patches.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from latentlive.corpus.embedding import placed
from latentlive.corpus.index import Index, Mapped
from latentlive.corpus.library import SUFFIXES, Corpus
from latentlive.corpus.map import Labels, labelled
from latentlive.corpus.thumbnails import NAMES, Scale
from latentlive.errors import SoundError
from latentlive.ground.extras import lacking
from latentlive.ground.names import normal, on_disk
from latentlive.units import Floats

WIDTH = len(NAMES)
SUBFOLDERS = (".", "originals", "data", "data/originals")

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Imported:
    """An existing map, as read from its files.

    Parameters
    ----------
    files : list of str
        The file of each sound, as the map writes it.
    starts : array [shape=(n,), ms]
        Where a sound begins in its file.
    parts : array [shape=(n,), bool]
        Whether a sound is a part of its file.
    thumbnails : array [shape=(n, 35)]
    nodes : array [shape=(side * side, 35)]
    scale : Scale
    given : array [shape=(n,), int]
        The node that the files give each sound; -1 for none.
    labels : array [shape=(n,), int]
        The nearest node of each sound.
    songs : list of list of int
        Nodes in the order in which the parts of recordings have them, a list for each.
    """

    files: list[str]
    starts: Floats
    parts: np.ndarray[Any, np.dtype[np.bool_]]
    thumbnails: Floats
    nodes: Floats
    scale: Scale
    given: Labels
    labels: Labels
    songs: list[list[int]]

    @property
    def equal(self) -> int:
        """The number of sounds whose nearest node is the one that the files give."""
        return int((self.given == self.labels).sum())


def read_map(folder: Path) -> Imported:
    """Return an existing map.

    Parameters
    ----------
    folder : Path
        Holds ``SOM-nodes.txt``, ``stats.txt``, ``data-concatenated`` and ``clusters`` (``.txt`` or
        ``.json``), itself or in a subfolder ``originals`` or ``data``; perhaps
        ``VMM-training-SOM-seq.txt``.

    Raises
    ------
    SoundError
        ``corpus: SOM-nodes.txt, line 7: expected 35 numbers, got 34``
    """
    folder = on_disk(folder)
    if not os.path.isdir(folder):
        raise SoundError(f"corpus: no folder {os.fspath(folder)!r}")
    nodes = _grid(_found(folder, "SOM-nodes", ".txt"))
    scale = _scale(_found(folder, "stats", ".txt"))
    files, starts, parts, thumbnails, keys = _data(_found(folder, "data-concatenated"))
    given = _clusters(_found(folder, "clusters"), keys, len(nodes))
    labels = labelled(scale.normal(thumbnails), nodes)[0]
    songs = _songs(folder, len(nodes))
    return Imported(files, starts, parts, thumbnails, nodes, scale, given, labels, songs)


def store_map(imported: Imported, audio: Path, origin: Path) -> list[str]:
    """Make an imported map the map of a folder of sounds; return the missing files.

    Parameters
    ----------
    imported : Imported
    audio : Path
        The folder; files match by name, in any subfolder and with any suffix of a sound.
    origin : Path
        The source of the map.
    """
    corpus = Corpus(audio)
    by_name: dict[str, Path] = {}
    for path in corpus.files.values():
        for name in (path.name, path.stem):
            by_name.setdefault(_plain(name), path)
    missing: dict[str, None] = {}
    taken = Counter[str]()
    names: list[str] = []
    files: list[str] = []
    starts: list[float | None] = []
    for row, file in enumerate(imported.files):
        bare = file.replace("\\", "/").rsplit("/", 1)[-1]
        there = by_name.get(_plain(bare)) or by_name.get(_plain(_stem(bare)))
        if there is None:
            missing[file] = None
        start = float(imported.starts[row]) / 1000.0 if imported.parts[row] else None
        files.append(bare if there is None else there.relative_to(corpus.folder).as_posix())
        name = normal(_stem(files[-1])) + ("" if start is None else f"@{start:g}")
        taken[name] += 1
        names.append(name if taken[name] == 1 else f"{name} ({taken[name]})")
        starts.append(start)
    with Index(corpus.index_path) as index:
        mapped = Mapped(
            *(names, files, starts, imported.thumbnails.astype(np.float32)),
            *(imported.labels, imported.nodes, imported.scale, os.path.abspath(origin)),
            songs=imported.songs,
        )
        # Without scikit-learn they get their places when something asks for one.
        index.put_map(mapped if lacking("corpus", "corpus", "sklearn") else placed(mapped))
    return list(missing)


def _plain(name: str) -> str:
    """Return a file name in the form for comparison: case does not matter."""
    return normal(normal(name).casefold())


def _stem(file: str) -> str:
    """Return a file's name without the suffix of a sound."""
    stem, suffix = os.path.splitext(file)
    return stem if suffix.lower() in SUFFIXES else file


def _found(folder: Path, stem: str, *suffixes: str) -> Path:
    for suffix in suffixes or (".txt", ".json"):
        for below in SUBFOLDERS:
            path = folder / below / f"{stem}{suffix}"
            if path.is_file():
                return path
    wanted = " or ".join(f"{stem}{suffix}" for suffix in suffixes or (".txt", ".json"))
    raise SoundError(f"corpus: no {wanted} in {folder}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SoundError(f"corpus: cannot read {path}: {error}") from None


def _rows(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (place, key, values) of the rows of a text file."""
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        place = f"{path.name}, line {number}"
        key, comma, rest = line.partition(",")
        if not comma or not rest.rstrip().endswith(";"):
            raise SoundError(f"corpus: {place}: expected 'KEY, values;', got {line[:40]!r}")
        yield place, key.strip().strip('"'), rest.rstrip()[:-1].strip()


def _entries(path: Path) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield (place, key, values) of the entries of a JSON file."""
    try:
        table = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise SoundError(f"corpus: {path.name}: not JSON: {error}") from None
    if not isinstance(table, dict):
        raise SoundError(f"corpus: {path.name}: expected an object of lists")
    for key, values in table.items():
        place = f"{path.name}, entry {key!r}"
        if not isinstance(values, list):
            raise SoundError(f"corpus: {place}: expected a list, got {str(values)[:40]!r}")
        yield place, key, values


def _numbers(place: str, values: Any, count: int) -> list[float]:
    items = values.split() if isinstance(values, str) else list(values)
    if len(items) != count:
        raise SoundError(f"corpus: {place}: expected {count} numbers, got {len(items)}")
    return [_number(place, item) for item in items]


def _number(place: str, item: Any) -> float:
    if isinstance(item, bool) or not isinstance(item, str | int | float):
        raise SoundError(f"corpus: {place}: expected a number, got {str(item)[:40]!r}")
    try:
        value = float(item)
    except (ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise SoundError(f"corpus: {place}: expected a finite number, got {str(item)[:40]!r}")
    return value


def _whole(place: str, item: Any) -> int:
    value = _number(place, item)
    if not value.is_integer() or value < 0:
        raise SoundError(f"corpus: {place}: expected a whole number, got {str(item)[:40]!r}")
    return int(value)


def _once(place: str, key: int, seen: dict[int, T], value: T) -> None:
    if key in seen:
        raise SoundError(f"corpus: {place}: {key} comes a second time")
    seen[key] = value


def _grid(path: Path) -> Floats:
    nodes: dict[int, list[float]] = {}
    for place, key, values in _rows(path):
        _once(place, _whole(place, key), nodes, _numbers(place, values, WIDTH))
    side = math.isqrt(len(nodes))
    if side < 2 or side * side != len(nodes):
        raise SoundError(f"corpus: {path.name}: a map is square, got {len(nodes)} nodes")
    if max(nodes) != len(nodes) - 1:
        raise SoundError(f"corpus: {path.name}: nodes are 0 to {len(nodes) - 1}, got {max(nodes)}")
    return np.array([nodes[n] for n in range(len(nodes))])


def _scale(path: Path) -> Scale:
    rows = {key: _numbers(place, values, WIDTH) for place, key, values in _rows(path)}
    for key in ("mean", "std", "weights"):
        if key not in rows:
            raise SoundError(f"corpus: {path.name}: no row {key!r}")
    if min(rows["std"]) < 0:
        raise SoundError(f"corpus: {path.name}: a std is below 0")
    return Scale(*(np.array(rows[key]) for key in ("mean", "std", "weights")))


def _data(path: Path) -> tuple[list[str], Floats, Any, Floats, dict[int, int]]:
    """Return file names, starts, flags of parts, thumbnails, and the row of each index."""
    found: dict[int, tuple[str, bool, list[float]]] = {}
    if path.suffix == ".json":
        for place, key, items in _entries(path):
            _once(place, _whole(place, key), found, _sound(place, items))
    else:
        for place, key, values in _rows(path):
            _once(place, _whole(place, key), found, _sound(place, _split(place, values)))
    if not found:
        raise SoundError(f"corpus: {path.name}: no sounds")
    files = [file for file, _, _ in found.values()]
    parts = np.array([part for _, part, _ in found.values()])
    numbers = np.array([row for _, _, row in found.values()])
    keys = {key: row for row, key in enumerate(found)}
    return files, numbers[:, 0], parts, numbers[:, 1:], keys


def _split(place: str, values: str) -> list[str]:
    """Return flag, file name and numbers of a row; the name may hold blanks."""
    words = values.split()
    if len(words) < WIDTH + 3:
        raise SoundError(
            f"corpus: {place}: expected a flag, a file, a start and {WIDTH} numbers, "
            f"got {len(words)} values"
        )
    flag, rest = values.split(maxsplit=1)
    name, *tail = rest.rsplit(maxsplit=WIDTH + 1)
    return [flag, name.replace("\\", "").strip('"'), *tail]


def _sound(place: str, items: list[Any]) -> tuple[str, bool, list[float]]:
    if len(items) != WIDTH + 3:
        raise SoundError(
            f"corpus: {place}: expected a flag, a file, a start and {WIDTH} numbers, "
            f"got {len(items)} values"
        )
    flag, file, *numbers = items
    if not isinstance(file, str) or not file.strip():
        raise SoundError(f"corpus: {place}: expected a file name, got {str(file)[:40]!r}")
    return file, _whole(place, flag) == 0, _numbers(place, numbers, WIDTH + 1)


def _songs(folder: Path, nodes: int) -> list[list[int]]:
    """Return the sequences of nodes that a map came with, none if it has no such file."""
    try:
        path = _found(folder, "VMM-training-SOM-seq", ".txt")
    except SoundError:
        return []
    songs: dict[int, list[int]] = {}
    for place, key, values in _rows(path):
        song = [_whole(place, item) for item in values.split()]
        if any(node >= nodes for node in song):
            raise SoundError(f"corpus: {place}: the map has {nodes} nodes, got {max(song)}")
        _once(place, _whole(place, key), songs, song)
    return [song for song in songs.values() if song]


def _clusters(path: Path, keys: dict[int, int], nodes: int) -> Labels:
    given = np.full(len(keys), -1, np.int64)
    rows: Iterator[tuple[str, str, Any]]
    rows = _entries(path) if path.suffix == ".json" else _rows(path)
    for place, key, values in rows:
        node = _whole(place, key)
        if node >= nodes:
            raise SoundError(f"corpus: {place}: the map has {nodes} nodes")
        for item in values.split() if isinstance(values, str) else values:
            index = _whole(place, item)
            if index not in keys:
                raise SoundError(f"corpus: {place}: no sound {index} in the data")
            if given[keys[index]] >= 0:
                raise SoundError(f"corpus: {place}: sound {index} is in two clusters")
            given[keys[index]] = node
    return given
