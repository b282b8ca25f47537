"""Morphs, wide layers and pairs of channels: the voice that a layer gets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import latentlive as ll
from latentlive.engine.schedule.allocation import alike
from latentlive.errors import EngineError
from latentlive.models import RawAudioVAE, save_model
from tests.conftest import random_weights
from tests.scheduling import LEVEL, RATE, A, B, House, grid, heard_of, layers, play, put


def test_a_morph_goes_through_latent_space_and_collapses():
    house = House()
    house.apply(play("d1", A), put("d1", morph=True, xfade=2.0))
    house.run(1.3)
    house.apply(play("d1", B))
    house.run(1.2)
    assert len(house.scheduler.timeline.voices) == 1  # one decode, no second voice fading
    half = grid(2 * RATE) + RATE  # the toy space is linear: half way is the mean of both
    a, b = (np.asarray(x.of.source) for x in (A, B))
    house.run(2.5)
    at = np.arange(half - 200, half + 200)
    expected = (a[at % len(a)] + b[at % len(b)]) / 2 * LEVEL
    assert np.abs(house.samples[at, 0] - expected).max() < 0.02 * np.abs(b).max()
    assert heard_of(house, B, 0, np.arange(round(4.2 * RATE), round(4.8 * RATE))) < 2e-4


@pytest.mark.parametrize("again", [B.on("toy"), B.overlap(4), B.norm()], ids=repr)
def test_a_morph_asks_which_space_it_is_and_not_how_it_was_written(again):
    """The loaded space has a name too, and its overlap a number."""
    house = House()
    house.apply(play("d1", A), put("d1", morph=True, xfade=1.0))
    house.run(1.3)
    house.apply(play("d1", again))
    house.run(1.2)
    assert len(house.scheduler.timeline.voices) == 1
    assert house.said == []


def test_a_morph_into_another_space_crosses_over_and_so_does_one_into_a_file_that_is_gone():
    house = House()
    house.apply(play("d1", A), put("d1", morph=True, xfade=1.0))
    house.run(1.3)
    clip = house.scheduler.timeline.layers["d1"].voice.clip
    space_of = house.scheduler.timeline.space_of
    for model in ("spectral", "rawaudiovae", "gone.safetensors"):
        source = clip.source.changed(expr=B.on(model))
        assert not alike(clip, replace(clip, source=source), space_of)


def model_file(path, seed):
    tensors = random_weights(1024, 16, 4, seed)
    save_model(path, RawAudioVAE(tensors), {})
    return str(path)


def test_files_that_hold_the_same_model_are_one_space_and_others_are_not(tmp_path):
    house = House()
    names = {"one": 0, "copy": 0, "other": 1}
    one, copy, other = (
        model_file(tmp_path / f"{name}.safetensors", seed) for name, seed in names.items()
    )
    house.apply(play("d1", A.on(one)), put("d1", morph=True, xfade=1.0))
    house.run(1.3)
    house.apply(play("d1", B.on(copy)))
    house.run(1.2)
    assert house.scheduler.timeline.layers["d1"].voice.clip.crossing is not None
    assert house.said == []
    house.run(1.5)
    for elsewhere in (B.on(other), B):
        house.apply(play("d1", elsewhere))
        house.run(2.5)
        assert house.scheduler.timeline.layers["d1"].voice.clip.crossing is None
        assert house.said.pop() == "d1: morph needs one space and one join; it crossfades"


def test_a_morph_interrupted_by_another_starts_from_what_sounds():
    house = House()
    tones = [
        ll.sound(np.sin(np.arange(44100) * 2 * np.pi * f / RATE).astype("f4") * 0.4).spread(0)
        for f in (60, 90, 120)
    ]
    house.apply(play("d1", tones[0]), put("d1", morph=True, xfade=3.0, quant=0.5))
    house.run(1)
    for tone in (tones[1], tones[2], tones[0]):
        house.apply(play("d1", tone))
        house.run(0.9)
    house.run(3)
    steepest = np.abs(np.diff(house.samples[:, 0])).max()
    assert steepest < 1.3 * 0.4 * LEVEL * 2 * np.pi * 120 / RATE
    part = house.scheduler.timeline.layers["d1"].voice.clip
    assert part.crossing is not None
    assert (
        part.timed(house.scheduler.timeline.tempo, house.scheduler.timeline.position).crossing
        is None
    )


def test_a_morph_between_joins_crosses_over_and_says_so():
    house = House()
    house.apply(play("d1", A), put("d1", morph=True, xfade=1.0))
    house.run(1.3)
    house.apply(play("d1", B.overlap(2)))
    house.run(2.5)
    assert house.said == ["d1: morph needs one space and one join; it crossfades"]
    assert layers(house)["d1"]["code"] == repr(B.overlap(2))


HISS = ll.sound(np.zeros(RATE, "f4")).spread(300)  # all of it is noise


def test_a_wide_layer_is_mono_at_0_and_has_two_noises_at_1():
    def sides(amount):
        house = House()
        house.apply(play("d1", HISS), put("d1", wide=amount))
        house.run(2)
        left, right = house.samples[RATE // 2 :].T
        return float(np.corrcoef(left, right)[0, 1]), float(np.std(left) / np.std(right))

    assert sides(0.0) == (pytest.approx(1.0), pytest.approx(1.0))
    for amount, expected in ((0.5, np.cos(np.pi / 4)), (1.0, 0.0)):
        correlation, ratio = sides(amount)
        assert correlation == pytest.approx(expected, abs=0.05)
        assert ratio == pytest.approx(1.0, abs=0.05)


def test_wide_can_be_turned_while_it_sounds():
    house = House()
    house.apply(play("d1", HISS))
    house.run(1.2)
    house.apply(put("d1", wide=1.0))
    house.run(3)
    left, right = house.samples[-RATE:].T
    assert abs(float(np.corrcoef(left, right)[0, 1])) < 0.1
    assert sum(len(v.rings) for v in house.scheduler.timeline.voices.values()) == 2


def test_out_moves_a_layer_to_another_pair_and_needs_the_channels():
    house = House(channels=4)
    house.apply(play("d1", A), play("d2", B), put("d2", pair=1))
    house.run(1.5)
    assert heard_of(house, A, 0, np.arange(RATE, round(1.4 * RATE))) < 2e-4
    source = np.asarray(B.of.source)
    at = np.arange(RATE, round(1.4 * RATE))
    assert np.abs(house.samples[at, 2] - source[at % len(source)] * LEVEL).max() < 2e-4
    with pytest.raises(EngineError, match="channels 3 and 4 need --channels 4, the engine has 2"):
        House().apply(put("d1", pair=1))
