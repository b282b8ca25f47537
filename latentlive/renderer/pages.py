"""A page of encodings: an append-only file of rows, memory-mapped for reading.

A page trusts nothing on disk: a row with a wrong checksum counts as missing, and of two rows of
one key the newer counts, so that encoding a window again replaces its row.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.renderer.pruning import remove

Keys = NDArray[np.int64]
Rows = NDArray[np.float16]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio: its multiples spread evenly (Knuth, volume 3, 6.4)."""


class Page:
    """The rows on disk of one stretch of a recording.

    Parameters
    ----------
    path : Path
        Its name and its folder's identify the rows.
    dims : int
    most : int
        Most rows that it can hold: a file with more is foreign.
    """

    def __init__(self, path: Path, dims: int, most: int) -> None:
        self.path, self._most = path, most
        self._record = np.dtype([("key", "<i8"), ("check", "<u8"), ("row", "<f2", (2, dims))])
        named = hashlib.blake2b(f"{path.parent.name} {path.name}".encode(), digest_size=8)
        self._seed = np.frombuffer(named.digest(), np.uint64)
        self._odd = np.arange(1, dims + 1, dtype=np.uint64) * GOLDEN | np.uint64(1)
        self._file = 0
        self._records, self._order = np.empty(0, self._record), np.empty(0, np.intp)
        self._written: Keys = np.empty(0, np.int64)
        self._keys = self._written

    def search(self, keys: Keys, rows: Rows, missing: NDArray[np.bool_]) -> None:
        """Fill in the rows of some keys; if some are missing, look at the file again."""
        self._fill_in(keys, rows, missing)
        if missing.any() and self._look_again():
            self._fill_in(keys, rows, missing)

    def append(self, keys: Keys, rows: Rows) -> None:
        """Append rows to the file, after padding a partial row that a killed writer left.

        Raises
        ------
        OSError
        """
        records = np.empty(len(keys), self._record)
        records["key"], records["check"], records["row"] = keys, self._checks(keys, rows), rows
        self.path.parent.mkdir(exist_ok=True)
        with self.path.open("ab", buffering=0) as file:
            file.write(bytes(-file.tell() % records.itemsize) + records.tobytes())

    def _fill_in(self, keys: Keys, rows: Rows, missing: NDArray[np.bool_]) -> None:
        if not len(self._keys):
            return
        at = np.searchsorted(self._keys, keys, "right") - 1
        hits = np.flatnonzero(missing & (self._keys[at] == keys))
        found = self._records[self._order[at[hits]]]
        sound = self._checks(keys[hits], found["row"]) == found["check"]
        rows[hits[sound]], missing[hits[sound]] = found["row"][sound], False

    def _look_again(self) -> bool:
        """Map the file again if it was replaced or has more rows; return whether it did."""
        try:
            with self.path.open("rb") as file:
                state, size = os.fstat(file.fileno()), self._record.itemsize
                count, before = state.st_size // size, len(self._records)
                if state.st_ino != self._file or count < before:
                    before = 0
                if count == before:
                    return False
                if count > self._most:
                    remove(self.path)
                    return False
                mapped = mmap.mmap(file.fileno(), count * size, access=mmap.ACCESS_READ)
        except OSError:
            return False  # no file, pruned meanwhile, or the disk fails
        self._file, self._records = state.st_ino, np.frombuffer(mapped, self._record)
        self._written = np.concatenate([self._written[:before], self._records["key"][before:]])
        self._order = np.argsort(self._written, kind="stable")
        self._keys = self._written[self._order]
        return True

    def _checks(self, keys: Keys, rows: NDArray[Any]) -> NDArray[np.uint64]:
        """Return a checksum of each key and row [shape=(n,)], different in every page.

        It sums the words of a row, each times its own odd number. This detects every change of a
        single word, and rows of zeros, which a crash of the whole machine may leave.
        """
        words = np.ascontiguousarray(rows).reshape(-1, 2 * len(self._odd)).view(np.uint32)
        sums: NDArray[np.uint64] = words @ self._odd
        return sums + (keys.view(np.uint64) + self._seed) * GOLDEN
