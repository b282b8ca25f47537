"""Comb and echo: when and how loud what goes round is heard."""

from __future__ import annotations

import numpy as np
import pytest

from tests.effects.driving import click, through


@pytest.mark.parametrize("samples", [40, 100, 3000, 22050])
def test_echoes_come_in_time_and_each_softer(samples):
    y = through(click(90), echo_on=1, echo_samples=samples, echo_feedback=0.5, echo_mix=0.25)[0]
    assert y[0] == pytest.approx(0.75)
    for n in (1, 2, 3):
        assert y[n * samples] == pytest.approx(0.25 * 0.5 ** (n - 1), rel=1e-5)
    assert np.count_nonzero(np.abs(y[: 3 * samples + 1]) > 1e-9) == 4
