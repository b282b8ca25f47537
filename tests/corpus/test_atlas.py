"""Atlases: kept under a digest; what a row stands for is settled by whoever is first."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
import soundfile

from latentlive.corpus import Corpus, atlas, reading, store
from latentlive.corpus.atlas import Reached, Rows, kept_atlas
from latentlive.errors import SoundError
from latentlive.ground.files import working_file
from latentlive.mapping import make_map

RATE = 44100


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "under").mkdir()
    for n in range(10):
        tone = (0.3 + n / 100) * np.sin(np.arange(3000) * 0.02 * (n + 1))
        name = f"under/tone{n}" if n > 7 else f"tone{n}"
        soundfile.write(tmp_path / f"{name}.wav", tone, RATE, subtype="FLOAT")
    corpus = Corpus(tmp_path)
    make_map(corpus, workers=0)
    return corpus


def rewrite(path, value=0.5):
    soundfile.write(path, np.full(2000, value), RATE, subtype="FLOAT")


def test_an_atlas_is_the_same_until_the_map_or_a_file_changes(corpus):
    first = corpus.atlas(RATE)
    assert corpus.atlas(RATE) is first
    assert kept_atlas(first.digest) is first
    assert np.array_equal(first.places, corpus.placed().places)
    assert corpus.atlas(48000).digest != first.digest
    rewrite(corpus.folder / "tone3.wav")
    assert corpus.atlas(RATE).digest != first.digest
    assert kept_atlas(first.digest) is first


def test_names_are_found_with_their_folder_and_without(corpus):
    found = corpus.atlas(RATE)
    assert found.row("tone3") == found.names.index("tone3")
    assert found.row("tone9") == found.row("under/tone9") == found.names.index("under/tone9")
    assert found.row("tone10") is None


def test_a_row_stands_for_the_same_samples_whatever_its_file_becomes(corpus):
    found = corpus.atlas(RATE)
    before = found.audio(3)
    assert before.digest == corpus.audio("tone3", RATE).digest
    assert before.peak == pytest.approx(0.33, abs=0.01)
    rewrite(corpus.folder / "tone3.wav")
    (corpus.folder / "tone3.wav").unlink()
    kept_atlas.cache_clear()
    again = kept_atlas(found.digest)
    assert again is not found
    assert np.array_equal(again.audio(3).samples, before.samples)
    assert again.missing == []


def test_a_sound_gone_from_the_cache_is_decoded_again_or_told(corpus):
    found = corpus.atlas(RATE)
    stored = [found.audio(row).digest for row in (1, 2)]
    for digest in stored:
        os.unlink(working_file(f"{digest}.npy", "audio"))
    store._has_digest.cache_clear()
    rewrite(corpus.folder / "tone2.wav")
    kept_atlas.cache_clear()
    again = kept_atlas(found.digest)
    assert again.audio(1).digest == stored[0]
    assert again.missing == ["sound: 'tone2' is not the recording that was played"]
    with pytest.raises(SoundError, match="'tone2' is not the recording that was played"):
        again.audio(2)


def test_where_a_file_cannot_be_read_the_nearest_that_can_stands_in(corpus):
    found = corpus.atlas(RATE)
    apart = ((found.places - found.places[4]) ** 2).sum(axis=1)
    nearest = int(np.argsort(apart)[1])
    (corpus.folder / found.files[4]).unlink()
    assert found.audio(4).digest == found.audio(nearest).digest
    for file in found.files:
        (corpus.folder / file).unlink(missing_ok=True)
    with pytest.raises(SoundError, match="cannot read"):
        found.audio(5)


def test_nobody_waits_for_a_sound_that_takes_long(corpus, monkeypatch):
    found, go = corpus.atlas(RATE), threading.Event()
    monkeypatch.setattr(
        atlas, "read_audio", lambda *given: go.wait() and reading.read_audio(*given)
    )
    assert found.audio(6, wait=False) is None
    assert found.audio(6, wait=False) is None
    go.set()
    while (heard := found.audio(6, wait=False)) is None:
        pass
    assert heard.digest == corpus.audio("tone6", RATE).digest


def test_a_sound_that_cannot_be_read_is_told_to_who_does_not_wait_either(corpus):
    found = corpus.atlas(RATE)
    for file in found.files:
        (corpus.folder / file).unlink()
    with pytest.raises(SoundError, match="cannot read"):
        _ = [found.audio(6, wait=False) for _ in range(100)]


def test_the_first_of_a_row_counts_for_all_and_a_line_cut_off_for_nobody():
    one, other = Rows("law.rows"), Rows("law.rows")
    a, b = Reached(7, "a" * 32, 0.5), Reached(7, "b" * 32, 1 / 3)
    assert one.get(7) is None
    assert one.put(7, a) == a
    assert other.put(7, b) == a
    with working_file("law.rows", atlas.FOLDER).open("ab") as file:
        file.write(b"\n8 8 " + b"c" * 32)  # a process was killed here
    assert other.put(8, b) == b
    assert one.get(8) == b
    assert Rows("law.rows").all() == {7: a, 8: b}


def test_a_kept_map_that_is_gone_or_damaged_is_one_line(corpus):
    digest = corpus.atlas(RATE).digest
    path = working_file(f"{digest}.json", atlas.FOLDER)
    data = path.read_bytes()
    kept_atlas.cache_clear()
    for text in (data[:-9], b"[]", data.replace(b"tone3", b"tone4")):
        path.write_bytes(text)
        with pytest.raises(SoundError, match="damaged"):
            kept_atlas(digest)
    path.unlink()
    with pytest.raises(SoundError, match="gone from the cache"):
        kept_atlas(digest)
    with pytest.raises(SoundError, match="is no digest of a map"):
        kept_atlas("../../etc/passwd")
    assert corpus.atlas(RATE).digest == digest
