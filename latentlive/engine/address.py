"""Where running engines are found: a file each, readable by their owner only."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from latentlive.corpus import cache_folder
from latentlive.engine.wire import Wire
from latentlive.errors import EngineError

OnExit = Literal["keep", "fade"]
"""What an engine does when a program that uses it is gone: go on, or fade out and end."""


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

    def connect(self, on_exit: OnExit = "keep") -> tuple[Wire, socket.socket]:
        """Open a connection and say the token.

        Parameters
        ----------
        on_exit : 'keep' or 'fade'
            What the engine does when this program is gone.

        Raises
        ------
        OSError
            If nobody listens there.
        """
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=5.0)
        connection.settimeout(None)
        wire = Wire(connection.makefile("rb"), connection.makefile("wb"))
        wire.send({"token": self.token, "on_exit": on_exit})
        return wire, connection


def publish(address: Address, kind: str = "engine") -> Path:
    """Write an address where `running` finds it; return the file, which only its owner can read."""
    path = cache_folder("run") / f"{kind}-{address.pid}.json"
    data = json.dumps({"port": address.port, "token": address.token, "pid": address.pid})
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as opened:
        opened.write(data)
    return path


def _read(path: Path) -> Address:
    known = json.loads(path.read_text())
    return Address(int(known["port"]), str(known["token"]), int(known["pid"]))


def answers(pid: int) -> bool:
    """Return whether the engine of a process id is there."""
    try:
        _, connection = _read(cache_folder("run") / f"engine-{pid}.json").connect()
    except (OSError, ValueError, KeyError, TypeError, EngineError):
        return False
    connection.close()
    return True


def running(kind: str = "engine", on_exit: OnExit = "keep") -> tuple[Wire, socket.socket]:
    """Return a connection to what was started last: an ``engine``, or a ``prompt``.

    Raises
    ------
    EngineError
        ``no engine is running; start one with latentlive``
    """
    files = cache_folder("run").glob(f"{kind}-*.json")
    for path in sorted(files, key=lambda p: p.stat().st_mtime_ns, reverse=True):
        try:
            return _read(path).connect(on_exit)
        except (OSError, ValueError, KeyError, TypeError, EngineError):
            with contextlib.suppress(OSError):
                path.unlink()  # its process was killed and could not take it along
    raise EngineError(f"no {kind} is running; start one with latentlive")
