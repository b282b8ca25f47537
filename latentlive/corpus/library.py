"""A folder of sounds: names to files."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from latentlive.corpus.atlas import Atlas, drawn, part_of
from latentlive.corpus.audio import Audio
from latentlive.corpus.embedding import placed_apart
from latentlive.corpus.frozen import frozen_file, frozen_names
from latentlive.corpus.grabbed import grabbed_file, grabbed_names
from latentlive.corpus.index import Index, Mapped, index_path
from latentlive.corpus.reading import read_audio
from latentlive.errors import SoundError, did_you_mean, reason
from latentlive.ground.lines import say_once
from latentlive.ground.names import normal, on_disk

SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".au", ".caf", ".w64", ".rf64"}
)


class Corpus:
    """The sounds of a folder, by name: the path below it without its suffix.

    Parameters
    ----------
    folder : path or None
        None is the built-in starter corpus, made on first use.
    beside : Path, optional
        A folder of sounds that were grabbed; their names come before all others.

    Example
    -------
    >>> Corpus().names[:2]
    ['...', '...']
    """

    def __init__(
        self, folder: str | os.PathLike[str] | None = None, beside: Path | None = None
    ) -> None:
        self._beside = beside
        self._given = None if folder is None else on_disk(folder)
        self._mapped: tuple[tuple[int, int], Mapped | None] | None = None
        if self._given is not None and not os.path.isdir(self._given):
            raise SoundError(f"corpus: no folder {os.fspath(self._given)!r}")
        self.name = "starter" if folder is None else Path(folder).resolve().name

    @property
    def given(self) -> str:
        """The given folder, absolute; empty for the starter corpus."""
        return "" if self._given is None else os.path.abspath(self._given)

    @cached_property
    def folder(self) -> Path:
        """The folder; starter sounds are made in theirs when they are first read."""
        if self._given is not None:
            return self._given
        from latentlive.corpus.starting import starter_folder

        return starter_folder()

    def prepare(self) -> None:
        """Have missing starter sounds made beside what is played, before they are asked for."""
        if self._given is None:
            from latentlive.corpus.starting import begin

            begin(self.folder)

    def complete(self) -> None:
        """Make missing starter sounds now: for what depends on the files of all sounds."""
        if self._given is None:
            from latentlive.corpus.starting import complete

            complete(self.folder)

    @cached_property
    def files(self) -> dict[str, Path]:
        """Every sound's file by its name; a bare file name serves if it is unique.

        It follows linked folders, each only once, so that a link to itself ends.
        """
        if self._given is None:
            from latentlive.corpus.starting import starter_files

            return starter_files(self.folder)
        held: dict[str, Path] = {}
        entered: set[tuple[int, int]] = set()

        def refused(error: OSError) -> None:
            self.unread[os.path.relpath(error.filename, self.folder)] = (
                f"cannot read {error.filename}: {error.strerror}"
            )

        for root, folders, files in os.walk(self.folder, followlinks=True, onerror=refused):
            try:
                state = os.stat(root)
            except OSError as error:
                refused(error)
                continue
            here = (state.st_dev, state.st_ino)
            if here in entered:
                folders.clear()
                continue
            entered.add(here)
            folders.sort()
            for file in sorted(files):
                path = Path(root, file)
                if path.suffix.lower() in SUFFIXES and not file.startswith("."):
                    own = path.relative_to(self.folder)
                    first = held.setdefault(normal(own.with_suffix("").as_posix()), path)
                    if first != path and normal(own.name) == normal(first.name):
                        self.unread[own.as_posix()] = (
                            f"cannot tell {path} from another file: the letters of its name are "
                            "the same, in another Unicode form; rename one of them"
                        )
        return held

    @cached_property
    def unread(self) -> dict[str, str]:
        """The paths that `files` could not read, and why."""
        return {}

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
        path = on_disk(Path(name).expanduser())
        if path.suffix.lower() in SUFFIXES:
            if os.path.isfile(path):
                return path
            if self._given is not None and os.path.isfile(below := on_disk(self._given / path)):
                return below
            raise SoundError(f"sound: no file {name!r}")
        name = normal(name)
        found = self.files.get(name) or self._short.get(name)
        if found is not None:
            return self._there(found)
        kept = (*frozen_names(), *grabbed_names())
        hint = did_you_mean(name, [*self.files, *self._short, *kept])
        if name in self._short:
            hint = "; several sounds have this name: write the folder as well"
        raise SoundError(
            f"sound: no {name!r} in corpus {self.name!r} ({len(self.files)} sounds){hint}"
        )

    def holds(self, name: str) -> bool:
        """Return whether a name is that of a sound of the corpus; frozen ones do not count."""
        name, mapped = normal(name), self.mapped
        return name in self.files or name in self._short or bool(mapped and name in mapped.rows)

    def frozen(self, name: str) -> Path | None:
        """Return the file of a frozen sound, None if there is none or the corpus has the name."""
        found = frozen_file(name)
        return None if found is None or self.holds(name) else found

    def taken(self, name: str) -> bool:
        """Return whether any sound has a name: of the corpus, a frozen or a grabbed one."""
        return self.holds(name) or any(file(name) for file in (frozen_file, grabbed_file))

    def outside(self, name: str) -> Path | None:
        """Return the file of a frozen or grabbed sound of which the corpus has no name."""
        return None if self.holds(name) else frozen_file(name) or grabbed_file(name)

    def audio(self, name: str, sample_rate: int) -> Audio:
        """Return a sound at a rate.

        Of the corpus, or else of a frozen or a grabbed sound.
        """
        if self._beside is not None and (first := grabbed_file(name, self._beside)):
            return read_audio(first, sample_rate)
        try:
            path = self.path(name)
        except SoundError:
            mapped = self.mapped
            row = mapped.rows.get(normal(name)) if mapped else None
            if mapped is not None and row is not None:
                return self.row_audio(mapped, row, sample_rate)
            found = frozen_file(name) or grabbed_file(name)
            if found is None:
                raise
            path = found
        return self._read(path, sample_rate)

    def _read(self, path: Path, sample_rate: int) -> Audio:
        """Return a file's samples; first make a missing or damaged file of the starter corpus."""
        try:
            return read_audio(self._there(path), sample_rate)
        except SoundError:
            if not self._ours(path):
                raise
        say_once(f"a starter sound in the cache was damaged, and is made anew: {path}")
        return read_audio(self._there(path, anew=True), sample_rate)

    def _ours(self, path: Path) -> bool:
        """Return whether a file is of the starter corpus; before its first use, none is."""
        return self._given is None and path.parent == vars(self).get("folder")

    def _there(self, path: Path, anew: bool = False) -> Path:
        """Return a path; a starter sound is made if it is missing."""
        if self._ours(path) and (anew or not path.exists()):
            from latentlive.corpus.starting import make

            try:
                make(path)
            except (OSError, RuntimeError) as error:  # the second is what libsndfile raises
                why = reason(error) if isinstance(error, OSError) else error
                raise SoundError(f"sound: cannot make {path.stem!r}: {why}") from None
        return path

    def row_audio(self, mapped: Mapped, row: int, sample_rate: int) -> Audio:
        """Return the samples of a sound on the map, by its row; it may be a part of a file."""
        whole = self._read(self.folder / mapped.files[row], sample_rate)
        start = mapped.starts[row]
        if start is None:
            return whole
        seconds, name = float(mapped.map.seconds[row]), mapped.names[row]
        return part_of(whole, start, seconds, sample_rate, name)

    def placed(self) -> Mapped:
        """Return the map with the places of its sounds.

        A map of before there were places gets them now; its nodes stay as they are.

        Raises
        ------
        SoundError
            If there is no map.
        """
        mapped = self.need_map()
        if mapped.places is None:
            count = len(mapped.names)
            say_once(f"the map of {self.name!r} gets the places of its {count} sounds, once")
            mapped = placed_apart(mapped)
            if self._given is not None:
                with Index(self.index_path) as index:
                    index.put_places(mapped)
            self._mapped = self._mark(), mapped
        return mapped

    def atlas(self, sample_rate: int) -> Atlas:
        """Return the places of the map's sounds, kept under their digest; raises as `placed`."""
        self.complete()
        return drawn(self.placed(), self.folder, sample_rate)

    @property
    def index_path(self) -> Path:
        """The path of the index: in the cache; the starter corpus's is part of latentlive."""
        if self._given is None:
            return Path(__file__).with_name("starter.sqlite")
        return index_path(self._given)

    @property
    def mapped(self) -> Mapped | None:
        """The map and its sounds, None if there is no map; read again after a change."""
        try:
            mark = self._mark()
        except OSError:
            return None
        if self._mapped is None or self._mapped[0] != mark:
            with Index(self.index_path, frozen=self._given is None) as index:
                self._mapped = mark, index.read()
        return self._mapped[1]

    def _mark(self) -> tuple[int, int]:
        """Return what changes whenever the index does."""
        state = self.index_path.stat()
        return state.st_mtime_ns, state.st_size

    def need_map(self) -> Mapped:
        """Return the map and its sounds.

        Raises
        ------
        SoundError
            ``corpus: 'mine' has no map yet; make it: latentlive corpus mine``
        """
        mapped = self.mapped
        if mapped is None:
            raise SoundError(
                f"corpus: {self.name!r} has no map yet; make it: latentlive corpus {self._given}"
            )
        return mapped
