"""Comparison of names: letters with marks have several forms, one of which counts.

A keyboard and a system may write ö as one character or as o and a mark; files keep either.
Comparisons and expressions use Unicode's form C; opening a file uses the form on disk.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path


def normal(name: str) -> str:
    r"""Return a name in the form for comparison.

    >>> normal("Glo\u0308ckchen") == "Gl\u00f6ckchen"
    True
    """
    return unicodedata.normalize("NFC", name)


def on_disk(path: str | os.PathLike[str]) -> Path:
    """Return a path in its form on disk; a missing path stays as given.

    If two names differ only in form, the given one counts.
    """
    given = Path(path)
    if os.path.lexists(given) or given == given.parent:
        return given
    folder = on_disk(given.parent)
    return next(iter(_alike(folder, given.name)), folder / given.name)


def taken(path: Path) -> bool:
    """Return whether this path exists, in any form of its name."""
    return os.path.lexists(on_disk(path))


def _alike(folder: Path, name: str) -> list[Path]:
    """Return the paths in a folder with a name in any form; few names have several."""
    wanted = normal(name)
    if wanted.isascii():
        return []
    try:
        return sorted(folder / held for held in os.listdir(folder) if normal(held) == wanted)
    except OSError:
        return []
