"""Stereo recordings keep their two channels: in the cache, in what plays them, and in files."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import latentlive as ll
from latentlive.cli import main
from latentlive.corpus import Audio, Corpus, audio_digest, read_audio, recording
from latentlive.corpus.choosing import excerpts
from latentlive.corpus.grabbed import keep_grabbed
from latentlive.corpus.reading import joined
from latentlive.corpus.streams import streamed
from latentlive.errors import ExpressionError, SoundError
from latentlive.expr import dump, load
from latentlive.latent import Sound
from latentlive.latent.studying import Learner
from latentlive.models import load_model
from latentlive.renderer import Channels, Rendering, Spaces, channels_of, corpus_sounds
from latentlive.renderer.freezing import Here, crossed
from latentlive.space import ToySpace
from tests.spaces import KINDS, home
from tests.strategies import SHORT, SOUNDS, SPACE, latents

RNG = np.random.default_rng(11)
RATE = 44100
LEFT, RIGHT = ((RNG.standard_normal(RATE) * 0.2).astype("f4") for _ in range(2))
BOTH = np.stack([LEFT, RIGHT], axis=1)
SILENT = np.zeros(RATE, "f4")
HARD = np.stack([LEFT, SILENT], axis=1)
"""All of it is left."""

MONO = ll.sound(LEFT)
STEREO = ll.sound(BOTH)
calm = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    """A cache for each test."""
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "sounds"
    folder.mkdir()
    soundfile.write(folder / "both.wav", BOTH, RATE, "FLOAT")
    soundfile.write(folder / "hard.wav", HARD, RATE, "FLOAT")
    soundfile.write(folder / "one.wav", LEFT, RATE, "FLOAT")
    soundfile.write(folder / "twice.wav", np.stack([LEFT, LEFT], axis=1), RATE, "FLOAT")
    soundfile.write(folder / "four.wav", np.hstack([BOTH, BOTH / 2]), RATE, "FLOAT")
    return folder


# In the cache.


@pytest.mark.parametrize("rate", [RATE, 48000])
def test_a_file_with_two_channels_is_left_right_and_the_mix_that_there_always_was(corpus, rate):
    for _ in range(2):  # decoded, and from the cache
        audio = read_audio(corpus / "both.wav", rate)
        left, right = audio.sides
        assert audio.channels == 2
        assert len(left.samples) == len(right.samples) == len(audio.samples)
        alone = [soundfile.read(corpus / "both.wav", dtype="float32")[0][:, i] for i in (0, 1)]
        for side, samples in zip((left, right), alone, strict=True):
            single = corpus / "single.wav"
            soundfile.write(single, samples, RATE, "FLOAT")
            as_alone = read_audio(single, rate)
            assert side.digest == as_alone.digest
            assert side.peak == as_alone.peak == np.abs(as_alone.samples).max()
            single.unlink()
    if rate == RATE:
        assert np.array_equal(left.samples, LEFT)
        assert audio.digest == audio_digest(BOTH.mean(axis=1))


def test_the_digest_of_the_mix_is_the_one_that_mono_versions_gave_it(corpus):
    mixed = soundfile.read(corpus / "both.wav", dtype="float32")[0].mean(axis=1)
    digest = hashlib.blake2b(np.ascontiguousarray(mixed).tobytes(), digest_size=16).hexdigest()
    audio = read_audio(corpus / "both.wav", RATE)
    assert audio.recording.split() == [digest, *(side.digest for side in audio.sides)]
    assert np.array_equal(recording(digest).samples, audio.samples)
    assert recording(digest).channels == 1


def test_one_channel_two_that_are_the_same_and_four_are_one(corpus, tmp_path):
    for name in ("one", "twice"):
        audio = Corpus(corpus).audio(name, RATE)
        assert audio.channels == 1
        assert np.array_equal(audio.samples, LEFT)
    kept = list((tmp_path / "cache" / "audio").glob("*.npy"))
    assert [path.name for path in kept] == [f"{audio.digest}.npy"]
    four = Corpus(corpus).audio("four", RATE)
    assert four.channels == 1
    assert np.allclose(four.samples, BOTH.mean(axis=1) * 0.75, atol=1e-6)


def test_a_recording_is_found_by_what_it_tells_and_nothing_else_is(corpus):
    audio = read_audio(corpus / "both.wav", RATE)
    again = recording(audio.recording)
    assert [side.digest for side in again.sides] == [side.digest for side in audio.sides]
    short = joined([audio.part(0, 100)])
    for told in (
        " ".join(audio.recording.split()[:2]),
        audio.recording.replace(audio.sides[1].digest, "0" * 32),
        f"{audio.recording} {audio.digest}",
        "",
        "../secret",
    ):
        with pytest.raises(SoundError):
            recording(told)
    assert short.channels == 2


def test_a_damaged_side_is_decoded_again(corpus, tmp_path, capsys):
    audio = read_audio(corpus / "both.wav", RATE)
    path = tmp_path / "cache" / "audio" / f"{audio.sides[1].digest}.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert np.array_equal(read_audio(corpus / "both.wav", RATE).sides[1].samples, RIGHT)
    assert not list((tmp_path / "cache" / "audio").glob(".*"))


def test_joined_sounds_parts_and_excerpts_keep_their_channels(corpus, tmp_path):
    both, one = (Corpus(corpus).audio(name, RATE) for name in ("both", "one"))
    for _ in range(2):
        together = joined([both, one])
        left, right = together.sides
        assert np.array_equal(left.samples, np.concatenate([LEFT, LEFT]))
        assert np.array_equal(right.samples, np.concatenate([RIGHT, LEFT]))
    assert joined([one, one]).channels == 1
    part = both.part(100, 50)
    assert np.array_equal(part.sides[1].samples, RIGHT[100:150])
    found = excerpts(Corpus(corpus), RATE, print, 5)
    assert found.channels == 2
    assert len(found.sides[0].samples) == len(found.samples) == 5 * RATE // 2


def test_what_measures_recordings_hears_the_mix(corpus):
    whole = np.concatenate(list(streamed(corpus / "both.wav", RATE, block=999)))
    assert np.array_equal(whole, BOTH.mean(axis=1))


def test_a_grabbed_sound_has_one_channel(corpus):
    path = keep_grabbed(LEFT, RATE, "door", None)
    assert read_audio(path, RATE).channels == 1


# As arrays.


def test_an_array_of_two_channels_is_a_stereo_recording_and_others_are_refused():
    assert channels_of(STEREO, SOUNDS) == 2
    assert load(dump(STEREO)) == STEREO
    assert ll.sound(np.int16([[16384, -32768]])).source.tolist() == [[0.5, -1.0]]
    little = ll.sound([[0.5, -1.0], [0.25, 0.0]])
    assert eval(repr(little), {"sound": ll.sound}) == little
    for wrong in (BOTH.T, BOTH[:, :, None], np.zeros((0, 2))):
        with pytest.raises(ExpressionError, match="sound: source must"):
            ll.sound(wrong)


# What plays it.


def test_what_is_left_stays_left():
    for space in (ToySpace(), *(load_model(name) for name in ("rawaudiovae", "spectral"))):
        samples = ll.render(ll.sound(HARD).spread(0), 0.5, model=space)
        left, right = np.sqrt(np.mean(samples.astype(np.float64) ** 2, axis=0))
        assert left > 0.05, space.name
        assert right < left / 30.0, space.name


def test_a_mono_texture_renders_as_it_always_did_and_a_stereo_one_in_two_channels():
    mono = ll.render(MONO.extend(2), model=SPACE)
    assert mono.ndim == 1
    assert np.array_equal(mono, Rendering(MONO.extend(2), SPACE, SOUNDS).samples(0, len(mono)))
    for texture in (
        STEREO,
        ll.interp(MONO, STEREO, 0.5),
        ll.cat(MONO, STEREO),
        STEREO.slice(0, 0.2).loop(3),
        STEREO.hits("x..x"),
        ll.follow(ll.sine(4), STEREO.loop(3)),
        STEREO.norm(),
        STEREO.overlap(2),
    ):
        assert ll.render(texture, 0.3, model=SPACE).shape == (round(0.3 * RATE), 2), texture
    for texture in (STEREO.mono(), STEREO.exact(), MONO.quantise(2, by=STEREO), ll.prior(1)):
        assert ll.render(texture, 0.3, model=SPACE).shape == (round(0.3 * RATE),), texture


def test_mono_plays_the_mix():
    mixed = ll.sound(BOTH.mean(axis=1))
    assert np.array_equal(
        ll.render(STEREO.extend(2).mono(), model=SPACE), ll.render(mixed.extend(2), model=SPACE)
    )
    assert np.array_equal(
        ll.render(STEREO.exact(), model=SPACE), ll.render(mixed.exact(), model=SPACE)
    )
    with pytest.raises(ExpressionError, match=r"mono: \.mono\(\) is set already"):
        STEREO.mono().norm().mono()
    with pytest.raises(ExpressionError, match="stands at the root"):
        ll.interp(STEREO.mono(), MONO)
    assert repr(STEREO.mono().norm()).endswith(".mono().norm()")


def test_a_mono_sound_in_a_stereo_texture_is_the_same_in_both_channels():
    samples = ll.render(ll.cat(MONO, STEREO).spread(0), model=SPACE)
    assert np.array_equal(samples[: RATE - 64, 0], samples[: RATE - 64, 1])
    assert not np.array_equal(samples[RATE + 64 :, 0], samples[RATE + 64 :, 1])


def test_each_channel_has_noise_of_its_own():
    still = np.zeros((RATE, 2), "f4")
    still[0] = 1e-6, 2e-6  # else both were one
    noise = ll.render(ll.sound(still), 1, model=SPACE)
    left, right = noise.T
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.05
    assert np.isclose(left.std(), right.std(), rtol=0.1)


def test_norm_brings_both_channels_up_by_one_gain():
    uneven = np.stack([LEFT, RIGHT / 8], axis=1)
    plain, normal = (
        ll.render(texture, model=SPACE)
        for texture in (ll.sound(uneven).spread(0), ll.sound(uneven).spread(0).norm())
    )
    gain = normal[1000:2000] / plain[1000:2000]
    assert np.allclose(gain, gain[0, 0], rtol=1e-4)
    assert np.isclose(20 * np.log10(np.sqrt(np.mean(normal**2))), -20, atol=1)


def test_a_recording_of_another_rate_keeps_its_channels():
    spaces, name = home("22.05 kHz")
    samples = Channels(ll.sound(HARD).spread(0).on(name), spaces, SOUNDS).samples(0, RATE // 2)
    left, right = np.abs(samples).max(axis=0)
    assert left > 0.1
    assert right == 0.0


# The same places.


@pytest.mark.parametrize("stretch", [1, 4])
def test_a_stretched_recording_is_aligned_once_for_both_channels(stretch):
    spaces = Spaces(load_model("rawaudiovae"))
    mix = LEFT.cumsum(dtype=np.float64).astype("f4") % 1 * 0.2
    weighed = np.stack([mix * np.float32(1.5), mix * np.float32(0.5)], axis=1)
    spaces = Spaces(ToySpace(1024))
    texture = ll.sound(weighed).extend(stretch).spread(0)
    samples = Channels(texture, spaces, SOUNDS).samples(0, RATE)
    plain = Rendering(ll.sound(mix).extend(stretch).spread(0), spaces, SOUNDS).samples(0, RATE)
    for channel, share in ((0, 1.5), (1, 0.5)):
        assert np.allclose(samples[:, channel], plain * share, atol=2e-3)
    assert len(spaces._alignments) == (stretch > 1)


def test_what_is_learned_is_learned_of_the_mix_once():
    texture, mixed = STEREO.quantise(3, by=STEREO), ll.sound(BOTH.mean(axis=1))
    spaces, others = Spaces(SPACE), Spaces(SPACE)
    both = Channels(texture.spread(0), spaces, SOUNDS).samples(0, 4000)
    Rendering(mixed.quantise(3, by=mixed), others, SOUNDS).samples(0, 4000)
    (learned,), (expected,) = (list(one.lessons._known.values()) for one in (spaces, others))
    assert np.array_equal(learned.codes.centres, expected.codes.centres)
    assert not np.array_equal(both[:, 0], both[:, 1])


class Sided:
    """The sounds of the laws, each with two channels; or with one of these alone."""

    def __init__(self, channel=None):
        self.channel, self.atlas = channel, SOUNDS.atlas

    def __call__(self, sound):
        mix = SOUNDS(sound)
        if not isinstance(sound, Sound) or isinstance(sound.source, str):
            return mix
        shift = np.roll(mix.samples, 3) * np.float32(0.5)
        sides = tuple(Audio(one, audio_digest(one)) for one in (mix.samples - shift, shift))
        if self.channel is not None:
            return sides[self.channel]
        return Audio(mix.samples, mix.digest, sides=sides)


def plays_arrays(texture):
    """Keep what has a stereo recording in it, and learns nothing."""
    assume(channels_of(texture, Sided()) == 2)
    assume(not any(isinstance(node, Learner) for node in texture.walk()))


@calm
@given(texture=latents)
def test_each_channel_is_what_a_recording_of_that_channel_alone_gives(texture):
    plays_arrays(texture)
    both = Channels(texture, Spaces(SPACE), Sided(), align=False)
    total = min(both.length or 2000, 2000)
    for channel, side in ((0, -1.0), (1, 1.0)):
        told = {"side": side, "align": False}
        alone = Rendering(texture, Spaces(SPACE), Sided(channel), **told).samples(0, total)
        assert np.array_equal(both.samples(0, total)[:, channel], alone)


@pytest.mark.parametrize("kind", KINDS)
@settings(calm, max_examples=8)
@given(texture=latents, chunk=st.integers(1, 299), start=st.integers(0, 1900))
def test_law_1_2_and_10_hold_for_two_channels(kind, texture, chunk, start):
    assume(channels_of(texture, Sided()) == 2)
    spaces, name = home(kind)
    texture = texture.on(name) if name else texture
    both, again = (Channels(texture, spaces, Sided()) for _ in range(2))
    total = min(both.length or 2000, 2000)
    whole = both.samples(0, total)
    parts = [again.samples(a, min(a + chunk, total)) for a in range(0, total, chunk)]
    assert np.array_equal(np.concatenate(parts), whole)
    start %= total
    assert np.array_equal(
        again.samples(start, start + 50)[: total - start], whole[start : start + 50]
    )


def test_law_9_hour_ten_of_two_channels_costs_what_the_first_second_costs():
    both = Channels(
        ll.interp(ll.sound(SHORT[2]).loop(), STEREO.loop(), ll.perlin(3)), SPACE, SOUNDS
    )
    counts = []
    for start in (0, 10 * 3600 * RATE + 17):
        requests = [one.request(start, start + RATE) for one in both.renderings]
        counts.append(sum(request.windows for request in requests))
        both.samples(start, start + RATE)
    assert abs(counts[1] - counts[0]) <= 2


# Files.


def test_render_writes_a_stereo_file(corpus, tmp_path):
    for suffix in ("wav", "flac"):
        file = tmp_path / f"out.{suffix}"
        code = 'cat(sound("hard"), sound("one")).spread(0)'
        told = ["render", code, "-o", str(file), "--model", "toy", "--corpus", str(corpus)]
        result = CliRunner().invoke(main, told)
        assert result.exit_code == 0, result.output
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        assert samples.shape == (2 * RATE, 2)
        assert rate == RATE
        assert np.abs(samples[: RATE - 2000, 1]).max() < 1e-3 < np.abs(samples[:, 0]).max()


def test_a_frozen_sound_of_a_stereo_texture_is_stereo(corpus, monkeypatch):
    here = Here("toy", corpus)
    monkeypatch.setattr("latentlive.renderer.freezing.HERE", here)
    frozen = ll.sound("both").loop().frozen("river", seconds=0.5)
    found = ll.render(frozen, model="toy", corpus=corpus)
    assert found.shape == (RATE // 2, 2)
    plain = ll.render(ll.sound("both"), 0.5, model="toy", corpus=corpus)
    assert np.array_equal(found[RATE // 4 :], plain[RATE // 4 :])
    single = ll.sound("one").frozen("brook")
    assert ll.render(single, model="toy", corpus=corpus).ndim == 1


def test_what_crosses_over_does_so_by_one_law_in_both_channels():
    same = crossed(BOTH[:500], BOTH[:500])
    assert np.allclose(same, BOTH[:500], atol=1e-6)
    mixed = crossed(BOTH[:500], BOTH[500:1000])
    assert mixed.shape == (500, 2)
    assert np.allclose(mixed[0], BOTH[0], atol=1e-2)


def test_a_sound_that_is_too_loud_in_one_channel_is_told(corpus, tmp_path):
    soundfile.write(corpus / "loud.wav", BOTH * (9.0, 0.01), RATE, "FLOAT")
    said = []
    corpus_sounds(Corpus(corpus), RATE, said.append)(ll.sound("loud"))
    assert len(said) == 1
    assert "dB above full scale" in said[0]
