"""Notes beside the decoded sounds: which of them a file holds, or several make together."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import replace
from pathlib import Path

from latentlive.corpus.audio import Audio
from latentlive.corpus.store import file_of, is_whole, refusal_told, say_if_damaged, stored
from latentlive.errors import SoundError
from latentlive.ground.files import working_file, write_whole


def note_of(told: str) -> Path:
    """Return the note of what was made of something, written or to be written."""
    mark = hashlib.blake2b(os.fsencode(told), digest_size=16).hexdigest()
    with refusal_told():
        return working_file(f"{mark}.txt", "audio")


def noted(note: Path) -> Audio | None:
    """Return the sound that a note names, or None if it is missing or damaged."""
    try:
        mix, *sides = (_named_in(line) for line in note.read_text().splitlines())
    except (OSError, ValueError, SoundError):
        return None
    return replace(mix, sides=tuple(sides))


def _named_in(line: str) -> Audio:
    """Return the sound that a line of a note names.

    Raises
    ------
    OSError, ValueError, SoundError
        If it is missing or damaged.
    """
    digest, *told = line.split(" ")
    path = file_of(digest)
    # A file unchanged since it was written needs no check of all its samples.
    if told[1:] != _stamp(path) and not is_whole(path, digest):
        say_if_damaged(path)
        raise SoundError(f"sound: {path} is damaged")
    return Audio(stored(digest), digest, known_peak=float(told[0]) if told else None)


def take_note(note: Path, audio: Audio) -> None:
    """Write the note of a sound."""
    with contextlib.suppress(OSError):  # without a note, the next run decodes it again
        told = "\n".join(_line_of(one) for one in (audio, *audio.sides))
        write_whole(note, lambda p: p.write_text(told))


def _line_of(audio: Audio) -> str:
    if audio.known_peak is None:
        return audio.digest
    path = file_of(audio.digest)
    return " ".join([audio.digest, repr(audio.known_peak), *_stamp(path)])


def _stamp(path: Path) -> list[str]:
    """Return numbers that change whenever a file changes."""
    state = path.stat()
    return [str(n) for n in (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)]
