"""Grabbed sounds: what an input was like, kept as recordings beside those of every corpus.

Each is kept in the cache, where later performances find it by its name, and beside a log that has
a name, which is played again wherever that is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np

from latentlive.corpus.audio import audio_digest
from latentlive.corpus.reading import remember
from latentlive.corpus.shelf import Shelf
from latentlive.errors import SoundError, reason
from latentlive.ground.files import write_whole
from latentlive.units import Samples

GRABBED = Shelf("grabbed", ".flac")
FULL = 2**23
"""Full scale in samples of 24 bits."""


def grabbed_file(name: str, beside: Path | None = None) -> Path | None:
    """Return the file of a grabbed sound, None if there is none: in the cache, or in a folder."""
    return GRABBED.file(name, () if beside is None else [beside])


def grabbed_names() -> list[str]:
    """Return the names of all grabbed sounds, sorted."""
    return GRABBED.names()


def beside_log(log: Path) -> Path:
    """Return the folder of the sounds that were grabbed in a performance, beside its log.

    >>> beside_log(Path("evening.py")).name
    'evening-grabbed'
    """
    return log.with_name(f"{log.stem}-{GRABBED.folder}")


def free_name(name: str | None, taken: Callable[[str], bool]) -> str:
    """Return a name that nothing has: the one that was asked for, or a numbered one.

    >>> free_name("door", {"door", "door-2"}.__contains__), free_name(None, {"grab-1"}.__contains__)
    ('door-3', 'grab-2')
    """
    return next(one for one in _numbered(name) if not taken(one))


def _numbered(name: str | None) -> Iterator[str]:
    if name is None:
        yield from (f"grab-{number}" for number in count(1))
    else:
        yield name
        yield from (f"{name}-{number}" for number in count(2))


def keep_grabbed(samples: Samples, rate: int, name: str, beside: Path | None) -> Path:
    """Keep samples as the sound of a name; return its file, in the cache.

    Parameters
    ----------
    samples : array [shape=(n,), n >= 1]
        Beyond full scale they are clipped; they are kept as FLAC, with 24 bits.
    rate : int [samples a second]
    name : str
        As `shelf.kept_name` returns it.
    beside : Path, optional
        The folder of a log, which gets it too.

    Raises
    ------
    SoundError
        If it cannot be written.
    """
    import soundfile

    whole = np.clip(np.rint(samples.astype(np.float64) * FULL), -FULL, FULL - 1).astype(np.int32)
    kept = (whole / FULL).astype(np.float32)  # as every reader has it: exactly
    digest = audio_digest(kept)

    def write(path: Path) -> None:
        try:
            soundfile.write(path, whole << 8, rate, "PCM_24", format="FLAC")
        except soundfile.SoundFileError as error:
            full = shutil.disk_usage(path.parent).free < samples.nbytes
            why = "No space left on device" if full else str(error)
            raise SoundError(f"grab: {name!r} cannot be written: {why}") from None

    try:
        path = GRABBED.place(digest, name)
        write_whole(path, write)
        if beside is not None:
            beside.mkdir(parents=True, exist_ok=True)
            write_whole(beside / path.name, lambda copy: _copied(path, copy))
    except OSError as error:
        raise SoundError(f"grab: {name!r} cannot be written: {reason(error)}") from None
    remember(path, rate, kept)
    return path


def _copied(path: Path, copy: Path) -> None:
    """Let a file have another name too, or copy it where that is another disk."""
    try:
        os.link(path, copy)
    except OSError:
        shutil.copyfile(path, copy)
