"""What renders next: the voices that are nearest to running dry, those that sound before others."""

from __future__ import annotations

from latentlive.engine.scheduler import Scheduler
from latentlive.engine.voices import Voice
from latentlive.mixer import GRID

FIRST_CHUNK = 4096
CHUNK = 8192
BATCH = 8
"""Voices that are rendered in one decode."""


def jobs(scheduler: Scheduler) -> list[list[int]]:
    """Return the stretches to render now: [voice, serial, start, stop] in global samples.

    A voice that fell behind goes on at the first position that can still be met.
    """
    position = scheduler.position
    due = []
    for voice in scheduler.voices.values():
        if not voice.loaded:
            continue
        base = max(position, voice.start)
        if voice.asked < position:
            voice.asked = scheduler.earliest
            scheduler.block.ready[voice.index] = voice.asked
        if voice.asked < base + scheduler.ahead and not _past_need(voice):
            due.append((voice.asked - base, voice))
    due.sort(key=lambda item: (not item[1].sounding, item[0]))
    stretches = []
    for ready, voice in due[:BATCH]:
        length = FIRST_CHUNK if ready < scheduler.ready_enough else CHUNK
        stretches.append([voice.index, voice.serial, voice.asked, voice.asked + length])
        voice.asked += length
    return stretches


def _past_need(voice: Voice) -> bool:
    faded = voice.fade.high == 0.0 and voice.sounding and voice.asked > voice.fade.stop
    ended = voice.end is not None and voice.asked > voice.end + GRID
    return faded or ended
