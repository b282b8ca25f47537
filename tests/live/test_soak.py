"""A minute of sixteen layers that are redefined all the time."""

from __future__ import annotations

import pytest

from benchmarks.soak import LAYERS, soak
from latentlive.corpus import Corpus

pytestmark = [pytest.mark.device, pytest.mark.timeout(400)]


def test_a_minute_of_sixteen_layers_redefined_all_the_time_drops_nothing(
    sink, recordings, tmp_path
):
    result = soak(1.0, 0.7, tmp_path, seed=1, corpus=Corpus(recordings), silent=False, compared=15)
    assert sum(result.changes.values()) > 40
    assert set(result.changes) >= {"play", "morph", "gain", "undo", "mute"}
    assert result.missing == 0
    assert result.restarts == 0
    assert result.alive == LAYERS
    assert result.same  # the bounce of the log's end is what was recorded, bit for bit
    sizes = [one["engine"] for _, one in result.memory]
    assert max(sizes) - sizes[0] < 40  # MB
