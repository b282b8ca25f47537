"""The engine process: scheduler, worker and audio process behind a loopback socket.

Started as ``python -m latentlive.engine.server.main``. The program that starts it may block, crash
or leave: the sound goes on.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from latentlive.engine.server.server import Server
from latentlive.engine.timing import IDLE
from latentlive.errors import LatentliveError, reason
from latentlive.ground.processes import Signals
from latentlive.protocol.door import Door
from latentlive.protocol.wire import Wire


@click.command()
@click.option("--model", default="")
@click.option("--corpus", default="")
@click.option("--device", default="")
@click.option("--silent", is_flag=True)
@click.option("--block", default=512)
@click.option("--latency", default=0.1)
@click.option("--channels", default=2)
@click.option("--ahead", default=2.0)
@click.option("--bpm", default=60.0)
@click.option("--seed", default=0)
@click.option("--hold", is_flag=True)
@click.option("--out", default="")
@click.option("--log", default="")
@click.option("--replay", default="")
@click.option("--begin", default=0)
@click.option("--resume", default="")
@click.option("--osc", default="")
@click.option("--input", default="")
@click.option("--idle", default=IDLE)
def main(**options: Any) -> None:
    """Run the engine; the address and token are written to standard output as JSON."""
    signals = Signals()
    handshake = Wire(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    try:
        server = Server(options, signals)
        door = Door("engine", server.admit)
    except LatentliveError as error:
        handshake.send({"op": "refused", "error": str(error)})
        return
    except OSError as error:
        line = f"engine: it did not start: {reason(error)}"
        handshake.send({"op": "refused", "error": line})
        return
    handshake.send({"op": "listening", "port": door.address.port, "token": door.address.token})
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(quiet, stream)
    os.dup2(server.log.fileno(), 2)  # who started it no longer reads: a full pipe would hold it up
    try:
        server.run()
    finally:
        door.close()


if __name__ == "__main__":
    main()
