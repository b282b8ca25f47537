"""A stage for the pages and the shipped music: a silent engine in their space, words in scope."""

from __future__ import annotations

import ast
import contextlib
import time
from dataclasses import replace

import numpy as np
import soundfile

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.corpus.index import Index, index_path
from latentlive.prompt.rehearsal import Rehearsal
from latentlive.prompt.scope import Names
from latentlive.starter import NAMES

SHORTEST = 44100
"""Samples of the shortest starter sound: what can be cut from it can be cut from all."""


def starter_names(folder):
    """Fill a folder with stand-ins for the starter sounds, all as short as the shortest; their map
    is the starter's."""
    rng = np.random.default_rng(0)
    samples = rng.uniform(-0.1, 0.1, SHORTEST).astype(np.float32)
    for name in NAMES:
        soundfile.write(folder / f"{name}.wav", samples, 44100)
    mapped = Corpus().need_map()
    with Index(index_path(folder)) as index:
        index.put_map(replace(mapped, files=[f"{name}.wav" for name in mapped.names]))
    return folder


class Stage:
    """A silent engine that runs code cell by cell.

    Parameters
    ----------
    corpus : path
        A folder of sounds.
    model : str or None
        The space that the music is written for.
    """

    def __init__(self, corpus, model=None):
        self.said = []
        self.started = False
        self.engine = ll.Engine(
            model=model, corpus=corpus, silent=True, hold=True, say=self.said.append
        )
        self.scope = Names(lambda: self.engine, {"ll": ll})
        rehearsal = Rehearsal(self._rehearse)
        self.scope.words |= {"load": rehearsal.load, "cell": rehearsal.cell}

    def _rehearse(self, cell, file):
        self.run(cell.code)

    def run(self, code, at=None):
        """Run one cell, whose changes land together, and return what its expressions gave."""
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
        with contextlib.suppress(ll.EngineError):
            self.engine.close(0)
