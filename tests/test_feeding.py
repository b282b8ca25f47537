"""Who moves the player: the clock, a callback, a resampler; one of them at a time."""

from __future__ import annotations

import contextlib
import time

import numpy as np
import pytest

from latentlive.engine.output.clocks import Clock, Direct, Resampled
from latentlive.engine.output.player import Player
from latentlive.engine.shared import (
    HEARTBEAT,
    PANIC,
    PANIC_DONE,
    POSITION,
    RING,
    RUNNING,
    UNDERFLOWS,
    Shared,
)

RATE = 44100
HERTZ = 441


def tone_block(channels=2):
    """Return a running block whose ring holds whole cycles of a tone."""
    shared = Shared.create(channels)
    cycles = round(HERTZ * RING / RATE)
    shared.audio[0] = 0.4 * np.sin(2 * np.pi * cycles * np.arange(RING) / RING)
    shared.gains[:] = 1.0
    shared.active[0] = 1
    shared.header[RUNNING] = 1
    return shared, cycles * RATE / RING


class Supplied(Player):
    """A player whose voice is rendered as far as it reads, however long it plays."""

    def fill(self, out):
        at = int(self.shared.header[POSITION])
        self.shared.ready[0] = max(at - RING // 2, 0), at + RING // 2
        super().fill(out)


@pytest.fixture
def rig():
    """What moves the player during a test, and ends with it."""
    with Rig() as rig:
        yield rig


class Rig(contextlib.ExitStack):
    """Makes clocks and feeds, and ends them, the last one first."""

    def clock(self, shared, due=None, allowed=True):
        clock = Clock(Supplied(shared), RATE, 512, due)
        self.callback(clock.close)
        if allowed:
            clock.allow()
        return clock

    def feed(self, feed):
        self.callback(lambda: feed.stop(time.monotonic()))
        return feed


def waited(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_the_clock_keeps_the_pace_of_the_wall(rig):
    shared, _ = tone_block()
    begun = time.monotonic()
    rig.clock(shared)
    time.sleep(0.5)
    assert shared.header[POSITION] / RATE == pytest.approx(time.monotonic() - begun, abs=0.1)


def test_the_clock_makes_up_for_what_another_process_missed_but_not_for_a_night(rig):
    shared, _ = tone_block()
    shared.header[POSITION] = 64
    rig.clock(shared, due=time.monotonic() - 1.0)
    waited(lambda: shared.header[POSITION] > RATE, 0.5)
    shared, _ = tone_block()
    shared.header[POSITION] = 64
    begun = time.monotonic()
    rig.clock(shared, due=begun - 1e6)
    waited(lambda: shared.header[POSITION] >= 2.0 * RATE)
    heard = shared.header[POSITION] / RATE
    assert heard < 2.1 + time.monotonic() - begun


def test_time_waits_for_the_first_device_and_the_heart_beats_meanwhile(rig):
    shared, _ = tone_block()
    clock = rig.clock(shared, allowed=False)
    time.sleep(0.2)
    assert shared.header[POSITION] == 0
    assert shared.header[HEARTBEAT] > 5
    clock.allow()
    waited(lambda: shared.header[POSITION] > 0)


def test_a_callback_that_does_not_get_the_baton_is_silent_and_does_not_wait(rig):
    shared, _ = tone_block()
    clock = rig.clock(shared)
    assert clock.take(wait=True)  # as if the clock were in the middle of a block
    at = int(shared.header[POSITION])
    direct = rig.feed(Direct(clock, 0.1))
    out = np.ones((512, 2), np.float32)
    direct.fill(out, False)
    assert not out.any()
    assert shared.header[POSITION] == at
    assert not direct.driving
    clock.give(time.monotonic())


def test_a_callback_takes_time_over_and_gives_it_back_without_a_step(rig):
    shared, hertz = tone_block()
    clock = rig.clock(shared)
    direct = rig.feed(Direct(clock, 0.1))
    waited(lambda: shared.header[POSITION] > 5000)
    out = np.zeros((512, 2), np.float32)
    waited(lambda: direct.fill(out, False) or direct.driving)
    at = int(shared.header[POSITION])
    time.sleep(0.1)
    assert shared.header[POSITION] == at  # the clock rests
    for _ in range(10):
        direct.fill(out, False)
    assert shared.header[POSITION] == at + 5120
    direct.stop(time.monotonic() + 1.0)
    time.sleep(0.2)
    assert shared.header[POSITION] == at + 5120  # what the device had queued is time passed
    waited(lambda: shared.header[POSITION] > at + 10_000)
    heard = shared.read_tap(0, at + 10_000)[:, 0]
    expected = 0.4 * np.sin(2 * np.pi * hertz * np.arange(len(heard)) / RATE)
    assert np.abs(heard - expected).max() < 1e-6


def test_the_clock_goes_on_where_a_device_stops_calling_and_the_device_may_take_it_back(rig):
    shared, _ = tone_block()
    direct = rig.feed(Direct(rig.clock(shared), 0.5))
    out = np.zeros((512, 2), np.float32)
    waited(lambda: direct.fill(out, False) or direct.driving)
    called, at = time.monotonic(), int(shared.header[POSITION])
    while time.monotonic() < called + 0.2:
        direct.watch()
        assert shared.header[POSITION] == at  # the device still plays what it has
    waited(lambda: direct.watch() or not direct.driving)
    time.sleep(0.1)
    passed = time.monotonic() - called - 0.5
    assert (shared.header[POSITION] - at) / RATE == pytest.approx(passed, abs=0.1)
    waited(lambda: direct.fill(out, False) or direct.driving)
    at = int(shared.header[POSITION])
    direct.fill(out, False)
    assert shared.header[POSITION] == at + 512


def fitted(samples, hertz, rate):
    """Return the level of a tone in samples, and what is left without it."""
    t = 2 * np.pi * hertz * np.arange(len(samples)) / rate
    basis = np.stack([np.sin(t), np.cos(t)], axis=1)
    weights = np.linalg.lstsq(basis, samples.astype(np.float64), rcond=None)[0]
    return np.hypot(*weights), np.abs(samples - basis @ weights).max()


def drained(feed, rate, channels, seconds, burst=1764, frames=441):
    """Return what a device gets that asks in bursts, as soon as they are there.

    Paced by the resampler, not by the wall: a machine that pauses changes nothing.
    """
    parts = []
    while sum(map(len, parts)) < seconds * rate:
        waited(lambda: feed.driving and feed.ahead >= burst)
        for _ in range(burst // frames):
            parts.append(np.full((frames, channels), 9.0, np.float32))
            feed.fill(parts[-1], False)
    return np.concatenate(parts)


def resampled(rig, shared, rate):
    """Return a resampler whose device has just called for the first time."""
    # So much latency that it takes no pause of a machine for a device that is gone.
    feed = rig.feed(Resampled(rig.clock(shared), rate, 4.0))
    out = np.ones((441, shared.channels), np.float32)
    feed.fill(out, False)
    assert not out.any()  # nothing is resampled yet
    return feed


@pytest.mark.parametrize("rate", [48000, 96000, 22050])
def test_a_tone_goes_through_the_resampler_with_its_level_and_without_a_gap(rig, rate):
    shared, hertz = tone_block()
    feed = resampled(rig, shared, rate)
    heard = drained(feed, rate, 2, 6.0)  # more than its ring holds
    first = int(np.flatnonzero(heard[:, 0])[0])
    assert first < 0.01 * rate
    level, residue = fitted(heard[first + rate // 10 :, 0], hertz, rate)
    assert level == pytest.approx(0.4, rel=1e-4)
    assert residue < 1e-4
    assert np.array_equal(heard[:, 0], heard[:, 1])
    assert not shared.header[UNDERFLOWS]
    mix = shared.read_tap(at := int(shared.header[POSITION]) - RATE, at + 20_000)[:, 0]
    assert fitted(mix, hertz, RATE)[1] < 1e-6  # the tap is at the model's rate
    feed.stop(time.monotonic())
    at = int(shared.header[POSITION])
    waited(lambda: shared.header[POSITION] > at)


def test_panic_reaches_through_the_resampler(rig):
    shared, _ = tone_block()
    feed = resampled(rig, shared, 48000)
    assert drained(feed, 48000, 1, 0.5)[-441:].any()
    shared.header[PANIC] += 1
    out = np.ones((441, 1), np.float32)
    feed.fill(out, False)
    assert not out.any()
    shared.active[0] = 0
    shared.header[PANIC_DONE] = shared.header[PANIC]
    assert not drained(feed, 48000, 1, 6.0).any()


def test_a_resampler_that_never_played_gives_nothing_back_that_it_never_had(rig):
    shared, _ = tone_block()
    clock = rig.clock(shared)
    Resampled(clock, 48000, 0.1).stop(time.monotonic())
    at = int(shared.header[POSITION])
    waited(lambda: shared.header[POSITION] > at)
