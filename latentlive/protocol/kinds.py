"""Kinds of the fields in messages and in a log's lines."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from latentlive.corpus.shelf import kept_name
from latentlive.curves import Curve, Num
from latentlive.effects.declared import EFFECTS, PARAMETERS
from latentlive.errors import ExpressionError
from latentlive.expr import Beats, Kind, Number, Text, Whole, dump, load
from latentlive.expr.fields import shown
from latentlive.ground.files import can_be_called
from latentlive.latent import Texture
from latentlive.latent.join import as_texture
from latentlive.protocol.levels import followed, within
from latentlive.units import Tempo

LONGEST_NAME = 100
"""Most letters in the name of a layer, which also names its stem."""

LONGEST_SOURCE = 200
"""Most letters in the name of a source."""

SET_ELSEWHERE = ("comp.by", "reverb.space")
"""What names a layer or a recording, and is no curve."""

KNOBS_OF = {
    **{f"{effect.name}.on": Number(least=0.0, most=1.0) for effect in EFFECTS},
    **{
        name: Number(parameter.unit, least=parameter.least, most=parameter.most)
        for name, parameter in PARAMETERS.items()
        if name not in SET_ELSEWHERE
    },
}
"""The bounds of what effects are set to, by effect and parameter."""

CURVES = 500
"""Most cached level curves: logs often repeat the same ones."""

ANY_RATE = 44100
"""The provisional sample rate of a loaded tempo."""


class Flag(Kind):
    """True or False."""

    def coerce(self, value: Any, place: str) -> bool:
        """Return the value unchanged."""
        if not isinstance(value, bool):
            raise ExpressionError(f"{place} must be true or false, got {shown(value)}")
        return value


class AnyText(Kind):
    """Text, perhaps empty."""

    def coerce(self, value: Any, place: str) -> str:
        """Return the value unchanged."""
        if not isinstance(value, str):
            raise ExpressionError(f"{place} must be text, got {shown(value)}")
        return value


class LayerName(Text):
    """The name of a layer: an identifier."""

    def coerce(self, value: Any, place: str) -> str:
        """Return the name; refuse it if it is no word or too long for a file."""
        name = super().coerce(value, place)
        if not name.isidentifier() or len(name) > LONGEST_NAME:
            raise ExpressionError(
                f"{place}: a name is a word such as 'sea', of at most {LONGEST_NAME} letters, "
                f"got {shown(name)}"
            )
        return name


class SourceName(Text):
    """The name of what values come from, such as ``knob:sea`` or ``cc:74:1:nanoKONTROL2``."""

    def coerce(self, value: Any, place: str) -> str:
        """Return the name; refuse it if it is too long."""
        name = super().coerce(value, place)
        if len(name) > LONGEST_SOURCE:
            raise ExpressionError(f"{place}: at most {LONGEST_SOURCE} letters, got {len(name)}")
        return name


class KeptName(Kind):
    """The name of a sound that is kept beside every corpus."""

    def coerce(self, value: Any, place: str) -> str:
        """Return the name."""
        return kept_name(value, place)


class FilePath(Text):
    """A valid path of a file."""

    def coerce(self, value: Any, place: str) -> str:
        """Return the value; refuse it if no file can have that path."""
        super().coerce(value, place)
        path: str = value  # not normalised: the file may have exactly this form
        if not can_be_called(path):
            raise ExpressionError(f"{place}: no file can be called {shown(path)}")
        return path


class Pace(Kind):
    """A tempo; after loading it has `ANY_RATE`."""

    def coerce(self, value: Any, place: str) -> Tempo:
        """Return the tempo."""
        if not isinstance(value, Tempo):
            raise ExpressionError(f"{place} must be a tempo, got {shown(value)}")
        return value

    def plain(self, value: Tempo, ref: Any, keep: Any) -> list[Any]:
        """Return the tempo without its rate."""
        return value.dump()

    def revive(self, data: Any, node: Any, kept: Any) -> Tempo:
        """Return the tempo."""
        return Tempo.load(data, ANY_RATE)


class Level(Kind):
    """A curve of beats for a level; a number stays within the bounds of its word."""

    def __init__(self, word: str = "") -> None:
        self.word = word

    def coerce(self, value: Any, place: str) -> Curve:
        """Return the curve."""
        if not isinstance(value, Curve):
            raise ExpressionError("levels and effects take a number or a curve")
        curve = followed(value, "levels and effects")
        return within(self.word, curve, place) if self.word else curve

    def plain(self, value: Curve, ref: Any, keep: Any) -> Any:
        """Return the curve's data, whole."""
        return dump(value)

    def revive(self, data: Any, node: Any, kept: Any) -> Any:
        """Return the curve."""
        text = json.dumps(data)
        return _read(text) if len(text) < 2000 else load(data)


@functools.lru_cache(CURVES)
def _read(text: str) -> Any:
    return load(json.loads(text))


class Levels(Kind):
    """Level curves, by word."""

    words: tuple[str, ...] = ("gain_db", "amp", "pan", "width", "audible", "fed")

    def coerce(self, value: Any, place: str) -> Mapping[str, Curve]:
        """Return the curves."""
        if not isinstance(value, Mapping):
            raise ExpressionError(f"{place} must be an object, got {shown(value)}")
        for word in value:
            if word not in self.words:
                raise ExpressionError(f"{place}: there is no {shown(word)}")
        return {word: LEVEL.coerce(curve, place) for word, curve in value.items()}

    def plain(self, value: Mapping[str, Curve], ref: Any, keep: Any) -> Any:
        """Return the data of each."""
        return {word: dump(curve) for word, curve in value.items()}

    def revive(self, data: Any, node: Any, kept: Any) -> Any:
        """Return the curves."""
        if not isinstance(data, dict):
            return data
        return {word: LEVEL.revive(curve, node, kept) for word, curve in data.items()}


class Knobs(Levels):
    """What effects are set to: curves, by ``lpf.hz`` and so on; ``lpf.on`` tells of one."""

    words = tuple(KNOBS_OF)

    def coerce(self, value: Any, place: str) -> Mapping[str, Curve]:
        """Return the curves; a number stays within the bounds of its parameter."""
        curves = super().coerce(value, place)
        for word, curve in curves.items():
            if isinstance(curve, Num):
                KNOBS_OF[word].coerce(curve.value, word.replace(".", ": "))
        return curves


class Playable(Kind):
    """The expression of a texture."""

    def coerce(self, value: Any, place: str) -> Texture:
        """Return the expression."""
        texture: Any = as_texture(value, place)
        return texture  # type: ignore[no-any-return]

    def plain(self, value: Texture, ref: Any, keep: Any) -> Any:
        """Return the expression's data, whole."""
        return dump(value)

    def revive(self, data: Any, node: Any, kept: Any) -> Any:
        """Return the expression."""
        return load(data)


class Digests(Kind):
    """The digests of recordings, by the digests of the nodes that name them."""

    def coerce(self, value: Any, place: str) -> Mapping[str, str]:
        """Return the digests."""
        if not isinstance(value, dict) or not all(isinstance(d, str) for d in value.values()):
            raise ExpressionError(f"{place} must hold digests, got {shown(value)}")
        return value


NAME, TEXT, FLAG, LEVEL, LEVELS, KNOBS = (Text(), AnyText(), Flag(), Level(), Levels(), Knobs())
TEMPO, PATH, LAYER, SOURCE_NAME = Pace(), FilePath(), LayerName(), SourceName()
BEATS = Beats(least=0.0)
BPM = Number("beats a minute", least=1.0, most=2000.0)
SEED = Whole()
GRABBED_BEATS = Beats(above=0.0)
INPUT = Whole(least=1, most=64)
SAMPLE = Whole("samples", most=2**62)
SECONDS = Number("seconds", least=0.0, most=3600.0)
LEAD = Number("seconds", least=0.05, most=2.5)
SHARE = Number(least=0.0, most=1.0)
PAIR = Whole(most=7)
CHANNELS = Whole(least=1, most=2)
SLOT = Whole(most=1100)
SERIAL = Whole(most=2**40 - 1)
OVER = Whole("samples", most=2**44)
"""A million beats at one a minute, at any sample rate."""
