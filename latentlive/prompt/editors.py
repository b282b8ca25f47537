"""Cells from an editor: length-framed JSON over a loopback socket, opened by a token.

The editor sends ``{"token"}``, then ``{"id", "code", "file", "line"}``. The prompt answers
``{"op": "ack", "id"}`` when it has taken the cell and, when the cell has run,
``{"op": "result", "id", "result"}`` or ``{"op": "error", "id", "error", "file", "line"}``.
``{"op": "insert", "id", "text", "engine"}`` puts text into the edited line of the prompt of an
engine, and runs nothing. The prompt's address is in a file that only its owner can read.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from queue import SimpleQueue
from typing import cast

from latentlive.errors import EngineError, ExpressionError
from latentlive.ground.files import can_be_called
from latentlive.ground.names import on_disk
from latentlive.prompt.jobs import Answer, Job, Sent
from latentlive.prompt.session import cell_at
from latentlive.protocol.address import addresses
from latentlive.protocol.door import Door
from latentlive.protocol.wire import Message, Wire

MOST = 4 * 2**20
"""Most bytes of a cell from an editor."""

MOST_INSERTED = 10_000
"""Most letters that are inserted into the edited line."""

NO_LINE = "the prompt edits no line now"

ANSWERS = 2.0
"""Seconds for a prompt to answer before the next older prompt is tried."""

PATIENCE = 10.0
"""Seconds for a connection to send its request."""


class Listener:
    """Takes cells from editors and puts them into the console's inbox.

    Parameters
    ----------
    inbox : queue of jobs
    insert : function of a text and the process id of an engine
        Inserts the text into the edited line, and returns why it does not, or an empty line.
    """

    def __init__(
        self,
        inbox: SimpleQueue[Job],
        insert: Callable[[str, int], str] = lambda text, engine: NO_LINE,
    ) -> None:
        self._inbox, self._insert = inbox, insert
        self._door = Door("prompt", self._serve)
        self.address, self.file = self._door.address, self._door.file

    def close(self) -> None:
        """Close the door, and remove the address."""
        self._door.close()

    def _serve(self, connection: socket.socket, _: Message) -> None:
        connection.settimeout(PATIENCE)
        try:
            reader, writer = connection.makefile("rb"), connection.makefile("wb")
            self._talk(Wire(reader, writer, MOST))
        except (EngineError, OSError, MemoryError):
            pass  # an invalid message, or the editor hung up: drop the connection
        finally:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _talk(self, wire: Wire) -> None:
        while (message := wire.receive()) is not None:
            number = message.get("id")
            if message.get("op") == "ping":
                wire.send({"op": "ack", "id": number})
                continue
            if message.get("op") == "insert":
                refused = self._inserted(message)
                told = {"op": "error", "error": refused} if refused else {"op": "ack"}
                wire.send({**told, "id": number})
                continue
            try:
                code, file, line = _cell(message)
            except ExpressionError as error:
                wire.send({"op": "error", "id": number, "error": str(error)})
                continue
            answers: SimpleQueue[Answer] = SimpleQueue()
            wire.send({"op": "ack", "id": number})
            self._inbox.put(Sent(code, file, line, answers.put))
            answer = answers.get()
            if answer.error:
                place = {"file": file, "line": answer.line}
                wire.send({"op": "error", "id": number, "error": answer.error, **place})
            else:
                wire.send({"op": "result", "id": number, "result": answer.shown})

    def _inserted(self, message: Message) -> str:
        """Insert a text into the edited line, without running it; return why not, or nothing."""
        text, engine = message.get("text"), message.get("engine")
        if not isinstance(text, str) or type(engine) is not int:
            return 'insert: a text is {"text", "engine"}'
        if not text or len(text) > MOST_INSERTED or not text.isprintable():
            return f"insert: 1 to {MOST_INSERTED} letters on one line are inserted"
        return self._insert(text, engine)


def _cell(message: Message) -> tuple[str, str, int]:
    """Return code, file and line of a message."""
    code, file, line = message.get("code"), message.get("file", ""), message.get("line", 1)
    right = isinstance(code, str) and isinstance(file, str) and type(line) is int
    if not right or not 1 <= cast(int, line) <= 1_000_000:
        raise ExpressionError('send: a cell is {"id", "code", "file", "line"}')
    return cast(str, code), cast(str, file), cast(int, line)


def send(code: str, file: str, line: int) -> Message:
    """Run a cell in the prompt opened last; return its answer.

    Parameters
    ----------
    code : str
    file : str
        Empty without a file.
    line : int
        Of its first line in the file.

    Raises
    ------
    EngineError
        ``no prompt is running; start one with latentlive``
    """
    wire, connection = _prompt()
    try:
        wire.send({"id": 1, "code": code, "file": file, "line": line})
        while (answer := wire.receive()) is not None:
            if answer.get("op") in ("result", "error"):
                return answer
    finally:
        connection.close()
    raise EngineError("send: the prompt was closed before the cell had run")


def _prompt() -> tuple[Wire, socket.socket]:
    """Return a connection to the prompt opened last among those that answer."""
    stopped = 0
    for address in addresses("prompt"):
        with contextlib.suppress(OSError, EngineError):
            wire, connection = address.connect()
            stopped = stopped or address.pid
            connection.settimeout(ANSWERS)
            wire.send({"id": 0, "op": "ping"})
            if wire.receive() == {"op": "ack", "id": 0}:
                connection.settimeout(None)
                return wire, connection
            connection.close()
    if stopped:
        raise EngineError(f"send: the prompt (process {stopped}) does not answer; is it stopped?")
    raise EngineError("no prompt is running; start one with latentlive")


def chosen(place: str, standard_input: Callable[[], str]) -> tuple[str, str, int]:
    """Return the code to send, with its file and line.

    Parameters
    ----------
    place : str
        ``FILE:LINE`` for the cell at a line, ``FILE`` for all of it, ``-`` for standard input.
    standard_input : function
        Returns its text.

    Raises
    ------
    ExpressionError
        If there is nothing to run.
    """
    if place == "-":
        code, file, line = standard_input(), "", 1
    else:
        name, _, number = place.rpartition(":")
        if not (name and number.isdecimal()):
            name, number = place, ""
        if not can_be_called(name):
            raise ExpressionError(f"send: no file can be called {name!r}")
        try:
            text = on_disk(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise ExpressionError(f"send: cannot read {name}: {why}") from None
        code, file, line = text, os.path.abspath(on_disk(name)), 1
        if number:
            cell = cell_at(text, int(number))
            code, line = (cell.code, cell.line) if cell else ("", 1)
    code = code.removeprefix("\ufeff")
    if not code.strip():
        raise ExpressionError(f"send: nothing to run at {place}")
    return code, file, line
