"""The engine process: scheduler, worker and audio process behind a loopback socket.

Started as ``python -m latentlive.engine.server``. The program that starts it may block, crash or
leave: the sound goes on.
"""

from __future__ import annotations

import contextlib
import os
import queue
import secrets
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import click

from latentlive.corpus import cache_folder
from latentlive.engine.address import Address, publish
from latentlive.engine.block import CLOSING, PANIC, PANIC_DONE, Block
from latentlive.engine.children import Child
from latentlive.engine.demand import jobs
from latentlive.engine.output import Output
from latentlive.engine.report import report
from latentlive.engine.scheduler import Scheduler
from latentlive.engine.wire import Message, Wire
from latentlive.errors import EngineError, LatentliveError
from latentlive.models import load_model
from latentlive.units import Tempo

TICK = 0.01
STATUS_EVERY = 0.1
MAX_RESTARTS = 5
"""Deaths of one child within a minute before the engine gives it up."""


class Client:
    """A connected program."""

    def __init__(self, connection: socket.socket, inbox: queue.Queue[Any]) -> None:
        self.connection = connection
        self.wire = Wire(connection.makefile("rb"), connection.makefile("wb"))
        self.owner = False
        self._inbox = inbox

    def listen(self, token: str) -> None:
        """Check the token, then pass on what comes; run in a thread of its own."""
        try:
            hello = self.wire.receive()
            given = str(hello.get("token", "")) if hello else ""
            if not secrets.compare_digest(given.encode(), token.encode()):
                self.drop()
                return
            self._inbox.put((self, {"op": "hello"}))
            while (message := self.wire.receive()) is not None:
                self._inbox.put((self, message))
        except EngineError:
            pass  # it spoke nonsense: it is dropped, as one that left
        self._inbox.put((self, None))
        self.drop()

    def drop(self) -> None:
        """Hang up; the streams made from the connection would keep it open otherwise."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()


class Server:
    """The engine's one thread of decisions; everything else only feeds its queue."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.inbox: queue.Queue[tuple[Any, Message | None]] = queue.Queue()
        self.block = Block.create(options["channels"])
        self.space = load_model(options["model"] or None)
        self.scheduler = Scheduler(
            self.block,
            Tempo(options["bpm"], self.space.sample_rate),
            options["seed"],
            options["ahead"],
            options["hold"],
            self.say,
        )
        self.clients: list[Client] = []
        self.worker_ready = False
        self.worker_busy = False
        self.ending: float | None = None
        self._deaths: list[float] = []
        self.log = (cache_folder("log") / f"engine-{os.getpid()}.log").open("wb")
        self.worker = self._start_worker()
        self.output = Output(
            self.block,
            self.space.sample_rate,
            options,
            self.inbox,
            self.log,
            self.say,
            self._rings,
        )
        if options["out"]:
            self.output.record(options["out"])

    def _start_worker(self) -> Child:
        self.worker_ready = self.worker_busy = False
        arguments = ["--model", self.options["model"]]
        module = "latentlive.engine.worker"
        return Child("worker", module, arguments, self.block.fd, self.inbox, self.log)

    def _rings(self) -> dict[str, list[int]]:
        """Return the rings that sound, by layer."""
        rings: dict[str, list[int]] = {}
        for voice in self.scheduler.voices.values():
            if voice.sounding:
                rings.setdefault(voice.layer, []).append(voice.index)
        return rings

    def say(self, line: str) -> None:
        """Tell every client a line."""
        self._broadcast({"op": "say", "line": line})

    def _broadcast(self, message: Message) -> None:
        for client in list(self.clients):
            try:
                client.wire.send(message)
            except EngineError:
                self.clients.remove(client)

    def run(self) -> None:
        """Serve until asked to end."""
        told = 0.0
        while self.ending is None or time.monotonic() < self.ending:
            try:
                sender, message = self.inbox.get(timeout=TICK)
                self._handle(sender, message)
                while not self.inbox.empty():
                    self._handle(*self.inbox.get_nowait())
            except queue.Empty:
                pass
            self.output.tick()  # before voices are freed: what they played is recorded
            self.scheduler.advance()
            self._feed_worker()
            if time.monotonic() >= told + STATUS_EVERY:
                told = time.monotonic()
                self._broadcast(self.status())
            if self.ending is not None and self.scheduler.silent:
                break
        self._close()

    def _handle(self, sender: Any, message: Message | None) -> None:
        if isinstance(sender, Child):
            self._from_child(sender, message)
        elif message is None:
            if sender in self.clients:
                self.clients.remove(sender)
            if sender.owner and self.options["on_exit"] == "fade":
                self._end(1.0)
        else:
            self._from_client(sender, message)

    def _from_child(self, child: Child, message: Message | None) -> None:
        if child is not self.worker:
            if self.ending is None or message is not None:
                self.output.take(child, message)
        elif message is None:
            self._died(child)
        elif message["op"] == "ready":
            self.worker_ready = True
            self._broadcast(self.status())
        elif message["op"] == "loaded":
            self.scheduler.loaded(message)
        elif message["op"] == "failed":
            self.scheduler.failed(message)
        elif message["op"] == "batch":
            self.worker_busy = False
            for reply in message["replies"]:
                if reply["op"] == "failed":
                    self.scheduler.failed(reply)

    def _died(self, child: Child) -> None:
        if self.ending is not None:
            return
        now = time.monotonic()
        self._deaths = [t for t in self._deaths if t > now - 60.0] + [now]
        if len(self._deaths) > MAX_RESTARTS:
            self.say(f"the {child.name} process keeps dying; see {self.log.name}")
            return
        self.say(f"the {child.name} process died and is started again")
        child.close()
        self.worker = self._start_worker()
        self.scheduler.reload()

    def _from_client(self, client: Client, message: Message) -> None:
        op = message.get("op")
        try:
            if op == "hello":
                client.owner = not self.clients
                self.clients.append(client)
                client.wire.send(self._welcome())
                return
            if op == "cell":
                self.scheduler.apply(message["changes"], message.get("at"))
            elif op == "start":
                self.scheduler.held = False
            elif op == "record":
                self.output.record(message["path"], message.get("stems"))
            elif op == "stop recording":
                self.output.stop_recording()
            elif op == "panic":
                self.block.header[PANIC] += 1
                self.scheduler.panic()
                self.block.header[PANIC_DONE] = self.block.header[PANIC]
            elif op == "quit":
                self._end(float(message.get("fade", 1.0)))
            else:
                raise EngineError(f"engine: no message {op!r}")
            client.wire.send({"op": "done", "id": message.get("id"), "state": self.status()})
        except (LatentliveError, KeyError, TypeError, ValueError) as error:
            try:
                text = str(error) if isinstance(error, LatentliveError) else repr(error)
                client.wire.send({"op": "refused", "id": message.get("id"), "error": text})
            except EngineError:
                pass  # the client that asked is gone; nobody waits for the answer

    def _welcome(self) -> Message:
        return {
            "op": "welcome",
            "model": self.space.name,
            "digest": self.space.digest,
            "window": self.space.window,
            "dims": self.space.dims,
            "sample_rate": self.space.sample_rate,
            "bpm": self.scheduler.tempo.bpm,
            "corpus": self.options["corpus"],
        }

    def _end(self, fade: float) -> None:
        if self.ending is None:
            beats = fade / 60.0 * self.scheduler.tempo.bpm
            self.scheduler.apply([{"op": "hush", "fade": beats}])
            self.ending = time.monotonic() + fade + 1.0

    def _feed_worker(self) -> None:
        if not self.worker_ready:
            return
        try:
            while self.scheduler.outbox:
                self.worker.wire.send(self.scheduler.outbox.pop(0))
            if not self.worker_busy and (due := jobs(self.scheduler)):
                self.worker.wire.send({"op": "render", "jobs": due})
                self.worker_busy = True
        except EngineError:
            pass  # it died; its reader says so in a moment and it is started again

    def status(self) -> Message:
        """Return the state of everything, for panels."""
        return {
            **report(self.scheduler),
            **self.output.status(),
            "ready": self.worker_ready,
            "worker": self.worker.process.pid,
        }

    def _close(self) -> None:
        self.ending = self.ending or time.monotonic()
        self.block.header[CLOSING] = 1
        time.sleep(0.05)
        self.output.close()
        self.worker.close()
        self._broadcast({"op": "ended"})
        for client in self.clients:
            client.drop()
        self.log.close()
        path = Path(self.log.name)
        if path.stat().st_size == 0:
            path.unlink()


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
@click.option("--on-exit", type=click.Choice(["fade", "keep"]), default="fade")
def main(**options: Any) -> None:
    """Run the engine; the address and token are written to standard output as JSON."""
    handshake = Wire(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    try:
        server = Server(options)
    except LatentliveError as error:
        handshake.send({"op": "refused", "error": str(error)})
        return
    token = secrets.token_hex(16)
    listening = socket.create_server(("127.0.0.1", 0))
    address = Address(listening.getsockname()[1], token, os.getpid())
    published = publish(address)
    handshake.send({"op": "listening", "port": address.port, "token": token})
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(quiet, stream)

    def accept() -> None:
        while True:
            connection, _ = listening.accept()
            client = Client(connection, server.inbox)
            threading.Thread(target=client.listen, args=(token,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        server.run()
    finally:
        published.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
