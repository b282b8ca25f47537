"""The starter corpus on disk: each sound is synthesised when it is first read, into the cache.

Started as ``python -m latentlive.corpus.starting``, it makes those that are missing while something
else already sounds, and ends with its input.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import subprocess
import threading
from pathlib import Path

from latentlive.ground import threads
from latentlive.ground.files import working_folder, write_whole
from latentlive.ground.launch import command
from latentlive.ground.lines import say_once
from latentlive.ground.processes import stand_back
from latentlive.ground.system import apart

VERSION = "1"
"""Raise it when the sounds change, so that old files do not count as new."""

SOME = 4
"""So many missing sounds are made before a line about it."""


def starter_folder() -> Path:
    """Return the folder of the starter corpus; it need not hold any sound yet."""
    from latentlive.starter import NAMES

    mark = hashlib.blake2b("\n".join(NAMES).encode(), digest_size=4).hexdigest()
    return working_folder(f"starter-{VERSION}-{mark}")


def starter_files(folder: Path) -> dict[str, Path]:
    """Return the file of each starter sound by its name; it need not exist yet."""
    from latentlive.starter import NAMES

    return {name: folder / f"{name}.flac" for name in sorted(NAMES)}


def missing(folder: Path) -> list[Path]:
    """Return the files of starter sounds that nothing has read yet."""
    return [path for path in starter_files(folder).values() if not path.exists()]


def make(path: Path) -> None:
    """Make a starter sound, or replace its damaged file."""
    import soundfile

    from latentlive.starter import synthesise

    samples = synthesise(path.stem)
    write_whole(path, lambda beside: soundfile.write(beside, samples, 44100, subtype="PCM_24"))


class _Making:
    """The process that makes missing sounds; one is enough for a program."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                command(__name__),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                **apart(),
            )
            threads.run(self.process.wait)

    def stop(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()  # it finishes the sound that it makes


_making = _Making()
atexit.register(_making.stop)


def begin(folder: Path) -> None:
    """Have a process make the missing sounds while others are played; without one, none are lost:
    each is made as it is read."""
    if missing(folder):
        try:
            _making.begin()
        except OSError:
            return


def complete(folder: Path) -> None:
    """Make all missing sounds now: what needs every one waits for them."""
    left = missing(folder)
    if len(left) > SOME:
        say_once("making the starter sounds, once ...")
    for path in reversed(left):  # the process beside this one begins with the first
        if not path.exists():
            make(path)


def main() -> None:
    """Make the missing sounds, and give way to what sounds."""
    stand_back()
    left = threading.Event()
    threads.run(_follow_input, left)
    for path in missing(starter_folder()):
        if left.is_set():
            return
        if not path.exists():
            make(path)


def _follow_input(left: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    left.set()


if __name__ == "__main__":
    main()
