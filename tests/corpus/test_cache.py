"""What lies in the cache is not trusted, and nothing in it is needed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.corpus import Corpus, read_audio
from latentlive.corpus.reading import keep
from latentlive.ground import files as cache
from latentlive.ground.files import cache_folder, fresh_file

TONE = (np.sin(np.arange(30_000) / 20) * 0.5).astype("f4")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A cache of its own for each test, and a folder for what it cannot take."""
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    return tmp_path / "cache"


@pytest.fixture
def tone(tmp_path):
    path = tmp_path / "tone.wav"
    soundfile.write(path, TONE, 44100, "FLOAT")
    return path


@pytest.mark.parametrize("damage", [lambda raw: raw[:5000], lambda raw: bytes(len(raw))])
def test_a_damaged_decoded_sound_is_made_anew(place, tone, damage):
    assert np.array_equal(read_audio(tone, 44100).samples, TONE)
    (kept,) = (place / "audio").glob("*.npy")
    kept.write_bytes(damage(kept.read_bytes()))
    assert np.array_equal(read_audio(tone, 44100).samples, TONE)
    kept.write_bytes(damage(kept.read_bytes()))
    assert np.array_equal(keep(TONE).samples, TONE)


def test_other_content_of_the_same_size_and_time_is_heard(tone):
    before = tone.stat()
    assert np.array_equal(read_audio(tone, 44100).samples, TONE)
    soundfile.write(tone, TONE[::-1], 44100, "FLOAT")
    os.utime(tone, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert tone.stat().st_size == before.st_size
    assert np.array_equal(read_audio(tone, 44100).samples, TONE[::-1])


@pytest.mark.parametrize("damage", [lambda raw: raw[:500], lambda raw: bytes(len(raw))])
def test_a_damaged_starter_sound_is_made_anew(monkeypatch, damage):
    monkeypatch.setattr("latentlive.starter.NAMES", ("gong",))
    corpus = Corpus()
    path = corpus.path("gong")
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert len(corpus.audio("gong", 44100).samples) > 44100
    assert path.read_bytes() == whole


@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="no such measure on this system")
@pytest.mark.parametrize("full", ["blocks", "inodes", "read-only", "no folder"])
def test_without_a_cache_sounds_play_and_one_line_says_so(
    place, tone, tmp_path, monkeypatch, capsys, full
):
    cache._said.clear()
    cache_folder()
    if full == "no folder":
        place.rmdir()
        place.write_text("a file")
    elif full == "read-only":
        access = os.access
        monkeypatch.setattr(
            os, "access", lambda p, mode: place not in (p, *p.parents) and access(p, mode)
        )
    else:
        measured = os.statvfs

        def room(path):
            found = list(measured(path))
            if place in (path, *path.parents):
                found[4 if full == "blocks" else 7] = 0
            return os.statvfs_result(found)

        monkeypatch.setattr(os, "statvfs", room)
    for _ in range(2):
        heard = ll.render(ll.sound(str(tone)).spread(0), model="toy")
        assert np.allclose(heard, TONE, atol=1e-3)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith(f"the cache {place} takes no files (")
    assert (tmp_path / "tmp" / f"latentlive-{os.getuid()}" / "audio").is_dir()


def test_the_prompt_plays_without_a_cache(place, tone, tmp_path):
    place.write_text("a file")
    held = {**os.environ, "LATENTLIVE_CACHE": str(place), "TMPDIR": str(tmp_path / "tmp")}
    command = [sys.executable, "-m", "latentlive.cli", "--plain", "--model", "toy"]
    command += ["--corpus", str(tmp_path), "--device", "no such device"]
    typed = "import time\nd1 >> sound('tone').loop()\nhistory\n"
    typed += "while now.beat < 0.2:\n    time.sleep(0.01)\n\n"
    told = subprocess.run(
        command, input=typed, capture_output=True, text=True, env=held, timeout=120, cwd=tmp_path
    )
    assert told.returncode == 0, told.stderr
    assert "d1 >> sound('tone').loop()" in told.stdout
    assert told.stderr.count("takes no files") == 1, told.stderr
    assert "Traceback" not in told.stderr
    log = next((tmp_path / "tmp" / f"latentlive-{os.getuid()}" / "log").glob("*.jsonl"))
    assert '"do":"start"' in log.read_text()


@pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
def test_folders_are_their_owners_alone_and_logs_follow_no_link(place, tmp_path):
    folder = cache_folder("log")
    assert [stat.S_IMODE(f.stat().st_mode) for f in (place, folder)] == [0o700, 0o700]
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (folder / "engine-1.log").symlink_to(victim)
    with fresh_file(folder / "engine-1.log") as file:
        file.write(b"log")
    assert victim.read_text() == "mine"
    assert (folder / "engine-1.log").read_bytes() == b"log"
