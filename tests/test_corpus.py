"""Sounds on disk: found by name, read from anything, refused with a reason."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from latentlive.corpus import Corpus
from latentlive.corpus.store import stored
from latentlive.errors import SoundError
from latentlive.ground.files import cache_folder, write_whole


@pytest.fixture
def folder(tmp_path):
    tone = np.sin(np.arange(4410) * 0.1) * 0.5
    (tmp_path / "wet").mkdir()
    soundfile.write(tmp_path / "gong.wav", tone, 44100)
    soundfile.write(tmp_path / "wet" / "rain.flac", np.stack([tone, tone * 0], 1), 44100)
    soundfile.write(tmp_path / "wet" / "Überfall.ogg", tone, 44100)
    soundfile.write(tmp_path / "slow.wav", tone, 22050, subtype="PCM_U8")
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("not audio")
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0), 44100)
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan]), 44100, subtype="FLOAT")
    return tmp_path


def test_names_are_paths_without_suffix_and_short_names_serve(folder):
    corpus = Corpus(folder)
    assert {"gong", "wet/rain", "wet/Überfall"} <= set(corpus.names)
    assert corpus.path("rain") == folder / "wet" / "rain.flac"
    assert corpus.path("wet/rain") == folder / "wet" / "rain.flac"
    assert corpus.path(str(folder / "gong.wav")) == folder / "gong.wav"
    assert corpus.path("wet/rain.flac") == folder / "wet" / "rain.flac"


def test_reading_averages_channels_and_resamples(folder):
    corpus = Corpus(folder)
    mono, stereo = corpus.audio("gong", 44100).samples, corpus.audio("rain", 44100).samples
    np.testing.assert_allclose(stereo, mono / 2, atol=2e-4)
    assert len(corpus.audio("slow", 44100).samples) == 8820
    assert mono.dtype == np.float32


def test_a_decoded_sound_is_kept_and_follows_its_file(folder):
    first = Corpus(folder).audio("gong", 44100)
    assert np.array_equal(stored(first.digest), first.samples)
    assert Corpus(folder).audio("gong", 44100).digest == first.digest
    soundfile.write(folder / "gong.wav", np.ones(5000) * 0.1, 44100)
    assert len(Corpus(folder).audio("gong", 44100).samples) == 5000


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("gnog", "no 'gnog' in corpus '.*' \\(8 sounds\\); did you mean 'gong'"),
        ("empty", "cannot read"),
        ("text", "cannot read"),
        ("nothing", "is empty"),
        ("nan", "holds NaN or infinity"),
        ("none.wav", "no file 'none.wav'"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(folder, name, line):
    with pytest.raises(SoundError, match=line) as caught:
        Corpus(folder).audio(name, 44100)
    assert "\n" not in str(caught.value)


def test_the_cache_gives_only_digests():
    with pytest.raises(SoundError, match="is no digest"):
        stored("../../etc/passwd")
    with pytest.raises(SoundError, match="is gone"):
        stored("0" * 32)


def test_a_broken_cache_file_is_refused():
    path = cache_folder("audio") / ("a" * 32 + ".npy")
    path.write_bytes(b"\x93NUMPY garbage")
    with pytest.raises(SoundError):
        stored("a" * 32)


def test_writing_whole_leaves_nothing_behind_when_it_fails(tmp_path):
    def fail(path):
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(tmp_path / "x.npy", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_one_line():
    with pytest.raises(SoundError, match="corpus: no folder"):
        Corpus("/nowhere/at/all")
