"""Effects at the limits of all their parameters: finite, bounded, and the same bits."""

from __future__ import annotations

import doctest
import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import latentlive.effects
from latentlive.effects.block import BLOCK, POINTS
from latentlive.effects.chain import Chain
from latentlive.effects.declared import EFFECTS, INDEX, LEAST, MOST, NEUTRAL, ROWS
from latentlive.effects.strip import Strip
from tests.effects.driving import RATE, noise, of_block, rows, stripped, through

calm = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
LOUD = 4.0
FOLDER = Path(latentlive.effects.__file__).parent
NAMES = [effect.name for effect in EFFECTS]


def wild(seed, blocks, names, moves):
    """Return rows at or between their limits, that jump, glide or stand."""
    rng = np.random.default_rng(seed)
    points = blocks * (POINTS - 1) + 1
    found = np.repeat(NEUTRAL[:, None], points, axis=1)
    for name in ROWS:
        effect, parameter = name.split(".")
        row = INDEX[name]
        least, most = LEAST[row], MOST[row]
        if effect not in names:
            continue
        if parameter in ("by", "space"):
            continue
        if name == "echo.samples":
            most = 60_000.0
        if name == "reverb.seconds":
            most = 1.0
        steps = {"jump": 1, "glide": 16, "stand": points}[moves]
        edges = rng.choice([least, most, (least + most) / 2], points // steps + 2)
        found[row] = np.interp(np.arange(points) / steps, np.arange(len(edges)), edges)
        if parameter == "on":
            found[row] = np.repeat(rng.integers(0, 2, blocks + 1), 16)[:points]
    return found


@calm
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    st.sampled_from(["jump", "glide", "stand"]),
    st.sampled_from(["noise", "square", "impulses", "steady", "denormals"]),
)
def test_effects_stay_finite_and_bounded(seed, names, moves, kind):
    blocks = 12
    x = noise(blocks, seed % 1000, LOUD / 4)
    if kind == "square":
        x = np.sign(x) * np.float32(LOUD)
    elif kind == "impulses":
        x = np.where(np.abs(x) > 2.5, x, 0).astype(np.float32)
    elif kind == "steady":
        x[:] = LOUD
    elif kind == "denormals":
        x = x * np.float32(1e-38)
    y = through(x, wild(seed, blocks, names, moves))
    assert np.isfinite(y).all()
    # Each filter and the compressor's makeup may add 24 dB or more, the comb as much as it rings.
    bound = 1e6 if kind != "denormals" else 1e-20
    assert np.abs(y).max() < bound


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("moves", ["jump", "glide", "stand"])
def test_each_effect_is_bounded_for_long(name, moves):
    blocks = 60
    x = noise(blocks, level=0.3)
    values = wild(5, blocks, [name], moves)
    values[INDEX[f"{name}.on"]] = 1.0
    y = through(x, values)
    # A filter of q 20 gives 26 dB, the compressor 24; a comb rings by 14 times at its peaks.
    assert np.abs(y).max() < 80 * np.abs(x).max()


@pytest.mark.parametrize("rate", [16000, 22050, 48000, 96000, 192000])
def test_all_effects_at_other_rates(rate):
    x = noise(8)
    y = through(x, rows(8, **{f"{name}_on": 1 for name in NAMES}, comb_hz=4000), rate=rate)
    assert np.isfinite(y).all()
    assert y.any()


@calm
@given(st.integers(0, 2**32 - 1), st.sampled_from(["jump", "glide", "stand"]))
def test_rows_that_are_no_numbers_or_out_of_range_are_kept_in_it(seed, moves):
    rng = np.random.default_rng(seed)
    values = wild(seed, 3, NAMES, moves)
    values[INDEX["reverb.seconds"]] = 0.3
    places = rng.random(values.shape) < 0.1
    safe = [INDEX["reverb.seconds"], INDEX["reverb.space"], INDEX["comp.by"]]
    places[safe] = False
    values[places] = rng.choice([np.nan, np.inf, -np.inf, 1e30, -1e30], places.sum())
    values[INDEX["echo.samples"]] = 900
    assert np.isfinite(through(noise(3), values)).all()


@calm
@given(st.integers(0, 2**32 - 1), st.sampled_from(["jump", "glide", "stand"]))
def test_the_same_again_holds_the_same_bits_wherever_it_lies_in_memory(seed, moves):
    blocks = 5
    x, values = noise(blocks, seed % 1000), wild(seed, blocks, NAMES, moves)
    first = through(x, values)
    odd = np.empty(x.size + 3, np.float32)[3:].reshape(x.shape)
    odd[:] = x
    assert np.array_equal(through(odd, values), first)
    turned = np.ascontiguousarray(x.T).T
    assert np.array_equal(through(turned, values), first)
    assert np.array_equal(through(x.astype(np.float64), values), first)


def test_silence_costs_nothing_and_stays_exact():
    blocks = 300
    x = np.zeros((2, blocks * BLOCK), np.float32)
    x[:, :BLOCK] = noise(1)
    on = {f"{name}_on": 1 for name in NAMES}
    some = rows(blocks, **on, reverb_seconds=0.2, comb_feedback=0.5, echo_samples=3000)
    ours = Strip(RATE, 0)
    y = stripped(x, some, strip=ours)
    assert ours.idle
    assert not y[:, -BLOCK:].any()


def test_what_was_declared_is_what_there_are_rows_for():
    assert ROWS[:4] == ("hpf.on", "hpf.hz", "hpf.q", "lpf.on")
    assert NAMES == ["hpf", "lpf", "comb", "drive", "comp", "echo", "reverb"]
    assert "echo.samples" in INDEX
    assert "echo.beats" not in INDEX
    assert (LEAST <= NEUTRAL).all()
    assert (NEUTRAL <= MOST).all()
    assert not NEUTRAL[[INDEX[f"{name}.on"] for name in NAMES]].any()
    for effect in EFFECTS:
        for parameter in effect.parameters:
            assert parameter.least <= parameter.default <= parameter.most
            assert effect[parameter.name] is parameter


@pytest.mark.parametrize("module", sorted(file.stem for file in FOLDER.glob("[a-z]*.py")))
def test_examples_in_docstrings_run(module):
    found = doctest.testmod(importlib.import_module(f"latentlive.effects.{module}"))
    assert found.failed == 0


DIGEST = """
import hashlib, numpy as np
from tests.effects.test_limits import NAMES, wild
from tests.effects.driving import noise, through
y = through(noise(20), wild(7, 20, NAMES, "glide"))
y = np.concatenate([y, through(noise(20), wild(8, 20, NAMES, "stand"))])
print(hashlib.sha256(y.tobytes()).hexdigest())
"""


def test_bits_do_not_depend_on_how_many_threads_multiply():
    digests = set()
    for threads in ("1", "2", "3"):
        done = subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads},
            check=True,
            capture_output=True,
            text=True,
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_a_chain_leaves_what_it_is_given_as_it_is():
    x, values = noise(2), rows(2, **{f"{name}_on": 1 for name in NAMES})
    kept, chain = x.copy(), Chain(RATE)
    for block in range(2):
        part = x[:, block * BLOCK : (block + 1) * BLOCK]
        first = chain.process(part, of_block(values, block))
        again = first.copy()
        chain.process(part, of_block(values, block))
        assert np.array_equal(first, again)
    assert np.array_equal(x, kept)
