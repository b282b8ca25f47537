"""Recordings encoded by page: read at any position, kept on disk, trusted never."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import latentlive as ll
from latentlive.corpus import Audio, audio_digest
from latentlive.renderer import Rendering, pruning, tracks
from latentlive.renderer.tracks import Tracks
from tests.spaces import WINDOW, Paged
from tests.strategies import SOUNDS

RNG = np.random.default_rng(5)
SOUND = RNG.standard_normal(6000).astype("f4")
AUDIO = Audio(SOUND, audio_digest(SOUND))
HOP, MARGIN = Paged.hop, Paged.margin


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A cache of its own for each test; its encodings."""
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    return tmp_path / "encodings"


def read(track, positions, wrap=False, again=False, audio=AUDIO):
    positions = np.asarray(positions, np.float64)
    ways = (np.full(len(positions), way) for way in (wrap, again))
    return track.read(audio, positions, *ways).mean


def vector(position, sound=SOUND):
    """The vector of a window, straight from its samples and those around it."""
    padded = np.pad(sound, 4 * WINDOW)
    start = position + 4 * WINDOW
    near, before, after = (padded[start + d : start + d + WINDOW] for d in (0, -MARGIN, MARGIN))
    return (near + (before + after) / 2) / 2


def pages(folder):
    return sorted(folder.glob("*/*.page"))


def test_a_track_is_what_each_window_and_its_surroundings_say():
    positions = np.arange(-3 * HOP, 6000, HOP)
    got = read(Tracks(Paged()), positions)
    expected = [vector(p) for p in positions]
    np.testing.assert_allclose(got, expected, atol=1e-6)
    assert not read(Tracks(Paged()), [-64, -6400, 6000, 9e9]).any()  # silence all around


def test_between_two_vectors_they_are_mixed():
    track = Tracks(Paged())
    got = read(track, [160 + 4, 160 + 8.5])
    for row, part in zip(got, (0.25, 8.5 / 16), strict=True):
        expected = (1 - part) * vector(160) + part * vector(176)
        np.testing.assert_allclose(row, expected, atol=1e-6)


def test_a_loop_is_read_round_its_end():
    """Windows past the end hold the beginning, and so does what is around them."""
    positions = np.arange(5600, 6000, HOP)
    got = read(Tracks(Paged()), positions, wrap=True)
    twice = np.concatenate([SOUND, SOUND])
    np.testing.assert_allclose(got, [vector(p, twice) for p in positions], atol=1e-6)
    assert np.array_equal(
        read(Tracks(Paged()), [6000 + 320], wrap=True), read(Tracks(Paged()), [320])
    )


def test_a_loop_that_comes_round_hears_its_end_before_its_beginning():
    positions = np.arange(0, 320, HOP)
    twice = np.concatenate([SOUND, SOUND])
    track = Tracks(Paged())
    first, second = (read(track, positions, wrap=True, again=again) for again in (False, True))
    np.testing.assert_allclose(first, [vector(p) for p in positions], atol=1e-6)
    np.testing.assert_allclose(second, [vector(p + 6000, twice) for p in positions], atol=1e-6)
    assert not np.array_equal(first, second)
    # Before the beginning lies the end, hearing the beginning that is to come.
    assert np.array_equal(read(track, [-50], again=True), read(track, [5950], wrap=True))


def test_both_ends_of_a_sound_shorter_than_its_surroundings_meet():
    short = SOUND[:20]
    got = read(Tracks(Paged()), [0], wrap=True, again=True, audio=Audio(short, "short"))
    around = np.tile(short, 40)
    np.testing.assert_allclose(got, [vector(20 * 20, around)], atol=1e-6)


LONG = ll.sound(RNG.standard_normal(6000).astype("f4"))
TURNS = {
    "a loop": (ll.sound(SOUND).loop(), 6000, True),
    "a loop of what is longer": (ll.sound(SOUND).extend(2).loop(), 12000, True),
    "a loop in a loop": (ll.sound(SOUND).loop(2).loop(), 12000, True),
    "backwards": (ll.sound(SOUND).rev().loop(), 6000, True),
    "repeated": (ll.interp(ll.sound(SOUND), LONG.loop(2), 0, match="repeat"), 6000, True),
    "a part": (ll.sound(SOUND).slice(0, 0.1).loop(), 4410, True),
    "one after another": (ll.cat(ll.sound(SOUND), LONG).loop(), 12000, True),
    "later": (ll.sound(SOUND).late(0.01).loop(), 6441, False),
    "frozen": (ll.interp(ll.sound(SOUND), LONG.freeze(0), 1).loop(), 6000, False),
}


@pytest.mark.parametrize(("texture", "once", "reached"), TURNS.values(), ids=TURNS)
def test_where_a_turn_begins_its_end_is_heard_if_it_was_reached(texture, once, reached):
    """The first turn begins in silence."""
    rendering = Rendering(texture, Paged(), SOUNDS)
    first, second = (rendering.drawn(turn * once / WINDOW + np.arange(3) / 8) for turn in (0, 1))
    assert np.allclose(first, second, atol=1e-5) != reached


def test_pages_have_the_same_bits_in_any_order_fresh_and_from_disk(folder):
    positions = RNG.uniform(-100, 6100, 400)
    first, second = Tracks(Paged()), Tracks(Paged())
    got = read(first, positions)
    backwards = [read(second, [p])[0] for p in positions[::-1]][::-1]
    assert np.array_equal(got, backwards)
    assert second.space.encoded == 0  # the first one wrote them
    assert len(pages(folder)) == first.space.encoded > 50


def test_a_recording_plays_before_the_whole_of_it_is_encoded():
    hour = np.zeros(3600 * 44100, np.float32)
    track = Tracks(Paged())
    read(track, np.arange(0, 2048, HOP) + 1800 * 44100, audio=Audio(hour, "an hour"))
    assert track.space.encoded <= 24


def test_another_process_encodes_nothing_again(folder):
    positions = np.arange(0, 2000, 7.5)
    got = read(Tracks(Paged()), positions)
    code = f"""
import sys, numpy as np
from latentlive.corpus import Audio
from latentlive.renderer.tracks import Tracks
from tests.spaces import Paged
track = Tracks(Paged())
positions = np.arange(0, 2000, 7.5)
audio = Audio(np.zeros(6000, "f4"), {AUDIO.digest!r})
nowhere = np.zeros(len(positions), bool)
sys.stdout.buffer.write(track.read(audio, positions, nowhere, nowhere).mean.tobytes())
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert out == got.tobytes()


@pytest.mark.parametrize("damage", ["a bit", "the end", "another page", "nothing left"])
def test_nothing_on_disk_is_trusted(folder, damage):
    positions = np.arange(0, 900, HOP)
    got = read(Tracks(Paged()), positions)
    victim, other = pages(folder)[:2]
    data = bytearray(victim.read_bytes())
    if damage == "a bit":
        data[-100] ^= 1
    elif damage == "the end":
        del data[-8:]
    elif damage == "another page":
        data[:] = other.read_bytes()
    else:
        data.clear()
    victim.write_bytes(data)
    again = Tracks(Paged())
    assert np.array_equal(read(again, positions), got)
    assert again.space.encoded == 1


def test_pages_are_kept_as_the_space_says(folder):
    class Small(Paged):
        keeps = np.float16

    rows = read(Tracks(Small()), np.arange(0, 900, HOP))
    expected = np.float32([vector(p) for p in range(0, 900, HOP)]).astype("f2")
    np.testing.assert_allclose(rows, expected, atol=2e-3)
    size = pages(folder)[0].stat().st_size
    assert size < Paged.page * WINDOW * 2 + 100


def test_pages_are_bounded_with_the_other_encodings(folder, monkeypatch):
    monkeypatch.setenv("LATENTLIVE_ENCODINGS_MB", "1")
    monkeypatch.setattr(pruning, "RECENT_SECONDS", -1.0)  # so that all of it may go
    track = Tracks(Paged())
    for number in range(8):
        sound = Audio(np.roll(SOUND, number * 77), f"sound {number}")
        read(track, np.arange(0, 6000, HOP), audio=sound)
    sizes = [path.stat().st_size for path in pages(folder)]
    assert 0 < sum(sizes) < 1 << 20


def test_without_a_folder_pages_stay_in_bounded_memory(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(tracks, "MAX_OPEN", 5)
    track = Tracks(Paged())
    positions = np.arange(0, 3000, HOP)
    assert np.array_equal(read(track, positions), read(track, positions))
    assert len(track._open) <= 5


def test_a_full_disk_is_not_heard(monkeypatch):
    def full(path, write):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(tracks, "write_whole", full)
    track = Tracks(Paged())
    positions = np.arange(0, 900, HOP)
    np.testing.assert_allclose(read(track, positions), [vector(p) for p in positions], atol=1e-6)
    assert track.disk.failures == 1


@pytest.mark.parametrize("word", ["extend", "slow"])
def test_stretched_recordings_are_read_between_their_vectors(word):
    """No window is sought: four times slower, every fourth vector is one of the recording's."""
    sound = ll.sound(SOUND)
    plain = Rendering(sound, Paged(), SOUNDS)
    slow = Rendering(getattr(sound, word)(4), Paged(), SOUNDS)
    frames = np.arange(0, 40) / 4
    assert np.array_equal(slow.drawn(frames * 4), plain.drawn(frames))
    between = (plain.drawn(frames[:-1]) + plain.drawn(frames[1:])) / 2
    np.testing.assert_allclose(slow.drawn(frames[:-1] * 4 + 0.5), between, atol=1e-6)


def test_what_is_kept_in_16_bits_is_read_as_the_same_numbers():
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    assert tracks.widened(finite).tobytes() == finite.astype(np.float32).tobytes()
    assert np.array_equal(tracks.widened(every), every.astype(np.float32), equal_nan=True)
    assert tracks.widened(every[:0].reshape(0, 3)).shape == (0, 3)
