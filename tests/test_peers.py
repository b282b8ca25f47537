"""What a connected program is told of the engine: each status once, and signs of life."""

from __future__ import annotations

import queue
import socket
import threading

import pytest

from latentlive.engine.server.peers import UNREAD, Peer
from latentlive.protocol.replies import Line
from latentlive.protocol.wire import Wire


@pytest.fixture
def ends():
    """A program's place in the engine, and what the program reads."""
    ours, theirs = socket.socketpair()
    peer = Peer(ours, queue.Queue())
    yield peer, Wire(theirs.makefile("rb"), theirs.makefile("wb"))
    peer.drop()
    theirs.close()


def status(beat):
    return {"beat": beat, "layers": [{"name": "d1"}]}


def told_of(beat):
    return {"op": "status", "state": status(beat)}


def test_a_status_is_sent_when_it_changed_and_a_sign_of_life_when_not(ends):
    peer, wire = ends
    threading.Thread(target=peer.listen, daemon=True).start()
    for beat in (0.0, 0.0, 1.0, 1.0, 1.0, 0.0):
        peer.tell(status(beat))
    told = [wire.receive() for _ in range(6)]
    alive = {"op": "alive"}
    assert told == [told_of(0.0), alive, told_of(1.0), alive, alive, told_of(0.0)]


def test_a_status_that_was_kept_from_one_that_did_not_read_is_sent_later(ends):
    peer, wire = ends
    peer.tell(status(0.0))
    for _ in range(UNREAD):
        peer.send(Line("and on"))
    peer.tell(status(1.0))  # kept from it
    threading.Thread(target=peer.listen, daemon=True).start()
    told = [wire.receive() for _ in range(UNREAD + 1)]
    assert [one["op"] for one in told] == ["status", *["say"] * UNREAD]
    peer.tell(status(1.0))
    assert wire.receive() == told_of(1.0)
