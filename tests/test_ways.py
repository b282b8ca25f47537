"""Where textures are on the map, and what the stage view reads of a log."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.curves import Tapes
from latentlive.curves.tapes import Point
from latentlive.protocol.clip import Clip, Crossing, Source
from latentlive.renderer import corpus_sounds
from latentlive.renderer.sounds import recordings
from latentlive.space import Facts
from latentlive.stage.diary import Diary, Tail
from latentlive.stage.places import Moving, NowhereError, where
from latentlive.stage.trails import FUTURE, PAST, POINTS, Trails
from latentlive.stage.values import Values
from latentlive.units import Tempo

RATE = 44100
FACTS = Facts("toy", RATE, 1024, 16)


@pytest.fixture(scope="module")
def corpus(starter):
    return Corpus(starter)


@pytest.fixture(scope="module")
def clip(corpus):
    """A function that makes a clip of a texture."""
    sounds = corpus_sounds(corpus, RATE, lambda line: None)

    def made(texture, origin=0, crossing=None, lead=0, bpm=60.0):
        source = Source(texture, repr(texture), recordings(texture, sounds))
        return Clip(source, origin, Tempo(bpm, RATE), crossing, lead)

    return made


@pytest.fixture(scope="module")
def at(corpus, clip):
    """A function that returns where a texture is at some seconds."""

    def found(texture, seconds, tapes=None, **given):
        moving = Moving(clip(texture, **given), FACTS, RATE, corpus.placed())
        samples = np.asarray(seconds, np.float64) * RATE
        return moving.at(samples, 0, tapes or Tapes(RATE))

    return found


def place_of(corpus, name):
    mapped = corpus.placed()
    return mapped.places[mapped.row(name)]


def close(stretch, places):
    np.testing.assert_allclose(np.stack([stretch.x, stretch.y], 1), places, atol=1e-3)


def test_a_sound_is_at_its_place_and_lit(corpus, at):
    found = at(ll.sound("gong"), [0.0, 0.5, 7.0])
    close(found, [place_of(corpus, "gong")] * 3)
    assert found.much.tolist() == [1.0, 1.0, 1.0]
    assert {row: part.tolist() for row, part in found.lit.items()} == {
        corpus.placed().row("gong"): [1.0, 1.0, 1.0]
    }


def test_a_mix_lies_between_its_sounds(corpus, at):
    a, b = place_of(corpus, "gong"), place_of(corpus, "rain")
    texture = ll.interp(ll.sound("gong"), ll.sound("rain"), ll.line(0, 1, 4)).loop()
    close(at(texture, [0.0, 2.0]), [a, (a + b) / 2])
    three = ll.path([ll.sound("gong"), ll.sound("rain"), ll.sound("gong")], ll.line(0, 1, 4))
    found = at(three, [0.0, 2.0])
    close(found, [a, b])
    assert found.lit[corpus.placed().row("rain")].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.transpose(7),
        lambda x: x.offset(ll.prior(3), 5.0),
        lambda x: x.jitter(0.5),
        lambda x: x.dim(3, 9.0),
        lambda x: x.spread(0.0),
        lambda x: x.smooth(0.5),
        lambda x: x.seed(4),
        lambda x: x.extend(3),
        lambda x: x.rev().slow(2),
        lambda x: x.slice(0.1, 0.6),
        lambda x: x.scrub(ll.sine(3)),
        lambda x: x.freeze(0.2),
        lambda x: x.norm(),
        lambda x: ll.cat(x, x).loop(2).loop(),
        lambda x: ll.interp(x, x, ll.rand(1)),
    ],
)
def test_what_moves_vectors_or_time_leaves_a_sound_at_its_place(corpus, at, change):
    found = at(change(ll.sound("gong")), [0.3, 0.5])
    close(found, [place_of(corpus, "gong")] * 2)


def test_a_part_of_silence_takes_nothing_from_the_place(corpus, at):
    found = at(ll.interp(ll.silence, ll.sound("gong"), 0.25), [0.5])
    close(found, [place_of(corpus, "gong")])
    assert found.much.tolist() == pytest.approx([0.25])


def test_time_is_that_of_the_layer(corpus, at):
    a, b = place_of(corpus, "gong"), place_of(corpus, "rain")
    texture = ll.interp(ll.sound("gong"), ll.sound("rain"), ll.line(0, 1, 4)).loop()
    close(at(texture, [11.0], origin=10 * RATE, bpm=120.0), [(a + b) / 2])


def test_a_hand_on_the_map_is_where_it_says(corpus, at):
    found = at(ll.roam(ll.line(0.2, 0.4, 2), 0.7, every=1 / 64), [1.0])
    rows = [row for row, part in found.lit.items() if part[0] > 0]
    assert rows
    apart = corpus.placed().places[rows] - (0.3, 0.7)
    assert np.abs(apart).max() < 0.15


def test_a_cluster_is_among_its_sounds(corpus, at):
    mapped = corpus.placed()
    node = int(mapped.labels[mapped.row("gong")])
    area = where(ll.cluster(node), mapped)
    found = at(ll.cluster(node), [0.5])
    close(found, [mapped.places[list(area)].mean(axis=0)])
    assert set(found.lit) == set(area)


def test_what_has_no_place_is_nowhere(clip, corpus):
    for texture in (ll.noise(1), ll.prior(2), ll.silence, ll.sound(np.ones(4000) * 0.1)):
        with pytest.raises(NowhereError):
            Moving(clip(texture), FACTS, RATE, corpus.placed())


def test_a_morph_goes_from_one_texture_to_the_next(corpus, clip, at):
    a, b = place_of(corpus, "gong"), place_of(corpus, "rain")
    crossing = Crossing(clip(ll.sound("gong")), 2 * RATE, 4 * RATE)
    found = at(ll.sound("rain"), [1.0, 2.0, 4.0, 6.0, 9.0], crossing=crossing)
    close(found, [a, a, (a + b) / 2, b, b])


def test_a_live_curve_is_read_with_its_lead(corpus, at):
    tapes = Tapes(RATE)
    tapes.take(Point(0, "knob:pad.x", 0.0))
    tapes.take(Point(RATE, "knob:pad.x", 1.0))
    texture = ll.interp(ll.sound("gong"), ll.sound("rain"), ll.xy("pad").x)
    a, b = place_of(corpus, "gong"), place_of(corpus, "rain")
    found = at(texture, [1.2, 1.8], tapes, lead=RATE // 2)
    close(found, [a, b])


def test_a_way_is_drawn_once_and_again_where_a_texture_changes(tmp_path, corpus):
    said = []
    with ll.Engine(corpus=corpus, silent=True, say=said.append) as engine:
        _ = engine.d1 >> ll.interp(ll.sound("gong"), ll.sound("rain"), ll.sine(8))
        engine.wait_for(lambda: engine.state.get("running"))
        diary = Diary(engine.log, RATE)
        trails = Trails(Facts.load(engine.welcome.space), RATE, corpus.placed())

        def look():
            diary.look()
            position = engine.fresh()["position"]
            trails.look(diary, position)
            return position // RATE, trails.data.get("d1", {})

        end = time.monotonic() + 10.0
        while not look()[1]:
            assert time.monotonic() < end
            time.sleep(0.05)
        now, way = look()
        assert set(map(int, way)) == set(range(max(now - PAST, 0), now + FUTURE + 1))
        assert all(len(second["x"]) == POINTS for second in way.values())
        beats = np.arange(int(now), int(now) + 1, 0.25)
        assert way[str(now)]["curves"]["sine(8)"] == pytest.approx(ll.sine(8).at(beats), abs=2e-4)
        assert look()[1][str(now + 1)] is way[str(now + 1)] or look()[0] > now
        with engine.cell(code='d1 >> sound("tuba")'):
            _ = engine.d1 >> ll.sound("tuba")
        end = time.monotonic() + 10.0
        row = str(corpus.placed().row("tuba"))
        while not any(row in second["lit"] for second in look()[1].values()):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert [cell.code for cell in diary.cells] == ['d1 >> sound("tuba")']
        engine.hush(0)
        end = time.monotonic() + 30.0
        while diary.voices:
            assert time.monotonic() < end, diary.voices
            look()
            time.sleep(0.05)
    assert said == []


def test_the_curves_nearest_to_the_root_are_told_with_their_values(clip):
    texture = ll.interp(ll.sound("gong").scrub(ll.saw(4)), ll.sound("rain"), ll.sine(8)).extend(2)
    curves = Values(clip(texture, origin=RATE, bpm=120.0))
    found = curves.at(np.array([RATE, 3.0 * RATE]), 0, Tapes(RATE))
    assert list(found) == ["sine(8)", "saw(4)"]
    assert found["sine(8)"] == pytest.approx(ll.sine(8).at([0, 4]))
    live = Values(clip(ll.interp(ll.sound("gong"), ll.noise(1), ll.knob("sea")), lead=RATE // 2))
    tapes = Tapes(RATE)
    tapes.take(Point(RATE, "knob:sea", 1.0))
    found = live.at(np.array([RATE, 2.0 * RATE]), 0, tapes)
    assert found["knob('sea')"].tolist() == [0.5, 1.0]


def test_a_line_that_is_not_whole_waits(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"a": 1}\n{"b"')
    tail = Tail(path)
    assert tail.lines() == [(0, b'{"a": 1}')]
    assert tail.lines() == []
    with path.open("ab") as file:
        file.write(b': 2}\n{"c": 3}\n')
    assert tail.lines() == [(9, b'{"b": 2}'), (18, b'{"c": 3}')]
    assert tail.again(9) == b'{"b": 2}\n'
    assert Tail(tmp_path / "none").lines() == []


def test_lines_that_make_no_sense_are_left_out(tmp_path):
    lines = [b"\xff\xfe", b"[]", b"3", b"{}", b'{"do": "start"}', b'{"do": "tape", "at": -1}']
    lines += [b"[" * 3000, b'{"texture": []}', b'{"text": 3}', b'{"do": {}}', b'{"do": "end"}']
    text = {"text": '# %% 00:00:01.000 {"sample": 44100, "beat": 1.0}\nhush()\n\n'}
    wrong = {"text": '# %% x {"sample": {}}\nd1\n# E\n', "failed": 'E("no\nway")'}
    (tmp_path / "log.jsonl").write_bytes(
        b"\n".join([*lines, json.dumps(text).encode(), json.dumps(wrong).encode(), b""])
    )
    diary = Diary(str(tmp_path / "log.py"), RATE)
    diary.look()
    assert [(cell.sample, cell.code) for cell in diary.cells] == [(44100, "hush()"), (0, "d1")]
    assert not diary.voices
