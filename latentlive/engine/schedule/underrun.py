"""What happens when rendering cannot keep up: the layer closes alone, and opens again when it can.

A voice that is about to run dry is faded out by the last sample that it has, so that nothing
clicks; then it leaves out what it missed, and is faded in where it can be met again. Its clock runs
on, and the other voices never notice. A voice that was slower than real time from its first stretch
on never can: it is refused, and its layer goes back to what it played before.
"""

from __future__ import annotations

from collections.abc import Callable

from latentlive.engine.desk.model import Voice
from latentlive.engine.schedule.timeline import Timeline
from latentlive.engine.timing import CLOSE, DRY, EXCUSED, LATE_TOLD_EVERY, to_samples
from latentlive.mixer import grid_ceil, grid_floor

MIXED_AHEAD = 2048
"""Samples that the player may have mixed before they are heard: the limiter's look-ahead and a
device block."""


class Underrun:
    """Mutes voices that run dry, and unmutes them.

    Parameters
    ----------
    timeline : Timeline
    failed : function of a voice's serial and a line
        Told of a voice that cannot be rendered in time.
    """

    def __init__(self, timeline: Timeline, failed: Callable[[int, str], object]) -> None:
        self._timeline, self._failed = timeline, failed
        self._said: dict[str, int] = {}
        self._excuse, self._excused = "", 0

    def excuse(self, why: str) -> None:
        """Blame underruns of the next seconds on something else than load."""
        self._excuse = why
        rate = self._timeline.tempo.sample_rate
        self._excused = self._timeline.position + round(EXCUSED * rate)

    def watch(self, voice: Voice) -> None:
        """Mute a voice that runs dry, or unmute one that has caught up."""
        timeline = self._timeline
        if not timeline.running or voice.complete:
            return
        earliest, left = timeline.earliest, voice.rendered - timeline.earliest
        dry, close = (to_samples(time, timeline.tempo.sample_rate) for time in (DRY, CLOSE))
        if (ahead := timeline.ahead_of(voice)) < timeline.ahead:
            # It cannot be far ahead: what it follows has not arrived.
            dry = min(dry, grid_floor(max(ahead - timeline.margin, 0) // 4))
        enough = timeline.enough(voice)
        if not voice.late:
            if left < dry and voice.stream.slow:
                self._failed(voice.serial, too_slow(voice))
            elif left < dry:
                over = min(max(left, 0), close)
                timeline.desk.gate(voice, max(voice.rendered - over, earliest), 0.0, over)
                voice.late = True
                voice.stream.release()
                self._tell(voice)
        elif voice.rendered < earliest + enough:
            closed = timeline.position > voice.gate.stop + MIXED_AHEAD
            if closed and voice.stream.busy is None and left <= 0:
                # Skip what was missed; the slower the voice, the further ahead it goes on.
                lead = min(2.0 + 2.0 * voice.stream.load, 8.0) * enough
                timeline.desk.skip(voice, grid_ceil(earliest + round(lead)))
        elif timeline.position > voice.gate.stop:
            at = max(voice.skipped_to, earliest)
            if voice.rendered >= at + enough:
                timeline.desk.gate(voice, at, 1.0, close)
                voice.late = False

    def _tell(self, voice: Voice) -> None:
        position = self._timeline.position
        said = self._said.get(voice.layer)
        pause = LATE_TOLD_EVERY * self._timeline.tempo.sample_rate
        if said is None or position > said + pause:
            self._said[voice.layer] = position
            if position < self._excused:
                self._timeline.say(f"{voice.layer}: {self._excuse}; it is silent until it is back")
                return
            load = voice.stream.load
            total = sum(one.stream.load for one in self._timeline.voices.values() if one.sounding)
            self._timeline.say(
                f"{voice.layer}: rendering cannot keep up "
                f"({load:.1f} s for a second of it, "
                f"{total:.1f} s for a second of all); it is silent until it can"
            )


def too_slow(voice: Voice) -> str:
    """Return the line about a voice that cannot be played live, with the remedy."""
    return (
        f"it renders slower than it sounds ({voice.stream.load:.1f} s for a second of it); "
        '.frozen("name") renders it first'
    )
