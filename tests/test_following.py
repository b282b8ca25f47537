"""Sounds that follow a movement, and textures at places: learned once, the same bits everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import latentlive as ll
from latentlive.cli import main
from latentlive.engine.render.worker import Worker
from latentlive.errors import ExpressionError
from latentlive.expr import dump
from latentlive.latent import Lesson
from latentlive.latent.regression import learn, solved
from latentlive.protocol.rendering import Loaded, Order, Starts
from latentlive.renderer import Rendering, check, corpus_sounds, held_out
from latentlive.space import ToySpace
from latentlive.spectral import Spectral
from latentlive.units import Tempo
from tests.dancing import RATE, along, dancing, gliding, walk
from tests.performing import Engine, bounced, replayed, same
from tests.strategies import at
from tests.test_performances import source

SOUNDS = corpus_sounds(None, RATE)
TOY = ToySpace()
SECONDS = 30.0


@pytest.fixture(autouse=True)
def _beside_the_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def hand(seconds=SECONDS, seed=1):
    """Write a movement; return it as a curve."""
    np.save(f"walk{seed}.npy", walk(seconds, seed)[:, None])
    return ll.track(f"walk{seed}.npy", 0, rate=50)


def between_two(movement, seconds=4.0):
    """Return a latent of the toy space that goes from one point to another as a curve says."""
    return ll.interp(ll.z(np.full(64, -0.5)), ll.z(np.full(64, 0.5)), movement).slice(0, seconds)


def asked(texture, beats, space=TOY):
    """Return the vectors of a texture at some beats."""
    rendering = Rendering(texture, space, SOUNDS)
    scope, beats = rendering.scope, np.asarray(beats, np.float64)
    return scope.query(beats * scope.beat_frames, beats, 0).latents(rendering.latent).mean


def test_a_tone_that_a_hand_led_is_led_by_another_hand():
    moved = hand()
    sound = ll.sound(gliding(along(moved, SECONDS)))
    followed = ll.follow(moved, sound)
    found = held_out(followed, model="spectral")
    assert found.rows == 749
    assert found.seconds == pytest.approx(29.98)
    assert found.explained > 0.7
    other = hand(4.0, seed=7)
    space = Spectral()
    led = Rendering(ll.follow(moved, sound, drive=other), space, SOUNDS).samples(0, 4 * RATE)
    meant = gliding(along(other, 4.0))
    assert np.abs(strongest(led) - strongest(meant)).mean() < 0.1
    assert np.ptp(strongest(meant)) > 2.0
    begun = time.process_time()
    held_out(followed, model=space)
    assert time.process_time() - begun < 1.5  # the encodings are there


def strongest(samples):
    """Return the strongest frequency ten times a second [octaves]."""
    frames = samples[: len(samples) // 4410 * 4410].reshape(-1, 4410) * np.hanning(4410)
    return np.log2(np.abs(np.fft.rfft(frames))[:, 5:].argmax(axis=1) + 5.0)


def test_what_a_movement_does_not_explain_is_said():
    moved = hand()
    noise = np.random.default_rng(0).standard_normal(round(SECONDS * RATE)).astype(np.float32)
    assert held_out(ll.follow(moved, ll.sound(noise * 0.1)), model=TOY).explained < 0.05


def test_a_plain_map_is_learned_exactly_and_keeps_to_what_was_heard():
    moved = hand(6.0)
    followed = ll.follow(moved, between_two(moved, 6.0))
    beats = np.linspace(0, 6, 40)
    assert np.abs(asked(followed, beats)[:, 0] - (moved.at(beats) - 0.5)).max() < 0.02
    far = ll.follow(moved, between_two(moved, 6.0), drive=moved * 100 - 50)
    assert np.abs(asked(far, beats)).max() <= 0.5
    assert held_out(followed, model=TOY).explained > 0.9


def test_the_last_beats_count_too():
    """A sound that answers half a beat late is learned from the window."""
    moved = hand(20.0)
    late = between_two(moved.late(0.5), 20.0)
    with_window, without = (
        held_out(ll.follow(moved, late, window), model=TOY).explained for window in (1.0, 0.01)
    )
    assert with_window > 0.8
    assert without < with_window - 0.2


def test_any_chunk_and_order_and_another_process_give_the_same_bits(tmp_path):
    moved = hand(5.0)
    followed = ll.follow([moved, ll.perlin(1)], between_two(moved))
    total = 20_000
    whole = Rendering(followed, TOY, SOUNDS).samples(0, total)
    assert np.abs(whole).max() > 0.01
    for chunk in (64, 777, 4096):
        again = Rendering(followed, TOY, SOUNDS)
        starts = list(range(0, total, chunk))
        np.random.default_rng(chunk).shuffle(starts)
        for start in starts:
            stop = min(start + chunk, total)
            assert np.array_equal(again.samples(start, stop), whole[start:stop])
    (tmp_path / "followed.json").write_text(ll.dumps(followed))
    code = (
        "import sys, numpy, latentlive as ll; from latentlive.space import ToySpace;"
        "x = ll.render(ll.loads(open('followed.json').read()), 1, model=ToySpace());"
        f"numpy.save('there.npy', x[:{total}])"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert np.array_equal(np.load("there.npy"), whole)


def test_live_replay_and_bounce_learn_the_same(tmp_path):
    moved = hand(4.0)
    ends = ll.z(np.full(1024, -0.2)), ll.noise(3)
    sound = ll.interp(*ends, moved).slice(0, 4)
    near = ll.between({(0, 0): ends[0], (1, 1): ll.follow(moved, sound)}, at=[moved, 0.8])
    changes = [
        {"op": "play", "layer": "d1", "source": source(ll.follow(moved, sound, drive=ll.sine(2)))},
        {"op": "play", "layer": "d2", "source": source(near)},
    ]
    engine = Engine(tmp_path / "heard.py")
    assert engine.do(op="cell", changes=changes) is None
    engine.run(1.0)
    engine.close()
    Path("walk1.npy").unlink()
    stop = RATE // 2
    heard = engine.samples[:stop]
    assert np.abs(heard).max() > 0.01
    same(replayed(tmp_path / "heard.py", tmp_path / "again.py", stop), heard, "the replay")
    same(bounced(tmp_path / "heard.py", stop), heard, "the bounce")


def test_a_check_learns_nothing(monkeypatch):
    monkeypatch.setattr(Lesson, "go_on", lambda self: pytest.fail("it learns"))
    moved = hand(5.0)
    check(ll.follow(moved, between_two(moved)).extend(2), TOY.facts, SOUNDS, 1.0)


def test_a_worker_learns_bit_by_bit_and_does_other_things_in_between():
    moved = hand(12.0)
    followed = ll.follow(moved, between_two(moved, 12.0)).jitter(0.1)
    engine = Engine(Path("log.py"))
    worker = Worker(TOY, engine.shared, live=True)
    clip = {"source": source(followed), "origin": 0, "tempo": Tempo(60.0, RATE).dump()}
    order = {"op": "load", "serial": 1, "version": 1, "clip": clip, "rings": [0]}
    order |= {"seed": 0, "slot": 0, "wide": 0.0}
    answers = [worker.answer(Order.load(order))]
    while isinstance(answers[-1], Starts):
        answers.append(worker.answer(Order.load(order)))
    assert isinstance(answers[-1], Loaded), answers[-1]
    assert len(answers) == 11  # 300 moments, 32 at a time, and the sums
    assert isinstance(worker.answer(Order.load(order)), Loaded)
    engine.close()


def test_a_follow_that_cannot_be_learned_is_refused_as_it_is_typed():
    moved = hand(5.0)
    for texture, why in (
        (ll.follow(moved, ll.noise(1)), "follow: noise(1) never ends"),
        (ll.follow(moved, ll.z([0.0] * 64).slice(0, 1)), "run together for 2 seconds, got 1.00"),
        (ll.follow(moved.fast(5), between_two(moved)), "run together for 2 seconds, got 1.00"),
        (ll.follow(ll.fit([0, 1]), between_two(moved)), "fit: the expression never ends"),
    ):
        with pytest.raises(ExpressionError) as caught:
            check(texture, TOY.facts, SOUNDS, 1.0)
        assert why in str(caught.value)
    with pytest.raises(ExpressionError, match="as many curves as the movement, 1, got 2"):
        ll.follow(moved, between_two(moved), drive=[moved, moved])
    with pytest.raises(ExpressionError, match="at most 16 curves, got 17"):
        ll.follow([moved] * 17, between_two(moved))
    with pytest.raises(ExpressionError, match="held_out: expected a follow"):
        held_out(between_two(moved))


def test_a_table_tells_what_each_column_explains():
    dancing(Path.cwd())
    arguments = ["follow", "dance.csv", "hand_y", "hand_x", "dance.wav", "--model", "toy"]
    told = CliRunner().invoke(main, arguments)
    assert told.exit_code == 0, told.output
    head, *rows = told.output.splitlines()
    assert head == "columns    rows  seconds  explained"
    assert [row.split()[:3] for row in rows] == [
        [name, "267", "10.7"] for name in ("hand_y", "hand_x", "together")
    ]
    soundfile.write("brief.wav", np.zeros(RATE), RATE)
    told = CliRunner().invoke(main, ["follow", "dance.csv", "hand_y", "brief.wav"])
    assert told.exit_code == 1
    assert "run together for 2 seconds" in told.output


def test_equations_are_solved():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((50, 20))
    square, right = rows.T @ rows, rng.standard_normal((20, 3))
    assert np.allclose(square @ solved(square, right), right)


def test_a_movement_that_stands_still_is_learned_as_the_mean():
    vectors = np.random.default_rng(0).standard_normal((60, 4)).astype(np.float32)
    learned = learn(np.ones((2, 8, 60)), vectors)
    still = learned.vectors(np.ones((2, 8, 3)))
    assert np.allclose(still, vectors.mean(axis=0), atol=1e-5)


def test_at_its_place_a_texture_is_itself():
    a, b, c = ll.z(np.full(64, 0.3)), ll.noise(2), ll.drift(1)
    places = {(0, 0): a, (1, 0): b, (0.5, 2): c}
    beats = np.linspace(0, 3, 20)
    for place, texture in places.items():
        itself = asked(ll.between(places, at=list(place)), beats)
        assert np.array_equal(itself, asked(texture, beats))
    middle = asked(ll.between({0: a, 1: ll.z(np.zeros(64))}, at=0.5), beats)
    assert np.allclose(middle, 0.15)
    nearer = asked(ll.between({0: a, 1: ll.z(np.zeros(64))}, at=0.25), beats)
    assert np.allclose(nearer, 0.27)


def test_places_are_code_and_data():
    made = ll.between({(0, 1): ll.sound("gong"), (2.5, -1): ll.sound("rain")}, [ll.sine(8), 0.5])
    assert repr(made) == (
        "between([((0, 1), sound('gong')), ((2.5, -1), sound('rain'))], [sine(8), 0.5])"
    )
    assert ll.loads(ll.dumps(made)) == made
    assert ll.between({0: ll.silence}, ll.sine(8)) == ll.between([((0,), ll.silence)], [ll.sine(8)])
    data = dump(made)
    for places in (5, [5], [[5, 5]], [[[0], {"node": 0}, 1]], [[["a"], {"node": 0}]], []):
        data["nodes"][-1][1]["textures"] = places
        with pytest.raises(ExpressionError):
            ll.loads(json.dumps(data))


@pytest.mark.parametrize(
    ("textures", "hand", "why"),
    [
        ({(0, 1): ll.silence}, 1, "as many curves as a place has numbers, 2, got 1"),
        ({(0, 1): ll.silence, 1: ll.silence}, [1, 1], "the place must be 2 numbers, got 1"),
        ([(0, ll.silence), (0.0, ll.silence)], 1, "has a latent already"),
        ([("a", ll.silence)], 1, "the place must be a number, got 'a'"),
        ([((), ll.silence)], [], "the place must be 1 numbers, got"),
        ([(0, "gong")], 1, "write sound"),
        ([], 1, "needs at least 1"),
        (ll.silence, 1, "must be pairs"),
        ([3], 1, "must be a pair, got 3"),
    ],
)
def test_places_without_a_meaning_are_refused(textures, hand, why):
    with pytest.raises(ExpressionError) as caught:
        ll.between(textures, at=hand)
    assert str(caught.value).startswith("between: ")
    assert why in str(caught.value)


def test_textures_at_places_end_with_the_shortest():
    made = ll.between({0: ll.z([0.0] * 64).slice(0, at(5)), 1: ll.noise(1)}, at=0.5)
    assert check(made, TOY.facts, SOUNDS, 1.0) == 5
