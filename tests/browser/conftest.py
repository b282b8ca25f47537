"""A playing engine with its stage view, and a real browser that looks at it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

import latentlive as ll

LINES = (
    'd1 >> interp(sound("gong"), sound("rain"), sine(8))',
    'd2 >> path([sound("bell-tree"), sound("choir-ah"), sound("surf")], saw(12)).extend(2)',
    'd3 >> interp(sound("anvil"), sound("harp-c5"), xy("pad").x)',
)


class Played:
    """A silent engine with three layers, and the process of its stage view.

    Parameters
    ----------
    corpus : path
    """

    def __init__(self, corpus):
        self.said = []
        self.engine = ll.Engine(corpus=corpus, silent=True, say=self.said.append)
        self.engine.stage(browser=False)
        self.url = self.said[-1].split()[-1]
        self.port = int(self.url.split(":")[2].split("/")[0])
        self.token = self.url.partition("token=")[2]
        self.process = self.engine._stage
        self.run(*LINES)
        self.wait(lambda state: len(state["layers"]) == 3 and state["running"])

    def run(self, *lines):
        """Run lines as one cell."""
        scope = {name: getattr(ll, name) for name in ll.WORDS}
        scope |= {f"d{n}": getattr(self.engine, f"d{n}") for n in range(1, 17)}
        with self.engine.cell(code="\n".join(lines)):
            exec("\n".join(lines), scope)

    def wait(self, what, seconds=20.0):
        """Wait until something holds of the engine's state."""
        end = time.monotonic() + seconds
        while not what(self.engine.state):
            assert time.monotonic() < end, self.engine.state
            time.sleep(0.02)

    def tapes(self, source):
        """Return the values of a source in the log, each with its sender."""
        rows = Path(self.engine.log).with_suffix(".jsonl").read_text().splitlines()
        told = [row for row in map(json.loads, rows) if row.get("do") == "tape"]
        return [(row["value"], row.get("by")) for row in told if row["source"] == source]

    def close(self):
        self.engine.close(0)


@pytest.fixture(scope="module")
def played(starter):
    """An engine that plays three layers, with its stage view."""
    pytest.importorskip("websockets", reason="the page needs websockets: pip install websockets")
    played = Played(starter)
    yield played
    played.close()


@pytest.fixture(scope="module")
def chromium():
    """A browser."""
    pytest.importorskip("websockets", reason="the page needs websockets: pip install websockets")
    from tests.browser.chromium import PATH, Chromium

    if PATH is None:
        pytest.skip("no browser is here: apt-get install chromium")
    browser = Chromium()
    yield browser
    browser.close()


@pytest.fixture
def page(chromium, played):
    """The page, opened by the printed address."""
    page = chromium.page
    page.faults.clear()
    page.go("about:blank")
    page.go(played.url)
    page.wait("window.stage.map.chart && window.stage.state.clock.running")
    return page


def python(*arguments):
    """Start a program of ours."""
    return subprocess.Popen([sys.executable, "-P", *arguments], stdout=subprocess.PIPE, text=True)
