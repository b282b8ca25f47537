"""TorchScript files, looked at without running or unpickling anything in them.

TorchScript cannot call Python, but it can write files and allocate without bound, and objects in
the file may run code of theirs while they are loaded. So its text is read first.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import IO

from latentlive.errors import ModelError

MAX_BYTES = 2**31
MAX_CODE = 2**25
"""Bytes of a script's text, unpacked."""

TOUCHING = re.compile(r"\btorch\s*\.\s*(save|load|from_file|_save\w*|_load\w*|classes)\b")
"""Functions of torch that read or write files, and classes that may do anything."""

FOREIGN = re.compile(r"\bops\s*\.\s*(?!prim\b|aten\b)(\w+)")
"""Operators of other libraries than torch, whose effects are unknown."""


def is_script(file: Path) -> bool:
    """Return whether a file is a TorchScript archive."""
    try:
        with file.open("rb") as opened:
            if opened.read(2) != b"PK":  # one that stands inside another file is not meant
                return False
        with zipfile.ZipFile(file) as archive:
            return any("/code/" in name for name in archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError):
        return False


def check_whole(file: Path) -> None:
    """Refuse an archive that was damaged on its way: torch reads numbers without a check.

    Raises
    ------
    ModelError
        With the first entry that its checksum does not fit.
    """
    try:
        with zipfile.ZipFile(file) as opened:
            damaged = opened.testzip()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        damaged = str(error)
    if damaged is not None:
        raise ModelError(f"model: {file} is damaged: {damaged}; copy or download it again")


def vet(file: Path, archive: IO[bytes] | None = None) -> str:
    """Return the text of a script whose code touches no file and no foreign operator.

    Parameters
    ----------
    file : path
    archive : binary file, optional
        The archive, where the file only holds it.

    Raises
    ------
    ModelError
        If it does, or if the archive is damaged or unpacks to more than a model would.
    """
    try:
        with zipfile.ZipFile(archive or file) as opened:
            entries = opened.infolist()
            code = [entry for entry in entries if entry.filename.endswith(".py")]
            if sum(entry.file_size for entry in entries) > MAX_BYTES:
                raise ModelError(f"model: {file} unpacks to more than {MAX_BYTES >> 30} GB")
            if sum(entry.file_size for entry in code) > MAX_CODE:
                raise ModelError(f"model: {file} holds more than {MAX_CODE >> 20} MB of code")
            text = "\n".join(opened.read(entry).decode() for entry in code)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise ModelError(f"model: {file} is damaged: {error}") from None
    if found := TOUCHING.search(text) or FOREIGN.search(text):
        raise ModelError(
            f"model: {file} is refused: its code calls {found[0]!r}, which may touch files of "
            "yours; ask who made it for an export without it"
        )
    return text
