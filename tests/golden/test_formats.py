"""Logs that earlier versions wrote are bounced to the samples to which those versions bounced them.

Each holds slices or frozen moments, chance, a wide layer, a tempo, a morph, a name and a mute.
``formats.npz`` holds every 32nd sample of what the version that wrote the log made of it. No slice
comes round in them: where slices do, joints have been continuous since, as the changelog says.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from latentlive.engine.log.bounce import Bounce
from latentlive.engine.log.performance import Performance
from latentlive.errors import EngineError
from latentlive.models import load_model

HERE = Path(__file__).parent


@pytest.mark.parametrize("number", [1, 2])
def test_a_log_of_an_earlier_format_is_bounced_to_the_same_samples(number):
    performance = Performance(HERE / f"format-{number}.jsonl")
    assert performance.header.format == number
    blocks = Bounce(performance, load_model("toy")).blocks()
    heard = np.concatenate([block.mix for block in blocks])[::32]
    expected = np.load(HERE / "formats.npz")[f"format_{number}"]
    assert heard.shape == expected.shape
    assert np.abs(expected).max() > 0.1
    assert np.abs(heard - expected).max() < 1e-6


@pytest.mark.parametrize("node", [5, [], ["latent.rev"], ["latent.rev", 5], {"a": 1, "b": 2}])
def test_a_damaged_texture_of_the_first_format_is_refused_in_one_line(node, tmp_path):
    lines = [json.loads(line) for line in (HERE / "format-1.jsonl").read_text().splitlines()]
    texture = next(line for line in lines if "texture" in line)
    texture["expr"]["nodes"][0] = node
    path = tmp_path / "old.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(EngineError, match=r"line \d+: damaged \(load: ") as told:
        Performance(path)
    assert "\n" not in str(told.value)
