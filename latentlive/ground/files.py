"""Where latentlive keeps what it can make again."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import platformdirs


def cache_folder(*parts: str) -> Path:
    """Return a folder of the cache, made if need be; ``LATENTLIVE_CACHE`` moves them all."""
    return _made(_root(), parts)


def working_folder(*parts: str) -> Path:
    """Return a folder of the cache, or one that lasts until the next start of the machine.

    The latter where the cache is read-only, or its disk has no room: what is needed to play lies
    there, and is made again another time.

    Raises
    ------
    OSError
        If there is neither.
    """
    try:
        folder = cache_folder(*parts)
        _check_room(folder)
    except OSError as refused:
        spare = _spare()
        try:
            folder = _made(spare, parts)
            if not _is_ours(spare):
                raise refused
            _check_room(folder)
        except OSError:
            raise refused from None
        why = refused.strerror or refused
        told = f"the cache {_root()} takes no files ({why}); {spare} serves until it does"
        say_once(told, about=str(_root()))
    return folder


def working_file(name: str, *parts: str) -> Path:
    """Return where a file of a working folder lies, or would be written."""
    for folder in working_folders(*parts):
        if (path := folder / name).is_file():
            return path
    return working_folder(*parts) / name


def working_folders(*parts: str) -> list[Path]:
    """Return the folders in which files of a working folder may lie by now."""
    found = []
    for root in (_root(), _spare()):
        folder = Path(root, *parts)
        if folder.is_dir() and (root != _spare() or _is_ours(root)):
            found.append(folder)
    return found


def _root() -> Path:
    return Path(os.environ.get("LATENTLIVE_CACHE") or platformdirs.user_cache_dir("latentlive"))


def _spare() -> Path:
    return Path(tempfile.gettempdir(), f"latentlive-{_user()}")


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _is_ours(folder: Path) -> bool:
    """Return whether a folder is ours alone: where everybody may write, another may make it."""
    state = folder.lstat()
    ours = state.st_uid == _user() and (os.name == "nt" or not state.st_mode & 0o077)
    return stat.S_ISDIR(state.st_mode) and ours


def _made(root: Path, parts: tuple[str, ...]) -> Path:
    """Return a folder below a root, made if need be; what we make is ours alone."""
    if not parts or not root.exists():
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = root
    for part in parts:
        folder = folder / part
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _check_room(folder: Path) -> None:
    """Raise OSError where a file cannot be made or filled."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(folder))
    if hasattr(os, "statvfs"):
        room = os.statvfs(folder)
        if not room.f_bavail or (room.f_files and not room.f_favail):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


_said: set[str] = set()


def say_once(line: str, about: str = "") -> None:
    """Say a line, unless this process has said it, or another one about the same, before."""
    key = about or line
    if key not in _said:
        _said.add(key)
        print(line, file=sys.stderr)


def fresh_file(path: Path) -> BinaryIO:
    """Open a new file for writing that only its owner reads; what had its name is gone, a link too.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    path.unlink(missing_ok=True)
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file so that it is seen whole or not at all, whoever is killed meanwhile."""
    beside = path.with_name(f".{path.stem}-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")
    try:
        write(beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
