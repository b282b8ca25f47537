"""A performer's changes: one record a word of the engine, with its effect on a layer's state.

`engine/schedule/commit.py` carries out changes that do more than change the state of layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from latentlive.curves import Curve, Num, inputs_of
from latentlive.effects.declared import EFFECTS, PARAMETERS
from latentlive.expr import Choice, Kind, Many, Maybe, Number, One, Record, declared, record
from latentlive.protocol.clip import Given, Source
from latentlive.protocol.kinds import (
    BEATS,
    BPM,
    FLAG,
    KNOBS,
    LAYER,
    LEAD,
    PAIR,
    SAMPLE,
    SHARE,
    TEXT,
    Level,
)
from latentlive.protocol.state import LEVELS, NONE, Send, State
from latentlive.units import Tempo, bpm_text

LONGEST = 160
"""Most characters in the description of changes."""

MOST_CHANGES = MOST_LAYERS = 1000
"""Most changes that land together, and most named layers: the engine computes them between two
blocks."""


class Change(Record):
    """A change of layers, the master or the tempo; all changes of a cell land at one sample."""

    what, words = "change", {}
    brings_texture: ClassVar[bool] = False
    """Whether its layer needs a new voice."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that the change names."""
        return ()

    def concerns(self, name: str) -> bool:
        """Return whether the change can alter a layer's state."""
        return name in self.layers

    @property
    def follows(self) -> frozenset[str]:
        """The kinds of input that it follows, and the knobs."""
        return frozenset()

    def fold(self, state: State[Source], name: str) -> State[Source]:
        """Return a layer's state after the change."""
        return state

    def __str__(self) -> str:
        """Return the change as typed code."""
        raise NotImplementedError


@record()
class OfLayer(Change):
    """A change of one layer."""

    layer: str = declared(LAYER)

    @property
    def layers(self) -> tuple[str, ...]:
        return (self.layer,)

    def __str__(self) -> str:
        return f"{self.layer}.{self.word}()"


class OfAll(Change):
    """A change that concerns every layer."""

    def concerns(self, name: str) -> bool:
        return True


@record("play")
class Play(OfLayer):
    """Play a texture on a layer."""

    brings_texture = True
    source: Source = declared(Given())

    @property
    def follows(self) -> frozenset[str]:
        return inputs_of(self.source.expr)

    def fold(self, state: State[Source], name: str) -> State[Source]:
        return state.changed(source=self.source)

    def __str__(self) -> str:
        return f"{self.layer} >> {self.source.code}"


def optional(kind: Kind) -> Any:
    """Declare an optional field."""
    return declared(Maybe(kind), default=None)


@record("set")
class Set(OfLayer):
    """Set a layer's settings; omitted ones stay."""

    gain_db: Curve | None = optional(Level("gain_db"))
    amp: Curve | None = optional(Level("amp"))
    pan: Curve | None = optional(Level("pan"))
    width: Curve | None = optional(Level("width"))
    fade: float | None = optional(BEATS)
    xfade: float | None = optional(BEATS)
    quant: float | None = optional(BEATS)
    morph: bool | None = optional(FLAG)
    wide: float | None = optional(SHARE)
    pair: int | None = optional(PAIR)
    lead: float | None = optional(LEAD)

    @property
    def follows(self) -> frozenset[str]:
        curves = [value for value in self.given.values() if isinstance(value, Curve)]
        return frozenset().union(*map(inputs_of, curves))

    @property
    def given(self) -> dict[str, Any]:
        """The values to set, by field."""
        fields = {name: getattr(self, name) for name in self.kinds if name != "layer"}
        return {name: value for name, value in fields.items() if value is not None}

    def fold(self, state: State[Source], name: str) -> State[Source]:
        return state.changed(**self.given)

    def __str__(self) -> str:
        given = self.given
        words = {"gain_db": "gain", "pair": "out"}
        if given.pop("morph", False):
            words["xfade"] = "morph"
        if "pair" in given:
            given["pair"] = 2 * given["pair"] + 1
        typed = (f".{words.get(name, name)}({_value(value)})" for name, value in given.items())
        return self.layer + "".join(typed)


def _value(value: Any) -> str:
    value = value.value if isinstance(value, Num) else value
    return f"{value:g}" if isinstance(value, float | int) else repr(value)


EFFECT = Choice(*(effect.name for effect in EFFECTS))


@record("effect")
class SetEffect(OfLayer):
    """Set an effect of a layer, a bus or the master; without curves take it off.

    Parameters
    ----------
    effect : str
    curves : mapping of ``lpf.hz`` and so on to Curve
    space : Source, optional
        The recording that a reverb has as a room.
    by : str
        The layer that a compressor listens to.
    """

    effect: str = declared(EFFECT)
    curves: Mapping[str, Curve] = declared(KNOBS, default=NONE)
    space: Source | None = optional(Given())
    by: str = declared(TEXT, default="")

    @property
    def follows(self) -> frozenset[str]:
        return frozenset().union(*map(inputs_of, self.curves.values()))

    def fold(self, state: State[Source], name: str) -> State[Source]:
        mine = f"{self.effect}."
        others = {word: one for word, one in state.effects.items() if not word.startswith(mine)}
        on = {f"{mine}on": Num(1.0)} if self.curves else {}
        kept = {"reverb": "space", "comp": "by"}.get(self.effect)
        more = {kept: getattr(self, kept)} if kept else {}
        return state.changed(effects={**others, **on, **self.curves}, **more)

    def __str__(self) -> str:
        code = None if self.space is None else self.space.code
        return f"{self.layer}.{_effect(self.effect, self.curves, self.by, code)}"


def _effect(effect: str, curves: Mapping[str, Curve], by: str, space: str | None) -> str:
    """Return an effect as typed, without what is as it is by default."""
    given: list[str] = []
    for word, curve in curves.items():
        name = word.partition(".")[2]
        first, default = not given, PARAMETERS[word].default
        if first:
            given.append(_value(curve))
        elif curve != Num(default):
            given.append(f"{name}={_value(curve)}")
    given += [f"by={by}"] * bool(by and effect == "comp")
    given += [f"space={space}"] * bool(space and effect == "reverb")
    return f"{effect}({', '.join(given) or None})"


def effects_text(state: State[Source]) -> str:
    """Return a layer's effects and sends as typed.

    >>> curves = {"lpf.on": Num(1.0), "lpf.hz": Num(800.0), "lpf.q": Num(0.7)}
    >>> effects_text(State(effects=curves, sends={"hall": Send(Num(-12.0))}))
    "lpf(800) send('hall', -12)"
    """
    space = None if state.space is None else state.space.code
    words = []
    for effect in EFFECTS:
        named = [f"{effect.name}.{parameter.name}" for parameter in effect.parameters]
        mine = {word: state.effects[word] for word in named if word in state.effects}
        if mine:
            words.append(_effect(effect.name, mine, state.by, space))
    words += [f"send({bus!r}, {_value(send.gain_db)})" for bus, send in state.sends.items()]
    return " ".join(words)


@record("dry")
class Dry(OfLayer):
    """Take all effects of a layer, a bus or the master off."""

    def fold(self, state: State[Source], name: str) -> State[Source]:
        return state.changed(effects={}, space=None, by="")


@record("send")
class SetSend(OfLayer):
    """Send a layer to a bus; without a level no more."""

    bus: str = declared(LAYER)
    gain_db: Curve | None = optional(Level("gain_db"))
    pre: bool = declared(FLAG, default=False)

    @property
    def follows(self) -> frozenset[str]:
        return frozenset() if self.gain_db is None else inputs_of(self.gain_db)

    def fold(self, state: State[Source], name: str) -> State[Source]:
        sends = {bus: one for bus, one in state.sends.items() if bus != self.bus}
        if self.gain_db is not None:
            sends[self.bus] = Send(self.gain_db, self.pre)
        return state.changed(sends=sends)

    def __str__(self) -> str:
        level = None if self.gain_db is None else _value(self.gain_db)
        return f"{self.layer}.send({self.bus!r}, {level}{', pre=True' * self.pre})"


@record("stop")
class Stop(OfLayer):
    """Fade a layer out, by default over its own fade, and end it."""

    fade: float | None = optional(BEATS)

    def fold(self, state: State[Source], name: str) -> State[Source]:
        return state.changed(source=None)

    def __str__(self) -> str:
        return f"{self.layer}.stop({_fade(self.fade)})"


@record("hush")
class Hush(OfAll):
    """Fade all layers out and end them."""

    fade: float | None = optional(BEATS)

    def fold(self, state: State[Source], name: str) -> State[Source]:
        return state.changed(source=None)

    def __str__(self) -> str:
        return f"hush({_fade(self.fade)})"


def _fade(beats: float | None) -> str:
    return "" if beats is None else f"{beats:g}"


@record("restart")
class Restart(OfLayer):
    """Begin a layer's texture again."""

    brings_texture = True


@record("mute")
class Mute(OfLayer):
    """Silence a layer, which keeps time, or let it sound again."""

    muted: bool = declared(FLAG)

    def fold(self, state: State[Source], name: str) -> State[Source]:
        return state.changed(muted=self.muted)

    def __str__(self) -> str:
        return f"{self.layer}.{'mute' if self.muted else 'unmute'}()"


@record("only")
class Only(OfAll):
    """Solo some layers; with none, let all sound."""

    only: tuple[str, ...] = declared(Many(LAYER, MOST_LAYERS))

    @property
    def layers(self) -> tuple[str, ...]:
        return self.only

    def fold(self, state: State[Source], name: str) -> State[Source]:
        return state.changed(soloed=name in self.only)

    def __str__(self) -> str:
        return f"only({', '.join(self.only)})"


@record("rename")
class Rename(OfLayer):
    """Give a layer another name."""

    name: str = declared(LAYER)

    def concerns(self, name: str) -> bool:
        return False

    def __str__(self) -> str:
        return f"{self.layer}.rename({self.name!r})"


@record("master")
class Master(Change):
    """Set the level of the master."""

    gain_db: Curve = declared(Level("gain_db"))

    @property
    def follows(self) -> frozenset[str]:
        return inputs_of(self.gain_db)

    def __str__(self) -> str:
        return f"master.gain({_value(self.gain_db)})"


@record("tempo")
class SetTempo(Change):
    """Move to a tempo over some beats."""

    bpm: float = declared(BPM)
    over: float = declared(BEATS, default=0.0)

    def applied(self, tempo: Tempo, at: int) -> Tempo:
        """Return the tempo as it is once this has landed at a sample."""
        return tempo.changed(at, self.bpm, self.over)

    def __str__(self) -> str:
        over = f", over={self.over:g}" if self.over else ""
        return f"tempo({self.bpm:g}{over})"


@record("join", crosses=False)
class Join(SetTempo):
    """Go over to the tempo and the beats of a clock from outside.

    Parameters
    ----------
    beat : float
        Of that clock at the sample `when`, where it has the tempo `bpm`.
    when : int [samples]
    """

    beat: float = declared(Number("beats"), default=0.0)
    when: int = declared(SAMPLE, default=0)

    def applied(self, tempo: Tempo, at: int) -> Tempo:
        since = (at - self.when) * self.bpm / (60.0 * tempo.sample_rate)
        return tempo.joined(at, self.bpm, self.beat + since)

    def __str__(self) -> str:
        return f"the tempo of a clock, {bpm_text(self.bpm)}"


@record("restore", crosses=False)
class Restore(OfLayer):
    """Restore a layer's earlier state: for undo, resume and a failed texture."""

    brings_texture = True
    state: State[Source] = declared(One(State))

    @property
    def follows(self) -> frozenset[str]:
        state = self.state
        curves = [getattr(state, word) for word in LEVELS]
        curves += [*state.effects.values(), *(send.gain_db for send in state.sends.values())]
        levels = frozenset().union(*map(inputs_of, curves))
        return levels if state.source is None else levels | inputs_of(state.source.expr)

    def fold(self, state: State[Source], name: str) -> State[Source]:
        return self.state

    def __str__(self) -> str:
        return f"{self.layer} as it was"


def fold(state: State[Source], name: str, changes: Iterable[Change]) -> State[Source]:
    """Return a layer's state after some changes; ignore those of other layers."""
    for change in changes:
        if change.concerns(name):
            state = change.fold(state, name)
    return state


def named(changes: Iterable[Change]) -> list[str]:
    """Return the layers named in some changes, each once."""
    return list(dict.fromkeys(name for change in changes for name in change.layers))


def described(changes: Iterable[Change]) -> str:
    """Return some changes as typed code, in one line of at most `LONGEST` characters.

    >>> described([Stop("d1", 8.0), Hush()])
    'd1.stop(8); hush()'
    """
    text = "; ".join(map(str, changes))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
