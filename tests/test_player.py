"""What the device is given: pairs of channels, holes, panic, gains that are late."""

from __future__ import annotations

import numpy as np
import pytest

from latentlive.engine.output.player import Player
from latentlive.engine.shared import (
    BINS,
    HOLES,
    MISSING,
    PANIC,
    PANIC_AT,
    PANIC_DONE,
    POSITION,
    RING,
    RUNNING,
    Shared,
    duration_bin,
    duration_ms,
)
from latentlive.errors import EngineError
from latentlive.mixer import GRID

AHEAD = 17 * GRID
"""How far ahead of what is heard the limiter looks."""


def filled(levels, channels=2, pairs=(), length=64 * 600, seed=0):
    """Return a running block with a voice of noise for each level."""
    rng = np.random.default_rng(seed)
    shared = Shared.create(channels)
    for voice, level in enumerate(levels):
        shared.write_audio(voice, 0, (rng.standard_normal(length) * level).astype(np.float32))
        shared.gains[:, voice, : length // GRID + 1] = 1.0
        shared.active[voice] = 1
    for voice, pair in enumerate(pairs):
        shared.pair[voice] = pair
    shared.header[RUNNING] = 1
    return shared


def heard(player, blocks, size=512, channels=None):
    parts = []
    for _ in range(blocks):
        parts.append(np.full((size, channels or player.shared.channels), 7.0, np.float32))
        player.fill(parts[-1])
    return np.concatenate(parts)


def test_a_loud_pair_leaves_the_others_bits_alone():
    alone = heard(Player(filled([0.05, 0.05])), 40)
    shared = filled([0.05, 0.05, 4.0], channels=6, pairs=[0, 0, 2])
    both = heard(Player(shared), 40)
    assert np.array_equal(both[:, :2], alone)
    assert not both[:, 2:4].any()
    assert 0.5 < np.abs(both[:, 4:]).max() < 0.9  # limited by itself
    assert np.array_equal(shared.read_tap(0, 40 * 512), both)


def test_a_pair_that_wakes_has_the_bits_it_had_if_it_had_never_slept():
    def run(asleep):
        shared = filled([0.05, 3.0], channels=4, pairs=[0, 1])
        shared.gains[:, 1, :200] = 0.0  # silent up to sample 12,800
        shared.active[1] = not asleep
        player = Player(shared)
        first = heard(player, 10)
        shared.active[1] = 1
        return np.concatenate([first, heard(player, 50)])

    assert np.array_equal(run(True), run(False))
    assert run(True)[12_800 + GRID :, 2:].any()


def test_a_pair_without_voices_falls_asleep_and_is_silent():
    shared = filled([0.05, 0.05], channels=4, pairs=[0, 1])
    player = Player(shared)
    heard(player, 5)
    shared.active[1] = 0
    assert not heard(player, 40)[8 * 512 :, 2:].any()


@pytest.mark.parametrize("channels", [0, 1, 3, 18])
def test_channels_come_in_pairs(channels):
    with pytest.raises(EngineError, match=rf"even and lie in 2 to 16, got {channels}"):
        Shared.create(channels)


def test_another_process_sees_the_same_channels():
    shared = Shared.create(6)
    other = Shared.attach(shared.fd)
    other.tap[5, 5] = 3.0
    assert other.channels == 6
    assert shared.tap[5, 5] == 3.0


def test_a_mono_device_gets_the_middle_and_a_wide_one_silence_beside_it():
    stereo = heard(Player(filled([0.05, 0.3])), 20)
    shared = filled([0.05, 0.3])
    mono = heard(Player(shared), 20, channels=1)
    assert np.array_equal(mono[:, 0], (stereo[:, 0] + stereo[:, 1]) * np.float32(0.5))
    assert np.array_equal(shared.read_tap(0, 20 * 512), stereo)
    wide = heard(Player(filled([0.05, 0.3])), 20, channels=8)
    assert np.array_equal(wide[:, :2], stereo)
    assert not wide[:, 2:].any()
    four = filled([0.05, 0.3, 0.1], channels=4, pairs=[0, 0, 1])
    assert np.array_equal(heard(Player(four), 20, channels=2), stereo)


def test_a_hole_is_told_of_once_with_its_first_and_last_sample():
    shared = filled([0.05, 0.05], length=64 * 500)
    player = Player(shared)
    shared.ready[1, 1] = 20_000  # 312 cells and a half
    heard(player, 20, size=1000)
    assert shared.header[HOLES] == 0  # it goes on, so nobody knows yet how long it is
    assert shared.header[MISSING] == grid_up(20_000 + AHEAD) - 312 * GRID
    shared.ready[1, 1] = 64 * 500
    heard(player, 5, size=1000)
    rows, count = shared.read_holes(0)
    assert rows.tolist() == [[1, 312 * GRID, grid_up(20_000 + AHEAD)]]
    assert count == 1
    assert shared.read_holes(count)[0].tolist() == []


def grid_up(sample):
    return -(-sample // GRID) * GRID


def test_a_hole_that_goes_on_is_told_of_now_and_then():
    shared = filled([0.05], length=GRID * 10)
    shared.gains[:] = 1.0
    player = Player(shared)
    heard(player, 3 * RING // 512)
    rows, _ = shared.read_holes(0)
    assert len(rows) == 6
    assert rows[0, 1] == 10 * GRID
    assert (rows[1:, 1] == rows[:-1, 2]).all()


@pytest.mark.parametrize("ends", ["panic", "voice"])
def test_a_hole_that_nothing_follows_is_told_of(ends):
    shared = filled([0.05], length=GRID * 100)
    shared.gains[:] = 1.0
    player = Player(shared)
    heard(player, 16, size=500)
    assert shared.header[HOLES] == 0
    if ends == "panic":
        shared.header[PANIC] += 1
    else:
        shared.active[0] = 0
    heard(player, 10, size=500)
    rows, _ = shared.read_holes(0)
    assert rows[:, :2].tolist() == [[0, 100 * GRID]]
    assert rows[0, 2] - rows[0, 1] == shared.header[MISSING]


def test_what_is_inaudible_or_heard_already_is_no_hole():
    shared = filled([0.05], length=GRID * 200)
    shared.gains[:, 0, 200:] = 0.0
    shared.header[POSITION] = 50 * GRID
    shared.ready[0, 0] = 40 * GRID  # the limiter's memory reaches further back
    heard(Player(shared), 100)
    # The last gain falls to 0 within a cell that is there.
    assert shared.header[MISSING] == 0


def test_what_is_no_number_is_a_hole_of_that_voice_alone():
    alone = heard(Player(filled([0.05, 0.0])), 20)
    shared = filled([0.05, 0.0])
    shared.audio[1, 5000] = np.nan
    shared.audio[1, 5001] = np.inf
    player = Player(shared)
    assert np.array_equal(heard(player, 20), alone)
    assert shared.read_holes(0)[0].tolist() == [[1, 4992, 5056]]


def test_panic_is_exact_silence_from_the_next_block_until_it_is_done():
    shared = filled([0.3, 2.0], channels=4, pairs=[0, 1])
    player = Player(shared)
    assert heard(player, 10, size=500)[-500:].all()
    shared.header[PANIC] += 1
    assert not heard(player, 3, size=500).any()
    assert shared.header[PANIC_AT] == 5000
    assert shared.header[POSITION] == 6500
    shared.active[:] = 0
    shared.header[PANIC_DONE] = shared.header[PANIC]
    assert not heard(player, 3, size=500).any()
    assert not shared.read_tap(5000, 8000).any()
    shared.gains[:, :, :200] = 0.0
    shared.active[0] = 1  # a new voice comes in on an untouched limiter
    after = heard(player, 20, size=500)
    fresh = filled([0.3])
    fresh.gains[:, :, :200] = 0.0
    expected = heard(Player(fresh), 36, size=500)[16 * 500 :]
    assert np.array_equal(after[:, :2], expected)
    assert expected.any()


def test_a_panic_that_is_done_before_the_next_block_silences_what_was_mixed_ahead():
    shared = filled([0.3])
    player = Player(shared)
    heard(player, 10)
    shared.header[PANIC] += 1
    shared.active[0] = 0
    shared.header[PANIC_DONE] = shared.header[PANIC]
    assert not heard(player, 10).any()
    assert shared.header[PANIC_AT] == 5120


def test_a_panic_before_the_transport_moves_takes_nothing_from_its_beginning():
    shared = filled([0.3])
    shared.header[RUNNING] = 0
    player = Player(shared)
    shared.header[PANIC] = shared.header[PANIC_DONE] = 1
    heard(player, 1)
    shared.header[RUNNING] = 1
    assert heard(player, 1)[GRID:].all()


def test_gains_that_are_late_are_held():
    shared = filled([0.05])
    shared.gains[:, 0, :100] = 0.5
    shared.gains[:, 0, 100:] = 9.0  # what an older turn of the ring left
    shared.gains_until[0] = 100 * GRID
    plain = filled([0.05])
    plain.gains[:] = 0.5
    assert np.array_equal(heard(Player(shared), 40), heard(Player(plain), 40))


def test_durations_fall_into_bins_of_a_quarter_octave():
    assert [duration_bin(n) for n in (1, 1000, 1100, 2000, 3000, 10**12)] == [0, 0, 0, 4, 6, 63]
    counts = np.zeros(BINS, np.int64)
    assert duration_ms(counts, 50) == 0.0
    rng = np.random.default_rng(1)
    durations = (rng.lognormal(11, 0.5, 5000)).astype(np.int64)
    for one in durations:
        counts[duration_bin(int(one))] += 1
    for percent in (50, 99):
        true = np.percentile(durations, percent) / 1e6
        assert true <= duration_ms(counts, percent) <= true * 2**0.25
    shared = filled([0.05])
    heard(Player(shared), 30)
    assert shared.durations.sum() == 30
