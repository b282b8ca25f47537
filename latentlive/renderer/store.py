"""Encodings of windows, kept on disk and shared by processes: rows found by recording and key.

A row is the encoding of one window, in float16. The disk is optional: rows that cannot be written
stay in memory, a bounded number of them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from latentlive.renderer.pages import Keys, Page, Rows
from latentlive.renderer.pruning import Disk

PAGE_WINDOWS = 512
"""Windows side by side in the stretch of a page."""

MAX_WAITING = 2048
"""Most rows pending to be written: 2 MB at 256 dimensions."""

MAX_KEPT = 1 << 16
"""Most rows in memory, over all recordings: 64 MB."""

GATHER_SECONDS = 5.0
"""How long rows stay pending; the first `find` after that writes them."""

MAX_OPEN = 128
"""Stretches kept open, over all recordings, including those in memory only."""


class Stretch:
    """The rows of one stretch of a recording: pending ones, and those on disk, if any."""

    def __init__(self, page: Page | None) -> None:
        self.page = page
        self.waiting: dict[int, Rows] = {}
        self.since = 0.0


class Store(Disk):
    """The encodings of one space.

    Parameters
    ----------
    space : str
        The digest of the space.
    dims : int
    window : int [samples]
    """

    def __init__(self, space: str, dims: int, window: int) -> None:
        super().__init__()
        self._space, self._dims, self._length = space, dims, 2 * PAGE_WINDOWS * window
        self._open: OrderedDict[tuple[str, int], Stretch] = OrderedDict()
        self._waiting: dict[int, Stretch] = {}

    def find(self, audio: str, keys: Keys, on_disk: bool) -> tuple[Rows, NDArray[np.bool_]]:
        """Return the rows of some keys, and which of them are missing.

        Parameters
        ----------
        audio : str
            The recording's digest.
        keys : array [shape=(n,), int64, ascending, each once]
            Twice a window's first sample, or one more.
        on_disk : bool
            Whether the rows are kept on disk.

        Returns
        -------
        array [shape=(n, 2, dims), float16], array [shape=(n,), bool]
            The rows of missing keys are undefined.
        """
        rows = np.empty((len(keys), 2, self._dims), np.float16)
        missing = np.ones(len(keys), np.bool_)
        for stretch, part in self._stretches(audio, keys, on_disk):
            for at, key in enumerate(keys[part].tolist(), part.start):
                if key in stretch.waiting:
                    rows[at], missing[at] = stretch.waiting[key], False
            if stretch.page is not None and missing[part].any():
                stretch.page.search(keys[part], rows[part], missing[part])
                self.touch(stretch.page.path.parent)
        oldest = next(iter(self._waiting.values()), None)
        if oldest is not None and time.monotonic() > oldest.since + GATHER_SECONDS:
            self._write(oldest)
        return rows, missing

    def add(self, audio: str, keys: Keys, rows: Rows, on_disk: bool) -> None:
        """Add rows that were missing; write them when enough are pending."""
        for stretch, part in self._stretches(audio, keys, on_disk):
            stretch.waiting.update(zip(keys[part].tolist(), rows[part].copy(), strict=True))
            if id(stretch) not in self._waiting:
                stretch.since, self._waiting[id(stretch)] = time.monotonic(), stretch
        while sum(len(one.waiting) for one in self._waiting.values()) > MAX_WAITING:
            self._write(next(iter(self._waiting.values())))
        while sum(len(one.waiting) for one in self._open.values()) > MAX_KEPT:
            self._write(self._open.popitem(last=False)[1])

    def flush(self) -> None:
        """Write every pending row."""
        for stretch in list(self._waiting.values()):
            self._write(stretch)

    def _stretches(self, audio: str, keys: Keys, on_disk: bool) -> Iterator[tuple[Stretch, slice]]:
        """Yield the stretches of some keys, each with its slice of the keys."""
        numbers, firsts = np.unique(keys // self._length, return_index=True)
        ends = pairwise([*firsts.tolist(), len(keys)])
        for number, part in zip(numbers.tolist(), ends, strict=True):
            stretch = self._open.get((audio, number))
            if stretch is None:
                folder = self.folder(audio, self._space, self._dims) if on_disk else None
                path = folder and folder / f"{number}.latents"
                page = Page(path, self._dims, 2 * self._length) if path else None
                stretch = self._open[audio, number] = Stretch(page)
                if len(self._open) > MAX_OPEN:
                    self._write(self._open.popitem(last=False)[1])
            self._open.move_to_end((audio, number))
            yield stretch, slice(*part)

    def _write(self, stretch: Stretch) -> None:
        """Write pending rows; rows that the disk refuses stay in memory."""
        self._waiting.pop(id(stretch), None)
        waiting, page = stretch.waiting, stretch.page
        if page is not None and waiting:
            rows = np.stack(list(waiting.values()))
            if self.may_write(rows.nbytes + 16 * len(rows)):
                try:
                    page.append(np.array(list(waiting), np.int64), rows)
                    waiting.clear()
                except OSError:
                    self.refused()
