"""Child processes of the engine, in its process group; a queue receives their messages."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import time
from collections.abc import Iterable
from typing import IO, Any

from latentlive.errors import EngineError
from latentlive.ground import threads
from latentlive.ground.launch import command, launched
from latentlive.ground.system import beside
from latentlive.protocol.wire import Message, Wire


class Child:
    """A process that exchanges messages on its standard streams.

    A separate thread writes to it: a worker in the middle of a long decode reads nothing, and a
    pipe holds only 64 KiB.

    Parameters
    ----------
    name : str
        The label of its messages.
    module : str
        Started as ``python -m module``.
    arguments : list of str
    fd : int
        The shared memory, inherited.
    inbox : queue
        Receives (child, message); the message is None once the process has ended.
    log : file
        Receives its standard error.

    Raises
    ------
    EngineError
        If descriptors, memory or threads have run out; it then leaves no process behind.
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
            started = command(module, "--fd", str(fd), *arguments)
            self.process = launched(started, log, **beside(fd))
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
            self.process.kill()  # it sent an invalid message
        finally:
            self._reap()
            self._inbox.put((self, None))

    def _reap(self) -> None:
        """Wait for the process to end, and close its output."""
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def send(self, message: Message) -> None:
        """Queue a message for the process; if it has ended, the inbox reports that."""
        self._outbox.put(message)

    def _write(self) -> None:
        with contextlib.suppress(EngineError):  # it has ended; `_listen` reports that
            while (message := self._outbox.get()) is not None:
                self._wire.send(message)
        with contextlib.suppress(OSError):  # the same
            assert self.process.stdin is not None
            self.process.stdin.close()

    def leave(self) -> None:
        """Close its input, so that it ends by itself."""
        self._outbox.put(None)

    def kill(self) -> None:
        """Kill it; only `_listen` waits for its end, since a stuck disk can delay that."""
        self.process.kill()
        self._outbox.put(None)


class Children:
    """Starts the child processes of an engine, which share its memory, its queue and its log.

    Parameters
    ----------
    fd : int
        The shared memory, inherited.
    inbox : queue
        Receives (child, message) of all of them.
    log : file
        Receives their standard error.
    """

    def __init__(
        self, fd: int, inbox: queue.Queue[tuple[Any, Message | None]], log: IO[bytes]
    ) -> None:
        self._fd, self._inbox, self._log = fd, inbox, log
        self.log = log.name
        """The path of their log."""

    def start(self, name: str, module: str, arguments: list[str]) -> Child:
        """Start one; parameters as of `Child`.

        Raises
        ------
        EngineError
            If there is no room for it.
        """
        return Child(name, module, arguments, self._fd, self._inbox, self._log)


def close(children: Iterable[Child], patience: float = 2.0) -> None:
    """Close the input of some children, wait for them, and kill those that do not end."""
    held, end = list(children), time.monotonic() + patience
    for child in held:
        child.leave()
    for child in held:
        try:
            child.process.wait(max(end - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            child.kill()
