"""A shelf of frozen sounds of its own for each test, and what freezes them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.corpus import frozen as shelf
from latentlive.latent import freezing_by
from latentlive.renderer.freezing import Here
from tests.live.conftest import wait_until

RATE = 44100
NOISE = (np.random.default_rng(5).standard_normal(RATE) * 0.1).astype(np.float32)
WORN = ll.sound(NOISE).spread(0.5)
"""A second of noise, each frame of it drawn anew."""

SLOW = """
import time
from latentlive.models import files
from latentlive.space import ToySpace

class Slow(ToySpace):
    name = digest = "slow"
    def decode(self, z):
        time.sleep({seconds} * len(z) / 172)
        return super().decode(z)

files.BUILT_IN["slow"] = lambda: Slow(1024)
"""
"""A space that takes so long for a second of sound, of which it decodes 172 windows."""


@pytest.fixture(autouse=True)
def shelf_of_its_own(tmp_path, monkeypatch):
    """Keep what one test freezes from the others."""
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def slow(tmp_path, monkeypatch):
    """A space whose rendering takes three times as long as its sound lasts, in every process."""
    (tmp_path / "sitecustomize.py").write_text(SLOW.format(seconds=3))
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    names = {}
    exec(SLOW.format(seconds=3), names)
    yield "slow"
    del names["files"].BUILT_IN["slow"]


@pytest.fixture
def corpus(tmp_path):
    """A corpus of one sound."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    soundfile.write(folder / "gong.wav", NOISE, RATE)
    return folder


@contextlib.contextmanager
def opened(corpus, said=None, **options):
    """Open a silent engine that keeps what it says."""
    options = {"model": "toy", "silent": True, "corpus": corpus, **options}
    with ll.Engine(say=(said if said is not None else []).append, **options) as live:
        live.wait_for(lambda: live.state)
        yield live


def held():
    """Return the names of all files on the shelf, whole or half."""
    return sorted(path.name for path in Path(os.environ["LATENTLIVE_CACHE"]).glob("frozen/*"))


def samples_of(name):
    """Return what a frozen sound holds."""
    return soundfile.read(shelf.frozen_file(name), dtype="float32")[0]


def frozen_here(texture, name, corpus, seconds=None, **setting):
    """Freeze as `latentlive render` does."""
    with freezing_by(Here(setting.pop("model", "toy"), corpus, **setting)):
        return texture.frozen(name, seconds)


def process_of(live):
    """Return the process that renders, once it has begun."""
    wait_until(lambda: live.freezing.progress and live.freezing.progress[0].done, 60, "a beginning")
    return live.freezing._makings[0].process
