"""A folder of sounds: names to files."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from latentlive.corpus.reading import Audio, read_audio
from latentlive.errors import SoundError, did_you_mean

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"})


class Corpus:
    """The sounds of a folder, by name: the path below it without its suffix.

    Parameters
    ----------
    folder : path or None
        None is the built-in starter corpus, made on first use.

    Example
    -------
    >>> Corpus().names[:2]
    ['...', '...']
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self._given = None if folder is None else Path(folder)
        self.name = "starter" if folder is None else Path(folder).resolve().name
        if self._given is not None and not self._given.is_dir():
            raise SoundError(f"corpus: no folder {os.fspath(self._given)!r}")

    @property
    def given(self) -> str:
        """The folder that was asked for, absolute; empty for the starter corpus."""
        return "" if self._given is None else os.path.abspath(self._given)

    @cached_property
    def folder(self) -> Path:
        """The folder; the starter corpus is made when it is first looked into."""
        if self._given is not None:
            return self._given
        from latentlive.corpus.starting import starter_folder

        return starter_folder()

    def prepare(self) -> None:
        """Make the starter sounds now, if this is their first use, and not in mid-performance."""
        _ = self.folder

    @cached_property
    def files(self) -> dict[str, Path]:
        """Every sound's file by its name; a bare file name serves where it is the only one."""
        found: dict[str, Path] = {}
        for root, folders, files in os.walk(self.folder):
            folders.sort()
            for file in sorted(files):
                path = Path(root, file)
                if path.suffix.lower() in SUFFIXES and not file.startswith("."):
                    found.setdefault(path.relative_to(self.folder).with_suffix("").as_posix(), path)
        return found

    @cached_property
    def _short(self) -> dict[str, Path | None]:
        short: dict[str, Path | None] = {}
        for name, path in self.files.items():
            stem = name.rsplit("/", 1)[-1]
            short[stem] = None if stem in short else path
        return short

    @property
    def names(self) -> list[str]:
        """Every sound's name, sorted."""
        return sorted(self.files)

    def path(self, name: str) -> Path:
        """Return the file of a sound: a name of the corpus, or a path.

        Raises
        ------
        SoundError
            ``sound: no 'gnog' in corpus 'starter' (165 sounds); did you mean 'gong'?``
        """
        path = Path(name).expanduser()
        if path.suffix.lower() in SUFFIXES:
            if path.is_file():
                return path
            if self._given is not None and (self._given / path).is_file():
                return self._given / path
            raise SoundError(f"sound: no file {name!r}")
        if name in self.files:
            return self.files[name]
        near = self._short.get(name)
        if near is not None:
            return near
        hint = did_you_mean(name, [*self.files, *self._short])
        if name in self._short:
            hint = "; several sounds have this name: write the folder as well"
        raise SoundError(
            f"sound: no {name!r} in corpus {self.name!r} ({len(self.files)} sounds){hint}"
        )

    def audio(self, name: str, sample_rate: int) -> Audio:
        """Return a sound's samples, mono, at a rate."""
        return read_audio(self.path(name), sample_rate)
