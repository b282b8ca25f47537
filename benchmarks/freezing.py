"""How long freezing takes, and what it costs the engine beside it: python -m benchmarks.freezing.

Sixty seconds of one texture are frozen in each space beside an engine that plays eight decoded
layers without a device. Encodings are made first, as they are for what was played before.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import click
import numpy as np
import pytest

import latentlive as ll
from benchmarks.live import loaded, textures
from latentlive.corpus import Corpus

SECONDS = 60.0
TICKS = os.sysconf("SC_CLK_TCK")
NAMES = map("bench {}".format, count())
TEXTURE = ll.interp(ll.sound("surf"), ll.sound("choir-ah"), ll.sine(8)).extend(12)


class Watch:
    """What the engine tells and its workers compute while something goes on."""

    def __init__(self, live: ll.Engine) -> None:
        self._live = live
        self.loads: list[float] = []

    def until(self, what: Callable[[], object]) -> dict[str, Any]:
        """Wait until something is so; return seconds, loads and cores of the workers."""
        begun, computed = time.monotonic(), self._computed()
        while not what():
            self.loads.append(float(self._live.state["load"]))
            time.sleep(0.05)
        took = time.monotonic() - begun
        cores = (self._computed() - computed) / took
        return {"took": took, "load": np.mean(self.loads), "most": max(self.loads), "cores": cores}

    def _computed(self) -> float:
        """Return how many seconds the workers have computed."""
        total = 0
        for pid in self._live.state["workers"]:
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS


def playing(live: ll.Engine, layers: list[Any]) -> None:
    """Play some textures, and wait until they have sounded for a while."""
    with live.cell():
        for number, texture in enumerate(layers, 1):
            live.layer(f"d{number}").quant(0) >> texture
    live.wait_for(lambda: live.state["running"], 60)
    end = live.state["seconds"] + 6
    live.wait_for(lambda: live.state["seconds"] > end, 60)


@click.command()
@click.option("--loaded", "busy", is_flag=True, help="Beside two programs that compute.")
def main(busy: bool) -> None:
    """Print a table of Markdown."""
    print(
        "| what goes on | took | load | most | workers' cores | said |\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTLIVE_CACHE", folder)
        corpus, said = Corpus(), []
        for space in ("spectral", "spectralvae", "rawaudiovae"):
            ll.render(TEXTURE, SECONDS, model=space)  # encoded
        with ll.Engine(silent=True, say=said.append) as live:
            playing(live, textures("decoded", 8, corpus))
            with loaded() if busy else contextlib.nullcontext():
                end = live.state["seconds"] + 10
                _row("nothing", Watch(live).until(lambda: live.state["seconds"] > end), said)
                for space in ("spectral", "spectralvae", "rawaudiovae"):
                    TEXTURE.on(space).frozen(next(NAMES), seconds=SECONDS)
                    seen = Watch(live).until(lambda: not live.freezing.progress)
                    _row(f"60 s of `{space}` frozen", seen, said)
        for kind in ("decoded", "frozen"):
            with ll.Engine(silent=True, say=said.append) as live:
                layers = textures("decoded", 8, corpus)
                if kind == "frozen":
                    layers = [one.frozen(next(NAMES)) for one in layers]
                    live.wait_for(lambda: not live.freezing.progress, 300)
                playing(live, layers)
                end = live.state["seconds"] + 10
                seen = Watch(live).until(lambda end=end: live.state["seconds"] > end)
                _row(f"eight layers, {kind}", seen, said)


def _row(what: str, seen: dict[str, Any], said: list[str]) -> None:
    told = "; ".join(line for line in said if " is frozen" not in line)
    said.clear()
    numbers = f"{seen['took']:.1f} s | {seen['load']:.3f} | {seen['most']:.3f}"
    print(f"| {what} | {numbers} | {seen['cores']:.3f} | {told} |", flush=True)


if __name__ == "__main__":
    main()
