"""Words on the map: which sounds a point meets, when they begin, and that logs keep them."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import latentlive as ll
from latentlive.corpus import Corpus, atlas
from latentlive.curves import Clock, Point, Tapes
from latentlive.engine.log.performance import Performance
from latentlive.engine.render.worker import Worker
from latentlive.engine.shared import Shared
from latentlive.errors import EngineError, ExpressionError, SoundError
from latentlive.latent import Spot
from latentlive.latent.elapsed import frames_in, samples_in
from latentlive.latent.places import Steps, nearest, shares
from latentlive.mapping import make_map
from latentlive.protocol.changes import Play
from latentlive.protocol.clip import Clip, Source
from latentlive.protocol.rendering import Batch, Encode, Finished, Job, Load, Loaded, Render
from latentlive.renderer import Rendering, corpus_sounds, stored_sounds
from latentlive.renderer.frozen import Setting, to_freeze
from latentlive.renderer.sounds import recordings
from latentlive.space import ToySpace
from latentlive.units import Tempo, TempoChange
from tests.prompting import Recorded, console
from tests.strategies import SHORT, SOUNDS, SPACE
from tests.test_bounce import Logged, bounced

RATE = 44100
CHART = SOUNDS.chart
WINDOW = SPACE.window
RNG = np.random.default_rng(3)
xs = st.floats(-1, 2, allow_nan=False)


def at_row(row):
    """Return the place of a sound of the chart, as numbers."""
    return CHART.places[row].tolist()


def samples(texture, seconds=1.0, sounds=SOUNDS, start=0.0, tempo=None):
    rendering = Rendering(texture.spread(0), SPACE, sounds, tempo=tempo)
    return rendering.samples(round(start * RATE), round((start + seconds) * RATE))


# Places.


@given(st.lists(st.tuples(xs, xs), min_size=1, max_size=9), st.integers(1, 9))
def test_the_nearest_are_the_nearest_in_order(points, count):
    x, y = np.array(points).T
    rows, squares = nearest(CHART.places, x, y, count)
    held = np.clip(np.stack([x, y], 1), 0, 1)
    apart = ((held[:, None] - CHART.places) ** 2).sum(axis=2)
    order = np.argsort(apart, axis=1, kind="stable")[:, : min(count, 7)]
    assert np.array_equal(rows, order)
    assert np.allclose(squares, np.take_along_axis(apart, order, 1))


@pytest.mark.parametrize("wide", [0.0, 0.01, 1.0])
def test_on_a_large_map_the_nearest_are_found_among_a_few(wide):
    places = RNG.random((5000, 2))
    x, y = 0.5 + wide * (RNG.random((2, 100)) - 0.5)
    rows, squares = nearest(places, x, y, 4)
    apart = (x[:, None] - places[:, 0]) ** 2 + (y[:, None] - places[:, 1]) ** 2
    order = np.argsort(apart, axis=1, kind="stable")[:, :4]
    assert np.array_equal(rows, order)
    assert np.array_equal(squares, np.take_along_axis(apart, order, 1))
    some = nearest(places, x[37:41], y[37:41], 4)
    assert np.array_equal(some[0], rows[37:41])


@given(xs, xs, st.integers(1, 6))
def test_shares_add_up_and_a_sound_at_the_edge_has_none(x, y, count):
    rows, squares = nearest(CHART.places, np.array([x]), np.array([y]), count + 1)
    weights = shares(squares, count)
    assert weights.sum() == pytest.approx(1)
    assert (np.diff(weights) <= 1e-12).all()
    own = nearest(CHART.places, *CHART.places[rows[0, :1]].T, count + 1)[1]
    assert np.array_equal(shares(own, count)[0], [1.0] + [0.0] * (count - 1))
    edged = squares.copy()
    edged[:, count - 1] = edged[:, count]
    if edged[0, 0] < edged[0, count]:
        assert shares(edged, count)[0, count - 1] == 0


@pytest.mark.parametrize("count", [2, 4, 9])
def test_a_mix_changes_without_jumps_wherever_the_point_goes(count):
    """A step a hundredth as long changes the mix by a hundredth: nothing jumps."""
    places = RNG.random((200, 2))
    changes = []
    for steps in (2_000, 200_000):
        way = np.linspace(0, 1, steps)
        rows, squares = nearest(places, 0.5 + 0.4 * np.cos(7 * way), way, count + 1)
        held = np.zeros((steps, 200), np.float32)
        np.put_along_axis(held, rows[:, :count], shares(squares, count).astype("f4"), axis=1)
        changes.append(np.abs(np.diff(held, axis=0)).max())
    assert changes[1] < changes[0] / 20


# Steps in time.


def test_a_step_plays_the_sound_from_its_beginning_and_silence_after_its_end():
    heard = samples(ll.roam(*at_row(2), every=0.5), 1.0)
    begin, gone = samples(ll.sound(SHORT[2]), 0.1), len(SHORT[2]) + WINDOW
    for step in (0, RATE // 2):
        middle = slice(step + WINDOW, step + 900)
        assert np.abs(heard[middle] - begin[WINDOW:900]).max() < 1e-6
        assert not heard[step + gone : step + RATE // 2 - WINDOW].any()


def test_the_sound_of_a_step_is_that_at_its_beginning():
    there = ll.seq([at_row(0)[0], at_row(4)[0]], 0.25), ll.seq([at_row(0)[1], at_row(4)[1]], 0.25)
    heard = samples(ll.roam(*there, every=0.5), 2.0)  # moves in mid-step
    alone = samples(ll.roam(*at_row(0), every=0.5), 2.0)
    assert np.array_equal(heard, alone)
    later = samples(ll.roam(*(c.early(0.25) for c in there), every=0.5), 2.0)
    assert np.array_equal(later, samples(ll.roam(*at_row(4), every=0.5), 2.0))


def test_without_steps_sounds_repeat_on_the_clock_and_the_nearest_is_heard():
    there = [ll.seq([a, b], 0.5) for a, b in zip(at_row(1), at_row(2), strict=True)]
    heard = samples(ll.roam(*there), 1.0)
    one, other = (samples(ll.sound(SHORT[n]).loop(), 1.0) for n in (1, 2))
    half, ends = RATE // 2, slice(WINDOW, -WINDOW)
    assert np.allclose(heard[:half][ends], one[:half][ends], atol=1e-6)
    assert np.allclose(heard[half:][ends], other[half:][ends], atol=1e-6)


def test_a_mix_at_a_place_is_its_sound_alone():
    for every in (None, 0.25):
        one, four = (samples(ll.roam(*at_row(3), every, blend=n)) for n in (1, 4))
        assert np.array_equal(one, four)


def test_only_sounds_that_are_met_are_read(monkeypatch):
    asked = []
    real = type(CHART).audio
    monkeypatch.setattr(
        type(CHART), "audio", lambda self, row, wait=True: asked.append(row) or real(self, row)
    )
    samples(ll.roam(*at_row(5), every=0.5), 2)
    assert set(asked) == {5}
    asked.clear()
    samples(ll.roam(*at_row(5), blend=2), 0.5)
    assert len(set(asked)) <= 2


changes = st.lists(
    st.tuples(st.integers(1, 400_000), st.floats(20, 400), st.sampled_from([0, 30_000, 90_000])),
    max_size=3,
).map(lambda told: tuple(TempoChange(*one) for one in sorted(told)))


@settings(max_examples=100, deadline=None)
@given(changes, st.integers(0, 500_000), st.floats(0, 3), st.sampled_from([0.5, 1, 3]))
def test_time_since_a_step_began_counts_each_moment_at_its_own_tempo(changes, sample, ago, factor):
    """Also inside .slow(k): there a beat is k beats of the layer, and a frame k frames."""
    tempo = Tempo(90, RATE, changes)
    scope = replace(_scope(tempo), stretch=ll.sound("x").slow(factor).factor if factor != 1 else 1)
    beat = float(tempo.beats(sample)) / factor
    clock = Clock(np.array([float(sample)]), tempo)
    query = scope.query(np.zeros(1), np.array([beat]), 0, clock)
    frames, back = frames_in(query, np.array([ago])), samples_in(query, np.array([ago]))
    began = float(tempo.samples((beat - ago) * factor))
    assert back[0] == pytest.approx(sample - began, abs=0.01)
    assert frames[0] == pytest.approx((sample - began) / WINDOW / factor, abs=1e-3)


def _scope(tempo):
    texture = ll.roam(0.5, 0.5, every=1)
    return Rendering(texture, SPACE, SOUNDS, tempo=tempo).scope


def test_steps_stay_on_the_beat_when_the_tempo_changes():
    tempo = Tempo(60, RATE, (TempoChange(RATE + 1000, 137.0),))
    heard = samples(ll.roam(*at_row(2), every=0.5), 3.0, tempo=tempo)
    begin = samples(ll.sound(SHORT[2]), 0.1)
    for step in range(2, 6):
        at = tempo.sample(step * 0.5)
        # Windows lie on a grid of the layer: the sound begins within half a sample of the beat.
        middle = slice(WINDOW, 900)
        near = [heard[at + d :][middle] for d in (-1, 0, 1)]
        assert min(np.abs(one - begin[middle]).max() for one in near) < 1e-6, step


def test_a_knob_is_read_when_the_step_begins():
    tapes = Tapes(RATE)
    texture = ll.roam(ll.knob("x", at_row(0)[0]), ll.knob("y", at_row(0)[1]), every=0.5).spread(0)
    rendering = Rendering(texture, SPACE, SOUNDS)
    lead = 4000
    rendering.listen(tapes, 0, lead)
    moved = round(0.6 * RATE)
    for axis, value in zip("xy", at_row(2), strict=True):
        tapes.take(Point(moved - lead, f"knob:{axis}", value))
    tapes.close(10 * RATE)
    heard = rendering.samples(0, 2 * RATE)
    before, after = (samples(ll.roam(*at_row(row), every=0.5), 2.0) for row in (0, 2))
    assert np.array_equal(heard[: RATE - WINDOW], before[: RATE - WINDOW])
    assert np.array_equal(heard[RATE + WINDOW :], after[RATE + WINDOW :])
    again = Rendering(texture, SPACE, SOUNDS)
    again.listen(tapes, 0, lead)
    assert np.array_equal(again.samples(RATE - 50, RATE + 900), heard[RATE - 50 : RATE + 900])


# Tours and swarms.


def legs(texture):
    scope = Rendering(texture, SPACE, SOUNDS).scope
    return texture.begins(scope.query(np.zeros(1), np.zeros(1), 0))


def test_the_legs_of_a_tour_last_as_their_ways_are_long():
    way = [4, 0, 6]
    found = np.diff(legs(ll.tour([str(n) for n in way], beats=10)))
    ends = CHART.places[way]
    far = np.linalg.norm(np.roll(ends, -1, axis=0) - ends, axis=1)
    assert np.allclose(found, far / far.sum())
    assert np.allclose(np.diff(legs(ll.tour(["4", "0", "6"], timing="even"))), 1 / 3)
    assert np.allclose(np.diff(legs(ll.tour(["4", "4", "4"]))), 1 / 3)


def test_a_tour_goes_through_its_sounds_and_round():
    texture = ll.tour(["0", "1", "2"], timing="even", beats=3)
    scope = Rendering(texture, SPACE, SOUNDS).scope
    for beat, sound in ((0, 0), (1, 1), (2, 2), (3, 0), (300, 0), (-1, 2)):
        query = scope.query(np.array([1.5]), np.array([float(beat)]), 0)
        alone = query.latents(ll.sound(SHORT[sound]).loop())
        assert np.allclose(query.latents(texture).mean, alone.mean, atol=1e-6), beat
    half = scope.query(np.array([1.5]), np.array([0.5]), 0)
    mixed = [half.latents(ll.sound(SHORT[n]).loop()).mean for n in (0, 1)]
    assert np.allclose(half.latents(texture).mean, np.mean(mixed, axis=0), atol=1e-6)


@pytest.mark.parametrize("source", ["nowhere", SHORT[0]])
def test_a_sound_that_is_not_on_the_map_needs_even_times(source):
    texture = ll.tour(["0", ll.sound(source)])
    with pytest.raises(ExpressionError, match='is not on the map; timing="even" needs no map'):
        legs(texture)


def test_a_swarm_stays_around_its_point(monkeypatch):
    met = set()
    real = Spot.__init__
    monkeypatch.setattr(
        Spot, "__init__", lambda self, atlas, row: met.add(row) or real(self, atlas, row)
    )
    samples(ll.swarm(5, *at_row(1), 0.0, every=0.3), 3)
    assert met == {1}
    samples(ll.swarm(5, *at_row(1), 0.9, every=0.3), 3)
    assert len(met) > 3


def test_walkers_take_turns_and_seeds_lead_them_elsewhere():
    scope = _scope(Tempo(60, RATE))
    beats = np.arange(0, 2, 0.01)
    begun = []
    for walker in range(4):
        steps = Steps(scope.query(beats, beats, 0), 0.5, 0.5 * walker / 4)
        begun += (steps.numbers * 0.5 - 0.125 * walker).tolist()
    assert np.allclose(np.diff(sorted(begun)), 0.125)
    texture = ll.swarm(3, 0.5, 0.5, 0.5)
    one, other = (samples(ll.swarm(3, 0.5, 0.5, 0.5).seed(n)) for n in (1, 2))
    assert not np.array_equal(one, other)
    assert np.array_equal(samples(texture), samples(ll.swarm(3, 0.5, 0.5, 0.5)))


# Odd arguments.

REFUSED = [
    (lambda: ll.place(2, 0), "place: x must be <= 1, got 2"),
    (lambda: ll.place(True, 0), "place: x must be a number, got True"),
    (lambda: ll.place("gong", 0), "roam: x must be a curve, a number or an array, got 'gong'"),
    (
        lambda: ll.roam(0.5, float("nan")),
        "roam: y must be a curve, a finite number or an array",
    ),
    (lambda: ll.roam(0.5, 0.5, every=0), "roam: every must be > 0 beats, got 0"),
    (lambda: ll.roam(0.5, 0.5, every=1e-9), "roam: every must be >= 0.015625 beats"),
    (lambda: ll.roam(0.5, 0.5, blend=0), "roam: blend must lie in 1 to 16, got 0"),
    (lambda: ll.swarm(17, 0.5, 0.5, 0.1), "swarm: n must lie in 1 to 16, got 17"),
    (lambda: ll.swarm(3, 0.5, 0.5, 0.1, every=None), "swarm: every must be a number"),
    (lambda: ll.tour(["gong"]), "tour: sounds needs at least 2, got 1"),
    (lambda: ll.tour("gong"), "tour: sounds must be a list, got 'gong'"),
    (lambda: ll.tour(["gong", 3]), "must be a sound such as 'gong', got 3"),
    (lambda: ll.tour(["a", "b"], beats=0), "tour: beats must be > 0 beats, got 0"),
    (lambda: ll.tour(["a", "b"], timing="far"), "tour: timing must be 'distance' or 'even'"),
]


@pytest.mark.parametrize(("typed", "said"), REFUSED)
def test_what_has_no_meaning_is_one_line(typed, said):
    with pytest.raises(ExpressionError) as refused:
        typed()
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


# Of a real corpus.


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "tones"
    folder.mkdir()
    for n in range(12):
        soundfile.write(folder / f"tone{n:02}.wav", tone(n), RATE, subtype="FLOAT")
    corpus = Corpus(folder)
    make_map(corpus, workers=0)
    return corpus


def tone(n):
    return 0.1 * RNG.standard_normal(6000) * np.linspace(1, n % 5 / 5, 6000) + 0.01 * n


def test_a_place_is_the_sound_nearest_to_it(corpus):
    mapped, find = corpus.placed(), corpus_sounds(corpus, RATE)
    for row, (x, y) in enumerate(mapped.places.tolist()):
        found = find(ll.place(x, y))
        assert found.digest == corpus.audio(mapped.names[row], RATE).digest


def test_what_moves_on_the_map_names_it_and_needs_no_corpus_then(corpus):
    texture = ll.interp(ll.roam(ll.sine(3), ll.perlin(2), 0.25), ll.tour(["tone01", "tone02"]), 0.3)
    find = corpus_sounds(corpus, RATE)
    told = recordings(texture, find)
    roam, tour, *sounds = texture.a, texture.b, *texture.b.sounds
    assert told[roam.digest] == told[tour.digest] == corpus.atlas(RATE).digest
    assert set(told) == {roam.digest, tour.digest, *(s.digest for s in sounds)}
    assert "tone" not in str(recordings(ll.tour(["tone01", "tone02"], "even"), find).values())
    here, there = (samples(texture, 2, sounds=s) for s in (find, stored_sounds(told)))
    assert np.array_equal(here, there)
    with pytest.raises(SoundError, match="its map was not sent with it"):
        samples(texture, 1, sounds=stored_sounds({}))


def test_a_map_that_is_missing_says_how_to_make_it(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(1), RATE)
    with pytest.raises(SoundError, match="has no map yet; make it: latentlive corpus"):
        samples(ll.roam(0.5, 0.5), sounds=corpus_sounds(Corpus(tmp_path), RATE))


def test_a_loud_sound_of_the_map_is_no_louder_than_the_space_can_be(corpus):
    loud = type(SPACE)(WINDOW)
    loud.peak = 0.05
    soft = Rendering(ll.roam(0.5, 0.5, 0.5).spread(0), loud, corpus_sounds(corpus, RATE))
    assert np.abs(soft.samples(0, RATE // 4)).max() <= 0.05


def test_a_log_bounces_to_the_same_samples_though_the_map_and_a_sound_have_changed(
    corpus, tmp_path
):
    textures = [
        ll.roam(ll.sine(3), ll.perlin(2), every=0.25),
        ll.roam(ll.sine(5), ll.cosine(4), blend=4),
        ll.swarm(3, 0.5, ll.sine(7), 0.3, every=0.4),
    ]
    find = corpus_sounds(corpus, RATE)
    path, before = tmp_path / "log.py", find.atlas(textures[0]).digest
    house = Logged(path, seed=4)
    for n, texture in enumerate(textures, 1):
        source = Source(texture, repr(texture), recordings(texture, find))
        house.apply(Play(f"d{n}", source))
    house.run(3)
    house.journal.close()
    for n in range(12):
        soundfile.write(corpus.folder / f"tone{n:02}.wav", tone(n)[::-1], RATE, subtype="FLOAT")
    soundfile.write(corpus.folder / "more.wav", tone(3), RATE, subtype="FLOAT")
    make_map(Corpus(corpus.folder), workers=0)
    assert corpus.atlas(RATE).digest != before
    performance = Performance(path)
    performance.check_sounds(corpus_sounds(Corpus(corpus.folder), RATE))
    mix, _ = bounced(path, stop=3 * RATE)
    assert np.abs(mix).max() > 0.01
    assert np.array_equal(mix[: len(house.samples)], house.samples[: len(mix)])
    line = max(path.with_suffix(".jsonl").read_text().splitlines(), key=len)
    assert len(line) < 2000


def test_a_log_whose_map_is_gone_is_refused_in_one_line(corpus, tmp_path):
    from latentlive.corpus.atlas import FOLDER, kept_atlas
    from latentlive.ground.files import working_file

    texture = ll.roam(0.5, 0.5, every=0.5)
    find = corpus_sounds(corpus, RATE)
    house = Logged(tmp_path / "log.py")
    house.apply(Play("d1", Source(texture, repr(texture), recordings(texture, find))))
    house.run(0.5)
    house.journal.close()
    working_file(f"{find.atlas(texture).digest}.json", FOLDER).unlink()
    kept_atlas.cache_clear()
    performance = Performance(tmp_path / "log.py")
    performance.check_sounds(corpus_sounds(Corpus(corpus.folder), RATE))  # drawn again, the same
    working_file(f"{find.atlas(texture).digest}.json", FOLDER).unlink()
    kept_atlas.cache_clear()
    soundfile.write(corpus.folder / "more.wav", tone(3), RATE, subtype="FLOAT")
    make_map(Corpus(corpus.folder), workers=0)
    with pytest.raises(EngineError, match="is not the one that was played on"):
        performance.check_sounds(corpus_sounds(Corpus(corpus.folder), RATE))


def test_a_voice_that_roams_is_encoded_ahead_while_it_sounds(corpus, tmp_path):
    texture = ll.roam(ll.sine(3), ll.perlin(2), every=0.25)
    house = Logged(tmp_path / "log.py")
    told = recordings(texture, corpus_sounds(corpus, RATE))
    house.apply(Play("d1", Source(texture, repr(texture), told)))
    house.run(2)
    (voice,) = house.scheduler.timeline.voices.values()
    assert voice.sounding
    assert voice.stream.encoded > voice.rendered + 10 * RATE
    house.journal.close()


def test_a_worker_goes_on_with_other_layers_while_a_sound_is_decoded(corpus, monkeypatch):
    shared = Shared.create(2)
    worker = Worker(ToySpace(1024), shared, live=True)
    texture, tempo, go = ll.roam(0.5, 0.5, every=0.5), Tempo(60, RATE), threading.Event()
    told = recordings(texture, corpus_sounds(corpus, RATE))
    read = atlas.read_audio
    monkeypatch.setattr(atlas, "read_audio", lambda *given: go.wait() and read(*given))
    for serial, source in ((1, Source(texture, "", told)), (2, Source(ll.sound(SHORT[2]), "", {}))):
        order = Load(serial, 0, (serial,), Clip(source, 0, tempo), 0.0, serial, 0)
        assert isinstance(worker.answer(order), Loaded)
    asked = Render(tuple(Job(serial, 0, 0, 4096) for serial in (1, 2)))
    assert [one.serial for one in worker.answer(asked).answers] == [2]
    assert worker.answer(Encode(Job(1, 0, 0, 4096))) == Batch()
    go.set()
    for _ in range(200):
        answers = worker.answer(Render((Job(1, 0, 0, 4096),))).answers
        if answers:
            break
    assert [type(one) for one in answers] == [Finished]


def test_a_frozen_roam_depends_on_its_map(corpus):
    find = corpus_sounds(corpus, RATE)
    setting = Setting(corpus, find, "toy", SPACE.digest, SPACE.facts)
    texture = ll.roam(ll.sine(3), 0.5, every=0.25)
    first = to_freeze(texture, "wandered", 1.0, setting)
    assert to_freeze(texture, "wandered", 1.0, setting).key == first.key
    soundfile.write(corpus.folder / "more.wav", tone(3), RATE, subtype="FLOAT")
    make_map(Corpus(corpus.folder), workers=0)
    assert to_freeze(texture, "wandered", 1.0, setting).key != first.key


def test_the_prompt_tells_where_a_sound_lies_and_which_lies_where(corpus):
    engine = Recorded()
    engine._make_words(corpus)
    typed, _ = console(engine)
    mapped = corpus.placed()
    x, y = (round(value, 4) for value in mapped.places[mapped.rows["tone07"]].tolist())
    assert typed.run('corpus.place("tone07")').shown == f"({x}, {y})"
    told = typed.run(f"place({x}, {y})").shown.splitlines()
    assert told[0] == f"place({x}, {y})"
    assert told[2].split()[0] == "tone07"
    wrong = typed.run('corpus.place("tone77")').error
    assert wrong == "corpus: 'tone77' is not on the map; did you mean 'tone07'?"
