"""The starter corpus on disk: synthesised on first use, into the cache folder."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from latentlive.ground.files import working_folder, write_whole

VERSION = "1"
"""Raise it when the sounds change, so that old files do not count as new."""


def starter_folder() -> Path:
    """Return the folder of the starter corpus; make missing sounds with a progress bar."""
    from tqdm import tqdm

    from latentlive.starter import NAMES

    mark = hashlib.blake2b("\n".join(NAMES).encode(), digest_size=4).hexdigest()
    folder = working_folder(f"starter-{VERSION}-{mark}")
    missing = [name for name in NAMES if not (folder / f"{name}.flac").exists()]
    if missing:
        shown = tqdm(missing, "making the starter sounds", unit="sound", file=sys.stderr)
        for name in shown:
            make(folder / f"{name}.flac")
    return folder


def make(path: Path) -> None:
    """Make a starter sound, or replace its damaged file."""
    import soundfile

    from latentlive.starter import synthesise

    samples = synthesise(path.stem)
    write_whole(path, lambda beside: soundfile.write(beside, samples, 44100, subtype="PCM_24"))
