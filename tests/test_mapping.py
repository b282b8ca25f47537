"""From a folder to its map: made once, made again only where that changes something."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from latentlive import mapping, som
from latentlive.corpus import Corpus
from latentlive.corpus import thumbnails as thumbnail_scale
from latentlive.corpus.embedding import embedded
from latentlive.corpus.map import labelled
from latentlive.mapping import make_map


@pytest.fixture
def folder(tmp_path):
    for n in range(30):
        tone = 0.3 * np.sin(np.arange(4410) * 0.02 * (n + 1)) * np.linspace(1, n % 5 / 5, 4410)
        soundfile.write(tmp_path / f"tone{n:02}.wav", tone, 44100, subtype="FLOAT")
    return tmp_path


def test_a_map_is_trained_again_only_for_other_sounds_or_another_seed(folder, monkeypatch):
    trained = []

    def counted(vectors, side=None, seed=0):
        trained.append(len(vectors))
        return real(vectors, side, seed)

    real = mapping.som.train
    monkeypatch.setattr(mapping.som, "train", counted)
    first = make_map(Corpus(folder), workers=0)
    assert (first.sounds, first.side, trained) == (30, 2, [30])
    again = make_map(Corpus(folder), workers=0)
    assert trained == [30]
    assert (again.quantisation, again.topographic) == (first.quantisation, first.topographic)
    make_map(Corpus(folder), seed=1, workers=0)
    assert trained == [30, 30]
    (folder / "tone07.wav").unlink()
    made = make_map(Corpus(folder), seed=1, workers=0)
    assert trained == [30, 30, 29]
    assert "tone07" not in Corpus(folder).need_map().rows
    assert made.report.gone == 1


def test_every_sound_lies_on_its_nearest_node(folder):
    make_map(Corpus(folder), workers=0)
    found = Corpus(folder).need_map()
    away = np.linalg.norm(found.map.vectors[:, None] - found.nodes, axis=2)
    assert np.array_equal(away.argmin(axis=1), found.labels)


def test_very_many_sounds_are_trained_and_placed_from_a_file_that_goes(tmp_path, monkeypatch):
    """What `latentlive corpus` does from 100,000 sounds on, with fewer."""
    chance = np.random.default_rng(0)
    thumbnails = (chance.normal(size=(900, 35)) * 5.0 + 40.0).astype(np.float32)
    names = [f"s{row:04}" for row in range(len(thumbnails))]
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    monkeypatch.setattr(mapping, "MANY", 800)
    monkeypatch.setattr(thumbnail_scale, "AT_ONCE", 128)
    seen, train, place = [], som.train_in_batches, mapping.placed
    for module, name, real in ((som, "train_in_batches", train), (mapping, "placed", place)):

        def watched(*given, real=real, **options):
            vectors = next(one for one in given if isinstance(one, np.ndarray))
            seen.append((type(vectors), Path(vectors.filename).is_file()))
            return real(*given, **options)

        monkeypatch.setattr(module, name, watched)
    found = mapping.trained(names, names, thumbnails)
    assert seen == [(np.memmap, True)] * 2
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    exact = thumbnails.astype(np.float64)
    np.testing.assert_allclose(found.scale.mean, exact.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.scale.std, exact.std(axis=0), rtol=1e-12)
    vectors = found.scale.normal(exact).astype(np.float32)
    assert np.array_equal(found.nodes, train(vectors))
    assert np.array_equal(found.labels, labelled(vectors, found.nodes)[0])
    assert np.array_equal(found.places, embedded(vectors))
    quantisation, topographic = som.errors(vectors, found.nodes)
    monkeypatch.setattr(som, "AT_ONCE", 100)
    assert som.errors(vectors, found.nodes) == (pytest.approx(quantisation), topographic)
