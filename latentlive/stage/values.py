"""The values of a texture's curves as time goes on, each under the code that makes it."""

from __future__ import annotations

from latentlive.curves import Clock, Curve, Num, Tapes, Time
from latentlive.latent import Latent, join_of
from latentlive.protocol.clip import Clip, Source
from latentlive.units import Floats

MOST = 3
"""Curves of a texture that are shown, those nearest to its root."""

LONGEST = 28
"""Letters of a curve's code; a longer one is cut."""


class Values:
    """The curves of a clip.

    Parameters
    ----------
    clip : Clip
    """

    def __init__(self, clip: Clip[Source]) -> None:
        self._clip = clip
        found: dict[str, Curve] = {}
        # A node comes after those inside it: the last ones stand nearest to the root.
        for node in reversed(list(join_of(clip.source.expr).latent.walk())):
            if isinstance(node, Latent):
                for inner in node.children:
                    if isinstance(inner, Curve) and not isinstance(inner, Num):
                        found.setdefault(code_of(inner), inner)
        self._curves = dict(list(found.items())[:MOST])

    def at(self, samples: Floats, seed: int, tapes: Tapes) -> dict[str, Floats]:
        """Return the values at some global samples [shape=(n,)], by the code of the curves.

        Inside ``slow`` and the like a curve has another time: it is shown on the layer's clock.
        """
        clip = self._clip
        since = samples - clip.origin
        clock = Clock(since, clip.tempo, tapes, clip.origin - clip.lead)
        time = Time(clip.tempo.beats(since), None, seed, None, clock)
        return {code: time.value(curve) for code, curve in self._curves.items()}


def code_of(curve: Curve) -> str:
    """Return the code of a curve, cut.

    >>> from latentlive import sine
    >>> code_of(sine(8)), code_of(sine(8).range(0, 1).slow(2).early(3) + sine(2))
    ('sine(8)', 'sine(8).range(0, 1).slow(2)…')
    """
    code = repr(curve)
    return code if len(code) <= LONGEST else f"{code[: LONGEST - 1]}…"
