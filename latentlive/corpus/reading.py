"""Audio files as float32 at the model's rate, and sounds that were joined: made once, then noted.

Of a file with two channels the cache holds three sounds: left, right, and the mix of both, by which
it is mapped, measured and cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from latentlive.corpus.audio import Audio, audio_of
from latentlive.corpus.decoder import DECODER
from latentlive.corpus.notes import note_of, noted, take_note
from latentlive.corpus.store import keep, refusal_told, stored
from latentlive.errors import SoundError
from latentlive.ground.files import working_folder
from latentlive.units import Samples

NOTES = "with channels"
"""Which notes count: those of before there were channels name the mix alone."""


def read_audio(path: Path, sample_rate: int) -> Audio:
    """Return a file's audio, resampled to `sample_rate`, finite, not empty.

    Two channels that differ are kept; of more than two there is only the mix.

    Raises
    ------
    SoundError
        If the file is missing, not audio, empty, too long, or holds NaN or infinity.
    """
    note = _file_note(path, sample_rate)
    known = noted(note)
    if known is None:
        with refusal_told():
            decoded = DECODER.decode(path, sample_rate, working_folder("audio"))
        mix, *sides = (Audio(stored(digest), digest, 1.0, peak) for digest, peak in decoded)
        known = replace(mix, sides=tuple(sides))
        take_note(note, known)
    return known


def remember(path: Path, sample_rate: int, samples: Samples) -> Audio:
    """Return the audio of a file whose samples are known, so that nobody has to decode it.

    Raises
    ------
    SoundError
        As `read_audio`.
    """
    known = keep(audio_of(samples))
    take_note(_file_note(path, sample_rate), known)
    return known


def _file_note(path: Path, sample_rate: int) -> Path:
    """Return the note of what an unchanged file holds at a rate, written or to be written."""
    try:
        state = path.stat()
    except OSError as error:
        raise SoundError(f"sound: cannot read {path}: {error.strerror}") from None
    # Programs can set the modification time (mtime) back, but not the change time (ctime).
    when = f"{state.st_mtime_ns} {state.st_ctime_ns} {state.st_ino}"
    seen = f"{path.resolve()} {state.st_size} {when} {sample_rate} {NOTES}"
    return note_of(seen)


def joined(parts: Sequence[Audio]) -> Audio:
    """Return several sounds one after another; reuse an earlier join of the same sounds."""
    if len(parts) == 1:
        return parts[0]
    note = note_of(" ".join(part.recording for part in parts))
    known = noted(note)
    if known is None:
        sides = range(2 if any(part.sides for part in parts) else 0)
        found = [np.concatenate([part.side(i).samples for part in parts]) for i in (None, *sides)]
        mix, *others = (Audio(samples, "") for samples in found)
        known = keep(replace(mix, sides=tuple(others)))
        take_note(note, known)
    return known
