"""Child processes of the engine: started in its own group, heard through a queue."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import IO

from latentlive.errors import EngineError
from latentlive.ground import threads
from latentlive.ground.system import beside
from latentlive.protocol.wire import Message, Wire

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
        The shared memory, inherited.
    inbox : queue
        Receives (child, message); the message is None when the process is gone.
    log : file
        Where its standard error goes.

    Raises
    ------
    EngineError
        If descriptors, memory or threads have run out; no process is left then.
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
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, "--fd", str(fd), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                **beside(fd),
                env={**os.environ, **ONE_THREAD},
            )
        except (OSError, MemoryError) as error:
            raise EngineError(f"engine: no {name} process can be started: {error}") from None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._wire = Wire(self.process.stdout, self.process.stdin)
        self._inbox = inbox
        self._outbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        try:
            for what in (self._write, self._listen):
                threads.run(what)
        except (RuntimeError, MemoryError) as error:
            self.process.kill()
            self._outbox.put(None)
            self._reap()
            raise EngineError(f"engine: no {name} process can be heard: {error}") from None

    def _listen(self) -> None:
        try:
            while (message := self._wire.receive()) is not None:
                self._inbox.put((self, message))
        except EngineError:
            self.process.kill()  # it spoke nonsense
        finally:
            self._reap()
            self._inbox.put((self, None))

    def _reap(self) -> None:
        """Wait until the process is gone, and leave nothing of it."""
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

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

    def leave(self) -> None:
        """End its input, so that it goes by itself."""
        self._outbox.put(None)

    def kill(self) -> None:
        """End it at once; who listens to it waits, for a stuck disk can hold it for long."""
        self.process.kill()
        self._outbox.put(None)


def close(children: Iterable[Child], patience: float = 2.0) -> None:
    """End the input of some children, wait for all of them, and kill those that do not go."""
    held, end = list(children), time.monotonic() + patience
    for child in held:
        child.leave()
    for child in held:
        try:
            child.process.wait(max(end - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            child.kill()
