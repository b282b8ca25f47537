"""What textures learn, kept as long as their space is loaded; codes also in the cache.

A lesson depends on its expression, the samples and the level of its recordings, the space and,
where noise counts, the seed: so every process learns the same bits.
"""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentlive.ground.files import cache_folder, write_whole
from latentlive.latent import Study
from latentlive.latent.codes import CodeStudy

MOST = 64
"""Lessons kept in memory: each has some hundred kilobytes."""

KIND = 1
"""Which way of finding codes they were made with: others are found anew."""


class Lessons:
    """The lessons of a process, the latest used last."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, Study] = OrderedDict()

    def lesson(self, key: Hashable, make: Callable[[], Study]) -> Study:
        """Return the lesson of a key, made if it is new."""
        found = self._known.pop(key, None)
        found = self._known[key] = self._begun(key, make()) if found is None else found
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return found

    def _begun(self, key: Hashable, study: Study) -> Study:
        """Return a study; one of codes recalls what an earlier process found."""
        if not isinstance(study, CodeStudy):
            return study
        named = hashlib.blake2b(f"{KIND} {key!r}".encode(), digest_size=16).hexdigest()
        with contextlib.suppress(OSError):  # without the disk they are found anew
            path = cache_folder("codes") / f"{named}.npz"
            study.keep = partial(_keep, path)
            _recall(path, study)
        return study


def _recall(path: Path, study: CodeStudy) -> None:
    """Let a study take what a file holds; a damaged file is written anew."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            study.recall({name: kept[name].astype(np.float32) for name in kept.files})
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile):
        path.unlink(missing_ok=True)


def _keep(path: Path, learned: dict[str, NDArray[np.float32]]) -> None:
    with contextlib.suppress(OSError):
        write_whole(path, partial(_write, learned=learned))


def _write(path: Path, learned: dict[str, NDArray[np.float32]]) -> None:
    np.savez(path, **learned)  # type: ignore[arg-type]
