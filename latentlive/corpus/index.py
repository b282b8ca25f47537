"""The index of a corpus: the measurements of each sound, and its map, in one SQLite file.

SQLite, because indexing must survive a kill at any moment and allow reads meanwhile.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus.map import SoundMap
from latentlive.corpus.thumbnails import NAMES, Scale
from latentlive.errors import SoundError
from latentlive.ground.files import cache_folder, working_folder, write_whole
from latentlive.ground.lines import say_once
from latentlive.ground.names import normal
from latentlive.units import Floats

if TYPE_CHECKING:
    from sqlite3 import Connection

VERSION = 1
"""Raise it when the features change, to have old thumbnails measured again."""

TABLES = """
CREATE TABLE IF NOT EXISTS sound (
    name BLOB PRIMARY KEY, file BLOB NOT NULL, size INTEGER, mtime INTEGER,
    thumbnail BLOB, error TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS map (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
"""

WIDTH = len(NAMES)

PATIENCE = 30.0
"""Seconds that a write waits for another program writing to the same index."""

READONLY, IOERR, FULL, CANTOPEN = 8, 10, 13, 14
"""SQLite's codes for a file that cannot be written: read-only or replaced, disk fault, disk full,
no folder."""

BUSY = "; another program holds it: end that, or run this again when it is done"
DAMAGED = "; delete it"
REMEDIES = {1: DAMAGED, 5: BUSY, 6: BUSY}
"""Remedies, by SQLite's codes: a table is missing, the file is busy, a table is locked."""


@dataclass(frozen=True)
class Entry:
    """The measurements of a sound.

    Parameters
    ----------
    name : str
        Its name in the corpus.
    file : str
        Its file, relative to the corpus's folder.
    size, mtime : int [bytes, nanoseconds]
        Of the file at the time of measurement.
    thumbnail : array [shape=(35,)] or None
        None if the sound could not be measured.
    error : str
        The reason, in one line; empty if there is none.
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
    """Return a name as bytes: a file name need not be valid text."""
    return name.encode("utf-8", "surrogateescape")


def _name(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, eq=False)
class Mapped:
    """A map and its sounds.

    Parameters
    ----------
    names, files : list of str
        Each sound's name, and its file relative to the corpus's folder.
    starts : list of float or None [seconds]
        The start of a sound that is a part of its file.
    thumbnails : array [shape=(n, 35)]
    labels : array [shape=(n,), int]
        The node of each sound.
    nodes : array [shape=(side * side, 35)]
        On the scale.
    scale : Scale
    origin : str
        The source of an imported map; empty for a map made here.
    seed : int
        The seed of a map made here.
    places : array [shape=(n, 2), 0 to 1] or None
        Where each sound lies on the plane; None in a map of before there were places.
    songs : list of list of int
        Sequences of nodes that an imported map came with.
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
    places: Floats | None = None
    songs: list[list[int]] = field(default_factory=list)

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each name."""
        return {normal(name): row for row, name in enumerate(self.names)}

    @cached_property
    def _rows(self) -> dict[str, int | None]:
        return rows_of(self.names)

    def row(self, name: str) -> int | None:
        """Return the row of a sound's name, its folder left out or not; None if there is none."""
        return self._rows.get(normal(name))

    @cached_property
    def map(self) -> SoundMap:
        """The map, on which a sound is its row."""
        return SoundMap(self.thumbnails, self.labels, self.nodes, self.scale)


def rows_of(names: list[str]) -> dict[str, int | None]:
    """Return the row of each name, and of its last part where no other name ends in it.

    >>> rows_of(["a/x", "a/y", "b/y"])["x"], rows_of(["a/x", "a/y", "b/y"])["y"]
    (0, None)
    """
    rows: dict[str, int | None] = {}
    for row, name in enumerate(names):
        last = normal(name).rsplit("/", 1)[-1]
        rows[last] = None if last in rows else row
    return {**rows, **{normal(name): row for row, name in enumerate(names)}}


MARK = 16
"""Bytes before stored places: the digest of the thumbnails that they belong to. A program that
knows nothing of places leaves them where it stores another map."""


def _marked(places: Floats | None, thumbnails: NDArray[np.float32]) -> bytes:
    data = b"" if places is None else np.asarray(places, "<f4").tobytes()
    return _mark(thumbnails) + data


def _mark(thumbnails: NDArray[np.float32]) -> bytes:
    return hashlib.blake2b(np.asarray(thumbnails, "<f4").tobytes(), digest_size=MARK).digest()


def _of_these(stored: bytes, thumbnails: NDArray[np.float32]) -> Floats | None:
    """Return stored places, None if they are missing, damaged, or those of other sounds."""
    if len(stored) != MARK + 8 * len(thumbnails) or stored[:MARK] != _mark(thumbnails):
        return None
    places = np.frombuffer(stored, "<f4", offset=MARK).reshape(-1, 2).astype(np.float64)
    return places if ((places >= 0.0) & (places <= 1.0)).all() else None


def index_path(folder: str | os.PathLike[str]) -> Path:
    """Return the path of a folder's index: in the cache, never in the folder.

    If the cache cannot be written, it is the path of a copy.
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

    The sounds are rows, written as they are measured. The map and its sounds are a few whole
    arrays, so that the map opens at once with any number of sounds.

    Parameters
    ----------
    path : Path
    frozen : bool
        Read-only: the file is part of an installation, perhaps on a read-only disk.

    Raises
    ------
    SoundError
        If the file is no index.
    """

    def __init__(self, path: Path, frozen: bool = False) -> None:
        import sqlite3  # here, since the prompt opens no index until it needs one

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
            # An unreachable file is not damaged.
            default = "" if isinstance(error, self._passing | OSError) else DAMAGED
            remedy = REMEDIES.get(code, default)
            raise SoundError(f"corpus: the index {self.path}: {error}{remedy}") from None

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def seen(self) -> dict[str, tuple[str, int, int]]:
        """Return file, size and time of change of every indexed sound."""
        with self._told():
            rows = self._db.execute("SELECT name, file, size, mtime FROM sound").fetchall()
        return {_name(name): (_name(file), size, mtime) for name, file, size, mtime in rows}

    def errors(self) -> dict[str, str]:
        """Return the errors of the sounds that could not be measured, by file."""
        with self._told():
            rows = self._db.execute("SELECT file, error FROM sound WHERE error != ''").fetchall()
        return {_name(file): error for file, error in rows}

    def measured(self) -> tuple[list[str], list[str], NDArray[np.float32]]:
        """Return names, files and thumbnails [shape=(n, 35)] of all measured sounds."""
        names, files, data = list[str](), list[str](), bytearray()
        with self._told():
            rows = self._db.execute(
                "SELECT name, file, thumbnail FROM sound WHERE thumbnail IS NOT NULL ORDER BY name"
            )
            for name, file, thumbnail in rows:
                names.append(_name(name))
                files.append(_name(file))
                data += thumbnail
        with self._sane():
            return names, files, np.frombuffer(data, "<f4").reshape(len(names), WIDTH)

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
        """If the open file was deleted or replaced, move its contents to a new file."""
        with contextlib.suppress(self._wrong, OSError):
            database, before = self._connected(str(self.path)), self._db
            for table, marks in (("sound", "?, ?, ?, ?, ?, ?"), ("map", "?, ?")):
                rows = before.execute(f"SELECT * FROM {table}").fetchall()
                with database:
                    database.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", rows)
            self._db = database
            before.close()

    def _go_on_in_memory(self, why: SoundError) -> None:
        """Continue in memory: new measurements are lost when this process ends."""
        say_once(f"{why}; what is measured now is not kept")
        with self._told():
            database = self._connected(":memory:")
            self._db.backup(database)
            self._db.close()
        self._db = database

    def put(self, entries: Iterable[Entry]) -> None:
        """Store entries, all or none; the map stays unchanged until it is made again."""
        rows = [entry.row for entry in entries]
        self._write("INSERT OR REPLACE INTO sound VALUES (?, ?, ?, ?, ?, ?)", rows)

    def forget(self, names: Iterable[str]) -> None:
        """Drop sounds that have left the folder."""
        self._write("DELETE FROM sound WHERE name = ?", [(_bytes(name),) for name in names])

    def put_map(self, mapped: Mapped) -> None:
        """Store a map and its sounds in place of the previous one."""
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
            "songs": json.dumps(mapped.songs).encode(),
            "places": _marked(mapped.places, mapped.thumbnails),
        }
        self._write("INSERT OR REPLACE INTO map VALUES (?, ?)", list(rows.items()))

    def put_places(self, mapped: Mapped) -> None:
        """Store the places of a map that had none; all else of it stays as it is."""
        rows: list[tuple[object, ...]] = [("places", _marked(mapped.places, mapped.thumbnails))]
        self._write("INSERT OR REPLACE INTO map VALUES (?, ?)", rows)

    def read(self) -> Mapped | None:
        """Return the map and its sounds, None if there is no map yet."""
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
            songs = json.loads(rows.get("songs", b"[]"))
            if not all(type(node) is int and 0 <= node < len(nodes) for s in songs for node in s):
                raise ValueError("its sequences are none of nodes")
        scale = Scale(mean, std, weights)
        places = _of_these(rows.get("places", b""), thumbnails)
        told = origin, seed, places, songs
        return Mapped(names, files, starts, thumbnails, labels, nodes, scale, *told)

    @contextlib.contextmanager
    def _sane(self) -> Iterator[None]:
        """Refuse contents that no valid index holds."""
        try:
            yield
        except (ValueError, KeyError, TypeError) as error:
            raise SoundError(f"corpus: the index {self.path}: {error}; delete it") from None
