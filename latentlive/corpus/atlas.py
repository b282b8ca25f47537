"""An atlas: the places of a map's sounds, kept under the digest of all that it holds.

A texture that moves on the map names its atlas, so it means the same when the map has been made
again since. A sound is decoded when it is first reached; from then on its row stands for those
samples: it is noted beside the atlas by the process that was first.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from collections import OrderedDict
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from latentlive.corpus.audio import Audio
from latentlive.corpus.index import Mapped, rows_of
from latentlive.corpus.reading import read_audio
from latentlive.corpus.store import keep, stored
from latentlive.errors import SoundError
from latentlive.ground.files import working_file, write_whole
from latentlive.ground.names import normal
from latentlive.units import Floats

FOLDER = "maps"

OPEN = 256
"""Sounds of an atlas that stay open, the latest used."""

INSTEAD = 8
"""Nearest sounds that are tried where one cannot be read."""

BRIEFLY = 0.05
"""Seconds that a worker waits for a sound before it goes on with other layers."""


class Reached(NamedTuple):
    """What a row stands for.

    Parameters
    ----------
    row : int
        The row whose sound it is: another where the own one cannot be read.
    digest : str
        Of the samples.
    peak : float
    """

    row: int
    digest: str
    peak: float


class Atlas:
    """The sounds of a map at their places.

    Parameters
    ----------
    data : bytes
        JSON, as `drawn` writes it.

    Raises
    ------
    SoundError
        If the data are no atlas.
    """

    def __init__(self, data: bytes) -> None:
        self.digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        try:
            told: dict[str, Any] = json.loads(data)
            self.rate, self.folder = int(told["rate"]), Path(told["folder"])
            self.names: list[str] = told["names"]
            self.files: list[str] = told["files"]
            self.starts: list[float | None] = told["starts"]
            self.seconds: list[float] = told["seconds"]
            flat = np.frombuffer(base64.b64decode(told["places"]), "<f4").astype(np.float64)
            self.places: Floats = flat.reshape(len(self.names), 2)
        except (ValueError, KeyError, TypeError) as error:
            raise SoundError(f"corpus: a kept map is damaged: {error}") from None
        self._open: OrderedDict[int, Audio] = OrderedDict()
        self._beginning: dict[int, threading.Thread] = {}
        self._reached = Rows(f"{self.digest}.rows")

    @cached_property
    def _rows(self) -> dict[str, int | None]:
        return rows_of(self.names)

    def row(self, name: str) -> int | None:
        """Return the row of a sound's name, its folder left out or not; None if there is none."""
        return self._rows.get(normal(name))

    def audio(self, row: int, wait: bool = True) -> Audio | None:
        """Return the sound of a row.

        Parameters
        ----------
        row : int
        wait : bool
            Whether to wait while it is decoded for the first time; otherwise None is returned, and
            decoding goes on.

        Raises
        ------
        SoundError
            If neither it nor its neighbours can be read.
        """
        found = self._open.get(row)
        if found is None:
            reached = self._reached.get(row)
            if reached is None and not wait and not self._begun(row):
                return None
            found = self._loaded(row, reached or self._reach(row))
            self._open[row] = found
            if len(self._open) > OPEN:
                self._open.popitem(last=False)
        else:
            self._open.move_to_end(row)
        return found

    def _begun(self, row: int) -> bool:
        """Let a thread decode a row; return whether that is over."""
        thread = self._beginning.get(row)
        if thread is None:
            thread = threading.Thread(target=self._try, args=(row,), name="sounds of the map")
            thread.daemon = True
            self._beginning[row] = thread
            thread.start()
        thread.join(BRIEFLY)
        over = not thread.is_alive()
        if over:
            del self._beginning[row]
        return over

    def _try(self, row: int) -> None:
        try:
            self._reach(row)
        except SoundError:
            return  # it is tried again, and told, by who needs it

    def _reach(self, row: int) -> Reached:
        """Decode a row's sound, or the nearest that can be read, and note it."""
        apart = ((self.places - self.places[row]) ** 2).sum(axis=1)
        refused: SoundError | None = None
        for other in np.argsort(apart, kind="stable")[:INSTEAD].tolist():
            try:
                audio = self._read(other)
            except SoundError as error:
                refused = refused or error
                continue
            return self._reached.put(row, Reached(other, audio.digest, audio.peak))
        assert refused is not None
        raise refused

    def _read(self, row: int) -> Audio:
        whole = read_audio(self.folder / self.files[row], self.rate)
        start = self.starts[row]
        if start is None:
            return whole
        return part_of(whole, start, self.seconds[row], self.rate, self.names[row])

    def _loaded(self, row: int, reached: Reached) -> Audio:
        try:
            samples = stored(reached.digest)
        except SoundError:
            if self._read(reached.row).digest != reached.digest:
                name = self.names[row]
                raise SoundError(f"sound: {name!r} is not the recording that was played") from None
            samples = stored(reached.digest)
        return Audio(samples, reached.digest, known_peak=reached.peak)

    @property
    def missing(self) -> list[str]:
        """What is wrong with the sounds that were reached: nothing if all are there, or can be
        decoded again."""
        found = []
        for row, reached in self._reached.all().items():
            try:
                self._loaded(row, reached)
            except SoundError as error:
                found.append(str(error))
        return found


class Rows:
    """What rows stand for, in a file: a line each, the first of a row counts.

    Parameters
    ----------
    name : str
        Of the file.
    """

    def __init__(self, name: str) -> None:
        self._name, self._size = name, 0
        self._known: dict[int, Reached] = {}

    @cached_property
    def _path(self) -> Path:
        return working_file(self._name, FOLDER)

    def all(self) -> dict[int, Reached]:
        """Return all that are known by now."""
        try:
            if (size := self._path.stat().st_size) != self._size:
                self._size = size
                for line in self._path.read_text("ascii", "replace").splitlines():
                    if (found := _parsed(line)) is not None:
                        self._known.setdefault(*found)
        except OSError:
            return self._known  # nothing was noted, or no disk takes files
        return self._known

    def get(self, row: int) -> Reached | None:
        """Return what a row stands for, None if it was never reached."""
        found = self._known.get(row)
        return self.all().get(row) if found is None else found

    def put(self, row: int, reached: Reached) -> Reached:
        """Note what a row stands for; return what counts: another process may have been first."""
        line = f"\n{row} {reached.row} {reached.digest} {reached.peak!r} .\n"
        try:
            with self._path.open("ab") as file:
                file.write(line.encode())
        except OSError:
            self._known.setdefault(row, reached)
        return self.get(row) or reached


def _parsed(line: str) -> tuple[int, Reached] | None:
    """Return what a line says; None if it is empty, or cut off by a crash."""
    try:
        row, other, digest, peak, end = line.split()
        return (int(row), Reached(int(other), digest, float(peak))) if end == "." else None
    except ValueError:
        return None


def drawn(mapped: Mapped, folder: Path, rate: int) -> Atlas:
    """Return the atlas of a map whose sounds have places, and keep it.

    Parameters
    ----------
    mapped : Mapped
    folder : Path
        Of its files. Their sizes and times are part of the atlas: where one has changed, another
        atlas is drawn, and its sound is decoded anew.
    rate : int [samples a second]

    Raises
    ------
    SoundError
        If it cannot be kept.
    """
    assert mapped.places is not None
    data = {
        "rate": rate,
        "folder": os.path.abspath(folder),
        "edition": _edition(folder, mapped.files),
        "names": mapped.names,
        "files": mapped.files,
        "starts": mapped.starts,
        "seconds": mapped.map.seconds.tolist(),
        "places": base64.b64encode(mapped.places.astype("<f4").tobytes()).decode("ascii"),
    }
    text = json.dumps(data, separators=(",", ":")).encode()
    digest = hashlib.blake2b(text, digest_size=16).hexdigest()
    try:
        path = working_file(f"{digest}.json", FOLDER)
        if not path.is_file():
            write_whole(path, lambda beside: beside.write_bytes(text))
    except OSError as error:
        why = error.strerror or error
        raise SoundError(
            f"corpus: no room to keep the map: {why}; free some, or set LATENTLIVE_CACHE"
        ) from None
    return kept_atlas(digest)


def _edition(folder: Path, files: list[str]) -> str:
    """Return the digest of what the files are now, by size and time."""
    found = hashlib.blake2b(digest_size=16)
    for file in dict.fromkeys(files):
        try:
            state = os.stat(folder / file)
        except OSError:
            found.update(b"-")
        else:
            found.update(f"{state.st_size} {state.st_mtime_ns};".encode())
    return found.hexdigest()


@lru_cache(maxsize=8)
def kept_atlas(digest: str) -> Atlas:
    """Return the atlas that `drawn` kept under a digest.

    Raises
    ------
    SoundError
        If it is gone from the cache, or is damaged.
    """
    if not (len(digest) == 32 and set(digest) <= set("0123456789abcdef")):
        raise SoundError(f"corpus: {digest!r} is no digest of a map")
    try:
        data = working_file(f"{digest}.json", FOLDER).read_bytes()
    except OSError:
        raise SoundError(f"corpus: the map {digest} is gone from the cache") from None
    atlas = Atlas(data)
    if atlas.digest != digest:
        raise SoundError(f"corpus: the map {digest} in the cache is damaged")
    return atlas


def part_of(whole: Audio, start: float, seconds: float, rate: int, name: str) -> Audio:
    """Return a part of a recording, from `start` [seconds] on, as a sound of its own.

    Raises
    ------
    SoundError
        If it begins after the end.
    """
    first = round(start * rate)
    part = whole.part(first, max(round(seconds * rate), 1))
    if not len(part.samples):
        raise SoundError(f"sound: {name!r} begins after the end of its file")
    return keep(part)
