"""Questions about MIDI, asked in a process of its own: a driver that hangs takes it along, not the
performer's."""

from __future__ import annotations

import queue
import subprocess
from collections.abc import Iterator

from latentlive.engine.timing import PROBE_PATIENCE
from latentlive.errors import EngineError, printable
from latentlive.ground import threads
from latentlive.ground.launch import command
from latentlive.protocol.wire import Message, Wire

SILENT = "midi: the MIDI driver does not answer; unplug the devices and plug them in again"
ENDED = "midi: the MIDI driver ends the process that asks it"
NONE = "midi: no device is plugged in"


def ports() -> tuple[list[str], list[str]]:
    """Return the names of the inputs and of the outputs.

    Raises
    ------
    EngineError
        If there is no library, no system or no answer, with the remedy.
    """
    told = next(_asked("--list"))
    return told["inputs"], told["outputs"]


def listed() -> list[str]:
    """Return a line for each input and output, or the one that says why there is none."""
    try:
        inputs, outputs = ports()
    except EngineError as error:
        return [str(error)]
    lines = [f"input    {name}" for name in inputs] + [f"output   {name}" for name in outputs]
    return lines or [NONE]


def watched() -> Iterator[str]:
    """Yield a line for each value that arrives, with the word to type, until it is closed."""
    try:
        for message in _asked():
            if message["op"] == "ports":
                yield f"hearing {', '.join(message['inputs']) or 'nothing yet: plug a device in'}"
            elif message["op"] == "values":
                for source, value, _, _ in message["rows"]:
                    yield shown(source, value)
    except EngineError as error:
        yield str(error)


def shown(source: str, value: float) -> str:
    """Return a value with its word and its device.

    Example
    -------
    >>> shown("cc:74:1:nanoKONTROL2", 0.6142)
    'cc(74)         0.61   nanoKONTROL2 ch 1'
    """
    kind, _, rest = source.partition(":")
    word = f"{kind}()"
    if kind in ("cc", "note"):
        number, _, rest = rest.partition(":")
        word = f"cc({number})" if kind == "cc" else f"gate({number}, {number})"
    channel, _, device = rest.partition(":")
    return f"{word:<14} {value:.2f}   {device} ch {channel}"


def _asked(*options: str) -> Iterator[Message]:
    """Start the MIDI process, and yield what it says; the first of it has to come soon."""
    process = subprocess.Popen(
        command("latentlive.engine.inputs.midi", *options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    heard: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
    try:
        threads.run(_listen, Wire(process.stdout, process.stdin), heard)
        patience: float | None = PROBE_PATIENCE
        while True:
            try:
                message = heard.get(timeout=patience)
            except queue.Empty:
                raise EngineError(SILENT) from None
            if message is None:
                raise EngineError(ENDED)
            if message["op"] == "failed":
                raise EngineError(printable(message["error"]))
            patience = None
            yield message
    finally:
        process.kill()
        process.wait()


def _listen(wire: Wire, heard: queue.SimpleQueue[Message | None]) -> None:
    message: Message | None = {}
    while message is not None:
        message = wire.receive()
        heard.put(message)
