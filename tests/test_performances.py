"""Whatever is performed: what was heard, its replay and its bounce hold the same samples."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import latentlive as ll
from latentlive.curves import as_curve
from latentlive.effects.declared import EFFECTS
from latentlive.engine.desk.decisions import Hole, Started
from latentlive.engine.log.performance import Performance
from latentlive.engine.render.dispatch import LANES, PREPARING, STEADY
from latentlive.expr import dump
from latentlive.protocol.changes import Change
from latentlive.protocol.preview import is_preview
from latentlive.protocol.requests import Act, Request
from latentlive.renderer import channels_of
from tests.performing import RATE, RNG, TONES, Engine, bounced, replayed, same
from tests.strategies import SOUNDS

PERFORMANCES = int(os.environ.get("PERFORMANCES", "60"))
"""How many are played; the environment can ask for more."""


def source(texture):
    told = {"expr": dump(texture), "code": repr(texture), "sounds": {}}
    return told | {"channels": channels_of(texture, SOUNDS)}


A, B, C = map(ll.sound, TONES)
BOTH = ll.sound(np.stack([TONES[1][:5000], TONES[2][:5000]], axis=1))
LOUD = np.concatenate([TONES[0], np.full(4000, 9, np.float32)])
TEXTURES = [
    A,
    A.spread(0),
    B.slow(3),
    C.spread(20),
    ll.interp(A, C, ll.sine(1.5)),
    ll.interp(B, A, ll.perlin(0.7)).extend(2),
    ll.noise(3),
    ll.drift(4, 0.5).seed(9),
    B.overlap(2),
    A.exact(),
    A.on("toy"),
    C.norm(),
    B.loop(1),
    A.slice(0, 0.05).loop(1),
    ll.sound(LOUD).spread(0),
    ll.silence,
    ll.interp(A, B, ll.knob("a")),
    ll.interp(A, C, ll.knob("b").lag(0.3)).extend(3),
    (B * ll.knob("a", 1.0)).norm(),
    ll.interp(A, B, ll.level("d1")),
    BOTH,
    ll.interp(A, BOTH, ll.sine(1.1)).extend(2),
    BOTH.mono(),
]
SOURCES = [source(texture) for texture in TEXTURES]


def levels(*values):
    return [dump(as_curve(value, "level")) for value in values]


GAINS = levels(
    *(-120, -12, -3, 0, 6),
    *(ll.sine(1).range(-20, 0), ll.perlin(0.5).range(-30, 3), ll.line(-40, 0, 2)),
    *(ll.level("d2").range(-30, 0), ll.level("sea", attack=0.05).range(0, -40)),
    *(ll.knob("a").range(-30, 0), (ll.knob("b").lag(0.2) * ll.sine(1)).range(-20, 0)),
)
FACTORS = levels(0, 0.5, 1, 3, ll.saw(0.5), ll.rand(0.3))
PLACES = levels(0, 0.2, 0.5, 1, ll.sine(2), ll.brown(1))


WIDTHS = levels(0, 1, 2, ll.sine(2).range(0, 2), ll.knob("b") * 2)


KNOBS = ["a", "b"]
LAYERS = ["d1", "d2", "d3", "sea"]
BEATS = [0, 0.01, 0.1, 0.5, 1, 2, 5]
BUSES = ["hall", "sea"]
CUES = ["drop", "night"]
SIZES = [64, 300, 512, 1024, 2048]
"""Samples that a device asks for at a time."""


def within(parameter):
    """Return values of a parameter: its bounds, its default, curves."""
    low, high = parameter.least, parameter.most
    if parameter.name in ("seconds", "beats"):
        high = 1.5  # what rings longer makes long tests
    middle = (low + high) / 2
    moving = [ll.sine(1).range(low, high), (ll.knob("a") * (high - low)) + low]
    return [low, high, parameter.default, middle, *moving]


def words_of(family):
    """Return the words of a family that latentlive declares: other tests may declare more."""
    own = "latentlive.protocol."
    return [word for word, cls in family.words.items() if cls.__module__.startswith(own)]


class Performer(random.Random):
    """Does anything that can be asked of an engine, by chance."""

    def change(self, op=None):
        """Return a change of a cell."""
        pick = self.choice
        op = op or pick(
            ["play"] * 12 + ["set"] * 6 + ["effect"] * 6 + ["send"] * 4 + words_of(Change)
        )
        fields = {
            "play": lambda: {"source": pick(SOURCES)},
            "set": self.setting,
            "stop": lambda: {"fade": pick([None, *BEATS])},
            "mute": lambda: {"muted": pick([True, False])},
            "restart": dict,
        }
        if op in fields:
            return {"op": op, "layer": pick(LAYERS), **fields[op]()}
        others = {
            "hush": lambda: {"fade": pick(BEATS)},
            "only": lambda: {"only": self.sample(LAYERS, pick([0, 1, 2]))},
            "rename": lambda: {"layer": pick(LAYERS), "name": pick(["wind", "sea", "d2"])},
            "master": lambda: {"gain_db": pick(GAINS)},
            "tempo": lambda: {"bpm": pick([30, 60, 97.3, 200]), "over": pick(BEATS)},
            "effect": lambda: {"layer": pick([*LAYERS, *BUSES, "master"]), **self.effect()},
            "dry": lambda: {"layer": pick([*LAYERS, *BUSES, "master"])},
            "send": lambda: {
                "layer": pick([*LAYERS, *BUSES]),
                "bus": pick(BUSES),
                "gain_db": pick([None, *GAINS]),
                "pre": pick([True, False]),
            },
        }
        return {"op": op, **others[op]()}

    def setting(self):
        """Return what is set on a layer."""
        pick = self.choice
        return pick(
            [
                {"gain_db": pick(GAINS)},
                {"amp": pick(FACTORS)},
                {"pan": pick(PLACES)},
                {"width": pick(WIDTHS)},
                {"fade": pick(BEATS)},
                {"xfade": pick(BEATS), "morph": pick([True, False])},
                {"quant": pick([0, 0.25, 1, 2])},
                {"wide": pick([0.0, 0.4, 1.0])},
                {"pair": pick([0, 1])},
                {"lead": pick([0.05, 0.3, 0.7, 2.0])},
            ]
        )

    def effect(self):
        """Return an effect, or none in its place."""
        pick = self.choice
        effect = pick(EFFECTS)
        curves = {
            f"{effect.name}.{one.name}": dump(as_curve(pick(within(one)), "effect"))
            for one in effect.parameters
            if one.name not in ("by", "space")
        }
        by = pick(["", *LAYERS]) if effect.name == "comp" else ""
        return pick(
            [{"effect": effect.name}, *[{"effect": effect.name, "curves": curves, "by": by}] * 4]
        )

    def changes(self):
        """Return the changes of a cell."""
        return [self.change() for _ in range(self.choice([1, 1, 2, 3]))]

    def plan(self):
        """Return what is planned in a cell."""
        go = {"op": "go", "name": self.choice(CUES)}
        planned = {"op": "planned", "changes": self.changes(), "when": self.moment()}
        return self.choice([planned, planned, planned, go, go | {"when": self.moment("beat")}])

    def moment(self, op=None):
        """Return when something is to land."""
        op = op or self.choice(["beat", "cue", "after"])
        fields = {
            "beat": lambda: {"beat": self.choice([0, 1, 2.5, 4, 6, 9, 30])},
            "cue": lambda: {"name": self.choice(CUES)},
            "after": lambda: {"name": self.choice(CUES), "beats": self.choice(BEATS)},
        }
        return {"op": op, **fields[op]()}

    def cell(self):
        """Return a cell: changes, a moment, plans, typed text."""
        pick, message = self.choice, {"op": "cell", "changes": self.changes()}
        when = {"op": "at", "sample": self.randrange(8 * RATE)}
        more = [
            {},
            {"when": when},
            {"when": when, "acts": [self.request(self.choice(DONE_LATER))]},
            {"code": "d1 >> x\r\n\x1b[2J", "name": "it"},
            {"plans": [self.plan() for _ in range(pick([1, 2]))]},
            {"plans": [self.plan()], "changes": []},
        ]
        return message | pick(more)

    def request(self, op=None):
        """Return a message of a client."""
        pick = self.choice
        op = op or pick(
            ["cell"] * 12
            + ["go"] * 4
            + ["undo"] * 2
            + ["turn"] * 12
            + [o for o in ASKED if o != "quit"]
            + ["go"] * 4
            + ["undo"] * 2
            + ["turn"] * 12
            + [o for o in ASKED if o != "quit"]
        )
        if op == "cell":
            return self.cell()
        fields = {
            "go": lambda: {"name": pick(CUES)},
            "planned": lambda: {"changes": self.changes(), "when": self.moment()},
            "cancel": lambda: {"name": pick([*CUES, "plan1", "plan3"])},
            "audition": lambda: pick([{"source": pick(SOURCES)}, {"name": pick([None, *CUES])}]),
            "seed": lambda: {"n": self.randrange(2**63)},
            "quit": lambda: {"fade": pick([0.0, 0.2, 1.0])},
            "turn": lambda: {"name": pick(KNOBS), "value": round(self.random(), 3)},
            "learn": lambda: {"name": pick(KNOBS), "endless": pick([None, "any", "twos"])},
            "link": lambda: {"on": pick([True, False]), "quantum": pick([1, 4])},
            "clock in": lambda: {"device": pick([None, "", "x"])},
            "clock out": lambda: {"device": pick([None, "x"]), "offset": pick([0.0, -0.1])},
            "grab": lambda: {"beats": 4, "channel": 1, "name": "door", "ticket": "it"},
            "send": lambda: {"path": "/x", "curve": pick([None, *GAINS])},
            "visuals": lambda: {"port": pick([None, 9])},
            "forget": lambda: {"name": pick(KNOBS)},
        }
        return {"op": op, **fields.get(op, dict)()}

    def step(self):
        """Return what happens next: something is asked for, time passes, or something fails."""
        pick = self.choice
        happens = pick(["ask"] * 12 + ["run"] * 12 + ["freeze", "strain", "die", "renew"])
        how = {
            "ask": lambda: [self.request()],
            "run": lambda: [pick([0, 0.05, 0.2, 0.5, 1.1, 2.3]), pick(SIZES)],
            "freeze": lambda: [pick([0.02, 0.3, 1.0, 2.2, 3.1])],
            "strain": lambda: [pick(LAYERS), pick([0.0, 1.3, 2.5])],
            "die": lambda: [pick(LANES)],
            "renew": list,
        }
        return happens, *how[happens]()

    def steps(self, count):
        """Return a performance of so many steps; it begins with something to hear."""
        begin = {"op": "cell", "changes": [self.change("play"), *self.changes()]}
        steps = [("ask", begin), *(self.step() for _ in range(count))]
        return steps if self.random() < 0.8 else [*steps, ("ask", self.request("quit"))]


DONE_LATER = [op for op in words_of(Act) if op not in ("record", "stop recording")]
ASKED = [op for op in words_of(Request) if op not in ("record", "stop recording", "state")]


def test_every_word_that_the_engine_takes_is_performed():
    performer = Performer(1)
    for word in words_of(Change):
        assert Change.load(performer.change(word)).word == word
    for word in ASKED:
        assert Request.load(performer.request(word)).word == word


def perform(path, steps, seed, channels, held):
    """Perform some steps, the transport held for the first of them; return the engine."""
    engine = Engine(path, seed, channels, held=held > 0)
    try:
        for number, (what, *how) in enumerate(steps):
            if number and number == held:
                engine.do(op="start")
            if what == "ask":
                engine.do(**how[0])
            elif what == "run":
                engine.run(*how)
            elif what == "freeze":
                engine.freeze(*how)
            elif what == "strain":
                strain(engine, *how)
            elif what == "renew":
                engine.renew()
            elif what == "die":
                lane = how[0]
                engine.dispatch.died(lane)
                engine.workers[lane].voices.clear()
                engine.dispatch.ready(STEADY + PREPARING - lane)
                engine.tick()
                engine.dispatch.ready(lane)
        engine.run(0.4)
    finally:
        engine.close()
    return engine


def strain(engine, name, factor):
    """Let what a layer plays take longer to render, or no longer."""
    layer = engine.scheduler.timeline.layers.get(name)
    if layer is not None and layer.voice is not None:
        engine.slow[layer.voice.serial] = factor


@given(
    performer=st.integers(0, 2**40),
    count=st.integers(1, 30),
    seed=st.integers(0, 5),
    channels=st.sampled_from([2, 2, 4]),
    held=st.integers(0, 5),
    size=st.sampled_from(SIZES),
    part=st.floats(0, 1),
)
@settings(
    max_examples=PERFORMANCES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # chance does not get simpler
)
@pytest.mark.timeout(120 + 10 * PERFORMANCES)
def test_live_replay_and_bounce_are_the_same(
    tmp_path_factory, performer, count, seed, channels, held, size, part
):
    folder = tmp_path_factory.mktemp("performance")
    engine = perform(folder / "evening.py", Performer(performer).steps(count), seed, channels, held)
    compare(engine, folder, part, size)


def missed(log):
    """Return how many samples a log says were missing from voices."""
    holes = [decision for decision in Performance(log).decisions() if isinstance(decision, Hole)]
    return sum(hole.to - hole.at for hole in holes)


@pytest.mark.parametrize("seconds", [1.0, 1.9, 3.0])
def test_what_levels_do_while_the_engine_is_held_up_is_what_replay_and_bounce_hold(
    seconds, tmp_path
):
    engine = Engine(tmp_path / "evening.py")
    changes = [
        {"op": "play", "layer": "d1", "source": SOURCES[1]},
        {"op": "set", "layer": "d1", "gain_db": dump(ll.sine(0.3).range(-20, 0))},
        {"op": "master", "gain_db": dump(ll.sine(0.7).range(-12, 0))},
    ]
    engine.do(op="cell", changes=changes)
    engine.run(1.0)
    engine.freeze(seconds)
    engine.run(0.5)
    engine.close()
    assert np.abs(engine.samples[RATE:]).max() > 0.01
    compare(engine, tmp_path, 0.5, 512)


def test_a_width_that_changes_before_a_texture_lands_is_that_of_the_texture(tmp_path):
    engine = Engine(tmp_path / "evening.py")
    engine.do(op="cell", changes=[{"op": "play", "layer": "d2", "source": SOURCES[1]}])
    engine.run(1.1)
    noisy = {"op": "play", "layer": "d1", "source": source(A.spread(2))}
    engine.do(op="cell", changes=[{"op": "set", "layer": "d1", "wide": 0.4}])
    engine.do(op="cell", changes=[noisy])
    engine.run(0.1)
    engine.do(op="cell", changes=[{"op": "set", "layer": "d1", "wide": 1.0}])
    engine.run(0.3)
    engine.scheduler.allocation.refresh()  # as anything does that bears on what is to come
    engine.run(2.0)
    engine.close()
    decisions = Performance(tmp_path / "evening.py").decisions()
    assert [d.wide for d in decisions if isinstance(d, Started)][1:] == [1.0]
    compare(engine, tmp_path, 0.5, 512)


def test_what_fails_where_it_was_not_heard_is_passed_over(tmp_path):
    samples = np.tile(TONES[2], 30)
    samples[145_000:165_000] = 9.0  # what the space does not decode
    engine = Engine(tmp_path / "evening.py")
    played = source(ll.sound(samples).spread(0))
    engine.do(op="cell", changes=[{"op": "play", "layer": "d1", "source": played}])
    engine.run(1.0)
    engine.freeze(3.0)
    engine.run(1.5)
    engine.close()
    holes = [d for d in Performance(tmp_path / "evening.py").decisions() if isinstance(d, Hole)]
    assert holes[0].at < 145_000 < 165_000 < holes[-1].to
    assert np.abs(engine.samples[-RATE // 4 :]).max() > 0.01
    compare(engine, tmp_path, 0.5, 512)


@pytest.mark.parametrize("length", [3000, 4096, 6422, 8133, 8192, 28_665])
def test_nothing_is_missing_after_the_end_of_what_is_played_once(length, tmp_path):
    engine = Engine(tmp_path / "evening.py")
    once = ll.sound((RNG.standard_normal(length) * 0.2).astype("f4")).spread(0).loop(1)
    engine.do(op="cell", changes=[{"op": "play", "layer": "d1", "source": source(once)}])
    engine.run(1.0, size=2048)
    engine.close()
    assert np.abs(engine.samples[length // 2 : length]).max() > 0.01
    assert engine.missing == missed(tmp_path / "evening.py") == 0
    compare(engine, tmp_path, 0.5, 2048)


def compare(engine, folder, part, size):
    """Hold what was heard against its replay and its bounce, whole and from a part of it on."""
    log, heard, stop = folder / "evening.py", engine.samples, len(engine.samples)
    assert missed(log) == engine.missing
    for begin in (0, min(int(part * stop), stop - 1)) if stop else ():
        where = f" --from {begin}"
        again = replayed(log, folder / f"again{begin}.py", stop, begin, size)
        same(again, heard[begin:], f"replay{where}", begin)
        if not any(map(is_preview, engine.scheduler.timeline.layers)):
            same(bounced(log, stop, begin), heard[begin:], f"bounce{where}", begin)
            same(
                bounced(folder / f"again{begin}.py", stop, begin),
                again,
                f"bounce of replay{where}",
                begin,
            )


def test_a_level_that_is_still_on_its_way_is_replayed_and_bounced_on_its_way(tmp_path):
    engine = Engine(tmp_path / "evening.py")
    level = dump(ll.knob("b").lag(0.2).range(-20, 0))
    changes = [
        {"op": "play", "layer": "d1", "source": SOURCES[1]},
        {"op": "set", "layer": "d1", "gain_db": level},
    ]
    engine.do(op="cell", changes=changes)
    engine.run(1.0)
    engine.do(op="turn", name="b", value=0.9)
    engine.run(0.6)
    engine.close()
    assert np.abs(engine.samples[RATE:]).max() > 0.01
    compare(engine, tmp_path, 0.7, 512)
