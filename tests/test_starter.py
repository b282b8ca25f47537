"""The starter corpus: every sound is playable, repeatable and unlike the others."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from latentlive.starter import FAMILIES, NAMES, synthesise

RATE = 44100
Corpus = dict[str, NDArray[np.float32]]


@pytest.fixture(scope="module")
def timed() -> tuple[Corpus, float]:
    start = time.process_time()
    corpus = {name: synthesise(name) for name in NAMES}
    return corpus, time.process_time() - start


@pytest.fixture(scope="module")
def corpus(timed: tuple[Corpus, float]) -> Corpus:
    return timed[0]


def spectrum(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean power in 2048-sample Hann frames, 1025 bins."""
    frames = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), 2048)[::1024]
    power: NDArray[np.float64] = np.mean(
        np.abs(np.fft.rfft(frames * np.hanning(2048))) ** 2, axis=0
    )
    return power


def centroid(x: NDArray[np.float32]) -> float:
    power = spectrum(x)
    return float(np.dot(power, np.linspace(0, RATE / 2, power.size)) / power.sum())


def flatness(x: NDArray[np.float32]) -> float:
    power = spectrum(x)[5:700] + 1e-15
    return float(np.exp(np.mean(np.log(power))) / np.mean(power))


def bands(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Level in dB of 24 log-spaced bands, by quarter of the sound: a coarse fingerprint."""
    edges = np.unique(np.geomspace(2, 1024, 25).astype(int))
    quarters = []
    for part in np.array_split(x, 4):
        power = np.add.reduceat(spectrum(part), edges[:-1])
        quarters.append(10 * np.log10(power + 1e-6))
    return np.concatenate(quarters)


def test_there_are_enough_sounds_with_names_easy_to_type() -> None:
    assert len(NAMES) >= 160
    assert len(set(NAMES)) == len(NAMES)
    assert {"gong", "rain"} <= set(NAMES)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)?(-?[a-g]?[0-9])?", name) for name in NAMES)
    assert max(map(len, NAMES)) <= 14


def test_families_partition_the_names_in_order() -> None:
    expected = {
        "struck", "plucked", "bowed", "blown", "vocal", "bells", "noise", "machines", "weather",
    }  # fmt: skip
    assert set(FAMILIES) == expected
    assert tuple(name for family in FAMILIES.values() for name in family) == NAMES
    assert all(len(family) >= 15 for family in FAMILIES.values())


@pytest.mark.parametrize("name", ["", "no-such-sound", "Gong"])
def test_an_unknown_name_is_a_key_error(name: str) -> None:
    with pytest.raises(KeyError):
        synthesise(name)


def test_form_length_and_level(corpus: Corpus) -> None:
    for name, x in corpus.items():
        assert x.dtype == np.float32, name
        assert x.ndim == 1, name
        assert 1.0 <= x.size / RATE <= 6.0, name
        assert np.isfinite(x).all(), name
        assert 0.45 <= np.abs(x).max() <= 0.9, name


def test_no_dc(corpus: Corpus) -> None:
    for name, x in corpus.items():
        assert abs(float(np.mean(x, dtype=np.float64))) < 1e-4, name


def test_loudness_stays_within_reach_of_one_fader(corpus: Corpus) -> None:
    level = {n: 10 * np.log10(np.mean(np.square(x, dtype=np.float64))) for n, x in corpus.items()}
    middle = float(np.median(list(level.values())))
    assert all(abs(v - middle) < 9.0 for v in level.values()), level


def test_no_click_at_either_end(corpus: Corpus) -> None:
    for name, x in corpus.items():
        assert abs(x[0]) < 1e-3, name
        assert abs(x[-1]) < 1e-3, name
        # The last 5 ms are all but silent, and the first step is far from a jump to full scale.
        assert np.abs(x[-220:]).max() < 0.01, name
        assert np.abs(np.diff(x[:8])).max() < 0.1, name


def test_sound_starts_soon_and_lasts(corpus: Corpus) -> None:
    for name, x in corpus.items():
        loud = np.flatnonzero(np.abs(x) > 0.02)
        assert loud[0] < 0.6 * RATE, name
        assert loud[-1] - loud[0] > 0.15 * RATE, name


def test_same_name_same_bits_in_any_order(corpus: Corpus) -> None:
    again = np.random.default_rng(5).permutation(np.array(NAMES))[:60].tolist()
    for name in again:
        assert synthesise(name).tobytes() == corpus[name].tobytes(), name


def test_caller_random_state_neither_matters_nor_moves() -> None:
    np.random.seed(1)
    first = synthesise("rain")
    drawn = np.random.random()
    np.random.seed(1)
    assert np.random.random() == drawn
    assert synthesise("rain").tobytes() == first.tobytes()


def test_a_caller_may_change_what_it_gets(corpus: Corpus) -> None:
    mine = synthesise("claves")
    mine[:] = 0.0
    assert synthesise("claves").tobytes() == corpus["claves"].tobytes()


def test_no_two_sounds_are_alike(corpus: Corpus) -> None:
    prints = np.array([bands(x) for x in corpus.values()])
    away = np.sqrt(np.mean((prints[:, None, :] - prints[None, :, :]) ** 2, axis=2))
    np.fill_diagonal(away, np.inf)
    one, two = np.unravel_index(int(np.argmin(away)), away.shape)
    assert away[one, two] > 2.0, (NAMES[one], NAMES[two])


def test_the_corpus_covers_dark_to_bright_and_tone_to_noise(corpus: Corpus) -> None:
    bright = np.array([centroid(x) for x in corpus.values()])
    assert np.quantile(bright, 0.1) < 350.0
    assert np.quantile(bright, 0.9) > 3500.0
    rough = np.array([flatness(x) for x in corpus.values()])
    assert np.quantile(rough, 0.1) < 1e-3
    assert np.quantile(rough, 0.95) > 0.2


def test_families_sound_like_families(corpus: Corpus) -> None:
    def typical(family: str, measure: object) -> float:
        assert callable(measure)
        return float(np.median([measure(corpus[name]) for name in FAMILIES[family]]))

    def early(x: NDArray[np.float32]) -> float:
        energy = np.cumsum(np.square(x, dtype=np.float64))
        return float(energy[x.size // 4] / energy[-1])

    for noisy in ("noise", "weather"):
        for tonal in ("plucked", "bells", "blown", "vocal"):
            assert typical(noisy, flatness) > 5.0 * typical(tonal, flatness)
    for sudden in ("struck", "plucked", "bells"):
        assert typical(sudden, early) > 0.75
    for held in ("bowed", "blown", "vocal", "weather"):
        assert typical(held, early) < 0.45


def test_the_note_in_a_name_is_the_note_heard(corpus: Corpus) -> None:
    notes = {"flute-a4": 440.0, "violin-a4": 440.0, "oboe-a4": 440.0, "harp-c5": 523.25}
    notes |= {"kalimba-c4": 261.63, "nylon-e3": 164.81, "clarinet-d3": 146.83}
    for name, hz in notes.items():
        x = corpus[name].astype(np.float64)
        power = np.abs(np.fft.rfft(x * np.hanning(x.size)))
        f = np.fft.rfftfreq(x.size, 1 / RATE)
        near = (f > hz * 0.94) & (f < hz * 1.06)
        heard = f[near][np.argmax(power[near])]
        assert abs(1200 * np.log2(heard / hz)) < 25.0, (name, heard)
        assert power[near].max() > 20.0 * np.median(power), name


def test_the_whole_corpus_is_quick_to_make(timed: tuple[Corpus, float]) -> None:
    corpus, seconds = timed
    assert sum(x.size for x in corpus.values()) / RATE > 400.0
    assert seconds < 60.0  # about 15 s of one ordinary core; the margin is for a busy machine
