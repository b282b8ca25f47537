"""Indexing a real folder: everything in it, again and again, broken files, interruptions."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import numpy as np
import pytest
import soundfile

from latentlive.corpus import Corpus
from latentlive.corpus.index import Entry, Index, Mapped, index_path
from latentlive.corpus.scan import measured, update
from latentlive.corpus.thumbnails import Scale
from latentlive.errors import SoundError
from latentlive.ground.files import cache_folder

TONE = 0.3 * np.sin(np.arange(22050) * 0.06)


def listing(folder):
    """Return every path below a folder with its size and time of change."""
    return {p: (p.lstat().st_size, p.lstat().st_mtime_ns) for p in folder.rglob("*")}


def updated(folder, workers=0):
    """Index a folder; return the report, and the thumbnail of each sound."""
    with Index(index_path(folder)) as index:
        report = update(Corpus(folder), index, workers)
        names, _, thumbnails = index.measured()
    return report, dict(zip(names, thumbnails, strict=True))


@pytest.fixture
def messy(tmp_path):
    """A folder with sounds of many kinds, and everything that can be wrong."""
    folder = tmp_path / "my sounds"
    (folder / "wet" / "deep").mkdir(parents=True)
    for name, rate in (("gong.wav", 44100), ("wet/Überfall 雨.ogg", 48000), ("a.mp3", 44100)):
        soundfile.write(folder / name, TONE, rate)
    soundfile.write(folder / "wet" / "deep" / "quad.flac", np.stack([TONE] * 4, 1), 96000)
    soundfile.write(folder / "big.AIFF", TONE, 22050)
    soundfile.write(folder / "none.wav", np.zeros(0), 44100)
    soundfile.write(folder / "nan.wav", np.array([0.0, np.nan]), 44100, subtype="FLOAT")
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("not audio\n")
    soundfile.write(folder / "cut.flac", TONE, 44100)
    whole = (folder / "cut.flac").read_bytes()
    (folder / "cut.flac").write_bytes(whole[:60])
    (folder / "notes.txt").write_text("no sound at all")
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    (folder / "gone.wav").symlink_to(folder / "nowhere.wav")
    os.mkfifo(folder / "pipe.wav")
    (folder / "wet" / "up").symlink_to(folder)
    return folder


GOOD = {"gong", "wet/Überfall 雨", "a", "wet/deep/quad", "big"}
BROKEN = {"none.wav", "nan.wav", "empty.wav", "text.wav", "cut.flac", "loop.wav", "gone.wav"}
BROKEN |= {"pipe.wav"}


def test_a_messy_folder_is_indexed_and_left_as_it_was(messy):
    before = listing(messy)
    report, stored = updated(messy)
    assert set(stored) == GOOD
    assert set(report.broken) == BROKEN
    assert all(why and "\n" not in why for why in report.broken.values())
    assert "symbolic links" in report.broken["loop.wav"]
    assert "is empty" in report.broken["none.wav"]
    assert "NaN" in report.broken["nan.wav"]
    assert (report.measured, report.kept) == (5, 0)
    assert listing(messy) == before
    assert stored["gong"][0] == pytest.approx(500)


def test_only_what_is_new_or_changed_is_measured_again(messy):
    _, first = updated(messy)
    report, second = updated(messy)
    assert (report.measured, report.gone) == (0, 0)
    assert set(report.broken) == BROKEN
    assert all(np.array_equal(first[name], second[name]) for name in GOOD)
    soundfile.write(messy / "gong.wav", TONE[:11025], 44100)
    soundfile.write(messy / "new.wav", TONE, 44100)
    (messy / "a.mp3").unlink()
    soundfile.write(messy / "text.wav", TONE, 44100)  # mended
    (messy / "big.AIFF").unlink()
    (messy / "big.AIFF").symlink_to(messy / "nowhere")
    report, third = updated(messy)
    assert (report.measured, report.gone) == (3, 2)
    assert set(third) == GOOD - {"a", "big"} | {"new", "text"}
    assert "big.AIFF" in report.broken
    assert third["gong"][0] == pytest.approx(250)
    assert "text.wav" not in report.broken


def test_parallel_gives_what_one_worker_gives(messy):
    _, one = updated(messy)
    index_path(messy).unlink()
    for n in range(12):  # more than a single worker is given
        soundfile.write(messy / f"more{n}.wav", TONE[n:], 44100)
    _, two = updated(messy, workers=2)
    for name in GOOD:
        assert np.array_equal(two[name], one[name])


def test_what_may_not_be_read_is_one_line_each(tmp_path):
    folder = tmp_path / "sounds"
    (folder / "closed").mkdir(parents=True)
    soundfile.write(folder / "open.wav", TONE, 44100)
    soundfile.write(folder / "secret.wav", TONE, 44100)
    (folder / "secret.wav").chmod(0)
    (folder / "closed").chmod(0)
    command = [sys.executable, "-m", "latentlive.cli", "corpus", str(folder)]
    if os.access(folder / "secret.wav", os.R_OK):  # root may read everything, unless it gives it up
        if shutil.which("setpriv") is None:
            pytest.skip("root may read everything, and there is no setpriv: install util-linux")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=120)
    finally:
        (folder / "closed").chmod(0o700)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("1 sounds (1 new, 0 gone, 2 left out)")
    lines = [line for line in told.stderr.splitlines() if line.startswith("left out: ")]
    assert len(lines) == 2
    assert all("ermission denied" in line for line in lines)
    assert "closed" in lines[0]
    assert "secret.wav" in lines[1]


def test_a_folder_without_sounds_is_one_line(tmp_path):
    with pytest.raises(SoundError, match="corpus: no sounds below"):
        updated(tmp_path)


def test_a_sound_that_ends_its_reader_is_broken_and_the_rest_goes_on(tmp_path, monkeypatch):
    """A reader that dies, as a decoder with a bug would: told by the name of the file."""
    import latentlive.corpus.work as work

    paths = {name: str(tmp_path / f"{name}.wav") for name in ("a", "deadly", "b", "c")}
    monkeypatch.setattr(work, "measure", _deadly)
    found = dict(measured(paths, workers=2))
    assert set(found) == set(paths)
    assert "ends the process that reads it" in found.pop("deadly")[1]
    assert all(thumbnail is not None and not error for thumbnail, error in found.values())


def _deadly(path):
    """Stand in for `work.measure`; sent to the workers by its name."""
    if "deadly" in path:
        os.kill(os.getpid(), signal.SIGKILL)
    return np.zeros(35), ""


@pytest.fixture
def many(tmp_path):
    """A folder of sounds that take a while."""
    folder = tmp_path / "many"
    folder.mkdir()
    noise = np.random.default_rng(0).standard_normal(44100 * 10).astype("f4") * 0.1
    for n in range(100):
        soundfile.write(folder / f"{n:03}.wav", noise[n:], 44100)
    return folder


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_it_keeps_what_it_has_and_goes_on(many, how):
    command = [sys.executable, "-m", "latentlive.cli", "corpus", str(many), "--workers", "1"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell lets what it runs in the background ignore Ctrl-C, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    end = time.monotonic() + 60
    while not _stored(many):
        assert time.monotonic() < end
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    os.killpg(process.pid, how) if how == signal.SIGINT else process.kill()
    _, told = process.communicate(timeout=60)
    kept = _stored(many)
    assert 0 < kept < 100
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert f"interrupted: {kept} sounds are kept; run it again to go on" in told
        assert "Traceback" not in told
    for path in many.glob("*.wav"):  # the rest is short, to be done soon
        if path.stem not in _names(many):
            soundfile.write(path, TONE, 44100)
    report, stored = updated(many)
    assert report.kept == kept
    assert len(stored) == 100


def _names(folder):
    path = index_path(folder)
    if not path.exists():
        return []
    with Index(path) as index:
        return index.measured()[0]


def _stored(folder):
    return len(_names(folder))


def test_a_name_that_is_no_text_does_no_harm(tmp_path):
    soundfile.write(tmp_path / "x.wav", TONE, 44100)
    odd = os.fsencode(tmp_path) + b"/caf\xe9.wav"  # as an old system wrote it
    os.rename(tmp_path / "x.wav", odd)
    soundfile.write(tmp_path / "y.wav", TONE, 44100)
    command = [sys.executable, "-m", "latentlive.cli", "corpus", str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stderr
    assert "left out" in told.stdout
    report, stored = updated(tmp_path)
    assert "y" in stored
    assert report.kept == 2


def test_a_broken_index_is_one_line(tmp_path):
    path = cache_folder("corpora") / "broken.sqlite"
    path.write_bytes(b"not a database at all, but long enough to look at" * 20)
    with pytest.raises(SoundError, match=r"the index .* is not a database; delete it"):
        Index(path)
    with Index(tmp_path / "x.sqlite") as index:
        assert index.read() is None
        index.put([Entry("a", "a.wav", thumbnail=np.zeros(35))])
        index._db.execute("UPDATE sound SET thumbnail = x'00'")
        with pytest.raises(SoundError, match="delete it"):
            index.measured()
        index.put_map(mapped(3))
        for key in ("names", "thumbnails", "labels", "nodes", "scale", "made"):
            index._db.execute("SAVEPOINT whole")
            index._db.execute("UPDATE map SET value = x'5b5d' WHERE key = ?", [key])
            with pytest.raises(SoundError, match="delete it"):
                index.read()
            index._db.execute("ROLLBACK TO whole")
        assert index.read().names == mapped(3).names


def mapped(count):
    """Return a map of sounds that are not there."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((count, 35)).astype("f4")
    names = [f"folder/{n:05}" for n in range(count)]
    nodes = rng.standard_normal((16, 35))
    labels = rng.integers(16, size=count)
    return Mapped(names, names, [None] * count, rows, labels, nodes, Scale.of(rows))


def test_an_index_of_50000_sounds_opens_at_once(tmp_path):
    path = tmp_path / "large.sqlite"
    with Index(path) as index:
        index.put_map(mapped(50_000))

    def opened():
        begun = time.perf_counter()
        with Index(path) as index:
            assert len(index.read().names) == 50_000
        return time.perf_counter() - begun

    assert min(opened() for _ in range(5)) < 0.2


def entry(name):
    return Entry(name, f"{name}.wav", 1, 2, np.zeros(35, np.float32))


def put_away(path):
    path.unlink()


def put_in_its_place(path):
    path.unlink()
    with Index(path) as other:
        other.put([entry("theirs")])


def make_read_only(index):
    index._db.execute("PRAGMA query_only = 1")


@pytest.mark.parametrize(
    ("fault", "kept"),
    [
        (lambda index: put_away(index.path), {"before", "after"}),
        (lambda index: put_in_its_place(index.path), {"before", "after", "theirs"}),
        (make_read_only, {"before", "after"}),
    ],
)
def test_an_index_that_is_lost_while_it_is_written_is_written_again(tmp_path, fault, kept):
    path = tmp_path / "index.sqlite"
    with Index(path) as index:
        index.put([entry("before")])
        fault(index)
        index.put([entry("after")])
    with Index(path) as index:
        assert set(index.measured()[0]) == kept


def test_where_no_index_can_be_written_the_run_goes_on_and_says_so(tmp_path, capsys):
    path = tmp_path / "index.sqlite"
    with Index(path) as index:
        index.put([entry("before")])
        path.unlink()
        path.mkdir()
        index.put([entry("after")])
        index.forget(["before"])
        assert index.measured()[0] == ["after"]
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"corpus: the index {path}: attempt to write a readonly database; ")


def hold(index):
    """Lock an index as a program does that writes it and hangs."""
    other = sqlite3.connect(index.path)
    other.execute("BEGIN EXCLUSIVE")
    return other


def cut_short(index):
    os.truncate(index.path, 0)


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (hold, "database is locked; another program holds it: end that, or run this again"),
        (cut_short, "no such table: sound; delete it"),
    ],
)
def test_an_index_that_nothing_can_be_written_to_says_what_helps(
    tmp_path, monkeypatch, fault, line
):
    monkeypatch.setattr("latentlive.corpus.index.PATIENCE", 0.0)
    with Index(tmp_path / "index.sqlite") as index:
        index.put([entry("before")])
        held = fault(index)
        with pytest.raises(SoundError) as told:
            index.put([entry("after")])
        if held is not None:
            held.close()
    assert f"{index.path}: {line}" in str(told.value)
    assert "\n" not in str(told.value)


def test_an_index_that_cannot_even_be_read_again_is_one_line(tmp_path, monkeypatch):
    path = tmp_path / "index.sqlite"
    with Index(path) as index:
        index.put([entry("before")])
        make_read_only(index)
        monkeypatch.setattr(index, "_reopen", lambda _: None)
        path.write_bytes(b"x" * path.stat().st_size)
        with pytest.raises(SoundError, match=r"the index .*; delete it$"):
            index.put([entry("after")])


def test_two_programs_index_one_folder_at_once(messy):
    command = [sys.executable, "-m", "latentlive.cli", "corpus", str(messy), "--workers", "1"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    runs = [subprocess.Popen(command, **pipes) for _ in range(2)]
    for run in runs:
        told, wrong = run.communicate(timeout=120)
        assert run.returncode == 0, wrong
        assert told.startswith("5 sounds")
    with Index(index_path(messy)) as index:
        assert set(index.measured()[0]) == GOOD


def test_a_cache_that_cannot_be_written_serves_what_it_holds(messy, tmp_path, monkeypatch):
    updated(messy)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    place, probed = cache_folder(), tempfile.TemporaryFile

    def probe(dir):
        if place in dir.parents:
            raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))
        return probed(dir=dir)

    monkeypatch.setattr("tempfile.TemporaryFile", probe)
    assert not index_path(messy).is_relative_to(place)
    report, stored = updated(messy)
    assert report.measured == 0
    assert report.kept >= len(GOOD)
    assert set(stored) == GOOD
