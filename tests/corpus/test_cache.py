"""What lies in the cache is not trusted, and nothing in it is needed."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
from fractions import Fraction

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.corpus import Corpus, read_audio
from latentlive.corpus.audio import audio_of
from latentlive.corpus.store import keep
from latentlive.errors import SoundError
from latentlive.ground import files as cache
from latentlive.ground import lines
from latentlive.ground.files import cache_folder, fresh_file
from latentlive.models import load_model
from latentlive.prompt.past import PastLines, past_lines
from latentlive.protocol.address import Address, addresses, publish
from latentlive.renderer.spaces import Spaces

TONE = (np.sin(np.arange(30_000) / 20) * 0.5).astype("f4")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A cache of its own for each test, and a folder for what it cannot take."""
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    monkeypatch.setattr(lines, "_said", set())
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
    assert np.array_equal(keep(audio_of(TONE)).samples, TONE)


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


@pytest.mark.parametrize("full", ["ENOSPC", "EDQUOT", "EROFS", "EACCES", "no folder"])
def test_without_a_cache_sounds_play_and_one_line_says_so(
    place, tone, tmp_path, monkeypatch, capsys, full
):
    cache_folder()
    refuse(place, monkeypatch, full)
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


def refuse(place, monkeypatch, why):
    """Let a folder take no files from now on."""
    if why == "no folder":
        place.rmdir()
        place.write_text("a file")
        return
    probed, number = tempfile.TemporaryFile, getattr(errno, why)

    def probe(dir):
        if place in (dir, *dir.parents):
            raise OSError(number, os.strerror(number))
        return probed(dir=dir)

    monkeypatch.setattr(cache.tempfile, "TemporaryFile", probe)


def test_where_temporary_files_have_no_room_either_memory_serves(
    place, tone, tmp_path, monkeypatch
):
    monkeypatch.setattr(cache, "MEMORY", tmp_path)
    refuse(tmp_path / "tmp", monkeypatch, "ENOSPC")
    place.write_text("a file")
    assert np.array_equal(read_audio(tone, 44100).samples, TONE)
    assert (tmp_path / f"latentlive-{os.getuid()}" / "audio").is_dir()


def test_a_folder_that_another_made_for_us_is_not_used(place, tone, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "MEMORY", tmp_path / "none")
    place.write_text("a file")
    (tmp_path / "tmp" / f"latentlive-{os.getuid()}").mkdir()
    (tmp_path / "tmp" / f"latentlive-{os.getuid()}").chmod(0o777)
    with pytest.raises(SoundError, match=r"no room for decoded sounds: \w+"):
        read_audio(tone, 44100)


def test_stretched_sounds_are_read_without_a_cache(place, tone):
    place.write_text("a file")
    heard = Spaces(load_model("toy")).alignment(read_audio(tone, 44100), Fraction(64), 128, 256)
    assert heard.offsets(np.arange(3))[0] == 0


def test_an_engine_is_found_where_the_cache_takes_no_files(place, tmp_path):
    place.write_text("a file")
    file = publish(Address(1234, "word", os.getpid()))
    assert file.parent == tmp_path / "tmp" / f"latentlive-{os.getuid()}" / "run"
    assert [found.port for found in addresses("engine")] == [1234]


def test_lines_of_the_prompt_are_remembered_and_a_full_disk_costs_none(
    place, tmp_path, monkeypatch, capsys
):
    PastLines(cache_folder() / "history").store_string("before")
    refuse(place, monkeypatch, "EROFS")
    past = past_lines().history
    past.store_string("now")
    assert list(past.load_history_strings()) == ["before", "now"]
    PastLines(place / "history" / "below a file").store_string("lost")
    assert "lines are not kept for the next run: Not a directory" in capsys.readouterr().err


def test_damage_is_told_once(place, tone, capsys):
    read_audio(tone, 44100)
    (kept,) = (place / "audio").glob("*.npy")
    for _ in range(2):
        kept.write_bytes(bytes(kept.stat().st_size))
        read_audio(tone, 44100)
    said = capsys.readouterr().err.splitlines()
    assert said == [f"a decoded sound in the cache was damaged, and is made anew: {kept}"]


def test_a_folder_that_the_performer_made_keeps_its_rights(place):
    place.mkdir()
    place.chmod(0o755)
    assert cache_folder("audio").parent == place
    assert stat.S_IMODE(place.stat().st_mode) == 0o755


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
