"""Reverb: a convolution, whose rooms decay as declared and cross over."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from latentlive.effects import rooms as rooms_module
from latentlive.effects.block import BLOCK
from latentlive.effects.reverb import ACROSS
from latentlive.effects.rooms import EARLY, Room, response, synthetic
from tests.effects.driving import RATE, click, db, noise, rows, sine, swings, through
from tests.effects.measures import declared_decay, measured_decay, sidebands


def recorded(count, seed=3):
    """Return a stereo recording that decays [shape=(n, 2)]."""
    rng = np.random.default_rng(seed)
    return np.exp(-np.arange(count) / 9000)[:, None] * rng.standard_normal((count, 2))


def shaped(recording):
    """Return what a room makes of a recording: a fade at its end, unit energy."""
    shape, fade = recording.copy(), min(round(0.1 * RATE), round(0.1 * len(recording)))
    shape[-fade:] *= np.cos(np.linspace(0, np.pi / 2, fade))[:, None] ** 2
    return shape / np.sqrt((shape**2).sum() / 2)


def fed(x):
    """Return what goes into each side's response."""
    return (x + ACROSS * x[::-1]) / np.sqrt(1 + ACROSS**2)


@pytest.mark.parametrize("count", [5000, EARLY * BLOCK, 3 * 16384 + 333])
def test_a_room_is_convolved_with_what_is_heard(count):
    recording, x = recorded(count), noise(90)
    rooms = {4: Room(recording, RATE)}
    wet = through(x, rooms=rooms, reverb_on=1, reverb_mix=1, reverb_space=4)
    for side in (0, 1):
        expected = signal.oaconvolve(fed(x)[side], shaped(recording)[:, side])[: x.shape[1]]
        assert np.abs(wet[side] - expected).max() < 2e-6


def test_a_room_is_twelve_seconds_long_at_most():
    assert Room(np.ones(13 * RATE), RATE).samples == 12 * RATE


@pytest.mark.parametrize(
    "wrong", [np.zeros(100), np.array([np.nan, 1]), np.ones((4, 3)), np.ones(0)]
)
def test_what_is_no_recording_is_refused(wrong):
    with pytest.raises(ValueError, match="room: "):
        Room(wrong, RATE)


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.5, 6.0])
@pytest.mark.parametrize("damp", [0.0, 0.5, 1.0])
def test_a_room_decays_as_declared(seconds, damp):
    shape = response(RATE, seconds, damp)
    for hz in (250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0):
        ours = measured_decay(shape, hz)
        assert ours == pytest.approx(declared_decay(hz, seconds, damp), rel=0.05), hz


def test_a_room_is_as_loud_as_what_is_in_it():
    x = noise(200)
    for seconds in (0.3, 2.5):
        wet = through(x, reverb_on=1, reverb_mix=1, reverb_seconds=seconds)[:, -60 * BLOCK :]
        assert db(wet.std() / x.std()) == pytest.approx(0, abs=1)


def test_both_sides_of_a_room_differ_and_share():
    shape = response(RATE, 1.0, 0.5)
    assert abs(np.corrcoef(shape)[0, 1]) < 0.05
    left = click(20)
    left[1] = 0.0
    wet = through(left, reverb_on=1, reverb_mix=1, reverb_seconds=0.5)
    assert 0.1 < wet[1].std() / wet[0].std() < 0.6


def test_rooms_are_the_same_whenever_they_are_made():
    first = synthetic(RATE, 1.0, 0.5)
    rooms_module._rooms.clear()
    rooms_module._drawn.cache_clear()
    response(RATE, 9.0, 0.1)
    again = synthetic(RATE, 1.0, 0.5)
    assert np.array_equal(first.early, again.early)
    assert np.array_equal(first.late, again.late)


def test_few_rooms_are_kept():
    for step in range(16):
        synthetic(RATE, 11.0 + step / 50, 0.5)
    assert sum(room.size for room in rooms_module._rooms.values()) <= rooms_module._KEPT


def test_rooms_cross_over():
    one, two, x = recorded(40000, 1), recorded(60000, 2), noise(120)
    rooms = {1: Room(one, RATE), 2: Room(two, RATE)}
    space = np.where(np.arange(120 * 16 + 1) < 50 * 16, 1, 2)
    wet = through(x, rows(120, reverb_on=1, reverb_mix=1, reverb_space=space), rooms=rooms)[0]
    before = signal.oaconvolve(fed(x)[0], shaped(one)[:, 0])[: x.shape[1]]
    after = signal.oaconvolve(fed(x)[0], shaped(two)[:, 0])[: x.shape[1]]
    assert np.abs(wet - before)[: 49 * BLOCK].max() < 2e-6
    # Late partitions are worked out ahead: they follow after 24 blocks at most.
    assert np.abs(wet - after)[(50 + 25) * BLOCK :].max() < 2e-6
    assert np.abs(np.diff(wet)).max() < 1.5 * np.abs(np.diff(before)).max()


def test_a_curve_moves_through_few_rooms():
    made, blocks = [], 60
    seconds = np.geomspace(1.0, 2.0, blocks * 16 + 1)
    original = rooms_module.Room.of
    rooms_module._rooms.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rooms_module.Room, "of", lambda shape: made.append(1) or original(shape))
        wet = through(noise(blocks), rows(blocks, reverb_on=1, reverb_seconds=seconds))
    assert 14 <= len(made) <= 17
    assert np.isfinite(wet).all()


def test_what_echoes_in_a_room_rings_out_when_it_is_taken_off():
    blocks, points = 160, 160 * 16 + 1
    on = np.clip((20 * 16 - np.arange(points)) / 16, 0, 1)
    x = noise(blocks)
    tail = through(x, rows(blocks, reverb_on=on, reverb_seconds=1)) - x
    assert np.abs(tail[:, 21 * BLOCK : 22 * BLOCK]).max() > 1e-3
    assert np.abs(tail[:, 40 * BLOCK : 41 * BLOCK]).max() > 1e-4
    assert not tail[:, -20 * BLOCK :].any()


def test_a_mix_that_moves_leaves_no_sidebands_of_the_grid():
    x = sine(64, 1000.0, 0.5)
    y = through(x, rows(64, reverb_on=1, reverb_seconds=0.2, reverb_mix=swings(2)))
    assert sidebands(y, 1000.0) < -80
