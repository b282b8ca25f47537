"""Knobs that were learned: endless controllers, and what is known of them the next time."""

from __future__ import annotations

import json
import os
import threading

import pytest

from latentlive.engine.inputs.bindings import LARGEST, Binding, Bindings
from latentlive.errors import EngineError
from latentlive.ground.files import config_folder
from latentlive.protocol.requests import Learn
from tests.test_tapes import Device

FADER, WHEEL = "cc:7:1:nano", "cc:16:1:nano"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder of this test's bindings."""
    monkeypatch.setenv("LATENTLIVE_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config" / "knobs"


class Desk(Device):
    """An engine's arrivals, with what earlier ones have learned."""

    def __init__(self):
        super().__init__()
        self.told = []
        self.arrivals.tell = lambda kind, message: self.told.append(message)
        self.arrivals.remember(Bindings(self.said.append))
        self.go_on(1)

    def send(self, source, *values):
        """Let a controller send values."""
        for value in values:
            self.arrivals.take([[source, value, self.now, f"by {source}"]])
            self.go_on(0.05)

    def turned(self):
        return [value for _, source, value in self.values if source == "knob:sea"]


def test_what_was_learned_is_known_the_next_time_until_it_is_forgotten(folder):
    first = Desk()
    first.arrivals.learn(Learn("sea"))
    first.send(FADER, 0.1, 0.6)
    assert first.said == [f"knob 'sea' follows by {FADER}"]
    second = Desk()
    assert second.arrivals.kinds({"osc", "knob:sea"}) == {"midi"}
    assert second.arrivals.kinds({"osc", "knob:other"}) == set()
    assert second.arrivals.status()["bound"] == {FADER: "sea"}
    second.send(FADER, 0.25)
    assert second.turned() == [0.25]
    second.arrivals.forget("sea")
    assert list(folder.iterdir()) == []
    third = Desk()
    assert third.arrivals.bound == {}
    with pytest.raises(EngineError, match="no controller turns"):
        third.arrivals.forget("sea")


def test_a_controller_without_ends_is_learned_by_its_first_step_and_turns_from_where_the_knob_is():
    desk = Desk()
    desk.arrivals.turn("sea", 0.25, "the prompt", desk.now)
    desk.send(WHEEL, 1 / 127)  # it was moved before: its steps are all the same
    desk.arrivals.learn(Learn("sea", "any"))
    assert desk.told == [{"op": "anew"}]
    desk.send(FADER, 0.4)  # no step of any kind
    desk.send(WHEEL, 1 / 127)
    told = {"op": "relative", "source": WHEEL, "mode": "twos", "start": 0.25}
    assert desk.told[1:] == [told]
    assert desk.turned() == [0.25]  # a step is no place
    desk.send(WHEEL, 0.25 + 2 / 127, 0.25)
    assert desk.turned() == pytest.approx([0.25, 0.25 + 2 / 127, 0.25], abs=1e-5)
    desk.arrivals.turn("sea", 0.75, "the prompt", desk.now)
    desk.go_on(0.1)
    desk.send(WHEEL, 0.5, 1.0)
    assert desk.turned()[-1] == 1.0
    assert 0.75 < desk.turned()[-2] < 1.0
    again = Desk()
    assert list(again.arrivals.endless()) == [{**told, "start": 0.5}]
    again.send(WHEEL, 0.5 - 1 / 127)
    assert again.turned() == pytest.approx([0.5 - 1 / 127])
    again.arrivals.forget("sea")
    assert again.told == [{"op": "relative", "source": WHEEL, "mode": "off"}]


@pytest.mark.parametrize(
    ("endless", "value", "mode"),
    [("any", 62 / 127, "offset"), ("any", 127 / 127, "twos"), ("offset", 0.9, "offset")],
)
def test_steps_are_told_apart_by_their_look_unless_the_performer_knows(endless, value, mode):
    desk = Desk()
    desk.arrivals.learn(Learn("sea", endless))
    desk.send(WHEEL, value)
    assert desk.arrivals.bound[WHEEL] == Binding(WHEEL, "sea", mode)


def test_two_engines_that_learn_at_once_keep_both():
    def learn(number):
        bindings = Bindings(pytest.fail)
        for i in range(20):
            bindings.keep(Binding(f"cc:{i}:{number}:nano", f"k{number}"))

    threads = [threading.Thread(target=learn, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Bindings(pytest.fail).read()) == 40


def test_a_broken_or_hostile_file_costs_one_line(folder):
    Bindings(pytest.fail).keep(Binding(FADER, "sea"))
    good = Binding("cc:1:1:x", "tide").dump()
    folder = config_folder("knobs")
    for number, data in enumerate(
        [
            b"",
            b"{",
            b"\xff\xfe",
            b"[" * 4000,
            b" " * (LARGEST + 1),
            json.dumps([good]).encode(),
            *(
                json.dumps({**good, **wrong}).encode()
                for wrong in (
                    {"source": 3},
                    {"source": "x" * 1000},
                    {"source": "knob:tide"},
                    {"source": "note:60:1:x"},
                    {"knob": ""},
                    {"endless": "up"},
                    {"more": 1},
                )
            ),
        ]
    ):
        (folder / f"a{number}.json").write_bytes(data)
    (folder / "folder.json").mkdir()
    said = []
    assert Bindings(said.append).read() == {FADER: Binding(FADER, "sea")}
    (line,) = said
    assert line.startswith(f"knobs: {folder}")
    assert line.endswith("a0.json and 13 more tells of no knob; delete it, and learn anew")


@pytest.mark.skipif(os.name == "nt", reason="a file in place of a folder is another error there")
def test_a_folder_that_cannot_be_written_keeps_a_knob_for_the_performance(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LATENTLIVE_CONFIG", str(tmp_path / "file"))
    desk = Desk()
    desk.arrivals.learn(Learn("sea"))
    desk.send(FADER, 0.1, 0.6)
    assert desk.said[0] == "knobs: what was learned cannot be read (Not a directory)"
    assert desk.said[2] == "knob 'sea' is learned for this performance alone: Not a directory"
    assert desk.turned()[-1] == 0.6
    desk.arrivals.forget("sea")
    assert desk.said[3] == "knobs: what was learned comes back next time: Not a directory"
