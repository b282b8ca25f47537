"""Strips: finite memory, the same bits from any pre-roll on, and what is no sound."""

from __future__ import annotations

import numpy as np
import pytest

from latentlive.effects import strip
from latentlive.effects.block import BLOCK
from latentlive.effects.chain import Chain
from latentlive.effects.declared import INDEX
from latentlive.effects.strip import Epochs, Strip, pre_roll
from tests.effects.driving import RATE, noise, of_block, rows, stripped, through

ECHO_ON = INDEX["echo.on"]

ALL = {
    "hpf_on": 1, "hpf_hz": 100, "lpf_on": 1, "comb_on": 1, "comp_on": 1,
    "drive_on": 1, "drive_db": 9, "echo_on": 1, "echo_samples": 15000,
    "echo_feedback": 0.95, "reverb_on": 1, "reverb_seconds": 0.5,
}  # fmt: skip


@pytest.fixture
def short(monkeypatch):
    """Epochs of 1.6 seconds."""
    monkeypatch.setattr(strip, "EPOCH_SECONDS", 1.6)
    monkeypatch.setattr(strip, "WARM_SECONDS", 0.6)
    monkeypatch.setattr(strip, "CROSS_SECONDS", 0.25)


@pytest.mark.parametrize("phase", [0, 20 * BLOCK])
def test_from_its_pre_roll_on_a_strip_holds_the_same_bits(short, phase):
    blocks = 170
    x = noise(blocks)
    settings = rows(blocks, **ALL, lpf_hz=np.geomspace(300, 9000, blocks * 16 + 1))
    # One that comes and goes: second chains start when they are needed.
    settings[ECHO_ON, : 40 * 16] = settings[ECHO_ON, 90 * 16 : 120 * 16] = 0.0
    whole = stripped(x, settings, strip=Strip(RATE, 0, phase))
    assert np.isfinite(whole).all()
    assert whole[:, -BLOCK:].any()
    for begin in range(0, blocks * BLOCK, 23 * BLOCK + 64):
        at = pre_roll(begin, RATE, phase)
        again = stripped(x, settings, begin=at, strip=Strip(RATE, at, phase))
        assert np.array_equal(again[:, begin - at :], whole[:, begin:]), begin


def test_the_same_with_epochs_as_they_are():
    blocks = 64 * RATE // BLOCK
    x, settings = noise(1), rows(blocks, lpf_on=1, lpf_hz=500, echo_on=1, echo_samples=30000)
    x = np.tile(x, (1, blocks)) * np.linspace(0, 1, blocks * BLOCK, dtype=np.float32)
    whole = stripped(x, settings)
    for seconds in (40, 55):
        at = pre_roll(seconds * RATE, RATE)
        assert at > 0
        again = stripped(x, settings, begin=at, strip=Strip(RATE, 0))
        assert np.array_equal(again[:, seconds * RATE - at :], whole[:, seconds * RATE :])


def test_nobody_hears_that_chains_take_over():
    blocks = 40 * RATE // BLOCK
    x, settings = noise(blocks), rows(blocks, hpf_on=1, hpf_hz=80, echo_on=1, comp_on=1)
    whole, one = stripped(x, settings), through(x, settings)
    assert np.abs(whole - one).max() < 1e-5


def test_a_pre_roll_is_52_seconds_at_most():
    for rate in (22050, 44100, 96000):
        most = 52 * rate + 4 * BLOCK
        for begin in range(0, 200 * rate, 7 * rate // 3):
            for phase in (0, 5 * rate):
                at = pre_roll(begin, rate, phase)
                assert at % BLOCK == 0
                assert 0 <= at <= begin
                assert begin - at <= most


def test_epochs_with_phases_cover_all_time():
    for phase in (0, 3 * BLOCK, 10**7):
        epochs = Epochs(RATE, phase)
        for sample in (0, 1, 10**6, 10**9):
            epoch = epochs.of(sample)
            assert epochs.begin(epoch) <= sample < epochs.begin(epoch + 1)


def test_chains_without_effects_pass_the_same_bits():
    x = noise(4)
    assert np.array_equal(stripped(x, rows(4)), x)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 3e6])
def test_what_is_no_sound_silences_a_block_and_is_counted(wrong):
    x, settings = noise(12), rows(12, **ALL)
    broken = x.copy()
    broken[1, 5 * BLOCK + 17] = wrong
    ours, healthy = Strip(RATE, 0), Strip(RATE, 0)
    y = stripped(broken, settings, strip=ours)
    assert ours.faults == 1
    assert np.isfinite(y).all()
    assert not y[:, 5 * BLOCK : 6 * BLOCK].any()
    assert np.array_equal(y[:, : 5 * BLOCK], stripped(x, settings)[:, : 5 * BLOCK])
    # It begins anew after that.
    anew = stripped(x, settings, begin=6 * BLOCK, strip=healthy)
    assert np.array_equal(y[:, 6 * BLOCK :], anew)


def test_a_key_that_is_no_sound_is_a_fault_too():
    x, settings, key = noise(4), rows(4, comp_on=1), noise(4)
    key[0, BLOCK] = np.nan
    ours = Strip(RATE, 0)
    y = stripped(x, settings, key=key, strip=ours)
    assert ours.faults == 1
    assert not y[:, BLOCK : 2 * BLOCK].any()


def test_idle_strips_may_be_left_out():
    settings = rows(200, echo_on=1, echo_samples=5000, echo_feedback=0.2)
    settings[ECHO_ON, 60 * 16 : 120 * 16] = 0.0
    x = noise(200)
    x[:, 20 * BLOCK : 120 * BLOCK] = 0.0
    whole = stripped(x, settings)
    ours, left_out = Strip(RATE, 0), 0
    for block in range(200):
        at = block * BLOCK
        part, some = x[:, at : at + BLOCK], of_block(settings, block)
        if ours.idle and not part.any() and not some[ECHO_ON].any():
            left_out += 1
            assert not whole[:, at : at + BLOCK].any()
            continue
        assert np.array_equal(ours.process(at, part, some), whole[:, at : at + BLOCK])
    assert left_out > 30


def test_blocks_begin_on_the_grid():
    with pytest.raises(ValueError, match="multiple of 1024"):
        Strip(RATE, 0).process(64, noise(1), rows())
    with pytest.raises(ValueError, match="rows"):
        Chain(RATE).process(noise(1), rows(2))
