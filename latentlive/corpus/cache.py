"""Where latentlive keeps what it can make again."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

import platformdirs


def cache_folder(*parts: str) -> Path:
    """Return a folder of the cache, made if need be; ``LATENTLIVE_CACHE`` moves them all."""
    root = os.environ.get("LATENTLIVE_CACHE") or platformdirs.user_cache_dir("latentlive")
    folder = Path(root, *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file so that it is seen whole or not at all, whoever is killed meanwhile."""
    beside = path.with_name(f".{path.stem}-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")
    try:
        write(beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
