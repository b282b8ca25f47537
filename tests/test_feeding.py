"""Who moves the player: the clock, a callback, a resampler; one of them at a time."""

from __future__ import annotations

import time

import numpy as np
import pytest

from latentlive.engine.block import (
    HEARTBEAT,
    PANIC,
    PANIC_DONE,
    POSITION,
    RING,
    RUNNING,
    Block,
)
from latentlive.engine.feeding import Clock, Direct, Resampled
from latentlive.engine.playing import Player

RATE = 44100
HERTZ = 441


def tone_block(channels=2):
    """Return a running block whose ring holds a tone that fits it, for ever."""
    block = Block.create(channels)
    cycles = round(HERTZ * RING / RATE)
    block.audio[0] = 0.4 * np.sin(2 * np.pi * cycles * np.arange(RING) / RING)
    block.ready[0] = 0, RING
    block.gains[:] = 1.0
    block.active[0] = 1
    block.header[RUNNING] = 1
    return block, cycles * RATE / RING


def clock_of(block, due=None, frames=512):
    clock = Clock(Player(block), RATE, frames, due)
    clock.allow()
    return clock


def waited(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_the_clock_keeps_the_pace_of_the_wall():
    block, _ = tone_block()
    begun = time.monotonic()
    clock_of(block)
    time.sleep(0.5)
    assert block.header[POSITION] / RATE == pytest.approx(time.monotonic() - begun, abs=0.1)


def test_the_clock_makes_up_for_what_another_process_missed_but_not_for_a_night():
    block, _ = tone_block()
    block.header[POSITION] = 64
    clock_of(block, due=time.monotonic() - 1.0)
    waited(lambda: block.header[POSITION] > RATE, 0.5)
    block, _ = tone_block()
    block.header[POSITION] = 64
    clock_of(block, due=time.monotonic() - 1e6)
    time.sleep(0.2)
    assert 2.0 * RATE <= block.header[POSITION] < 2.6 * RATE


def test_time_waits_for_the_first_device_and_the_heart_beats_meanwhile():
    block, _ = tone_block()
    clock = Clock(Player(block), RATE, 512)
    time.sleep(0.2)
    assert block.header[POSITION] == 0
    assert block.header[HEARTBEAT] > 5
    clock.allow()
    waited(lambda: block.header[POSITION] > 0)


def test_a_callback_that_does_not_get_the_baton_is_silent_and_does_not_wait():
    block, _ = tone_block()
    clock = clock_of(block)
    assert clock.take(wait=True)  # as if the clock were in the middle of a block
    at = int(block.header[POSITION])
    direct = Direct(clock, 0.1)
    out = np.ones((512, 2), np.float32)
    direct.fill(out, False)
    assert not out.any()
    assert block.header[POSITION] == at
    assert not direct.driving
    clock.give(time.monotonic())


def test_a_callback_takes_time_over_and_gives_it_back_without_a_step():
    block, hertz = tone_block()
    clock = clock_of(block)
    direct = Direct(clock, 0.1)
    waited(lambda: block.header[POSITION] > 5000)
    out = np.zeros((512, 2), np.float32)
    waited(lambda: direct.fill(out, False) or direct.driving)
    at = int(block.header[POSITION])
    time.sleep(0.1)
    assert block.header[POSITION] == at  # the clock rests
    for _ in range(10):
        direct.fill(out, False)
    assert block.header[POSITION] == at + 5120
    direct.stop(time.monotonic() + 0.2)
    time.sleep(0.1)
    assert block.header[POSITION] == at + 5120  # what the device had queued is time passed
    waited(lambda: block.header[POSITION] > at + 10_000)
    heard = block.read_tap(0, at + 10_000)[:, 0]
    expected = 0.4 * np.sin(2 * np.pi * hertz * np.arange(len(heard)) / RATE)
    assert np.abs(heard - expected).max() < 1e-6


def test_the_clock_goes_on_where_a_device_stops_calling_and_the_device_may_take_it_back():
    block, _ = tone_block()
    direct = Direct(clock_of(block), 0.1)
    out = np.zeros((512, 2), np.float32)
    waited(lambda: direct.fill(out, False) or direct.driving)
    called, at = time.monotonic(), int(block.header[POSITION])
    while time.monotonic() < called + 0.1:
        direct.watch()
        assert block.header[POSITION] == at  # the device still plays what it has
    waited(lambda: direct.watch() or not direct.driving)
    time.sleep(0.1)
    passed = time.monotonic() - called - 0.1
    assert (block.header[POSITION] - at) / RATE == pytest.approx(passed, abs=0.05)
    waited(lambda: direct.fill(out, False) or direct.driving)
    at = int(block.header[POSITION])
    direct.fill(out, False)
    assert block.header[POSITION] == at + 512


def fitted(samples, hertz, rate):
    """Return the level of a tone in samples, and what is left without it."""
    t = 2 * np.pi * hertz * np.arange(len(samples)) / rate
    basis = np.stack([np.sin(t), np.cos(t)], axis=1)
    weights = np.linalg.lstsq(basis, samples.astype(np.float64), rcond=None)[0]
    return np.hypot(*weights), np.abs(samples - basis @ weights).max()


def drained(feed, rate, channels, seconds, burst=1764, frames=441):
    """Return what a device gets that asks in bursts, a little faster than real time."""
    parts = []
    while sum(map(len, parts)) < seconds * rate:
        for _ in range(burst // frames):
            parts.append(np.full((frames, channels), 9.0, np.float32))
            feed.fill(parts[-1], False)
        time.sleep(0.8 * burst / rate)
    return np.concatenate(parts)


@pytest.mark.parametrize("rate", [48000, 96000, 22050])
def test_a_tone_goes_through_the_resampler_with_its_level_and_without_a_gap(rate):
    block, hertz = tone_block()
    # So much latency that a machine may pause: a device that does not call loses time to the clock.
    feed = Resampled(clock_of(block), rate, 1.0)
    heard = drained(feed, rate, 2, 1.5)
    first = int(np.flatnonzero(heard[:, 0])[0])
    assert first < 0.3 * rate
    level, residue = fitted(heard[first + rate // 10 :, 0], hertz, rate)
    assert level == pytest.approx(0.4, rel=1e-4)
    assert residue < 1e-4
    assert np.array_equal(heard[:, 0], heard[:, 1])
    mix = block.read_tap(10_000, 30_000)[:, 0]
    assert fitted(mix, hertz, RATE)[1] < 1e-6  # the tap is at the model's rate
    feed.stop(time.monotonic())
    at = int(block.header[POSITION])
    waited(lambda: block.header[POSITION] > at)


def test_panic_reaches_through_the_resampler():
    block, _ = tone_block()
    feed = Resampled(clock_of(block), 48000, 0.1)
    assert drained(feed, 48000, 1, 0.5)[-441:].any()
    block.header[PANIC] += 1
    out = np.ones((441, 1), np.float32)
    feed.fill(out, False)
    assert not out.any()
    block.active[0] = 0
    block.header[PANIC_DONE] = block.header[PANIC]
    assert not drained(feed, 48000, 1, 0.7).any()
    feed.stop(time.monotonic())


def test_a_resampler_that_never_played_gives_nothing_back_that_it_never_had():
    block, _ = tone_block()
    clock = clock_of(block)
    Resampled(clock, 48000, 0.1).stop(time.monotonic())
    at = int(block.header[POSITION])
    waited(lambda: block.header[POSITION] > at)
