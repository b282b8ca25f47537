"""``.frozen("name")``: render a texture once, ahead of time, into a sound that costs nothing.

What renders lies on floors above: whoever opens it says so here, and the one opened last is asked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib import import_module
from typing import Protocol

from latentlive.expr import Maybe, Number, method_of
from latentlive.latent.join import Joined, Texture
from latentlive.latent.sources import Sound

LONGEST = 4 * 3600.0
"""Most seconds of a frozen sound: the limit of a recording."""

SECONDS = Maybe(Number("seconds", above=0.0, most=LONGEST))


class Freezer(Protocol):
    """Renders textures into sounds."""

    def freeze(self, texture: Texture, name: str, seconds: float | None) -> Sound:
        """Return the sound of a name, which is there already or is being rendered."""


_open: list[Freezer] = []


def open_freezer(freezer: Freezer) -> None:
    """Let ``.frozen()`` ask this one from now on."""
    _open.append(freezer)


def close_freezer(freezer: Freezer) -> None:
    """Let ``.frozen()`` ask the one before again; nothing happens to one that is not open."""
    _open[:] = [one for one in _open if one is not freezer]


@contextlib.contextmanager
def freezing_by(freezer: Freezer) -> Iterator[None]:
    """Let ``.frozen()`` inside ask this one."""
    open_freezer(freezer)
    try:
        yield
    finally:
        close_freezer(freezer)


@method_of(Joined)
def frozen(self: Texture, name: str, seconds: float | None = None) -> Sound:
    """Render it ahead, at low priority, into ``sound(name)``, which costs nothing to play.

    For what is slower than real time, and for layers that shall leave room for others. A process
    of its own renders with the model, seed and tempo that hold now; the panel shows how far it is,
    and ``cancel(name)`` stops it. ``d1 >> x.frozen("river")`` goes on with what d1 plays and takes
    the sound when it is complete. A session that is played waits, which its first cells can do for
    any time and the others for about three seconds, and so does ``latentlive render``.

    Frozen sounds outlast the prompt. The same texture under the same name is rendered once; another
    one takes the name when it is complete, and what plays the old sound keeps it. Alone on a layer,
    as it is or with ``.loop()``, ``.slice()``, ``.early()``, ``.late()``, a frozen sound plays its
    samples; elsewhere it is a recording like others.

    Parameters
    ----------
    name : str
        Letters, digits, - _ and blanks; none that a sound of the corpus has, which comes first.
    seconds : float [seconds, > 0], optional
        The length. An endless texture needs it; others are rendered once when left out.

    Returns
    -------
    Sound
        One channel. Its beginning is crossed over from what would follow its end, in 6 ms, or in a
        quarter of a second where it was cut, so that it loops without a seam.

    Raises
    ------
    ExpressionError
        ``frozen: the texture never ends; say how much: .frozen('river', seconds=60)``

    Example
    -------
    ``d1 >> interp(sound("surf"), sound("choir-ah"), sine(8)).extend(6).frozen("river")``
    """
    seconds = SECONDS.coerce(seconds, "frozen: seconds")
    return _asked().freeze(self, name, seconds)


def _asked() -> Freezer:
    if _open:
        return _open[-1]
    # Outside of performances; the renderer is loaded when it is first asked, as all words are.
    freezer: Freezer = import_module("latentlive.renderer.freezing").HERE
    return freezer
