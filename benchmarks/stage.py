"""What the stage view costs: python -m benchmarks.stage [--seconds 20] [--sounds 5000] [--soak 10].

A silent engine plays six layers of a corpus with a map. First alone, which is the reference; then
with the view and no page, one page, ten pages, ten pages beside three that never read; then a real
browser draws the map. CPU is the time of a process, or of all of the engine's, in percent of a
core. At the end a page that slept catches up, and the view's memory is compared with what it was.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import soundfile
from websockets.sync.client import connect

import latentlive as ll
from latentlive.corpus.index import Index, index_path
from tests.browser.chromium import PATH, Chromium

LINES = (
    "d1 >> interp(sound(names[0]), sound(names[1]), sine(8))",
    "d2 >> path([sound(name) for name in names[2:6]], saw(12)).extend(2)",
    "d3 >> roam(perlin(5), perlin(7), every=0.5)",
    "d4 >> cluster(3).extend(4)",
    "d5 >> interp(silence, sound(names[7]).scrub(saw(2) * 0.3), rand(2))",
    'd6 >> interp(sound(names[8]), sound(names[9]), xy("pad").x)',
)
TICKS = os.sysconf("SC_CLK_TCK")


def many(folder: Path, count: int) -> ll.Corpus:
    """Make a corpus of few files whose map has many sounds."""
    rng = np.random.default_rng(0)
    for number in range(24):
        samples = rng.uniform(-0.1, 0.1, 44100).astype(np.float32)
        soundfile.write(folder / f"s{number}.wav", samples, 44100)
    mapped = ll.Corpus().need_map()
    rows = rng.integers(len(mapped.names), size=count)
    assert mapped.places is not None
    places = np.clip(mapped.places[rows] + rng.normal(0, 0.03, (count, 2)), 0.0, 1.0)
    made = replace(
        mapped,
        names=[f"s{n}" if n < 24 else f"sound {n}" for n in range(count)],
        files=[f"s{n % 24}.wav" for n in range(count)],
        starts=[None] * count,
        thumbnails=mapped.thumbnails[rows],
        labels=mapped.labels[rows],
        places=places,
    )
    with Index(index_path(folder)) as index:
        index.put_map(made)
    return ll.Corpus(folder)


def spent(pid: int) -> float:
    """Return the processor time of a process [seconds]; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def held(pid: int) -> float:
    """Return the memory of a process [MB]."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def family(pid: int) -> list[int]:
    """Return a process and all that it started."""
    children = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                children += family(int(path.parent.name))
    return [pid, *children]


class Page(threading.Thread):
    """A page that reads what it is told."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        place = url.split("/")[2]
        self._open = connect(
            f"ws://{place}/live", origin=f"http://{place}", compression=None, max_size=None
        )
        self.socket = self._open.__enter__()
        self.bytes = self.messages = 0
        self.start()

    def run(self) -> None:
        with contextlib.suppress(Exception):  # it was closed
            while True:
                self.bytes += len(self.socket.recv())
                self.messages += 1

    def close(self) -> None:
        """Leave."""
        self._open.__exit__(None, None, None)
        self.join()


def stalled(url: str) -> socket.socket:
    """Return the socket of a page that never reads."""
    place = url.split("/")[2]
    raw = socket.create_connection(("127.0.0.1", int(place.split(":")[1])))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.sendall(
        f"GET /live HTTP/1.1\r\nHost: {place}\r\nOrigin: http://{place}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    return raw


class Measured:
    """An engine and its view over some seconds."""

    def __init__(self, engine: Any, view: int | None, seconds: float) -> None:
        pids = family(engine.welcome.pid)
        pids = [pid for pid in pids if pid != view]
        missing, begun = engine.fresh()["missing"], time.monotonic()
        before, own = sum(map(spent, pids)), spent(view) if view else 0.0
        time.sleep(seconds)
        passed = time.monotonic() - begun
        self.engine = 100.0 * (sum(map(spent, pids)) - before) / passed
        self.view = 100.0 * (spent(view) - own) / passed if view else 0.0
        state = engine.fresh()
        self.missing, self.load = state["missing"] - missing, state["load"]
        self.memory = held(view) if view else 0.0
        self.passed = passed


@contextlib.contextmanager
def playing(count: int) -> Iterator[Any]:
    """Play six layers of a corpus with so many sounds."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = many(Path(folder), count)
        with ll.Engine(corpus=corpus, silent=True, say=lambda line: None) as engine:
            scope = {name: getattr(ll, name) for name in ll.WORDS}
            scope |= {f"d{n}": getattr(engine, f"d{n}") for n in range(1, 17)}
            scope |= {"names": [f"s{n}" for n in range(24)]}
            for line in LINES:
                with engine.cell(code=line):
                    exec(line, scope)
            engine.wait_for(lambda: engine.state.get("running"))
            time.sleep(4.0)
            yield engine


@click.command()
@click.option("--seconds", default=20.0, show_default=True, help="Of each line.")
@click.option("--sounds", default=5000, show_default=True, help="On the map.")
@click.option("--soak", default=0.0, help="Instead, leave a page open for so many minutes.")
def main(seconds: float, sounds: int, soak: float) -> None:
    """Print what the stage view costs."""
    if soak:
        with playing(sounds) as engine:
            left_open(engine, soak)
        return
    with playing(sounds) as engine, contextlib.ExitStack() as opened:
        heads = ("", "engine CPU", "to alone", "view CPU", "view MB", "missing", "told a page")
        print("".join(f"{head:>14}" for head in heads))

        def line(name: str, pages: list[Page]) -> Measured:
            view = engine._stage.pid if engine._stage else None
            before = [page.bytes for page in pages]
            found = Measured(engine, view, seconds)
            told = [page.bytes - then for page, then in zip(pages, before, strict=True)]
            rate = f"{sum(told) / len(told) / found.passed / 1000:.1f} kB/s" if told else "-"
            ratio = found.engine / alone.engine if alone else 1.0
            cells = (f"{found.engine:.1f} %", f"{ratio:.2f}", f"{found.view:.1f} %")
            cells += (f"{found.memory:.0f}", str(found.missing), rate)
            print(f"{name:>14}" + "".join(f"{cell:>14}" for cell in cells), flush=True)
            return found

        alone: Measured | None = None
        alone = line("alone", [])
        engine.stage(browser=False)
        url = engine._stage_url
        pages = [Page(url)]
        time.sleep(3.0)
        pages.pop().close()
        line("no page", [])
        pages = [Page(url)]
        time.sleep(1.0)
        first = line("one page", pages)
        pages += [Page(url) for _ in range(9)]
        line("ten pages", pages)
        for _ in range(3):
            opened.callback(stalled(url).close)
        last = line("and 3 stalled", pages)
        for page in pages:
            page.close()
        print(f"memory of the view after all of it: {last.memory - first.memory:+.1f} MB")
        catch_up(url, engine, seconds)
        draw(url, engine)


def left_open(engine: Any, minutes: float) -> None:
    """Print the memory of view and page, while a layer is redefined each second."""
    engine.stage(browser=False)
    browser = Chromium()
    try:
        page = browser.page
        page.go(engine._stage_url)
        page.wait("window.stage.map.chart && window.stage.state.clock.running")
        begun = now = time.monotonic()
        told, changes = begun, 0
        while (now := time.monotonic()) < begun + 60.0 * minutes + 1.0:
            changes += 1
            code = f"d{1 + changes % 3} >> interp(sound('s1'), sound('s2'), sine({2 + changes}))"
            layer = getattr(engine, f"d{1 + changes % 3}")
            with engine.cell(code=code):
                _ = layer >> ll.interp(ll.sound("s1"), ll.sound("s2"), ll.sine(2 + changes))
            if now >= told:
                told += 60.0
                page.call("HeapProfiler.collectGarbage")
                heap = page.call("Runtime.getHeapUsage")["usedSize"] / 2**20
                size = Path(engine.log).with_suffix(".jsonl").stat().st_size / 2**20
                print(
                    f"{(now - begun) / 60:5.1f} min  {changes} changes  log {size:.1f} MB  "
                    f"view {held(engine._stage.pid):.1f} MB  page {heap:.1f} MB  "
                    f"missing {engine.state['missing']}  {page.faults or ''}",
                    flush=True,
                )
            time.sleep(1.0)
    finally:
        browser.close()


def catch_up(url: str, engine: Any, seconds: float) -> None:
    """Print how long a page takes that did not read for some seconds."""
    place = url.split("/")[2]
    with connect(
        f"ws://{place}/live", origin=f"http://{place}", compression=None, max_size=None
    ) as page:
        page.recv()
        time.sleep(seconds)
        begun = time.monotonic()
        while True:
            told = json.loads(page.recv())
            clock = told.get("patch", {}).get("clock", {})
            behind = engine.state["position"] - clock.get("position", 0)
            if behind < 0.3 * engine.welcome.sample_rate:
                break
        print(f"a page that slept {seconds:.0f} s: {1000 * (time.monotonic() - begun):.0f} ms")


def draw(url: str, engine: Any) -> None:
    """Print how often a real browser draws the map."""
    if PATH is None:
        print("no browser is here: apt-get install chromium")
        return
    browser = Chromium()
    try:
        page = browser.page
        page.go(url)
        page.wait("window.stage.map.chart && window.stage.state.clock.running")
        time.sleep(2.0)
        missing = engine.fresh()["missing"]
        pids = family(browser.process.pid)
        before, begun = sum(map(spent, pids)), time.monotonic()
        frames = page.value("window.stage.frames")
        script = page.value(
            """new Promise((done) => { const s = window.stage, all = [];
            for (let n = 0; n < 60; n++) { const t = performance.now();
              s.map.draw(s.state, s.clock.heard(), s.clock.rate, () => -12);
              all.push(performance.now() - t); }
            all.sort((a, b) => a - b); done(all[30]); })"""
        )
        time.sleep(10.0)
        passed = time.monotonic() - begun
        rate = (page.value("window.stage.frames") - frames) / passed
        used = 100.0 * (sum(map(spent, pids)) - before) / passed
        shown = page.value("window.stage.map.chart.rows.length")
        print(
            f"a browser draws {shown} sounds {rate:.1f} times a second, {script:.2f} ms each in "
            f"its script, {used:.0f} % of a core without a graphics card; "
            f"missing {engine.fresh()['missing'] - missing}, said against it: {page.faults}"
        )
    finally:
        browser.close()


if __name__ == "__main__":
    main()
