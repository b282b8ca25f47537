"""What messages to the engine, and logs, may hold: every value of its kind, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from latentlive.curves import Curve
from latentlive.engine.wire import Message
from latentlive.errors import EngineError, ExpressionError, LatentliveError
from latentlive.expr import Beats, Kind, Maybe, Node, Number, Text, Whole, load
from latentlive.expr.fields import shown
from latentlive.latent import join_of
from latentlive.units import Tempo

MOST_WORK = 300
"""Values that a level's curve may ask for one of its own: a twentieth of a second for what is
written ahead."""


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
    """A curve of beats, as JSON data."""

    def coerce(self, value: Any, place: str) -> Curve:
        """Return the curve."""
        return curve_of(value)


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


def curve_of(data: Any) -> Curve:
    """Return the curve of a level that a message holds as JSON data, or as it was read before.

    Raises
    ------
    ExpressionError
        If it is no curve, or none that a level can follow.
    """
    if isinstance(data, Curve):
        return data
    node = load(data)
    if not isinstance(node, Curve):
        raise LatentliveError("gain, amp and pan take a number or a curve")
    return followed(node, "gain, amp and pan")


def followed(curve: Curve, place: str) -> Curve:
    """Return a curve that a level can follow.

    Raises
    ------
    ExpressionError
        If it is stretched over a length, which a layer does not have, or takes long to compute:
        levels are computed between two decisions of the engine.
    """
    if (work := _work(curve, {})) > MOST_WORK:
        raise ExpressionError(
            f"{place}: the curve asks for {work} values a moment, {MOST_WORK} is the most here; "
            "smooth it once, or less of it"
        )
    try:
        curve.at(0.0)
    except ExpressionError:
        raise ExpressionError(
            f"{place}: a layer has no length to fit an array to; "
            "give it a curve of beats such as line(-20, 0, 8)"
        ) from None
    return curve


def _work(node: Node, known: dict[str, int]) -> int:
    """Return how many values one value of a node takes."""
    if node.digest not in known:
        known[node.digest] = 1 + node.asks * sum(_work(child, known) for child in node.children)
    return known[node.digest]


NAME, SAID, FLAG, LEVEL, TEXTURE = Text(), Said(), Flag(), Level(), Played()
DATA, PACE = Data(), Pace()
BEATS = Beats(least=0.0)
BPM = Number("beats a minute", least=1.0, most=2000.0)
SEED = Whole()
SAMPLE = Whole("samples", most=2**62)
SECONDS = Number("seconds", least=0.0, most=3600.0)
WIDE = Number(least=0.0, most=1.0)
PAIR = Whole(most=7)
SLOT = Whole(most=10**6)


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
    "play": Shape({"layer": NAME, "source": TEXTURE}),
    "set": Shape(
        {"layer": NAME},
        {
            "gain_db": LEVEL,
            "amp": LEVEL,
            "pan": LEVEL,
            "fade": BEATS,
            "xfade": BEATS,
            "quant": BEATS,
            "morph": FLAG,
            "wide": WIDE,
            "pair": PAIR,
        },
    ),
    "stop": Shape({"layer": NAME}, {"fade": Maybe(BEATS)}),
    "hush": Shape({}, {"fade": Maybe(BEATS)}),
    "restart": Shape({"layer": NAME}),
    "mute": Shape({"layer": NAME, "muted": FLAG}),
    "only": Shape({"layers": ListOf(NAME)}),
    "rename": Shape({"layer": NAME, "name": NAME}),
    "master": Shape({"gain_db": LEVEL}),
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
        {"plans": ListOf(), "at": Maybe(SAMPLE), "code": SAID, "name": SAID, "failed": SAID},
    ),
    "go": Shape({"name": NAME}),
    "cancel": Shape({"name": NAME}),
    "audition": Shape({}, {"name": Maybe(NAME), "source": TEXTURE}),
    "undo": Shape(),
    "redo": Shape(),
    "seed": Shape({"n": SEED}),
    "start": Shape(),
    "record": Shape({"path": NAME}, {"stems": Maybe(NAME)}),
    "stop recording": Shape(),
    "panic": Shape(),
    "quit": Shape({}, {"fade": SECONDS}),
    "state": Shape(),
}
"""What a client may ask for."""


VOICE = {"at": SAMPLE, "voice": Whole()}
TURNED = {**VOICE, "level": Number(least=0.0, most=1.0), "over": SAMPLE}
LAYER = {"at": SAMPLE, "layer": NAME, "slot": SLOT}

DECISIONS = {
    "start": Shape({**VOICE, **LAYER, "wide": WIDE, "pair": PAIR, "over": SAMPLE, "part": DATA}),
    "fade": Shape(TURNED),
    "gate": Shape(TURNED),
    "level": Shape({"at": SAMPLE, "slot": SLOT, "glide": FLAG, "curves": DATA}),
    "master": Shape({"at": SAMPLE, "gain_db": LEVEL}),
    "tempo": Shape({"at": SAMPLE, "tempo": PACE}),
    "seed": Shape({"at": SAMPLE, "seed": SEED}),
    "end": Shape(VOICE),
    "hole": Shape({**VOICE, "to": SAMPLE, "side": Whole(most=1)}),
    "state": Shape({**LAYER, "state": DATA}),
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
