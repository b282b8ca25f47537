"""Audio files as they come: long, unended, mislabelled, and what is no file at all."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from latentlive.corpus import Corpus, read_audio
from latentlive.errors import SoundError

TONE = (np.sin(np.arange(30_000) / 20) * 0.5).astype("f4")


def edited(path, place, data):
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data)
    return path


@pytest.mark.parametrize("suffix", ["caf", "w64", "au", "rf64"])
def test_formats_of_recorders_are_sounds(tmp_path, suffix):
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, TONE, 44100, "PCM_16", format=suffix.upper())
    assert Corpus(tmp_path).names == ["tone"]
    assert len(Corpus(tmp_path).audio(str(path), 44100).samples) == len(TONE)


@pytest.mark.parametrize("subtype", ["FLOAT", "PCM_16"])
def test_a_wav_whose_sizes_were_never_written_is_read_to_its_end(tmp_path, subtype):
    path = tmp_path / "stream.wav"
    soundfile.write(path, TONE, 44100, subtype)
    whole = read_audio(path, 44100).samples.copy()
    edited(path, 4, bytes(4))
    edited(path, path.read_bytes().index(b"data") + 4, bytes(4))
    assert soundfile.info(path).frames == 0
    assert np.array_equal(read_audio(path, 44100).samples, whole)
    soundfile.write(path, TONE[:0], 44100, subtype)
    with pytest.raises(SoundError, match=r"stream.wav is empty"):
        read_audio(path, 44100)


def test_a_flac_without_a_length_is_read_to_its_end(tmp_path):
    path = tmp_path / "endless.flac"
    soundfile.write(path, TONE, 44100)
    whole = read_audio(path, 44100).samples.copy()
    head = path.read_bytes()[21:26]
    edited(path, 21, bytes([head[0] & 0xF0, 0, 0, 0, 0]))
    assert np.array_equal(read_audio(path, 44100).samples, whole)


def test_a_rate_that_no_recording_has_is_said_and_asks_for_no_memory(tmp_path):
    path = tmp_path / "slow.flac"
    soundfile.write(path, np.zeros(200_000), 1)
    with pytest.raises(SoundError, match=r"slow.flac has 1 samples a second, not 1000 to 768000"):
        read_audio(path, 44100)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    path = tmp_path / "pipe.wav"
    os.mkfifo(path)
    for read in (lambda: read_audio(path, 44100), lambda: Corpus(tmp_path).audio("pipe", 44100)):
        with pytest.raises(SoundError, match=r"pipe.wav is no file with an end, but a pipe"):
            read()


LONG = """
import resource, sys
from pathlib import Path
from latentlive.corpus import read_audio
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert len(read_audio(Path(sys.argv[1]), 44100).samples) == 6 * 60 * 44100
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in KiB on Linux alone")
def test_six_minutes_of_stereo_are_read_in_little_memory(tmp_path):
    """Whole they would be 127 MB at two channels, and half of that again at one."""
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 44100, 2, "PCM_16") as file:
        for _ in range(6):
            file.write(np.zeros((60 * 44100, 2), np.int16))
    told = subprocess.run(
        [sys.executable, "-c", LONG, str(path)], capture_output=True, text=True, timeout=60
    )
    assert int(told.stdout) < 60_000, told.stderr


def test_two_renders_of_one_expression_have_the_same_bytes(tmp_path):
    from latentlive import sound
    from latentlive.renderer.offline import prepare, render_file

    for suffix in (".wav", ".flac"):
        written = []
        for name in ("a", "b"):
            path = tmp_path / f"{name}{suffix}"
            render_file(path, *prepare(sound(TONE), model="toy"), lambda n: None)
            written.append(path.read_bytes())
            assert soundfile.info(path).frames == len(TONE)
        assert written[0] == written[1]
        assert b"PEAK" not in written[0]
