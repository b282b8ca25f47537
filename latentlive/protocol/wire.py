"""Messages between processes: length-framed JSON, never code."""

from __future__ import annotations

import json
import struct
import threading
from typing import IO, Any

from latentlive.errors import EngineError

MAX_BYTES = 256 * 2**20
Message = dict[str, Any]


class Wire:
    """A pair of byte streams that carries messages.

    Parameters
    ----------
    reader, writer : binary streams
    most : int [bytes]
        Largest incoming message; the wire refuses a larger one before reading it.
    """

    def __init__(self, reader: IO[bytes], writer: IO[bytes], most: int = MAX_BYTES) -> None:
        self._reader, self._writer, self._most = reader, writer, most
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        """Send one message.

        Raises
        ------
        EngineError
            If the other side has ended.
        """
        data = json.dumps(message, separators=(",", ":")).encode()
        try:
            with self._lock:
                self._writer.write(struct.pack(">I", len(data)) + data)
                self._writer.flush()
        except (OSError, ValueError) as error:
            raise EngineError(f"engine: the other process is gone ({error})") from None

    def receive(self) -> Message | None:
        """Return the next message, or None at the end of the stream.

        Raises
        ------
        EngineError
            If the bytes are not a valid message.
        """
        try:
            head = self._reader.read(4)
            if len(head) < 4:
                return None
            size = struct.unpack(">I", head)[0]
            if size > self._most:
                raise EngineError(f"engine: a message of {size} bytes is too long")
            data = self._reader.read(size)
        except (OSError, ValueError):
            return None
        if len(data) < size:
            return None
        try:
            message = json.loads(data)
        except (ValueError, RecursionError):
            raise EngineError("engine: what came is not JSON") from None
        if not isinstance(message, dict):
            raise EngineError("engine: a message must be an object")
        return message
