"""Where recordings fall into parts: known strokes are found where they are, textures where they
change, and whatever else comes has at least one part."""

from __future__ import annotations

import numpy as np
import pytest

from latentlive.corpus import segmenting
from latentlive.corpus.audio import audio_of
from latentlive.corpus.segmenting import boundaries, segmented
from latentlive.corpus.store import keep
from latentlive.errors import SoundError
from latentlive.ground.files import working_folder

RATE = 44100


def struck(places, seconds=4.0, hz=440.0, noise=1e-4):
    """Return strokes of a decaying tone at some samples, over faint noise."""
    rng = np.random.default_rng(0)
    samples = rng.normal(0.0, noise, round(seconds * RATE))
    time = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * hz * time) * np.exp(-8.0 * time)
    for place in places:
        part = tone[: len(samples) - place]
        samples[place : place + len(part)] += part
    return samples.astype(np.float32)


@pytest.mark.parametrize("hz", [110.0, 440.0, 2000.0])
def test_strokes_are_found_where_they_are(hz):
    places = [4410, 30000, 61234, 90001, 120500]
    found = boundaries(struck(places, hz=hz), RATE)
    assert len(found) == len(places) + 1
    assert np.abs(found[:-1] * RATE - places).max() < 256  # within 6 ms
    assert found[-1] == 4.0


def test_onsets_do_not_depend_on_how_it_is_read(monkeypatch):
    samples = struck([4410, 30000, 61234, 90001])
    whole = boundaries(samples, RATE)
    monkeypatch.setattr(segmenting, "FRAMES_AT_ONCE", 37)
    assert np.array_equal(boundaries(samples, RATE), whole)


def test_a_quiet_recording_has_the_parts_of_a_loud_one():
    samples = struck([4410, 30000, 61234], noise=0.0)
    found = boundaries(samples * np.float32(2.0**-12), RATE)
    assert np.array_equal(found, boundaries(samples, RATE))


def test_parts_are_no_shorter_than_they_may_be():
    samples = struck(range(2205, 150_000, 4410))
    assert np.diff(boundaries(samples, RATE)[:-1]).min() >= 0.1 - 1e-9
    assert np.diff(boundaries(samples, RATE, shortest=0.35)).min() >= 0.35


def test_a_texture_is_cut_where_it_changes():
    rng = np.random.default_rng(3)
    noise, time = rng.normal(0.0, 0.1, 10 * RATE), np.arange(10 * RATE) / RATE
    low = np.convolve(noise, np.ones(64) / 8, "same")
    tone = 0.2 * np.sin(2 * np.pi * 300 * time) + 0.01 * noise
    found = boundaries(np.concatenate([low, tone, noise]).astype(np.float32), RATE, "novelty")
    assert found == pytest.approx([0.0, 10.0, 20.0, 30.0], abs=0.15)
    assert boundaries(noise.astype(np.float32), RATE, "novelty") == pytest.approx([0.0, 10.0])


@pytest.mark.parametrize("by", ["onsets", "novelty"])
@pytest.mark.parametrize("samples", [np.zeros(RATE), np.ones(1), np.ones(130), np.ones(5000)])
def test_anything_has_a_part(samples, by):
    found = boundaries(samples.astype(np.float32), RATE, by)
    assert found[0] == 0.0
    assert found[-1] == len(samples) / RATE
    assert (np.diff(found) > 0).all()


def test_another_process_finds_the_same_once(monkeypatch):
    audio = keep(audio_of(struck([4410, 30000, 61234])))
    found = segmented(audio, RATE)
    assert np.array_equal(found, boundaries(audio.samples, RATE))

    def never(*_, **__):
        raise AssertionError("found again")

    monkeypatch.setattr(segmenting.subprocess, "run", never)
    assert np.array_equal(segmented(audio, RATE), found)


def test_a_damaged_file_of_the_cache_is_found_anew():
    audio = keep(audio_of(struck([4410, 50000])))
    found = segmented(audio, RATE)
    (kept,) = working_folder("segments").glob(f"{audio.digest}*")
    for text in ("", "[1", "[2, 1]", '{"a": 1}', '["x"]', "[NaN, 1]"):
        kept.write_text(text)
        assert np.array_equal(segmented(audio, RATE), found)


def test_a_process_that_fails_is_one_line(monkeypatch):
    audio = keep(audio_of(struck([4410, 52000])))
    monkeypatch.setattr(segmenting.sys, "executable", "/bin/false")
    with pytest.raises(SoundError, match=r"^segments: the sound cannot be read: no reason given$"):
        segmented(audio, RATE)
