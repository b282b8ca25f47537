"""The places of sounds: neighbours together, the square filled; old maps get them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from sklearn.manifold import trustworthiness

from latentlive.corpus import Corpus, embedding
from latentlive.corpus.embedding import embedded, placed, placed_apart, spread
from latentlive.corpus.index import Index
from latentlive.mapping import make_map

RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def starter_map():
    return Corpus().need_map()


def filled(places):
    """Return how much of the square holds a sound within reach: two sounds a cell on average."""
    side = int(np.sqrt(len(places) / 2))
    count, *_ = np.histogram2d(*places.T, bins=side, range=[[0, 1], [0, 1]])
    return (count > 0).mean()


def test_the_starter_map_keeps_neighbours_better_than_nodes_and_axes_do(starter_map):
    vectors, places = starter_map.map.vectors, starter_map.places
    nodes = np.stack([starter_map.labels % 5, starter_map.labels // 5], 1).astype(float)
    axes = embedding._axes(vectors)
    ours, som, pca = (trustworthiness(vectors, p, n_neighbors=10) for p in (places, nodes, axes))
    assert ours > som > pca
    assert ours > 0.94
    assert filled(places) > 0.85
    assert np.array_equal([places.min(axis=0), places.max(axis=0)], [[0, 0], [1, 1]])
    assert len(np.unique(places, axis=0)) == 214


def test_places_are_the_same_again_and_in_another_process(starter_map):
    few = replace(starter_map, thumbnails=starter_map.thumbnails[:60], places=None)
    assert np.array_equal(placed(few).places, embedded(few.map.vectors))
    assert np.array_equal(placed(few).places, placed_apart(few).places)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9, 30])
@pytest.mark.parametrize("kind", ["all alike", "on a line", "anywhere"])
def test_any_number_of_sounds_has_places_of_their_own(count, kind):
    vectors = np.zeros((count, 35))
    if kind == "on a line":
        vectors[:, 3] = np.arange(count)
    elif kind == "anywhere":
        vectors = RNG.standard_normal((count, 35))
    places = embedded(vectors)
    assert places.shape == (count, 2)
    assert ((places >= 0) & (places <= 1)).all()
    assert len(np.unique(places, axis=0)) == count


def test_more_sounds_than_are_embedded_lie_among_those_that_they_are_like(monkeypatch):
    monkeypatch.setattr(embedding, "LANDMARKS", 60)
    groups = RNG.standard_normal((6, 35)) * 5
    which = RNG.integers(6, size=300)
    vectors = groups[which] + RNG.standard_normal((300, 35)) * 0.3
    places = embedded(vectors)
    assert np.array_equal(places, embedded(vectors))
    apart = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(apart, np.inf)
    near = np.argsort(apart, axis=1)[:, :5]
    assert (which[near] == which[:, None]).mean() > 0.9


def test_spreading_fills_the_square_and_keeps_the_order_of_a_line_nearly():
    line = np.stack([np.linspace(0, 1, 50) ** 3, np.zeros(50)], 1)
    order = np.argsort(np.argsort(spread(line)[:, 0]))
    assert np.corrcoef(order, np.arange(50))[0, 1] > 0.98
    blob = RNG.standard_normal((500, 2))
    assert filled(spread(blob)) > filled(blob / 8 + 0.5) + 0.2


@pytest.fixture
def old(tmp_path):
    """A corpus whose map is of before there were places."""
    for n in range(14):
        tone = 0.3 * np.sin(np.arange(4410) * 0.02 * (n + 1)) * np.linspace(1, n % 5 / 5, 4410)
        soundfile.write(tmp_path / f"tone{n:02}.wav", tone, 44100, subtype="FLOAT")
    corpus = Corpus(tmp_path)
    make_map(corpus, workers=0)
    with Index(corpus.index_path) as index:
        index._write("DELETE FROM map WHERE key = ?", [("places",)])
    return tmp_path


def test_an_old_map_gets_places_when_a_word_needs_them_and_keeps_its_nodes(old, capsys):
    before = Corpus(old).need_map()
    assert before.places is None
    corpus = Corpus(old)
    found = corpus.placed()
    assert "gets the places of its 14 sounds" in capsys.readouterr().err
    assert np.array_equal(found.places, embedded(before.map.vectors))
    assert corpus.placed() is found
    again = Corpus(old).need_map()
    assert np.array_equal(again.places, found.places)
    for part in ("labels", "nodes", "thumbnails"):
        assert np.array_equal(getattr(again, part), getattr(before, part))
    assert (again.names, again.seed) == (before.names, before.seed)


def test_an_old_map_gets_places_when_its_folder_is_indexed_again(old):
    before = Corpus(old).need_map()
    make_map(Corpus(old), workers=0)
    after = Corpus(old).need_map()
    assert np.array_equal(after.places, embedded(before.map.vectors))
    assert np.array_equal(after.labels, before.labels)


def test_places_of_other_sounds_or_damaged_ones_do_not_count(old):
    corpus = Corpus(old)
    make_map(corpus, workers=0)
    with Index(corpus.index_path) as index:
        mapped = index.read()
        for wrong in (
            b"",
            b"short",
            bytes(16 + 8 * 14),  # of other sounds
            index._db.execute("SELECT value FROM map WHERE key = 'places'").fetchone()[0][:16]
            + np.full(28, np.nan, "<f4").tobytes(),
        ):
            index._write("INSERT OR REPLACE INTO map VALUES (?, ?)", [("places", wrong)])
            assert index.read().places is None
        index.put_places(mapped)
        assert np.array_equal(index.read().places, mapped.places)
        index.put_map(replace(mapped, places=None))
        assert index.read().places is None
