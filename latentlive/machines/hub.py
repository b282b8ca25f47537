"""The program's side of a cluster: finds its workers, checks them, hands out tasks, takes results.

A thread for each worker asks for one task after another. A worker that is lost costs the task that
it had, which goes to another one; a worker that comes, or comes back, is used. The one module that
imports Dask. Its channel is Dask's own: pass TLS files for one that is encrypted, and closed to
others (https://distributed.dask.org/en/stable/tls.html).
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import EngineError, printable
from latentlive.ground.extras import lacking
from latentlive.machines.parcels import code, packed, unpacked, version
from latentlive.machines.station import Station

Arrays = dict[str, NDArray[Any]]
Head = dict[str, Any]

ANSWERS = 10.0
"""Seconds in which a scheduler answers."""

LOOK = 0.5
"""Seconds between two looks at which workers there are."""

PATIENCE = 60.0
"""Seconds to wait for a worker, if none is left."""

MOST_LOST = 3
"""Workers that one task may cost: then it is the task that ends them."""

WAITING = 4
"""Tasks for each worker that may be done before an earlier one is."""


class LostError(Exception):
    """A worker that does not answer any more."""


class Refusal(Exception):  # noqa: N818 - no error: the worker stays out, others work
    """A worker that cannot be used, and why."""


class Task(NamedTuple):
    """One thing to be done.

    Parameters
    ----------
    method : str
        Of `Station`.
    head, arrays
        What it is given.
    """

    method: str
    head: Head
    arrays: Callable[[], Arrays] = dict


class Seat:
    """A worker with our actor."""

    def __init__(self, address: str, actor: Any, lost: threading.Event) -> None:
        self.address, self._actor, self.lost = address, actor, lost

    def ask(self, method: str, head: Head, arrays: Arrays | None = None) -> tuple[Head, Arrays]:
        """Return the actor's answer.

        Raises
        ------
        LostError
            If the worker is gone.
        EngineError
            If it answers with an error.
        """
        parcel = packed(head, arrays)
        try:
            future = getattr(self._actor, method)(parcel)
            while True:
                try:
                    answer = future.result(timeout=LOOK)
                    break
                except TimeoutError:
                    if self.lost.is_set():
                        raise LostError from None
        except LostError:
            raise
        except Exception as error:  # noqa: BLE001 - Dask raises many kinds where a worker is gone
            raise LostError(printable(str(error))[:200]) from None
        told, found = unpacked(answer)
        if "error" in told:
            raise EngineError(f"cluster: {self.address}: {printable(str(told['error']))}")
        return told, found


Ready = Callable[[Seat], None]
"""Makes a worker ready for tasks, or raises Refusal."""


@dataclass
class Round:
    """Tasks under way; all threads of a hub share it."""

    tasks: Iterator[tuple[int, Task]]
    ordered: bool
    turn: threading.Condition = field(default_factory=threading.Condition)
    again: deque[tuple[int, Task]] = field(default_factory=deque)
    out: int = 0
    """Tasks whose results were given away: none is begun far beyond them."""
    over: bool = False
    exhausted: bool = False
    lost: dict[int, int] = field(default_factory=dict)

    def next(self, window: int) -> tuple[int, Task] | None:
        """Return the next task, None when there is none any more; wait until it is its turn."""
        with self.turn:
            while not self.over:
                if self.again:
                    return self.again.popleft()
                if not self.exhausted and (not self.ordered or self._begun - self.out < window):
                    found = next(self.tasks, None)
                    if found is not None:
                        self._begun += 1
                        return found
                    self.exhausted = True
                self.turn.wait(LOOK)
            return None

    _begun: int = 0

    @property
    def left(self) -> bool:
        """Whether anything that was begun has not come back."""
        with self.turn:
            return not self.exhausted or self.out < self._begun

    def back(self, index: int, task: Task) -> int:
        """Take a task back from a lost worker; return how many it has cost."""
        with self.turn:
            self.again.append((index, task))
            self.lost[index] = self.lost.get(index, 0) + 1
            self.turn.notify_all()
            return self.lost[index]

    def gave(self) -> None:
        """Note that one result was given away."""
        with self.turn:
            self.out += 1
            self.turn.notify_all()

    def end(self) -> None:
        """Let all threads end."""
        with self.turn:
            self.over = True
            self.turn.notify_all()


class Hub:
    """A connection to a Dask scheduler.

    Parameters
    ----------
    address : str
        ``tcp://HOST:PORT`` or ``tls://HOST:PORT``.
    tls : (CA, certificate, key)
        Files in PEM form. Without them Dask's own configuration counts.
    say : function of a line
        Told which workers come, are lost, and are refused.

    Raises
    ------
    EngineError
        ``cluster: no scheduler answers at tcp://...: start one by 'dask scheduler'``
    """

    def __init__(
        self,
        address: str,
        tls: tuple[str, ...] = (),
        say: Callable[[str], object] = lambda line: None,
    ) -> None:
        if line := lacking("cluster", "cluster", "distributed"):
            raise EngineError(line)
        from distributed import Client
        from distributed.security import Security

        self.address, self._say = address, say
        security = None
        if tls:
            ca, certificate, key = tls
            security = Security(
                tls_ca_file=ca,
                tls_client_cert=certificate,
                tls_client_key=key,
                require_encryption=True,
            )
        for name in ("distributed", "distributed.client", "distributed.core", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # its lines are told in ours
        try:
            self._client = Client(address, timeout=ANSWERS, set_as_default=False, security=security)
        except Exception as error:  # noqa: BLE001 - whatever is at that address
            why = printable(str(error)).split("\n")[0][:200]
            raise EngineError(
                f"cluster: no scheduler answers at {address}: start one by 'dask scheduler' ({why})"
            ) from None
        self._refused: set[str] = set()
        self._seen: set[str] = set()
        self._losses: dict[str, int] = {}

    def close(self) -> None:
        """Leave the cluster; what its workers keep for us is dropped."""
        with contextlib.suppress(Exception):
            self._client.close(timeout=5)

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def workers(self) -> list[str]:
        """Return the addresses of the workers that there are.

        Raises
        ------
        EngineError
            If the scheduler is gone.
        """
        try:
            found = self._client.scheduler_info(n_workers=-1)["workers"]
        except Exception:  # noqa: BLE001 - whatever Dask raises, there is no answer
            raise EngineError(
                f"cluster: the scheduler at {self.address} does not answer any more"
            ) from None
        return list(found)

    def checked(self, seat: Seat, head: Head, bits: str) -> Head:
        """Return what a worker says of itself, if its code and its bits are ours.

        Raises
        ------
        Refusal
        """
        told, _ = seat.ask("hello", {"code": code(), **head})
        if told["code"] != code():
            raise Refusal(
                f"it runs other code ({printable(str(told['version']))}, ours is {version()}); "
                "install the same there"
            )
        if told["lacks"]:
            raise Refusal(printable(str(told["lacks"])))
        if not told.get("wants") and told["bits"] != bits:
            raise Refusal("it makes other bits than this machine: its processor is another kind")
        return told

    def done(
        self, tasks: Iterable[Task], ready: Ready, ordered: bool = True
    ) -> Iterator[tuple[int, Head, Arrays]]:
        """Yield the number and the result of each task, in their order or as they come.

        Parameters
        ----------
        tasks : iterable of Task
        ready : function of a worker
            Called once before a worker's first task; sends what it needs.
        ordered : bool

        Raises
        ------
        EngineError
            If a task fails, if it ends several workers, or if no worker is left.
        """
        shared = Round(iter(enumerate(tasks)), ordered)
        events: SimpleQueue[tuple[Any, ...]] = SimpleQueue()
        seats: dict[str, threading.Event] = {}
        held: dict[int, tuple[Head, Arrays]] = {}
        following, alone = 0, time.monotonic()
        try:
            while shared.left:
                for address in self._changed(seats):
                    self._sit(address, seats, shared, ready, events)
                if seats:
                    alone = time.monotonic()
                elif time.monotonic() - alone > PATIENCE:
                    raise EngineError(f"cluster: no worker can be used at {self.address}")
                looked = time.monotonic()
                while time.monotonic() - looked < LOOK and shared.left:
                    with contextlib.suppress(Empty):
                        match events.get(timeout=LOOK):
                            case ("done", index, head, arrays):
                                held[index] = head, arrays
                            case ("failed", error):
                                raise error
                            case (kind, address, why):
                                self._gone(kind, address, why, seats)
                    for index in self._due(held, following, ordered):
                        following += 1
                        shared.gave()
                        yield index, *held.pop(index)
        finally:
            shared.end()
            for lost in seats.values():
                lost.set()

    @staticmethod
    def _due(held: dict[int, Any], following: int, ordered: bool) -> list[int]:
        if not ordered:
            return list(held)
        return list(itertools.takewhile(held.__contains__, itertools.count(following)))

    def _changed(self, seats: dict[str, threading.Event]) -> list[str]:
        """Mark workers that are gone as lost; return those that came."""
        there = self.workers()
        for address in [one for one in seats if one not in there]:
            seats[address].set()
        return [one for one in there if one not in seats and one not in self._refused]

    def _gone(self, kind: str, address: str, why: str, seats: dict[str, threading.Event]) -> None:
        seats.pop(address, None)
        if kind == "refused":
            self._refused.add(address)
            self._say(f"cluster: {address} is left out: {why}")
        else:
            self._losses[address] = self._losses.get(address, 0) + 1
            self._say(f"cluster: {address} is lost; its stretch is done elsewhere")
            if self._losses[address] >= MOST_LOST:  # the scheduler still lists it
                self._refused.add(address)
                self._say(f"cluster: {address} is left out: {why}")

    def _sit(
        self,
        address: str,
        seats: dict[str, threading.Event],
        shared: Round,
        ready: Ready,
        events: SimpleQueue[tuple[Any, ...]],
    ) -> None:
        """Begin to use a worker."""
        lost = seats[address] = threading.Event()
        if address not in self._seen:
            self._seen.add(address)
            self._say(f"cluster: {address} works with us")
        arguments = (address, lost, seats, shared, ready, events)
        threading.Thread(target=self._serve, args=arguments, daemon=True, name=address).start()

    def _serve(
        self,
        address: str,
        lost: threading.Event,
        seats: dict[str, threading.Event],
        shared: Round,
        ready: Ready,
        events: SimpleQueue[tuple[Any, ...]],
    ) -> None:
        """Have a worker do one task after another."""
        under_way: tuple[int, Task] | None = None
        try:
            with self._client.as_current():  # for which an actor's methods look
                seat = Seat(address, self._actor(address, lost), lost)
                ready(seat)
                while (under_way := shared.next(WAITING * max(len(seats), 1))) is not None:
                    index, task = under_way
                    events.put(("done", index, *seat.ask(task.method, task.head, task.arrays())))
        except Refusal as error:
            events.put(("refused", address, str(error)))
        except LostError as error:
            if under_way is not None and shared.back(*under_way) >= MOST_LOST:
                told = f"cluster: {under_way[1].method} ended {MOST_LOST} workers, one by one"
                events.put(("failed", EngineError(told)))
            events.put(("lost", address, str(error)))
        except Exception as error:  # noqa: BLE001 - what a task fails by, the caller is told
            events.put(("failed", error))

    def _actor(self, address: str, lost: threading.Event) -> Any:
        try:
            made = self._client.submit(
                Station, actor=True, workers=[address], allow_other_workers=False, pure=False
            )
            while True:
                try:
                    return made.result(timeout=LOOK)
                except TimeoutError:
                    if lost.is_set():
                        raise LostError from None
        except LostError:
            raise
        except ModuleNotFoundError:
            raise Refusal("it has no latentlive: pip install 'latentlive[cluster]' there") from None
        except Exception as error:  # noqa: BLE001 - Dask raises many kinds where a worker is gone
            raise LostError(printable(str(error))[:200]) from None


def as_bytes(data: bytes) -> Arrays:
    """Return bytes as an array that a parcel holds."""
    return {"bytes": np.frombuffer(data, np.uint8)}
