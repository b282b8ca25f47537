"""Sounds that were made beside every corpus, each a file that tells its key and its name.

A file is called by a digest and by its name, so that a new one appears in one step, and another
system, or letters in another case, confuse no two of them.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from latentlive.errors import ExpressionError
from latentlive.expr.fields import shown
from latentlive.ground.files import working_folder, working_folders
from latentlive.ground.names import normal

NAME = re.compile(r"\w(?:[\w -]*[\w-])?")
MOST_BYTES = 120
"""Of a name: a file's may have 255, of which some tell its key."""


def kept_name(name: Any, word: str) -> str:
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


class Shelf:
    """Sounds of one kind.

    Parameters
    ----------
    folder : str
        Of the cache.
    suffix : str
        Of their files.
    """

    def __init__(self, folder: str, suffix: str) -> None:
        self.folder, self._suffix = folder, suffix
        self._file = re.compile(rf"([0-9a-f]{{32}})-(.+)\{suffix}")

    def place(self, key: str, name: str) -> Path:
        """Return where a sound lies, or is to lie.

        Raises
        ------
        OSError
            If there is no room for it.
        """
        return working_folder(self.folder) / self.called(key, name)

    def called(self, key: str, name: str) -> str:
        """Return what the file of a sound is called."""
        return f"{key}-{name}{self._suffix}"

    def file(self, name: str, folders: Sequence[Path] = ()) -> Path | None:
        """Return the file of a sound, None if there is none of that name; the newest counts.

        Parameters
        ----------
        name : str
        folders : sequence of Path
            Where to look; the cache when left out.
        """
        found = [path for held, path in self.files(folders) if held == normal(name)]
        return max(found, key=_written, default=None)

    def names(self) -> list[str]:
        """Return the names of all that are in the cache, sorted."""
        return sorted({name for name, _ in self.files()})

    def files(self, folders: Sequence[Path] = ()) -> Iterator[tuple[str, Path]]:
        """Yield name and file of every sound."""
        for path in self.listed(folders):
            if found := self._file.fullmatch(path.name):
                yield normal(found[2]), path

    def listed(self, folders: Sequence[Path] = ()) -> Iterator[Path]:
        """Yield all files of the folders."""
        for folder in folders or working_folders(self.folder):
            with contextlib.suppress(OSError):  # there is none, or its rights were taken away
                yield from [folder / file for file in os.listdir(folder)]


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0  # gone since it was listed
