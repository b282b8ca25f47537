"""A TorchScript model in a process of its own, as this process sees it."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import subprocess
import weakref
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ModelError
from latentlive.ground import threads
from latentlive.ground.extras import lacking
from latentlive.ground.launch import command, launched

F32 = NDArray[np.float32]

START = 120.0
"""Seconds in which torch must be imported and the model loaded, on a busy machine."""

LARGEST = 2**28
"""Bytes of an answer, at most."""

Answer = tuple[dict[str, Any], bytes]


class ScriptProcess:
    """Starts `script_host` on a file, and asks it.

    Parameters
    ----------
    file : path
    digest : str
        Of a model file's tensors: a file that was written anew since is refused.

    Raises
    ------
    ModelError
        If no process can be started, or torch is missing.
    """

    def __init__(self, file: Path, digest: str = "") -> None:
        if line := lacking("model", "import", "torch"):
            raise ModelError(line)
        self.file = file
        arguments = [str(file), *([digest] if digest else [])]
        try:
            self._child = launched(command("latentlive.models.script_host", *arguments))
        except OSError as error:
            raise ModelError(f"model: {file}: no process for it: {error}") from None
        assert self._child.stdout is not None
        self._answers: queue.Queue[Answer | None] = queue.Queue()
        self._loaded = False
        self._ended: int | None = None
        self._finalizer = weakref.finalize(self, _end, self._child)
        threads.run(_listen, self._child.stdout, self._answers)

    @property
    def ready(self) -> bool:
        """Whether the model is loaded, so that an answer takes as long as its computing.

        Raises
        ------
        ModelError
            If it could not be loaded.
        """
        if not self._loaded:
            with contextlib.suppress(queue.Empty):
                self._checked(self._answers.get_nowait())
                self._loaded = True
        return self._loaded

    def wait(self) -> None:
        """Wait until the model is loaded; raises as `ready` does."""
        if not self._loaded:
            self._checked(self._next(START))
            self._loaded = True

    def described(self, seconds: float = 120.0) -> dict[str, Any]:
        """Return the model's own description, and the facts that probing finds."""
        return self._asked({"op": "describe", "seconds": seconds})[0]

    def run(self, method: str, x: F32, seed: int, seconds: float) -> F32:
        """Return a method's output for a signal [shape=(channels, n)].

        Parameters
        ----------
        method : 'encode' or 'decode'
        x : array
        seed : int
            Of whatever chance the model draws.
        seconds : float
            After computing for so long it is ended.

        Raises
        ------
        ModelError
            If it fails, ends or takes longer.
        """
        request = {"op": method, "shape": x.shape, "seed": seed, "seconds": seconds}
        answer, samples = self._asked(request, np.ascontiguousarray(x, np.float32).tobytes())
        shape = answer["shape"]
        y: F32 = np.frombuffer(samples, np.float32).reshape(shape)
        return y

    @property
    def killed(self) -> bool:
        """Whether the process was ended by anything but its own limits or an error."""
        limit = -getattr(signal, "SIGPROF", 0)
        return self._ended is not None and self._ended < 0 and self._ended != limit

    def close(self) -> None:
        """End the process."""
        self._finalizer()

    def _asked(self, request: dict[str, Any], samples: bytes = b"") -> Answer:
        self.wait()
        seconds = request["seconds"]
        assert self._child.stdin is not None
        with contextlib.suppress(OSError):  # it has ended: the answer says so
            self._child.stdin.write(json.dumps(request).encode() + b"\n" + samples)
            self._child.stdin.flush()
        return self._checked(self._next(4.0 * seconds + 10.0), seconds)

    def _next(self, seconds: float) -> Answer | None:
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            return None

    def _checked(self, answer: Answer | None, seconds: float = START) -> Answer:
        if answer is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._ended = self._child.wait(0.2)
            self.close()
            raise ModelError(
                f"model: {self.file}: its script ended, or computed for more than {seconds:g} s"
            )
        if error := answer[0].get("error"):
            raise ModelError(f"model: {self.file}: {error}")
        return answer


def _listen(stream: IO[bytes], answers: queue.Queue[Answer | None]) -> None:
    """Put each answer into the queue, and None at the end or at anything that is no answer."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        while line := stream.readline(2**20):
            answer = json.loads(line)
            size = 4 * int(np.prod(answer["shape"])) if "shape" in answer else 0
            if not 0 <= size <= LARGEST:
                break
            samples = stream.read(size)
            if len(samples) < size:
                break
            answers.put((answer, samples))
    answers.put(None)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a process and its pipes."""
    child.kill()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.close()
    child.wait()
