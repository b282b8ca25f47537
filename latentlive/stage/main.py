"""The process of the stage view: connects to an engine, serves the page, ends with the engine.

Started as ``python -m latentlive.stage.main`` by ``stage()`` and ``--stage``. It prints its
addresses as a line of JSON; lines on its standard input tell what to show.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import queue
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click

from latentlive.client import Engine
from latentlive.errors import EngineError, LatentliveError
from latentlive.ground import threads
from latentlive.ground.processes import stand_back
from latentlive.protocol.address import addresses
from latentlive.stage.access import EVERYWHERE, LOOPBACK, Access, own_host
from latentlive.stage.board import Board
from latentlive.stage.chart import chart
from latentlive.stage.pointing import Pointing

WAITING = 16
"""What pages asked for that may wait."""

MISSING = "stage: the package websockets is missing; pip install websockets"


class Stage:
    """An engine, shown.

    Parameters
    ----------
    access : Access
    pid : int
        The engine's process; 0 is the one that was started last.
    """

    def __init__(self, access: Access, pid: int = 0) -> None:
        self.access = access
        self._said: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.engine = Engine.attach(self._say, address=_engine(pid), reads=True)
        self.board = Board(self.engine)
        self._pointing = Pointing(self.engine, lambda: self.board.knobs)
        self._map = b'{"why": "the map is being read"}'
        self._asked, self._turned = (ThreadPoolExecutor(1, name) for name in ("asked", "turned"))
        self._newest: dict[str | None, Any] = {}
        self._waiting = 0
        while not self._said.empty():
            self.board.say(self._said.get())

    def _say(self, line: str) -> None:
        board = getattr(self, "board", None)
        if board is None:
            self._said.put(line)
        else:
            board.say(line)

    def read_map(self) -> None:
        """Read the corpus's map; that may take seconds."""
        data, mapped = chart(self.engine.corpus)
        text = json.dumps(data, separators=(",", ":")).encode("utf-8", "replace")
        self._pointing.mapped = mapped
        self._map = text
        self.board.place(mapped, hashlib.blake2b(text, digest_size=8).hexdigest())

    async def _do(self, message: Any) -> str:
        """Do what a page asks for, one after another, in a thread of its own.

        Of a knob that is turned faster than the engine answers, the newest value counts.
        """
        key = turned(message)
        if key is not None:
            waits = key in self._newest
            self._newest[key] = message
            if waits:
                return ""
        if self._waiting >= WAITING:
            self._newest.pop(key, None)
            return "stage: it has too much to do"
        self._waiting += 1

        def run() -> str:
            return self._pointing.do(message if key is None else self._newest.pop(key))

        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._asked if key is None else self._turned, run)
        finally:
            self._waiting -= 1

    def serve(self, host: str, port: int, begun: Callable[[int], object]) -> None:
        """Serve until the engine ends or Ctrl-C; what sounds comes first.

        Raises
        ------
        EngineError
            If the port is taken, or the web library is missing.
        """
        try:
            from latentlive.stage.serving import Site
        except ImportError:
            raise EngineError(MISSING) from None
        self.access.check(host)
        stand_back()
        threads.run(self.read_map)

        async def main() -> None:
            site = Site(self.access, self.board.state, lambda: self._map, self._do)
            await site.run(host, port, begun)

        try:
            asyncio.run(main())
        finally:
            for threads_of in (self._asked, self._turned):
                threads_of.shutdown(wait=False, cancel_futures=True)
            self.engine.hang_up()


def turned(message: Any) -> str | None:
    """Return which knob a message turns, None if it asks for something else.

    >>> turned({"do": "turn", "name": "sea", "value": 0.5}), turned({"do": "audition", "row": 3})
    ('turn sea', None)
    """
    if not isinstance(message, dict) or message.get("do") not in ("pad", "turn"):
        return None
    name = message.get("name")
    return f"{message['do']} {name[:200]}" if isinstance(name, str) else None


def _engine(pid: int) -> Any:
    """Return the address of an engine.

    Raises
    ------
    EngineError
        If it does not run.
    """
    if not pid:
        return None
    for address in addresses("engine"):
        if address.pid == pid:
            return address
    raise EngineError(f"stage: no engine runs in process {pid}")


def urls(access: Access, host: str, port: int) -> tuple[str, str]:
    """Return the address for this machine, which may point, and the one that only shows.

    >>> urls(Access(token="it"), "::1", 80)
    ('http://[::1]:80/?token=it', 'http://[::1]:80/')
    """
    everywhere = host in (EVERYWHERE, "::")
    own, shown = (LOOPBACK, socket.gethostname()) if everywhere else (host, host)
    own, shown = (f"[{name}]" if ":" in name else name for name in (own, shown))
    return f"http://{own}:{port}/?token={access.token}", f"http://{shown}:{port}/"


def _listen(stage: Stage) -> None:
    """Take what is to be shown from standard input, until told to close."""
    for line in sys.stdin:
        with contextlib.suppress(ValueError, AttributeError):
            told = json.loads(line)
            if told.get("op") == "close":
                os._exit(0)
            if isinstance(told.get("show"), dict):
                stage.board.show = told["show"]


@click.command()
@click.option("--engine", default=0)
@click.option("--host", default="")
@click.option("--port", default=0)
@click.option("--public", is_flag=True)
@click.option("--show", default="{}")
def main(engine: int, host: str, port: int, public: bool, show: str) -> None:
    """Show an engine; the addresses are written to standard output as JSON."""
    access, host = Access(public), host or own_host(public)

    def begun(port: int) -> None:
        own, looks = urls(access, host, port)
        told = {"op": "listening", "url": own, "looks": looks, "port": port}
        print(json.dumps(told), flush=True)
        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 1)

    try:
        stage = Stage(access, engine)
        stage.board.show = json.loads(show)
        threading.Thread(target=_listen, args=(stage,), daemon=True).start()
        stage.serve(host, port, begun)
    except (LatentliveError, OSError) as error:
        print(json.dumps({"op": "refused", "error": str(error)}), flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
