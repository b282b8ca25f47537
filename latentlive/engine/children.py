"""Child processes of the engine: started in sessions of their own, heard through a queue."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from typing import IO

from latentlive.engine.system import apart
from latentlive.engine.wire import Message, Wire

ONE_THREAD = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
"""Two threads on two busy cores wait for each other; each process computes on one."""


class Child:
    """A process that speaks messages on its standard streams.

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
        self.wire = Wire(self.process.stdout, self.process.stdin)
        self._inbox = inbox
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while (message := self.wire.receive()) is not None:
            self._inbox.put((self, message))
        self._inbox.put((self, None))

    def close(self, patience: float = 2.0) -> None:
        """End its input, wait, and kill it if it does not go."""
        try:
            if self.process.stdin:
                self.process.stdin.close()
        except OSError:
            pass  # it is gone already, which is what was wanted
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
