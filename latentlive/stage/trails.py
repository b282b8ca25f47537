"""The way of each layer on the map, a second of the performance at a time.

A second that is over stays as it was; one that is to come changes with its texture. So a page is
told each second about once, however long it has been open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from latentlive.corpus.index import Mapped
from latentlive.errors import LatentliveError
from latentlive.protocol.preview import is_preview
from latentlive.space import Facts
from latentlive.stage.diary import Diary, Voice
from latentlive.stage.places import Moving, NowhereError
from latentlive.stage.values import Values
from latentlive.units import Floats

PAST, FUTURE = 12, 3
"""Seconds of a way that a page shows."""

POINTS = 20
"""Points of a way in a second."""

LIGHTS = 4
"""Moments in a second at which sounds are lit."""

FAINT = 0.02
"""The part below which a sound is not lit."""

Second = dict[str, Any]


@dataclass
class Way:
    """The way of a layer.

    Parameters
    ----------
    known : tuple
        The voices that it was drawn for.
    seconds : dict of Second
        By their number.
    """

    known: tuple[Voice, ...] = ()
    seconds: dict[int, Second] = field(default_factory=dict)


class Trails:
    """The ways of all layers.

    Parameters
    ----------
    facts : Facts
        Of the engine's space.
    rate : int [samples a second]
    mapped : Mapped
    """

    def __init__(self, facts: Facts, rate: int, mapped: Mapped) -> None:
        self._facts, self._rate, self._mapped = facts, rate, mapped
        self._moving: dict[Voice, Moving | None] = {}
        self._values: dict[Voice, Values] = {}
        self._ways: dict[str, Way] = {}

    def look(self, diary: Diary, position: int) -> None:
        """Draw what is new, around a position."""
        now = position // self._rate
        layers: dict[str, list[Voice]] = {}
        for voice in diary.voices.values():
            if not is_preview(voice.layer):
                layers.setdefault(voice.layer, []).append(voice)
        for name, voices in layers.items():
            voices.sort(key=lambda voice: (voice.start, voice.serial))
            self._draw(self._ways.setdefault(name, Way()), tuple(voices), diary, now)
        for name, way in list(self._ways.items()):
            for second in [one for one in way.seconds if one < now - PAST]:
                del way.seconds[second]
            if name not in layers:
                way.known = ()
                for second in [one for one in way.seconds if one > now]:
                    del way.seconds[second]
                if not way.seconds:
                    del self._ways[name]
        kept = {voice for voices in layers.values() for voice in voices}
        self._moving = {voice: one for voice, one in self._moving.items() if voice in kept}
        self._values = {voice: one for voice, one in self._values.items() if voice in kept}

    def _draw(self, way: Way, voices: tuple[Voice, ...], diary: Diary, now: int) -> None:
        changed, way.known = voices != way.known, voices
        moving = [self._of(voice) for voice in voices]
        live = any(voice.clip.leads for voice in voices)
        for second in range(now - PAST, now + FUTURE + 1):
            again = second >= now - 1 and (changed or live)
            if second in way.seconds and not again:
                continue
            if (second + 1) * self._rate <= voices[0].start:
                continue
            way.seconds[second] = self._second(second, voices, moving, diary)

    def _of(self, voice: Voice) -> Moving | None:
        """Return how a voice moves on the map, None if it is nowhere."""
        if voice not in self._moving:
            try:
                moving = Moving(voice.clip, self._facts, self._rate, self._mapped)
            except (NowhereError, LatentliveError):
                moving = None
            self._moving[voice], self._values[voice] = moving, Values(voice.clip)
        return self._moving[voice]

    def _second(
        self, second: int, voices: tuple[Voice, ...], moving: list[Moving | None], diary: Diary
    ) -> Second:
        samples = (second + np.arange(POINTS) / POINTS) * self._rate
        x, y, much = np.zeros(POINTS), np.zeros(POINTS), np.zeros(POINTS)
        lit: dict[int, Floats] = {}
        starts = np.array([voice.start for voice in voices])
        which = np.searchsorted(starts, samples, "right") - 1
        for number in np.unique(which[which >= 0]).tolist():
            here, one = which == number, moving[number]
            if one is None:
                continue
            try:
                found = one.at(samples[here], diary.seed, diary.tapes)
            except LatentliveError:
                continue
            x[here], y[here], much[here] = found.x, found.y, found.much
            for row, part in found.lit.items():
                lit.setdefault(row, np.zeros(POINTS))[here] = part
        told: Second = {"x": _round(x), "y": _round(y), "m": _round(much, 2)}
        shown = {row: part[:: POINTS // LIGHTS] for row, part in lit.items()}
        told["lit"] = {
            str(row): _round(part, 2) for row, part in shown.items() if part.max() > FAINT
        }
        moments = samples[which == which[-1]][:: POINTS // LIGHTS]
        if which[-1] >= 0:
            curves = self._values[voices[which[-1]]]
            told["curves"] = {
                code: _round(values)
                for code, values in curves.at(moments, diary.seed, diary.tapes).items()
            }
        return told

    @property
    def data(self) -> dict[str, dict[str, Second]]:
        """The ways as data for the page."""
        return {
            name: {str(number): second for number, second in way.seconds.items()}
            for name, way in self._ways.items()
        }


def _round(values: Floats, digits: int = 4) -> list[float]:
    rounded: list[float] = np.round(values, digits).tolist()
    return rounded
