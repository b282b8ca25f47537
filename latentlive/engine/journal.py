"""The log of a performance: a session to read, and every decision to the sample beside it.

``FILE.py`` holds the cells that were typed, each with its moment. ``FILE.jsonl`` holds, a line
each, what it was played with, the textures as resolved data, the texts as they were written, and
the decisions that made the sound. Both are written line by line: a crash loses nothing.
"""

from __future__ import annotations

import hashlib
import json
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from latentlive.corpus import stored
from latentlive.engine.envelope import Setting
from latentlive.engine.levels import curve_of
from latentlive.engine.part import Part, Source
from latentlive.engine.shapes import (
    BEATS,
    DECISIONS,
    FLAG,
    NAME,
    PACE,
    PAIR,
    SAID,
    SAMPLE,
    SEED,
    TEXTURE,
    WIDE,
    check_shape,
)
from latentlive.engine.voices import State
from latentlive.engine.wire import Message
from latentlive.errors import EngineError, LatentliveError, SoundError
from latentlive.expr import Kind, Maybe, Whole, dump, load
from latentlive.latent import Recorded
from latentlive.renderer import Sounds
from latentlive.space import Space

FORMAT = 2
"""1 counted positions inside recordings in windows, 2 counts them in seconds."""

HEADER: dict[str, Kind] = {
    "model": NAME,
    "rate": Whole(least=8000, most=192_000),
    "channels": Whole(least=2, most=16),
    "seed": SEED,
    "pid": Whole(),
    "tempo": PACE,
    "begins": SAMPLE,
}
TEXTS = ("name", "model_file", "corpus")
"""What a header holds; the texts may be empty."""

PLAIN: dict[str, Kind] = {
    **{"fade": BEATS, "xfade": BEATS, "quant": BEATS, "morph": FLAG},
    **{"wide": WIDE, "pair": PAIR, "muted": FLAG, "soloed": FLAG},
}
"""What a state holds besides texture and curves."""

DAMAGE = (LatentliveError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError)
"""What a line that is not as it was written may raise."""


class Journal:
    """Writes a log, in a thread of its own: a disk may stall, and a texture may be long.

    Parameters
    ----------
    path : Path
        Ends in ``.py``.
    header : mapping
        What the performance is played with.
    say : function of a line

    Raises
    ------
    EngineError
        If it cannot be written.
    """

    def __init__(self, path: Path, header: Message, say: Callable[[str], object]) -> None:
        if path.suffix != ".py":
            raise EngineError(f"log: the file must end in .py, got {path.name!r}")
        self.path, self._say, self._known = path, say, set[str]()
        self._moment = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._text = path.open("w", encoding="utf-8")
            self._lines = path.with_suffix(".jsonl").open("w", encoding="utf-8")
        except OSError as error:
            raise EngineError(f"log: cannot write {path}: {error.strerror}") from None
        self._broken = False
        self._queue: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()
        self.note({"format": FORMAT, **header})

    def _write(self) -> None:
        """Write what was noted until it is closed, or cannot be written any more."""
        try:
            while (noted := self._queue.get()) is not None:
                if "text" in noted:
                    self._text.write(noted["text"])
                    self._text.flush()
                self._line({key: self._plain(value) for key, value in noted.items()})
            self._text.close()
            self._lines.close()
        except (OSError, ValueError) as error:
            self._broken = True
            why = error.strerror if isinstance(error, OSError) else error
            self._say(f"log: cannot write {self.path}: {why}; it ends here")

    def _line(self, message: Message) -> None:
        self._lines.write(json.dumps(message, separators=(",", ":")) + "\n")
        self._lines.flush()

    def note(self, decision: Message) -> None:
        """Write a decision, soon; it is not to be changed any more."""
        if not self._broken:
            self._queue.put(decision)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Part):
            return value.dump(self._key)
        if isinstance(value, State):
            return dump_state(value, self._key)
        return value

    def _key(self, source: Source) -> str:
        """Return the digest of a texture, written out when it comes up first."""
        text = json.dumps(source, sort_keys=True, separators=(",", ":"))
        key = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        if key not in self._known:
            self._known.add(key)
            self._line({"texture": key, **source})
        return key

    def cell(self, code: str, name: str, sample: int, beat: float, rate: int) -> None:
        """Write a cell that was typed, with the moment at which it is to land."""
        self._moment = max(self._moment, sample)  # a session's moments rise
        minutes, seconds = divmod(self._moment / rate, 60.0)
        hours, minutes = divmod(int(minutes), 60)
        stamp = f"{hours:02d}:{minutes:02d}:{int(seconds * 1000) / 1000:06.3f}"
        place = json.dumps({"sample": self._moment, "beat": round(beat, 3)})
        heading = " ".join(part for part in ("# %%", stamp, name, place) if part)
        text = f"{heading}\n{code.rstrip()}\n\n"
        # Half a surrogate pair can be typed, and not be written.
        self.note({"text": text.encode(errors="backslashreplace").decode()})

    def close(self, patience: float = 5.0, ended: bool = True) -> None:
        """End the log; wait so many seconds at most for a slow disk.

        Unless it has `ended` in good order, its layers can be resumed.
        """
        if ended:
            self.note({"do": "closed", "at": 0})
        self._broken = True  # nothing is noted any more
        self._queue.put(None)
        self._writer.join(patience)


class Performance:
    """A log that was read.

    Parameters
    ----------
    path : Path
        The ``.py`` file, or the ``.jsonl`` beside it.

    Raises
    ------
    EngineError
        If there is no log, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.with_suffix(".jsonl")
        self.decisions: list[Message] = []
        self.textures: dict[str, Source] = {}
        self.header: Message = {}
        self.closed = False
        text = []
        for number, line in enumerate(self._read(), 1):
            try:
                entry = json.loads(line)
                if number == 1:
                    self.header = _checked(entry)
                elif "texture" in entry:
                    known = {key: entry[key] for key in ("expr", "code", "sounds")}
                    self.textures[entry["texture"]] = TEXTURE.coerce(known, "texture")
                elif "text" in entry:
                    text.append(SAID.coerce(entry["text"], "text"))
                elif entry["do"] == "closed":
                    self.closed = True
                else:
                    self._check(entry)
                    self.decisions.append(entry)
            except DAMAGE as error:
                raise EngineError(f"log: {self.path}, line {number}: damaged ({error})") from None
        if not self.header:
            raise EngineError(f"log: {self.path} is empty")
        self.text = "".join(text)

    def _check(self, decision: Message) -> None:
        """Refuse a decision that could not be taken again."""
        check_shape(decision, DECISIONS, "decision", "do")
        if 2 * int(decision.get("pair", 0)) + 2 > self.header["channels"]:
            raise EngineError(f"no pair {decision['pair']} of channels")
        if decision["do"] == "start":
            Part.load(decision["part"], self.header["rate"], self.source)
        elif decision["do"] == "state":
            load_state(decision["state"], self.source)
        elif decision["do"] == "level":
            Setting().changed(0, **{word: curve_of(c) for word, c in decision["curves"].items()})

    def _read(self) -> Iterator[str]:
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise EngineError(f"log: cannot read {self.path}: {error}") from None
        # What follows the last line break was cut off when the engine was killed.
        yield from lines[:-1]

    @property
    def edited(self) -> bool:
        """Whether the ``.py`` file is no longer what was written with the decisions."""
        try:
            return self.path.with_suffix(".py").read_text(encoding="utf-8") != self.text
        except (OSError, UnicodeDecodeError):
            return False

    def check_model(self, space: Space) -> None:
        """Refuse a model that it was not played with.

        Raises
        ------
        EngineError
            With the names of both.
        """
        if self.header["model"] != space.digest:
            raise EngineError(
                f"log: it was played with the model {self.header['name']!r} "
                f"({self.header['model'][:8]}), this one is {space.name!r} ({space.digest[:8]}); "
                "say --model FILE"
            )

    def check_sounds(self, sounds: Sounds) -> None:
        """Find every recording that it needs, in the cache or where `sounds` finds them.

        Raises
        ------
        EngineError
            With the names of those that are missing, or are not what was played.
        """
        missing: list[str] = []
        for texture in self.textures.values():
            for node in load(texture["expr"]).walk():
                digest = texture["sounds"].get(node.digest)
                if digest is None or not isinstance(node, Recorded):
                    continue
                try:
                    stored(digest)
                except SoundError:
                    missing += _found(node, digest, sounds)
        if missing:
            raise EngineError("log: " + "; ".join(dict.fromkeys(missing)))

    def settle(self) -> None:
        """Mark the log as ended: its layers have gone on elsewhere."""
        try:
            with self.path.open("r+b") as file:
                whole = file.read().rfind(b"\n") + 1  # the last line may have been cut off
                file.seek(whole)
                file.truncate()
                file.write(b'{"do":"closed","at":0}\n')
        except OSError as error:
            raise EngineError(f"log: cannot write {self.path}: {error.strerror}") from None

    @property
    def end(self) -> int:
        """The last sample that the log knows of."""
        return max((int(d["at"]) for d in self.decisions), default=int(self.header["begins"]))

    def source(self, key: str) -> Source:
        """Return a texture by its digest.

        Raises
        ------
        EngineError
            If the log does not have it.
        """
        if key not in self.textures:
            raise EngineError(f"log: {self.path} lacks the texture {key}")
        return self.textures[key]


def _found(sound: Recorded, digest: str, sounds: Sounds) -> list[str]:
    """Return what is wrong with a recording where it is found, nothing if it is the same."""
    try:
        known = sounds(sound).digest
    except SoundError as error:
        return [str(error)]
    return [] if known == digest else [f"{sound!r} is not the recording that was played"]


def _checked(header: Message) -> Message:
    if header["format"] != FORMAT:
        told = f"format {header['format']}, this version reads {FORMAT}"
        raise ValueError(f"{told}; --perform plays its cells anew")
    for key, kind in HEADER.items():
        kind.coerce(header[key], key)
    for key in TEXTS:
        SAID.coerce(header.get(key, ""), key)
    if header["channels"] % 2:
        raise ValueError(f"channels must be even, got {header['channels']}")
    return header


def dump_state(state: State, source: Callable[[Source], Any]) -> Message:
    """Return a layer's state as JSON data."""
    return {
        "source": None if state.source is None else source(state.source),
        "origin": state.origin,
        "gain_db": dump(state.gain_db),
        "amp": dump(state.amp),
        "pan": dump(state.pan),
        **{word: getattr(state, word) for word in PLAIN},
    }


def load_state(data: Message, source: Callable[[Any], Source]) -> State:
    """Return the state that `dump_state` wrote."""
    key = data["source"]
    return State(
        source=None if key is None else source(key),
        origin=Maybe(Whole()).coerce(data["origin"], "origin"),
        gain_db=curve_of(data["gain_db"]),
        amp=curve_of(data["amp"]),
        pan=curve_of(data["pan"]),
        **{word: kind.coerce(data[word], word) for word, kind in PLAIN.items()},
    )
