"""A stage for the pages and the shipped music: a silent engine in the toy space, words in scope.

Words that this version of the engine does not have yet are stood in for, so that a page may speak
of them; a word that exists is always the real one.
"""

from __future__ import annotations

import ast
import contextlib
import time

import numpy as np
import soundfile

import latentlive as ll
from latentlive.corpus.starter import NAMES
from latentlive.engine import Layer

OF_THE_ENGINE = (
    *("layer", "hush", "only", "panic", "master", "record", "stop_recording", "layers", "status"),
    *("tempo", "tap", "now", "at", "cue", "go", "plan", "cancel", "ready", "audition"),
    *("undo", "redo", "history", "log"),
)
OF_THE_PROMPT = ("load", "cell", "seed", "bounce", "corpus")
OF_A_LAYER = ("morph", "wide", "out")
NEVER = 10**12
"""A sample that no test reaches."""

SHORTEST = 44100
"""Samples of the shortest starter sound: what can be cut from it can be cut from all."""


class StandIn:
    """Takes any word and call; what stands in its block is checked by the engine, never landed."""

    beat = seconds = 0.0

    def __init__(self, engine):
        self.engine = engine

    def __call__(self, *_, **__):
        return self

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def __enter__(self):
        self.block = self.engine.cell(NEVER)
        return self.block.__enter__()

    def __exit__(self, *error):
        return self.block.__exit__(*error)


def starter_names(folder):
    """Fill a folder with stand-ins for the starter sounds, all as short as the shortest."""
    rng = np.random.default_rng(0)
    samples = rng.uniform(-0.1, 0.1, SHORTEST).astype(np.float32)
    for name in NAMES:
        soundfile.write(folder / f"{name}.wav", samples, 44100)
    return folder


class Stage:
    """A silent engine that runs code cell by cell.

    Parameters
    ----------
    corpus : path
        A folder of sounds.
    """

    def __init__(self, corpus):
        self.said = []
        self.started = False
        self.engine = ll.Engine(
            model="toy", corpus=corpus, silent=True, hold=True, say=self.said.append
        )
        self.scope = {word: getattr(ll, word) for word in ll.WORDS}
        self.scope |= {f"d{n}": self.engine.layer(f"d{n}") for n in range(1, 17)}
        self.scope |= {word: StandIn(self.engine) for word in OF_THE_PROMPT}
        self.scope |= {"np": np, "ll": ll}
        self.lent = [word for word in OF_A_LAYER if word not in vars(Layer)]
        for word in self.lent:
            setattr(Layer, word, lambda layer, *_: layer)

    def run(self, code, at=None):
        """Run one cell, whose changes land together, and return what its expressions gave."""
        for word in OF_THE_ENGINE:
            self.scope[word] = getattr(self.engine, word, StandIn(self.engine))
        given = []
        with self.engine.cell(at):
            for statement in ast.parse(code).body:
                if isinstance(statement, ast.Expr):
                    part = compile(ast.Expression(statement.value), "cell", "eval")
                    given.append(eval(part, self.scope))
                else:
                    exec(compile(ast.Module([statement], []), "cell", "exec"), self.scope)
        return given

    def start(self):
        """Let the transport move, and wait until the first textures sound."""
        self.engine.start()
        end = time.monotonic() + 30
        while not self.engine.state.get("running"):
            assert time.monotonic() < end, f"nothing sounds after 30 s: {self.said}"
            time.sleep(0.02)
        self.started = True

    def clear(self):
        """Forget everything that plays or is planned."""
        self.engine.panic()

    def close(self):
        """End the engine."""
        for word in self.lent:
            delattr(Layer, word)
        with contextlib.suppress(ll.EngineError):
            self.engine.close(0)
