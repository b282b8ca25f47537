"""A headless Chromium, driven by its own protocol over a socket."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from websockets.sync.client import connect

PATH = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 20.0


class Chromium:
    """A browser with one page.

    Parameters
    ----------
    size : (width, height) [pixels]
    """

    def __init__(self, size=(1280, 720)):
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
        flags += ["--no-first-run", "--disable-extensions", "--disable-background-networking"]
        flags += ["--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars"]
        flags += [f"--user-data-dir={self._profile.name}", f"--window-size={size[0]},{size[1]}"]
        environment = {**os.environ, "HOME": self._profile.name}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(
            [PATH, *flags, "about:blank"], start_new_session=True, env=environment, **quiet
        )
        self.port = int(wait(self._port, "the browser does not start").splitlines()[0])
        self.size = size
        self.pages = []
        self.page = self.open()

    def _port(self):
        file = Path(self._profile.name, "DevToolsActivePort")
        return file.read_text() if file.exists() else ""

    def open(self):
        """Open another page."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/json/new?about:blank", method="PUT"
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            target = json.load(answer)
        self.pages.append(Page(target["webSocketDebuggerUrl"], self.size))
        return self.pages[-1]

    def close(self):
        """End the browser."""
        for page in self.pages:
            page.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 15)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        self._profile.cleanup()


class Page:
    """A page; what its console says against it is kept in `faults`."""

    def __init__(self, url, size):
        self._open = connect(url, max_size=None, compression=None)
        self._socket = self._open.__enter__()
        self._numbers = itertools.count(1)
        self.faults = []
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.resize(*size)

    def call(self, method, **parameters):
        """Ask the browser for something; return its answer."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=PATIENCE))
            self._note(message)
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                return message["result"]

    def _note(self, message):
        told = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.faults.append(told["exceptionDetails"]["exception"].get("description"))
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "warning", "assert"):
                self.faults.append(str([one.get("value") for one in told["args"]]))
            case "Log.entryAdded" if told["entry"]["level"] == "error":
                self.faults.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")

    def resize(self, width, height):
        """Give the page another size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def go(self, url):
        """Open an address."""
        self.call("Page.navigate", url=url)

    def value(self, code):
        """Return the value of an expression in the page."""
        asked = {"expression": code, "returnByValue": True, "awaitPromise": True}
        answer = self.call("Runtime.evaluate", **asked)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, code, seconds=PATIENCE):
        """Wait until an expression in the page is true."""
        guarded = (
            f"(() => {{ try {{ return Boolean({code}) }} catch (fault) {{ return false }} }})()"
        )
        wait(lambda: self.value(guarded), code, seconds)

    def mouse(self, kind, x, y, shift=False, held=False):
        """Move, press or release the mouse."""
        names = {"press": "mousePressed", "release": "mouseReleased", "move": "mouseMoved"}
        button = "left" if held or kind != "move" else "none"
        self.call(
            "Input.dispatchMouseEvent",
            **{"type": names[kind], "x": x, "y": y, "modifiers": 8 * shift},
            **{"button": button, "buttons": int(held or kind == "press"), "clickCount": 1},
        )

    def click(self, x, y, shift=False):
        """Click at a point of the page."""
        self.mouse("move", x, y, shift)
        self.mouse("press", x, y, shift)
        self.mouse("release", x, y, shift)

    def drag(self, way, shift=False):
        """Drag along some points of the page."""
        self.mouse("move", *way[0], shift)
        self.mouse("press", *way[0], shift)
        for x, y in way[1:]:
            self.mouse("move", x, y, shift, held=True)
        self.mouse("release", *way[-1], shift)

    def picture(self):
        """Return the page as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def close(self):
        """Leave the page."""
        self._open.__exit__(None, None, None)


def wait(what, told, seconds=PATIENCE):
    """Wait until a function returns something true, and return it."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, told
        time.sleep(0.03)
    return found
