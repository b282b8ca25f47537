"""Recorded movements as curves: what is read, what is refused, and that a log needs no file."""

from __future__ import annotations

import base64
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import latentlive as ll
from latentlive.curves import tables
from latentlive.errors import ExpressionError
from latentlive.expr import dump
from tests.performing import RATE, Engine, bounced, replayed, same
from tests.test_performances import source

HERE = Path(__file__).with_name("movement")
SKELETON = HERE / "walk.bvh"
calm = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(autouse=True)
def _beside_the_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def written(text, name="dance.csv"):
    """Write a file; return its name."""
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def refused(*arguments, **named):
    """Return the one line with which a track is refused."""
    with pytest.raises(ExpressionError) as caught:
        ll.track(*arguments, **named)
    told = str(caught.value)
    assert told.startswith("track: ")
    assert "\n" not in told
    assert len(told) < 250
    return told


def test_a_second_of_a_recording_lasts_a_beat_and_its_ends_are_held():
    file = written("time,hand_x,hand_y\n0,5,1\n0.5,5,2\n2.5,5,0\n")
    hand = ll.track(file, "hand_y")
    assert hand.at([-3, 0, 0.25, 0.5, 1.5, 2.5, 99]).tolist() == [1, 1, 1.5, 2, 1, 0, 0]
    assert hand.span == 2.5
    assert ll.fit(hand).shape == hand
    assert ll.track(file, 2) != hand  # another way to say it
    assert ll.track(file, 2).at([0.25]) == 1.5


@pytest.mark.parametrize(
    "text",
    [
        "Seconds,y\n0,1\n1,3\n2,5\n",
        "T;y\n0;1\n1,0;3,0\n2;5\n",
        "\ufeff y\ttime\n1\t0\n\n3\t1\n5\t2\n",
        "# time y\n0.0  1.0\n1e0  3.0\n2.0  5.0\n",
        "y,t,more\r\n1,0\r\n3,1\r\n5,2\r\n",
        '"y","time"\n"1","0"\n"3","1"\n"5","2"\n',
    ],
)
def test_tables_of_many_programs_are_read(text):
    assert ll.track(written(text), "y").at([0, 0.5, 1.5, 2]).tolist() == [1, 2, 4, 5]


def test_rows_without_times_need_a_rate():
    file = written("1,10\n2,20\n3,30\n")
    hand = ll.track(file, 1, rate=2)
    assert hand.at([0, 0.25, 1]).tolist() == [10, 15, 30]
    assert repr(hand) == "track('dance.csv', 1, 2)"
    told = refused(file, 1)
    assert "say how many rows it has a second: track('dance.csv', 1, rate=50)" in told
    assert "names; give a number, 0 to 1, got 'y'" in refused(file, "y", rate=2)


def test_a_rate_counts_before_the_times_of_the_file():
    file = written("t,y\n0,0\n8,8\n")
    assert ll.track(file, "y", rate=4).span == 0.25


def test_arrays_are_columns_by_number():
    np.save("dance.npy", np.arange(12, dtype="i2").reshape(4, 3))
    assert ll.track("dance.npy", 2, rate=1).at([0, 1.5, 9]).tolist() == [2, 6.5, 11]
    assert "has columns 0 to 2, got 3" in refused("dance.npy", 3, rate=1)
    assert "gives no times" in refused("dance.npy", 0)


def test_arrays_of_another_kind_and_pickles_are_refused():
    np.save("object.npy", np.array([[1, None]], object), allow_pickle=True)
    assert "Python objects" in refused("object.npy", 0, rate=1)
    for table in (np.zeros(4), np.zeros((2, 2, 2)), np.zeros((2, 2), complex), np.zeros((3, 0))):
        np.save("odd.npy", table)
        refused("odd.npy", 0, rate=1)
    file = written(pickle.dumps({"a": np.zeros((3, 3))}), "dance.npy")
    assert "is no text" in refused(file, 0, rate=1)


def test_channels_of_a_skeleton_have_the_names_of_their_joints():
    hips, hand = ll.track(SKELETON, "Hips.Yposition"), ll.track(SKELETON, "Left Hand.Xrotation")
    assert hips.at([0, 0.125, 0.5, 1, 7]).tolist() == [90, 90.5, 92.5, 90, 90]
    assert hand.at([0, 1]).tolist() == [20, 24]
    assert hips.span == 1.0
    assert ll.track(SKELETON, 1).at([0.5]) == 92.5
    told = refused(SKELETON, "Hips.yposition")
    assert "did you mean 'Hips.Yposition'?" in told


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda t: t.replace("Frame Time: 0.25", ""), "no frame time"),
        (lambda t: t.replace("0.25", "0"), "no frame time"),
        (lambda t: re.sub("CHANNELS.*", "", t), "no channels"),
        (lambda t: t.partition("0 90.0")[0], "needs 2 rows"),
    ],
)
def test_a_broken_skeleton_is_refused(change, why):
    assert why in refused(written(change(SKELETON.read_text()), "walk.bvh"), 1)


def test_rows_without_a_number_are_bridged():
    file = written("t,y\n0,0\n1,\n2,nan\n3,lost\n4,4\n,9\n5,5\n6,inf\n7,7\n8,8\n")
    assert ll.track(file, "y").at([0, 1, 2, 3, 4, 6]).tolist() == [0, 1, 2, 3, 4, 6]


def test_more_than_half_of_the_rows_without_a_number_are_refused():
    file = written("t,y\n0,0\n1,\n2,\n3,\n4,4\n")
    assert "3 of 5 rows of 'dance.csv' have no number" in refused(file, "y")
    file = written("t,y\n5,0\n4,1\n3,2\n2,3\n1,4\n")
    assert "no later time" in refused(file, "y")
    assert ll.track(written("t,y\n0,0\n1,1\n1,9\n.5,9\n2,2\n"), "y").at([1.5]) == 1.5


def test_times_of_a_clock_count_from_the_first():
    for start in (1.7e9, -4.0):
        hand = ll.track(written(f"t,y\n{start},1\n{start + 1},2\n"), "y")
        assert hand.at([0, 0.5, 1]).tolist() == [1, 1.5, 2]
    assert ll.track(written("t,y\n3,1\n4,2\n"), "y").at([0, 3.5]).tolist() == [1, 1.5]
    assert "lasts 3e+06 seconds" in refused(written("t,y\n0,1\n3e6,2\n"), "y")


def test_a_fast_recording_is_averaged_and_lasts_as_long():
    times = np.arange(5000) / 1000
    wave = np.sin(2 * np.pi * times) + np.sin(2 * np.pi * 400 * times)
    np.save("fast.npy", np.stack([wave, times], 1))
    kept = ll.track("fast.npy", 0, rate=1000)
    assert kept.points.shape == (2, 500)
    assert kept.span == 4.999
    middle = np.linspace(0.5, 4.5, 1000)
    assert np.abs(kept.at(middle) - np.sin(2 * np.pi * middle)).max() < 0.01
    assert np.abs(ll.track("fast.npy", 1, rate=1000).at(middle) - middle).max() < 1e-9


def test_an_hour_of_movement_goes_through_the_wire():
    np.save("long.npy", np.random.default_rng(0).standard_normal((100_000, 1)))
    hand = ll.track("long.npy", 0, rate=100)
    assert hand.points.shape == (2, 100_000)
    text = ll.dumps(hand)
    assert len(text) < 3e6
    assert ll.loads(text) == hand
    np.save("longer.npy", np.zeros((2_000_000, 1), np.int8))
    assert ll.track("longer.npy", 0, rate=100).points.shape[1] <= 360_002


def test_what_no_table_is_is_refused_in_one_line():
    assert refused("none.csv", 0) == "track: cannot read 'none.csv': No such file or directory"
    assert "did you mean 'hand_y'?" in refused(written("t,hand_y\n0,1\n1,2\n"), "hand_z")
    assert "it has 't', 'hand_y'" in refused("dance.csv", "x")
    assert "no file, but a folder" in refused(".", 0)
    assert "can be called" in refused("a\0b", 0)
    assert "is empty" in refused(written("\n\n"), 0)
    assert "needs 2 rows" in refused(written("t,y\n0,1\n"), "y")
    assert "is no table" in refused(written('y\n"' + "1" * 200_000), "y", rate=1)
    assert "file must be a name" in refused(3, 0)
    assert "column must be a name or a number" in refused("dance.csv", 1.5)
    assert "rate must be >= 0.001 rows a second" in refused("dance.csv", 0, rate=0)


def test_files_and_tables_beyond_the_limits_are_refused(monkeypatch):
    file = written("t,y\n0,1\n1,2\n2,3\n")
    monkeypatch.setattr(tables, "MOST_ROWS", 2)
    assert "more than 2 rows" in refused(file, "y")
    np.save("dance.npy", np.zeros((3, 1)))
    assert "has 3 rows, 2 is the most" in refused("dance.npy", 0, rate=1)
    monkeypatch.setattr(tables, "MOST_BYTES", 5)
    assert "MB is the most" in refused(file, "y")


@calm
@given(
    st.sampled_from([b"", b"t,y\n", b"HIERARCHY\nROOT a\nCHANNELS 1 b\n", b"\x93NUMPY"]),
    st.one_of(st.binary(max_size=300), st.text('0123456789.,;-e\n\t naif"#', max_size=300)),
    st.sampled_from(["y", "a.b", 0, 1]),
    st.sampled_from([None, 50]),
)
def test_any_bytes_are_a_movement_or_one_line(head, rest, column, rate):
    rest = rest if isinstance(rest, bytes) else rest.encode()
    file, told = written(head + rest, "any"), "track: "
    try:
        moved = ll.track(file, column, rate)
    except ExpressionError as error:
        told = str(error)
    else:
        assert np.isfinite(moved.at(np.linspace(-1, moved.span + 1, 50))).all()
        assert ll.loads(ll.dumps(moved)) == moved
    assert told.startswith("track: ")
    assert "\n" not in told


def test_a_changed_file_is_heard_when_the_line_is_typed_again():
    file = written("t,y\n0,1\n1,2\n")
    before = ll.track(file, "y")
    assert ll.track(file, "y") == before
    written("t,y\n0,1\n1,3\n")
    after = ll.track(file, "y")
    assert after != before
    assert repr(after) == repr(before)
    assert before.at([1]) == 2


def test_a_damaged_track_is_refused_by_load():
    data = dump(ll.track(written("t,y\n0,1\n1,2\n"), "y"))
    (entry,) = data["arrays"].values()
    for shape, values in (([4], [0, 1, 1, 2]), ([2, 2], [1, 1, 0, 2]), ([2, 1], [0, 1])):
        entry[:2] = "<f8", shape
        entry[2] = base64.b64encode(np.array(values, "<f8").tobytes()).decode()
        with pytest.raises(ExpressionError):
            ll.loads(json.dumps(data))


def test_a_log_plays_again_without_the_file(tmp_path):
    file = written("t,y\n0,0\n0.2,1\n0.5,0.2\n")
    hand = ll.track(file, "y")
    texture = ll.interp(ll.noise(1), ll.z(np.zeros(1024)), hand.slow(2))
    engine = Engine(tmp_path / "heard.py")
    gain = dump(hand.range(-12, 0))
    changes = [
        {"op": "play", "layer": "d1", "source": source(texture)},
        {"op": "set", "layer": "d1", "gain_db": gain},
    ]
    assert engine.do(op="cell", changes=changes) is None
    engine.run(1.0)
    engine.close()
    Path(file).unlink()
    stop = RATE // 2
    heard = engine.samples[:stop]
    assert np.abs(heard).max() > 0.01
    same(replayed(tmp_path / "heard.py", tmp_path / "again.py", stop), heard, "the replay")
    same(bounced(tmp_path / "heard.py", stop), heard, "the bounce")
