"""Recordings encoded page by page: a track of vectors, readable at any position.

A page holds the vectors of some seconds of a recording, encoded with the samples around it, so
that an hour of sound plays at once and a page's bits do not depend on earlier pages. Pages are
files with checksums, memory-mapped and shared by processes; if they cannot be written, the latest
stay in memory.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.corpus import Audio
from latentlive.ground.files import write_whole
from latentlive.latent import Latents
from latentlive.renderer.pruning import Disk, remove
from latentlive.space import F32, Space
from latentlive.units import Floats

MAX_OPEN = 128
"""Pages kept open, over all recordings, including those that could not be written."""

LEAST_SECONDS = 0.1
"""Shorter recordings, such as arrays typed by hand, stay in memory only."""

LEAST_LOG_VARIANCE = -60.0
"""That of what does not vary."""

MAGIC = b"LLPAGE01"
CHECK = 16

Page = NDArray[np.floating[Any]]


class Ways(NamedTuple):
    """The samples that a page reads beyond the recording's ends; silence by default.

    Parameters
    ----------
    wrap : bool
        The beginning after the end.
    again : bool
        The end before the beginning.
    """

    wrap: bool
    again: bool


class Tracks:
    """The tracks of recordings in one space that encodes by page.

    Parameters
    ----------
    space : Space
    """

    def __init__(self, space: Space) -> None:
        assert space.hop is not None
        self.space, self.disk = space, Disk()
        self.hop, self.lead = space.hop, -(-space.window // space.hop) - 1
        """Vectors whose window begins before the recording and reaches into it."""
        self._width = space.dims + space.spread
        self._open: OrderedDict[tuple[str, int, int, Ways], Page] = OrderedDict()

    @property
    def silence(self) -> F32:
        """The vector of silence [shape=(dims,)]."""
        return self._quiet[: self.space.dims]

    @cached_property
    def _quiet(self) -> F32:
        """What a page holds of silence [shape=(dims + spread,)]."""
        if self.space.silence is not None:
            least = np.full(self.space.spread, LEAST_LOG_VARIANCE, np.float32)
            return np.concatenate([self.space.silence, least])
        samples = np.zeros(self.space.page_samples(self.space.page), np.float32)
        quiet: F32 = self.space.encode_page(samples)[0]
        return quiet

    def read(
        self,
        audio: Audio,
        positions: Floats,
        wrap: NDArray[np.bool_],
        again: NDArray[np.bool_],
        short: bool = False,
    ) -> Latents:
        """Return the latents of the windows that begin at some positions.

        Between two vectors of the track, it interpolates linearly.

        Parameters
        ----------
        audio : Audio
        positions : array [shape=(n,), samples], fractions allowed
        wrap : array [shape=(n,)]
            Whether a window past the end continues at the beginning.
        again : array [shape=(n,)]
            Whether the end comes before the beginning.
        short : bool
            Whether few other windows of it are read.

        Returns
        -------
        Latents [shape=(n, dims)]
        """
        length = len(audio.samples)
        back = again & (positions < 0)
        wrap = wrap | back
        round_about = back | (wrap & (positions >= length))
        at = np.where(round_about, positions % length, positions) / self.hop
        index = np.floor(at).astype(np.int64)
        part = (at - index).astype(np.float32)[:, None]
        size = (short and self.space.short) or self.space.page
        mean = self._vectors(audio, index, wrap, again, size)
        between = part[:, 0] > 0
        if between.any():
            after = self._vectors(audio, index[between] + 1, wrap[between], again[between], size)
            mean[between] += part[between] * (after - mean[between])
        dims = self.space.dims
        std = np.zeros((len(mean), dims), np.float32) + np.float32(self.space.std)
        if self.space.spread:
            std[:, : self.space.spread] = np.exp(np.float32(0.5) * mean[:, dims:])
            mean = np.ascontiguousarray(mean[:, :dims])
        return Latents(mean, std)

    def flush(self) -> None:
        """Do nothing: each page is written when it is encoded."""

    def _vectors(
        self,
        audio: Audio,
        index: NDArray[np.int64],
        wrap: NDArray[np.bool_],
        again: NDArray[np.bool_],
        size: int,
    ) -> F32:
        """Return vectors by index [shape=(n, dims + spread)], silence outside the recording."""
        vectors = np.empty((len(index), self._width), np.float32)
        length, reach = len(audio.samples), self.space.page_samples(size)
        inside = (index >= -self.lead) & (wrap | (index * self.hop < length))
        if not inside.all():
            vectors[~inside] = self._quiet
        numbers = (index + self.lead) // size
        # A page that does not reach an end has the same bits whatever follows there.
        start = (numbers * size - self.lead) * self.hop - self.space.margin
        keys = numbers * 4 + (wrap & (start + reach > length)) + 2 * (again & (start < 0))
        for key in np.unique(keys[inside]):
            here = inside & (keys == key)
            number, ways = divmod(int(key), 4)
            page = self._page(audio, number, size, Ways(bool(ways & 1), bool(ways & 2)))
            rows = widened(page[index[here] + self.lead - number * size])
            if len(rows) == len(vectors):
                return rows
            vectors[here] = rows
        return vectors

    def _page(self, audio: Audio, number: int, size: int, ways: Ways) -> Page:
        key = audio.digest, number, size, ways
        page = self._open.get(key)
        if page is not None:
            self._open.move_to_end(key)
            return page
        path = self._path(audio, number, size, ways)
        page = None if path is None else self._load(path, size)
        if page is None:
            page = self._encoded(audio, number, size, ways)
            if path is not None and self._kept(path, page):
                loaded = self._load(path, size)  # memory-mapped, so that many pages cost no memory
                page = page if loaded is None else loaded
        self._open[key] = page
        if len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)
        return page

    def _encoded(self, audio: Audio, number: int, size: int, ways: Ways) -> Page:
        samples = audio.samples
        start = (number * size - self.lead) * self.hop - self.space.margin
        around = np.zeros(self.space.page_samples(size), np.float32)
        index = np.arange(start, start + len(around))
        if ways.wrap:
            index = np.where(index >= 0, index % len(samples), index)
        if ways.again:
            index = np.where(index < 0, index % len(samples), index)
        inside = (index >= 0) & (index < len(samples))
        around[inside] = samples[index[inside]]
        if audio.level != 1.0:
            around /= np.float32(audio.level)
        return np.ascontiguousarray(self.space.encode_page(around), self.space.keeps)

    def _path(self, audio: Audio, number: int, size: int, ways: Ways) -> Path | None:
        """Return the file of a page, in a folder of its recording and space."""
        if len(audio.samples) < LEAST_SECONDS * self.space.sample_rate:
            return None
        folder = self.disk.folder(audio.digest, self.space.digest, self._width)
        kind = "_short" * (size != self.space.page) + "_round" * ways.wrap + "_again" * ways.again
        return folder and folder / f"{number}{kind}.page"

    def _head(self, path: Path, size: int) -> bytes:
        """Return the header of a page's file: it identifies this page."""
        shape, kind = (size, self._width), np.dtype(self.space.keeps).str
        named = f"{path.parent.name} {path.name} {shape} {kind}"
        return MAGIC + hashlib.blake2b(named.encode(), digest_size=24).digest()

    def _load(self, path: Path, size: int) -> Page | None:
        """Return a page from disk, memory-mapped; None if it is missing or damaged."""
        shape, kind = (size, self._width), np.dtype(self.space.keeps)
        head = self._head(path, size)
        try:
            file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError:
            return None
        try:
            length = os.fstat(file).st_size
            sound = length == len(head) + CHECK + shape[0] * shape[1] * kind.itemsize
            mapped = mmap.mmap(file, length, access=mmap.ACCESS_READ) if sound else b""
        except OSError:
            return None  # pruned by another process meanwhile, or the disk fails
        finally:
            os.close(file)
        rows = memoryview(mapped)[len(head) + CHECK :]
        if mapped[: len(head) + CHECK] != head + _check(rows):
            remove(path)
            return None
        self.disk.touch(path.parent)
        return np.frombuffer(rows, kind).reshape(shape)

    def _kept(self, path: Path, page: Page) -> bool:
        """Write a page, whole or not at all; return whether it is on disk now."""
        if not self.disk.may_write(page.nbytes):
            return False
        head = self._head(path, len(page))

        def write(beside: Path) -> None:
            with beside.open("wb") as file:
                file.write(head + _check(page.data))
                file.write(page.data)

        try:
            path.parent.mkdir(exist_ok=True)
            write_whole(path, write)
        except OSError:
            self.disk.refused()
            return False
        return True


def widened(stored: Page) -> F32:
    """Return the same numbers as float32: float16 in a quarter of the time of a cast."""
    if stored.dtype != np.float16:
        return stored.astype(np.float32)
    # Shift sign, exponent and fraction to their new places, then correct the exponent's bias.
    bits = stored.view(np.int16).astype(np.int32)
    bits <<= 13
    bits &= np.int32(-0x70000001)
    wide: F32 = bits.view(np.float32)
    wide *= np.float32(2.0**112)
    # Infinity and NaN come out finite, from 65536 up: cast instead.
    if np.abs(wide).max(initial=0.0) >= 65536.0:
        return stored.astype(np.float32)
    return wide


def _check(rows: memoryview) -> bytes:
    return hashlib.blake2b(rows, digest_size=CHECK).digest()
