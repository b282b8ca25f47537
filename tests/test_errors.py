"""Bad input is answered with one clear line: what, rule, value, remedy."""

from __future__ import annotations

import numpy as np
import pytest

import latentlive as ll
from latentlive.client.layer import Layer
from latentlive.latent import Interp
from latentlive.renderer import check
from tests.strategies import SOUNDS, SPACE

A, B = ll.sound(np.zeros(100)), ll.sound(np.ones(100))

BAD = [
    (lambda: ll.sine(0), "sine: period must be > 0 beats, got 0"),
    (lambda: ll.sine(-2), "sine: period must be > 0 beats, got -2"),
    (lambda: ll.sine("8"), "sine: period must be a number of beats, got '8'"),
    (lambda: ll.sine(True), "sine: period must be a number of beats, got True"),
    (lambda: ll.sine(float("nan")), "sine: period must be a finite number of beats, got nan"),
    (lambda: ll.perlin(float("inf")), "perlin: period must be a finite number of beats, got inf"),
    (
        lambda: ll.sine(8).smooth(1).smooth(1).smooth(1),
        "smooth: averages of averages ask what is inside 32768 times a moment, 4096 is the most; "
        "take one average over a longer span",
    ),
    (lambda: ll.square(1, 2), "square: low must be <= 1, got 2"),
    (lambda: ll.line(0, 1, 0), "line: beats must be > 0 beats, got 0"),
    (lambda: ll.env([]), "env: points must be a non-empty array with 2 axis, got shape (0,)"),
    (lambda: ll.env([(0, 1), (0, 2)]), "env: the beats of points must rise from one to the next"),
    (
        lambda: ll.env([(0, 1, 2)]),
        "env: points must be (beat, value) pairs, got 3 numbers in a row",
    ),
    (lambda: ll.seq(["a"], 1), "seq: steps[0] must be a note such as 'A3' or 'C#4', got 'a'"),
    (lambda: ll.seq([1, float("nan")], 1), "seq: steps must be finite, got NaN or infinity"),
    (lambda: ll.fit(3), "fit: shape must be an array or a curve, got 3"),
    (
        lambda: ll.fit(ll.perlin(3)),
        "fit: perlin(3) has no length of its own; "
        "give an array or a curve such as line, env, seq or sine",
    ),
    (lambda: ll.sine(8) / 0, "/: a curve cannot be divided by 0"),
    (lambda: ll.sine(8) + "x", "+: right side must be a curve, a number or an array, got 'x'"),
    (lambda: ll.sine(8).slow(0), "slow: factor must be > 0, got 0"),
    (lambda: ll.sine(8).slow(-1), "slow: factor must be > 0, got -1"),
    (lambda: ll.sine(8).slow(1e9), "slow: factor must lie in 1e-6 to 1e6, got 1e+09"),
    (lambda: ll.sine(8).ease("un"), "ease: kind must be 'in' or 'out' or 'inout', got 'un'"),
    (
        lambda: ll.sine(8).ease("inn"),
        "ease: kind must be 'in' or 'out' or 'inout', got 'inn'; did you mean 'in'?",
    ),
    (lambda: ll.sine(8).quantise(0), "quantise: steps must lie in 1 to 10000, got 0"),
    (lambda: ll.sine(8).quantise(2.5), "quantise: steps must be a whole number, got 2.5"),
    (lambda: ll.sine(8).seed(-1), "seed: n must lie in 0 to 9223372036854775807, got -1"),
    (lambda: ll.sine(8).late("x"), "late: beats must be a number of beats, got 'x'"),
    (lambda: ll.sound(3), "sound: source must be a name, a path or an array of samples, got 3"),
    (lambda: ll.sound(""), "sound: source must be a name in quotes, got ''"),
    (
        lambda: ll.sound(np.zeros(0)),
        "sound: source must be a non-empty array with 1 axis, got shape (0,)",
    ),
    (
        lambda: ll.sound(np.zeros((2, 3))),
        "sound: source must have shape (n,), or (n, 2) for two channels, got shape (2, 3)",
    ),
    (lambda: ll.sound([np.nan]), "sound: source must be finite, got NaN or infinity"),
    (
        lambda: ll.interp(ll.sine(8), A, B),
        "interp: a must be a latent such as sound('gong'), got sine(8)",
    ),
    (
        lambda: ll.interp("gong", A),
        "interp: a must be a latent such as sound('gong'), got 'gong'; write sound('gong')",
    ),
    (lambda: ll.interp(A, B, A), "interp: curve must be a curve, a number or an array, got sound"),
    (lambda: ll.interp(A, B, "x"), "interp: curve must be a curve, a number or an array, got 'x'"),
    (
        lambda: ll.interp(A, B, match="crob"),
        "interp: match must be 'crop' or 'repeat', got 'crob'; did you mean 'crop'?",
    ),
    (lambda: ll.interp(A.exact(), B), "interp: a has .exact(), which stands at the root only"),
    (lambda: ll.interp(A, B.overlap(2)), "interp: b has .overlap(), which stands at the root only"),
    (lambda: A.exact().loop(2), "exact: stands at the root; write .loop() before it"),
    (lambda: A.overlap(3), "overlap: k must be 1, 2, 4, 8 or 16, got 3"),
    (lambda: A.overlap(0), "overlap: k must lie in 1 to 16, got 0"),
    (lambda: A.loop(0), "loop: n must lie in 1 to"),
    (lambda: A.extend(0), "extend: factor must be > 0, got 0"),
    (lambda: A.spread("x"), "spread: k must be a curve, a number or an array, got 'x'"),
    (
        lambda: check(A.loop().loop(2), SPACE.facts, SOUNDS, 1.0),
        "never ends, so it has no whole; slice it first",
    ),
    (
        lambda: check(ll.interp(A.loop(), B.loop(), ll.fit([0, 1])), SPACE.facts, SOUNDS, 1.0),
        "fit: the expression never ends; give it a curve of beats",
    ),
    (
        lambda: check(A.extend(3).exact(), SPACE.facts, SOUNDS, 1.0),
        "exact: a window of 64 samples cannot be read in steps of 64/3; "
        "extend by k with 64 / k whole",
    ),
    (
        lambda: Layer(None, "d1").gian(3),
        "d1: a layer has no .gian(); did you mean 'gain'?",
    ),
    (
        lambda: Layer(None, "d1").brighter(1),
        "d1: a layer has no .brighter(); it is a texture's word: d1 >> x.brighter(...)",
    ),
    (lambda: Layer(None, "d1").gain("x"), "gain: db must be a curve, a number or an array"),
    (lambda: Layer(None, "d1").fade(-1), "fade must be >= 0 beats, got -1"),
    (
        lambda: Layer(None, "d1").fade(10**400),
        "fade must be a finite number of beats, got inf",
    ),
    (lambda: Layer(None, "d1").fade(1e7), "fade must be <= 1e+06 beats, got 1e+07"),
    (
        lambda: Layer(None, "d1").gain([0, -6]),
        "gain: db: a layer has no length to fit an array to; "
        "give it a curve of beats such as line(-20, 0, 8)",
    ),
    (
        lambda: Layer(None, "d1").pan(ll.sine(2) * ll.fit([0, 1])),
        "pan: place: a layer has no length",
    ),
    (
        lambda: Layer(None, "d1").amp(ll.perlin(3).smooth(1).smooth(2)),
        "amp: factor: the curve asks for 1057 values a moment, 300 is the most here; "
        "smooth it once, or less of it",
    ),
    (lambda: ll.sine(1e-7), "sine: period must be >= 1e-06 beats, got 1e-07"),
    (lambda: ll.drift(1, 1e7), "drift: beats must be <= 1e+06 beats, got 1e+07"),
    (lambda: A.late(1e7), "late: beats must be <= 1e+06 beats, got 1e+07"),
    (lambda: A.early(-1e7), "early: beats must be >= -1e+06 beats, got -1e+07"),
    (lambda: A.loop(10**7), "loop: n must lie in 1 to 1000000 times, got 10000000"),
    (lambda: A.freeze(1e10), "freeze: second must be <= 1e+09 seconds, got 1e+10"),
    (lambda: ll.steps(A, B, 0, 1, 5e-324), "steps: at most 10000 steps, got inf"),
    (lambda: A.gian(3), "sound: a latent has no .gian()"),
    (lambda: A.lop(), "sound: a latent has no .lop(); did you mean 'loop'?"),
    (
        lambda: ll.interp(A, B).gain(-6),
        "interp: a latent has no .gain(); it is a layer's word: (d1 >> ...).gain(-6)",
    ),
    (lambda: ll.sine(8).rnage(0, 1), "sine: a curve has no .rnage(); did you mean 'range'?"),
    (lambda: ll.z("x"), "z: vector must be numbers, got 'x'"),
    (lambda: ll.prior(-1), "prior: n must lie in 0 to 9223372036854775807, got -1"),
    (lambda: ll.drift(1, 0), "drift: beats must be > 0 beats, got 0"),
    (lambda: ll.cluster(-1), "cluster: n must lie in 0 to 9223372036854775807, got -1"),
    (lambda: ll.cluster(3, 0), "cluster: seconds must be > 0 seconds, got 0"),
    (lambda: ll.cluster(), "cluster: give a node such as cluster(18), or valence= and arousal="),
    (lambda: ll.cluster(3, valence=0.1), "or valence= and arousal=, not both"),
    (lambda: ll.cluster(valence="x"), "cluster: valence must be a number, got 'x'"),
    (lambda: ll.cluster(arousal=np.nan), "cluster: arousal must be a finite number, got nan"),
    (
        lambda: ll.near(ll.prior(3), 6),
        "near: sound must be a sound such as sound('gong'), got prior(3)",
    ),
    (lambda: ll.near(A.rev(), 6), "near: sound must be a sound such as sound('gong'), got sound("),
    (lambda: ll.near("gong", 3), "near: sound must be a latent such as sound('gong'), got 'gong'"),
    (lambda: ll.near(A, 0), "near: n must lie in 1 to 9223372036854775807, got 0"),
    (lambda: ll.path([A], 0.5), "path: points needs at least 2, got 1"),
    (lambda: ll.path("ab", 0.5), "path: points must be a list, got 'ab'"),
    (lambda: ll.path([A, 3], 0.5), "path: points[1] must be a latent such as sound('gong'), got 3"),
    (lambda: ll.blend(), "blend: parts needs at least 1, got 0"),
    (lambda: ll.blend(A), "blend: parts[0] must be a pair, got sound("),
    (lambda: ll.blend((A, "x")), "blend: parts[0] must be a curve, a number or an array, got 'x'"),
    (lambda: ll.cat(), "cat: items needs at least 1, got 0"),
    (lambda: ll.cat(A, "rain"), "cat: items[1] must be a latent such as sound('gong'), got 'rain'"),
    (lambda: ll.steps(A, B, 0, 1, 0), "steps: step must lead from start 0 to stop 1, got 0"),
    (lambda: ll.steps(A, B, 0, 1, -0.2), "steps: step must lead from start 0 to stop 1, got -0.2"),
    (lambda: ll.steps(A, B, 0, 1, 1e-9), "steps: at most 10000 steps, got 1000000001"),
    (lambda: A.slice(5, 5), "slice: stop must be after start 5 seconds, got 5"),
    (lambda: A.slice(-1, 5), "slice: start must be >= 0 seconds, got -1"),
    (lambda: A.freeze(-2), "freeze: second must be >= 0 seconds, got -2"),
    (lambda: A.early("x"), "early: beats must be a number of beats, got 'x'"),
    (lambda: A.smooth(0), "smooth: beats must be > 0 beats, got 0"),
    (lambda: A.dim(1.5, 0), "dim: i must be a whole number, got 1.5"),
    (lambda: A.offset("x"), "offset: direction must be a latent such as sound('gong'), got 'x'"),
    (lambda: A + 3, "+: b must be a latent such as sound('gong'), got 3"),
    (lambda: A * B, "*: factor must be a curve, a number or an array, got sound("),
    (lambda: A.on(3), "on: model must be a name in quotes, got 3"),
    (lambda: A.exact().overlap(2), "overlap: .exact() is set already"),
    (lambda: ll.interp(A, B, law="var"), "interp: law must be 'std' or 'logvar', got 'var'"),
    (lambda: ll.loads("{"), "load: not JSON"),
    (lambda: ll.loads("[]"), "load: expected an object with 'nodes' and 'arrays'"),
]


@pytest.mark.parametrize(("call", "line"), BAD, ids=[line for _, line in BAD])
def test_bad_call_gives_its_line(call, line):
    with pytest.raises(ll.LatentliveError) as caught:
        call()
    said = str(caught.value)
    assert line in said
    assert "\n" not in said
    assert len(said) < 250


@pytest.mark.parametrize(
    "data",
    [
        {"nodes": [], "arrays": {}},
        {"nodes": [["os.system", {"command": "true"}]], "arrays": {}},
        {"nodes": [["curve.sine", {}]], "arrays": {}},
        {"nodes": [["curve.sine", {"period": 0}]], "arrays": {}},
        {"nodes": [["curve.sine", {"period": 1, "more": 2}]], "arrays": {}},
        {"nodes": [["latent.sound", {"source": {"array": "none"}}]], "arrays": {}},
        {"nodes": [["latent.slow", {"of": {"node": 0}, "factor": [1, 2]}]], "arrays": {}},
        {"nodes": [["latent.slow", {"of": {"node": -1}, "factor": [1, 2]}]], "arrays": {}},
        {
            "nodes": [["curve.number", {"value": 1}], ["latent.loop", {"of": {"node": 0}, "n": 1}]],
            "arrays": {},
        },
        {
            "nodes": [
                ["curve.number", {"value": 1}],
                ["curve.slow", {"of": {"node": 0}, "factor": [1, 0]}],
            ],
            "arrays": {},
        },
        {"nodes": [["curve.number", {"value": 1}]], "arrays": {"x": ["|O", [1], ""]}},
        {"nodes": [["curve.number", {"value": 1}]], "arrays": {"x": ["<f4", [2**40], "AAAA"]}},
        {"nodes": [[["curve.number"], {"value": 1}]], "arrays": {}},
    ],
)
def test_hostile_json_is_refused_in_one_line(data):
    import json

    with pytest.raises(ll.ExpressionError) as caught:
        ll.loads(json.dumps(data))
    assert "\n" not in str(caught.value)


def test_an_interp_is_declared_once():
    assert ll.interp is Interp
