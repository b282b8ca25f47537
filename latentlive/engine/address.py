"""Where running engines are found: a file each, readable by their owner only."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from latentlive.corpus import cache_folder
from latentlive.engine.wire import Wire
from latentlive.errors import EngineError


@dataclass(frozen=True)
class Address:
    """How an engine is reached.

    Parameters
    ----------
    port : int
        On the loopback interface.
    token : str
        What a client must say first.
    pid : int
        The engine's process.
    """

    port: int
    token: str
    pid: int

    def connect(self) -> tuple[Wire, socket.socket]:
        """Open a connection and say the token.

        Raises
        ------
        OSError
            If nobody listens there.
        """
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=5.0)
        connection.settimeout(None)
        wire = Wire(connection.makefile("rb"), connection.makefile("wb"))
        wire.send({"token": self.token})
        return wire, connection


def publish(address: Address) -> Path:
    """Write an engine's address where `running` finds it; return the file."""
    path = cache_folder("run") / f"engine-{address.pid}.json"
    data = json.dumps({"port": address.port, "token": address.token, "pid": address.pid})
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w") as opened:
        opened.write(data)
    return path


def answers(pid: int) -> bool:
    """Return whether the engine of a process id is there."""
    path = cache_folder("run") / f"engine-{pid}.json"
    try:
        known = json.loads(path.read_text())
        _, connection = Address(int(known["port"]), str(known["token"]), pid).connect()
    except (OSError, ValueError, KeyError, TypeError, EngineError):
        return False
    connection.close()
    return True


def running() -> tuple[Address, Wire, socket.socket]:
    """Return the engine that was started last, connected.

    Raises
    ------
    EngineError
        ``no engine is running; start one with latentlive``
    """
    files = cache_folder("run").glob("engine-*.json")
    for path in sorted(files, key=lambda p: p.stat().st_mtime, reverse=True):
        try:
            known = json.loads(path.read_text())
            address = Address(int(known["port"]), str(known["token"]), int(known["pid"]))
            return address, *address.connect()
        except (OSError, ValueError, KeyError, TypeError, EngineError):
            with contextlib.suppress(OSError):
                path.unlink()  # its engine was killed and could not take it along
    raise EngineError("no engine is running; start one with latentlive")
