"""Segments: immutable files of encoded rows, sorted by key, each row with a check sum."""

from __future__ import annotations

import mmap
import os
import re
import struct
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.ground.files import write_whole

Keys = NDArray[np.int64]
Rows = NDArray[np.float16]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio: multiples of it are spread evenly (Knuth, volume 3, 6.4)."""

MAGIC = b"LLROWS01"
HEADER = struct.Struct("<8s16sQQ")
NAME = re.compile(r"(-?\d{1,19})_(-?\d{1,19})_(\d{1,7})_[0-9a-f]{12}\.rows")


class Segment(NamedTuple):
    """Rows sorted by key.

    Parameters
    ----------
    keys : array [shape=(n,), int64, ascending]
    checks : array [shape=(n,), uint64]
    rows : array [shape=(n, 2, dims), float16]
    """

    keys: Keys
    checks: NDArray[np.uint64]
    rows: Rows


class Span(NamedTuple):
    """What a segment's name says: its first and last key, and how many rows it has."""

    first: int
    last: int
    size: int


def row_checks(keys: Keys, rows: Rows) -> NDArray[np.uint64]:
    """Return a check sum of each key and row [shape=(n,), uint64].

    The words of a row are summed, each times an odd number of its own: no change of a single word
    goes unseen, nor do rows of zeros, which a crash of the whole machine may leave.
    """
    dims = rows.shape[2]
    flat = np.ascontiguousarray(rows).reshape(len(rows), 2 * dims)
    words: NDArray[np.unsignedinteger[Any]] = flat.view(np.uint64 if dims % 2 == 0 else np.uint32)
    sums: NDArray[np.uint64] = words @ _odd_numbers(words.shape[1])
    return sums + (keys.view(np.uint64) + np.uint64(1)) * GOLDEN


@lru_cache(maxsize=8)
def _odd_numbers(count: int) -> NDArray[np.uint64]:
    return np.arange(1, count + 1, dtype=np.uint64) * GOLDEN | np.uint64(1)


def open_segment(path: Path, key: bytes, dims: int, count: int) -> Segment:
    """Return the segment in a file, memory-mapped.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If it is broken, or belongs to another recording or space.
    """
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(file).st_size
        if count < 1 or size != HEADER.size + count * (16 + 4 * dims):
            raise ValueError(f"{path} is broken")
        mapped = mmap.mmap(file, size, access=mmap.ACCESS_READ)
    finally:
        os.close(file)
    if mapped[: HEADER.size] != HEADER.pack(MAGIC, key, dims, count):
        raise ValueError(f"{path} holds something else")
    keys = np.frombuffer(mapped, np.int64, count, HEADER.size)
    checks = np.frombuffer(mapped, np.uint64, count, HEADER.size + 8 * count)
    rows = np.frombuffer(mapped, np.float16, count * 2 * dims, HEADER.size + 16 * count)
    return Segment(keys, checks, rows.reshape(count, 2, dims))


def write_segment(path: Path, key: bytes, segment: Segment) -> None:
    """Write a segment, whole or not at all."""
    count, _, dims = segment.rows.shape

    def write(beside: Path) -> None:
        with beside.open("wb") as file:
            file.write(HEADER.pack(MAGIC, key, dims, count))
            _write_arrays(file, segment)

    write_whole(path, write)


def _write_arrays(file: BinaryIO, segment: Segment) -> None:
    for array in segment:
        file.write(np.ascontiguousarray(array).data)


def span_of(name: str) -> Span | None:
    """Return what a segment's name says; None for any other name."""
    match = NAME.fullmatch(name)
    if match is None:
        return None
    first, last, size = match.groups()
    span = Span(int(first), int(last), int(size))
    return span if -(2**63) <= span.first <= span.last < 2**63 and span.size else None
