"""The index of a corpus: what is known of each sound, and its map, in one SQLite file.

SQLite because indexing must survive being killed at any moment and be read while it goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.map import SoundMap
from latentlive.corpus.thumbnails import NAMES, Scale
from latentlive.errors import SoundError
from latentlive.ground.files import cache_folder, say_once, working_folder, write_whole
from latentlive.ground.names import normal
from latentlive.units import Floats

if TYPE_CHECKING:
    from sqlite3 import Connection

VERSION = 1
"""Raise it when the features change, so that old thumbnails are measured again."""

TABLES = """
CREATE TABLE IF NOT EXISTS sound (
    name BLOB PRIMARY KEY, file BLOB NOT NULL, size INTEGER, mtime INTEGER,
    thumbnail BLOB, error TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS map (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
"""

WIDTH = len(NAMES)

PATIENCE = 30.0
"""Seconds that a write waits for another program that writes the same index."""

READONLY, IOERR, FULL, CANTOPEN = 8, 10, 13, 14
"""SQLite's codes for a file that cannot be written: read-only or replaced, a fault of the disk, no
room, no folder."""

BUSY = "; another program holds it: end that, or run this again when it is done"
DAMAGED = "; delete it"
REMEDIES = {1: DAMAGED, 5: BUSY, 6: BUSY}
"""What helps, by SQLite's codes: a table is missing, the file is busy, a table is locked."""


@dataclass(frozen=True)
class Entry:
    """The measurements of a sound.

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
    """

    name: str
    file: str
    size: int = 0
    mtime: int = 0
    thumbnail: Floats | None = None
    error: str = ""

    @property
    def row(self) -> tuple[object, ...]:
        """The entry as a row of the table."""
        blob = None if self.thumbnail is None else np.asarray(self.thumbnail, "<f4").tobytes()
        return (
            *(_bytes(self.name), _bytes(self.file), self.size, self.mtime),
            *(blob, self.error.encode(errors="replace").decode()),
        )


def _bytes(name: str) -> bytes:
    """Return a name as bytes: a file's need not be valid text."""
    return name.encode("utf-8", "surrogateescape")


def _name(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, eq=False)
class Mapped:
    """The sounds of a map, and the map.

    Parameters
    ----------
    names, files : list of str
        Each sound's name, and its file relative to the corpus's folder.
    starts : list of float or None [seconds]
        Where a sound begins that is a part of its file.
    thumbnails : array [shape=(n, 35)]
    labels : array [shape=(n,), int]
        The node of each sound.
    nodes : array [shape=(side * side, 35)]
        On the scale.
    scale : Scale
    origin : str
        Where the map was imported from; empty if it was made here.
    seed : int
        That it was made with.
    """

    names: list[str]
    files: list[str]
    starts: list[float | None]
    thumbnails: NDArray[np.float32]
    labels: NDArray[np.int64]
    nodes: Floats
    scale: Scale
    origin: str = ""
    seed: int = 0

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each name."""
        return {normal(name): row for row, name in enumerate(self.names)}

    @cached_property
    def map(self) -> SoundMap:
        """The map, on which a sound is its row."""
        return SoundMap(self.thumbnails, self.labels, self.nodes, self.scale)


def index_path(folder: str | os.PathLike[str]) -> Path:
    """Return where the index of a folder lies: in the cache, never in the folder.

    Where the cache cannot be written, a copy of it serves.
    """
    whole = os.path.realpath(folder)
    mark = hashlib.blake2b(os.fsencode(whole), digest_size=16).hexdigest()
    path = working_folder("corpora") / f"{mark}-{VERSION}.sqlite"
    with contextlib.suppress(OSError):
        kept = cache_folder("corpora") / path.name
        if kept != path and kept.exists() and not path.exists():
            write_whole(path, partial(_copy, kept))
    return path


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


class Index:
    """An index file, open.

    The sounds are rows, written as they are measured. The map, with all that is on it, is a few
    whole arrays, so that it opens at once however many sounds there are.

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
        import sqlite3  # here, since the prompt opens no index before it is asked to

        self.path = path
        self._wrong, self._passing = sqlite3.Error, sqlite3.OperationalError
        with self._told():
            if frozen:
                where = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
                self._db = sqlite3.connect(where, uri=True)
            else:
                self._db = self._connected(str(path))

    def _connected(self, where: str) -> Connection:
        import sqlite3

        database = sqlite3.connect(where, timeout=PATIENCE)
        database.executescript(TABLES)
        return database

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (self._wrong, OSError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            # Out of reach is no fault of the file's.
            default = "" if isinstance(error, self._passing | OSError) else DAMAGED
            remedy = REMEDIES.get(code, default)
            raise SoundError(f"corpus: the index {self.path}: {error}{remedy}") from None

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def seen(self) -> dict[str, tuple[str, int, int]]:
        """Return file, size and time of change of every sound that was looked at."""
        with self._told():
            rows = self._db.execute("SELECT name, file, size, mtime FROM sound").fetchall()
        return {_name(name): (_name(file), size, mtime) for name, file, size, mtime in rows}

    def errors(self) -> dict[str, str]:
        """Return what is wrong with the sounds that could not be measured, by file."""
        with self._told():
            rows = self._db.execute("SELECT file, error FROM sound WHERE error != ''").fetchall()
        return {_name(file): error for file, error in rows}

    def measured(self) -> tuple[list[str], list[str], NDArray[np.float32]]:
        """Return names, files and thumbnails [shape=(n, 35)] of all sounds that were measured."""
        with self._told():
            rows = self._db.execute(
                "SELECT name, file, thumbnail FROM sound WHERE thumbnail IS NOT NULL ORDER BY name"
            ).fetchall()
        with self._sane():
            thumbnails = np.frombuffer(b"".join(blob for _, _, blob in rows), "<f4")
            thumbnails = thumbnails.reshape(len(rows), WIDTH)
        return [_name(name) for name, _, _ in rows], [_name(f) for _, f, _ in rows], thumbnails

    def _write(self, statement: str, rows: list[tuple[object, ...]]) -> None:
        """Write all rows or none; if the file accepts no more, go on without it."""
        for otherwise in (self._reopen, self._go_on_in_memory, None):
            try:
                with self._told(), self._db:
                    self._db.executemany(statement, rows)
                return
            except SoundError as error:
                code = getattr(error.__context__, "sqlite_errorcode", 0) & 0xFF
                if otherwise is None or code not in (READONLY, IOERR, FULL, CANTOPEN):
                    raise
                otherwise(error)

    def _reopen(self, _: SoundError) -> None:
        """Take a new file if the one that is open was deleted or replaced; all that it held too."""
        with contextlib.suppress(self._wrong, OSError):
            database, before = self._connected(str(self.path)), self._db
            for table, marks in (("sound", "?, ?, ?, ?, ?, ?"), ("map", "?, ?")):
                rows = before.execute(f"SELECT * FROM {table}").fetchall()
                with database:
                    database.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", rows)
            self._db = database
            before.close()

    def _go_on_in_memory(self, why: SoundError) -> None:
        """Hold what is known in memory: what is measured now is lost with this process."""
        say_once(f"{why}; what is measured now is not kept")
        with self._told():
            database = self._connected(":memory:")
            self._db.backup(database)
            self._db.close()
        self._db = database

    def put(self, entries: Iterable[Entry]) -> None:
        """Store entries, all or none; the map stays as it is until it is made again."""
        rows = [entry.row for entry in entries]
        self._write("INSERT OR REPLACE INTO sound VALUES (?, ?, ?, ?, ?, ?)", rows)

    def forget(self, names: Iterable[str]) -> None:
        """Drop sounds that are no longer there."""
        self._write("DELETE FROM sound WHERE name = ?", [(_bytes(name),) for name in names])

    def put_map(self, mapped: Mapped) -> None:
        """Store a map and all that is on it, in place of the one before."""
        scale = mapped.scale
        rows = {
            "names": json.dumps(mapped.names).encode(),
            "files": json.dumps(mapped.files).encode(),
            "starts": json.dumps(mapped.starts).encode(),
            "thumbnails": np.asarray(mapped.thumbnails, "<f4").tobytes(),
            "labels": np.asarray(mapped.labels, "<i8").tobytes(),
            "nodes": np.asarray(mapped.nodes, "<f8").tobytes(),
            "scale": np.asarray([scale.mean, scale.std, scale.weights], "<f8").tobytes(),
            "made": json.dumps([mapped.origin, mapped.seed]).encode(),
        }
        self._write("INSERT OR REPLACE INTO map VALUES (?, ?)", list(rows.items()))

    def read(self) -> Mapped | None:
        """Return the map and all that is on it, None if there is none yet."""
        with self._told():
            rows = dict(self._db.execute("SELECT key, value FROM map"))
        if not rows:
            return None
        with self._sane():
            texts = [json.loads(rows[key]) for key in ("names", "files", "starts", "made")]
            names, files, starts, (origin, seed) = texts
            thumbnails = np.frombuffer(rows["thumbnails"], "<f4").reshape(len(names), WIDTH)
            labels = np.frombuffer(rows["labels"], "<i8")
            nodes = np.frombuffer(rows["nodes"], "<f8").reshape(-1, WIDTH)
            mean, std, weights = np.frombuffer(rows["scale"], "<f8").reshape(3, WIDTH)
            whole = len(names) == len(files) == len(starts) == len(labels) > 0
            if not whole or not 0 <= labels.min() <= labels.max() < len(nodes):
                raise ValueError("the map is not whole")
        scale = Scale(mean, std, weights)
        return Mapped(names, files, starts, thumbnails, labels, nodes, scale, origin, seed)

    @contextlib.contextmanager
    def _sane(self) -> Iterator[None]:
        """Refuse what no index of ours holds."""
        try:
            yield
        except (ValueError, KeyError, TypeError) as error:
            raise SoundError(f"corpus: the index {self.path}: {error}; delete it") from None
