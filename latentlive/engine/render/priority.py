"""What a worker renders next: what sounds and is nearest to running dry, then what waits.

Under overload the first layers come first, so that what cannot be rendered in time is missing from
the last ones, one after the other, and not from all at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from latentlive.engine.desk.model import LONGEST_PIECE, SLOW, Voice
from latentlive.engine.timing import LONGEST_BATCH, PRESSED
from latentlive.protocol.rendering import Job

CHUNK = LONGEST_PIECE
FIRST_CHUNK = CHUNK // 2
BATCH = 8
"""Voices in one decode, at most."""


@dataclass(frozen=True)
class Due:
    """A stretch of a voice that is to be rendered.

    Parameters
    ----------
    voice : Voice
    left : int [samples]
        How much of it is ready beyond what is heard.
    at : int or None [samples, global]
        Where it is to land, if that is known.
    length : int [samples]
    ahead : int [samples]
        How far ahead it is rendered.
    """

    voice: Voice
    left: int
    at: int | None
    length: int
    ahead: int

    @property
    def whole(self) -> bool:
        """Whether it sounds and is not muted by an underrun."""
        return self.voice.sounding and not self.voice.late

    @property
    def slot(self) -> int:
        """Its layer's place among the layers."""
        return self.voice.slot

    @property
    def slow(self) -> bool:
        """Whether it would keep others waiting."""
        return self.voice.stream.load >= SLOW

    @property
    def alone(self) -> bool:
        """Whether it is rendered alone: late voices recover sooner, a hang costs no other."""
        return self.slow or self.voice.late or self.voice.stream.hung > 0

    @property
    def job(self) -> Job:
        """What a worker is told."""
        voice = self.voice
        return Job(voice.serial, voice.version, voice.rendered, voice.rendered + self.length)


def batch(due: Iterable[Due], rate: int) -> list[Due]:
    """Return the stretches to render together now.

    Parameters
    ----------
    due : iterable of Due
    rate : int [samples a second]
    """
    if first := pressed(due, rate):
        return _together(first, rate)
    whole = [one for one in due if one.whole]
    if any(one.left < one.ahead / 2 for one in whole):
        return _together(sorted(whole, key=lambda one: (one.voice.stream.hung, one.left)), rate)
    return _together(sorted(due, key=_need), rate)


def pressed(due: Iterable[Due], rate: int) -> list[Due]:
    """Return sounding voices with little left in their buffers, the first layers first."""
    found = [one for one in due if one.whole and one.left < min(PRESSED * rate, one.ahead / 2)]
    return sorted(found, key=lambda one: (one.voice.stream.hung, one.slow, one.slot))


def _need(one: Due) -> tuple[int, int, int, int]:
    """Return a key that sorts by need: sounding, landing, recovering, cues; last what hung."""
    hung = one.voice.stream.hung
    if one.whole:
        return hung, 0, one.left, 0
    if one.voice.sounding:
        return hung, 2, one.slot, 0
    return hung, 1 if one.at is not None else 3, one.left, one.at or 0


def _together(due: list[Due], rate: int) -> list[Due]:
    """Return as many of the first stretches as fit into one decode."""
    chosen: list[Due] = []
    takes = 0.0
    for one in due:
        longer = takes + one.voice.stream.load * one.length / rate
        if chosen and (one.alone or longer > LONGEST_BATCH or len(chosen) == BATCH):
            continue
        chosen.append(one)
        takes = longer
        if one.alone:
            break
    return chosen
