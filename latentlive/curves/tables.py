"""Columns of recorded movements, read from CSV, NPY and BVH files; a hostile file is one line."""

from __future__ import annotations

import csv
import os
import stat
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from latentlive.errors import ExpressionError, did_you_mean
from latentlive.expr.fields import shown
from latentlive.ground.files import can_be_called
from latentlive.ground.names import normal, on_disk
from latentlive.units import Floats

MOST_BYTES = 200_000_000
MOST_ROWS = 10_000_000

TIMES = ("time", "seconds", "t")
"""Names of a column of seconds, in any case."""

NAMED = 6
"""Most columns that a refusal lists."""

NPY, BVH = b"\x93NUMPY", b"HIERARCHY"


class Column(NamedTuple):
    """One column of a file.

    Parameters
    ----------
    values : array [shape=(n,)]
        NaN where a row has no number.
    seconds : array [shape=(n,), seconds] or None
        The time of each row, NaN where it has none; None where the file gives no times.
    """

    values: Floats
    seconds: Floats | None


def read_column(file: str, column: str | int) -> Column:
    """Return one column of a file, by its name or by its number from 0.

    Raises
    ------
    ExpressionError
        If the file is missing, too large or no table, or has no such column.
    """
    if not can_be_called(file):
        raise ExpressionError(f"track: no file can be called {shown(file)}")
    path = on_disk(os.path.expanduser(file))
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise ExpressionError(f"track: {shown(file)} is no file, but a folder or a device")
        if state.st_size > MOST_BYTES:
            raise ExpressionError(
                f"track: {shown(file)} has {state.st_size / 1e6:.0f} MB, "
                f"{MOST_BYTES / 1e6:.0f} MB is the most; cut it, or keep fewer rows a second"
            )
        with path.open("rb") as opened:
            head = opened.read(4096)
        if head.startswith(NPY):
            return _npy(path, file, column)
        if b"\0" in head:
            raise ExpressionError(f"track: {shown(file)} is no text; give CSV in UTF-8, BVH or NPY")
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as text:
            if head.removeprefix(b"\xef\xbb\xbf").lstrip().upper().startswith(BVH):
                return _bvh(text, file, column)
            return _csv(text, file, column)
    except OSError as error:
        raise ExpressionError(f"track: cannot read {shown(file)}: {error.strerror}") from None
    except csv.Error as error:
        raise ExpressionError(f"track: {shown(file)} is no table: {error}") from None


def _number(cell: str) -> float:
    """Return the number in a cell, NaN if it holds none."""
    try:
        return float(cell)
    except ValueError:
        return np.nan


def _is_number(cell: str) -> bool:
    return not np.isnan(_number(cell)) or cell.strip().lower() in ("", "nan")


def _collected(rows: Iterable[Sequence[str]], places: Sequence[int], file: str) -> list[Floats]:
    """Return the numbers of some columns, each [shape=(rows,)]."""
    found = [array("d") for _ in places]
    for count, row in enumerate(rows, 1):
        if count > MOST_ROWS:
            raise ExpressionError(
                f"track: {shown(file)} has more than {MOST_ROWS} rows; cut it, "
                "or keep fewer rows a second"
            )
        for numbers, place in zip(found, places, strict=True):
            numbers.append(_number(row[place]) if place < len(row) else np.nan)
    return [np.array(numbers, np.float64) for numbers in found]


def _csv(text: TextIO, file: str, column: str | int) -> Column:
    first = text.readline()
    text.seek(0)
    apart = max(",;\t", key=first.count)
    apart = apart if apart in first else " "
    rows = (row for row in csv.reader(text, delimiter=apart, skipinitialspace=True) if row)
    if apart == ";":  # where the comma is the decimal point
        rows = ([cell.replace(",", ".") for cell in row] for row in rows)
    top = next(rows, None)
    if top is None:
        raise ExpressionError(f"track: {shown(file)} is empty")
    if all(map(_is_number, top)):
        place = _place(column, None, len(top), file)
        (values,) = _collected(_after([top], rows), [place], file)
        return Column(values, None)
    named = top[1:] if top[0] == "#" else top  # as numpy writes it
    names = [normal(name.strip().lstrip("#").strip()) for name in named]
    place = _place(column, names, len(names), file)
    clock = next((i for i, name in enumerate(names) if name.casefold() in TIMES), None)
    if clock is None:
        (values,) = _collected(rows, [place], file)
        return Column(values, None)
    values, seconds = _collected(rows, [place, clock], file)
    return Column(values, seconds)


def _after(first: list[list[str]], rest: Iterator[list[str]]) -> Iterator[list[str]]:
    yield from first
    yield from rest


def _npy(path: Path, file: str, column: str | int) -> Column:
    try:
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, TypeError, OverflowError, MemoryError) as error:
        told = str(error).partition("\n")[0]
        raise ExpressionError(f"track: cannot read {shown(file)}: {told}") from None
    if table.ndim != 2 or table.dtype.kind not in "biuf" or not table.shape[1]:
        raise ExpressionError(
            f"track: {shown(file)} must hold numbers in rows and columns, "
            f"got {table.dtype} of shape {table.shape}"
        )
    if len(table) > MOST_ROWS:
        raise ExpressionError(
            f"track: {shown(file)} has {len(table)} rows, {MOST_ROWS} is the most"
        )
    place = _place(column, None, table.shape[1], file)
    return Column(table[:, place].astype(np.float64), None)


def _bvh(text: TextIO, file: str, column: str | int) -> Column:
    """Read the motion of a skeleton: a row a frame, a column a channel of a joint.

    Biovision's format: names and channels in a HIERARCHY, then MOTION with ``Frames:``,
    ``Frame Time:`` and the numbers of all channels in their order.
    """
    lines = (line.split() for line in text)
    names: list[str] = []
    joint, step = "", np.nan
    for words in lines:
        match words:
            case ["ROOT" | "JOINT", *name]:
                joint = normal(" ".join(name).removesuffix("{").strip())
            case ["CHANNELS", _, *channels]:
                names += [f"{joint}.{channel}" for channel in channels]
            case ["Frame", "Time:", seconds]:
                step = _number(seconds)
                break
    if not names or not 0.0 < step < np.inf:
        raise ExpressionError(
            f"track: {shown(file)} is no whole BVH file: it has "
            + ("no frame time" if names else "no channels")
        )
    place = _place(column, names, len(names), file)
    (values,) = _collected((words for words in lines if words), [place], file)
    return Column(values, np.arange(len(values), dtype=np.float64) * step)


def _place(column: str | int, names: list[str] | None, count: int, file: str) -> int:
    """Return the number of a column.

    Raises
    ------
    ExpressionError
        ``track: no column 'hand_z' in 'dance.csv'; did you mean 'hand_y'?``
    """
    if isinstance(column, int):
        if column >= count:
            raise ExpressionError(
                f"track: {shown(file)} has columns 0 to {count - 1}, got {column}"
            )
        return column
    if names is None:
        raise ExpressionError(
            f"track: the columns of {shown(file)} have no names; "
            f"give a number, 0 to {count - 1}, got {column!r}"
        )
    if column in names:
        return names.index(column)
    some = ", ".join(map(shown, names[:NAMED])) + ", ..." * (len(names) > NAMED)
    alike = [name for name in names if name.casefold() == column.casefold()]
    hint = did_you_mean(column, alike or names) or f"; it has {some}"
    raise ExpressionError(f"track: no column {shown(column)} in {shown(file)}{hint}")
