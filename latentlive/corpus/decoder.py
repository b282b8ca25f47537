"""A separate process that decodes sound files: a file that crashes or hangs it ends nothing else.

The first file that is not in the cache starts it; it ends with the process that started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import threading
from pathlib import Path
from typing import Any

from latentlive.errors import SoundError
from latentlive.ground.launch import command, launched
from latentlive.ground.system import apart

COMMAND = command("latentlive.corpus.decoding")

PATIENCE = 30.0
"""Longest time in seconds to decode the next part of a file."""


def besides(beside: Path) -> list[Path]:
    """Return the temporary files of a mix and two channels, the first of them given."""
    return [beside, *(beside.with_suffix(f".{side}.npy") for side in ("left", "right"))]


class Decoder:
    """The decoding process, started when needed; threads wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def decode(self, path: Path, sample_rate: int, folder: Path) -> list[tuple[str, float]]:
        """Decode a file into a folder, as ``DIGEST.npy``; return digest and peak of each sound.

        The first is the mix; left and right follow if the file has two channels that differ.

        Parameters
        ----------
        path : Path
        sample_rate : int [samples per second]
        folder : Path

        Raises
        ------
        SoundError
            If the file cannot be decoded.
        OSError
            If the folder cannot be written.
        """
        beside = folder.absolute() / f".{os.getpid()}-{secrets.token_hex(8)}.npy"
        asked = {"path": os.fspath(path), "rate": sample_rate, "beside": os.fspath(beside)}
        with self._lock:
            try:
                answer = self._answer({**asked, "folder": os.getcwd()})
            except BaseException:  # Ctrl-C too: its next output would answer no request
                self._end()
                raise
            finally:
                for left in besides(beside):
                    left.unlink(missing_ok=True)
        if answer is None:
            raise SoundError(
                f"sound: cannot read {path}: it ends or hangs the process that decodes it; "
                "is the file damaged?"
            )
        if "refused" in answer:
            raise OSError(*answer["refused"])
        if "error" in answer:
            raise SoundError(answer["error"])
        return [(str(digest), float(peak)) for digest, peak in answer["sounds"]]

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """Return the answer of the process, None if it ends or hangs."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
        while True:
            watch = threading.Timer(PATIENCE, process.kill)
            watch.start()
            try:
                line = process.stdout.readline()
            finally:
                watch.cancel()
                watch.join()
            if not line.endswith(b"\n"):
                self._end()
                return None
            if line != b"\n":  # an empty line only means: still decoding
                answer: dict[str, Any] = json.loads(line)
                return answer

    def _started(self) -> subprocess.Popen[bytes]:
        process = self._process
        if process is None or process.poll() is not None or self._owner != os.getpid():
            process = self._process = launched(COMMAND, **apart())
            self._owner = os.getpid()
        return process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


DECODER = Decoder()
"""The decoder of this process."""
