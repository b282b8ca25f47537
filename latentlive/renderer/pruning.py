"""Keeps the cache of encodings within bounds: deletes the least recently used first."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from functools import cached_property
from pathlib import Path

from latentlive.ground.files import cache_folder

DEFAULT_MB = 4096
"""Default size limit of the whole cache of encodings; ``LATENTLIVE_ENCODINGS_MB`` sets another."""

RECENT_SECONDS = 60.0
"""Encodings used this recently are never pruned; after a refused write, writing pauses as long."""

MARKER = "used"


class Disk:
    """The folder of all encodings, with a guard on writes."""

    def __init__(self) -> None:
        self.failures = 0
        """How often the disk refused a write; those encodings stayed in memory instead."""
        self._unchecked: float = float("inf")
        self._closed_until = 0.0
        self._touched: dict[Path, float] = {}

    @cached_property
    def root(self) -> Path | None:
        """The folder of all encodings; None if it cannot be created."""
        try:
            return cache_folder("encodings")
        except OSError:
            self.failures += 1
            return None

    def folder(self, audio: str, space: str, dims: int) -> Path | None:
        """Return the folder of a recording's encodings in a space, by their digests."""
        name = hashlib.blake2b(f"{audio} {space} {dims}".encode(), digest_size=16).hexdigest()
        return self.root and self.root / name

    def touch(self, folder: Path) -> None:
        """Mark a recording as in use, so that it is not pruned."""
        now = time.monotonic()
        if now > self._touched.get(folder, -RECENT_SECONDS) + RECENT_SECONDS / 6:
            self._touched[folder] = now
            with contextlib.suppress(OSError):
                (folder / MARKER).touch()

    @property
    def closed(self) -> bool:
        """Whether writing is paused for now."""
        return self.root is None or time.monotonic() < self._closed_until

    def may_write(self, size: int) -> bool:
        """Return whether `size` more bytes may be written, pruning now and then."""
        if self.root is None or self.closed:
            return False
        limit = limit_bytes()
        if self._unchecked + size > limit / 16:
            self._unchecked = float("inf")
            if not prune(self.root, limit, size):
                self._closed_until = time.monotonic() + RECENT_SECONDS
                return False
            self._unchecked = 0.0
        self._unchecked += size
        return True

    def refused(self) -> None:
        """Count a write that the disk refused, and pause writing for a while."""
        self.failures += 1
        self._closed_until = time.monotonic() + RECENT_SECONDS


def limit_bytes() -> int:
    """Return the size limit of all encodings together [bytes]."""
    text = os.environ.get("LATENTLIVE_ENCODINGS_MB", "")
    return (int(text) if text.isdecimal() else DEFAULT_MB) << 20


def prune(root: Path, limit: int, wanted: int = 0) -> bool:
    """Delete the least recently used encodings until there is room for more.

    Files that another process has mapped stay readable to it until it closes them.

    Parameters
    ----------
    root : Path
        A folder of folders, one for each recording and space.
    limit : int [bytes]
        A sixteenth of it stays free: a process may fill that before it looks again.
    wanted : int [bytes]
        Size of the next write.

    Returns
    -------
    bool
        Whether there is room; False while everything is in use.
    """
    folders = []
    with contextlib.suppress(OSError):
        folders = [(*_use(path), path) for path in root.iterdir() if path.is_dir()]
    total = sum(size for _, size, _ in folders)
    room = limit - max(limit // 16, wanted)
    if total > room:
        oldest = time.time() - RECENT_SECONDS
        for used, size, folder in sorted(folders):
            if used > oldest or total <= room - limit // 4:
                break
            for path in files_of(folder):
                remove(path)
            with contextlib.suppress(OSError):
                folder.rmdir()
            total -= size
    return total <= room and wanted <= limit


def _use(folder: Path) -> tuple[float, int]:
    """Return when a folder was last used [seconds] and its size [bytes]."""
    used, size = 0.0, 0
    for path in files_of(folder):
        with contextlib.suppress(OSError):
            state = path.stat()
            used, size = max(used, state.st_mtime), size + state.st_size
        if path.name.startswith(".") or path.suffix == ".rows":
            remove_left(path)
    return used, size


def files_of(folder: Path) -> list[Path]:
    """Return the paths in a folder; none if it cannot be read."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def remove(path: Path) -> None:
    """Remove a file that is not trusted or not needed."""
    # If removal fails, the file stays untrusted anyway.
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def remove_left(path: Path) -> None:
    """Remove a file of an earlier version or of a killed writer, not one still being written."""
    with contextlib.suppress(OSError):
        if not path.name.startswith(".") or path.stat().st_mtime < time.time() - RECENT_SECONDS:
            path.unlink(missing_ok=True)
