"""Frozen sounds: textures that were rendered once, kept as recordings beside those of every corpus.

A file is called by what was rendered and by its name, so that a new one under the name appears in
one step, and another system, or letters in another case, confuse no two of them.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latentlive.errors import ExpressionError
from latentlive.expr.fields import shown
from latentlive.ground import processes
from latentlive.ground.files import working_folder, working_folders
from latentlive.ground.names import normal

FOLDER = "frozen"
NAME = re.compile(r"\w(?:[\w -]*[\w-])?")
MOST_BYTES = 120
"""Of a name: a file's may have 255, of which some tell what was rendered."""

FILE = re.compile(r"([0-9a-f]{32})-(.+)\.wav")
HALF = re.compile(r"\.[0-9a-f]{32}-.+-([0-9]+)-[0-9a-f]{8}\.wav")
"""How a file is called that is being written, and by which process."""


def frozen_name(name: Any, word: str = "frozen") -> str:
    """Return the form of a name in which it is compared.

    Raises
    ------
    ExpressionError
        ``frozen: a name is letters, digits, - _ and blanks, such as 'river', got '../x'``
    """
    found = normal(name) if isinstance(name, str) else ""
    if not NAME.fullmatch(found):
        raise ExpressionError(
            f"{word}: a name is letters, digits, - _ and blanks, such as 'river', got {shown(name)}"
        )
    if (size := len(found.encode())) > MOST_BYTES:
        raise ExpressionError(f"{word}: a name has at most {MOST_BYTES} bytes, got {size}")
    return found


def place_of(key: str, name: str) -> Path:
    """Return where a frozen sound lies, or is to lie: a file named by its key and its name.

    Raises
    ------
    OSError
        If there is no room for it.
    """
    return working_folder(FOLDER) / f"{key}-{name}.wav"


def is_frozen(key: str, name: str) -> bool:
    """Return whether the sound of a name is what a key tells."""
    found = frozen_file(name)
    return found is not None and found.name.startswith(key)


def frozen_file(name: str) -> Path | None:
    """Return the file of a frozen sound, None if there is none of that name; the newest counts."""
    found = [path for held, path in _files() if held == normal(name)]
    return max(found, key=_written, default=None)


def frozen_names() -> list[str]:
    """Return the names of all frozen sounds, sorted."""
    return sorted({name for name, _ in _files()})


def forget_others(kept: Path, name: str) -> None:
    """Remove what had a name before: what plays it has its samples."""
    for held, path in list(_files()):
        if held == name and path != kept:
            with contextlib.suppress(OSError):  # it is gone, or held open: the newest counts
                path.unlink()


def forget_unfinished(pid: int | None = None) -> None:
    """Remove what a process has left half; without one, what processes that have ended have."""
    for path in _listed():
        if writer := HALF.fullmatch(path.name):
            by = int(writer[1])
            with contextlib.suppress(OSError):  # somebody else has removed it
                if by == pid or (pid is None and not processes.started(by)):
                    path.unlink()


def _files() -> Iterator[tuple[str, Path]]:
    """Yield name and file of every frozen sound."""
    for path in _listed():
        if found := FILE.fullmatch(path.name):
            yield normal(found[2]), path


def _listed() -> Iterator[Path]:
    """Yield all files of the folders in which frozen sounds may lie."""
    for folder in working_folders(FOLDER):
        with contextlib.suppress(OSError):  # its rights were taken away: it holds nothing for us
            yield from [folder / file for file in os.listdir(folder)]


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0  # gone since it was listed
