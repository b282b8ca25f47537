"""Brighter, rougher, noisier: directions measured once, that travel with their expression."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.client.directions import told
from latentlive.corpus import Corpus
from latentlive.corpus.descriptors import STRETCH, heard
from latentlive.errors import ExpressionError, LatentliveError
from latentlive.expr import dump
from latentlive.latent.directions import Brighter, unmeasured, with_directions
from latentlive.latent.moving import LOUDEST, Shares, Straight, direction_of
from latentlive.latent.query import Latents
from latentlive.models import load_model
from latentlive.renderer import Rendering, check, corpus_sounds
from latentlive.renderer import directions as measuring
from latentlive.renderer.directions import Directions, Held, measured
from latentlive.renderer.measuring import Measuring
from latentlive.space import ToySpace
from latentlive.starter import NAMES
from tests.freezing.conftest import opened
from tests.performing import Engine, bounced, replayed, same
from tests.strategies import SHORT
from tests.test_performances import source

RATE = 44100
SOUNDS = corpus_sounds(None, RATE)
DESCRIPTORS = ("centroid", "roughness", "flatness")


QUIET = ll.interp(ll.z(np.full(1024, 0.05)), ll.noise(2), 0.05)


def straight(dims, presence=-1.0):
    """Return a direction along a line, with a cloud of two axes."""
    rng = np.random.default_rng(dims)
    centre, along = rng.standard_normal((2, dims)) * 0.1
    step = along / (along @ along)
    cloud = rng.standard_normal((2, dims)) * 0.4
    rows = np.stack([centre, along, step, *cloud]).astype(np.float16).astype(np.float64)
    return Straight(rows, presence, 9.0, 0.5, 1.0, 3.0)


def shares(dims, parts=5):
    """Return a direction that raises the last of some parts."""
    basis = np.eye(dims)[:parts]
    weights = np.linspace(7.0, 12.0, parts + 1)
    rows = np.concatenate([basis, basis])
    return Shares(rows, weights, weights - weights.mean(), 1.0, 0.5, 1.0, 7.2, 11.8)


def directed(texture, direction):
    """Return a texture whose words have a direction."""
    return with_directions(texture, dict.fromkeys(DESCRIPTORS, direction))


KINDS = {"straight": straight, "shares": shares}


@pytest.fixture(params=KINDS)
def kind(request):
    """A way to make a direction."""
    return KINDS[request.param]


def texture_of(dims):
    """Return a texture with every word, over curves that go far."""
    sounds = ll.interp(ll.sound(SHORT[2]), ll.noise(3), ll.sine(0.01)).extend(2)
    moved = sounds.brighter(ll.sine2(0.02) * 3).rougher(ll.perlin2(0.01)).noisier(-1)
    return moved.bright(ll.saw(0.03).rangex(200, 4000)).slow(2).loop()


@pytest.mark.parametrize("space", [ToySpace(64), ToySpace(1024)], ids=["64", "1024"])
def test_any_chunk_and_order_and_another_process_give_the_same_bits(kind, space, tmp_path):
    texture = directed(texture_of(space.dims), kind(space.dims))
    total = 9000
    whole = Rendering(texture, space, SOUNDS).samples(0, total)
    assert np.abs(whole).max() > 0.01
    assert not np.array_equal(
        whole, Rendering(texture.of.of.of.loop(), space, SOUNDS).samples(0, total)
    )
    for chunk in (64, 777, 4096):
        again = Rendering(texture, space, SOUNDS)
        starts = list(range(0, total, chunk))
        np.random.default_rng(chunk).shuffle(starts)
        for start in starts:
            stop = min(start + chunk, total)
            assert np.array_equal(again.samples(start, stop), whole[start:stop])
    text = ll.dumps(texture)
    assert ll.loads(text) == texture
    code = (
        "import sys, numpy, latentlive as ll; from latentlive.space import ToySpace;"
        f"x = ll.render(ll.loads(sys.stdin.read()), {total} / 44100, model=ToySpace({space.dims}));"
        f"numpy.save({str(tmp_path / 'there.npy')!r}, x)"
    )
    subprocess.run([sys.executable, "-c", code], input=text, text=True, check=True)
    assert np.array_equal(np.load(tmp_path / "there.npy"), whole)


def test_replay_and_bounce_give_the_samples_that_were_heard(tmp_path, kind):
    texture = directed(QUIET.brighter(ll.sine2(0.5)).bright(1000), kind(1024))
    engine = Engine(tmp_path / "heard.py")
    change = {"op": "play", "layer": "d1", "source": source(texture)}
    assert engine.do(op="cell", changes=[change]) is None
    engine.run(1.0)
    engine.close()
    stop = RATE // 2
    sounded = engine.samples[:stop]
    assert np.abs(sounded).max() > 0.01
    same(replayed(tmp_path / "heard.py", tmp_path / "again.py", stop), sounded, "the replay")
    same(bounced(tmp_path / "heard.py", stop), sounded, "the bounce")


def moved(direction, amount, target=False, count=50):
    """Return vectors before and after a move."""
    z = np.random.default_rng(1).standard_normal((count, direction.dims)).astype(np.float32)
    latents = Latents(z, np.ones_like(z))
    return z, direction.moved(latents, np.full(count, float(amount)), target).mean


def test_nothing_moves_where_nothing_is_asked(kind):
    z, after = moved(kind(64), 0.0)
    assert np.array_equal(after, z)


def test_what_is_expected_rises_with_the_amount_and_stays_within_bounds(kind):
    direction = kind(64)
    amounts = (-1e12, -4, -1, -0.2, 0, 0.2, 1, 4, 1e12)
    expected = np.array([direction.expected(moved(direction, c)[1]) for c in amounts])
    assert (np.diff(expected, axis=0) > -1e-5).all()
    near, far = moved(direction, 6.0)[1], moved(direction, 1e12)[1]
    assert np.allclose(near, far, atol=1e-5)
    assert np.isfinite(far).all()


def test_a_straight_move_ends_in_the_cloud():
    direction = straight(64)
    centre, cloud = direction.rows[0], direction.rows[3:]

    def radius(z):
        return np.sqrt((((z - centre) @ cloud.T) ** 2).sum(axis=1))

    for amount in (-5.0, 5.0):
        z, after = moved(direction, amount)
        assert (radius(after) < np.maximum(radius(z), direction.radius) + 1e-3).all()
    assert (radius(moved(direction, 0.1)[1]) < 3.0).any()


def test_shares_keep_the_level_and_no_part_goes_beyond_its_bound():
    direction = shares(64)
    for amount in (-6.0, 1.0, 6.0):
        z, after = moved(direction, amount)
        assert np.allclose((after**2).sum(axis=1), (z**2).sum(axis=1), rtol=1e-4)
        ratio = np.abs(after / z)
        assert (ratio.max(axis=1) / ratio.min(axis=1)).max() < np.exp(LOUDEST) * 1.01


def test_a_descriptor_that_is_asked_for_is_reached(kind):
    direction = kind(64)
    z = moved(direction, 0.0)[0] * np.float32(0.3)
    expected = direction.expected(z)
    wanted = expected - 0.1
    after = direction.moved(Latents(z, z), wanted, True).mean
    assert np.allclose(direction.expected(after), wanted, atol=0.01)


def test_presence_multiplies_a_move():
    direction = straight(64, presence=0.0)
    direction.rows[1:3, 0] = 0.0
    z = np.random.default_rng(1).standard_normal((1, 64)).astype(np.float32) * np.float32(0.1)
    z[:, 0] = 1.0
    nothing = np.zeros_like(z)
    whole = direction.moved(Latents(z, nothing), np.array([0.3]), False).mean - z
    half = direction.moved(Latents(z / 2, nothing), np.array([0.3]), False).mean - z / 2
    assert np.allclose(half, whole / 2, atol=1e-6)


def test_a_check_needs_no_direction_and_a_rendering_says_what_is_missing():
    texture = ll.sound(SHORT[2]).brighter(1)
    check(texture, ToySpace(64).facts, SOUNDS, 1.0)
    with pytest.raises(ExpressionError, match="brighter: its direction in 'toy' is not measured"):
        Rendering(texture, ToySpace(64), SOUNDS).samples(0, 10)
    other = directed(texture, straight(32))
    with pytest.raises(ExpressionError, match="measured in a space of 32 dimensions, 'toy' has 64"):
        Rendering(other, ToySpace(64), SOUNDS).samples(0, 10)


def test_a_log_that_holds_no_direction_is_refused(kind):
    data = dump(directed(ll.noise(1).brighter(1), kind(64)))
    fields = data["nodes"][-1][1]

    def refused(**changed):
        other = json.loads(json.dumps(data))
        other["nodes"][-1][1].update(changed)
        with pytest.raises(ExpressionError):
            ll.loads(json.dumps(other))

    refused(measured=None)
    refused(numbers=None)
    refused(numbers=fields["measured"])
    refused(measured=5)
    for numbers in ([0.0], [2.0] * 6, [0.0, 0.5, 0, 0, 0, 0], [0.0, 64, 0, 0, 0, 0], [1.0] * 8):
        assert direction_of(np.zeros((4, 64), np.float16), np.array(numbers)) is None
        with pytest.raises(ExpressionError, match="no measured direction"):
            Brighter(ll.noise(1), 1, np.zeros((4, 64)), np.array(numbers))
    with pytest.raises(ExpressionError, match="no measured direction"):
        Brighter(ll.noise(1), 1, np.zeros((2000, 4)), np.zeros(6))


# What is measured.


@pytest.mark.parametrize("model", ["spectral", "spectralvae", "rawaudiovae"])
def test_the_decoded_centroid_rises_in_every_space_for_sounds_that_were_not_learned_from(model):
    """Learned from 24 starter sounds; decoded are those of `unheard`.

    Bells, waves and rain: steady tones change little, and `rawaudiovae` makes none of them darker.
    """
    space, unheard = load_model(model), ["surf", "church-bell", "rain", "gong"]
    names = [name for name in sorted(NAMES) if name not in unheard]
    chosen = np.random.default_rng(3).permutation(names)[:24].tolist()
    sounds = corpus_sounds(Corpus(), RATE)
    found = measured(space, sounds, chosen)
    assert set(found.directions) == set(found.held) == set(DESCRIPTORS)
    assert found.held["centroid"].rising > 0.5
    for name in unheard:
        octaves = []
        for amount in (-1.5, 0, 1.5):
            texture = with_directions(ll.sound(name).brighter(amount), found.directions)
            samples = Rendering(texture, space, sounds).samples(0, 2 * STRETCH)
            octaves.append(heard(samples.reshape(2, STRETCH), RATE)["centroid"].mean())
        assert octaves[0] < octaves[1] + 0.02, (name, octaves)
        assert octaves[1] < octaves[2] + 0.02, (name, octaves)
        assert octaves[2] > octaves[0] + 0.2, (name, octaves)


def test_too_few_sounds_are_refused():
    with pytest.raises(LatentliveError, match="10 sounds are the least to learn from, got 2"):
        measured(ToySpace(64), corpus_sounds(Corpus(), RATE), ["gong", "rain"])


@pytest.fixture
def quick(monkeypatch):
    """Measuring that is done at once."""

    def found(space, sounds, names, progress=lambda done, total: None):
        progress(1, 2)
        every = dict.fromkeys(DESCRIPTORS, straight(space.dims))
        return Directions(
            every, {name: Held(0.9 - 0.4 * i, 1.0, 0.8) for i, name in enumerate(every)}
        )

    monkeypatch.setattr("latentlive.renderer.measuring.measured", found)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of its own."""
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def corpus(tmp_path):
    """A corpus of a few dozen short sounds."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    chance = np.random.default_rng(1)
    for number in range(24):
        colour = np.cumsum(chance.standard_normal(2 * STRETCH)) * (number % 4) * 0.002
        noise = chance.standard_normal(2 * STRETCH) * 0.05
        soundfile.write(folder / f"s{number}.wav", np.clip(colour + noise, -1, 1), RATE)
    return folder


def test_a_measurement_is_kept_by_its_space_and_corpus(quick, cache, corpus, capsys):
    texture = ll.sound("s1").brighter(1)
    first = ll.render(texture, model="toy", corpus=corpus)
    assert capsys.readouterr().err == "measuring the directions of toy, once\n"
    begun = time.perf_counter()
    job = Measuring("toy", "toy", ToySpace(1024).digest, str(corpus))
    assert job.done
    assert time.perf_counter() - begun < 0.05
    assert np.array_equal(ll.render(texture, model="toy", corpus=corpus), first)
    assert capsys.readouterr().err == ""
    assert Measuring("toy", "toy", "another", str(corpus)).kept() is None
    (path,) = cache.glob("directions/*.npz")
    for damaged in (b"", path.read_bytes()[:-200], b"PK\3\4" + bytes(500)):
        path.write_bytes(damaged)
        assert not Measuring("toy", "toy", job.digest, str(corpus)).done
    assert np.array_equal(ll.render(texture, model="toy", corpus=corpus), first)
    (corpus / "s1.wav").rename(corpus / "s99.wav")
    assert Measuring("toy", "toy", job.digest, str(corpus)).key != job.key


def test_a_corpus_of_few_sounds_is_measured_on_the_starter_sounds(tmp_path):
    soundfile.write(tmp_path / "one.wav", np.zeros(10), RATE)
    own, starter = (Measuring("", "toy", "x", where) for where in (str(tmp_path), ""))
    assert own.key == starter.key


def test_a_line_waits_for_its_directions_and_other_layers_play_on(cache, corpus):
    said = []
    with opened(corpus, said) as live:
        assert repr(live.directions).startswith("the directions of toy are not measured yet")
        live.d2 >> ll.sound("s2")
        live.d1 >> ll.sound("s1").brighter(ll.sine2(1)).extend(2)
        with pytest.raises(ExpressionError, match=r"are not measured yet .*; play it then"):
            live.audition(ll.sound("s1").noisier(1))
        with pytest.raises(ExpressionError, match="plan it then"), live.at(8):
            live.d3 >> ll.sound("s1").rougher(1)
        with pytest.raises(ExpressionError, match="not measured yet"):
            ll.sound("s1").rougher(1).frozen("rough", 1)
        assert [one.name for one in live.freezing.progress] == ["directions of toy"]
        live.wait_for(lambda: {one["name"] for one in live.fresh()["layers"]} >= {"d1", "d2"}, 120)
        live.wait_for(lambda: "the directions of toy are measured: d1 plays now" in said, 20)
        (line,) = [line for line in said if line.startswith("brighter ")]
        assert "R2 " in line
        assert len(live.directions) == 3
        assert [row[1] for row in live.directions.table.rows] == ["brighter", "rougher", "noisier"]
        begun = time.perf_counter()
        live.source(ll.sound("s1").brighter(0.5))
        assert time.perf_counter() - begun < 0.5  # on a busy machine; some 20 ms on another
        assert sum(line.startswith("brighter ") for line in said) == 1  # once a space
        assert not unmeasured(live.source(ll.sound("s1").bright(500)).expr)
        live.d3 >> ll.sound("s1").rougher(1).frozen("rough", 0.2)
        log = Path(live.log).with_suffix(".jsonl")
        live.wait_for(lambda: "brighter" in log.read_text(), 20)
    assert "brighter(sine(1).range(-1, 1))" in log.read_text()


def test_a_measurement_that_is_cancelled_leaves_layers_as_they_were(cache, corpus):
    said = []
    with opened(corpus, said) as live:
        live.d1 >> ll.sound("s1").brighter(1)
        live.cancel("directions of toy")
        assert said[-1] == "directions of toy are not measured any more"
        assert not live.freezing.waiting.lines


def test_how_well_a_word_holds_is_said_in_one_line():
    assert told("brighter", "spectral", Held(0.914, 1.0, 0.9)).startswith(
        "brighter in spectral: R2"
    )
    assert "hardly holds" in told("noisier", "mine", Held(0.1, 0.25, 0.0))


def test_what_is_measured_is_told_of_a_part_of_the_sounds(monkeypatch):
    """The progress rises, and ends with all."""
    marks = []
    monkeypatch.setattr(measuring, "AMOUNTS", (-1.0, -0.5, 0.0, 0.5, 1.0))
    names = sorted(NAMES)[:16]
    measured(ToySpace(64), corpus_sounds(Corpus(), RATE), names, lambda *done: marks.append(done))
    assert marks == sorted(marks)
    assert marks[-1][0] == marks[-1][1]
