"""Encodings on disk: the same bits whoever wrote them, and no trust in what lies there."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from latentlive.corpus import Audio, audio_digest
from latentlive.renderer import Encoder, encoding, pruning, store
from latentlive.renderer.pages import Page
from latentlive.space import ToySpace

WINDOW = 64
RECORD = 16 + 4 * WINDOW
SOUND = np.random.default_rng(5).standard_normal(WINDOW * 400).astype("f4")
AUDIO = Audio(SOUND, audio_digest(SOUND))

CHILD = """
import sys, numpy as np
from latentlive.corpus import Audio, audio_digest
from latentlive.renderer import Encoder
from latentlive.space import ToySpace
sound = np.random.default_rng(5).standard_normal(64 * 400).astype("f4")
audio = Audio(sound, audio_digest(sound))
encoder = Encoder(ToySpace(64))
def ask(offsets):
    offsets = np.asarray(offsets, np.int64)
    return encoder.encode(audio, offsets, np.zeros(len(offsets), bool))
"""


class Counting(ToySpace):
    """A toy space that counts the windows it encoded."""

    encoded = 0

    def encode(self, windows):
        self.encoded += len(windows)
        return super().encode(windows)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A cache of its own for each test; its encodings."""
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    return tmp_path / "encodings"


def ask(encoder, offsets, wrap=False, audio=AUDIO):
    offsets = np.asarray(offsets, np.int64)
    return encoder.encode(audio, offsets, np.full(len(offsets), wrap))


def rounded(offsets, sound=SOUND):
    """What the toy space must give: the windows as float16 holds them."""
    offsets = np.asarray(offsets, np.int64)
    wrap = np.zeros(len(offsets), bool)
    return encoding.windows_at(sound, offsets, wrap, WINDOW).astype("f2").astype("f4")


def pages(folder):
    return sorted(folder.glob("*/*.latents"))


def fill(offsets):
    encoder = Encoder(ToySpace(WINDOW))
    ask(encoder, offsets)
    encoder.flush()


def child(code, **options):
    """Start another process that runs CHILD and then some code."""
    return subprocess.Popen([sys.executable, "-c", CHILD + code], text=True, **options)


def test_latents_are_the_same_bits_fresh_remembered_and_reopened(vae):
    sound = np.random.default_rng(6).standard_normal(40_000).astype("f4") * 0.1
    audio = Audio(sound, audio_digest(sound))
    offsets = np.random.default_rng(7).integers(-2000, 42_000, 300)
    first = Encoder(vae)
    fresh = ask(first, offsets, audio=audio)
    again = ask(first, offsets, audio=audio)
    first.flush()
    alone = [ask(Encoder(vae), offsets[i : i + 1], audio=audio) for i in range(0, 300, 37)]
    reopened = ask(Encoder(vae), offsets, audio=audio)
    for other in (again, reopened):
        assert np.array_equal(fresh.mean, other.mean)
        assert np.array_equal(fresh.std, other.std)
    assert np.array_equal(np.concatenate([one.mean for one in alone]), fresh.mean[::37])
    windows = encoding.windows_at(sound, offsets, np.zeros(300, bool), vae.window)
    mean, log_variance = (part.astype("f2").astype("f4") for part in vae.encode(windows))
    assert np.array_equal(fresh.mean, mean)
    assert np.array_equal(fresh.std, np.exp(np.float32(0.5) * log_variance))


def test_another_process_encodes_nothing_again():
    offsets = range(0, len(SOUND), 16)
    fill(offsets)
    code = """
encoder.space.encode = None
got = ask(range(0, len(sound), 16)).mean
sys.stdout.buffer.write(got.tobytes())
"""
    with child(code, stdout=subprocess.PIPE) as process:
        out = process.stdout.buffer.read()
    assert process.returncode == 0
    assert out == rounded(offsets).tobytes()


def test_a_process_that_ends_writes_what_it_encoded():
    with child("ask(range(0, 640, 64))"):
        pass
    space = Counting(WINDOW)
    ask(Encoder(space), range(0, 640, 64))
    assert space.encoded == 0


def test_every_hop_is_served_by_what_another_hop_encoded():
    fill(range(0, len(SOUND), 16))
    space = Counting(WINDOW)
    ask(Encoder(space), range(0, len(SOUND), 64))
    assert space.encoded == 0
    ask(Encoder(space), range(0, len(SOUND), 8))
    assert space.encoded == len(SOUND) // 16


def test_two_encoders_share_while_both_are_open():
    space = Counting(WINDOW)
    reader = Encoder(space)
    ask(reader, [0])
    for start in range(0, 6400, 640):
        fill(range(start, start + 640, 64))
        ask(reader, range(start, start + 640, 64))
    assert space.encoded <= 1


def test_a_window_that_goes_round_the_end_is_another_one():
    last = len(SOUND) - WINDOW // 2
    for _ in range(2):
        encoder = Encoder(ToySpace(WINDOW))
        plain, turned = ask(encoder, [last]).mean[0], ask(encoder, [last], wrap=True).mean[0]
        half = WINDOW // 2
        assert not plain[half:].any()
        assert np.array_equal(turned[half:], SOUND[:half].astype("f2").astype("f4"))
        assert np.array_equal(turned[:half], plain[:half])
        encoder.flush()


def test_repeated_unordered_and_outlying_offsets():
    offsets = [700, 5, 5, -10_000, 10**9, -64, len(SOUND), 5]
    space = Counting(WINDOW)
    got = ask(Encoder(space), offsets).mean
    assert np.array_equal(got, rounded(offsets))
    assert space.encoded == 4
    assert len(ask(Encoder(space), []).mean) == 0


def test_spaces_and_recordings_do_not_mix(folder):
    fill([0])
    other = ToySpace(WINDOW, std=0.5)
    assert ask(Encoder(other), [0]).std[0, 0] == pytest.approx(0.5, rel=1e-3)
    reverse = Audio(SOUND[::-1].copy(), audio_digest(SOUND[::-1]))
    got = ask(Encoder(ToySpace(WINDOW)), [0], audio=reverse)
    assert np.array_equal(got.mean, rounded([0], reverse.samples))


def test_short_arrays_stay_off_the_disk(folder):
    audio = Audio(SOUND[:200], audio_digest(SOUND[:200]))
    space = Counting(WINDOW)
    encoder = Encoder(space)
    for _ in range(2):
        ask(encoder, range(150), audio=audio)
        encoder.flush()
    assert space.encoded == 150
    assert not folder.exists() or not list(folder.iterdir())


def test_two_processes_write_the_same_sound_at_once(folder):
    code = """
rng = np.random.default_rng(int(sys.stdin.readline()))
for _ in range(40):
    offsets = rng.integers(0, len(sound), 200)
    from latentlive.renderer.encoding import windows_at
    wanted = windows_at(sound, offsets, np.zeros(200, bool), 64).astype("f2").astype("f4")
    assert np.array_equal(ask(offsets).mean, wanted)
    encoder.flush()
"""
    both = [child(code, stdin=subprocess.PIPE) for _ in range(2)]
    for seed, process in enumerate(both):
        process.stdin.write(f"{seed}\n")
        process.stdin.flush()
    assert [process.wait(60) for process in both] == [0, 0]
    assert not list(folder.glob("*/.*"))
    fill(range(len(SOUND)))
    got = ask(Encoder(ToySpace(WINDOW)), range(len(SOUND))).mean
    assert np.array_equal(got, rounded(range(len(SOUND))))


def test_a_process_killed_while_writing_leaves_nothing_broken(folder):
    code = """
for start in range(10**6):
    ask((np.arange(1024) * 7 + start * 13) % len(sound))
    encoder.flush()
    print(start, flush=True)
"""
    rng = np.random.default_rng(1)
    for _ in range(4):
        with child(code, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(rng.uniform(0.0, 0.1))
            process.send_signal(signal.SIGKILL)
    assert pages(folder)
    fill(range(len(SOUND)))
    assert all(path.stat().st_size % RECORD == 0 for path in pages(folder))
    got = ask(Encoder(ToySpace(WINDOW)), range(len(SOUND))).mean
    assert np.array_equal(got, rounded(range(len(SOUND))))


def test_what_a_killed_writer_left_is_swept(folder):
    fill([0])
    place = pages(folder)[0].parent
    old, young = place / ".1-99-aa.page", place / ".1-98-bb.page"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 3600,) * 2)
    fill([64])
    assert not old.exists()
    assert young.exists()


def _truncated(path):
    path.write_bytes(path.read_bytes()[:-10])


def _emptied(path):
    path.write_bytes(b"")


def _zeroed(path):
    path.write_bytes(bytes(path.stat().st_size))


def _rows_zeroed(path):
    data = path.read_bytes()
    path.write_bytes(data[:3000] + bytes(len(data) - 3000))


def _one_bit(path):
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)


def _of_another_sound(path):
    other = Audio(SOUND + 1, audio_digest(SOUND + 1))
    encoder = Encoder(ToySpace(WINDOW))
    ask(encoder, range(0, 4096, 64), audio=other)
    encoder.flush()
    (foreign,) = (p for p in pages(path.parents[1]) if p.parent != path.parent)
    foreign.replace(path)


@pytest.mark.parametrize(
    "damage", [_truncated, _emptied, _zeroed, _rows_zeroed, _one_bit, _of_another_sound]
)
def test_a_damaged_file_is_never_believed_and_heals(folder, damage):
    offsets = range(0, 4096, 64)
    fill(offsets)
    (path,) = pages(folder)
    damage(path)
    encoder = Encoder(ToySpace(WINDOW))
    assert np.array_equal(ask(encoder, offsets).mean, rounded(offsets))
    encoder.flush()
    space = Counting(WINDOW)
    assert np.array_equal(ask(Encoder(space), offsets).mean, rounded(offsets))
    assert space.encoded == 0


def test_foreign_files_are_ignored_and_those_of_earlier_versions_go(folder):
    fill([0])
    place = pages(folder)[0].parent
    foreign, earlier = place / "notes.txt", place / "0_0_1_0123456789ab.rows"
    for path in (foreign, earlier, place / "1.latents"):
        path.write_bytes(b"\x93NUMPY not ours")
    (place / "2.latents").mkdir()
    far = [0, 64 * 65, 64 * 129]
    encoder = Encoder(ToySpace(WINDOW))
    assert np.array_equal(ask(encoder, far).mean, rounded(far))
    encoder.flush()
    assert not earlier.exists()
    assert foreign.exists()


def test_files_that_vanish_while_open_do_no_harm(folder):
    offsets = range(0, 6400, 64)
    fill(offsets)
    open_now, opened_later = Encoder(ToySpace(WINDOW)), Encoder(ToySpace(WINDOW))
    ask(open_now, offsets)
    ask(opened_later, [1])
    for path in pages(folder):
        path.unlink()
    for encoder in (open_now, opened_later, Encoder(ToySpace(WINDOW))):
        assert np.array_equal(ask(encoder, offsets).mean, rounded(offsets))


def _grow(sounds, megabytes):
    """Encode windows of a recording until a process has asked for so many megabytes."""
    encoder = Encoder(ToySpace(WINDOW))
    for audio in sounds:
        for start in range(0, megabytes << 12, 1024):
            ask(encoder, np.arange(start, start + 1024), audio=audio)
    encoder.flush()
    return encoder


def _numbered(count):
    for number in range(count):
        sound = np.full(1 << 15, number, np.float32)
        yield Audio(sound, audio_digest(sound))


def _size(folder):
    return sum(path.stat().st_size for path in folder.glob("*/*"))


def test_the_cache_is_bounded_and_the_oldest_goes_first(folder, monkeypatch):
    monkeypatch.setenv("LATENTLIVE_ENCODINGS_MB", "4")
    sounds = list(_numbered(5))
    places = []
    for number, audio in enumerate(sounds):
        _grow([audio], 1)
        (place,) = set(folder.iterdir()) - set(places)
        places.append(place)
        # As if each had been used an hour after the one before.
        used = time.time() - 3600 * (10 - number)
        for path in place.iterdir():
            os.utime(path, (used, used))
        assert _size(folder) <= 4 << 20
    assert not places[0].exists()
    assert places[-1].exists()


def test_what_is_in_use_is_not_pruned_and_the_cache_stops_growing(folder, monkeypatch):
    monkeypatch.setenv("LATENTLIVE_ENCODINGS_MB", "2")
    sounds = list(_numbered(6))
    encoder = _grow(sounds, 1)
    for start in range(1, 40):
        # As if a minute had passed, in which another process used everything.
        encoder.store._closed_until = 0.0
        ask(encoder, np.arange(0, 20_000, 64) + start, audio=sounds[start % 6])
        encoder.flush()
    assert _size(folder) <= 2 << 20
    for audio in sounds:
        offsets = np.arange(0, 8000, 7)
        assert np.array_equal(
            ask(encoder, offsets, audio=audio).mean, rounded(offsets, audio.samples)
        )


def test_reading_keeps_a_recording_from_being_pruned(folder):
    first, second = _numbered(2)
    _grow([first, second], 1)
    for path in folder.glob("*/*"):
        os.utime(path, (1e9, 1e9))
    ask(Encoder(ToySpace(WINDOW)), [0], audio=first)
    pruning.prune(folder, 1 << 20)
    assert len(list(folder.iterdir())) == 1
    space = Counting(WINDOW)
    ask(Encoder(space), [0], audio=first)
    assert space.encoded == 0


def test_rows_side_by_side_share_a_page(folder):
    encoder = Encoder(ToySpace(WINDOW))
    for start in range(300):
        ask(encoder, range(start * 8, start * 8 + 8))
        encoder.flush()
    assert len(pages(folder)) == 1
    space = Counting(WINDOW)
    assert np.array_equal(ask(Encoder(space), range(2400)).mean, rounded(range(2400)))
    assert space.encoded == 0


def test_rows_that_nobody_asks_for_again_are_written_and_let_go(monkeypatch):
    monkeypatch.setattr(store, "GATHER_SECONDS", 0.0)
    encoder = Encoder(ToySpace(WINDOW))
    *sounds, last = _numbered(8)
    for audio in sounds:
        ask(encoder, range(9), audio=audio)
    for _ in sounds:
        ask(encoder, range(9), audio=last)
    waiting = [page for (audio, _), page in encoder.store._open.items() if audio != last.digest]
    assert len(waiting) == 7
    assert not any(page.waiting for page in waiting)
    space = Counting(WINDOW)
    for audio in sounds:
        ask(Encoder(space), range(9), audio=audio)
    assert space.encoded == 0


def test_a_full_disk_is_counted_and_not_heard(monkeypatch):
    def full(page, keys, rows):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Page, "append", full)
    space = Counting(WINDOW)
    encoder = Encoder(space)
    offsets = range(0, 6000)
    for _ in range(2):
        assert np.array_equal(ask(encoder, offsets).mean, rounded(offsets))
    assert encoder.store.failures == 1
    assert space.encoded == 6000


def test_without_a_cache_folder_memory_is_bounded(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(store, "MAX_OPEN", 3)
    encoder = Encoder(ToySpace(WINDOW))
    for _ in range(2):
        assert np.array_equal(ask(encoder, range(8000)).mean, rounded(range(8000)))
    assert encoder.store.failures == 1
    assert len(encoder.store._open) <= 3


def test_a_cache_that_may_only_be_read_is_read():
    code = """
if os.getuid() == 0:
    os.setuid(65534)
ask(range(0, 6400, 64))
seen = []
encoder.space.encode = lambda x, f=encoder.space.encode: seen.append(len(x)) or f(x)
assert np.array_equal(ask(range(0, 6400, 64)).mean.reshape(-1)[:6400], sound[:6400].astype("f2"))
assert not seen
ask(range(32, 6400, 64))
encoder.flush()
assert seen == [100]
assert encoder.store.failures == 1
"""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        root.chmod(0o755)
        environment = {**os.environ, "LATENTLIVE_CACHE": place}
        with child("ask(range(0, 6400, 64))", env=environment):
            pass
        folders = [path for path in [root, *root.rglob("*")] if path.is_dir()]
        for path in folders:
            path.chmod(0o555)
        with child("import os\n" + code, env=environment) as process:
            pass
        for path in folders:
            path.chmod(0o755)
    assert process.returncode == 0


def test_a_long_recording_costs_the_memory_of_what_is_asked():
    code = """
def peak():
    return int(open("/proc/self/status").read().split("RssAnon:")[1].split()[0]) / 1024
long = Audio(np.tile(sound, 40), "long")
def stretch(first):
    offsets = np.arange(first, first + 400)
    encoder.encode(long, offsets, np.zeros(400, bool))
stretch(0)
before = peak()
for first in range(0, 400_000, 400):
    stretch(first)
assert peak() - before < 16, peak() - before  # all of it would be 100
"""
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is read from /proc")
    with child(code) as process:
        pass
    assert process.returncode == 0


def test_what_is_known_of_stretched_recordings_is_bounded(tmp_path, monkeypatch):
    from fractions import Fraction

    from latentlive.renderer import Spaces, spaces

    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    monkeypatch.setattr(spaces, "MAX_ALIGNMENTS", 3)
    house = Spaces(ToySpace(64))
    samples = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    audio = Audio(samples, audio_digest(samples))
    first = house.alignment(audio, Fraction(8), 16, 64)
    at = np.arange(40)
    offsets = first.offsets(at)
    for hop in (4, 5, 6):
        assert house.alignment(audio, Fraction(8), 16, 64) is first  # what is used stays
        house.alignment(audio, Fraction(hop), 16, 64)
    house.alignment(audio, Fraction(7), 16, 64)
    house.alignment(audio, Fraction(9), 16, 64)
    house.alignment(audio, Fraction(10), 16, 64)
    again = house.alignment(audio, Fraction(8), 16, 64)
    assert again is not first
    assert np.array_equal(again.offsets(at), offsets)
