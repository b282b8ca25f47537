"""From a folder to its map: made once, made again only where that changes something."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from latentlive import mapping
from latentlive.corpus import Corpus
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
