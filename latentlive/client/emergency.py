"""Silence from any terminal, even if the engine no longer answers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from latentlive.client.connection import CUT, SILENT, Connection
from latentlive.errors import EngineError, HangingError
from latentlive.protocol.address import Address, addresses, sweep
from latentlive.protocol.requests import Panic

NONE = "no engine is running; start one with latentlive"

Wish = Callable[[Connection], object]


def panic() -> str:
    """Silence every running engine; return a line to print, empty if all have obeyed.

    Kills an engine that does not answer within two seconds, with all its processes. Handles all
    engines in parallel.

    Raises
    ------
    EngineError
        ``no engine is running; start one with latentlive``
    """
    return _ask_all(lambda engine: engine.request(Panic(), SILENT))


def stop(fade: float, everything: bool = False) -> str:
    """Fade out and end the engine that was started last; see `panic`.

    Parameters
    ----------
    fade : float [seconds]
    everything : bool
        Whether to end all running engines; otherwise the line counts those left.
    """

    def end(engine: Connection) -> None:
        engine.end(fade)

    if everything:
        return _ask_all(end)
    left = addresses("engine")
    while left:
        told = _ask(left.pop(0), end)
        if told is not None:
            return "; ".join(filter(None, (told, _others(len(left)))))
    raise EngineError(NONE)


def _others(count: int) -> str:
    """Return a line about engines that still run, empty if there are none."""
    if not count:
        return ""
    run = "1 other engine still runs" if count == 1 else f"{count} other engines still run"
    return f"{run}: latentlive stop --all ends all"


def _ask_all(wish: Wish) -> str:
    known = addresses("engine")
    with ThreadPoolExecutor(max(len(known), 1)) as threads:
        told = list(threads.map(lambda address: _ask(address, wish), known))
    if all(one is None for one in told):
        raise EngineError(NONE)
    return "; ".join(dict.fromkeys(filter(None, told)))


def _ask(address: Address, wish: Wish) -> str | None:
    """Return a line about an engine, empty if it has obeyed, None if there is none."""
    try:
        wire, connection = address.connect()
        engine = Connection(wire, connection, address, lambda line: None)
    except HangingError:
        return _cut(address)
    except (OSError, EngineError):
        return None
    try:
        wish(engine)
    except HangingError:
        return _cut(address)
    except EngineError as error:
        return "" if engine.ended else str(error)  # an ended engine is silent too
    finally:
        engine.hang_up()
    return ""


def _cut(address: Address) -> str:
    """Kill an engine that does not answer, with all its processes; return a line to print."""
    address.end()
    sweep()
    return CUT
