"""What the engine knows: voices that render and sound, layers that own them, cells to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from latentlive.curves import Curve, Num
from latentlive.engine.desk.fades import Fade
from latentlive.expr import Kind, Maybe, dump
from latentlive.mixer import GRID
from latentlive.protocol.clip import Part, Source
from latentlive.protocol.levels import curve_of
from latentlive.protocol.schema import BEATS, FLAG, PAIR, SAMPLE, WIDE
from latentlive.protocol.wire import Message

DEFAULT_FADE_BEATS = 0.1
DEFAULT_XFADE_BEATS = 1.0
DEFAULT_QUANT_BEATS = 1.0

LONGEST_PIECE = 8192
"""Samples of a voice that are rendered at a time."""

PLAIN: dict[str, Kind] = {
    **{"fade": BEATS, "xfade": BEATS, "quant": BEATS, "morph": FLAG},
    **{"wide": WIDE, "pair": PAIR, "muted": FLAG, "soloed": FLAG},
}
"""What a layer's state holds besides texture and curves."""


@dataclass(eq=False)
class Voice:
    """One texture in one ring of the shared block, or in two of them for a wide one.

    Parameters
    ----------
    serial : int
        Which of all voices this is.
    rings : tuple of int
    layer : str
    slot : int
        Of its layer: keys the noise.
    part : Part
    start : int [samples, global]
        Where it is to sound first.
    wide : float
        0 to 1: how far the noise of left and right differs.
    pair : int
        The pair of output channels it is heard on, 0 for the first.
    fresh : bool
        Whether its clock begins where it does, whatever the layer played before.
    """

    serial: int
    rings: tuple[int, ...]
    layer: str
    slot: int
    part: Part
    start: int
    wide: float = 0.0
    pair: int = 0
    fresh: bool = False
    fade: Fade = field(default_factory=lambda: Fade(0, 0, 0.0, 0.0))
    gate: Fade = field(default_factory=lambda: Fade(0, 0, 1.0, 1.0))
    """Closes while rendering cannot keep up."""
    version: int = 0
    """Counts its parts: answers about an older one are not listened to."""
    moved_from: int | None = None
    """The first version that this one differs from only by its place."""
    length: int | None = None
    rendered: int = 0
    """One past the last position that its rings hold."""
    encoded: int = 0
    """One past the last position whose windows were encoded in advance."""
    told: dict[int, int] = field(default_factory=dict)
    """The version that each worker was told of."""
    bound: dict[int, int] = field(default_factory=dict)
    """The version that each worker has."""
    lane: int | None = None
    """The worker that is to render it while it sounds, chosen when it begins or was late."""
    busy: int | None = None
    """The worker that renders a stretch of it now."""
    load: float = 0.0
    """Seconds of rendering for a second of sound."""
    hung: int = 0
    """How many workers it has hung, one after the other."""
    sounding: bool = False
    late: bool = False
    skipped_to: int = 0
    gains_until: int = 0
    piece: int = LONGEST_PIECE
    """Samples of it that are rendered at a time at most."""
    failed: bool = False
    """Whether no more of it is to be had."""

    @property
    def loaded(self) -> bool:
        """Whether some worker has it as it is now."""
        return self.version in self.bound.values()

    def binding(self, seed: int) -> Message:
        """Return what a worker is told to render it."""
        return {
            "op": "load",
            "serial": self.serial,
            "version": self.version,
            "rings": list(self.rings),
            "part": self.part.dump(),
            "wide": self.wide,
            "slot": self.slot,
            "seed": seed,
        }

    def falter(self) -> None:
        """Take a failure of what failed when it was played, too: go on in smaller pieces.

        What was heard then is heard again to the last cell; what follows is in the log.
        """
        if self.loaded and self.piece > GRID:
            self.piece //= 2
        else:
            self.failed = True

    @property
    def end(self) -> int | None:
        """Where a texture that is played once is over."""
        return None if self.length is None else self.part.origin + self.length


@dataclass(frozen=True)
class State:
    """What a performer has set on a layer.

    Parameters
    ----------
    source : mapping or None
        The texture that it plays.
    origin : int or None [samples, global]
        Where the texture's clock began.
    gain_db, amp, pan : Curve
    fade, xfade, quant : float [beats]
    morph : bool
        Whether new textures are reached through latent space over `xfade`, or crossed over to.
    wide : float
    pair : int
    muted, soloed : bool
    """

    source: Source | None = None
    origin: int | None = None
    gain_db: Curve = field(default_factory=lambda: Num(0.0))
    amp: Curve = field(default_factory=lambda: Num(1.0))
    pan: Curve = field(default_factory=lambda: Num(0.5))
    fade: float = DEFAULT_FADE_BEATS
    xfade: float = DEFAULT_XFADE_BEATS
    quant: float = DEFAULT_QUANT_BEATS
    morph: bool = False
    wide: float = 0.0
    pair: int = 0
    muted: bool = False
    soloed: bool = False

    def dump(self, source: Callable[[Source], Any] = lambda source: source) -> Message:
        """Return the state as JSON data, its texture as `source` says."""
        return {
            "source": None if self.source is None else source(self.source),
            "origin": self.origin,
            **{word: dump(getattr(self, word)) for word in ("gain_db", "amp", "pan")},
            **{word: getattr(self, word) for word in PLAIN},
        }

    @classmethod
    def load(cls, data: Message, source: Callable[[Any], Source] = lambda source: source) -> State:
        """Return the state that `dump` wrote.

        Raises
        ------
        LatentliveError, LookupError
            For anything else.
        """
        key = data["source"]
        return cls(
            source=None if key is None else source(key),
            origin=Maybe(SAMPLE).coerce(data["origin"], "origin"),
            gain_db=curve_of(data["gain_db"]),
            amp=curve_of(data["amp"]),
            pan=curve_of(data["pan"]),
            **{word: kind.coerce(data[word], word) for word, kind in PLAIN.items()},
        )


@dataclass(eq=False)
class Layer:
    """A named place for one texture, with its level, pan and fades.

    Parameters
    ----------
    name : str
    slot : int
        Keys the noise: 0 for ``d1``.
    good : State
        The last state before the present texture, to go back to if that fails.
    """

    name: str
    slot: int
    state: State = field(default_factory=State)
    voice: Voice | None = None
    leaving: list[Voice] = field(default_factory=list)
    error: str = ""
    good: State | None = None


@dataclass(eq=False)
class Cell:
    """Changes that land together, once every new texture of them is ready.

    Parameters
    ----------
    changes : list of messages
        As `changes.check` takes them.
    at : int or None [samples, global]
        Where they are to land; None for a cue that waits for its ``go``.
    beat : float or None
        The beat of the transport that was asked for: it moves when the tempo changes.
    fixed : bool
        Whether the moment was asked for, or is the next quant and may move.
    name : str
        Of a cue.
    follows : (str, float) or None
        The cue that it lands after, and how many beats after it.
    """

    changes: list[Message]
    at: int | None
    beat: float | None = None
    fixed: bool = False
    quant: float = 0.0
    name: str = ""
    follows: tuple[str, float] | None = None
    number: int = 0
    undoable: bool = True
    cast: bool = False
    """Whether its voices exist: what lies far ahead holds none."""
    voices: list[Voice] = field(default_factory=list)
    _sorted: tuple[list[Message], dict[str, list[Message]]] | None = None

    def changes_of(self, name: str) -> list[Message]:
        """Return what concerns a layer: its own changes, and those of all layers."""
        if self._sorted is None or self._sorted[0] is not self.changes:
            self._sorted = self.changes, _by_layer(self.changes)
        by_layer = self._sorted[1]
        return by_layer.get(name, by_layer[""])

    @property
    def called(self) -> str:
        """What the plan calls it."""
        return self.name or f"plan{self.number}"


def _by_layer(changes: list[Message]) -> dict[str, list[Message]]:
    """Return the changes that concern each layer that is named, and those of all, under ""."""
    found: dict[str, list[Message]] = {"": []}
    for change in changes:
        if "layer" in change:
            found.setdefault(change["layer"], found[""].copy()).append(change)
        else:
            for concerned in found.values():
                concerned.append(change)
    return found
