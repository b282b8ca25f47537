"""The stage view as it is opened: by commands, at a real prompt, on a replay."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

import latentlive as ll
from latentlive.protocol.address import addresses
from tests.live.test_prompt import Terminal, terminal, wait_until

__all__ = ["terminal"]

pytest.importorskip("websockets")
from websockets.sync.client import connect

ADDRESS = re.compile(r"the stage view is at (http://\S+)")
SESSION = """# %% one
d1 >> sound("gong").extend(4).loop()

# %% 00:00:02.000 two
d2 >> sound("rain").loop()
"""


@contextlib.contextmanager
def command(*words, folder):
    """Run a command of ours; yield it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "latentlive.cli", *map(str, words)],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stderr.close()


def told(process):
    """Return the address that a command prints."""
    for line in process.stderr:
        if found := ADDRESS.search(line):
            return found[1]
    raise AssertionError("no address")


def state(url, until, seconds=30.0):
    """Return a state of the page of which something holds."""
    place, _, token = url.removeprefix("http://").partition("/?token=")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with connect(
            f"ws://{place}/live?token={token}", origin=f"http://{place}", compression=None
        ) as page:
            whole = json.loads(page.recv(timeout=10))
            assert whole["points"] is True
            if until(whole["state"]):
                return whole["state"]
        time.sleep(0.1)
    raise AssertionError(whole["state"])


def test_a_session_is_shown_while_it_plays_and_again_as_a_replay(starter, tmp_path):
    (tmp_path / "piece.py").write_text(SESSION)
    words = ["piece.py", "--silent", "--corpus", starter, "--log", "log.py", "--seconds", "4"]
    with command("play", *words, "--stage", "0", folder=tmp_path) as played:
        url = told(played)
        shown = state(url, lambda now: len(now.get("layers", {})) == 2)
        assert [cell["name"] for cell in shown["cells"].values()] == ["one", "two"]
        assert [cell["sample"] for cell in shown["cells"].values()] == [0, 88256]  # on the grid
        assert played.wait(60) == 0
    words = ["log.py", "--silent", "--corpus", starter, "--stage", "0"]
    with command("replay", *words, folder=tmp_path) as replay:
        shown = state(told(replay), lambda now: len(now.get("layers", {})) == 2)
        assert shown["engine"]["replaying"] is True
        assert [cell["name"] for cell in shown["cells"].values()] == ["one", "two"]


def test_the_view_of_an_engine_that_runs_and_its_end(starter, tmp_path):
    with ll.Engine(corpus=starter, silent=True, say=lambda line: None) as engine:
        _ = engine.d1 >> ll.sound("gong")
        words = ["stage", "--no-browser", "--panels", "map,code", "--theme", "light"]
        with command(*words, "--offset", "0.2", folder=tmp_path) as view:
            shown = state(told(view), lambda now: "d1" in now.get("layers", {}))
            chosen = {"panels": ["map", "code"], "theme": "light", "size": 1.0, "offset": 0.2}
            assert shown["show"] == chosen
            engine.end(0.0)
            assert view.wait(20) == 0


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["stage"], "no engine is running; start one with latentlive"),
        (["stage", "here"], "stage: expected [HOST:]PORT such as 8080, got 'here'"),
        (["stage", "0.0.0.0:80"], "add --public to show the page there, read-only"),
        (["stage", "--panels", "maps"], "stage: shows 'map', 'layers', 'plan', 'code'"),
        (["play", "first_light", "--stage", "x"], "stage: expected [HOST:]PORT"),
        (["play", "first_light", "--stage", "0.0.0.0:0"], "add --public"),
        (["play", "first_light", "--public"], "--public is for the page of --stage [HOST:]PORT"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_line(words, line, tmp_path):
    with command(*words, folder=tmp_path) as refused:
        assert refused.wait(60) == 1
        said = refused.stderr.read()
    assert line in said
    assert said.count("\n") == 1


def test_a_port_that_is_taken_is_no_reason_to_be_silent(starter, tmp_path):
    import socket

    (tmp_path / "piece.py").write_text('# %% one\nd1 >> sound("gong").loop(1)\n')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ["play", "piece.py", "--silent", "--corpus", starter, "--stage", port]
        with command(*words, "--seconds", "1", "--log", "log.py", folder=tmp_path) as played:
            said = played.stderr.read()
            assert played.wait(60) == 0
    assert f"stage: cannot listen on port {port}: " in said


def test_without_the_web_library_a_line_names_it_and_the_sound_goes_on(tmp_path, monkeypatch):
    (tmp_path / "websockets.py").write_text("raise ImportError('not here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with ll.Engine(model="toy", silent=True, say=lambda line: None) as engine:
        with pytest.raises(ll.EngineError) as caught:
            engine.stage(browser=False)
        assert str(caught.value) == (
            "stage: the package websockets is missing; pip install websockets"
        )
        _ = engine.d1 >> ll.prior(1)
        assert engine.wait_for(lambda: engine.state.get("running"))


def test_what_shows_an_engine_is_no_company_to_it(starter):
    """An engine that nobody performs on ends when it is silent, though a page shows it."""
    from latentlive.client.connection import Connection, start_engine

    arguments = ["--silent", "--model", "toy", "--idle", "1"]
    address, process = start_engine(arguments)
    reader = Connection(*address.connect("keep", reads=True), address, lambda line: None)
    assert process.wait(20) == 0
    assert reader.wait_for(lambda: reader.ended)
    reader.hang_up()
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()


def test_a_name_is_inserted_where_the_cursor_is(terminal, tmp_path):
    from latentlive.stage.pointing import insert

    prompt = terminal("--model", "toy", "--stage", "0")
    assert isinstance(prompt, Terminal)
    prompt.shows("the stage view is at", 60)
    prompt.shows("waiting for a texture", 30)
    prompt.type("d1 >> .extend(2)", enter=False)
    for _ in range(len(".extend(2)")):
        prompt.key("Left")
    wait_until(lambda: prompt.typed() == ">>> d1 >> .extend(2)", 10, prompt.screen())
    pid = addresses("engine")[0].pid
    insert("sound('gong')", pid)
    wait_until(lambda: prompt.typed() == ">>> d1 >> sound('gong').extend(2)", 10, prompt.screen())
    with pytest.raises(ll.EngineError, match="the prompt is that of another engine"):
        insert("sound('gong')", pid + 1)
    for wrong in ("a\nhush()", "\x1b[2J", "", "x" * 10_001):
        with pytest.raises(ll.EngineError, match="letters on one line are inserted"):
            insert(wrong, pid)
    prompt.key("C-c")
    prompt.type("exit")
    wait_until(lambda: not prompt.running(), 20, "the prompt to end")
