"""``.frozen("name")``: render a texture once, ahead of time, into a sound that costs nothing.

The renderers are on floors above: each registers a freezer here, and the last one open renders.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Literal, Protocol

from latentlive.expr import Maybe, Number, method_of
from latentlive.latent.join import Joined, Texture
from latentlive.latent.sources import Recorded, Sound
from latentlive.units import Floats

LONGEST = 4 * 3600.0
"""Most seconds of a frozen sound: the limit of a recording."""

SECONDS = Maybe(Number("seconds", above=0.0, most=LONGEST))


class Freezer(Protocol):
    """Renders textures into sounds, and finds recordings and their parts."""

    def freeze(self, texture: Texture, name: str, seconds: float | None) -> Sound:
        """Return the sound of a name, existing or in the making."""

    def boundaries(
        self, sound: Recorded, by: Literal["onsets", "novelty"], shortest: float
    ) -> Floats:
        """Return where the parts of a recording begin, and where the last one ends [seconds]."""

    def recording(self, sound: Sound) -> tuple[Any, int]:
        """Return a recording, an `Audio`, and its samples a second."""


_open: list[Freezer] = []


def open_freezer(freezer: Freezer) -> None:
    """Use this freezer for ``.frozen()`` from now on."""
    _open.append(freezer)


def close_freezer(freezer: Freezer) -> None:
    """Use the freezer before this one again; a freezer that is not open changes nothing."""
    _open[:] = [one for one in _open if one is not freezer]


@contextlib.contextmanager
def freezing_by(freezer: Freezer) -> Iterator[None]:
    """Use this freezer for every ``.frozen()`` inside."""
    open_freezer(freezer)
    try:
        yield
    finally:
        close_freezer(freezer)


@method_of(Joined)
def frozen(self: Texture, name: str, seconds: float | None = None) -> Sound:
    """Render it ahead, at low priority, into ``sound(name)``, which costs nothing to play.

    For textures slower than real time, and to leave room for other layers. A separate process
    renders with the present model, seed and tempo; the panel shows its progress, and
    ``cancel(name)`` stops it. ``d1 >> x.frozen("river")`` keeps the texture of d1 until the sound
    is complete. A played session waits: its first cells for any time, the others for about three
    seconds. ``latentlive render`` waits too.

    Frozen sounds outlast the prompt. The same texture under the same name is rendered once. A new
    texture takes the name when it is complete; layers that play the old sound keep it. Alone on a
    layer, bare or with ``.loop()``, ``.slice()``, ``.early()``, ``.late()``, a frozen sound plays
    its samples; elsewhere it is a recording like others.

    Parameters
    ----------
    name : str
        Letters, digits, - _ and blanks; no name of a corpus sound, which comes first.
    seconds : float [seconds, > 0], optional
        The length. An endless texture needs it; without it, others are rendered once.

    Returns
    -------
    Sound
        As many channels as the texture, made to loop without a seam: its beginning crossfades from
        the continuation of its end, in 6 ms, or in a quarter of a second where it was cut.

    Raises
    ------
    ExpressionError
        ``frozen: the texture never ends; say how much: .frozen('river', seconds=60)``

    Example
    -------
    ``d1 >> interp(sound("surf"), sound("choir-ah"), sine(8)).extend(6).frozen("river")``
    """
    seconds = SECONDS.coerce(seconds, "frozen: seconds")
    return asked().freeze(self, name, seconds)


def asked() -> Freezer:
    """Return the freezer that was opened last."""
    if _open:
        return _open[-1]
    # Outside performances; load the renderer on first use, like all words.
    freezer: Freezer = import_module("latentlive.renderer.freezing").HERE
    return freezer
