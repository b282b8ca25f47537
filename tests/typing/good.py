"""A program that must pass type-checking: every public word, and every method of each kind."""

from fractions import Fraction
from pathlib import Path

import numpy as np

import latentlive as ll
from latentlive import (
    Corpus,
    Curve,
    Engine,
    ExpressionError,
    Latent,
    LatentliveError,
    array,
    bend,
    between,
    blend,
    brown,
    brown2,
    cat,
    cc,
    cluster,
    contour,
    cosine,
    cosine2,
    drift,
    dumps,
    env,
    euclid,
    excerpts,
    fit,
    follow,
    gate,
    improvise,
    improvised,
    interp,
    isaw,
    isaw2,
    key,
    knob,
    level,
    line,
    load_model,
    loads,
    near,
    noise,
    number,
    osc,
    path,
    perlin,
    perlin2,
    place,
    prior,
    rand,
    rand2,
    render,
    roam,
    saw,
    saw2,
    seq,
    silence,
    sine,
    sine2,
    slerp,
    sound,
    square,
    square2,
    steps,
    strokes,
    swarm,
    touch,
    tour,
    track,
    tri,
    tri2,
    velocity,
    xy,
    z,
)


def curves() -> list[Curve]:
    waves: list[Curve] = [sine(8), cosine(8), saw(8), isaw(0.5), tri(8), square(8, 0.25)]
    waves += [sine2(8), cosine2(8), saw2(8), isaw2(8), tri2(8), square2(8)]
    chance: list[Curve] = [rand(1), perlin(4), brown(1), rand2(1), perlin2(4), brown2(1)]
    drawn: list[Curve] = [number(3), line(0, 1, 8), env([(0, 0), (2, 1)]), seq([0, 1], 2)]
    moved: list[Curve] = [track("dance.csv", "y"), track(Path("dance.npy"), 0, rate=50)]
    fitted: list[Curve] = [fit([0, 1, 0]), fit(np.hanning(9)), fit(line(0, 1, 4))]
    sums: list[Curve] = [
        sine(8) + 1,
        1 + sine(8),
        sine(8) - saw(4),
        1 - sine(8),
        2 * sine(8),
        sine(8) * perlin(4),
        sine(8) / 2,
        1 / sine(8),
        -sine(8),
    ]
    bent: list[Curve] = [
        sine(8).range(-12, saw(4)),
        sine(8).rangex(1, 100),
        sine(8).quantise(4),
        sine(8).smooth(2),
        sine(8).ease("inout"),
        sine(8).slow(1.5).fast(3),
        sine(8).early(1).late(0.5),
        rand(1).seed(7),
    ]
    sine(8).at([0.0, 4.0]).mean()
    sine(8).at(np.arange(4), seed=3)
    return waves + chance + drawn + moved + fitted + sums + bent


def latents() -> list[Latent]:
    a = sound("gong")
    b = sound(np.zeros(4096, np.float32))
    c = sound([0.0, 0.5])
    sources: list[Latent] = [
        a,
        b,
        c,
        silence,
        cluster(18),
        cluster(18, seconds=30),
        cluster(valence=0.1),
        near(a, 6),
    ]
    sources += [a.brighter(sine(8)).rougher(-1).noisier(0.5), b.bright(contour("rain", "centroid"))]
    sources += [place(0.3, 0.7), place(0.3, sine(8)), roam(sine(8), 0.5, every=0.5, blend=4)]
    sources += [swarm(4, sine(8), 0.5, spread=0.2), tour(["gong", a], timing="even", beats=32)]
    sources += [improvise("gong"), improvise(a, sine(8), order=2, every=1 / 4, memory="corpus")]
    sources += [
        improvise([a, "rain"], memory=[a]),
        improvise([3, 18, 3]),
        improvise(a, over="codes"),
    ]
    sources += [improvised([a], [[0, 0, 1, 3, 1]], [3], typicality=0.5), excerpts(24)]
    sources += [z([0.5, -1]), z(np.zeros(256)), prior(seed=3), noise(1), drift(3, beats=16)]
    mixed: list[Latent] = [
        interp(a, b),
        interp(a, b, 0.5),
        interp(a, b, curve=sine(8)),
        interp(a, b, [0, 1]),
        interp(a, b, np.linspace(0, 1, 9), match="repeat", law="logvar"),
        interp(a, [0.0] * 256, sine(8)),
        slerp(a, b, sine(8)),
        steps(a, b),
        steps(a, b, 0, 1, 0.2),
        path([a, near(a, 6), prior(3)], curve=saw(60)),
        blend((a, 1), (b, sine(8)), (prior(2), 0.5)),
        between({(0, 0): a, (1, 0): b}, at=[sine(8), perlin(4)]),
        between([(0, a), (1, b)], at=0.5),
        follow(sine(8), a),
        follow([sine(8), saw(4)], a, window=0.5, drive=[perlin(4), brown(1)]),
        cat(a, b.extend(2), silence),
        a + b,
        a - b,
        a * 2,
        2 * a,
        a * sine(8),
    ]
    touched: list[Latent] = [
        a.extend(4).extend(0.5),
        a.slow(1 / 3).fast(2),
        a.loop().loop(3),
        a.spread(0).spread(sine(8)),
        a.seed(7),
        a.rev().slice(0.1, 5.5),
        a.early(2).late(1.5),
        a.freeze(1.2).scrub(perlin(4)),
        a.offset(prior(3), sine(8)).offset([0.1] * 256),
        a.pitch("A3").transpose(sine(8)).voiced(0.5).loudness(-20),
        a.dim(7, sine2(4)).jitter(0.3).smooth(0.5),
        a.hits("x..x.x..").hits([1, 0, 0.5], step=1 / 2, swing=1 / 3, at=0.1, tail=0.2),
        a.hits(euclid(3, 8).rev() + "x." + strokes("X"), probability=sine(8)).hits(rand(1)),
        a.pitch(seq(["c4", "e4"], 1)).segment(-1, by="novelty", shortest=1),
        *a.slice(1, 2).segments(),
    ]
    return sources + mixed + touched


def arriving() -> list[Curve]:
    pad = xy("pad", start=0.2)
    return [
        knob("sea").lag(0.5).range(0, 3),
        cc(74, channel=1, device="nano", start=0.3) + pad.x * pad.y,
        bend() + touch(2) + gate(40, 60) + key() + velocity(start=0.7),
        osc("/wrist/x", 1) * level(1),
    ]


def rendered() -> None:
    a = sound("gong")
    for texture in (a.exact(), a.overlap(8), a.norm(), a.mono(), a.on("mine.safetensors")):
        render(texture, seconds=2.5)
    joined = a.on("mine.safetensors").norm().overlap(2)
    ll.interp(a.frozen("river"), joined.frozen("lake", seconds=8), sine(8))
    samples = render(joined, model=load_model(), corpus=Corpus(Path("sounds")), seed=3, tempo=90)
    samples.astype(np.float64).mean()
    ll.render(a.exact().on("toy").norm(), model="toy", corpus="sounds")
    assert loads(dumps(a.extend(Fraction(3, 2).numerator))) == a
    array("0" * 32)
    ", ".join(ll.WORDS)


def played() -> None:
    try:
        with Engine(tempo=90, seed=3, silent=True, out="heard.flac") as live:
            live.d1 >> interp(sound("surf"), sound("gong"), sine(8)).extend(4)
            live.d16 >> sound("gong").exact()
            live.layer("sea") >> prior(3)
            live.d1.gain(-3).gain(sine(8).range(-12, 0)).amp(0.5).pan(perlin(8))
            lead: float = live.d1.lead()
            live.clock_in("drums")
            live.clock_in(True)
            live.clock_out(None)
            live.link(True, quantum=3, offset=lead)
            live.learn("sea", relative="twos")
            live.d1.fade(4).xfade(2).morph(4).wide(0.5).out(1).lead(0.5).quant(1).stop(8).stop()
            live.d1.mute().unmute().solo().restart().jump().rename("tide").gain(-6)
            live.only(live.d1, live.d2)
            live.master.gain(-12)
            live.panic()
            with live.cell():
                live.d2 >> silence
            live.hush(4)
    except (ExpressionError, ll.SoundError, ll.ModelError, ll.DeviceError, ll.EngineError):
        raise
    except LatentliveError as error:
        print(error)
