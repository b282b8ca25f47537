"""The nearest of very many sounds: proposed by a graph, measured exactly."""

from __future__ import annotations

import numpy as np
import pytest

from latentlive import som
from latentlive.corpus import neighbours
from latentlive.corpus.map import SoundMap
from latentlive.corpus.neighbours import file_of, make, proposed
from latentlive.corpus.thumbnails import Scale


@pytest.fixture
def many(monkeypatch, tmp_path):
    """A map of 3,000 synthetic sounds, for which a graph is made."""
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    monkeypatch.setattr(neighbours, "MANY", 1000)
    chance = np.random.default_rng(0)
    centres = chance.normal(size=(60, 35))
    drawn = centres[chance.integers(60, size=3000)] + 0.4 * chance.normal(size=(3000, 35))
    thumbnails = drawn.astype(np.float32)
    scale = Scale.of(thumbnails.astype(np.float64))
    return SoundMap(thumbnails, np.zeros(3000, np.int64), np.zeros((4, 35)), scale)


def test_a_graph_finds_what_comparing_every_sound_finds(many):
    assert proposed(file_of(many.thumbnails, many.scale), np.zeros(35), 5) is None
    exact = [many.near(row, 12) for row in range(0, 3000, 50)]
    path = make(many.thumbnails, many.scale)
    assert path is not None
    assert proposed(path, np.zeros(35), 5).size == 5 + neighbours.MORE
    found = [many.near(row, 12) for row in range(0, 3000, 50)]
    same = [len({*a} & {*b}) / 12 for a, b in zip(exact, found, strict=True)]
    assert np.mean(same) > 0.99
    assert sum(a == b for a, b in zip(exact, found, strict=True)) > 57
    elsewhere = many.thumbnails[7] + np.float32(0.01)
    assert many.near(elsewhere, 3)[0] == 7


def test_a_graph_is_made_once_and_the_same_again(many):
    path = make(many.thumbnails, many.scale)
    made = path.read_bytes()
    assert make(many.thumbnails, many.scale) == path
    path.unlink()
    assert make(many.thumbnails, many.scale).read_bytes() == made


def test_a_damaged_graph_costs_time_only(many):
    exact = many.near(5, 12)
    path = make(many.thumbnails, many.scale)
    path.write_bytes(path.read_bytes()[:100])
    neighbours._opened.cache_clear()
    assert many.near(5, 12) == exact


def test_without_the_library_every_sound_is_compared(many, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "usearch", None)
    assert make(many.thumbnails, many.scale) is None
    assert len(many.near(5, 12)) == 12


def test_batches_from_the_disk_train_as_good_a_map_in_a_twentieth_of_the_passes(tmp_path):
    chance = np.random.default_rng(1)
    centres = chance.normal(size=(200, 12))
    drawn = centres[chance.integers(200, size=12_000)] + 0.3 * chance.normal(size=(12_000, 12))
    np.save(tmp_path / "vectors.npy", drawn.astype(np.float32))
    on_disk = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    vectors = drawn.astype(np.float32).astype(np.float64)
    whole = som.train(vectors, side=20, epochs=100)
    parts = som.train_in_batches(on_disk, side=20, passes=5)
    (quantised, torn), (better, whole_torn) = (
        som.errors(vectors, nodes) for nodes in (parts, whole)
    )
    assert quantised < 1.1 * better
    assert torn < whole_torn + 0.1
    assert np.array_equal(parts, som.train_in_batches(on_disk, side=20, passes=5))
