"""Names that are compared: letters with marks have several forms, one of which counts.

A keyboard and a system may write ö as one character or as o and a mark; files keep either. Names
are compared, and held in expressions, in Unicode's form C; a file is opened by the form that it
has.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path


def normal(name: str) -> str:
    r"""Return the form of a name in which it is compared.

    >>> normal("Glo\u0308ckchen") == "Gl\u00f6ckchen"
    True
    """
    return unicodedata.normalize("NFC", name)


def on_disk(path: str | os.PathLike[str]) -> Path:
    """Return a path in the form that it has on disk; one that is not there as it is given.

    Where two names differ in their form only, the one that is given is meant.
    """
    given = Path(path)
    if os.path.lexists(given) or given == given.parent:
        return given
    folder = on_disk(given.parent)
    return next(iter(_alike(folder, given.name)), folder / given.name)


def taken(path: Path) -> bool:
    """Return whether a folder holds something of this name, in any form."""
    return os.path.lexists(on_disk(path))


def _alike(folder: Path, name: str) -> list[Path]:
    """Return what a folder holds under a name in another form; few names have one."""
    wanted = normal(name)
    if wanted.isascii():
        return []
    try:
        return sorted(folder / held for held in os.listdir(folder) if normal(held) == wanted)
    except OSError:
        return []
