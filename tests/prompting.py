"""A console on a real engine of the toy space, without a terminal."""

from __future__ import annotations

import contextlib
from queue import SimpleQueue

import numpy as np

import latentlive as ll
from latentlive.prompt.booting import Booting
from latentlive.prompt.console import Console
from latentlive.protocol.clip import Source
from latentlive.protocol.replies import Welcome
from latentlive.space import ToySpace

TONE = "sound(np.sin(np.arange(9000) * 0.05) * 0.3)"


class Shown:
    """A front that keeps what it is shown; its lines come from a list."""

    def __init__(self, inbox, jobs=()):
        self.inbox, self.jobs, self.lines = inbox, list(jobs), []

    def read(self):
        if self.jobs:
            self.inbox.put(self.jobs.pop(0))

    def aside(self):
        return contextlib.nullcontext()

    def output(self):
        return contextlib.nullcontext()

    def show(self, text, style=""):
        self.lines.append((style, text))

    def close(self):
        pass


class Recorded(ll.Engine):
    """An engine that keeps what it would be asked, and plays nothing."""

    process = None

    def __init__(self):
        self.asked = []
        self.state = {"layers": [], "plan": [], "running": False, "position": 0}
        self.state |= {"beat": 0.0, "bpm": 60.0, "seed": 0, "panics": 0}
        self.state |= {"clock": {"heard": [], "followed": None, "apart": None, "given": []}}
        self.state |= {"link": None}
        facts = ToySpace(1024).facts.dump()
        self.welcome = Welcome(0, "toy", "toy", facts, 44100, 60.0, "", "", "toy")
        self.state_at, self.ended, self._say = 0.0, False, print
        self._silent, self._closing = 0.0, False
        self._make_words(ll.Corpus("."))

    def source(self, texture):
        return Source(texture, super().source(texture).code, {})

    def request(self, request, patience=0.0):
        message = request.dump()
        if message["op"] == "cell":
            message.setdefault("changes", [])
        if message["op"] == "cell" and not message["changes"] and not message.get("plans"):
            return  # only for the log
        self.asked.append(message)
        if message["op"] == "cell":
            plays = [c for c in message["changes"] if c["op"] == "play"]
            shown = {one["name"]: one for one in self.state["layers"]}
            for change in plays:
                name = change["layer"]
                shown[name] = {"name": name, "code": change["source"]["code"]}
            self.state["layers"] = list(shown.values())

    def played(self):
        """Return layer and code of every texture that was asked for."""
        cells = [m for m in self.asked if m["op"] == "cell"]
        plays = [c for m in cells for c in m["changes"] if c["op"] == "play"]
        return [(c["layer"], c["source"]["code"]) for c in plays]

    def close(self, fade=1.0):
        self.ended = True


def console(engine=None):
    """Return a console whose engine runs, and that engine."""
    engine = engine or Recorded()
    booting = Booting(lambda: engine, print, print)
    booting.engine()
    return Console(booting, SimpleQueue()), engine


def samples(seconds=1.0, seed=0):
    """Return noise as a recording."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(round(44100 * seconds)) * 0.1).astype(np.float32)
