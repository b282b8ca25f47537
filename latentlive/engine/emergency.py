"""Silence from any terminal, also where the engine does not answer any more."""

from __future__ import annotations

from collections.abc import Callable

from latentlive.engine.address import reached, sweep
from latentlive.engine.connection import CUT, SILENT, Connection
from latentlive.errors import HangingError


def panic() -> str:
    """Silence the engine that was started last; return what to tell, empty if it has obeyed.

    One that does not answer within two seconds is ended, with all its processes.

    Raises
    ------
    EngineError
        ``no engine is running; start one with latentlive``
    """
    return _ask(lambda engine: engine.request({"op": "panic"}, SILENT))


def stop(fade: float) -> str:
    """Let that engine fade out over `fade` seconds and end; see `panic`."""
    return _ask(lambda engine: engine.end(fade))


def _ask(what: Callable[[Connection], object]) -> str:
    wire, connection, address = reached()
    try:
        engine = Connection(wire, connection, address, lambda line: None)
        what(engine)
        engine.hang_up()
    except HangingError:
        address.end()
        sweep()
        return CUT
    return ""
