"""Strokes: where they fall, how loud they are, how they end, and what is heard in each space."""

from __future__ import annotations

import numpy as np
import pytest

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.curves import Point, Tapes
from latentlive.errors import ExpressionError
from latentlive.latent.hits import LATE
from latentlive.latent.striking import SOFT
from latentlive.models import load_model
from latentlive.renderer import Rendering, corpus_sounds
from latentlive.space import ToySpace
from latentlive.units import Tempo
from tests.spaces import Anchored, Smeared

RATE = 44100
TOTAL = 20_000
SPACE = ToySpace(64, std=2.0**-30)
SOUNDS = corpus_sounds(Corpus(), RATE)
_RNG = np.random.default_rng(0)
RINGING = (0.3 * _RNG.standard_normal(3000) * np.exp(-np.arange(3000) / 900)).astype(np.float32)
TAIL = 220
SEA = ll.knob("sea", 0)

TOUSSAINT = """x.x x.x.. x.xx x.x.x x.x.x.. x..x..x. x.x.x.x x.x.x.x.. x..x..x..x. x.xxxx x.xx.xx
    x.xx.xx. x.x.x.x.x x.x.x.x.x.. x..x.x..x.x. x..x..x..x..x... x.xxxxxx x.xx.x.xx.x.
    x..x.x.x..x.x.x. x.xx.x.x.xx.x.x."""
"""Rhythms of the paper, in its order."""


@pytest.mark.parametrize("freeze", [0.0, 0.004])
def test_strokes_inside_strokes_play_where_a_joint_is_still(freeze):
    """A frozen latent has no joint: what is struck inside it is heard as it stands there."""
    inner = ll.sound(RINGING).hits("x.", step=1 / 700).freeze(freeze)
    for texture in (inner.hits("x", step=1 / 97), ll.cat(inner.slice(0, 0.01), ll.sound(RINGING))):
        heard = rendered(texture, total=4000)
        assert np.isfinite(heard).all()
        assert np.abs(heard).max() > 0.01


def seconds(samples):
    """Return the beats of some samples: at a tempo of 60 they are seconds."""
    return samples / RATE


def rendered(texture, space=SPACE, tempo=None, total=TOTAL):
    return Rendering(texture, space, SOUNDS, tempo=tempo).samples(0, total)


def expected(onsets, sound=RINGING, gains=None, tail=TAIL, before=None):
    """Return strokes added up by hand: each fades over the tail when the next begins."""
    out = np.zeros(TOTAL + 2 * len(RINGING))
    fall = 0.5 + 0.5 * np.cos(np.pi * (np.arange(tail) + 0.5) / tail)
    for i, onset in enumerate(onsets):
        stroke = np.zeros_like(out)
        stroke[onset : onset + len(sound)] = sound * (1.0 if gains is None else gains[i])
        if before is not None and onset:
            stroke[onset - SOFT : onset] = before
        if i + 1 < len(onsets):
            end = onsets[i + 1]
            stroke[end : end + tail] *= fall
            stroke[end + tail :] = 0.0
        out += stroke
    return out[:TOTAL]


def test_each_stroke_begins_anew_on_its_sample_and_the_last_one_fades():
    struck = ll.sound(RINGING).hits("x.x.X.x", step=seconds(1000), tail=seconds(TAIL))
    steps = [7 * turn + step for turn in range(3) for step in (0, 2, 4, 6) if 7 * turn + step < 20]
    gains = [2.0 if step % 7 == 4 else 1.0 for step in steps]
    whole = expected([1000 * step for step in steps], gains=gains)
    assert np.abs(rendered(struck) - whole).max() < 2e-3


def test_a_stroke_rings_until_it_ends():
    struck = ll.sound(RINGING).hits("x...", step=seconds(1750.125), tail=seconds(TAIL))
    found = rendered(struck)
    assert np.abs(found - expected([0, 7001, 14001])).max() < 2e-3
    assert np.abs(found[3100:6900]).max() < 1e-6


def test_a_stroke_can_begin_inside_a_sound_and_inside_a_slice():
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(SOFT) + 0.5) / SOFT)
    before, onsets = RINGING[500 - SOFT : 500] * rise, [*range(0, TOTAL, 1900)]
    ways = {"step": seconds(1900), "tail": seconds(TAIL)}
    wide = ToySpace(512, std=2.0**-30)
    part = ll.sound(RINGING).slice(seconds(500), seconds(2500)).hits("x", **ways)
    whole = expected(onsets, RINGING[500:2500], before=before)
    found = np.abs(rendered(part, wide) - whole)
    for onset in onsets:  # where a slice ends it does so in 64 samples
        found[onset + 100 : onset + 100 + SOFT] = 0.0
    assert found[100:].max() < 4e-3
    inside = ll.sound(RINGING).hits("x", at=seconds(500), **ways)
    whole = expected(onsets, RINGING[500:], before=before)
    assert np.abs(rendered(inside, wide) - whole)[100:].max() < 4e-3


def test_a_slice_ends_in_silence():
    part = ll.sound(np.ones(3000)).slice(0, seconds(1000)).hits("x.", step=seconds(2000))
    found = rendered(part)
    assert np.abs(found[100:960] - 1.0).max() < 2e-3
    assert np.abs(found[1100:3900]).max() < 1e-6


def test_damping_ends_what_rings():
    found = rendered(ll.sound(np.ones(9000)).hits("x~.", step=seconds(2000), tail=seconds(500)))
    assert np.abs(found[100:1900] - 1.0).max() < 2e-3
    assert (np.diff(found[2000:2500]) < 1e-3).all()
    assert np.abs(found[2600:5900]).max() < 1e-6
    assert np.abs(found[6100:7900] - 1.0).max() < 2e-3


def test_swing_delays_every_second_step():
    struck = ll.sound(RINGING).hits("x", step=seconds(3000), swing=1 / 3, tail=seconds(TAIL))
    onsets = [3000 * i + 1000 * (i % 2) for i in range(7) if 3000 * i + 1000 * (i % 2) < TOTAL]
    assert np.abs(rendered(struck) - expected(onsets)).max() < 2e-3


@pytest.mark.parametrize(
    "tempo", [Tempo(60, RATE).changed(9000, 120), Tempo(60, RATE).changed(5000, 200, 0.2)]
)
def test_strokes_follow_the_tempo_and_each_keeps_its_speed(tempo):
    struck = ll.sound(RINGING).hits("x", step=seconds(4000), tail=seconds(TAIL))
    onsets = [int(at + 0.5) for at in tempo.samples(np.arange(40) * seconds(4000)) if at < TOTAL]
    whole = rendered(struck, tempo=tempo)
    assert np.abs(whole - expected(onsets)).max() < 2e-3
    change = tempo.changes[0].at
    assert np.array_equal(rendered(struck, total=change), whole[:change])  # nothing was foreseen
    again = Rendering(struck, SPACE, SOUNDS, tempo=tempo)
    assert np.array_equal(again.samples(12_345, 15_000), whole[12_345:15_000])


def test_time_moves_strokes_as_it_moves_all_else():
    struck = ll.sound(RINGING).hits("x..x.", step=seconds(1024), tail=seconds(TAIL))
    whole = rendered(struck, total=2 * TOTAL)
    early, late = rendered(struck.early(seconds(2048))), rendered(struck.late(seconds(2048)))
    assert np.allclose(early, whole[2048 : 2048 + TOTAL], atol=1e-6)
    assert np.allclose(late[4096:], whole[2048 : TOTAL - 2048], atol=1e-6)
    assert np.abs(late[:1900]).max() < 1e-6
    slow, extended = rendered(struck.slow(2)), rendered(struck.extend(2))
    assert np.abs(slow[7000:10_200]).max() > 0.1 > np.abs(slow[3100:6000]).max() / 3
    # Extended strokes keep their beats, slowed ones do not.
    for found, onset in ((slow, 6144), (extended, 3072)):
        attack = np.abs(found[onset : onset + 200]).max()
        assert attack > 2.0 * np.abs(found[onset - 400 : onset - 200]).max()


@pytest.mark.parametrize("space", [ToySpace(), Smeared(), Anchored()])
def test_two_struck_textures_mix_in_any_chunk_and_order(space):
    a = ll.sound(RINGING).hits("x.x", step=seconds(700)).hits(ll.euclid(3, 8), step=seconds(2500))
    b = ll.sound(RINGING[:900]).loop().hits(ll.rand(0.05), step=seconds(333), probability=0.6)
    mixed = ll.interp(a, b.extend(1.5), ll.sine(0.3))
    whole = rendered(mixed, space)
    again = Rendering(mixed, space, SOUNDS)
    parts = [again.samples(start, start + 500) for start in range(0, TOTAL, 500)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.array_equal(again.samples(7000, 7100), whole[7000:7100])
    assert np.isfinite(whole).all()


def test_curves_before_hits_hold_for_a_stroke_and_those_after_run_on():
    level = ll.line(0, 1, seconds(20_000))
    held = rendered((ll.z(np.ones(64)) * level).hits("x", step=seconds(5000), tail=0))
    for i in range(4):
        part = held[5000 * i + 200 : 5000 * i + 4800]
        assert np.ptp(part) < 1e-6
        assert part[0] == pytest.approx(0.25 * i, abs=1e-4)
    after = rendered(ll.z(np.ones(64)).hits("x", step=seconds(5000)) * level)
    assert after[10_000] == pytest.approx(0.5, abs=0.01)
    assert after[14_000] == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize("beats", [1 / 3, 1 / 7, 0.1, 1 / 4])
def test_a_sequence_steps_with_the_strokes(beats):
    values = [0.1, 0.2, 0.3, 0.4, 0.5]
    stepped = (ll.z(np.ones(64)) * ll.seq(values, beats)).hits("x", step=beats, tail=0)
    found = rendered(stepped, total=round(12 * beats * RATE))
    middles = ((np.arange(11) + 0.5) * beats * RATE).astype(int)
    assert found[middles] == pytest.approx([values[i % 5] for i in range(11)], abs=1e-4)


def test_an_envelope_is_fitted_to_each_stroke():
    shaped = (ll.sound(np.ones(4000)) * ll.fit([0, 1, 0])).hits("x", step=seconds(5000))
    found = rendered(shaped)
    for onset in range(0, TOTAL, 5000):
        assert found[onset + 2000] == pytest.approx(1.0, abs=0.05)
        assert abs(found[onset + 100]) < 0.1


def test_chance_is_drawn_for_each_stroke_from_the_seed():
    click = np.zeros(200, np.float32)
    click[0] = 1.0
    struck = ll.sound(click).hits("x", step=seconds(256), probability=0.3)
    total = 256 * 2000
    strokes = rendered(struck, total=total)[::256] > 0.5
    assert strokes.mean() == pytest.approx(0.3, abs=0.04)
    other = Rendering(struck, SPACE, SOUNDS, seed=5).samples(0, total)[::256] > 0.5
    assert (strokes != other).mean() == pytest.approx(2 * 0.3 * 0.7, abs=0.05)
    assert np.array_equal(rendered(struck.seed(3)), rendered(struck.seed(3)))
    rising = ll.sound(click).hits("x", step=seconds(256), probability=ll.line(0, 1, seconds(total)))
    found = rendered(rising, total=total)[::256] > 0.5
    assert found[:500].mean() < 0.25 < 0.75 < found[1500:].mean()


def test_a_live_curve_decides_by_what_is_known_when_it_is_rendered():
    struck = ll.sound(RINGING).hits(SEA, step=seconds(900), probability=SEA)
    total, tapes = 2 * RATE, Tapes(RATE)
    moves = [
        Point(at, "knob:sea", value) for at, value in ((9000, 1.0), (30_000, 0.2), (60_000, 2))
    ]
    for move in moves:
        tapes.take(move)
    tapes.close(10 * RATE)
    rendering = Rendering(struck, SPACE, SOUNDS)
    rendering.listen(tapes, 0, 0)
    whole = rendering.samples(0, total)
    assert np.abs(whole[: int(9000 + LATE * RATE)]).max() < 1e-6
    assert np.abs(whole[30_000:]).max() > 0.1
    # Of what comes after a window begins it knows nothing.
    growing, parts = Tapes(RATE), []
    follower = Rendering(struck, SPACE, SOUNDS)
    follower.listen(growing, 0, 0)
    for start in range(0, total, 512):
        while moves and moves[0].at < start + 512:
            growing.take(moves.pop(0))
        growing.close(start + 512)
        parts.append(follower.samples(start, start + 512))
    assert np.array_equal(np.concatenate(parts)[:total], whole)
    assert 2 * SPACE.window < LATE * RATE


def test_euclidean_rhythms_are_those_of_the_paper():
    for rhythm in TOUSSAINT.split():
        pattern = ll.euclid(rhythm.count("x"), len(rhythm))
        assert "".join(".x"[int(one)] for one in pattern.amplitudes) == rhythm


def test_patterns_turn_reverse_and_follow_one_another():
    assert ll.euclid(3, 8, 2).amplitudes == [0, 1, 0, 0, 1, 0, 1, 0]
    assert ll.euclid(3, 8, -1).amplitudes == [0, 1, 0, 0, 1, 0, 0, 1]
    assert ll.euclid(0, 3).amplitudes == [0, 0, 0]
    assert ll.euclid(3, 3).amplitudes == [1, 1, 1]
    assert ll.euclid(3, 8).rev().amplitudes == [0, 1, 0, 0, 1, 0, 0, 1]
    assert ll.euclid(3, 8).rev().rev() == ll.euclid(3, 8)
    assert ll.strokes("x..") + "X." == ll.strokes("x..X.")
    assert ("x." + ll.euclid(2, 3)).amplitudes == [1, 0, 1, 0, 1]
    assert ll.strokes("x.. | x-~").amplitudes == [1, 0, 0, 1, 0, -1]
    assert repr(ll.strokes([1, 0.5, 0])) == "strokes([1, 0.5, 0])"
    assert repr(ll.strokes([1, 0]) + ll.euclid(2, 5)) == "[1, 0] + euclid(2, 5)"


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (lambda s: s.hits("x.y"), "hits: pattern must be made of x (stroke), X (accent), . (rest) "
         "and ~ (damp), got 'y' in 'x.y'"),
        (lambda s: s.hits(""), "hits: pattern must be made of x (stroke)"),
        (lambda s: s.hits([]), "hits: pattern must be a pattern such as 'x..x.x..'"),
        (lambda s: s.hits([1, 3]), "hits: pattern[1] must be <= 2, got 3"),
        (lambda s: s.hits(None), "hits: pattern must be a pattern such as 'x..x.x..'"),
        (lambda s: s.hits("x" * 5000), "hits: pattern must have at most 4096 steps, got 5000"),
        (lambda s: s.hits("x", step=0), "hits: step must be > 0 beats, got 0"),
        (lambda s: s.hits("x", swing=1), "hits: swing must be <= 0.999 steps, got 1"),
        (lambda s: s.hits("x", at=-1), "hits: at must be >= 0 seconds, got -1"),
        (lambda s: s.hits("x", tail=9), "hits: tail must be <= 4 seconds, got 9"),
        (lambda s: s.hits("x", probability="a"), "hits: probability must be a curve"),
        (lambda s: rendered(s.hits("x", at=3)), "hits: at must be before the end at 0.07 seconds, "
         "got 3"),
        (lambda s: ll.euclid(9, 8), "euclid: k must lie in 0 to n, 8, got 9"),
        (lambda s: ll.euclid(1, 0), "euclid: n must lie in 1 to 4096, got 0"),
        (lambda s: ll.seq(["h4"], 1), "seq: steps[0] must be a note such as 'A3' or 'C#4'"),
    ],
)  # fmt: skip
def test_a_wrong_stroke_is_refused_in_one_line(wrong, line):
    with pytest.raises(ExpressionError) as refused:
        wrong(ll.sound(RINGING))
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


def test_a_sequence_takes_notes_by_name():
    tones = ll.seq(["a3", "C#4", 300], 1)
    assert tones.at([0, 1, 2]) == pytest.approx([220.0, 277.18, 300.0], abs=0.01)
    assert eval(repr(tones), {"seq": ll.seq}) == tones


SHIPPED = {"rawaudiovae": 0.05, "spectral": 4.0, "spectralvae": 5.0}
"""Most milliseconds by which a stroke is heard beside its step, by space."""


def attack(samples):
    """Return the first sample that is a tenth as loud as the loudest."""
    loud = np.abs(samples)
    return int(np.argmax(loud > 0.1 * loud.max()))


@pytest.mark.parametrize("name", SHIPPED)
def test_strokes_are_heard_on_their_steps_in_the_shipped_spaces(name):
    time = np.arange(RATE // 4) / RATE
    drum = 0.4 * np.sin(2 * np.pi * 400 * time) * np.exp(-30.0 * time)
    drum += 0.1 * np.random.default_rng(1).standard_normal(len(time)) * np.exp(-90.0 * time)
    step, space, sound = 0.2917, load_model(name), ll.sound(drum.astype(np.float32))
    struck = Rendering(sound.hits("xX", step=step), space, SOUNDS)
    found, alone = struck.samples(0, 2 * RATE), Rendering(sound, space, SOUNDS)
    begun = attack(alone.samples(0, 4000))
    onsets = [round(i * step * RATE) for i in range(1, 6)]
    apart = [attack(found[at - 400 : at + 4000]) - 400 - begun for at in onsets]
    assert max(map(abs, apart)) * 1000 / RATE < SHIPPED[name]
    soft, loud = (found[at + 1000 : at + 9000].astype(np.float64) for at in onsets[1:3])
    ratio = 10 * np.log10(np.mean(loud**2) / np.mean(soft**2))
    assert abs(abs(ratio) - 6.02) < 1.0
