"""Improvisers: walks through a piece, over its parts or its codes; palettes of codes."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.corpus import Corpus, parts
from latentlive.corpus.audio import audio_of
from latentlive.corpus.listening import heard
from latentlive.corpus.parts import parts_of
from latentlive.corpus.store import keep
from latentlive.engine.log.performance import Performance
from latentlive.errors import ExpressionError, SoundError
from latentlive.expr.replacing import replaced
from latentlive.latent import Improvise, Improvised
from latentlive.latent.codes import nearest
from latentlive.latent.oracle import Markov, Order, oracle
from latentlive.latent.walking import Piece, Walk
from latentlive.mapping import make_map
from latentlive.renderer import Rendering, Spaces, corpus_sounds, scoring
from latentlive.renderer.scoring import Scoring, scored
from latentlive.space import ToySpace
from latentlive.units import Tempo
from tests.performing import RATE, Engine, bounced, replayed, same

SOUNDS = corpus_sounds(None, 44100)
TOY = ToySpace()
rng = np.random.default_rng(11)


# The order of a piece.


def test_an_oracle_accepts_every_part_of_its_sequence_and_links_equal_pasts():
    for _ in range(200):
        symbols = rng.integers(0, 3, rng.integers(1, 40)).tolist()
        found = oracle(symbols)
        forward = {(i, symbols[i]): i + 1 for i in range(len(symbols))}
        forward |= {(a, symbols[b - 1]): b for a, b in found.factors}
        for first, last in itertools.combinations(range(len(symbols) + 1), 2):
            state = 0
            for symbol in symbols[first:last]:
                state = forward[state, symbol]
        for state, link in enumerate(found.links[1:], 1):
            count = found.shared[state]
            assert symbols[state - count : state] == symbols[link - count : link]
            assert link < state


def test_jumps_lead_to_the_longest_past_and_weigh_what_follows_as_the_markov_model_does():
    symbols = rng.integers(0, 4, 300).tolist()
    order, markov = Order(symbols, 3), Markov(symbols)
    for place in range(3, 300):
        jumps = order.jumps(place, 3)
        assert place not in jumps.places
        for one in jumps.places:
            assert (
                symbols[one - jumps.past + 1 : one + 1]
                == (symbols[place - jumps.past + 1 : place + 1])
            )
        shares = np.diff(jumps.rising, prepend=0.0)
        assert shares.sum() == pytest.approx(1.0)
        counts = markov.counts(place, jumps.past)
        by_next = {s: 0.0 for s in map(order.after, jumps.places)}
        for one, share in zip(jumps.places, shares, strict=True):
            by_next[order.after(one)] += share
        total = sum(counts[s] for s in by_next)
        for symbol, share in by_next.items():
            assert share == pytest.approx(counts[symbol] / total)


def test_counts_are_those_of_the_sequence():
    symbols = rng.integers(0, 3, 60).tolist()
    for place, past in ((20, 0), (20, 1), (35, 2), (59, 3)):
        wanted: dict[int, int] = {}
        for one in range(max(past - 1, 0), 60):
            if symbols[one - past + 1 : one + 1] == symbols[place - past + 1 : place + 1]:
                after = symbols[(one + 1) % 60]
                wanted[after] = wanted.get(after, 0) + 1
        assert Markov(symbols).counts(place, past) == wanted


class Hand:
    """Constant values, half a second a step."""

    def __init__(self, congruence, typicality=0.5):
        self._congruence, self._typicality = congruence, typicality

    def congruence(self, start):
        return self._congruence

    def typicality(self, start):
        return self._typicality

    def lasting(self, unit, start):
        return 0.5


def walking(symbols, congruence, key=5, order=4, typicality=0.5, typical=None):
    count = len(symbols)
    typical = [0.5] * count if typical is None else typical
    piece = Piece(Order(symbols, order), [[i] for i in range(count)], typical, True)
    return Walk(piece, key, Hand(congruence, typicality))


def units(walk, count):
    return [walk.step(number).unit for number in range(count)]


def test_congruence_1_plays_the_piece_and_0_never_goes_on_where_it_can_jump():
    symbols = rng.integers(0, 3, 50).tolist()
    assert units(walking(symbols, 1.0), 120) == [i % 50 for i in range(120)]
    jumping = units(walking(symbols, 0.0), 500)
    assert all(b != (a + 1) % 50 for a, b in itertools.pairwise(jumping))


def test_an_hour_has_no_cycle_and_other_seeds_go_other_ways():
    symbols = rng.integers(0, 6, 80).tolist()
    hour = units(walking(symbols, 0.8), 7200)
    assert all(hour[-500:] != hour[-500 - shift : -shift] for shift in range(1, 3600))
    assert units(walking(symbols, 0.8, key=6), 200) != hour[:200]


def test_any_step_may_be_asked_first_and_late_ones_cost_a_bounded_time():
    symbols = rng.integers(0, 6, 80).tolist()
    whole = walking(symbols, 0.7)
    steps = [whole.step(n) for n in range(3000)]
    for number in (2999, 17, 1500, 0, 2048):
        assert walking(symbols, 0.7).step(number) == steps[number]
    begun = time.process_time()
    walking(symbols, 0.7).at(np.array([4 * 3600.0 - 1.0]))
    assert time.process_time() - begun < 3.0


def test_typicality_chooses_among_the_sounds_of_a_node():
    symbols = [0] * 40
    typical = np.linspace(0, 1, 40).tolist()

    def mean(typicality):
        walk = walking(symbols, 0.0, typicality=typicality, typical=typical)
        return np.mean([typical[unit] for unit in units(walk, 600)])

    assert mean(1.0) > 0.75
    assert 0.4 < mean(0.5) < 0.6
    assert mean(0.0) < 0.25


# As a latent.


def tones(count=8, seconds=0.25, rate=44100):
    """Return short tones of four pitches, one after another, with attacks."""
    t = np.arange(round(seconds * rate)) / rate
    pitches = [220.0, 330.0, 495.0, 742.0]
    return np.concatenate(
        [np.sin(2 * np.pi * pitches[i % 4] * t) * np.exp(-9 * t) * 0.5 for i in range(count)]
    ).astype(np.float32)


PIECE = tones()
STARTS = np.arange(8) * 0.25


def played(texture, seconds=2.0, space=TOY, **more):
    rendering = Rendering(texture, Spaces(space), SOUNDS, **more)
    return rendering.samples(0, round(seconds * 44100))


def in_parts(nodes=(1, 2, 3, 4) * 2, **led):
    rows = [[0, a, a + 0.25, n, 1] for a, n in zip(STARTS, nodes, strict=True)]
    return ll.improvised([ll.sound(PIECE)], rows, **led)


def test_all_congruent_it_is_the_recording_itself():
    whole = played(in_parts(congruence=1).spread(0), 1.9)
    assert np.array_equal(whole, played(ll.sound(PIECE).loop().spread(0), 1.9))


def test_parts_are_played_whole_and_nothing_else():
    heard = played(in_parts(congruence=0.3).spread(0), 30.0).reshape(-1, 11025)
    known = PIECE.reshape(-1, 11025)[:4]
    inside = slice(100, -100)  # edges cross over
    nearest = np.abs(heard[:, None, inside] - known[:, inside]).max(axis=2).min(axis=1)
    assert nearest.max() < 3e-4  # encodings are rounded


@pytest.mark.parametrize("tempo", [Tempo(60), Tempo(90).changed(44100, 140), Tempo(50)])
def test_in_time_a_part_begins_on_each_beat_also_after_a_change_of_tempo(tempo):
    clicks = np.zeros(8820, np.float32)
    clicks[0] = 1.0
    piece = ll.improvised([ll.sound(clicks)], [[0, 0, 0.2, 1, 1]], every=0.5)
    heard = played(piece.spread(0), 3.0, tempo=tempo)
    found = np.flatnonzero(np.abs(heard) > 0.9)
    wanted = np.rint(tempo.samples(np.arange(len(found)) / 2))
    assert len(found) >= 5
    assert np.abs(found - wanted).max() <= 1


def test_in_time_a_short_part_is_followed_by_silence_and_a_long_one_is_cut():
    rising = np.linspace(0.1, 0.5, 44100).astype(np.float32)
    rest = played(ll.improvised([ll.sound(rising)], [[0, 0, 0.1, 1, 1]], every=0.5).spread(0), 1.0)
    assert np.abs(rest[6000:22000]).max() == 0.0
    assert np.abs(rest[100:4300]).min() > 0.05
    cut = played(ll.improvised([ll.sound(rising)], [[0, 0, 1, 1, 1]], every=0.25).spread(0), 1.0)
    assert np.abs(cut[100:10900]).min() > 0.05
    assert cut.max() < 0.21


def test_two_improvisers_cross_and_all_words_follow():
    a, b = in_parts(), in_parts(nodes=(1, 1, 2, 2, 3, 3, 4, 4), every=0.25).seed(4)
    crossed = ll.interp(a, b, ll.sine(2)).extend(2).early(1)
    whole = played(crossed, 3.0)
    assert np.isfinite(whole).all()
    assert np.abs(whole).max() > 0.05
    assert not np.array_equal(played(a, 4.0), played(a.seed(2), 4.0))
    assert ll.improvise("gong").length is not None


def test_draws_stay_when_what_leads_it_is_changed():
    """A tweak does not throw the dice anew."""
    one, other = played(in_parts(congruence=0.5), 9.0), played(in_parts(congruence=0.55), 9.0)
    steps = (one.reshape(-1, 11025) == other.reshape(-1, 11025)).mean(axis=1)
    assert steps[0] == 1.0
    assert played(in_parts(congruence=0.5, order=3), 9.0).shape == one.shape


def test_hour_ten_begins_within_a_bounded_time():
    rendering = Rendering(in_parts(), Spaces(TOY), SOUNDS)
    begun = time.process_time()
    late = rendering.samples(10 * 3600 * 44100, 10 * 3600 * 44100 + 44100)
    assert time.process_time() - begun < 3.0
    assert np.abs(late).max() > 0.05


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: ll.improvise(ll.prior(3)), "improvise: piece must be a recording or a slice of"),
        (lambda: ll.improvise([]), "improvise: piece must be a non-empty array"),
        (lambda: ll.improvise([1, -2]), "improvise: piece: nodes are whole numbers from"),
        (lambda: ll.improvise("a", memory="mine"), "improvise: memory is 'corpus' or a list"),
        (lambda: ll.improvise("a", every=0.001), "improvise: every must be 1/64 to 1e6 beats"),
        (lambda: ll.improvise("a", ll.knob("x")), "improvise: congruence cannot follow what"),
        (lambda: ll.improvise("a", order=0), "improvise: order must lie in 1 to 32, got 0"),
        (lambda: ll.improvise(["a", "b"], over="codes"), "improvise: codes are of one recording"),
        (lambda: ll.improvise("a", every=1, over="codes"), "improvise: codes are the piece's own"),
        (lambda: ll.improvised([ll.sound("a")], [[0, 2, 1, 1, 1]]), "improvised: a part must end"),
        (lambda: ll.improvised([ll.sound("a")], [[1, 0, 1, 1, 1]]), "improvised: there are 1 rec"),
        (lambda: ll.improvised([ll.sound("a")], [[0, 0, 1, 1]]), "improvised: parts must have 5"),
        (lambda: ll.improvised([ll.sound("a")], [[0, 0, 1, 1, 1]], [2]), "improvised: score hold"),
        (lambda: ll.sound("a").quantise(0), "quantise: k must lie in 1 to 256, got 0"),
        (lambda: ll.sound("a").quantise(3, ll.prior(1)), "quantise: by must be a recording or a"),
    ],
)
def test_what_has_no_meaning_is_refused_in_one_line(make, line):
    with pytest.raises(ExpressionError) as told:
        make()
    assert str(told.value).startswith(line)
    assert "\n" not in str(told.value)


# What a piece is made of.


@pytest.fixture
def at_once(monkeypatch):
    """Hear pieces here: a process for each would take seconds."""
    monkeypatch.setattr(scoring, "parts_of", lambda audio, rate, *_: heard(audio.samples, rate))


@pytest.mark.parametrize(
    "samples",
    [np.zeros(44100), np.full(132, 0.1), np.sin(np.arange(44100) * 0.05), np.ones(1)],
    ids=["silence", "3 ms", "one part", "one sample"],
)
def test_odd_pieces_play(samples, at_once):
    texture = ll.improvise(ll.sound(samples.astype(np.float32)), 0.5)
    given = Scoring(Corpus(), SOUNDS, 44100)
    played_as = scored(texture.spread(0), given)
    samples = played(played_as, 0.5)
    assert np.isfinite(samples).all()
    again = scored(texture.spread(0), given)
    assert again == played_as


def test_the_parts_of_a_piece_are_found_at_its_onsets_and_alike_ones_share_a_node(at_once):
    samples = tones(32).reshape(-1, 11025)
    samples[1::2] = rng.standard_normal(samples[1::2].shape) * np.exp(-np.arange(11025) / 4000) / 5
    piece = ll.sound(samples.ravel())
    found = scored(ll.improvise(piece), Scoring(Corpus(), SOUNDS, 44100))
    assert isinstance(found, Improvised)
    starts, stops, nodes, typical = found.parts.T[1:]
    assert np.abs(starts - np.arange(32) * 0.25).max() < 0.02
    assert np.abs(stops[:-1] - starts[1:]).max() < 1e-9
    assert set(nodes[::2].tolist()).isdisjoint(nodes[1::2].tolist())
    assert {typical.min(), typical.max()} == {0.0, 1.0}
    sliced = scored(ll.improvise(piece.slice(2, 4)), Scoring(Corpus(), SOUNDS, 44100))
    assert sliced.parts[:, 1].min() >= 2.0
    assert sliced.parts[:, 2].max() <= 4.0


def test_kept_parts_that_are_damaged_are_found_anew(monkeypatch, tmp_path):
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    audio = keep(audio_of(tones(4)))
    first = parts_of(audio, 44100, "improvise")
    (path,) = (tmp_path / "parts").iterdir()
    np.save(tmp_path / "nan.npy", first * np.nan)
    np.save(tmp_path / "order.npy", first[::-1])
    bad = [(tmp_path / name).read_bytes() for name in ("nan.npy", "order.npy")]
    for damage in (*bad, b"", b"nothing of the kind", path.read_bytes()[:-9]):
        path.write_bytes(damage)
        assert parts._read(path) is None
    assert np.array_equal(parts_of(audio, 44100, "improvise"), first)
    begun = time.perf_counter()
    parts_of(audio, 44100, "improvise")
    assert time.perf_counter() - begun < 0.5


def test_a_long_piece_is_heard_aside_and_the_line_says_when_to_come_back(monkeypatch, tmp_path):
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    audio = keep(audio_of(np.tile(tones(), 20)))
    with pytest.raises(SoundError, match=r"improvise: its piece is being heard \(\d+%, about \d+"):
        parts_of(audio, 44100, "improvise", 0.0)
    assert len(parts_of(audio, 44100, "improvise", 120.0)) > 100


def test_a_process_that_is_killed_costs_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    audio = keep(audio_of(np.tile(tones(), 20)))
    with pytest.raises(SoundError):
        parts_of(audio, 44100, "improvise", 0.0)
    (running,) = parts._running.values()
    running.process.kill()
    with pytest.raises(SoundError, match="the piece cannot be heard: its process was ended"):
        parts_of(audio, 44100, "improvise", 60.0)
    assert len(parts_of(audio, 44100, "improvise")) > 100


def test_parts_do_not_depend_on_the_rate_by_much():
    at_44, at_48 = heard(tones(8), 44100), heard(tones(8, rate=48000), 48000)
    assert len(at_44) == len(at_48)
    assert np.abs(at_44[:, :2] - at_48[:, :2]).max() < 0.01


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A folder of tones with a map."""
    folder = tmp_path_factory.mktemp("mine")
    for number in range(24):
        t = np.arange(8820) / 44100
        tone = np.sin(2 * np.pi * 150 * 1.13**number * t) * np.exp(-4 * t) * 0.4
        soundfile.write(folder / f"tone {number}.wav", tone, 44100, subtype="FLOAT")
    library = Corpus(folder)
    make_map(library, workers=0)
    return library


def test_the_corpus_plays_a_piece_and_a_score_of_its_nodes(mine, at_once):
    given = Scoring(mine, corpus_sounds(mine, 44100), 44100)
    found = scored(ll.improvise(ll.sound(tones(16)), memory="corpus"), given)
    nodes = set(found.parts[:, 3].tolist())
    assert set(found.score.tolist()) == nodes
    assert len(found.recordings) >= 1
    assert all(one.source.startswith("tone") for one in found.recordings)
    by_number = scored(ll.improvise([0, 3, 0, 2]), given)
    assert by_number.score.tolist() == [0, 3, 0, 2]
    labels = dict(zip(mine.mapped.names, mine.mapped.labels.tolist(), strict=True))
    for which, _, _, node, _ in by_number.parts.tolist():
        own = labels[by_number.recordings[int(which)].source]
        assert own == mine.mapped.map.filled(int(node))
    listed = scored(ll.improvise([0, 3], memory=["tone 1", "tone 20"]), given)
    assert {one.source for one in listed.recordings} <= {"tone 1", "tone 20"}
    metal = [f"tone {number}" for number in range(12, 24)]
    far = scored(ll.improvise(ll.sound(tones(32) / 9), memory=metal), given)
    assert len(far.recordings) > 1  # though all of them are unlike the piece
    with pytest.raises(ExpressionError, match="the map has nodes 0 to 3, got 9"):
        scored(ll.improvise([9]), given)
    wholes = scored(ll.improvise(["tone 1", "tone 20", "tone 2"]), given)
    assert wholes.parts[:, 2] == pytest.approx(0.2)


def test_a_log_plays_the_same_though_map_and_sounds_have_changed(mine, tmp_path, at_once):
    sounds = corpus_sounds(mine, RATE)
    texture = ll.improvise(ll.sound(tones(16)), 0.4, every=0.125, memory="corpus")
    played_as = scored(texture, Scoring(mine, sounds, RATE))
    digests = {one.digest: sounds(one).digest for one in played_as.recordings}
    source = {"expr": json.loads(ll.dumps(played_as)), "code": repr(texture), "sounds": digests}
    engine = Engine(tmp_path / "heard.py")
    change = {"op": "play", "layer": "d1", "source": source}
    assert engine.do(op="cell", changes=[change]) is None
    engine.run(1.0)
    engine.close()
    mine.folder.joinpath("tone 3.wav").unlink()
    (mine.folder / "another.wav").write_bytes((mine.folder / "tone 4.wav").read_bytes())
    make_map(Corpus(mine.folder), seed=3, workers=0)
    stop = RATE // 2
    Performance(tmp_path / "heard.py").check_sounds(corpus_sounds(Corpus(mine.folder), RATE))
    whole = bounced(tmp_path / "heard.py", stop)
    assert np.abs(whole).max() > 0.001
    same(whole, engine.samples[:stop], "the bounce")
    same(replayed(tmp_path / "heard.py", tmp_path / "again.py", stop), whole, "the replay")


# Codes.


def test_codes_are_near_the_vectors_they_stand_for():
    far = [np.tile(rng.standard_normal(64) * 0.2, 10) for _ in range(4)]
    by = ll.sound(np.concatenate(far).astype(np.float32))
    texture = by.quantise(4, by).spread(0)
    rendering = Rendering(texture, Spaces(TOY), SOUNDS)
    asked = rendering.drawn(np.arange(0, 40, dtype=float))
    plain = Rendering(by.spread(0), Spaces(TOY), SOUNDS).drawn(np.arange(0, 40, dtype=float))
    assert len(np.unique(asked, axis=0)) == 4
    assert np.abs(asked - plain).max() < 0.25
    silent = Rendering(ll.silence.slice(0, 1).quantise(4, by).spread(0), Spaces(TOY), SOUNDS)
    assert not silent.drawn(np.arange(3.0)).any()


def test_noise_stays_and_chunks_do_not_matter_one_vector_at_a_time():
    by = ll.sound(rng.standard_normal(6400).astype(np.float32) * 0.2)
    rendering = Rendering(by.quantise(7, by), Spaces(TOY), SOUNDS)
    frames = np.arange(0, 99, 0.25)
    whole = rendering.drawn(frames)
    single = np.concatenate([rendering.drawn(frames[i : i + 1]) for i in range(len(frames))])
    assert np.array_equal(whole, single)
    assert len(np.unique(whole, axis=0)) > 300
    vectors = rng.standard_normal((50, 257)).astype(np.float32)
    codes, scale = vectors[:9] + 0.1, np.ones(257, np.float32)
    best = nearest(vectors, codes, scale)[0]
    alone = [nearest(v[None], codes, scale)[0][0] for v in vectors]
    assert best.tolist() == alone


def test_codes_come_from_the_cache_at_once_and_damaged_ones_are_found_anew(monkeypatch, tmp_path):
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    texture = ll.improvise(ll.sound(np.tile(tones(), 3)), over="codes")
    first = played(texture, 3.0)
    (path,) = (tmp_path / "codes").iterdir()
    rendering = Rendering(texture, Spaces(TOY), SOUNDS)
    assert rendering.start()
    for damage in (b"", b"none", path.read_bytes()[:-40]):
        path.write_bytes(damage)
        assert np.array_equal(played(texture, 3.0), first)
    (tmp_path / "codes.json").write_text(ll.dumps(texture))
    code = (
        "import sys, numpy, latentlive as ll; from latentlive.space import ToySpace;"
        f"x = ll.render(ll.loads(open({str(tmp_path / 'codes.json')!r}).read()), 3, "
        f"model=ToySpace()); numpy.save({str(tmp_path / 'there.npy')!r}, x)"
    )
    path.unlink()
    subprocess.run([sys.executable, "-c", code], check=True)
    assert np.array_equal(np.load(tmp_path / "there.npy"), first)


def test_codes_are_learned_bit_by_bit():
    rendering = Rendering(
        ll.improvise(ll.sound(np.tile(tones(), 30)), over="codes"), Spaces(ToySpace(128)), SOUNDS
    )
    begun, longest, rounds = time.process_time(), 0.0, 0
    while not rendering.start():
        now = time.process_time()
        longest, begun, rounds = max(longest, now - begun), now, rounds + 1
    assert rounds > 10
    assert longest < 0.25


@pytest.mark.parametrize("space", ["spectral", "rawaudiovae", "spectralvae"])
def test_all_shipped_spaces_improvise_over_codes_and_snap(space):
    piece = ll.sound(np.tile(tones(), 2))
    texture = ll.interp(
        ll.improvise(piece, 0.6, over="codes"), piece.loop().quantise(5, piece), ll.sine(2)
    )
    samples = ll.render(texture.on(space), 2.0)
    assert np.isfinite(samples).all()
    assert 0.01 < np.sqrt(np.mean(samples**2)) < 0.5


def test_excerpts_are_a_bit_of_the_whole_corpus(mine):
    sounds = corpus_sounds(mine, 44100)
    assert len(sounds(ll.excerpts(6)).samples) == 6 * 8820
    assert sounds(ll.excerpts(6)).digest == sounds(ll.excerpts(6)).digest
    assert len(sounds(ll.excerpts(512)).samples) == len(mine.mapped.names) * 8820


def test_replaced_nodes_leave_the_rest_as_it_is():
    x = ll.interp(ll.sound("a").extend(2), ll.cat(ll.sound("b"), ll.sound("a")), ll.sine(8))
    y = replaced(x, lambda node: ll.sound("c") if node == ll.sound("a") else node)
    assert y == ll.interp(ll.sound("c").extend(2), ll.cat(ll.sound("b"), ll.sound("c")), ll.sine(8))
    assert replaced(x, lambda node: node) is x
    inside = ll.improvise([ll.sound("a"), ll.sound("b")], ll.sine(8), memory=[ll.sound("a")])
    changed = replaced(inside, lambda node: ll.sound("c") if node == ll.sound("a") else node)
    assert changed == ll.improvise([ll.sound("c"), ll.sound("b")], ll.sine(8), memory=["c"])
    assert isinstance(changed, Improvise)
