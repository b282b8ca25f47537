"""Encodings on disk: the rows of one recording in one space, found by key, shared by processes.

A row is what the encoder made of one window, in float16. Rows lie in *segments*: immutable
files sorted by key, written whole and renamed into place, and named by their first and last key,
so that only those are opened that can hold what is asked. Segments are memory-mapped; of a
recording of any length only the rows asked for are read.

Nothing found on disk is trusted: a file of another size or header is removed, and every row
carries a check sum that it must match each time it is read. Nothing on disk is needed either: where
it cannot be written, segments stay in memory, a bounded number of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections import OrderedDict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentlive.renderer.pruning import (
    RECENT_SECONDS,
    Disk,
    remove,
    remove_left,
)
from latentlive.renderer.segments import (
    Keys,
    Rows,
    Segment,
    Span,
    open_segment,
    row_checks,
    span_of,
    write_segment,
)

SEGMENT_ROWS = 2048
"""Rows that are gathered before they are written: 2 MB at 256 dimensions."""

MAX_SMALL = 16
"""Segments less than half full that one recording may have before they are merged."""

MAX_OPEN = 128
"""Segments kept open, over all recordings; those that could not be written count among them."""

MAX_SHELVES = 256
"""Recordings kept open."""

GATHER_SECONDS = 5.0
"""How long rows may wait to be written, if anything is asked for meanwhile."""

MARKER = "used"


class Store(Disk):
    """The encodings of one space.

    Parameters
    ----------
    space : str
        The digest of the space.
    dims : int
    """

    def __init__(self, space: str, dims: int) -> None:
        super().__init__()
        self.space, self.dims = space, dims
        self._shelves: OrderedDict[str, Shelf] = OrderedDict()
        self._waiting: dict[bytes, tuple[float, Shelf]] = {}
        self._open: OrderedDict[tuple[bytes, str], Segment] = OrderedDict()

    def shelf(self, audio: str, on_disk: bool = True) -> Shelf:
        """Return the rows of a recording, by its digest."""
        shelf = self._shelves.get(audio)
        if shelf is None:
            named = f"{audio} {self.space} {self.dims}".encode()
            key = hashlib.blake2b(named, digest_size=16).digest()
            folder = self.root / key.hex() if on_disk and self.root else None
            shelf = self._shelves[audio] = Shelf(self, key, folder)
            if len(self._shelves) > MAX_SHELVES:
                self._shelves.popitem(last=False)[1].flush()
        self._shelves.move_to_end(audio)
        return shelf

    def flush(self) -> None:
        """Write every row that waits to be written."""
        for shelf in self._shelves.values():
            shelf.flush()

    def waits(self, shelf: Shelf) -> None:
        """Note that a recording has rows that are to be written."""
        self._waiting[shelf.key] = time.monotonic(), shelf

    def written(self, shelf: Shelf) -> None:
        """Note that it has none any more."""
        self._waiting.pop(shelf.key, None)

    def write_due(self) -> None:
        """Write the rows that have waited longest, of one recording, if that is long enough."""
        since, shelf = next(iter(self._waiting.values()), (float("inf"), None))
        if shelf and time.monotonic() > since + GATHER_SECONDS:
            shelf.flush()

    def kept(self, key: tuple[bytes, str]) -> Segment | None:
        """Return an open segment."""
        found = self._open.get(key)
        if found is not None:
            self._open.move_to_end(key)
        return found

    def keep(self, key: tuple[bytes, str], segment: Segment) -> None:
        """Keep a segment open for as long as there is room."""
        self._open[key] = segment
        if len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)

    def drop(self, key: tuple[bytes, str]) -> None:
        """Close a segment."""
        self._open.pop(key, None)


class Shelf:
    """The rows of one recording in one space.

    Parameters
    ----------
    store : Store
    key : bytes [16]
        The digest of recording and space.
    folder : Path or None
        Where its segments lie; None keeps them in memory.
    """

    def __init__(self, store: Store, key: bytes, folder: Path | None) -> None:
        self.store, self.key, self.folder = store, key, folder
        self._spans: dict[str, Span] = {}
        self._bounds: tuple[list[str], Keys, Keys] | None = None
        self._seen = self._count = 0
        self._keys: Keys = np.empty(SEGMENT_ROWS, np.int64)
        self._rows: Rows = np.empty((0, 2, store.dims), np.float16)
        self._order: NDArray[np.intp] = np.empty(0, np.intp)
        self._touched = 0.0

    def find(self, keys: Keys) -> tuple[Rows, NDArray[np.bool_]]:
        """Return the rows of some keys, and which of them are missing.

        Parameters
        ----------
        keys : array [shape=(n,), int64, ascending, each once]

        Returns
        -------
        array [shape=(n, 2, dims), float16], array [shape=(n,), bool]
            The rows of missing keys hold anything.
        """
        rows = np.empty((len(keys), 2, self.store.dims), np.float16)
        missing = np.ones(len(keys), np.bool_)
        self._search_waiting(keys, rows, missing)
        self._search(keys, rows, missing)
        if missing.any() and self._look_again():
            self._search(keys, rows, missing)
        self.store.write_due()
        return rows, missing

    def add(self, keys: Keys, rows: Rows) -> None:
        """Take in rows that were missing; they are written when enough have gathered."""
        while len(keys):
            if not self._count:
                self._rows = np.empty((SEGMENT_ROWS, 2, self.store.dims), np.float16)
                if self.folder:
                    self.store.waits(self)
            taken = min(len(keys), SEGMENT_ROWS - self._count)
            here = slice(self._count, self._count + taken)
            self._keys[here], self._rows[here] = keys[:taken], rows[:taken]
            self._count += taken
            self._order = np.argsort(self._keys[: self._count])
            keys, rows = keys[taken:], rows[taken:]
            if self._count == SEGMENT_ROWS:
                self.flush()

    def flush(self) -> None:
        """Write the rows that wait, and merge small segments once there are many."""
        if not self._count:
            return
        keys, rows = self._keys[self._order], self._rows[self._order]
        self._count = 0
        self._rows = np.empty((0, 2, self.store.dims), np.float16)
        self.store.written(self)
        small = [name for name, s in self._spans.items() if s.size < SEGMENT_ROWS // 2]
        if len(small) < MAX_SMALL or self.store.closed:
            self._write(keys, rows)
            return
        segments = [s for s in map(self._segment, small) if s is not None]
        sound = [row_checks(s.keys, s.rows) == s.checks for s in segments]
        keys = np.concatenate([keys, *(s.keys[ok] for s, ok in zip(segments, sound, strict=True))])
        rows = np.concatenate([rows, *(s.rows[ok] for s, ok in zip(segments, sound, strict=True))])
        keys, first = np.unique(keys, return_index=True)
        rows = rows[first]
        parts = [slice(i, i + SEGMENT_ROWS) for i in range(0, len(keys), SEGMENT_ROWS)]
        if all([self._write(keys[part], rows[part]) for part in parts]):
            for name in small:
                self._forget(name, broken=True)

    def _write(self, keys: Keys, rows: Rows) -> bool:
        """Write a segment, or keep it in memory; return whether no segment is needed beside it."""
        segment = Segment(keys, row_checks(keys, rows), rows)
        span = Span(int(keys[0]), int(keys[-1]), len(keys))
        name = f"{span.first}_{span.last}_{span.size}_{secrets.token_hex(6)}.rows"
        written = self.folder is None
        if self.folder is not None and self.store.may_write(rows.nbytes + 16 * len(keys)):
            try:
                self.folder.mkdir(exist_ok=True)
                write_segment(self.folder / name, self.key, segment)
                written = True
            except OSError:
                self.store.refused()
        if not written or self.folder is None:
            self.store.keep((self.key, name), segment)
        self._spans[name] = span
        self._bounds = None
        return written

    def _search_waiting(self, keys: Keys, rows: Rows, missing: NDArray[np.bool_]) -> None:
        if not self._count:
            return
        waiting = self._keys[: self._count]
        at = np.searchsorted(waiting, keys, sorter=self._order)
        at = self._order[np.minimum(at, self._count - 1)]
        found = waiting[at] == keys
        rows[found] = self._rows[at[found]]
        missing[found] = False

    def _search(self, keys: Keys, rows: Rows, missing: NDArray[np.bool_]) -> None:
        """Fill in what the segments hold."""
        if self._bounds is None:
            spans = list(self._spans.values())
            firsts = np.array([s.first for s in spans], np.int64)
            lasts = np.array([s.last for s in spans], np.int64)
            self._bounds = list(self._spans), firsts, lasts
        names, firsts, lasts = self._bounds
        low, high = np.searchsorted(keys, firsts), np.searchsorted(keys, lasts, "right")
        for i in np.flatnonzero(low < high):
            part = slice(low[i], high[i])
            wanted = missing[part]
            segment = self._segment(names[i]) if wanted.any() else None
            if segment is None:
                continue
            at = np.searchsorted(segment.keys, keys[part])
            at = np.minimum(at, len(segment.keys) - 1)
            hit = np.flatnonzero(wanted & (segment.keys[at] == keys[part]))
            if not len(hit):
                continue
            at = at[hit]
            hit += low[i]
            # Neighbours are read in place, anything else is gathered.
            near = at[-1] - at[0] == len(at) - 1
            taken = slice(at[0], at[-1] + 1) if near else at
            found = segment.rows[taken]
            if not np.array_equal(row_checks(keys[hit], found), segment.checks[taken]):
                self._forget(names[i], broken=True)
                continue
            rows[hit] = found
            missing[hit] = False
        if self._spans and self.folder is not None:
            self._touch(self.folder)

    def _segment(self, name: str) -> Segment | None:
        kept = self.store.kept((self.key, name))
        if kept is not None or name not in self._spans:
            return kept
        if self.folder is None:
            self._forget(name)
            return None
        try:
            count = self._spans[name].size
            opened = open_segment(self.folder / name, self.key, self.store.dims, count)
        except ValueError:
            self._forget(name, broken=True)
            return None
        except OSError:
            # Pruned or merged by another process, or the disk fails: encode again.
            self._forget(name)
            return None
        self.store.keep((self.key, name), opened)
        return opened

    def _forget(self, name: str, broken: bool = False) -> None:
        self._spans.pop(name, None)
        self._bounds = None
        self.store.drop((self.key, name))
        if broken and self.folder is not None:
            remove(self.folder / name)

    def _look_again(self) -> bool:
        """List the folder if it has changed; return whether there are segments not known before."""
        if self.folder is None:
            return False
        try:
            changed = self.folder.stat().st_mtime_ns
            if changed == self._seen:
                return False
            # A folder's time moves in steps of some milliseconds: one just changed may change
            # again without showing it.
            self._seen = changed if time.time_ns() - changed > 50_000_000 else 0
            names = os.listdir(self.folder)
        except OSError:
            return False
        new = {name: span for name in names if name not in self._spans and (span := span_of(name))}
        for name in names:
            if name not in self._spans and name not in new and name != MARKER:
                remove_left(self.folder / name)
        self._spans.update(new)
        self._bounds = None
        return bool(new)

    def _touch(self, folder: Path) -> None:
        """Say that this recording is in use, on a file whose time changes no folder's."""
        now = time.monotonic()
        if now < self._touched + RECENT_SECONDS / 6 and self._touched:
            return
        self._touched = now
        with contextlib.suppress(OSError):
            (folder / MARKER).touch()
