"""A page of encodings: a file of rows, appended as they come, memory-mapped to be read.

Nothing found there is trusted: a row whose check sum is wrong is missing, and of two rows of one
key the newer one counts, so that what is encoded again takes its place.
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
"""2**64 over the golden ratio: multiples of it are spread evenly (Knuth, volume 3, 6.4)."""


class Page:
    """The rows of one stretch of a recording that are on disk.

    Parameters
    ----------
    path : Path
        Its name and its folder's say whose rows these are.
    dims : int
    most : int
        Rows that it can have at most: a file with more is none of ours.
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
        """Fill in the rows of some keys; look at the file again if some are missing."""
        self._fill_in(keys, rows, missing)
        if missing.any() and self._look_again():
            self._fill_in(keys, rows, missing)

    def append(self, keys: Keys, rows: Rows) -> None:
        """Write rows to the end of the file, after half a row that a killed writer has left.

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
        """Map the file anew if it is another or has more rows; return whether that is so."""
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
            return False  # there is none, it was pruned meanwhile, or the disk fails
        self._file, self._records = state.st_ino, np.frombuffer(mapped, self._record)
        self._written = np.concatenate([self._written[:before], self._records["key"][before:]])
        self._order = np.argsort(self._written, kind="stable")
        self._keys = self._written[self._order]
        return True

    def _checks(self, keys: Keys, rows: NDArray[Any]) -> NDArray[np.uint64]:
        """Return a check sum of each key and row [shape=(n,)], another one in every page.

        The words of a row are summed, each times an odd number of its own: no change of a single
        word goes unseen, nor do rows of zeros, which a crash of the whole machine may leave.
        """
        words = np.ascontiguousarray(rows).reshape(-1, 2 * len(self._odd)).view(np.uint32)
        sums: NDArray[np.uint64] = words @ self._odd
        return sums + (keys.view(np.uint64) + self._seed) * GOLDEN
