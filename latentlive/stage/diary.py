"""The log of a performance as it grows: typed cells, textures, voices and what arrived.

Only the end of the file is read each time. A line that is not whole yet waits for the next look.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from latentlive.curves import Tapes
from latentlive.curves.tapes import Point
from latentlive.engine.desk.decisions import (
    Decision,
    Ended,
    Marked,
    Panicked,
    Renamed,
    SeedSet,
    Started,
    Taped,
    TempoSet,
)
from latentlive.errors import LatentliveError, printable
from latentlive.protocol.clip import Clip, Source

AT_ONCE = 4 << 20
"""Bytes that are read at a time: a long log is caught up with in a few looks."""

CELLS = 40
"""Cells that are kept, the newest."""

TEXTURES = 200
"""Textures that are kept at hand."""

LONGEST = 4000
"""Characters of a cell that are kept."""

HEADING = re.compile(r"# %% (?P<stamp>\d+:\d\d:\d\d\.\d+) ?(?P<name>.*?) ?(?P<place>\{.*\})$")

ERROR = re.compile(r"\w+Error\((?P<quote>['\"])(?P<text>.*)(?P=quote)\)")

READ = {"start", "end", "tempo", "tape", "rename", "panic", "seed", "mark"}


class Typed(NamedTuple):
    """A cell as it was typed.

    Parameters
    ----------
    number : int
    sample : int
        At which it was to land.
    name : str
        Of the cell in a session, or empty.
    code : str
    error : str
        The line that refused it, or empty.
    """

    number: int
    sample: int
    name: str
    code: str
    error: str


@dataclass(frozen=True, eq=False)
class Voice:
    """A voice of a layer, from a sample on; another tempo or name makes another one of it."""

    serial: int
    start: int
    layer: str
    slot: int
    clip: Clip[Source]


def _said(failed: str) -> str:
    """Return what an error says, without the name of its class.

    >>> _said("SoundError('sound: no gnog')"), _said("KeyError(3)")
    ('sound: no gnog', 'KeyError(3)')
    """
    found = ERROR.fullmatch(failed)
    return failed if found is None else found["text"]


class Tail:
    """The lines that a file has got since the last look.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self._path, self._at, self._rest = path, 0, b""

    def lines(self) -> list[tuple[int, bytes]]:
        """Return the whole lines that are new, each with where it begins."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                data = self._rest + file.read(AT_ONCE)
        except OSError:
            return []
        begin = self._at - len(self._rest)
        self._at = begin + len(data)
        *lines, self._rest = data.split(b"\n")
        ends = itertools.accumulate((len(line) + 1 for line in lines), initial=begin)
        return list(zip(ends, lines, strict=False))

    def again(self, begin: int) -> bytes:
        """Return the line that begins at a byte of the file."""
        with self._path.open("rb") as file:
            file.seek(begin)
            return file.readline()


class Diary:
    """What the log of a performance tells of its present.

    Parameters
    ----------
    log : str
        The ``.py`` file; its ``.jsonl`` lies beside it.
    rate : int [samples a second]
    typed : str
        The ``.jsonl``'s ``.py`` whose cells are shown: of a replay, that of the performance.
    """

    def __init__(self, log: str, rate: int, typed: str = "") -> None:
        self.rate = rate
        self._tail = Tail(Path(log).with_suffix(".jsonl"))
        self._other = Tail(Path(typed).with_suffix(".jsonl")) if typed else None
        self.cells: deque[Typed] = deque(maxlen=None if typed else CELLS)
        self.voices: dict[int, Voice] = {}
        self.tapes = Tapes(rate)
        self.seed = 0
        self._textures: dict[str, int] = {}
        """Where the line of each texture begins: one may come again in hours."""
        self._loaded: OrderedDict[str, Source] = OrderedDict()
        self._number = 0

    def look(self) -> bool:
        """Read what is new; return whether there was anything."""
        lines = self._tail.lines()
        for begin, line in lines:
            self._take(begin, line)
        for begin, line in self._other.lines() if self._other else ():
            if line.startswith(b'{"text"'):
                self._take(begin, line)
        return bool(lines)

    def _take(self, begin: int, line: bytes) -> None:
        try:
            told = json.loads(line)
            if not isinstance(told, dict):
                return
            if isinstance(told.get("text"), str):
                self._cell(told["text"], str(told.get("failed", "")))
            elif "texture" in told:
                self._textures[str(told["texture"])] = begin
            elif told.get("do") in READ:
                self._decided(Decision.load(told, self._source).at_rate(self.rate))
            elif "do" not in told and isinstance(told.get("seed"), int):
                self.seed = told["seed"]
        except (LatentliveError, ValueError, LookupError, TypeError, OSError, RecursionError):
            return  # a line of a later version, or a texture that this one cannot read

    def _source(self, key: Any) -> Any:
        if key not in self._loaded:
            told = json.loads(self._tail.again(self._textures[key]))
            del told["texture"]
            self._loaded[key] = Source.load(told)
            if len(self._loaded) > TEXTURES:
                self._loaded.popitem(last=False)
        return self._loaded[key]

    def _cell(self, text: str, failed: str) -> None:
        heading, _, code = text.partition("\n")
        found = HEADING.match(heading)
        place = json.loads(found["place"]) if found else {}
        rows = code.strip("\n").split("\n")
        if failed and rows[-1].startswith("# "):
            rows.pop()
        self._number += 1
        name = printable(found["name"])[:100] if found else ""
        whole = "\n".join(map(printable, rows))[:LONGEST]
        sample, error = int(place.get("sample", 0)), printable(_said(failed))
        self.cells.append(Typed(self._number, sample, name, whole, error))

    def _decided(self, decision: Decision) -> None:
        match decision:
            case Started():
                clip = decision.clip.mapped(lambda source: source, self.rate)
                started = (decision.voice, decision.at, decision.layer, decision.slot, clip)
                self.voices[decision.voice] = Voice(*started)
            case Ended():
                self.voices.pop(decision.voice, None)
            case Renamed():
                for serial, voice in self.voices.items():
                    if voice.layer == decision.layer:
                        self.voices[serial] = replace(voice, layer=decision.name)
            case TempoSet():
                for serial, voice in self.voices.items():
                    clip = voice.clip.timed(decision.tempo, decision.at)
                    self.voices[serial] = replace(voice, clip=clip)
            case Taped():
                self.tapes.take(Point(decision.at, decision.source, decision.value))
                self.tapes.close(decision.at)
            case Marked():
                self.tapes.close(max(decision.at - round(0.05 * self.rate), 0))
            case Panicked():
                self.voices.clear()
            case SeedSet():
                self.seed = decision.seed
            case _:
                pass
