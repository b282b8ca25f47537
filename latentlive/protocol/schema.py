"""What messages to the engine, and logs, may hold: every value of its kind, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from latentlive.curves import Curve
from latentlive.errors import EngineError, ExpressionError
from latentlive.expr import Beats, Kind, Maybe, Number, Text, Whole, load
from latentlive.expr.fields import shown
from latentlive.ground.files import can_be_called
from latentlive.latent import join_of
from latentlive.protocol.levels import curve_of, within
from latentlive.protocol.wire import Message
from latentlive.units import Tempo

LONGEST_WORD = 100
"""Letters that the name of a layer may have: stems are called by it."""


class Flag(Kind):
    """True or False."""

    def coerce(self, value: Any, place: str) -> bool:
        """Return the value as it is."""
        if not isinstance(value, bool):
            raise ExpressionError(f"{place} must be true or false, got {shown(value)}")
        return value


class Said(Kind):
    """Text, perhaps none."""

    def coerce(self, value: Any, place: str) -> str:
        """Return the value as it is."""
        if not isinstance(value, str):
            raise ExpressionError(f"{place} must be text, got {shown(value)}")
        return value


class Word(Text):
    """The name of a layer: a word that could be typed."""

    def coerce(self, value: Any, place: str) -> str:
        """Return the name, refused if it is no word or too long for a file."""
        name = super().coerce(value, place)
        if not name.isidentifier() or len(name) > LONGEST_WORD:
            raise ExpressionError(
                f"{place}: a name is a word such as 'sea', of at most {LONGEST_WORD} letters, "
                f"got {shown(name)}"
            )
        return name


class FilePath(Text):
    """A path that a file could have."""

    def coerce(self, value: Any, place: str) -> str:
        """Return the value, refused if no file can be called so."""
        super().coerce(value, place)
        path: str = value  # the form in which it is given may be that of the file
        if not can_be_called(path):
            raise ExpressionError(f"{place}: no file can be called {shown(path)}")
        return path


class ListOf(Kind):
    """A list of what another kind holds, or of anything."""

    def __init__(self, kind: Kind | None = None) -> None:
        self.kind = kind

    def coerce(self, value: Any, place: str) -> list[Any]:
        """Return the list with each of its items as the kind wants it."""
        if not isinstance(value, list):
            raise ExpressionError(f"{place} must be a list, got {shown(value)}")
        return value if self.kind is None else [self.kind.coerce(item, place) for item in value]


class Data(Kind):
    """An object, whatever it holds."""

    def coerce(self, value: Any, place: str) -> Message:
        """Return the value as it is."""
        if not isinstance(value, dict):
            raise ExpressionError(f"{place} must be an object, got {shown(value)}")
        return value


class Follows(Kind):
    """The name of a cue, and the beats after it."""

    def coerce(self, value: Any, place: str) -> tuple[str, float]:
        """Return name and beats."""
        if not isinstance(value, list) or len(value) != 2:
            raise ExpressionError(f"{place} must be a name and beats, got {shown(value)}")
        return NAME.coerce(value[0], place), BEATS.coerce(value[1], place)


class Pace(Kind):
    """A tempo as plain data."""

    def coerce(self, value: Any, place: str) -> Tempo:
        """Return the tempo, at any sample rate."""
        return Tempo.load(ListOf().coerce(value, place), 44100)


class Level(Kind):
    """A curve of beats, as JSON data; a number within the bounds of its word, if it has one."""

    def __init__(self, word: str = "") -> None:
        self.word = word

    def coerce(self, value: Any, place: str) -> Curve:
        """Return the curve."""
        curve = curve_of(value)
        return within(self.word, curve, place) if self.word else curve


class Played(Kind):
    """A texture: its expression as JSON data, its code, the digests of its recordings."""

    def coerce(self, value: Any, place: str) -> Message:
        """Return the value as it is."""
        known = isinstance(value, dict) and set(value) == {"expr", "code", "sounds"}
        if not known or not isinstance(value["sounds"], dict):
            raise ExpressionError(f"{place} must be a texture, got {shown(value)}")
        for text in (value["code"], *value["sounds"].values()):
            SAID.coerce(text, place)
        join_of(load(value["expr"]))
        texture: Message = value
        return texture


NAME, SAID, FLAG, LEVEL, TEXTURE = Text(), Said(), Flag(), Level(), Played()
DATA, PACE, PATH, WORD = Data(), Pace(), FilePath(), Word()
BEATS = Beats(least=0.0)
BPM = Number("beats a minute", least=1.0, most=2000.0)
SEED = Whole()
SAMPLE = Whole("samples", most=2**62)
SECONDS = Number("seconds", least=0.0, most=3600.0)
WIDE = Number(least=0.0, most=1.0)
PAIR = Whole(most=7)
SLOT = Whole(most=1100)
SERIAL = Whole(most=2**40 - 1)
OVER = Whole("samples", most=2**44)
"""A million beats at one a minute, at any sample rate."""


class Shape(NamedTuple):
    """The fields of a message, by name.

    Parameters
    ----------
    needed : mapping of name to Kind
    optional : mapping of name to Kind
    """

    needed: Mapping[str, Kind] = {}
    optional: Mapping[str, Kind] = {}


CHANGES = {
    "play": Shape({"layer": WORD, "source": TEXTURE}),
    "set": Shape(
        {"layer": WORD},
        {
            "gain_db": Level("gain_db"),
            "amp": Level("amp"),
            "pan": Level("pan"),
            "fade": BEATS,
            "xfade": BEATS,
            "quant": BEATS,
            "morph": FLAG,
            "wide": WIDE,
            "pair": PAIR,
        },
    ),
    "stop": Shape({"layer": WORD}, {"fade": Maybe(BEATS)}),
    "hush": Shape({}, {"fade": Maybe(BEATS)}),
    "restart": Shape({"layer": WORD}),
    "mute": Shape({"layer": WORD, "muted": FLAG}),
    "only": Shape({"layers": ListOf(WORD)}),
    "rename": Shape({"layer": WORD, "name": WORD}),
    "master": Shape({"gain_db": Level("gain_db")}),
    "tempo": Shape({"bpm": BPM}, {"over": BEATS}),
}
"""What a cell is made of."""

PLANS = {
    "cell": Shape({"changes": ListOf()}, {"beat": BEATS, "cue": NAME, "follows": Follows()}),
    "go": Shape({"name": NAME}, {"beat": BEATS}),
}

REQUESTS = {
    "cell": Shape(
        {"changes": ListOf()},
        {
            **{"plans": ListOf(), "at": Maybe(SAMPLE), "acts": ListOf()},
            **{"code": SAID, "name": SAID, "failed": SAID},
        },
    ),
    "go": Shape({"name": NAME}),
    "cancel": Shape({"name": NAME}),
    "audition": Shape({}, {"name": Maybe(NAME), "source": TEXTURE}),
    "undo": Shape(),
    "redo": Shape(),
    "seed": Shape({"n": SEED}),
    "start": Shape(),
    "record": Shape({"path": PATH}, {"stems": Maybe(PATH), "whole": FLAG}),
    "stop recording": Shape(),
    "panic": Shape(),
    "quit": Shape({}, {"fade": SECONDS}),
    "state": Shape(),
}
"""What a client may ask for."""

ACTS = {
    op: REQUESTS[op]
    for op in ("panic", "undo", "redo", "record", "stop recording", "audition", "cancel", "seed")
}
"""What of it can wait for the moment of a cell."""


VOICE = {"at": SAMPLE, "voice": SERIAL}
TURNED = {**VOICE, "level": Number(least=0.0, most=1.0), "over": OVER}
LAYER = {"at": SAMPLE, "layer": WORD, "slot": SLOT}

DECISIONS = {
    "start": Shape({**VOICE, **LAYER, "wide": WIDE, "pair": PAIR, "over": OVER, "part": DATA}),
    "fade": Shape(TURNED),
    "gate": Shape(TURNED),
    "level": Shape({"at": SAMPLE, "slot": SLOT, "glide": FLAG, "curves": DATA}),
    "master": Shape({"at": SAMPLE, "gain_db": LEVEL}),
    "tempo": Shape({"at": SAMPLE, "tempo": PACE}),
    "seed": Shape({"at": SAMPLE, "seed": SEED}),
    "end": Shape(VOICE),
    "hole": Shape({**VOICE, "to": SAMPLE, "side": Whole(most=1)}),
    "state": Shape({**LAYER, "state": DATA}),
    "rename": Shape({"at": SAMPLE, "layer": WORD, "name": WORD}),
    "space": Shape({"at": SAMPLE, "name": NAME, "digest": NAME}),
    "panic": Shape({"at": SAMPLE}),
    "mark": Shape({"at": SAMPLE}),
}
"""What a log tells of."""


def check_shape(message: Any, shapes: Mapping[str, Shape], what: str, key: str = "op") -> None:
    """Refuse a message that has none of some shapes.

    Parameters
    ----------
    message : message
        With the name of a shape under `key`, and perhaps an 'id'.
    shapes : mapping of name to Shape
    what : str
        What such a message is called.
    key : str

    Raises
    ------
    LatentliveError
        With the first thing wrong.
    """
    op = message.get(key) if isinstance(message, dict) else None
    if not isinstance(op, str) or op not in shapes:
        raise EngineError(f"engine: no {what} {shown(op)}")
    shape = shapes[op]
    for field in shape.needed:
        if field not in message:
            raise EngineError(f"engine: {op}: {field} is missing")
    kinds = {**shape.needed, **shape.optional}
    for field in sorted(set(message) - {key, "id"}):
        if field not in kinds:
            raise EngineError(f"engine: {op}: no field {field!r}")
        kinds[field].coerce(message[field], f"{op}: {field}")
