"""The index of a corpus: what is known of each sound, and its map, in one SQLite file.

SQLite because indexing must survive being killed at any moment and be read while it goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.cache import cache_folder
from latentlive.corpus.map import SoundMap
from latentlive.corpus.thumbnails import NAMES, Scale
from latentlive.errors import SoundError
from latentlive.units import Floats

VERSION = 1
"""Raise it when the features change, so that old thumbnails are measured again."""

TABLES = """
CREATE TABLE IF NOT EXISTS sound (
    name TEXT PRIMARY KEY, file TEXT NOT NULL, size INTEGER, mtime INTEGER,
    start REAL, seconds REAL, thumbnail BLOB, error TEXT NOT NULL DEFAULT '', node INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS map (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Entry:
    """What the index knows of a sound.

    Parameters
    ----------
    name : str
        In the corpus.
    file : str
        Its file, relative to the corpus's folder.
    size, mtime : int [bytes, nanoseconds]
        Of the file when it was measured.
    thumbnail : array [shape=(35,)] or None
        None if the sound could not be measured.
    error : str
        Why, in one line; empty if all is well.
    start : float or None [seconds]
        Where the sound begins, if it is a part of its file.
    """

    name: str
    file: str
    size: int = 0
    mtime: int = 0
    thumbnail: Floats | None = None
    error: str = ""
    start: float | None = None

    @property
    def row(self) -> tuple[object, ...]:
        """The entry as a row of the table."""
        seconds = blob = None
        if self.thumbnail is not None:
            seconds = float(self.thumbnail[0]) / 1000.0
            blob = np.asarray(self.thumbnail, "<f4").tobytes()
        known = (self.name, self.file, self.size, self.mtime, self.start)
        return (*known, seconds, blob, self.error)


@dataclass(frozen=True, eq=False)
class Stored:
    """All sounds of an index that could be measured, and the map.

    Parameters
    ----------
    names, files : list of str, sorted by name
    starts : list of float or None [seconds]
    seconds : array [shape=(n,)]
    thumbnails : array [shape=(n, 35)]
    labels : array [shape=(n,), int]
        The node of each sound; -1 for one that came after the map was made.
    nodes : array [shape=(side * side, 35)]
        On the scale; no rows if there is no map yet.
    scale : Scale or None
    origin : str
        Where the map was imported from; empty if it was made here.
    """

    names: list[str]
    files: list[str]
    starts: list[float | None]
    seconds: Floats
    thumbnails: NDArray[np.float32]
    labels: NDArray[np.int64]
    nodes: Floats
    scale: Scale | None
    origin: str

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each name."""
        return {name: row for row, name in enumerate(self.names)}

    @cached_property
    def map(self) -> SoundMap:
        """The map; only where there is a scale."""
        assert self.scale is not None
        return SoundMap(self.thumbnails, self.seconds, self.labels, self.nodes, self.scale)


def index_path(folder: str | os.PathLike[str]) -> Path:
    """Return where the index of a folder lies: in the cache, never in the folder."""
    whole = os.path.realpath(folder)
    mark = hashlib.blake2b(os.fsencode(whole), digest_size=16).hexdigest()
    return cache_folder("corpora") / f"{mark}-{VERSION}.sqlite"


class Index:
    """An index file, open.

    Parameters
    ----------
    path : Path
    frozen : bool
        Only to be read: it is part of an installation, perhaps on a read-only disk.

    Raises
    ------
    SoundError
        If the file is no index.
    """

    def __init__(self, path: Path, frozen: bool = False) -> None:
        self.path = path
        mode = "ro&immutable=1" if frozen else "rwc"
        import sqlite3  # here, since the prompt opens no index before it is asked to

        self._wrong = sqlite3.Error
        with self._told():
            self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)
            if not frozen:
                self._db.execute("PRAGMA busy_timeout = 5000")
                self._db.executescript(TABLES)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (self._wrong, OSError) as error:
            raise SoundError(f"corpus: the index {self.path}: {error}; delete it") from None

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def seen(self) -> dict[str, tuple[str, int, int]]:
        """Return file, size and time of change of every sound that was looked at."""
        with self._told():
            rows = self._db.execute("SELECT name, file, size, mtime FROM sound")
            return {name: (file, size, mtime) for name, file, size, mtime in rows}

    def errors(self) -> dict[str, str]:
        """Return what is wrong with the sounds that could not be measured, by file."""
        with self._told():
            rows = self._db.execute("SELECT file, error FROM sound WHERE error != '' ORDER BY file")
            return dict(rows)

    def put(self, entries: Iterable[Entry]) -> None:
        """Store entries, all or none; they have no node until the map is made again."""
        columns = "name, file, size, mtime, start, seconds, thumbnail, error"
        with self._told(), self._db:
            self._db.executemany(
                f"INSERT OR REPLACE INTO sound ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (entry.row for entry in entries),
            )

    def forget(self, names: Iterable[str]) -> None:
        """Drop sounds that are no longer there."""
        with self._told(), self._db:
            self._db.executemany("DELETE FROM sound WHERE name = ?", ((name,) for name in names))

    def clear(self) -> None:
        """Drop everything."""
        with self._told(), self._db:
            self._db.execute("DELETE FROM sound")
            self._db.execute("DELETE FROM map")

    def put_map(
        self,
        names: Iterable[str],
        labels: NDArray[np.int64],
        nodes: Floats,
        scale: Scale,
        origin: str = "",
    ) -> None:
        """Store a map: each sound's node, the nodes, and the scale that they are on."""
        rows = {
            key: np.asarray(values, "<f8").tobytes()
            for key, values in (
                ("nodes", nodes),
                ("mean", scale.mean),
                ("std", scale.std),
                ("weights", scale.weights),
            )
        }
        with self._told(), self._db:
            self._db.execute("UPDATE sound SET node = NULL")
            self._db.executemany(
                "UPDATE sound SET node = ? WHERE name = ?",
                zip(labels.tolist(), names, strict=True),
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO map VALUES (?, ?)",
                [*rows.items(), ("origin", origin.encode())],
            )

    def origin(self) -> str:
        """Return where the map was imported from; empty if it was made here or there is none."""
        with self._told():
            row = self._db.execute("SELECT value FROM map WHERE key = 'origin'").fetchone()
            return row[0].decode() if row else ""

    def read(self) -> Stored:
        """Return all that is known."""
        with self._told():
            rows = self._db.execute(
                "SELECT name, file, start, seconds, ifnull(node, -1), thumbnail FROM sound"
                " WHERE thumbnail IS NOT NULL ORDER BY name"
            ).fetchall()
            parts = dict(self._db.execute("SELECT key, value FROM map"))
        names, files, starts, seconds, nodes, blobs = zip(*rows, strict=True) if rows else [()] * 6
        width = len(NAMES)
        try:
            thumbnails = np.frombuffer(b"".join(blobs), "<f4").reshape(len(names), width)
            arrays = {
                key: np.frombuffer(value, "<f8") for key, value in parts.items() if key != "origin"
            }
            known = arrays.get("nodes", np.empty(0)).reshape(-1, width)
            labels = np.array(nodes, np.int64)
            if len(labels) and not -1 <= labels.min() <= labels.max() < max(len(known), 1):
                raise ValueError("a sound lies outside the map")
            scale = Scale(*(arrays[k] for k in ("mean", "std", "weights"))) if len(known) else None
        except (ValueError, KeyError, TypeError) as error:
            raise SoundError(f"corpus: the index {self.path}: {error}; delete it") from None
        return Stored(
            list(names),
            list(files),
            list(starts),
            np.array(seconds, np.float64),
            thumbnails,
            labels,
            known,
            scale,
            parts.get("origin", b"").decode(),
        )
