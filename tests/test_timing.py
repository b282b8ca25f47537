"""The engine's times, and the samples that they come to."""

import pytest

from latentlive.engine import timing
from latentlive.engine.timing import margin, to_samples
from latentlive.limiter import AHEAD
from latentlive.mixer import GRID

RATE = 44100
COUNTS = {
    **{"GLIDE": 1024, "CLOSE": 2048, "REACTION": 1024, "LANDING": 16384},
    **{"STEMS_SHORT": 512, "STEMS_AHEAD": 4096, "READY": 11_008, "DRY": 4096},
}


def test_at_44100_samples_a_second_they_are_what_logs_were_played_with():
    assert {name: to_samples(getattr(timing, name), RATE) for name in COUNTS} == COUNTS
    assert margin(RATE) == 6144


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_at_any_rate_they_are_whole_cells_in_the_order_that_landings_need(rate):
    counts = {name: to_samples(getattr(timing, name), rate) for name in COUNTS}
    assert all(count > 0 and count % GRID == 0 for count in counts.values())
    near, looked_ahead = margin(rate), (AHEAD + 1) * GRID
    assert looked_ahead < near - counts["STEMS_SHORT"] < near
    assert counts["REACTION"] < near <= counts["READY"]
    assert near + counts["CLOSE"] < counts["LANDING"]
