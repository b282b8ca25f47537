"""The prompt in a real terminal: type, see the layer, break a line, hush, leave."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid

import pytest

from tests.live.conftest import wait_until

pytestmark = pytest.mark.device


@pytest.fixture
def terminal(tmp_path):
    """A tmux session of 80 by 24 that runs the prompt."""
    if shutil.which("tmux") is None:
        pytest.skip("no tmux: apt-get install tmux")
    server = ["tmux", "-L", f"latentlive-{uuid.uuid4().hex}"]
    settings = [
        f"{name}={value}"
        for name, value in os.environ.items()
        if name.startswith(("LATENTLIVE_", "PULSE_"))
    ]
    command = ["env", *settings, sys.executable, "-m", "latentlive.cli"]
    command += ["--corpus", str(tmp_path)]
    subprocess.run([*server, "new-session", "-d", "-x", "80", "-y", "24", *command], check=True)

    def screen():
        told = subprocess.run([*server, "capture-pane", "-p"], capture_output=True, text=True)
        return told.stdout

    def type_(line):
        subprocess.run([*server, "send-keys", "-l", line], check=True)
        subprocess.run([*server, "send-keys", "Enter"], check=True)

    def key(name):
        subprocess.run([*server, "send-keys", name], check=True)

    def running():
        return subprocess.run([*server, "has-session"], capture_output=True).returncode == 0

    yield screen, type_, key, running
    subprocess.run([*server, "kill-server"], capture_output=True)


def test_type_break_a_line_hush_and_leave(sink, terminal):
    screen, type_, key, running = terminal

    def panel_shows():
        """The panel is there only while the prompt listens."""
        return "dropouts" in screen().rstrip().splitlines()[-1]

    wait_until(lambda: "waiting for a texture" in screen(), 20, "the prompt")
    type_("d1 >> sound(np.sin(np.arange(9000) * 0.05) * 0.3)")
    wait_until(lambda: "d1 playing" in screen(), 20, "the layer's line")
    type_("d1 >> sound('no such')")
    wait_until(lambda: "sound: no 'no such' in corpus" in screen(), 60, "one line of error")
    type_("d1 = 3")
    wait_until(lambda: "d1 is a layer: d1 >> ..." in screen(), 5, "the name kept")
    type_("1 / 0")
    wait_until(lambda: "ZeroDivisionError: division by zero" in screen(), 5, "one line of error")
    assert "Traceback" not in screen()
    assert "d1 playing" in screen()
    type_("hush(0.1)")
    wait_until(lambda: panel_shows() and "d1 playing" not in screen(), 5, "silence")
    key("C-d")
    wait_until(lambda: not running(), 20, "the prompt to end")
