"""Effects and faders, as a performer sets them: on layers, buses and the master."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Protocol, Self

from latentlive.curves import Curve, CurveLike, Num, as_curve
from latentlive.errors import ExpressionError, WordError, did_you_mean
from latentlive.expr import Whole
from latentlive.expr.fields import shown
from latentlive.expr.node import INNER
from latentlive.ground.names import normal
from latentlive.latent import Latent, Sound
from latentlive.later import instead
from latentlive.protocol.changes import Change, Dry, Mute, Set, SetEffect, SetSend
from latentlive.protocol.clip import Source
from latentlive.protocol.kinds import FLAG, KNOBS_OF, LAYER
from latentlive.protocol.levels import followed, within
from latentlive.units import SILENCE_DB
from latentlive.worded import Worded


class Mixed(Protocol):
    """The part of an engine that effects and faders use."""

    def change(self, change: Change) -> None: ...
    def room(self, sound: Sound) -> Source: ...
    def only(self, *layers: Fader) -> None: ...


class Effected(Worded):
    """What has effects: each once, in the order hpf lpf comb drive comp echo reverb.

    Every number may be a curve. A new value is glided to; ``None`` takes an effect off, and what
    rings in it rings out.
    """

    _called = "d1"
    _engine: Mixed
    _name: str

    @property
    def name(self) -> str:
        """What it is called."""
        return self._name

    def hpf(self, hz: CurveLike | None, q: CurveLike = 0.7) -> Self:
        """Take away what is lower than `hz` (20 to 20000), 12 dB an octave; `q` 0.3 to 20 rings.

        Example
        -------
        ``d1.hpf(200)``, ``d1.hpf(None)``
        """
        return self._effect("hpf", hz, hz=hz, q=q)

    def lpf(self, hz: CurveLike | None, q: CurveLike = 0.7) -> Self:
        """Take away what is higher than `hz` (20 to 20000), 12 dB an octave; `q` 0.3 to 20 rings.

        Example
        -------
        ``d1.lpf(sine(8).rangex(200, 4000), q=2)``
        """
        return self._effect("lpf", hz, hz=hz, q=q)

    def comb(self, hz: CurveLike | None, feedback: CurveLike = 0.8, mix: CurveLike = 0.5) -> Self:
        """Let everything ring at a pitch of `hz` (20 to 4000) and its harmonics.

        Parameters
        ----------
        hz : number, curve or None
        feedback : number or curve [-0.99 to 0.99]
            How long it rings; below 0 only odd harmonics of half the pitch.
        mix : number or curve [0 to 1]

        Example
        -------
        ``d1.comb(110, feedback=0.9)``
        """
        return self._effect("comb", hz, hz=hz, feedback=feedback, mix=mix)

    def drive(self, db: CurveLike | None) -> Self:
        """Overdrive: what is quiet rises by `db` (0 to 48), full scale stays what it is.

        Example
        -------
        ``d1.drive(12)``
        """
        return self._effect("drive", db, db=db)

    def comp(
        self,
        threshold: CurveLike | None = -18,
        ratio: CurveLike = 4,
        attack: CurveLike = 0.01,
        release: CurveLike = 0.2,
        makeup: CurveLike = 0,
        by: Fader | None = None,
    ) -> Self:
        """Compress: of what is louder than `threshold` leave a part.

        Parameters
        ----------
        threshold : number, curve or None [dB, -60 to 0]
        ratio : number or curve [1 to 20]
            A level so many dB over the threshold comes out one dB over it.
        attack, release : number or curve [seconds, 0.0005 to 0.5, 0.005 to 1]
        makeup : number or curve [dB, -24 to 24]
        by : layer or bus, optional
            Listen to that instead: ``d1.comp(-30, 8, by=d2)`` makes room for ``d2``.

        Example
        -------
        ``d1.comp(-24, ratio=3)``
        """
        if by is not None and not isinstance(by, Fader):
            raise ExpressionError(f"comp: by is a layer or a bus, such as d2, got {shown(by)}")
        key = "" if by is None else by.name
        return self._effect(
            "comp",
            threshold,
            by=key,
            threshold=threshold,
            ratio=ratio,
            attack=attack,
            release=release,
            makeup=makeup,
        )

    def echo(
        self,
        beats: CurveLike | None = 0.5,
        feedback: CurveLike = 0.4,
        mix: CurveLike = 0.3,
    ) -> Self:
        """Repeat everything after `beats` (1/32 to 16, at most 16 seconds), again and again.

        Parameters
        ----------
        beats : number, curve or None
            They follow the tempo.
        feedback : number or curve [0 to 0.95]
            How loud each echo is beside the one before.
        mix : number or curve [0 to 1]

        Example
        -------
        ``d1.echo(3/4, feedback=0.6)``
        """
        return self._effect("echo", beats, beats=beats, feedback=feedback, mix=mix)

    def reverb(
        self,
        mix: CurveLike | None = 0.25,
        seconds: CurveLike = 2.5,
        damp: CurveLike = 0.5,
        space: Sound | None = None,
    ) -> Self:
        """Play in a room.

        Parameters
        ----------
        mix : number, curve or None [0 to 1]
        seconds : number or curve [0.1 to 12]
            In which it dies away by 60 dB.
        damp : number or curve [0 to 1]
            How much sooner high sound does.
        space : sound, optional
            Any sound is a room: its first 12 seconds, instead of `seconds` and `damp`.

        Example
        -------
        ``d1.reverb(0.4, seconds=6)``, ``d1.reverb(0.3, space=sound("gong"))``
        """
        room = None if space is None else self._engine.room(space)
        return self._effect("reverb", mix, room, mix=mix, seconds=seconds, damp=damp)

    def dry(self) -> Self:
        """Take all effects off; what rings in them rings out."""
        self._engine.change(Dry(self.name))
        return self

    def _effect(
        self,
        effect: str,
        first: object,
        space: Source | None = None,
        by: str = "",
        **values: Any,
    ) -> Self:
        """Set an effect; take it off if the first value is None."""
        curves: dict[str, Curve] = {}
        for word, value in values.items() if first is not None else ():
            curve = followed(as_curve(value, place := f"{effect}: {word}"), place)
            if isinstance(curve, Num):
                KNOBS_OF[f"{effect}.{word}"].coerce(curve.value, place)
            curves[f"{effect}.{word}"] = curve
        if not curves:
            space, by = None, ""
        self._engine.change(SetEffect(self.name, effect, curves, space, by))
        return self


class Fader(Effected):
    """What has effects and a fader: a layer or a bus. Words return it and so chain."""

    def gain(self, db: CurveLike) -> Self:
        """Set the level in dB, a number or a curve: at most 24, and -120 or less is silence."""
        return self._set(gain_db=level("gain_db", db, "gain: db"))

    def amp(self, factor: CurveLike) -> Self:
        """Set a linear factor, a number or a curve, on top of the gain: at most 15.8 (24 dB)."""
        return self._set(amp=level("amp", factor, "amp: factor"))

    def pan(self, place: CurveLike) -> Self:
        """Set the place: 0 left, 0.5 centre, 1 right; a number or a curve, equal power."""
        return self._set(pan=level("pan", place, "pan: place"))

    def width(self, amount: CurveLike) -> Self:
        """Set how far apart two sides are: 0 one, 1 as they are, 2 twice as far; or a curve.

        Of stereo recordings, of ``.wide()`` and of what effects give; one channel stays one.
        """
        return self._set(width=level("width", amount, "width: amount"))

    def out(self, channel: int) -> Self:
        """Sound on a pair of output channels.

        Parameters
        ----------
        channel : int
            The left one: 1, 3, 5 ... ``--channels`` sets the engine's number of channels.
        """
        left = Whole(least=1, most=15).coerce(channel, "out: channel")
        if left % 2 == 0:
            raise ExpressionError(f"out: channel is the left one of a pair (1, 3, 5), got {left}")
        return self._set(pair=left // 2)

    def send(self, bus: str | Bus, db: CurveLike | None = 0.0, pre: bool = False) -> Self:
        """Send to a bus, beside what is heard of it directly.

        Parameters
        ----------
        bus : str or bus
        db : number, curve or None
            At most 24; None, or -120 and less, sends nothing.
        pre : bool
            Whether it goes off before the fader: then gain and pan leave it alone.

        Example
        -------
        ``d1.send("hall", -12)`` with ``bus("hall").reverb(1, seconds=6)``
        """
        target = bus.name if isinstance(bus, Fader) else LAYER.coerce(bus, "send: bus")
        pre = FLAG.coerce(pre, "send: pre")
        gain = None if db is None else level("gain_db", db, "send: db")
        if isinstance(gain, Num) and gain.value <= SILENCE_DB:
            gain = None
        self._engine.change(SetSend(self.name, normal(target), gain, pre))
        return self

    def mute(self) -> Self:
        """Silence it; a layer keeps time."""
        self._engine.change(Mute(self.name, True))
        return self

    def unmute(self) -> Self:
        """Sound again, at the texture's present position."""
        self._engine.change(Mute(self.name, False))
        return self

    def solo(self) -> Self:
        """Silence all others, which keep time; ``only()`` brings them back."""
        self._engine.only(self)
        return self

    def _set(self, **values: Any) -> Self:
        self._engine.change(Set(self.name, **values))
        return self

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_"):
                raise AttributeError(name)
            held = {**vars(Fader), **vars(type(self)), **vars(Effected)}
            words = [word for word, one in held.items() if callable(one) and word[0] != "_"]
            kind = "bus" if isinstance(self, Bus) else "layer"
            hint = instead(name) or did_you_mean(name, words) or f"; it has {', '.join(words)}"
            plays = hasattr(self, "__rshift__") and name not in INNER
            if plays and callable(getattr(Latent, name, None)):
                hint = f"; it is a texture's word: {self.name} >> x.{name}(...)"
            raise WordError(f"{self.name}: a {kind} has no .{name}(){hint}")


class Bus(Fader):
    """Where layers meet: it plays what they send to it, with effects and a fader of its own.

    Example
    -------
    ``bus("hall").reverb(1, seconds=6).gain(-3)``, then ``d1.send("hall", -12)``
    """

    _called = 'bus("hall")'

    def __init__(self, engine: Mixed, name: str) -> None:
        self._engine, self._name = engine, name

    def _typed(self) -> str:
        return f'bus("{self.name}")'

    def __repr__(self) -> str:
        return f"{self._typed()}: d1.send({self.name!r}, -12) sends to it"


def level(word: str, value: CurveLike, place: str) -> Curve:
    """Return a level that a performer gave, a number or a curve, within its bounds."""
    return within(word, followed(as_curve(value, place), place), place)
