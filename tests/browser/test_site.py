"""The server of the page, as strangers, other sites, stalled and many browsers meet it."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import time

import pytest

import latentlive as ll
from latentlive.stage.access import Access, is_loopback, place
from latentlive.stage.differing import difference, merged

websockets = pytest.importorskip("websockets")
from websockets.exceptions import InvalidStatus  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

PATIENCE = 10.0


def get(port, path="/", **headers):
    """Return status, headers and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.putrequest("GET", path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


@contextlib.contextmanager
def live(played, token=None, host=None, **options):
    """Open the socket of the page."""
    host = host or f"127.0.0.1:{played.port}"
    query = f"?token={token}" if token else ""
    options = {"origin": f"http://{host}", "compression": None, "max_size": None, **options}
    with connect(f"ws://127.0.0.1:{played.port}/live{query}", **options) as page:
        yield page


def read(page, until, seconds=PATIENCE):
    """Return the first state of which something holds."""
    state, end = {}, time.monotonic() + seconds
    while time.monotonic() < end:
        message = json.loads(page.recv(timeout=PATIENCE))
        state = message.get("state") or merged(state, message.get("patch", {}))
        if until(message, state):
            return message, state
    raise AssertionError(state)


@pytest.mark.parametrize("path", ["/", "/map.json", "/live", "/main.js"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil"])
def test_another_host_is_refused(played, path, host):
    assert get(played.port, path, Host=host)[0] in (400, 403)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_our_own_hosts_are_served(played, host):
    assert get(played.port, "/", Host=f"{host}:{played.port}")[0] == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"]
)
def test_another_origin_is_refused(played, origin):
    origin = origin.format(port=played.port)
    assert get(played.port, "/map.json", Origin=origin)[0] == 403
    with pytest.raises(InvalidStatus) as caught, live(played, origin=origin):
        pass
    assert caught.value.response.status_code == 403


def test_a_wrong_token_is_refused(played):
    for path in ("/", "/live", "/map.json", "/hello"):
        assert get(played.port, f"{path}?token=wrong")[0] == 403
        assert get(played.port, f"{path}?token={played.token}x")[0] == 403
    assert get(played.port, f"/hello?token={played.token}")[0] == 200
    with pytest.raises(InvalidStatus), live(played, token="wrong"):
        pass


def test_only_files_of_the_page_are_served(played):
    for path in (
        "/../serving.py",
        "/%2e%2e/serving.py",
        "/serving.py",
        "/page/main.js",
        "//",
        "/x",
    ):
        assert get(played.port, path)[0] in (400, 404), path
    status, headers, body = get(played.port, "/")
    assert status == 200
    assert b"<!doctype html>" in body
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_nothing_of_the_page_comes_from_elsewhere():
    from latentlive.stage.serving import PAGE

    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, path
        assert "https://" not in text, path
        assert "innerHTML" not in text, path


HOSTILE = [
    b"\x00\xff",
    "",
    "[" * 5000,
    "null",
    "[]",
    '{"do": "panic"}',
    '{"do": ["audition"]}',
    '{"do": "audition"}',
    '{"do": "audition", "row": -1}',
    '{"do": "audition", "row": 1e99}',
    '{"do": "audition", "row": true}',
    '{"do": "audition", "row": "gong"}',
    '{"do": "insert", "rows": "gong"}',
    '{"do": "insert", "rows": []}',
    json.dumps({"do": "insert", "rows": list(range(65))}),
    '{"do": "insert", "rows": [{}]}',
    '{"do": "turn", "name": "unknown", "value": 0.5}',
    '{"do": "turn", "name": {}, "value": 0.5}',
    '{"do": "pad", "name": "pad", "x": "a", "y": 0}',
    '{"do": "pad", "name": "pad", "x": NaN, "y": 0}',
    '{"do": "pad", "name": "pad", "x": Infinity, "y": 0}',
    '{"do": "pad", "name": "other", "x": 0, "y": 0}',
    '{"do": "pad", "name": 3, "x": 0, "y": 0}',
]


@pytest.mark.parametrize("message", HOSTILE)
def test_what_makes_no_sense_is_refused_in_a_line_and_changes_nothing(played, message):
    with live(played, played.token) as page:
        page.send(message)
        line = read(page, lambda message, _: "told" in message)[0]["told"]
        assert line
        assert "\n" not in line
        assert len(line) < 300
    assert played.process.poll() is None
    assert not [one for one in played.engine.state["layers"] if one["name"].startswith("preview")]


def test_a_message_that_is_too_long_ends_its_page_alone(played):
    with live(played, played.token) as page, live(played) as other:
        page.send("x" * 9000)
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            read(page, lambda *_: False)
        read(other, lambda message, _: "patch" in message)


def test_without_the_token_a_page_only_reads(played):
    with live(played) as page:
        message, _ = read(page, lambda *_: True)
        assert message["points"] is False
        page.send('{"do": "audition", "row": 3}')
        message, _ = read(page, lambda message, _: "told" in message)
        assert message["told"].startswith("this page only shows")


def test_states_come_as_differences(played):
    with live(played) as page:
        whole = json.loads(page.recv())
        assert "state" in whole
        parts = [page.recv(timeout=PATIENCE) for _ in range(20)]
    assert all("patch" in json.loads(part) for part in parts)
    assert sum(map(len, parts)) / len(parts) < 0.15 * len(json.dumps(whole))


def stalled(played):
    """Return a socket of a page that never reads."""
    raw = socket.create_connection(("127.0.0.1", played.port))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host = f"127.0.0.1:{played.port}"
    raw.sendall(
        f"GET /live HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    return raw


def held(process):
    """Return the memory of a process [MB]."""
    with open(f"/proc/{process.pid}/status") as file:
        return int(file.read().partition("VmRSS:")[2].split()[0]) / 1024


def test_stalled_and_many_pages_hold_up_neither_the_engine_nor_others(played):
    if sys.platform != "linux":
        pytest.skip("memory is read as Linux tells it")
    with contextlib.ExitStack() as opened:
        for _ in range(3):
            opened.callback(stalled(played).close)
        pages = [opened.enter_context(live(played)) for _ in range(10)]
        before, missing = held(played.process), played.engine.state["missing"]
        begun, count = time.monotonic(), 0
        while time.monotonic() < begun + 4.0:
            for page in pages:
                count += "patch" in json.loads(page.recv(timeout=2.0))
        assert count / len(pages) > 20
        assert played.engine.state["missing"] == missing
        assert held(played.process) < before + 20.0
        assert time.monotonic() - played.engine.state_at < 1.0


def test_a_page_that_slept_catches_up_with_one_difference(played):
    with live(played) as page:
        state = json.loads(page.recv())["state"]
        time.sleep(1.5)
        end = time.monotonic() + 3.0
        while time.monotonic() < end:
            state = merged(state, json.loads(page.recv(timeout=2.0)).get("patch", {}))
            if abs(state["clock"]["position"] - played.engine.state["position"]) < 22050:
                break
        else:
            raise AssertionError("it does not catch up")
    with live(played) as page:
        fresh = json.loads(page.recv())["state"]
    assert fresh["layers"].keys() == state["layers"].keys()
    assert fresh["cells"] == state["cells"]


def test_the_page_ends_with_the_engine_and_a_silent_engine_ends_though_it_is_shown(starter):
    engine = ll.Engine(corpus=starter, silent=True, say=lambda line: None)
    engine.stage(browser=False)
    process = engine._stage
    engine.end(0.0)
    assert process.wait(PATIENCE) == 0
    engine.close(0)


def test_closing_it_and_opening_it_again(starter):
    said = []
    with ll.Engine(corpus=starter, silent=True, say=said.append) as engine:
        with pytest.raises(ll.EngineError, match="it is not open"):
            engine.stage(None)
        engine.stage(browser=False)
        process = engine._stage
        port = int(said[-1].split(":")[2].split("/")[0])
        engine.stage(None)
        assert process.poll() is not None
        with pytest.raises(ll.EngineError, match="other machines; add --public"):
            engine.stage(host="0.0.0.0", browser=False)
        with pytest.raises(OSError, match="refused"):
            get(port)
        engine.stage(browser=False)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            engine.stage(None)
            with pytest.raises(ll.EngineError, match="cannot listen on port"):
                engine.stage(port=taken.getsockname()[1], browser=False)


@pytest.mark.parametrize(
    ("panels", "given", "told"),
    [
        (("maps",), {}, "stage: shows 'map', 'layers', 'plan', 'code', got 'maps'"),
        ((None, "map"), {}, "stage: shows"),
        ((), {"theme": "pink"}, "stage: theme is 'dark' or 'light', got 'pink'"),
        ((), {"size": 9}, "stage: size must be 0.5 to 3 times, got 9"),
        ((), {"size": float("nan")}, "stage: size must be"),
        ((), {"offset": "x"}, "stage: offset must be -2 to 2 seconds, got 'x'"),
        ((), {"host": "0.0.0.0"}, "stage: it is open already; stage(None) closes it first"),
    ],
)
def test_a_wrong_way_to_show_is_refused_in_a_line(played, panels, given, told):
    with pytest.raises(ll.LatentliveError) as caught:
        played.engine.stage(*panels, browser=False, **given)
    assert told in str(caught.value)


def test_places():
    assert place("8080") == ("127.0.0.1", 8080)
    assert place("8080", public=True) == ("0.0.0.0", 8080)
    assert place("0.0.0.0:80") == ("0.0.0.0", 80)
    assert place("[::1]:80") == ("::1", 80)
    for wrong in ("", "x", "1.2.3.4", ":", "99999", "-1", "8080 "):
        with pytest.raises(ll.EngineError, match=r"expected \[HOST:\]PORT"):
            place(wrong)


def test_who_may_look_and_point():
    own, public = Access(token="right"), Access(public=True, token="right")
    with pytest.raises(ll.EngineError, match="--public"):
        own.check("0.0.0.0")
    public.check("0.0.0.0")
    assert not own.knows_host(["192.168.1.7:80"])
    assert public.knows_host(["192.168.1.7:80"])
    assert not public.knows_host(["evil.example"])
    assert public.knows_host([f"{socket.gethostname()}:80"])
    assert not public.may_point("right", "192.168.1.9")
    assert public.may_point("right", "127.0.0.1")
    assert not public.may_point(None, "127.0.0.1")
    assert not is_loopback("127.0.0.1.evil.example")


def test_beyond_loopback_a_page_only_shows(played):
    own = [
        info[4][0]
        for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        if not info[4][0].startswith("127.")
    ]
    if not own:
        pytest.skip("this machine has no address but loopback")
    command = [sys.executable, "-P", "-m", "latentlive.stage.main", "--public"]
    command += ["--engine", str(played.engine.welcome.pid)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    try:
        told = json.loads(process.stdout.readline())
        token = told["url"].partition("token=")[2]
        for host, points in ((own[0], False), ("127.0.0.1", True)):
            place = f"{host}:{told['port']}"
            with connect(
                f"ws://{place}/live?token={token}", origin=f"http://{place}", compression=None
            ) as page:
                assert json.loads(page.recv())["points"] is points
    finally:
        process.stdin.write('{"op": "close"}\n')
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
        process.stdout.close()


def test_differences_lead_from_one_state_to_the_next():
    states = [
        {},
        {"a": 1, "b": {"c": [1, 2]}},
        {"a": 1, "b": {"c": [1], "d": {"e": ""}}},
        {"b": {}, "f": 0.5},
        {"b": "text"},
    ]
    for before in states:
        for after in states:
            assert merged(before, difference(before, after)) == after
    assert difference(states[1], states[1]) == {}
