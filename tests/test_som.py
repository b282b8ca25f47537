"""The map's trainer: quality, order, the same map for the same seed; minisom agrees."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.som import thumbnails
from latentlive import som
from latentlive.corpus.map import labelled


@pytest.fixture(scope="module")
def vectors():
    return thumbnails(1139)


@pytest.fixture(scope="module")
def trained(vectors):
    return som.train(vectors)


def test_a_map_of_1139_sounds_is_near_and_in_order(vectors, trained):
    quantisation, topographic = som.errors(vectors, trained)
    assert len(trained) == 13 * 13
    assert quantisation <= 0.89
    assert topographic <= 0.29


def test_minisom_measures_the_same(vectors, trained):
    found = som.as_minisom(trained)
    measured = found.quantization_error(vectors), found.topographic_error(vectors)
    assert measured == pytest.approx(som.errors(vectors, trained), rel=1e-9)
    x, y = found.winner(vectors[5])
    assert x + y * 13 == labelled(vectors, trained)[0][5]


def test_the_same_seed_gives_the_same_map_and_another_another(vectors, trained):
    assert np.array_equal(som.train(vectors), trained)
    assert not np.array_equal(som.train(vectors, seed=1), trained)


def test_one_batch_epoch_is_the_sum_that_it_stands_for(vectors):
    """The separable product against the definition, written out."""
    data = vectors[:200].astype(np.float32)
    nodes = som.first_nodes(vectors, 5, 0).astype(np.float32)
    best = np.linalg.norm(data[:, None] - nodes, axis=2).argmin(axis=1)
    place = np.stack(np.divmod(np.arange(25), 5), axis=1)
    away = np.linalg.norm(place[:, None] - place[best], axis=2)
    share = np.exp(-0.5 * (away / 1.3) ** 2)
    expected = share @ data / share.sum(axis=1, keepdims=True)
    assert som.epoch(data, nodes, 1.3) == pytest.approx(expected, abs=1e-4)


def test_a_node_that_nothing_reaches_stays(vectors):
    data = np.zeros((4, 35), np.float32)
    nodes = np.full((100, 35), 9.0, np.float32)
    nodes[0] = 0.0
    moved = som.epoch(data, nodes, 0.1)
    assert np.array_equal(moved[1:], nodes[1:])
    assert not moved[0].any()


@pytest.mark.parametrize("count", [1, 2, 5, 6, 24, 30])
def test_few_sounds_and_equal_sounds_make_a_map(count):
    for sounds in (np.random.default_rng(0).standard_normal((count, 35)), np.zeros((count, 35))):
        nodes = som.train(sounds)
        assert nodes.shape == (som.side_for(count) ** 2, 35)
        assert np.isfinite(nodes).all()
        assert all(np.isfinite(som.errors(sounds, nodes)))
