"""Files are decoded in a process of their own: one that crashes or hangs it costs a line."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.corpus import Corpus, decoder, read_audio
from latentlive.corpus.decoder import Decoder
from latentlive.errors import SoundError

TONE = (np.sin(np.arange(30_000) / 20) * 0.5).astype("f4")
CRASHES = "import os, sys; sys.stdin.readline(); os.abort()"
HANGS = "import sys, threading; sys.stdin.readline(); threading.Event().wait()"
LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from latentlive.corpus.decoding import main
main()
"""


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    """A cache and a decoder for each test."""
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "cache"))
    held = Decoder()
    monkeypatch.setattr("latentlive.corpus.reading.DECODER", held)
    yield held
    held._end()


@pytest.fixture
def tone(tmp_path):
    path = tmp_path / "tone.wav"
    soundfile.write(path, TONE, 44100, "FLOAT")
    return path


def test_the_process_that_asks_loads_no_decoder(tone):
    code = (
        "import sys; from pathlib import Path; from latentlive.corpus import read_audio; "
        f"assert len(read_audio(Path({str(tone)!r}), 44100).samples) == 30000; "
        "print(sorted({'soundfile', 'soxr'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert told.stdout == "[]\n", told.stderr


def test_samples_and_peak_are_those_of_the_file_now_and_from_the_cache(tone):
    for _ in range(2):
        audio = read_audio(tone, 44100)
        assert np.array_equal(audio.samples, TONE)
        assert audio.known_peak == np.abs(TONE).max()
        assert audio.lowered(2.0).peak == audio.peak


@pytest.mark.parametrize(("code", "patience"), [(CRASHES, 60.0), (HANGS, 0.01)])
def test_a_file_that_crashes_or_hangs_its_decoder_is_one_line(
    tone, tmp_path, monkeypatch, code, patience
):
    monkeypatch.setattr(decoder, "COMMAND", [sys.executable, "-c", code])
    monkeypatch.setattr(decoder, "PATIENCE", patience)
    with pytest.raises(SoundError, match=r"cannot read .*tone.wav: it ends or hangs the process"):
        ll.render(ll.sound(str(tone)), model="toy", corpus=tmp_path)
    assert not list((tmp_path / "cache" / "audio").iterdir())
    monkeypatch.undo()
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "cache"))
    assert np.array_equal(read_audio(tone, 44100).samples, TONE)


def test_a_sound_that_was_decoded_before_is_not_read_through_until_it_is_heard(
    tone, tmp_path, monkeypatch
):
    read_audio(tone, 44100)
    monkeypatch.setattr("latentlive.corpus.store._has_digest", None)
    assert np.array_equal(read_audio(tone, 44100).samples, TONE)


def test_what_a_file_is_refused_for_is_passed_on(tmp_path, tone):
    broken = tmp_path / "broken.flac"
    broken.write_bytes(b"fLaC" + bytes(1000))
    with pytest.raises(SoundError, match=r"sound: cannot read .*broken.flac: "):
        read_audio(broken, 44100)
    soundfile.write(tmp_path / "nan.wav", np.full(100, np.nan, "f4"), 44100, "FLOAT")
    with pytest.raises(SoundError, match=r"nan.wav holds NaN or infinity"):
        read_audio(tmp_path / "nan.wav", 44100)
    assert np.array_equal(read_audio(tone, 44100).samples, TONE)


@pytest.mark.skipif(os.name == "nt", reason="limits are those of POSIX")
def test_a_disk_that_takes_no_more_is_one_line(tone, tmp_path, monkeypatch):
    monkeypatch.setattr(decoder, "COMMAND", [sys.executable, "-c", LIMITED])
    with pytest.raises(SoundError, match="no room for decoded sounds: File too large; free some"):
        read_audio(tone, 44100)
    assert not list((tmp_path / "cache" / "audio").iterdir())


def test_a_broken_file_makes_no_starter_sounds(tmp_path, monkeypatch):
    def starter_folder():
        raise AssertionError

    monkeypatch.setattr("latentlive.corpus.starting.starter_folder", starter_folder)
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(SoundError, match="cannot read"):
        Corpus().audio(str(tmp_path / "broken.wav"), 44100)


def test_names_that_are_relative_or_no_text_are_decoded(tmp_path, monkeypatch, tone):
    monkeypatch.chdir(tmp_path)
    odd = os.fsdecode(b"caf\xe9.wav")
    tone.rename(odd)
    assert np.array_equal(read_audio(type(tone)(odd), 44100).samples, TONE)


def test_what_interrupts_an_answer_does_not_mix_it_with_the_next(tone, own, monkeypatch, tmp_path):
    other = tmp_path / "other.wav"
    soundfile.write(other, TONE[::-1], 44100, "FLOAT")
    loads = decoder.json.loads

    def interrupted(line):
        raise KeyboardInterrupt

    monkeypatch.setattr(decoder.json, "loads", interrupted)
    with pytest.raises(KeyboardInterrupt):
        own.decode(tone, 44100, tmp_path)
    monkeypatch.setattr(decoder.json, "loads", loads)
    assert np.array_equal(read_audio(other, 44100).samples, TONE[::-1])
