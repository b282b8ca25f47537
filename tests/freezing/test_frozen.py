"""Frozen sounds: rendered once, whole, without a seam, and found by name ever after."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.corpus import frozen as shelf
from latentlive.latent import On
from latentlive.models import RawAudioVAE, save_model
from latentlive.renderer.freezing import Here, crossed, freeze
from latentlive.renderer.frozen import as_played, to_freeze
from tests.conftest import random_weights
from tests.freezing.conftest import NOISE, RATE, WORN, frozen_here, held, samples_of

# What is frozen.


@pytest.mark.parametrize("model", ["toy", "rawaudiovae", "spectral", "spectralvae"])
@pytest.mark.parametrize("kind", ["recorded", "mixed", "endless"])
def test_a_frozen_sound_holds_the_samples_of_its_texture_in_every_space(model, kind, corpus):
    gong = ll.sound("gong")
    texture, seconds = {
        "recorded": (gong.extend(2).spread(0.5).norm(), None),
        "mixed": (ll.interp(gong, gong.rev(), ll.sine(1)).on(model), 3.0),
        "endless": (gong.freeze(0.5).jitter(0.1), 1.5),
    }[kind]
    found = frozen_here(texture, "river", corpus, seconds, model=model, seed=3, tempo=90)
    assert found == ll.sound("river")
    again = {"model": model, "corpus": corpus, "seed": 3, "tempo": 90}
    looped = texture.of.loop().norm() if kind == "recorded" else texture
    if kind == "mixed":
        looped = texture.of.loop().on(model)
    length = seconds or 2.0
    plain = ll.render(looped, length + 0.5, **again)
    heard = ll.render(found, model=model, corpus=corpus)
    seam = round((0.25 if seconds else 0.006) * RATE) + 1
    total = round(length * RATE)
    assert len(heard) == total
    assert np.array_equal(heard[seam:], plain[seam:total])
    assert np.array_equal(heard, samples_of("river"))
    assert np.abs(heard).max() > 0.01


def test_what_is_frozen_loops_without_a_seam(corpus):
    wave = np.sin(np.arange(RATE) * 2 * np.pi * 100.3 / RATE).astype(np.float32) * np.float32(0.5)
    tone = ll.sound(wave).freeze(0.3)  # endless, with no period in common with a second
    frozen_here(tone, "tone", corpus, 1.0, model="rawaudiovae")
    twice = ll.render(ll.sound("tone").loop(2), model="rawaudiovae", corpus=corpus)
    steps = np.abs(np.diff(twice))
    assert steps[RATE - 200 : RATE + 200].max() <= 1.1 * steps[: RATE - 200].max()


def test_where_an_end_goes_over_into_a_beginning_the_level_stays(corpus):
    rng = np.random.default_rng(2)
    same, other = rng.standard_normal((2, 20_000)).astype(np.float32)
    for before in (same, other, 0.5 * same + 0.866 * other):
        mixed = crossed(before, same)
        levels = np.sqrt(np.mean(mixed.reshape(10, -1) ** 2, axis=1))
        assert np.abs(levels - 1).max() < 0.08
    assert np.array_equal(crossed(same, same), same)
    assert np.abs(crossed(-same, same)).max() < 6
    assert not crossed(np.zeros(9), np.zeros(9)).any()
    assert not len(crossed(same[:0], same[:0]))


@pytest.mark.parametrize(
    ("word", "first"),
    [
        (lambda s: s.loop(3), lambda a: np.tile(a, 3)),
        (lambda s: s.slice(0.1234, 0.5), lambda a: a[round(0.1234 * RATE) : RATE // 2]),
        (lambda s: s.early(0.25), lambda a: a[RATE // 4 :]),
        (lambda s: s.late(0.25), lambda a: np.concatenate([np.zeros(RATE // 4, "f4"), a])),
    ],
)
def test_alone_it_plays_its_samples_bit_for_bit(word, first, corpus):
    frozen_here(WORN, "river", corpus, model="spectral")
    expected = first(samples_of("river"))
    heard = ll.render(word(ll.sound("river")), model="spectral", corpus=corpus)
    assert np.array_equal(heard[: len(expected)], expected)


def test_everywhere_else_it_is_a_recording_like_others(corpus):
    frozen_here(WORN, "river", corpus)
    library, river = ll.Corpus(corpus), ll.sound("river")
    assert isinstance(as_played(river.loop(2).norm(), library), On)
    for other in (river.on("spectral"), river.extend(2), river.exact(), river + ll.sound("gong")):
        assert as_played(other, library) is other
    mixed = ll.interp(river, ll.sound("gong"), 0.5)
    plain = ll.interp(ll.sound(samples_of("river")), ll.sound("gong"), 0.5)
    heard = [ll.render(one, model="toy", corpus=corpus) for one in (mixed, plain)]
    assert np.array_equal(*heard)
    lake = frozen_here(mixed, "lake", corpus)
    assert len(ll.render(lake, corpus=corpus, model="toy")) == RATE


def test_it_is_played_at_the_rate_of_any_space(corpus):
    class Fast(ll.load_model("toy").__class__):
        sample_rate = 48000

    frozen_here(WORN, "river", corpus)
    heard = ll.render(ll.sound("river"), model=Fast(1024), corpus=corpus)
    assert len(heard) == 48000
    assert np.abs(heard).max() > 0.1


# Names.


@pytest.mark.parametrize(
    "name",
    ["", " ", "../x", "a/b", "/etc/passwd", "a\nb", "a\0b", ".hidden", "x.wav", "é" * 61, "x" * 121,
     "-x", "x ", "\ud800", None, 3, ["x"]],
)  # fmt: skip
def test_a_name_that_could_be_anything_is_refused_in_one_line(name, corpus):
    with pytest.raises(ll.ExpressionError, match=r"^frozen: a name [^\n]*$"):
        frozen_here(WORN, name, corpus)
    assert not os.path.isdir(os.environ["LATENTLIVE_CACHE"] + "/frozen")


@pytest.mark.parametrize("name", ["river", "Bells at Night", "Glo\u0308ckchen", "con", "x" * 120])
def test_other_names_are_found_as_they_are_written(name, corpus):
    frozen_here(WORN, name, corpus)
    assert len(ll.render(ll.sound(name), model="toy", corpus=corpus)) == RATE
    with pytest.raises(ll.SoundError, match="no '"):
        ll.render(ll.sound(name.swapcase()), model="toy", corpus=corpus)


def test_a_sound_of_the_corpus_comes_first_and_its_name_is_refused(corpus):
    with pytest.raises(ll.ExpressionError, match="has a sound 'gong', which comes first; take"):
        frozen_here(WORN, "gong", corpus)
    frozen_here(WORN, "river", corpus)
    with pytest.raises(ll.SoundError, match="did you mean 'river'"):
        ll.Corpus(corpus).audio("rivr", RATE)
    soundfile.write(corpus / "river.wav", NOISE[:1000], RATE)
    assert len(ll.Corpus(corpus).audio("river", RATE).samples) == 1000


def test_what_never_ends_wants_seconds(corpus):
    line = r"frozen: the texture never ends; say how much: \.frozen\('sea', seconds=60\)"
    with pytest.raises(ll.ExpressionError, match=line):
        frozen_here(ll.noise(1), "sea", corpus)
    for wrong in (0, -1, np.nan, 1e9, "x"):
        with pytest.raises(ll.ExpressionError, match=r"^frozen: seconds must be"):
            frozen_here(ll.noise(1), "sea", corpus, wrong)


def test_a_model_written_anew_after_the_line_is_not_frozen_under_the_key_of_the_old(
    corpus, tmp_path
):
    path = tmp_path / "mine.safetensors"
    save_model(path, RawAudioVAE(random_weights(512, 32, 8, seed=1)), {})
    texture = ll.noise(1).on(str(path))
    asked = to_freeze(texture, "river", 1.0, Here("toy", corpus)._setting)
    save_model(path, RawAudioVAE(random_weights(512, 32, 8, seed=2)), {})
    with pytest.raises(ll.ModelError, match=r"^frozen: 'river' was asked of a model that has ch"):
        freeze(asked)
    frozen_here(texture, "river", corpus, 1.0)
    assert len(held()) == 1


# Once.


def test_the_same_is_rendered_once_and_another_takes_its_place(corpus):
    frozen_here(WORN, "river", corpus)
    (first,) = held()
    stamp = shelf.frozen_file("river").stat()
    frozen_here(WORN, "river", corpus)
    assert shelf.frozen_file("river").stat() == stamp
    for other in ({"seed": 1}, {"tempo": 90.0}, {"seconds": 0.5}, {"model": "spectral"}):
        frozen_here(WORN, "river", corpus, **other)
        (now,) = held()
        assert now != first
        first = now
    frozen_here(WORN, "lake", corpus)
    assert shelf.frozen_names() == ["lake", "river"]


def test_what_a_killed_process_has_left_half_is_removed(corpus):
    frozen_here(WORN, "river", corpus)
    (whole,) = held()
    dead = shelf.frozen_file("river").with_name(f".{whole[:-4]}-999999999-0123abcd.wav")
    alive = dead.with_name(f".{whole[:-4]}-{os.getpid()}-0123abcd.wav")
    dead.touch()
    alive.touch()
    shelf.forget_unfinished()
    assert held() == [alive.name, whole]
    shelf.forget_unfinished(os.getpid())
    assert held() == [whole]


# Without a performance.


def test_latentlive_render_waits_for_it(corpus, tmp_path):
    expression = 'interp(sound("gong").frozen("river"), sound("river").rev(), 0.5)'
    out = tmp_path / "out.wav"
    command = [sys.executable, "-m", "latentlive.cli", "render", expression, "-o", str(out)]
    command += ["--corpus", str(corpus), "--model", "toy", "--seed", "3"]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert "freezing 'river'" in told.stderr
    assert len(soundfile.read(out)[0]) == RATE
    told = subprocess.run(command, capture_output=True, text=True)
    assert "freezing" not in told.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX's")
def test_a_full_disk_costs_one_line_and_leaves_nothing(corpus, tmp_path):
    frozen_here(WORN, "river", corpus)
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
import latentlive as ll
from latentlive.latent import freezing_by
from latentlive.renderer.freezing import Here
with freezing_by(Here("toy", {str(corpus)!r})):
    ll.sound("gong").frozen("sea", seconds=10)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    line = told.stderr.strip().splitlines()[-1]
    assert line.endswith("frozen: 'sea' cannot be written: File too large")
    assert all("river" in file for file in held())
