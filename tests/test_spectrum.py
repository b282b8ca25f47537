"""The spectrum that the stage view shows."""

from __future__ import annotations

import numpy as np
import pytest

from latentlive.engine.server.spectrum import BANDS, FLOOR_DB, HIGHEST, LOWEST, SAMPLES, bands

STEPS = np.arange(SAMPLES)


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
@pytest.mark.parametrize("hz", [300.0, 1000.0, 3000.0])
def test_a_sine_is_in_its_band_at_its_level(rate, hz):
    sine = 0.5 * np.sin(2 * np.pi * hz / rate * STEPS)
    levels = bands(np.stack([sine, sine], 1).astype(np.float32), rate)
    assert len(levels) == BANDS
    top = min(HIGHEST, 0.49 * rate)
    band = int(np.log(hz / LOWEST) / np.log(top / LOWEST) * BANDS)
    loudest = levels.index(max(levels))
    assert abs(loudest - band) <= 1
    whole = 10 * np.log10(sum(10 ** (level / 10) for level in levels[loudest - 1 : loudest + 2]))
    assert whole == pytest.approx(-6.0, abs=1.2)


def test_silence_and_the_loudest_noise_stay_within_bounds():
    assert bands(np.zeros((SAMPLES, 2), np.float32), 44100) == [FLOOR_DB] * BANDS
    loud = np.ones((SAMPLES, 16), np.float32) * (1 - 2 * (STEPS % 2))[:, None]
    assert all(FLOOR_DB <= level <= 6 for level in bands(loud.astype(np.float32), 44100))
