"""Strips: finite memory, the same bits from any pre-roll on."""

from __future__ import annotations

import numpy as np

from latentlive.effects import strip
from latentlive.effects.block import BLOCK
from latentlive.effects.strip import Strip, pre_roll
from tests.effects.driving import RATE, noise, rows, stripped


def test_from_its_pre_roll_on_a_strip_holds_the_same_bits(monkeypatch):
    monkeypatch.setattr(strip, "EPOCH_SECONDS", 1.6)
    monkeypatch.setattr(strip, "WARM_SECONDS", 0.6)
    monkeypatch.setattr(strip, "CROSS_SECONDS", 0.25)
    blocks = 240
    x = noise(blocks)
    settings = rows(
        blocks,
        hpf_on=1, hpf_hz=100, lpf_on=1, lpf_hz=np.geomspace(300, 9000, blocks * 16 + 1),
        comb_on=1, drive_on=1, drive_db=9, comp_on=1,
        echo_on=1, echo_samples=15000, echo_feedback=0.95, reverb_on=1, reverb_seconds=1,
    )  # fmt: skip
    whole = stripped(x, settings)
    assert np.isfinite(whole).all()
    for begin in range(0, blocks * BLOCK, 7 * BLOCK):
        at = pre_roll(begin, RATE)
        again = stripped(x, settings, begin=at, strip=Strip(RATE, at))
        assert np.array_equal(again[:, begin - at :], whole[:, begin:]), begin
