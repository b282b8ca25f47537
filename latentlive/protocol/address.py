"""Addresses of running engines: a file each, which only the owner can read."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from latentlive.errors import EngineError
from latentlive.ground import processes
from latentlive.ground.files import working_file, working_folder, working_folders
from latentlive.protocol.wire import Wire

OnExit = Literal["keep", "fade"]
"""The engine's reaction when its program ends: play on, or fade out and end."""


@dataclass(frozen=True)
class Address:
    """The address of an engine.

    Parameters
    ----------
    port : int
        On the loopback interface.
    token : str
        The token that a client must send first.
    pid : int
        The engine's process.
    since : str
        The start of that process, since a later one may get the same number.
    """

    port: int
    token: str
    pid: int
    since: str = ""

    @property
    def gone(self) -> bool:
        """Whether its process has certainly ended."""
        try:
            there = processes.started(self.pid)
        except OSError:  # no descriptor left
            return False
        return not there or (self.since not in ("", there))

    def end(self) -> None:
        """Kill its process and that process's children at once."""
        processes.end(self.pid, self.since)

    def connect(self, on_exit: OnExit = "keep", reads: bool = False) -> tuple[Wire, socket.socket]:
        """Open a connection and send the token.

        Parameters
        ----------
        on_exit : 'keep' or 'fade'
            The engine's reaction when this program ends.
        reads : bool
            Whether it only shows the engine: a silent engine that nobody else is connected to
            ends.

        Raises
        ------
        OSError
            If nobody listens there.
        """
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=5.0)
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire = Wire(connection.makefile("rb"), connection.makefile("wb"))
        hello = {"token": self.token, "on_exit": on_exit}
        wire.send({**hello, "reads": True} if reads else hello)
        return wire, connection


def publish(address: Address, kind: str = "engine") -> Path:
    """Write an address where `running` finds it; return the file, readable by its owner only."""
    sweep()
    path = working_folder("run") / f"{kind}-{address.pid}.json"
    beside = path.with_name(f".{path.name}.{address.token[:8]}")
    known = {**asdict(address), "since": address.since or processes.started(address.pid)}
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as opened:
        opened.write(json.dumps(known))
    beside.replace(path)  # atomic: others read it at any moment
    return path


def sweep() -> None:
    """Remove the addresses of killed processes, which could not do so themselves."""
    for path in _files("*"):
        with contextlib.suppress(OSError):
            if (address := _read(path)) is None or address.gone:
                path.unlink()


def _files(kind: str) -> list[Path]:
    """Return the files of addresses of a kind."""
    folders = working_folders("run")
    return [path for folder in folders for path in folder.glob(f"{kind}-*.json")]


def _written(path: Path) -> int:
    """Return when a file was written, 0 if it is missing."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read(path: Path) -> Address | None:
    """Return the address in a file, None if it holds something else.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    try:
        known = json.loads(path.read_text())
        since, port = str(known["since"]), int(known["port"])
        address = Address(port, str(known["token"]), int(known["pid"]), since)
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError):
        return None
    return address if since and 0 < port < 65536 else None


def answers(pid: int) -> bool:
    """Return whether the engine with a process id accepts a connection."""
    try:
        address = _read(working_file(f"engine-{pid}.json", "run"))
        if address is None:
            return False
        _, connection = address.connect()
    except (OSError, EngineError):
        return False
    connection.close()
    return True


def reached(
    kind: str = "engine", on_exit: OnExit = "keep", reads: bool = False
) -> tuple[Wire, socket.socket, Address]:
    """Return a connection to the process of a kind that started last, and its address.

    Raises
    ------
    EngineError
        ``no engine is running; start one with latentlive``
    """
    for address in addresses(kind):
        with contextlib.suppress(OSError, EngineError):
            return *address.connect(on_exit, reads), address
    raise EngineError(f"no {kind} is running; start one with latentlive")


def running(kind: str = "engine", on_exit: OnExit = "keep") -> tuple[Wire, socket.socket]:
    """Return a connection to the ``engine`` or ``prompt`` that started last.

    Raises
    ------
    EngineError
        ``no engine is running; start one with latentlive``
    """
    return reached(kind, on_exit)[:2]


def addresses(kind: str) -> list[Address]:
    """Return the addresses of every ``engine`` or ``prompt``, the last started first."""
    sweep()
    found: list[Address] = []
    for path in sorted(_files(kind), key=_written, reverse=True):
        with contextlib.suppress(OSError):
            if (address := _read(path)) is not None:
                found.append(address)
    return found
