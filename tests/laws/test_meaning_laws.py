"""Laws 1, 2, 6, 7, 9 and 10: what an expression means does not depend on how it is asked."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import latentlive as ll
from latentlive.errors import ExpressionError
from latentlive.latent import Scope, join_of
from latentlive.renderer import BoundWorld, Rendering, Spaces, ask
from tests.strategies import SHORT, SOUNDS, SPACE, amounts, curves, factors, latents, textures

calm = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
cuts = st.integers(1, 299)


@calm
@given(curves, st.lists(st.floats(-1000, 1e6), min_size=2, max_size=40), cuts)
def test_law_1_and_2_curves_give_the_same_values_in_any_chunk_and_order(curve, beats, cut):
    beats = np.array(beats)
    whole = curve.at(beats)
    cut %= len(beats)
    parts = [curve.at(part) for part in (beats[:cut], beats[cut:]) if len(part)]
    assert np.array_equal(np.concatenate(parts), whole, equal_nan=True)
    order = np.random.default_rng(cut).permutation(len(beats))
    assert np.array_equal(curve.at(beats[order]), whole[order], equal_nan=True)
    assert np.isfinite(whole).all()


def _rendered(texture):
    try:
        rendering = Rendering(texture, SPACE, SOUNDS)
    except ExpressionError as error:
        assume("exact:" not in str(error))
        raise
    return rendering, min(rendering.length or 3000, 3000)


@calm
@given(textures, cuts)
def test_law_1_and_10_audio_is_the_same_for_any_chunk(texture, chunk):
    rendering, total = _rendered(texture)
    whole = rendering.samples(0, total)
    assert np.isfinite(whole).all()
    again = Rendering(texture, SPACE, SOUNDS)
    parts = [again.samples(a, min(a + chunk, total)) for a in range(0, total, chunk)]
    assert np.array_equal(np.concatenate(parts), whole)


@calm
@given(textures, st.lists(st.integers(0, 2900), min_size=1, max_size=5))
def test_law_2_and_10_audio_is_the_same_in_any_order(texture, starts):
    rendering, total = _rendered(texture)
    whole = rendering.samples(0, total)
    for start in starts:
        start %= total
        stop = min(start + 100, total)
        assert np.array_equal(rendering.samples(start, stop), whole[start:stop])


def _ask(latent, frames):
    scope = Scope(BoundWorld(SOUNDS, Spaces(SPACE), join_of(latent)))
    return ask(latent, scope, np.asarray(frames, np.float64), np.asarray(frames) / 7.0, 0)


@calm
@given(latents, latents, amounts)
def test_law_6_interp_of_a_sound_with_itself_is_that_sound(a, b, curve):
    frames = np.linspace(0, 20, 50)
    itself, mixed = _ask(a, frames), _ask(ll.interp(a, a, curve), frames)
    assert np.array_equal(itself.mean, mixed.mean)
    assert np.array_equal(itself.std, mixed.std)
    for amount, side in ((0, a), (1, b)):
        end, plain = _ask(ll.interp(a, b, amount), frames), _ask(side, frames)
        assert np.array_equal(end.mean, plain.mean)
        assert np.array_equal(end.std, plain.std)


@calm
@given(latents, factors, factors)
def test_law_7_factors_multiply(x, j, k):
    assert x.slow(j).slow(k) == x.slow(j * k)
    assert x.extend(j).extend(k) == x.extend(j * k)
    assert x.slow(k).fast(k) == x.slow(1)
    assert x.extend(1) == x


@calm
@given(curves, factors, factors)
def test_law_7_factors_multiply_on_curves(x, j, k):
    assert x.slow(j).slow(k) == x.slow(j * k)
    assert x.slow(k).fast(k) == x.slow(1)


def test_law_7_fractions_stay_exact():
    third = ll.sound("a").slow(1 / 3)
    assert third.factor == Fraction(1, 3)
    assert third.slow(3) == ll.sound("a")


def test_law_9_hour_ten_costs_what_the_first_second_costs():
    endless = ll.interp(ll.sound(SHORT[2]).loop(), ll.sound(SHORT[1]).loop(), ll.perlin(3))
    rendering = Rendering(endless, SPACE, SOUNDS)
    late = 10 * 3600 * 44100 + 17
    counted = []
    world = rendering.scope.world
    read = world.read
    world.read = lambda node, query: counted.append(len(query.frames)) or read(node, query)
    rendering.samples(0, 44100)
    first = sum(counted)
    counted.clear()
    rendering.samples(late, late + 44100)
    assert first <= sum(counted) + 10
    assert sum(counted) <= first + 10


@pytest.mark.parametrize("make", [ll.rand, ll.perlin, ll.brown])
def test_random_curves_with_other_seeds_or_nodes_are_uncorrelated(make):
    beats = np.arange(40_000) * 0.37
    base = make(1)
    others = [make(1).seed(3), make(1).seed(4), make(1.1)]
    values = np.stack([c.at(beats) for c in [base, *others]])
    # Brownian curves move slowly: few independent points, so chance correlation is larger.
    bound = 0.35 if make is ll.brown else 0.04
    correlation = np.corrcoef(values) - np.eye(len(values))
    assert np.abs(correlation).max() < bound
    assert not np.array_equal(base.at(beats, seed=1), base.at(beats, seed=2))


def test_random_curves_with_one_seed_share_their_chances():
    beats = np.arange(0, 64, dtype=float)
    assert np.array_equal(ll.rand(1).seed(5).at(beats), ll.perlin(1).seed(5).at(beats))


def test_random_curves_do_not_repeat_within_ten_hours():
    values = ll.rand(0.5).at(np.arange(0, 36_000, 0.5))
    assert len(np.unique(values)) == len(values)
