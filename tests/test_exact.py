"""Exact mode: the three strategies of the paper give the notebook's samples.

Tatar, Cotton, Bisig: Sound design strategies for latent audio space explorations using deep
learning architectures (SMC 2023, arXiv 2305.15571). The reference below is the paper's pipeline in
plain torch: pad, cut into windows, encode, mix, decode, write one window after another.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import latentlive as ll
from latentlive.latent.noise import drawn, noise_key
from latentlive.models.networks import RawAudioVAENet
from latentlive.space import ToySpace

WINDOW = 1024
RATE = 44100
CLOSE = 1e-5
STRETCHES = {4: 256, 8: 128}  # factor and hop: the paper's, and its code's


class Notebook:
    """The paper's pipeline for a model's weights, window by window, in float32."""

    def __init__(self, weights):
        self.module = RawAudioVAENet()
        self.module.load_state_dict({n: torch.from_numpy(w.copy()) for n, w in weights.items()})

    def encode(self, samples, hop=WINDOW):
        """Return mean and log-variance of the windows taken every `hop` samples."""
        x = torch.from_numpy(np.asarray(samples, np.float32))
        missing = -len(x) % hop
        windows = torch.cat([x, torch.zeros(missing)]).unfold(0, WINDOW, hop)
        with torch.no_grad():
            return self.module.encode(windows)

    def decode(self, mean, std=None, draws=None):
        """Return the windows of mean + std * draws, end to end."""
        z = mean if std is None else mean + std * torch.from_numpy(draws)
        with torch.no_grad():
            return self.module.decode(z).reshape(-1).numpy()

    def strategy(self, a, b, amounts, hop=WINDOW):
        """Return two sounds of one length mixed by an amount for each window, without noise."""
        (mean_a, _), (mean_b, _) = self.encode(a, hop), self.encode(b, hop)
        c = torch.as_tensor(np.asarray(amounts, np.float32)).expand(len(mean_a))[:, None]
        return self.decode((1 - c) * mean_a + c * mean_b)


@pytest.fixture(scope="module")
def notebook(vae):
    return Notebook(vae.weights)


def sounding(count, seed=0):
    """Return some seconds of partials and noise, different for each seed."""
    rng = np.random.default_rng(seed)
    t = np.arange(count) / RATE
    partials = [np.sin(2 * np.pi * f * t) for f in rng.uniform(60, 4000, 5)]
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * rng.uniform(0.5, 3) * t)
    return (0.12 * sum(partials) * swell + 0.05 * rng.standard_normal(count)).astype(np.float32)


def exactly(texture, model, **options):
    """Return the samples of the means alone, joined as the paper joins them."""
    return ll.render(texture.spread(0).exact(), model=model, **options)


def assert_same(got, wanted):
    assert len(got) == len(wanted)
    assert np.abs(got - wanted).max() <= CLOSE
    assert wanted.std() > 100 * CLOSE  # two silences would agree about nothing


def starts(count):
    """Return the beats at which windows begin, at 60 beats a minute."""
    return np.arange(count) * WINDOW / RATE


def stretched(curve, count):
    """Return an array stretched over `count` windows, its ends on the first and the last."""
    return np.interp(np.linspace(0, len(curve) - 1, count), np.arange(len(curve)), curve)


# Strategy 1: stepwise


@pytest.mark.parametrize(
    ("count_a", "count_b"), [(6 * WINDOW, 20_000), (20_000, 6 * WINDOW), (7000, 7000)]
)
def test_exact_strategy_1_writes_six_renderings_of_the_cropped_sounds(
    vae, notebook, count_a, count_b
):
    a, b = sounding(count_a, 1), sounding(count_b, 2)
    count = min(count_a, count_b)
    wanted = [notebook.strategy(a[:count], b[:count], c) for c in np.arange(0, 1.1, 0.2)]
    assert len(wanted) == 6
    got = exactly(ll.steps(ll.sound(a), ll.sound(b), 0, 1, 0.2), vae)
    assert_same(got, np.concatenate(wanted))


def test_exact_strategy_1_takes_any_range_of_amounts(vae, notebook):
    a, b = sounding(5000, 1), sounding(5000, 2)
    for start, stop, step in ((-1, 1, 0.5), (1, 0, -0.25), (0.3, 0.3, 1)):
        amounts = np.arange(start, stop + step / 2, step)
        wanted = [notebook.strategy(a, b, c) for c in amounts]
        got = exactly(ll.steps(ll.sound(a), ll.sound(b), start, stop, step), vae)
        assert_same(got, np.concatenate(wanted))


# Strategy 2: meso-scale


def joined(count, seed):
    """Return several pieces joined, as the sounds of a cluster are."""
    pieces = [sounding(n, seed + n) for n in (1700, 900, 5300)]
    whole = np.concatenate(pieces)
    return np.tile(whole, math.ceil(count / len(whole)))[:count]


@pytest.mark.parametrize("curve", [[0, 1], [1, 0], [0, 0.2, 1, 0.5, -0.3], np.hanning(200)])
def test_exact_strategy_2_stretches_a_plain_array_over_the_whole(vae, notebook, curve):
    a, b = joined(30 * WINDOW, 1), joined(40_000, 2)
    got = exactly(ll.interp(ll.sound(a), ll.sound(b), curve), vae)
    assert_same(got, notebook.strategy(a, b[: 30 * WINDOW], stretched(curve, 30)))
    # The ends of the curve fall on the first and the last window, neither beside nor beyond.
    first, last = slice(0, WINDOW), slice(29 * WINDOW, 30 * WINDOW)
    assert_same(got[first], notebook.strategy(a[first], b[first], curve[0]))
    assert_same(got[last], notebook.strategy(a[last], b[last], curve[-1]))


def test_exact_strategy_2_takes_one_amount_for_each_window(vae, notebook):
    a, b = joined(25_000, 1), joined(25_000, 2)
    count = math.ceil(25_000 / WINDOW)
    amounts = np.random.default_rng(5).uniform(-1, 1, count)
    wanted = notebook.strategy(a, b, amounts)
    assert_same(exactly(ll.interp(ll.sound(a), ll.sound(b), amounts), vae), wanted)


def test_exact_strategy_2_reads_a_curve_of_beats_where_windows_begin(vae, notebook):
    a, b = joined(100_000, 1), joined(100_000, 2)
    beats = starts(math.ceil(100_000 / WINDOW))
    wanted = notebook.strategy(a, b, 0.5 - 0.5 * np.cos(2 * np.pi * beats / 1.5))
    texture = ll.interp(ll.sound(a), ll.sound(b), ll.sine(1.5))
    assert_same(exactly(texture, vae), wanted)
    # At twice the tempo a beat is half as long.
    wanted = notebook.strategy(a, b, 0.5 - 0.5 * np.cos(2 * np.pi * 2 * beats / 1.5))
    assert_same(exactly(texture, vae, tempo=120), wanted)


@pytest.mark.parametrize(("short", "long"), [(4, 19), (5, 5), (1, 7)])
def test_exact_strategy_2_repeats_the_shorter(vae, notebook, short, long):
    a, b = joined(short * WINDOW, 1), joined(long * WINDOW, 2)
    again = np.tile(a, math.ceil(long / short))[: long * WINDOW]
    for first, second, samples in (
        (a, b, notebook.strategy(again, b, stretched([0, 1], long))),
        (b, a, notebook.strategy(b, again, stretched([0, 1], long))),
    ):
        texture = ll.interp(ll.sound(first), ll.sound(second), [0, 1], match="repeat")
        assert_same(exactly(texture, vae), samples)


def test_exact_mix_goes_from_the_first_sound_to_the_second(vae, notebook):
    a, b = sounding(9000, 1), sounding(9000, 2)
    for amount, side in ((0, a), (1, b)):
        alone = notebook.decode(notebook.encode(side)[0])
        assert_same(exactly(ll.interp(ll.sound(a), ll.sound(b), amount), vae), alone)


@pytest.mark.parametrize("law", ["std", "logvar"])
@pytest.mark.parametrize("amount", [0.0, 0.3, 1.0, 1.5, -0.5])
def test_exact_laws_of_the_spread(vae, notebook, law, amount):
    """The paper mixes std, its code log-variance; only what is drawn with them can tell."""
    a, b = sounding(12_000, 1), 3 * sounding(12_000, 2)
    (mean_a, log_a), (mean_b, log_b) = notebook.encode(a), notebook.encode(b)
    draws = drawn(noise_key(11, 0, None), np.arange(len(mean_a), dtype=np.float64), 256)
    mean = (1 - amount) * mean_a + amount * mean_b
    stds = {
        "std": (1 - amount) * torch.exp(0.5 * log_a) + amount * torch.exp(0.5 * log_b),
        "logvar": torch.exp(0.5 * ((1 - amount) * log_a + amount * log_b)),
    }
    assert stds["std"].min() > 0
    texture = ll.interp(ll.sound(a), ll.sound(b), amount, law=law)
    got = ll.render(texture.exact(), model=vae, seed=11)
    assert_same(got, notebook.decode(mean, stds[law], draws))
    if amount not in (0.0, 1.0):
        other = notebook.decode(mean, stds["std" if law == "logvar" else "logvar"], draws)
        assert np.abs(got - other).max() > 10 * CLOSE


@pytest.mark.parametrize("amount", [1.5, -1, 5, -4])
def test_exact_extrapolation_is_not_clamped(vae, notebook, amount):
    a, b = sounding(6000, 1), sounding(6000, 2)
    wanted = notebook.strategy(a, b, amount)
    assert_same(exactly(ll.interp(ll.sound(a), ll.sound(b), amount), vae), wanted)
    assert_same(
        exactly(ll.interp(ll.sound(a), ll.sound(b), ll.line(amount, amount, 1)), vae), wanted
    )


# Strategy 3: extension


@pytest.mark.parametrize("factor", STRETCHES)
@pytest.mark.parametrize("count", [1024, 1025, 5 * WINDOW, 6001])
def test_exact_strategy_3_extends_a_sound(vae, notebook, factor, count):
    hop = STRETCHES[factor]
    a = sounding(count, 1)
    wanted = notebook.decode(notebook.encode(a, hop)[0])
    assert len(wanted) == (math.ceil(count / hop) - WINDOW // hop + 1) * WINDOW
    assert_same(exactly(ll.sound(a).extend(factor), vae), wanted)
    assert_same(exactly(ll.sound(a).slow(factor), vae), wanted)


@pytest.mark.parametrize("factor", STRETCHES)
def test_exact_strategy_3_extends_a_mix(vae, notebook, factor):
    hop = STRETCHES[factor]
    a, b = sounding(9000, 1), sounding(9000, 2)
    count = math.ceil(9000 / hop) - WINDOW // hop + 1
    beats = starts(count)

    def wanted(amounts):
        return notebook.strategy(a, b, amounts, hop)

    def mixed(curve):
        return ll.interp(ll.sound(a), ll.sound(b), curve)

    def wave(beats):
        return 0.5 - 0.5 * np.cos(2 * np.pi * beats / 0.7)

    assert_same(exactly(mixed(0.4).extend(factor), vae), wanted(0.4))
    assert_same(
        exactly(mixed([0, 1, 0.5]).extend(factor), vae), wanted(stretched([0, 1, 0.5], count))
    )
    # Extending leaves a curve of beats as it is in what is heard; slowing slows it as well.
    assert_same(exactly(mixed(ll.sine(0.7)).extend(factor), vae), wanted(wave(beats)))
    assert_same(exactly(mixed(ll.sine(0.7)).slow(factor), vae), wanted(wave(beats / factor)))
    # Extending each side is extending the mix, as long as the curve is left alone.
    sides = ll.interp(ll.sound(a).extend(factor), ll.sound(b).extend(factor), ll.sine(0.7))
    assert_same(exactly(sides, vae), wanted(wave(beats)))


@pytest.mark.parametrize("factor", STRETCHES)
def test_exact_strategy_3_crops_to_the_shorter(vae, notebook, factor):
    hop = STRETCHES[factor]
    a, b = sounding(5 * WINDOW, 1), sounding(9000, 2)
    wanted = notebook.strategy(a, b[: 5 * WINDOW], 0.5, hop)
    assert_same(exactly(ll.interp(ll.sound(a), ll.sound(b)).extend(factor), vae), wanted)


def test_exact_strategy_3_within_strategy_1(vae, notebook):
    a, b = sounding(4000, 1), sounding(4000, 2)
    wanted = [notebook.strategy(a, b, c, 256) for c in (0, 0.5, 1)]
    texture = ll.steps(ll.sound(a), ll.sound(b), 0, 1, 0.5).extend(4)
    assert_same(exactly(texture, vae), np.concatenate(wanted))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9000), st.sampled_from([1, 2, 4, 8, 16]))
@example(1024, 4)
@example(1025, 4)
@example(1024 + 256, 4)
@example(1024 + 257, 4)
@example(1025, 8)
@example(8192, 8)
@example(300, 4)
def test_exact_lengths_and_windows_for_every_length_of_sound(count, factor):
    """In the toy space a window decodes to itself, so the windows can be compared bit for bit."""
    samples = sounding(count, 3)
    hop = WINDOW // factor
    got = ll.render(ll.sound(samples).extend(factor).spread(0).exact(), model=ToySpace(WINDOW))
    # What is shorter than a window still makes one.
    windows = max(math.ceil(count / hop) - WINDOW // hop + 1, 1)
    assert len(got) == windows * WINDOW
    padded = np.concatenate([samples, np.zeros(2 * WINDOW, np.float32)])
    wanted = [padded[i * hop : i * hop + WINDOW] for i in range(windows)]
    assert np.array_equal(got, np.concatenate(wanted))


def test_exact_extension_wants_a_whole_hop(vae):
    with pytest.raises(ll.ExpressionError, match="a window of 1024 samples cannot be read in"):
        exactly(ll.sound(sounding(4000)).extend(3), vae)


# Real recordings, and the model that is shipped


def recorded(folder, name):
    """Return a recording as one channel."""
    samples, rate = soundfile.read(folder / f"{name}.flac", dtype="float32", always_2d=True)
    assert rate == RATE
    return samples.mean(axis=1)


PAIRS = [("ambi_piano", "ambi_glass_hum"), ("drum_splash_hard", "guit_e_fifths")]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_exact_strategies_on_real_recordings(vae, notebook, recordings, first, second):
    a, b = (recorded(recordings, name) for name in (first, second))
    short = min(len(a), len(b), 40 * WINDOW) // WINDOW * WINDOW
    a, b = a[:short], b[:short]
    count = short // WINDOW
    texture = ll.interp(ll.sound(a), ll.sound(b), ll.saw(0.5))
    amounts = starts(count) / 0.5 % 1.0
    assert_same(exactly(texture, vae), notebook.strategy(a, b, amounts))
    longer = texture.extend(4)
    amounts = starts((count - 1) * 4 + 1) / 0.5 % 1.0
    assert_same(exactly(longer, vae), notebook.strategy(a, b, amounts, 256))
    wanted = [notebook.strategy(a, b, c) for c in np.arange(0, 1.1, 0.2)]
    assert_same(exactly(ll.steps(ll.sound(a), ll.sound(b)), vae), np.concatenate(wanted))


def test_exact_strategy_3_on_a_recording_of_a_corpus(vae, notebook, recordings):
    name = "drum_splash_hard"
    wanted = notebook.decode(notebook.encode(recorded(recordings, name), 128)[0])
    assert_same(exactly(ll.sound(name).extend(8), vae, corpus=recordings), wanted)


def test_exact_strategies_in_the_starter_model():
    model = ll.load_model("rawaudiovae")
    reference = Notebook(model.weights)
    a, b = sounding(20_000, 1), sounding(20_000, 2)
    mix = ll.interp(ll.sound(a), ll.sound(b), [0, 1])
    wanted = reference.strategy(a, b, stretched([0, 1], math.ceil(20_000 / WINDOW)))
    assert_same(exactly(mix, model), wanted)
    count = math.ceil(20_000 / 256) - 3
    wanted = reference.strategy(a, b, stretched([0, 1], count), 256)
    assert_same(exactly(mix.extend(4), model), wanted)


# What is not exact, and what is drawn


@pytest.mark.parametrize("count", [1024, 1025, 6001, 8192])
def test_without_exact_a_sound_keeps_its_samples_and_extend_multiplies_them(vae, count):
    a, b = ll.sound(sounding(count, 1)), ll.sound(sounding(count + 700, 2))
    assert len(ll.render(a, model=vae)) == count
    assert len(ll.render(ll.interp(a, b, ll.sine(1)), model=vae)) == count
    assert len(ll.render(ll.interp(a, b, match="repeat"), model=vae)) == count + 700
    assert len(ll.render(a.extend(4), model=vae)) == 4 * count
    assert len(ll.render(ll.interp(a, b).extend(8), model=vae)) == 8 * count


def test_exact_noise_follows_the_seed(vae):
    texture = ll.interp(ll.sound(sounding(9000, 1)), ll.sound(sounding(9000, 2)), [0, 1]).exact()
    first, again, other = (ll.render(texture, model=vae, seed=s) for s in (3, 3, 4))
    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 100 * CLOSE


def test_exact_noise_is_drawn_anew_for_each_window():
    silent = ll.sound(np.zeros(300 * 64, np.float32)).exact()
    windows = ll.render(silent, model=ToySpace(64)).reshape(-1, 64)
    likeness = np.corrcoef(windows) - np.eye(len(windows))
    assert np.abs(likeness).max() < 0.75  # 44,850 pairs of 64 numbers that have nothing in common
    assert abs(likeness.mean()) < 0.01


@pytest.mark.parametrize(
    ("make", "times"),
    [
        (lambda x: x, 1),
        (lambda x: x.spread(0), 0),
        (lambda x: x.spread(3), 3),
        (lambda x: x.extend(4), 1),
        (lambda x: ll.interp(x, x.spread(4), 0.5), 2.5),
        (lambda x: ll.interp(x, x.spread(4), 0.5, law="logvar"), 2),
        (lambda x: ll.interp(x, x.spread(4), 1.5), 5.5),
        (lambda x: ll.interp(x, x.spread(4), 1.5, law="logvar"), 8),
    ],
)
def test_exact_noise_has_the_std_that_is_mixed(make, times):
    """In the toy space silence decodes to the noise alone."""
    silent = ll.sound(np.zeros(500 * 64, np.float32))
    noise = ll.render(make(silent).exact(), model=ToySpace(64, std=0.0625), seed=5)
    assert abs(noise.mean()) < 0.002 * max(times, 1)
    assert noise.std() == pytest.approx(0.0625 * times, rel=0.02)


@pytest.mark.parametrize(("count_a", "count_b"), [(1500, 5000), (20_000, 7000), (700, 3000)])
def test_exact_crop_is_in_samples_before_padding(vae, notebook, count_a, count_b):
    """What the longer sound holds after the shorter's end is not heard in the last window."""
    a, b = sounding(count_a, 1), sounding(count_b, 2)
    count = min(count_a, count_b)
    for amount in (0, 0.5, 1):
        wanted = notebook.strategy(a[:count], b[:count], amount)
        assert_same(exactly(ll.interp(ll.sound(a), ll.sound(b), amount), vae), wanted)
    steps = [notebook.strategy(a[:count], b[:count], c) for c in np.arange(0, 1.1, 0.2)]
    assert_same(exactly(ll.steps(ll.sound(a), ll.sound(b)), vae), np.concatenate(steps))
    paths = ll.path([ll.sound(a), ll.sound(b)], [0, 1])
    wanted = notebook.strategy(a[:count], b[:count], stretched([0, 1], math.ceil(count / WINDOW)))
    assert_same(exactly(paths, vae), wanted)


@pytest.mark.parametrize("factor", STRETCHES)
def test_exact_crop_before_extension_is_in_samples(vae, notebook, factor):
    hop = STRETCHES[factor]
    a, b = sounding(5500, 1), sounding(9000, 2)
    wanted = notebook.strategy(a, b[:5500], 1, hop)
    for texture in (
        ll.interp(ll.sound(a), ll.sound(b), 1).extend(factor),
        ll.interp(ll.sound(a).extend(factor), ll.sound(b).extend(factor), 1),
        ll.interp(ll.sound(a).slow(factor), ll.sound(b).extend(factor), 1),
    ):
        assert_same(exactly(texture, vae), wanted)


@pytest.mark.parametrize(("short", "long"), [(1500, 5000), (700, 5120), (1024, 5000), (400, 900)])
@pytest.mark.parametrize("hop", [1024, 256])
def test_exact_repeat_is_in_samples_before_padding(vae, notebook, short, long, hop):
    a, b = sounding(short, 1), sounding(max(long, WINDOW), 2)
    again = np.tile(a, math.ceil(len(b) / short))[: len(b)]
    for amount in (0, 0.5):
        for texture, wanted in (
            (
                ll.interp(ll.sound(a), ll.sound(b), amount, match="repeat"),
                notebook.strategy(again, b, amount, hop),
            ),
            (
                ll.interp(ll.sound(b), ll.sound(a), 1 - amount, match="repeat"),
                notebook.strategy(b, again, 1 - amount, hop),
            ),
        ):
            assert_same(exactly(texture.extend(1024 // hop), vae), wanted)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_exact_crop_and_repeat_of_recordings(vae, notebook, recordings, first, second):
    a, b = (recorded(recordings, name) for name in (first, second))
    short, long = min(len(a), len(b)), max(len(a), len(b))
    mix = ll.interp(ll.sound(first), ll.sound(second), [0, 1])
    wanted = notebook.strategy(a[:short], b[:short], stretched([0, 1], math.ceil(short / WINDOW)))
    assert_same(exactly(mix, vae, corpus=recordings), wanted)
    mix = ll.interp(ll.sound(first), ll.sound(second), [0, 1], match="repeat")
    wanted = notebook.strategy(
        *(np.tile(x, math.ceil(long / len(x)))[:long] for x in (a, b)),
        stretched([0, 1], math.ceil(long / WINDOW)),
    )
    assert_same(exactly(mix, vae, corpus=recordings), wanted)


def test_exact_loop_repeats_the_rendering(vae, notebook):
    a = sounding(1500, 1)
    once = notebook.decode(notebook.encode(a)[0])
    assert_same(exactly(ll.sound(a).loop(3), vae), np.tile(once, 3))
    pieces = ll.cat(ll.sound(a), ll.sound(a))
    assert_same(exactly(pieces, vae), np.tile(once, 2))
    assert_same(exactly(ll.interp(ll.sound(a).loop(3), ll.silence, 0), vae), np.tile(once, 3))


def test_exact_extrapolation_of_log_variances_stays_finite():
    """A point has no log-variance, and far outside 0..1 any other explodes."""
    a = ll.sound(sounding(4096, 1) * 0.1)
    for mix in (
        ll.interp(ll.prior(1), a, 6, law="logvar"),
        ll.interp(a, ll.prior(1), -6, law="logvar"),
        ll.interp(a.spread(0), a.spread(9), 60, law="logvar"),
    ):
        assert np.isfinite(ll.render(mix.exact(), model=ll.load_model("rawaudiovae"))).all()
