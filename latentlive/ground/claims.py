"""New files for recordings and bounces: they never overwrite an existing file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator
from itertools import count
from pathlib import Path

from latentlive.errors import EngineError
from latentlive.ground.names import normal, on_disk, taken

NUMBERED = tuple(f"d{number}" for number in range(1, 17))
"""The layers of every performance."""


class Claims:
    """The files and folders made for one recording or bounce; as a context, they are withdrawn
    where it fails, also by Ctrl-C.

    Parameters
    ----------
    word : str
        The first word of refusals: 'record' or 'bounce'.
    """

    def __init__(self, word: str) -> None:
        self._word = word
        self._made: list[Path] = []

    def __enter__(self) -> Claims:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.withdraw()

    def file(self, path: Path) -> Path:
        """Make an empty file, and return its path: `path`, or a numbered one if that exists.

        Raises
        ------
        EngineError
            If the file cannot be written.

        Example
        -------
        ``take.wav`` where there is none, ``take-2.wav`` where there is one
        """
        for free in numbered(path):
            if taken(free):
                continue
            try:
                # Make and claim in one step, so that no other process can take it.
                os.close(os.open(free, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            except FileExistsError:
                continue
            except OSError as error:
                raise EngineError(f"{self._word}: cannot write {path}: {error.strerror}") from None
            self._made.append(free)
            return free
        raise AssertionError

    def folder(self, path: Path, mix: Path) -> Path:
        """Return a folder for stems: `path`, or a numbered one if that holds sounds.

        Parameters
        ----------
        path : Path
        mix : Path
            A sound that the folder may hold.

        Raises
        ------
        EngineError
            If the folder cannot be made.
        """
        for free in numbered(path):
            try:
                free = on_disk(free)
                if not os.path.lexists(free):
                    free.mkdir(parents=True)
                    self._made.append(free)
                    return free
                if free.is_dir() and all(_same(sound, mix) for sound in free.glob("*.wav")):
                    return free
            except OSError as error:
                raise EngineError(f"{self._word}: cannot make {path}: {error.strerror}") from None
        raise AssertionError

    def withdraw(self) -> None:
        """Remove all files and folders made here."""
        for path in reversed(self._made):
            with contextlib.suppress(OSError):  # a folder that holds other files by now
                if path.is_dir():
                    path.rmdir()
                else:
                    path.unlink()
        self._made.clear()


def numbered(path: Path) -> Iterator[Path]:
    """Yield a path, then numbered ones: ``take.wav``, ``take-2.wav``, ``take-3.wav``."""
    yield path
    for number in count(2):
        yield path.with_stem(f"{path.stem}-{number}")


def moved(word: str, asked: Path, given: Path) -> str:
    """Return the line that names the numbered file, given instead of the one asked."""
    return f"{word}: {asked.name} is there already; this is {given.name}"


def stem_name(layer: str) -> str:
    """Return the name of a layer's stem, safe on every system."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in layer) + ".wav"


def check_apart(word: str, mix: Path, stems: Path, layers: Collection[str]) -> None:
    """Refuse a mix that takes the file of a stem.

    Raises
    ------
    EngineError
        ``bounce: st/d1.wav is where the stem of d1 goes; give the mix another name``
    """
    for layer in dict.fromkeys([*NUMBERED, *layers]):
        if _same(stems / stem_name(layer), mix):
            raise EngineError(
                f"{word}: {mix} is where the stem of {layer} goes; give the mix another name"
            )


def _same(one: Path, other: Path) -> bool:
    """Return whether two paths name one file, existing or not, ignoring case."""
    plain = [
        os.path.join(os.path.realpath(p.parent), normal(p.name).casefold()) for p in (one, other)
    ]
    return plain[0] == plain[1]
