"""Reading a log: line by line, each checked, never the whole in memory.

The first reading tells whether it can be played, how long it is and what it left. Playback reads
the decisions again as time goes on. A log is data: nothing in it is run.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from latentlive.corpus import recording
from latentlive.corpus.atlas import kept_atlas
from latentlive.curves import Curve, Num
from latentlive.effects.strip import pre_roll
from latentlive.engine.desk.decisions import (
    Decision,
    Marked,
    MasterSet,
    Renamed,
    SeedSet,
    Settled,
    SpaceNamed,
    Taped,
    TempoSet,
)
from latentlive.engine.desk.fades import MASTER_DB
from latentlive.engine.log.course import Course
from latentlive.engine.log.formats import Header, Upgrade, read_header
from latentlive.engine.log.journal import CLOSED
from latentlive.engine.timing import MARK_EVERY
from latentlive.errors import EngineError, LatentliveError, SoundError, printable
from latentlive.ground.names import on_disk
from latentlive.latent import OnMap, Recorded
from latentlive.models import load_model
from latentlive.protocol.clip import Source
from latentlive.protocol.kinds import NAME, TEXT
from latentlive.protocol.wire import MAX_BYTES, Message
from latentlive.renderer import Sounds
from latentlive.space import Space
from latentlive.units import Tempo

DAMAGE = (LatentliveError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError)
"""Errors that a damaged line may raise."""

LONGEST_LINE = MAX_BYTES
"""Bytes: a texture came in one message."""

MOST_PARTS = 1_000_000
"""Values in a line: a texture has at most 100,000 nodes."""

MOST_TEXTURES = MOST_RECORDINGS = 100_000

MOST_TOLD, LONGEST_TOLD = 10, 300
"""Missing recordings that a message names, and letters that it quotes of a line's fault."""

KEPT_BYTES = 16 * 2**20
"""Bytes of texture lines that are kept in memory, the newest."""


LAST_LINE = (json.dumps(CLOSED, separators=(",", ":")) + "\n").encode()


class Place(NamedTuple):
    """Where a texture stands in a log."""

    offset: int
    line: int


@dataclass
class Left:
    """What a performance left when it ended: it brings the layers back.

    Parameters
    ----------
    states : mapping of name to Settled
        Of the layers.
    position : int [samples]
        The last one that was noted.
    """

    tempo: Tempo
    seed: int
    position: int
    master: Curve = field(default_factory=lambda: Num(MASTER_DB))
    states: dict[str, Settled] = field(default_factory=dict)
    values: dict[str, Taped] = field(default_factory=dict)
    """The last value of each live source."""
    anything: bool = False
    """Whether anything was decided."""

    def take(self, decision: Decision) -> None:
        """Follow a decision."""
        self.anything = True
        match decision:
            case TempoSet():
                self.tempo = decision.tempo
            case SeedSet():
                self.seed = decision.seed
            case Marked():
                self.position = decision.at
            case MasterSet():
                self.master = decision.gain_db
            case Taped():
                self.values.pop(decision.source, None)  # the newest come last
                self.values[decision.source] = decision
            case Settled():
                self.states[decision.layer] = decision
            case Renamed() if decision.layer in self.states:
                self.states[decision.name] = self.states.pop(decision.layer)


class Texts:
    """The texts of a log, as digests."""

    def __init__(self) -> None:
        self._whole, self._before = hashlib.blake2b(), hashlib.blake2b()
        self._length = 0
        self._last = b""

    def add(self, text: str) -> None:
        """Take the next text."""
        self._before = self._whole.copy()
        self._last = text.encode(errors="backslashreplace")
        self._whole.update(self._last)
        self._length += len(self._last)

    def same(self, path: Path, size: int, closed: bool) -> bool:
        """Return whether the first bytes of a file are these texts.

        Of a log that was not closed the last text may be missing, or cut off.
        """
        begin = self._length - len(self._last)
        if not begin <= size <= self._length or (closed and size < self._length):
            return False
        found = hashlib.blake2b()
        with path.open("rb") as file:
            left = begin
            while left and (part := file.read(min(left, 1 << 20))):
                found.update(part)
                left -= len(part)
            rest = file.read(size - begin)
        return found.digest() == self._before.digest() and self._last.startswith(rest)


class Performance:
    """A log that was read.

    Parameters
    ----------
    path : Path
        The ``.py`` file, or the ``.jsonl`` beside it.

    Raises
    ------
    EngineError
        If there is no log, or it is damaged: with the file and the line.
    """

    header: Header

    def __init__(self, path: Path) -> None:
        self.path = on_disk(path.with_suffix(".jsonl"))
        self.closed = False
        self._places: dict[str, Place] = {}
        self._kept: OrderedDict[str, tuple[Source, int]] = OrderedDict()
        self._recorded: dict[tuple[str, str], Recorded] = {}
        self._maps: dict[str, OnMap] = {}
        """The maps that textures move on, each with a node that does."""
        self._spaces: set[tuple[str, str]] = set()
        """The spaces that layers named, with their digests."""
        self._texts = Texts()
        self._written = self._size_of_text()
        for decision in self._read(first=True):
            self.left.take(decision)
            if isinstance(decision, SpaceNamed):
                self._spaces.add((decision.name, decision.digest))
        self.layers = frozenset(self._course.layers)
        """The names that its layers had."""
        self.end = self._end()
        """One past the last sample that was heard, as far as is known."""

    def _end(self) -> int:
        course = self._course
        if not self.closed:
            # It was heard until the next mark would have been written.
            return course.marked + round(2 * MARK_EVERY * self.header.rate)
        return course.marked if course.marked > course.begins else course.latest

    def pre_roll(self, begin: int) -> int:
        """Return the sample from which all must be rendered so that effects hold at `begin` what
        they held when it was played: `begin` itself where nothing has effects."""
        return pre_roll(begin, self.header.rate) if self._course.effects else begin

    def decisions(self) -> Iterator[Decision]:
        """Yield every decision in order, read from the file as needed.

        Raises
        ------
        EngineError
            If the file is no longer what it was.
        """
        return self._read()

    def _read(self, first: bool = False) -> Iterator[Decision]:
        course: Course | None = None
        for number, offset, line in self._lines():
            try:
                entry = json.loads(line)
                if course is None:
                    header = read_header(entry)
                    course, rate = Course(header), header.rate
                    self._upgrade = Upgrade(header)
                    if first:
                        self.header, self._course = header, course
                        self.left = Left(header.tempo, header.seed, header.begins)
                elif "texture" in entry:
                    self._texture(entry, Place(offset, number), first)
                elif "text" in entry:
                    text = TEXT.coerce(entry["text"], "text")
                    if first:
                        self._texts.add(text)
                elif entry == CLOSED:
                    self.closed = True
                else:
                    decision = Decision.load(self._upgrade.decision(entry), self._known).at_rate(
                        rate
                    )
                    course.follow(decision)
                    yield decision
            except DAMAGE as error:
                raise self._damaged(number, error) from None
        if course is None:
            raise EngineError(f"log: {self.path} is empty")

    def _damaged(self, number: int, error: Exception) -> EngineError:
        why = "nested too deeply" if isinstance(error, RecursionError) else printable(str(error))
        why = why if len(why) <= LONGEST_TOLD else f"{why[:LONGEST_TOLD]} ..."
        return EngineError(f"log: {self.path}, line {number}: damaged ({why})")

    def _lines(self) -> Iterator[tuple[int, int, str]]:
        """Yield number, offset and text of each line, but not a line that a crash has cut off."""
        try:
            with self.path.open("rb") as file:
                number = offset = 0
                while line := file.readline(LONGEST_LINE + 1):
                    number += 1
                    if len(line) > LONGEST_LINE:
                        raise self._damaged(number, ValueError("no line is that long"))
                    if not line.endswith(b"\n"):
                        return
                    if sum(map(line.count, (b",", b"[", b"{"))) > MOST_PARTS:
                        raise self._damaged(number, ValueError("it holds too many values"))
                    try:
                        yield number, offset, line.decode()
                    except UnicodeDecodeError as error:
                        raise self._damaged(number, error) from None
                    offset += len(line)
        except OSError as error:
            raise EngineError(f"log: cannot read {self.path}: {error.strerror}") from None

    def _texture(self, entry: Message, place: Place, first: bool) -> None:
        key = NAME.coerce(entry["texture"], "texture")
        if not first:
            self._places.setdefault(key, place)
            return
        if key in self._places or len(key) > 64:
            raise ValueError("a texture comes once, under a short name")
        if len(self._places) == MOST_TEXTURES:
            raise ValueError(f"a log holds at most {MOST_TEXTURES} textures")
        source = self._source(entry)
        self._places[key] = place
        for node in source.expr.walk():
            digest = source.sounds.get(node.digest)
            if digest is not None and isinstance(node, Recorded):
                self._recorded[node.digest, digest] = node
            elif digest is not None and isinstance(node, OnMap):
                self._maps[digest] = node
        if len(self._maps) + len(self._recorded) > MOST_RECORDINGS:
            raise ValueError(f"a log needs at most {MOST_RECORDINGS} recordings")

    def _known(self, key: Any) -> str:
        """Return the key of a texture that the log has told of."""
        if not isinstance(key, str) or key not in self._places:
            raise EngineError(f"there is no texture {printable(str(key))[:64]} here")
        return key

    def source(self, key: str) -> Source:
        """Return a texture by its digest.

        Raises
        ------
        EngineError
            If the log does not have it.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key][0]
        self._known(key)
        offset, number = self._places[key]
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                line = file.readline(LONGEST_LINE)
            source = self._source(json.loads(line))
        except OSError as error:
            raise EngineError(f"log: cannot read {self.path}: {error.strerror}") from None
        except DAMAGE as error:
            raise self._damaged(number, error) from None
        self._kept[key] = source, len(line)
        while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return source

    def _source(self, entry: Message) -> Source:
        """Return the texture of a line, its code safe to be shown in a terminal."""
        known = {key: entry[key] for key in ("expr", "code", "sounds")}
        known |= {key: entry[key] for key in ("channels",) if key in entry}
        source = Source.load(self._upgrade.texture(known))
        return source.changed(code=printable(source.code))

    def _size_of_text(self) -> int | None:
        try:
            return self.path.with_suffix(".py").stat().st_size
        except OSError:
            return None

    @property
    def edited(self) -> bool:
        """Whether the ``.py`` file was edited since it was written.

        Without one, nothing was edited.
        """
        if self._written is None:
            return False
        try:
            return not self._texts.same(self.path.with_suffix(".py"), self._written, self.closed)
        except OSError:
            return True

    def check_model(self, space: Space) -> None:
        """Refuse a model other than the one it was played with, and changed spaces.

        Raises
        ------
        EngineError
            With the names of both.
        """
        if self.header.model != space.digest:
            raise EngineError(
                f"log: it was played with the model {self.header.name!r} "
                f"({self.header.model[:8]}), this one is {space.name!r} ({space.digest[:8]}); "
                "say --model FILE"
            )
        for name, digest in sorted(self._spaces):
            try:
                found = load_model(name).digest
            except LatentliveError as error:
                raise EngineError(
                    f"log: it was played with .on({name!r}): {error}; put the file back, or run "
                    "this in the folder where it was played"
                ) from None
            if found != digest:
                raise EngineError(
                    f"log: it was played with .on({name!r}), which is another space now; "
                    "put the file back, or --perform runs its code anew"
                )

    def check_sounds(self, sounds: Sounds) -> None:
        """Find every recording and map that it needs, in the cache or where `sounds` finds them.

        Raises
        ------
        EngineError
            With the names of those that are missing, or are not what was played.
        """
        missing: list[str] = []
        for (_, digest), node in self._recorded.items():
            try:
                recording(digest)
            except SoundError:
                missing += _found(node, digest, sounds)
        for digest, mover in self._maps.items():
            try:
                missing += kept_atlas(digest).missing
            except SoundError:
                missing += _found_map(mover, digest, sounds)
        if missing := list(dict.fromkeys(missing)):
            more = f"; and {len(missing) - MOST_TOLD} more" if len(missing) > MOST_TOLD else ""
            raise EngineError(f"log: {'; '.join(missing[:MOST_TOLD])}{more}")

    @property
    def recordings(self) -> list[str]:
        """The digests of the decoded sounds that it needs."""
        return sorted({one for _, told in self._recorded for one in told.split()})

    @property
    def maps(self) -> list[str]:
        """The digests of the maps that its textures move on."""
        return sorted(self._maps)

    @property
    def spaces(self) -> list[str]:
        """The spaces that its layers named."""
        return sorted({name for name, _ in self._spaces})

    def settle(self) -> None:
        """Mark the log as ended: its layers have gone on elsewhere."""
        try:
            with self.path.open("r+b") as file:
                file.truncate(_whole(self.path))  # a crash may have cut off the last line
                file.seek(0, 2)
                file.write(LAST_LINE)
        except OSError as error:
            raise EngineError(f"log: cannot write {self.path}: {error.strerror}") from None


def was_closed(path: Path) -> bool:
    """Return whether the last whole line of a log says that it has ended."""
    try:
        with path.open("rb") as file:
            file.seek(max(_whole(path) - len(LAST_LINE), 0))
            return file.read(len(LAST_LINE)) == LAST_LINE
    except OSError as error:
        raise EngineError(f"log: cannot read {path}: {error.strerror}") from None


def _whole(path: Path) -> int:
    """Return how many bytes of a file are whole lines."""
    size = path.stat().st_size
    with path.open("rb") as file:
        while size:
            begin = max(size - (1 << 16), 0)
            file.seek(begin)
            found = file.read(size - begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            size = begin
    return 0


def _found(sound: Recorded, digest: str, sounds: Sounds) -> list[str]:
    """Return what is wrong with a recording where it is found, nothing if it is the same."""
    try:
        known = sounds(sound)
    except SoundError as error:
        return [str(error)]
    if digest in (known.digest, known.recording):  # the mix alone, in logs of mono versions
        return []
    return [f"{sound!r} is not the recording that was played"]


def _found_map(mover: OnMap, digest: str, sounds: Sounds) -> list[str]:
    """Return what is wrong with a map that is gone from the cache: nothing if it is the same."""
    try:
        known = sounds.atlas(mover).digest
    except SoundError as error:
        return [str(error)]
    return [] if known == digest else [f"the map of {mover!r} is not the one that was played on"]
