"""A performer's layers: ``d1 >> sound("gong")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Protocol, Self, overload

from latentlive.client.effects import Effected, Fader, Mixed, level
from latentlive.curves import CurveLike
from latentlive.errors import ExpressionError
from latentlive.expr.fields import shown
from latentlive.latent import Texture
from latentlive.protocol import changes
from latentlive.protocol.changes import Play, Rename, Restart, Stop
from latentlive.protocol.clip import Source
from latentlive.protocol.kinds import BEATS, LEAD, SHARE
from latentlive.protocol.wire import Message


class Performed(Mixed, Protocol):
    """The part of an engine that layers use."""

    @property
    def state(self) -> Message: ...
    def fresh(self) -> Message: ...
    def source(self, texture: Texture) -> Source: ...
    def awaits(self, layer: str, texture: Texture) -> bool: ...
    def layer(self, name: str) -> Layer: ...
    def shown(self, name: str) -> str: ...


class Layer(Fader):
    """A named place for one texture: ``d1 >> texture``. Words return the layer and so chain.

    Example
    -------
    ``d1 >> sound("gong").extend(4)`` then ``d1.gain(-6).pan(perlin(32)).fade(8)``
    """

    _called = "d1"
    _engine: Performed

    def __init__(self, engine: Performed, name: str) -> None:
        self._engine, self._name = engine, name

    def _typed(self) -> str:
        own = isinstance(getattr(self._engine, self.name, None), Layer)
        return self.name if own else f"layer({self.name!r})"

    def __rshift__(self, texture: Texture) -> Layer:
        """Play a texture here, from the next quant once it is ready."""
        if not self._engine.awaits(self.name, texture):
            self._engine.change(Play(self.name, self._engine.source(texture)))
        return self

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

    def __repr__(self) -> str:
        shown = self._engine.shown(self.name)
        return f"{self.name} >> {shown}" if shown else f"{self.name} (silent)"

    if not TYPE_CHECKING:

        def _compared(self, texture: Any) -> NoReturn:
            raise ExpressionError(
                f"{self._typed()} plays a texture with >>: {self._typed()} >> {shown(texture)}"
            )

        __gt__ = __ge__ = __lt__ = __le__ = __lshift__ = _compared

        def __rrshift__(self, texture: Any) -> NoReturn:
            self._compared(texture)


class Master(Effected):
    """All that is heard, before the limiter: ``master.gain(-6).comp(-12)``.

    Its gain stands before its effects.
    """

    _called = "master"
    _engine: Performed

    def __init__(self, engine: Performed) -> None:
        self._engine, self._name = engine, "master"

    def gain(self, db: CurveLike) -> Self:
        """Set the master level in dB, a number or a curve, at most 24; it starts at -9."""
        self._engine.change(changes.Master(level("gain_db", db, "master: db")))
        return self

    def __repr__(self) -> str:
        return f"master at {self._engine.state.get('master', '-9')} dB: master.gain(-9)"


def _beats(value: Any, place: str) -> float:
    beats: float = BEATS.coerce(value, place)
    return beats
