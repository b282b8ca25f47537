"""The space `spectral`: sounds come back, tones glide, and bits depend on position alone."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from benchmarks.morph import BLIND, FRESH, HELD_OUT, TUNED, Morphing, crossfade
from benchmarks.morph_measures import between
from benchmarks.pieces import count_clicks
from latentlive.spectral import Spectral
from latentlive.spectral.layout import PLACES
from latentlive.starter import synthesise

RATE = 44100
SPACE = Spectral()


def tone(hz, seconds=1.5, amplitude=0.05):
    """Return a tone of twelve harmonics."""
    t = np.arange(int(seconds * RATE)) / RATE
    return sum(amplitude / h * np.sin(2 * np.pi * hz * h * t + h * h) for h in range(1, 13))


def hiss(seconds=1.5, amplitude=0.1):
    return amplitude * np.random.default_rng(0).standard_normal(int(seconds * RATE))


def level(x):
    return 10 * np.log10(np.mean(np.square(x)) + 1e-20)


def heard(x, near):
    """Return the frequency of the strongest partial within half an octave [Hz]."""
    x = x[len(x) // 4 : len(x) // 4 * 3]
    size = 1 << 20
    power = np.abs(np.fft.rfft(x * np.hanning(len(x)), size))
    hz = np.arange(len(power)) * RATE / size
    power[(hz < near / 1.4) | (hz > near * 1.4)] = 0
    return hz[power.argmax()]


def cents(a, b):
    return 1200 * abs(np.log2(a / b))


@pytest.fixture(scope="module")
def morphing():
    return Morphing(SPACE)


@pytest.fixture(scope="module")
def vectors(morphing):
    """Some hundred vectors half-way from a tone to noise and back."""
    a, b = morphing.encoded(tone(220)), morphing.encoded(hiss())
    t = (0.5 + 0.5 * np.sin(np.arange(len(a)) / 9))[:, None].astype(np.float32)
    return (1 - t) * a + t * b


def test_it_imports_no_torch_and_no_scipy_and_does_nothing():
    code = (
        "import sys, latentlive.spectral; "
        "print([m for m in ('torch', 'scipy', 'onnxruntime') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("make", [lambda: tone(220), lambda: tone(98), hiss])
def test_a_sound_comes_back(morphing, make):
    x = make()
    y = morphing.morph(x, x, 0.0)
    assert abs(level(y[4096:-4096]) - level(x[4096:-4096])) < 0.5


@pytest.mark.parametrize("hz", [98.0, 220.0, 987.8])
def test_a_tone_keeps_its_pitch(morphing, hz):
    x = tone(hz)
    assert cents(heard(morphing.morph(x, x, 0.0), hz), hz) < 5


def test_between_two_tones_lies_the_tone_between_and_neither_of_them(morphing):
    a, b = tone(220), tone(330)
    y = morphing.morph(a, b, 0.5)
    middle = np.sqrt(220 * 330)
    assert cents(heard(y, middle), middle) < 10
    row = between(a, b, [np.asarray(morphing.morph(a, b, t / 8)) for t in range(9)])
    assert row["p_hit"] > 0.97
    assert row["p_both"] == 0.0
    assert abs(row["dip"]) < 1.0


def test_a_bell_turns_into_a_tone_whose_pitch_begins_at_its_own(morphing):
    bell = synthesise("temple-bell")[: int(1.5 * RATE)].astype(np.float64)
    b = tone(470)
    row = between(bell, b, [np.asarray(morphing.morph(bell, b, t / 8)) for t in range(9)])
    assert row["p_hit"] > 0.8
    z = morphing.encoded(bell)[60]
    assert z[PLACES["voiced"]] > 0.9
    assert z[PLACES["harmonic"]] < 0.1


def test_bits_depend_on_position_alone_in_any_chunking_and_order(vectors):
    block, reach = SPACE.block, SPACE.behind + SPACE.block + SPACE.ahead
    firsts = [0, block, 2 * block]
    parts = {f: vectors[f : f + reach] for f in firsts}
    whole = np.concatenate(
        [SPACE.synthesize([(SPACE.prepare(z, f, 7), 0, block)]) for f, z in parts.items()]
    )
    again = {f: SPACE.prepare(z.copy(), f, 7) for f, z in reversed(parts.items())}
    rng = np.random.default_rng(1)
    for _ in range(30):
        wanted = []
        for _ in range(rng.integers(1, 6)):
            f = firsts[rng.integers(3)]
            a = int(rng.integers(0, block))
            wanted.append((f, a, int(rng.integers(a, block)) + 1))
        got = SPACE.synthesize([(again[f], a, b) for f, a, b in wanted])
        assert np.array_equal(got, np.concatenate([whole[f + a : f + b] for f, a, b in wanted]))


def test_a_page_has_the_same_bits_whatever_was_encoded_before(morphing):
    samples = np.zeros(SPACE.page_samples(SPACE.page), np.float32)
    samples[: len(tone(220))] = tone(220)[: len(samples)]
    once = SPACE.encode_page(samples)
    SPACE.encode_page(np.roll(samples, 777))
    assert np.array_equal(SPACE.encode_page(samples.copy()), once)


@pytest.mark.parametrize("name", ["gong", "rain", "tenor", "clock", "typewriter"])
def test_a_short_page_holds_what_a_whole_one_holds_there(name):
    whole = np.zeros(SPACE.page_samples(SPACE.page), np.float32)
    sound = synthesise(name)[: len(whole)]
    whole[: len(sound)] = sound
    z = SPACE.encode_page(whole)
    for first in (40, 101, 160):
        part = whole[first * SPACE.hop :][: SPACE.page_samples(SPACE.short)]
        assert np.array_equal(SPACE.encode_page(part), z[first : first + SPACE.short])
    assert z.any()


def test_pages_meet(morphing):
    """A steady tone has the same vectors on both sides of a page's border."""
    z = morphing.encoded(tone(220, seconds=3.5))
    step = np.abs(np.diff(z[:, [PLACES["pitch"].start, PLACES["voiced"].start]], axis=0)).max(1)
    assert step[200:300].max() < 1e-3


def test_noise_is_another_with_another_key_and_the_same_with_the_same(vectors):
    z = vectors[: SPACE.block + SPACE.ahead]
    one, same, other = (SPACE.synthesize([(SPACE.prepare(z, 64, k), 0, 9)]) for k in (3, 3, 4))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_hours_away_it_costs_and_sounds_the_same(morphing):
    z = morphing.encoded(tone(220))[100 : 101 + SPACE.block]
    far = 10 * 3600 * RATE // SPACE.hop // SPACE.block * SPACE.block
    out = SPACE.synthesize([(SPACE.prepare(z, far, 1), 0, SPACE.block)])
    near = SPACE.synthesize([(SPACE.prepare(z, 0, 1), 0, SPACE.block)])
    assert abs(level(out) - level(near)) < 0.5


def test_blocks_meet_without_a_click(morphing):
    """Where a block ends, the level of a gliding tone moves as little as elsewhere."""
    a, b = morphing.encoded(tone(150, 2.5)), morphing.encoded(tone(400, 2.5))
    t = np.linspace(0, 1, len(a), dtype=np.float32)[:, None]
    y = morphing.decoded((1 - t) * a + t * b)
    steps = np.array([level(x) for x in np.resize(y, (len(y) // 512, 512))])[20:-40]
    assert np.abs(np.diff(steps)).max() < 3.0
    slopes = np.abs(np.diff(y))
    assert slopes[8192:-8192].max() < 3 * np.quantile(slopes[8192:-8192], 0.99)


@pytest.mark.parametrize("name", ["thunder-far", "rumble", "thunder", "gong-low"])
def test_what_rumbles_does_not_crackle(morphing, name):
    x = synthesise(name).astype(np.float64)
    y = morphing.decoded(morphing.encoded(x))[: len(x)]
    assert count_clicks(y, RATE) <= count_clicks(x, RATE) + 1


def test_silence_is_the_zero_vector_and_only_lowers_a_sound(morphing):
    assert not SPACE.encode_page(np.zeros(SPACE.page_samples(SPACE.page), np.float32)).any()
    assert not SPACE.silence.any()
    z = morphing.encoded(tone(220))
    quiet = np.zeros((SPACE.block + SPACE.ahead, SPACE.dims), np.float32)
    assert not SPACE.synthesize([(SPACE.prepare(quiet, 0, 1), 0, SPACE.block)]).any()
    half = morphing.decoded(0.5 * z + 0.5 * SPACE.silence)
    assert cents(heard(half, 220), 220) < 5
    assert -40 < level(half) - level(tone(220)) < -10


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1.0, 1e3, 1e30, np.inf, np.nan])
def test_any_vector_gives_finite_samples(scale):
    rng = np.random.default_rng(2)
    with np.errstate(all="ignore"):
        z = (rng.standard_normal((SPACE.block + SPACE.ahead, SPACE.dims)) * scale).astype("f4")
    z[3] = np.nan
    with np.errstate(all="raise", under="ignore"):
        windows = SPACE.synthesize([(SPACE.prepare(z, 0, 1), 0, SPACE.block)])
    assert windows.shape == (SPACE.block, 1, SPACE.window)
    assert windows.dtype == np.float32
    assert np.isfinite(windows).all()
    assert np.abs(windows).max() < 100


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(0),
        np.ones(1),
        np.full(RATE, 0.5),
        np.sign(np.sin(np.arange(RATE) / 30)),
        np.clip(5 * tone(200, 0.5, 1.0), -1, 1),
        tone(440, 0.02, 0.5),
        np.r_[np.zeros(5000), 1.0, np.zeros(5000)],
        np.full(3000, np.nan),
        np.full(3000, 1e30),
        tone(30, 0.5),
        tone(15000, 0.5) * 1e-5,
    ],
    ids=str.split("empty one dc square clipped 20ms click nan huge 30hz faint"),
)
def test_extreme_sounds_are_encoded_and_come_back_finite(sound):
    morphing = Morphing(SPACE)
    with np.errstate(all="raise", under="ignore"):
        y = morphing.decoded(morphing.encoded(sound))
    assert np.isfinite(morphing.encoded(sound)).all()
    assert np.isfinite(y).all()
    assert np.abs(y).max() < 16


@pytest.mark.parametrize("hz", [110.0, 220.0, 440.0, 1000.0])
def test_a_pitch_that_is_set_is_in_tune_to_10_cents(morphing, hz):
    z = SPACE.axes["pitch"](morphing.encoded(tone(261.6)), hz)
    assert cents(heard(morphing.decoded(z), hz), hz) < 10


def test_transposing_moves_pitch_and_noise_alike(morphing):
    z = SPACE.axes["transpose"](morphing.encoded(tone(220)), 7)
    assert cents(heard(morphing.decoded(z), 329.63), 329.63) < 10
    z = morphing.encoded(hiss())
    up = SPACE.axes["transpose"](z, 12)
    positions = PLACES["position"]
    np.testing.assert_allclose(up[:, positions], z[:, positions] + 1, atol=1e-5)


def test_levels_are_set_in_db(morphing):
    z = morphing.encoded(tone(220))
    plain = level(morphing.decoded(z)[8192:-8192])
    louder = level(morphing.decoded(SPACE.axes["gain"](z, -12))[8192:-8192])
    assert abs(louder - plain + 12) < 0.3
    assert abs(level(morphing.decoded(SPACE.axes["loudness"](z, -30))[8192:-8192]) + 30) < 0.7


def test_noise_that_is_voiced_has_the_pitch_that_is_asked_for(morphing):
    z = SPACE.axes["pitch"](SPACE.axes["voiced"](morphing.encoded(hiss()), 1), 330)
    assert cents(heard(morphing.decoded(z), 330), 330) < 10


def test_axes_leave_silence_silent_and_take_any_number():
    z = np.zeros((SPACE.block + SPACE.ahead, SPACE.dims), np.float32)
    for axis in SPACE.axes.values():
        for value in (0.0, -1e9, 1e9, np.nan, np.inf):
            with np.errstate(all="raise", under="ignore"):
                out = axis(z, value)
            assert not SPACE.synthesize([(SPACE.prepare(out, 0, 1), 0, SPACE.block)]).any()


def test_a_crossfade_is_told_from_a_morph():
    a, b = tone(220), tone(330)
    row = between(a, b, [crossfade(a, b, t / 8) for t in range(9)])
    assert row["p_hit"] < 0.2
    assert row["novelty"] < 0.15


def test_the_pairs_that_were_tuned_on_are_not_those_that_are_held_out():
    tuned = {name for pair in TUNED for name in pair}
    assert not tuned & {name for pair in (*HELD_OUT, *FRESH, *BLIND) for name in pair}


def test_noise_is_turned_for_the_sides_of_a_wide_texture(morphing):
    z = morphing.encoded(hiss())[: SPACE.block + SPACE.ahead]

    def drawn(turn):
        return SPACE.synthesize([(SPACE.prepare(z, 0, 1, turn), 0, SPACE.block)]).ravel()

    plain, left, right = (drawn(turn) for turn in (0.0, np.pi / 4, -np.pi / 4))
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.1
    assert np.corrcoef(plain, left)[0, 1] == pytest.approx(np.sqrt(0.5), abs=0.1)
    assert np.std(left) == pytest.approx(np.std(plain), rel=0.1)
