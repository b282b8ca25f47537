"""An engine in an Ableton Link session with another program, which is a process of its own."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.engine.inputs.link import NO_LIBRARY
from latentlive.engine.log.bounced import bounce_file
from tests.live.conftest import wait_until
from tests.peer import Peer
from tests.performing import RATE
from tests.test_clocks import Waiting
from tests.test_performances import SOURCES

SECOND = 10**9


class Session:
    """A session in this process: what the process of Link would tell, without one."""

    def __init__(self, engine, bpm, peers=1):
        self.engine, self.bpm, self.peers = engine, bpm, peers
        self.since, self.begins = 0, 3.3
        self.told = []
        engine.session.linked.send = self.take

    def take(self, kind, message):
        assert kind == "link"
        self.told.append(message)
        if message["op"] == "lead":
            at = message["time_ns"]
            self.begins = self.beat(at) if self.peers else message.get("beat", self.beat(at))
            self.since, self.bpm = at, message["bpm"]

    def beat(self, now):
        return self.begins + (now - self.since) / SECOND * self.bpm / 60

    def tell(self):
        now = self.engine.moment()
        message = {"op": "session", "peers": self.peers, "bpm": self.bpm}
        self.engine.session.linked.take("link", {**message, "beat": self.beat(now), "time_ns": now})

    def run(self, seconds):
        """Play on for some seconds."""
        for _ in range(round(seconds * 10)):
            self.tell()
            self.engine.run(0.1)

    @property
    def apart(self):
        timeline = self.engine.scheduler.timeline
        beats = float(timeline.tempo.beats(timeline.position)) - self.beat(self.engine.moment())
        return (beats - round(beats)) * 60 / self.bpm

    @property
    def ours(self):
        timeline = self.engine.scheduler.timeline
        return timeline.tempo.bpm_at(timeline.position)


def joined(path, bpm, peers=1, **options):
    """Return an engine that plays, and the session that it joins."""
    engine = Waiting(path / "log.py", **options)
    engine.do(op="cell", changes=[{"op": "play", "layer": "d1", "source": SOURCES[0]}])
    session = Session(engine, bpm, peers)
    assert engine.do(op="link", on=True) is None
    engine.session.linked.take("link", {"op": "begun"})
    return engine, session


def test_the_sessions_tempo_and_beats_are_followed_and_ours_never_forced_on_it(tmp_path):
    engine, session = joined(tmp_path, 97.3)
    assert session.told == [{"op": "join", "bpm": 60.0, "quantum": 4}]
    session.run(22)
    assert session.ours == pytest.approx(97.3, abs=0.01)
    assert abs(session.apart) < 0.004
    assert engine.said[0] == "link: 1 other in the session, at 97.3 bpm"
    session.begins, session.since = session.beat(engine.moment()), engine.moment()
    session.bpm = 110
    session.run(10)
    assert session.ours == pytest.approx(110, abs=0.01)
    assert abs(session.apart) < 0.004
    assert [message["op"] for message in session.told] == ["join"]
    bar = float(engine.scheduler.timeline.tempo.beats(engine.scheduler.timeline.position))
    theirs = session.beat(engine.moment())
    downbeat = engine.scheduler.timeline.downbeat
    assert (bar - downbeat - theirs + 2) % 4 == pytest.approx(2, abs=0.02)
    engine.close()
    assert engine.missing == 0


def test_a_typed_tempo_leads_the_others_also_while_it_moves(tmp_path):
    engine, session = joined(tmp_path, 120)
    session.run(20)
    engine.do(op="cell", changes=[{"op": "tempo", "bpm": 150.0, "over": 8.0}])
    session.run(8)
    led = [message["bpm"] for message in session.told if message["op"] == "lead"]
    assert led == sorted(led)
    assert len(led) > 10
    assert (led[-1], session.bpm) == (150.0, 150.0)
    session.run(8)
    assert session.ours == pytest.approx(150, abs=0.01)
    assert abs(session.apart) < 0.004
    engine.close()


def test_alone_the_session_has_our_tempo_and_beats(tmp_path):
    engine, session = joined(tmp_path, 60, peers=0)
    session.run(2)
    engine.do(op="cell", changes=[{"op": "tempo", "bpm": 90.0}])
    session.run(4)
    assert engine.said == ["link: nobody else is here yet; who joins gets our tempo"]
    assert (session.ours, session.bpm) == (90.0, 90.0)
    assert abs(session.apart) < 0.004
    assert len(engine.scheduler.timeline.tempo.changes) == 1
    session.peers = 2
    session.run(3)
    assert engine.said[-1] == "link: 2 others in the session, at 90 bpm"
    assert session.ours == 90.0
    engine.do(op="link", on=False)
    assert session.told[-1] == {"op": "leave"}
    session.bpm = 50
    session.run(2)
    assert session.ours == 90.0
    engine.close()


def test_one_clock_at_a_time_is_followed(tmp_path):
    engine, _ = joined(tmp_path, 120)
    said = "clock_in: link gives the tempo; link(False) leaves it"
    assert engine.do(op="clock in", device="") == said
    engine.do(op="link", on=False)
    assert engine.do(op="clock in", device="") is None
    said = "link: clock_in gives the tempo; clock_in(None) leaves it"
    assert engine.do(op="link", on=True) == said
    engine.close()


def test_an_offset_is_heard_so_much_later(tmp_path):
    engine = Waiting(tmp_path / "log.py")
    engine.do(op="cell", changes=[{"op": "play", "layer": "d1", "source": SOURCES[0]}])
    engine.session.output.latency = 0.1
    session = Session(engine, 120)
    engine.do(op="link", on=True, offset=0.02)
    session.run(16)
    assert session.apart == pytest.approx(0.1 - 0.02, abs=0.004)
    engine.close()


@pytest.fixture
def peer():
    """Another program, where Link finds it."""
    if importlib.util.find_spec("link") is None:
        pytest.skip("no Link library: pip install LinkPython-extern")
    one, other = Peer(104.5), Peer(104.5)
    try:
        for _ in range(300):
            if other.ask()["peers"]:
                break
        else:
            wait_until(lambda: other.ask()["peers"], 3, "a peer")
    except AssertionError:
        one.close()
        pytest.skip("Link finds no peer here: no multicast")
    finally:
        other.close()
    yield one
    one.close()


def test_live_is_in_time_with_a_real_session_and_a_bounce_needs_none(peer, tmp_path):
    said, log, out = [], tmp_path / "evening.py", tmp_path / "heard.wav"
    noise = ll.sound(np.random.default_rng(3).uniform(-0.1, 0.1, 50_000).astype("f4"))
    with ll.Engine(model="toy", silent=True, out=out, log=log, say=said.append) as live:
        assert repr(live.link()) == "link is off; link(True) joins a session"
        live.link(True)
        wait_until(lambda: "link: 1 other in the session, at 104.5 bpm" in said, 20, "the session")
        live.d1.fade(0).pan(ll.tri(1)) >> noise.loop()

        def near():
            apart = live.fresh()["link"]["apart"]
            return apart is not None and abs(apart) < 0.010

        wait_until(lambda: near() and abs(live.state["bpm"] - 104.5) < 0.1, 30, "its beats")
        assert peer.ask()["bpm"] == pytest.approx(104.5, abs=1e-3)
        found = []
        for _ in range(60):
            before, beat, after = peer.ask()["beat"], live.fresh()["beat"], peer.ask()["beat"]
            found.append((beat - (before + after) / 2 + 0.5) % 1 - 0.5)
        assert abs(np.median(found)) * 60 / 104.5 < 0.025  # blocks of 12 ms, a busy machine
        assert "others     1" in repr(live.link())
        live.tempo(120)
        wait_until(lambda: abs(peer.ask()["bpm"] - 120) < 1e-3, 10, "our tempo")
        peer.ask(bpm=98.0)
        wait_until(lambda: abs(live.fresh()["bpm"] - 98) < 2.1, 10, "their tempo")
        live.link(False)
        wait_until(lambda: peer.ask()["peers"] == 0, 10, "our leave")
        live.hush(0)
        wait_until(lambda: live.fresh()["silent"], 10, "silence")
    heard = soundfile.read(out, dtype="float32")[0]
    bounced = soundfile.read(bounce_file(log, tmp_path / "bounced.wav"), dtype="float32")[0]
    same = min(len(heard), len(bounced))
    assert same > 3 * RATE
    assert np.array_equal(heard[:same], bounced[:same])


def test_without_the_library_one_line_tells_the_remedy(tmp_path, monkeypatch):
    said = []
    (tmp_path / "link.py").write_text("raise ImportError\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with ll.Engine(model="toy", silent=True, say=said.append) as live:
        for times in (1, 2):
            live.link(True)
            wait_until(lambda times=times: said.count(NO_LIBRARY) == times, 20, "the remedy")
            wait_until(lambda: live.fresh()["link"] is None, 5, "that it is off")
    assert "link" not in sys.modules
