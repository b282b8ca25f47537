"""The programs that are connected, and what they are told: lines, the status, answers."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from latentlive.engine.server.peers import Peer
from latentlive.engine.timing import STATUS_EVERY
from latentlive.protocol.replies import Line, Reply, Welcome
from latentlive.protocol.wire import Message

UNHEARD = 20
"""Lines kept while nobody is connected, the newest."""


class Clients:
    """Tells every connected program what it should know.

    Parameters
    ----------
    status : function
        Returns the state of everything, for panels.
    """

    def __init__(self, status: Callable[[], Message]) -> None:
        self._status = status
        self._peers: list[Peer] = []
        self._unheard: deque[str] = deque(maxlen=UNHEARD)
        self._answers: list[tuple[Peer, Reply]] = []
        self._told = 0.0

    def __contains__(self, peer: Peer) -> bool:
        return peer in self._peers

    @property
    def accompany(self) -> bool:
        """Whether a performer's program is connected, not only what shows the engine."""
        return not all(peer.reads for peer in self._peers)

    @property
    def watch(self) -> bool:
        """Whether a program is connected that only shows the engine."""
        return any(peer.reads for peer in self._peers)

    def welcome(self, peer: Peer, welcome: Welcome) -> None:
        """Take in a program; a performer's gets the lines that nobody has heard."""
        self._peers.append(peer)
        peer.send(welcome)
        peer.tell(self._status())
        while self._unheard and not peer.reads:
            self.say(self._unheard.popleft())

    def leave(self, peer: Peer) -> None:
        """Forget a program that is gone."""
        if peer in self._peers:
            self._peers.remove(peer)

    def say(self, line: str) -> None:
        """Tell every client a line; keep it for the next one if there is none."""
        if not self.accompany:
            self._unheard.append(line)
        self.send(Line(line))

    def send(self, reply: Reply) -> None:
        """Send everybody the same."""
        for peer in self._peers:
            peer.send(reply)

    def answer(self, peer: Peer, reply: Reply) -> None:
        """Keep an answer until `tell` sends it, behind the status that shows what it did."""
        self._answers.append((peer, reply))

    def tell(self) -> None:
        """Send the status: to all every so often, at once to those that asked for something."""
        answers, self._answers = self._answers, []
        due = time.monotonic() >= self._told + STATUS_EVERY
        told = self._peers if due else list({peer for peer, _ in answers})
        try:
            if told:
                status = self._status()
                for peer in told:
                    peer.tell(status)
        finally:
            for peer, answer in answers:
                peer.send(answer)
        if due:
            self._told = time.monotonic()

    def drop(self) -> None:
        """Hang up."""
        for peer in self._peers:
            peer.drop()
