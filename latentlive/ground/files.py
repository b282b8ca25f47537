"""The cache: files that latentlive can make again; and the few that a performer made."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import platformdirs

from latentlive.ground.lines import say_once

MEMORY = Path("/dev/shm")
"""A disk in memory, where the system has one."""

PROBE = 4096
"""Bytes that a folder must accept to count as writable."""


def can_be_called(name: str) -> bool:
    """Return whether a file can have this name: not empty, and valid for the system.

    >>> can_be_called("take.wav"), can_be_called("")
    (True, False)
    """
    try:
        return name != "" and b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def cache_folder(*parts: str) -> Path:
    """Return a folder of the cache, made if missing; ``LATENTLIVE_CACHE`` moves them all."""
    return _made(_root(), parts)


def config_folder(*parts: str) -> Path:
    """Return a folder of the performer's settings, made if missing; ``LATENTLIVE_CONFIG`` moves
    them all.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    given = os.environ.get("LATENTLIVE_CONFIG") or platformdirs.user_config_dir("latentlive")
    folder = Path(given, *parts)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def working_folder(*parts: str) -> Path:
    """Return a folder of the cache, or one that lasts until the machine restarts.

    The latter if the cache is read-only or its disk is full: it holds the files needed to play,
    which later runs make again.

    Raises
    ------
    OSError
        If neither can be written.
    """
    refused: OSError | None = None
    for root in _roots():
        try:
            folder = _made(root, parts)
            _check_room(folder)
        except OSError as error:
            refused = refused or error
            continue
        if refused is not None:
            why = refused.strerror or refused
            told = f"the cache {_root()} takes no files ({why}); {root} serves until it does"
            say_once(told, about=str(_root()))
        return folder
    assert refused is not None
    raise refused


def working_file(name: str, *parts: str) -> Path:
    """Return the path of a file of a working folder, existing or to be written."""
    for folder in working_folders(*parts):
        if (path := folder / name).is_file():
            return path
    return working_folder(*parts) / name


def working_folders(*parts: str) -> list[Path]:
    """Return the folders that may hold files of a working folder by now."""
    folders = [Path(root, *parts) for root in _roots() if root == _root() or _is_ours(root)]
    return [folder for folder in folders if folder.is_dir()]


def _root() -> Path:
    return Path(os.environ.get("LATENTLIVE_CACHE") or platformdirs.user_cache_dir("latentlive"))


def _roots() -> Iterator[Path]:
    """Yield the cache, then its substitutes: on a full disk, only memory may be left."""
    yield _root()
    with contextlib.suppress(OSError):  # the system has no writable temporary folder
        yield Path(tempfile.gettempdir(), f"latentlive-{_user()}")
    if MEMORY.is_dir():
        yield MEMORY / f"latentlive-{_user()}"


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _is_ours(folder: Path) -> bool:
    """Return whether a folder is ours alone: another user may make it in a shared place."""
    try:
        state = folder.lstat()
    except OSError:
        return False
    ours = state.st_uid == _user() and (os.name == "nt" or not state.st_mode & 0o077)
    return stat.S_ISDIR(state.st_mode) and ours


def _made(root: Path, parts: tuple[str, ...]) -> Path:
    """Return a folder below a root, made if missing; only this user may enter new ones."""
    if not parts or not root.exists():
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if root != _root() and not _is_ours(root):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(root))
    folder = root
    for part in parts:
        folder = folder / part
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _check_room(folder: Path) -> None:
    """Raise OSError if a file cannot be made or filled: rights, quotas and disks differ."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(PROBE))


def fresh_file(path: Path) -> BinaryIO:
    """Open a new file that only its owner reads, for writing; first remove the old file or link.

    Raises
    ------
    OSError
        If the file cannot be made.
    """
    path.unlink(missing_ok=True)
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file that appears whole or not at all, even if the writer is killed.

    Raises
    ------
    OSError
        With the name of the file, not of the unfinished one beside it.
    """
    beside = path.with_name(f".{path.stem}-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")
    try:
        write(beside)
        os.replace(beside, path)
    except OSError as error:
        if error.filename is None or os.fspath(error.filename) != os.fspath(beside):
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None
    finally:
        with contextlib.suppress(OSError):  # its name was too long, or its folder is gone
            beside.unlink(missing_ok=True)
