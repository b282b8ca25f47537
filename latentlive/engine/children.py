"""Child processes of the engine: started in sessions of their own, heard through a queue."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from typing import IO

from latentlive.engine.system import apart
from latentlive.engine.wire import Message, Wire
from latentlive.errors import EngineError

ONE_THREAD = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
"""Two threads on two busy cores wait for each other; each process computes on one."""


class Child:
    """A process that speaks messages on its standard streams.

    What it is sent is written by a thread of its own: a worker in the middle of a long decode reads
    nothing, and a pipe holds 64 KiB.

    Parameters
    ----------
    name : str
        What its messages are labelled with.
    module : str
        Started as ``python -m module``.
    arguments : list of str
    fd : int
        The shared block, inherited.
    inbox : queue
        Receives (child, message); the message is None when the process is gone.
    log : file
        Where its standard error goes.
    """

    def __init__(
        self,
        name: str,
        module: str,
        arguments: list[str],
        fd: int,
        inbox: queue.Queue[tuple[object, Message | None]],
        log: IO[bytes],
    ) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, "--fd", str(fd), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            **apart(fd),
            env={**os.environ, **ONE_THREAD},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._wire = Wire(self.process.stdout, self.process.stdin)
        self._inbox = inbox
        self._outbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        for what in (self._listen, self._write):
            threading.Thread(target=what, daemon=True).start()

    def _listen(self) -> None:
        while (message := self._wire.receive()) is not None:
            self._inbox.put((self, message))
        self._inbox.put((self, None))

    def send(self, message: Message) -> None:
        """Send a message as soon as it reads; if it is gone, its end is told of anyway."""
        self._outbox.put(message)

    def _write(self) -> None:
        with contextlib.suppress(EngineError):  # it is gone; its reader says so
            while (message := self._outbox.get()) is not None:
                self._wire.send(message)
        with contextlib.suppress(OSError):  # the same
            assert self.process.stdin is not None
            self.process.stdin.close()

    def close(self, patience: float = 2.0) -> None:
        """End its input, wait, and kill it if it does not go."""
        self._outbox.put(None)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
