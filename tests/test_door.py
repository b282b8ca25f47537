"""The door of an engine and of a prompt: strangers, floods, too few descriptors and threads."""

from __future__ import annotations

import errno
import json
import resource
import socket
import struct
import threading
import time
from queue import SimpleQueue

import pytest

from latentlive.ground import threads
from latentlive.protocol import door as doors
from latentlive.protocol.address import addresses
from latentlive.protocol.door import GUESTS, HELLO, STRANGERS, Door, greeting
from tests.live.conftest import wait_until


@pytest.fixture
def door():
    """A door whose guests are told of, and stay until the test is over."""
    inside, over = SimpleQueue(), threading.Event()

    def enter(connection, hello):
        inside.put(hello)
        with connection:
            over.wait(20)

    made = Door("prompt", enter)
    made.inside = inside
    yield made
    over.set()
    made.close()


def framed(message):
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    return struct.pack(">I", len(data)) + data


def knock(door, data=b""):
    one = socket.create_connection(("127.0.0.1", door.address.port), timeout=10)
    one.sendall(data)
    return one


def is_let_in(door):
    with knock(door, framed({"token": door.address.token, "on_exit": "keep"})):
        return door.inside.get(timeout=5)["token"] == door.address.token


def is_turned_away(one):
    try:
        return one.recv(1) == b""
    except ConnectionError:
        return True


def test_250_megabytes_without_the_token_cost_neither_time_nor_memory(door):
    data = struct.pack(">I", 250_000_000) + b'{"token":[' + b"0," * 125_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.monotonic()
    with knock(door) as one, pytest.raises(ConnectionError):
        one.sendall(data)
    assert time.monotonic() - begun < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB
    assert is_let_in(door)


@pytest.mark.parametrize(
    "data",
    [
        framed({"token": "guess"}),
        framed({"token": None}),
        framed({"token": ["a"]}),
        framed({"token": "é" * 40}),
        framed(b'{"token": "\\ud800"}'),
        framed([1]),
        framed(b"null"),
        framed(b'"token"'),
        framed(b"[" * HELLO),
        framed(b""),
        framed(b"x" * (HELLO - 3)),
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 40,
    ],
)
def test_what_is_not_the_token_is_turned_away_at_once(door, data, capfd):
    begun = time.monotonic()
    with knock(door, data) as one:
        assert is_turned_away(one)
    assert time.monotonic() - begun < 1
    assert door.inside.empty()
    assert capfd.readouterr() == ("", "")


def test_the_token_may_come_in_pieces_and_what_follows_it_is_not_lost():
    heard = SimpleQueue()

    def enter(connection, hello):
        with connection, connection.makefile("rb") as reader:
            heard.put((hello, reader.read(5)))

    made = Door("prompt", enter)
    data = framed({"token": made.address.token}) + b"after"
    with knock(made) as one:
        for at in range(len(data)):
            one.sendall(data[at : at + 1])
        assert heard.get(timeout=5) == ({"token": made.address.token}, b"after")
    made.close()


def test_one_who_says_nothing_or_little_by_little_has_two_seconds(door, monkeypatch):
    monkeypatch.setattr(doors, "PATIENCE", 0.3)
    with knock(door) as silent, knock(door, b"\x00\x00") as slow:
        begun = time.monotonic()
        while time.monotonic() - begun < 0.2:
            time.sleep(0.05)
        slow.sendall(b"\x00")
        assert is_turned_away(silent)
        assert is_turned_away(slow)
        assert time.monotonic() - begun < 1.5
    assert doors.PATIENCE <= 2.0


def test_four_hundred_silent_connections_hold_nobody_up(door):
    crowd = [knock(door) for _ in range(420)]
    begun = time.monotonic()
    assert is_let_in(door)
    assert time.monotonic() - begun < 1
    assert len(door._strangers) <= STRANGERS
    for one in crowd:
        one.close()
    assert threading.active_count() < 20


def test_guests_are_bounded_in_number_too(door):
    guests = [knock(door, framed({"token": door.address.token})) for _ in range(GUESTS)]
    for _ in guests:
        door.inside.get(timeout=5)
    with knock(door, framed({"token": door.address.token})) as late:
        assert is_turned_away(late)
    for one in guests:
        one.close()


def test_descriptors_run_out_and_the_door_comes_back(door, monkeypatch):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with knock(door) as stranger:
        wait_until(lambda: door._strangers, 5, "the stranger to be let wait")
        waiting = [socket.socket() for _ in range(5)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (waiting[-1].fileno() + 1, hard))
        try:
            for one in waiting:
                one.connect(("127.0.0.1", door.address.port))
            assert is_turned_away(stranger)  # to make room
            time.sleep(0.2)
            assert [a.port for a in addresses("prompt")] == [door.address.port]  # not swept
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for one in waiting:
        one.close()
    assert is_let_in(door)
    assert door.file.exists()


def test_without_a_thread_a_guest_may_come_again(door, monkeypatch):
    def none(*arguments):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threads, "run", none)
        with knock(door, framed({"token": door.address.token})) as one:
            assert is_turned_away(one)
    assert is_let_in(door)


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.EMFILE, "Too many open files")])
def test_a_door_that_cannot_look_looks_again(door, error, monkeypatch):
    failed = threading.Event()

    def fail():
        failed.set()
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(door, "_look", fail)
        knock(door).close()
        assert failed.wait(5)
    assert is_let_in(door)


def test_a_greeting_is_compared_in_constant_time():
    assert greeting(b'{"token": "secret", "on_exit": "fade"}', "secret") == {
        "token": "secret",
        "on_exit": "fade",
    }
    assert greeting(b'{"token": "secreu"}', "secret") is None
