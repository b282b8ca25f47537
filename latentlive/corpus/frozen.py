"""Frozen sounds: textures that were rendered once, kept beside the recordings of every corpus."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from latentlive.corpus.shelf import Shelf
from latentlive.ground import processes

FROZEN = Shelf("frozen", ".wav")

HALF = re.compile(r"\.[0-9a-f]{32}-.+-([0-9]+)-[0-9a-f]{8}\.wav")
"""How a file is called that is being written, and by which process."""


def place_of(key: str, name: str) -> Path:
    """Return where a frozen sound lies, or is to lie: a file named by its key and its name.

    Raises
    ------
    OSError
        If there is no room for it.
    """
    return FROZEN.place(key, name)


def frozen_file(name: str) -> Path | None:
    """Return the file of a frozen sound, None if there is none of that name; the newest counts."""
    return FROZEN.file(name)


def frozen_names() -> list[str]:
    """Return the names of all frozen sounds, sorted."""
    return FROZEN.names()


def is_frozen(key: str, name: str) -> bool:
    """Return whether the sound of a name is what a key tells."""
    found = frozen_file(name)
    return found is not None and found.name.startswith(key)


def forget_others(kept: Path, name: str) -> None:
    """Remove what had a name before: what plays it has its samples."""
    for held, path in list(FROZEN.files()):
        if held == name and path != kept:
            with contextlib.suppress(OSError):  # it is gone, or held open: the newest counts
                path.unlink()


def forget_unfinished(pid: int | None = None) -> None:
    """Remove what a process has left half; without one, what processes that have ended have."""
    for path in FROZEN.listed():
        if writer := HALF.fullmatch(path.name):
            by = int(writer[1])
            with contextlib.suppress(OSError):  # somebody else has removed it
                if by == pid or (pid is None and not processes.started(by)):
                    path.unlink()
