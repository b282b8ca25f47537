"""The map: its nodes, the way sounds are chosen on it, the starter's that is built in."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from benchmarks.corpus import agreement
from latentlive import som
from latentlive.corpus import Corpus
from latentlive.corpus.features import of_file
from latentlive.corpus.map import SoundMap, labelled
from latentlive.corpus.thumbnails import Scale
from latentlive.errors import SoundError
from latentlive.starter import NAMES, synthesise


@pytest.fixture
def few():
    """Nine nodes; node 4 is empty, node 0 holds at least three sounds of two seconds each."""
    rng = np.random.default_rng(0)
    raw = rng.standard_normal((30, 35))
    raw[:, 0] = 2000.0
    scale = Scale.of(raw)
    nodes = rng.standard_normal((9, 35)) * 0.3
    labels = labelled(scale.normal(raw), nodes)[0]
    labels[labels == 4] = 5
    labels[:3] = 0
    return SoundMap(raw, labels, nodes, scale)


def test_a_cluster_holds_its_sounds_nearest_first(few):
    for node in range(9):
        rows = few.cluster(node)
        assert set(rows) == set(np.flatnonzero(few.labels == node))
        away = np.linalg.norm(few.vectors[rows] - few.nodes[node], axis=1)
        assert (np.diff(away) >= 0).all()


def test_seconds_take_the_nearest_and_go_on_to_other_nodes(few):
    own = few.cluster(0)
    assert few.cluster(0, seconds=0.1) == own[:1]
    assert few.cluster(0, seconds=2.0) == own[:1]
    assert few.cluster(0, seconds=2.1) == own[:2]
    more = few.cluster(0, seconds=2.0 * len(own) + 3)
    assert more[: len(own)] == own
    assert len(more) == len(own) + 2
    away = np.linalg.norm(few.vectors - few.nodes[0], axis=1)
    others = [r for r in np.argsort(away) if r not in own]
    assert more[len(own) :] == others[:2]
    assert len(few.cluster(0, seconds=1e6)) == 30


def test_an_empty_node_gives_way_to_the_nearest_that_is_not(few):
    assert few.sizes[4] == 0
    stand_in = few.filled(4)
    away = np.linalg.norm(few.nodes - few.nodes[4], axis=1)
    away[few.sizes == 0] = np.inf
    assert stand_in == away.argmin()
    assert few.filled(stand_in) == stand_in
    with pytest.raises(SoundError, match="cluster: the map has nodes 0 to 8, got 9"):
        few.filled(9)


def test_near_leaves_the_sound_itself_out(few):
    away = np.linalg.norm(few.vectors - few.vectors[7], axis=1)
    expected = [r for r in np.argsort(away) if r != 7]
    assert few.near(7, 4) == expected[:4]
    assert len(few.near(7, 100)) == 29
    assert few.near(few.thumbnails[7], 3) == [7, *expected[:2]]


def test_valence_and_arousal_find_a_node(few):
    there = few.scale.raw(few.nodes)
    for node in np.flatnonzero(few.sizes):
        assert few.node_at(*there[node, [1, 2]]) == node
    assert few.sizes[few.node_at(*there[4, [1, 2]])] > 0
    filled = np.flatnonzero(few.sizes)
    assert few.node_at(99.0, None) == filled[there[filled, 1].argmax()]
    assert few.node_at(None, -99.0) == filled[there[filled, 2].argmin()]


def test_labels_are_the_two_nearest_however_they_are_cut(few):
    away = np.linalg.norm(few.vectors[:, None] - few.nodes, axis=2)
    order = np.argsort(away, axis=1)
    for at_once in (1, 20, 10_000):
        best, second = labelled(few.vectors, few.nodes, at_once)
        assert np.array_equal(best, order[:, 0])
        assert np.array_equal(second, order[:, 1])


def test_the_starter_map_is_what_the_command_computes(tmp_path):
    """Its thumbnails are those of the sounds, its nodes those that training gives."""
    corpus = Corpus()
    stored = corpus.need_map()
    assert stored.names == sorted(NAMES)
    for name in NAMES[:: len(NAMES) // 6]:
        path = tmp_path / f"{name}.flac"
        soundfile.write(path, synthesise(name), 44100, subtype="PCM_24")
        found, _ = of_file(str(path))
        assert stored.thumbnails[stored.rows[name]] == pytest.approx(found, rel=1e-3, abs=1e-3)
    raw = stored.thumbnails.astype(np.float64)
    scale = Scale.of(raw)
    nodes = som.train(scale.normal(raw))
    assert stored.nodes == pytest.approx(nodes, abs=1e-2)
    assert stored.map.side == som.side_for(len(NAMES)) == 5
    assert (labelled(scale.normal(raw), nodes)[0] == stored.labels).mean() > 0.99
    assert corpus.index_path.stat().st_size < 100_000


def test_real_recordings_lie_beside_their_like(recordings, made):
    """Nearest neighbours share their name's first part far more often than by chance."""
    same, chance = agreement(made)
    assert same > 4 * chance
    stored = made.need_map()
    kicks = [n for n in stored.names if n.startswith("bd_")]
    near = [stored.names[stored.map.near(stored.rows[k], 1)[0]] for k in kicks]
    assert sum(n.startswith(("bd_", "drum_bass", "drum_heavy", "bass_")) for n in near) > 9
