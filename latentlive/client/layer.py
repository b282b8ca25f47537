"""A performer's layers: ``d1 >> sound("gong")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Protocol, overload

from latentlive.curves import Curve, CurveLike, as_curve
from latentlive.errors import ExpressionError, WordError, did_you_mean
from latentlive.expr import Whole
from latentlive.expr.fields import shown
from latentlive.latent import Texture
from latentlive.later import instead
from latentlive.protocol import changes
from latentlive.protocol.changes import Change, Mute, Play, Rename, Restart, Set, Stop
from latentlive.protocol.clip import Source
from latentlive.protocol.kinds import BEATS, LEAD, SHARE
from latentlive.protocol.levels import followed, within
from latentlive.protocol.wire import Message
from latentlive.worded import Worded


class Performed(Protocol):
    """The part of an engine that layers use."""

    @property
    def state(self) -> Message: ...
    def fresh(self) -> Message: ...
    def change(self, change: Change) -> None: ...
    def source(self, texture: Texture) -> Source: ...
    def awaits(self, layer: str, texture: Texture) -> bool: ...
    def only(self, *layers: Layer) -> None: ...
    def layer(self, name: str) -> Layer: ...
    def shown(self, name: str) -> str: ...


class Layer(Worded):
    """A named place for one texture: ``d1 >> texture``. Words return the layer and so chain.

    Example
    -------
    ``d1 >> sound("gong").extend(4)`` then ``d1.gain(-6).pan(perlin(32)).fade(8)``
    """

    _called = "d1"

    def __init__(self, engine: Performed, name: str) -> None:
        self._engine, self._name = engine, name

    @property
    def name(self) -> str:
        """The layer's name."""
        return self._name

    def _typed(self) -> str:
        own = isinstance(getattr(self._engine, self.name, None), Layer)
        return self.name if own else f"layer({self.name!r})"

    def __rshift__(self, texture: Texture) -> Layer:
        """Play a texture here, from the next quant once it is ready."""
        if not self._engine.awaits(self.name, texture):
            self._engine.change(Play(self.name, self._engine.source(texture)))
        return self

    def gain(self, db: CurveLike) -> Layer:
        """Set the level in dB, a number or a curve: at most 24, and -120 or less is silence."""
        return self._set(gain_db=_level("gain_db", db, "gain: db"))

    def amp(self, factor: CurveLike) -> Layer:
        """Set a linear factor, a number or a curve, on top of the gain: at most 15.8 (24 dB)."""
        return self._set(amp=_level("amp", factor, "amp: factor"))

    def pan(self, place: CurveLike) -> Layer:
        """Set the place: 0 left, 0.5 centre, 1 right; a number or a curve, equal power."""
        return self._set(pan=_level("pan", place, "pan: place"))

    def fade(self, beats: float) -> Layer:
        """Fade in and out over `beats` beats (>= 0)."""
        return self._set(fade=_beats(beats, "fade"))

    def xfade(self, beats: float) -> Layer:
        """Crossfade to new textures over `beats` beats (>= 0)."""
        return self._set(xfade=_beats(beats, "xfade"), morph=False)

    def morph(self, beats: float) -> Layer:
        """Morph into new textures through latent space over `beats` beats (>= 0).

        One decode; each side keeps its own clock. Between textures of different spaces or joins
        it crossfades and says so. `xfade`, `morph` and `jump` each hold until the next of them.

        Example
        -------
        ``d1.morph(16) >> sound("rain")``
        """
        return self._set(xfade=_beats(beats, "morph"), morph=True)

    def wide(self, amount: float) -> Layer:
        """Draw different noise left and right: stereo from one texture.

        Parameters
        ----------
        amount : float
            0 is mono, 1 draws them independently, at twice the decoding. As audible as the
            texture's noise: ``.spread(k)`` raises that of a clean model. It changes nothing where
            a texture plays stereo recordings: these have noise of their own left and right.
        """
        return self._set(wide=SHARE.coerce(amount, "wide: amount"))

    def out(self, channel: int) -> Layer:
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

    def quant(self, beats: float) -> Layer:
        """Land new textures on multiples of `beats` beats (0: as soon as they are ready)."""
        return self._set(quant=_beats(beats, "quant"))

    @overload
    def lead(self, seconds: None = None) -> float: ...
    @overload
    def lead(self, seconds: float) -> Layer: ...
    def lead(self, seconds: float | None = None) -> Layer | float:
        """Hear what arrives live so many seconds (0.05 to 2.5) after it arrived.

        By default as soon as is safe: 0.36 s, or more in a space that decodes in longer blocks.
        The shorter, the sooner a busy machine is late. A change crosses over to the same texture.
        Without a number it returns the present lead, 0 for a layer that follows nothing live.

        Example
        -------
        ``d1.lead(0.5)``, then ``d1.lead()``
        """
        if seconds is None:
            layers = self._engine.fresh()["layers"]
            return round(next((one["lead"] for one in layers if one["name"] == self.name), 0.0), 3)
        return self._set(lead=LEAD.coerce(seconds, "lead: seconds"))

    def stop(self, fade: float | None = None) -> Layer:
        """Fade out over `fade` beats (by default the layer's own fade) and end."""
        beats = None if fade is None else _beats(fade, "stop: fade")
        self._engine.change(Stop(self.name, beats))
        return self

    def mute(self) -> Layer:
        """Silence the layer, which keeps time."""
        self._engine.change(Mute(self.name, True))
        return self

    def unmute(self) -> Layer:
        """Sound again, at the texture's present position."""
        self._engine.change(Mute(self.name, False))
        return self

    def solo(self) -> Layer:
        """Silence all other layers, which keep time; ``only()`` brings them back."""
        self._engine.only(self)
        return self

    def restart(self) -> Layer:
        """Begin the texture again at the next quant, its clock at 0."""
        self._engine.change(Restart(self.name))
        return self

    def jump(self) -> Layer:
        """Switch to new textures at once, without a crossfade."""
        return self.xfade(0)

    def rename(self, name: str) -> Layer:
        """Rename the layer, which plays on; return the renamed layer."""
        renamed = self._engine.layer(name)
        self._engine.change(Rename(self.name, renamed.name))
        return renamed

    def _set(self, **values: Any) -> Layer:
        self._engine.change(Set(self.name, **values))
        return self

    def __repr__(self) -> str:
        shown = self._engine.shown(self.name)
        return f"{self.name} >> {shown}" if shown else f"{self.name} (silent)"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_"):
                raise AttributeError(name)
            words = [w for w, held in vars(Layer).items() if callable(held) and w[0] != "_"]
            hint = instead(name) or did_you_mean(name, words) or f"; it has {', '.join(words)}"
            raise WordError(f"{self.name}: a layer has no .{name}(){hint}")

        def _compared(self, texture: Any) -> NoReturn:
            raise ExpressionError(
                f"{self._typed()} plays a texture with >>: {self._typed()} >> {shown(texture)}"
            )

        __gt__ = __ge__ = __lt__ = __le__ = __lshift__ = _compared

        def __rrshift__(self, texture: Any) -> NoReturn:
            self._compared(texture)


class Master(Worded):
    """The bus of all layers, before the limiter."""

    _called = "master"

    def __init__(self, engine: Performed) -> None:
        self._engine = engine

    def gain(self, db: CurveLike) -> None:
        """Set the master level in dB, a number or a curve, at most 24; it starts at -9."""
        level = _level("gain_db", db, "master: db")
        self._engine.change(changes.Master(level))

    def __repr__(self) -> str:
        return f"master at {self._engine.state.get('master', '-9')} dB: master.gain(-9)"


def _beats(value: Any, place: str) -> float:
    beats: float = BEATS.coerce(value, place)
    return beats


def _level(word: str, value: CurveLike, place: str) -> Curve:
    return within(word, followed(as_curve(value, place), place), place)
