"""What arrives live: tapes, the curves that are read from them, and the samples they belong to."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import latentlive as ll
from latentlive.curves import Clock, Point, Tapes, Time
from latentlive.curves.tapes import BACK, KEPT, SLEW
from latentlive.engine.desk.decisions import Taped
from latentlive.engine.desk.desk import Desk
from latentlive.engine.inputs.arrivals import MOST_A_SECOND, Arrivals, caught_up
from latentlive.engine.inputs.pace import Pace
from latentlive.engine.shared import FILLED, POSITION, RUNNING, Shared
from latentlive.errors import EngineError, ExpressionError
from latentlive.expr import dump, load
from latentlive.protocol.requests import Learn
from latentlive.renderer import Rendering
from latentlive.space import ToySpace
from latentlive.units import Tempo

RATE = 44100
SLEWED = round(SLEW * RATE)

LIVE = [
    (ll.knob("sea"), ["knob:sea"], ["knob:seal", "cc:1:1:sea"]),
    (
        ll.cc(74),
        ["cc:74:1:x", "cc:74:16:a:b"],
        ["cc:7:1:x", "cc:75:1:x", "note:74:1:x", "cc:x", "cc::1:x", "cc"],
    ),
    (ll.cc(7, 2, "nano"), ["cc:7:2:nanoKONTROL2"], ["cc:7:1:nanoKONTROL2", "cc:7:2:other"]),
    (ll.bend(channel=3), ["bend:3:keys"], ["bend:13:keys", "touch:3:keys"]),
    (ll.touch(device="KEYS"), ["touch:1:my keys"], ["touch:1:pads"]),
    (ll.gate(40, 50), ["note:40:1:x", "note:50:9:y"], ["note:39:1:x", "note:51:1:x"]),
    (ll.key(), ["note:0:1:x"], ["cc:0:1:x", "note:", "note:-1:1:x", "note:²:1:x"]),
    (ll.velocity(), ["note:127:1:x"], ["bend:1:x"]),
    (ll.osc("/wrist/x"), ["osc:/wrist/x:0"], ["osc:/wrist/x:1", "osc:/wrist:0"]),
    (ll.osc("/a:b", 2), ["osc:/a:b:2"], ["osc:/a:b:0"]),
    (ll.level(2), ["level:2"], ["level:22", "level:2:0.05:0.2"]),
    (ll.level(2, attack=0.05), ["level:2:0.05:0.2"], ["level:2"]),
    (ll.level("d2", 0.5, release=1), ["level:d2:0.01:1.0"], ["level:d2", "level:2"]),
    (ll.xy("pad").y, ["knob:pad.y"], ["knob:pad.x"]),
]


@pytest.mark.parametrize(("curve", "heard", "unheard"), LIVE, ids=lambda one: str(one)[:24])
def test_a_live_curve_hears_its_sources_and_no_others(curve, heard, unheard):
    assert all(curve.hears(source) for source in heard)
    assert not any(curve.hears(source) for source in unheard)
    assert eval(repr(curve), vars(ll) | {word: getattr(ll, word) for word in ll.WORDS}) == curve
    assert load(dump(curve)) == curve
    assert curve.at([0, 5]).tolist() == [curve.start] * 2


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("knob('')", "knob: name must be a name in quotes, got ''"),
        ("knob('sea', 2)", "knob: start must be <= 1, got 2"),
        ("cc(128)", "cc: n must lie in 0 to 127, got 128"),
        ("cc(1, 17)", "cc: channel must lie in 1 to 16, got 17"),
        ("cc(1, device=3)", "cc: device must be a name in quotes, got 3"),
        ("osc('')", "osc: path is an address such as '/wrist/x'"),
        ("osc('/a b')", "osc: path is an address such as '/wrist/x'"),
        ("level(0)", "level: channel must lie in 1 to 64, got 0"),
        ("level(99)", "level: channel must lie in 1 to 64, got 99"),
        (
            "level('a/b')",
            "level: channel is an input channel such as 1, or a layer such as d2, got",
        ),
        ("level(1, attack=0)", "level: attack must be >= 0.001 seconds, got 0"),
        ("level(1, release=11)", "level: release must be <= 10 seconds, got 11"),
        ("knob('a').lag(0)", "lag: seconds must be > 0 seconds, got 0"),
        ("knob('a').lag(6)", "lag: seconds must be <= 5 seconds, got 6"),
        ("xy(3)", "xy: name must be a name in quotes, got 3"),
    ],
)
def test_a_bad_live_curve_is_refused_in_one_line(code, line):
    with pytest.raises(ExpressionError) as caught:
        eval(code, {word: getattr(ll, word) for word in ll.WORDS})
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def values(curve, tapes, samples, shift=0, tempo=None):
    """Return a curve's values at samples of a clock that began at the tapes' first sample."""
    tempo = tempo or Tempo(60, RATE)
    samples = np.asarray(samples, np.float64)
    return Time(tempo.beats(samples), clock=Clock(samples, tempo, tapes, shift)).value(curve)


def taped(*points):
    """Return tapes of some points of sample, source and value."""
    tapes = Tapes(RATE)
    for at, source, value in points:
        tapes.take(Point(at, source, value))
    return tapes


def test_a_value_is_reached_in_20_ms_and_held():
    tapes = taped((1000, "knob:sea", 1.0))
    found = values(ll.knob("sea", 0.0), tapes, [0, 1000, 1000 + SLEWED // 2, 1000 + SLEWED, 10**7])
    assert found.tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_the_first_value_of_a_controller_does_not_jump():
    tapes = taped((0, "cc:1:1:x", 1.0), (RATE, "cc:1:1:x", 0.5))
    found = values(ll.cc(1), tapes, [SLEWED, RATE, RATE + SLEWED])
    assert 0.0 < found[0] < 0.1
    assert found[1:].tolist() == [1.0, 0.5]


def test_a_ramp_that_is_interrupted_goes_on_from_where_it_is():
    tapes = taped((0, "knob:a", 1.0), (SLEWED // 2, "knob:a", 0.0))
    found = values(ll.knob("a", 0.0), tapes, np.arange(0, 3 * SLEWED))
    assert found.max() == pytest.approx(0.5, abs=1e-9)
    assert np.abs(np.diff(found)).max() <= 1.001 / SLEWED


def test_keys_tell_which_one_how_hard_and_whether_any_is_down():
    tapes = taped(
        (0, "note:60:1:x", 0.8), (RATE, "note:64:1:x", 0.4), (2 * RATE, "note:60:1:x", 0.0)
    )
    later = taped(*[tuple(point) for point in tapes.kept], (3 * RATE, "note:64:1:x", 0.0))
    moments = [RATE - 1, 2 * RATE - 1, 3 * RATE - 1, 4 * RATE]
    assert values(ll.key(), later, moments).tolist() == [0.0, 4.0, 4.0, 4.0]
    assert values(ll.velocity(), later, moments).tolist() == [0.8, 0.4, 0.4, 0.4]
    assert values(ll.gate(), later, moments).tolist() == [1.0, 1.0, 1.0, 0.0]
    assert values(ll.gate(60, 60), later, moments).tolist() == [1.0, 1.0, 0.0, 0.0]


def test_operators_on_time_leave_a_knob_where_it_is_and_late_delays_it():
    tapes = taped((10 * RATE, "knob:a", 1.0))
    knob, moments = ll.knob("a", 0.0), np.arange(0, 20 * RATE, 997)
    now = values(knob, tapes, moments)
    for curve in (knob.slow(3), knob.fast(2), knob.early(4), knob.seed(3)):
        assert np.array_equal(values(curve, tapes, moments), now)
    assert np.array_equal(values(knob.late(2), tapes, moments + 2 * RATE), now)
    faster = Tempo(120, RATE)
    late = values(knob.late(2), tapes, moments + RATE, tempo=faster)
    assert np.allclose(late, values(knob, tapes, moments, tempo=faster))


@pytest.mark.parametrize("curve", [ll.knob("a", 0.0).smooth(2), ll.knob("a", 0.0).lag(0.5)])
def test_averages_of_a_knob_look_back_only(curve):
    tapes = taped((10 * RATE, "knob:a", 1.0))
    found = values(curve, tapes, np.arange(9 * RATE, 12 * RATE, 441))
    assert (found[:100] == 0.0).all()
    assert (np.diff(found) >= 0.0).all()
    assert found[-1] > 0.9


def test_a_lag_reaches_63_percent_in_its_time_and_runs_on_curves_too():
    tapes = taped((0, "knob:a", 1.0))
    found = values(ll.knob("a", 0.0).lag(1.0), tapes, [RATE, 2 * RATE])
    assert found == pytest.approx(1 - np.exp([-1.0, -2.0]), abs=0.03)
    lagged = ll.line(0, 8, 8).lag(0.5).at([4.0])
    assert lagged == pytest.approx([3.5], abs=0.03)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 50_000), st.floats(0, 1)), max_size=30),
    st.lists(st.integers(0, 60_000), min_size=1, max_size=20),
)
def test_values_do_not_depend_on_when_or_in_which_order_they_are_asked_for(points, asked):
    points = sorted(points)
    curve = ll.knob("a").lag(0.05) + ll.knob("a") * 2
    whole = values(curve, taped(*[(at, "knob:a", value) for at, value in points]), asked)
    tapes = Tapes(RATE)
    found = np.empty(len(asked))
    done = 0
    for at in sorted(set(asked)):  # each as soon as it is known
        while done < len(points) and points[done][0] <= at:
            tapes.take(Point(points[done][0], "knob:a", points[done][1]))
            done += 1
        here = [i for i, one in enumerate(asked) if one == at]
        found[here] = values(curve, tapes, [at])[0]
    assert np.array_equal(found, whole)


def test_history_is_bounded_and_what_is_read_stays_the_same():
    tapes, whole = Tapes(RATE), []
    curves = [ll.knob("a").lag(2.0), ll.knob("b", 0.0), ll.gate()]
    tapes.take(Point(0, "knob:b", 0.25))
    tapes.take(Point(0, "note:60:1:x", 1.0))
    for second in range(300):
        for part in range(50):
            at = second * RATE + part * RATE // 50
            tapes.take(Point(at, "knob:a", (part % 7) / 7))
            whole.append((at, "knob:a", (part % 7) / 7))
        tapes.close((second + 1) * RATE)
    assert len(tapes.kept) < (KEPT + 3) * 50
    everything = taped((0, "knob:b", 0.25), (0, "note:60:1:x", 1.0), *whole)
    fresh = Tapes(RATE)
    for point in tapes.kept:
        fresh.take(point)
    moments = np.arange((300 - BACK / 2) * RATE, 300 * RATE, 1013)
    for curve in curves:
        wanted = values(curve, everything, moments)
        assert np.array_equal(values(curve, tapes, moments), wanted)
        assert np.array_equal(values(curve, fresh, moments), wanted)


def live_rendering(tapes, texture, origin=0, lead=0):
    """Return a rendering in the toy space that follows tapes."""
    from latentlive.renderer import corpus_sounds

    rendering = Rendering(texture, ToySpace(), corpus_sounds(None, RATE), looped=True)
    rendering.listen(tapes, origin, lead)
    return rendering


def test_a_texture_follows_a_knob_a_lead_after_it_was_turned():
    a, b = ll.sound(np.full(RATE, 0.25)), ll.sound(np.full(RATE, -0.25))
    tapes = taped((5000, "knob:a", 1.0))
    texture = ll.interp(a, b, ll.knob("a", 0.0)).spread(0)
    samples = live_rendering(tapes, texture, origin=3000, lead=2000).samples(0, 12_000)
    turned = 5000 + 2000 - 3000
    assert samples[200 : turned - 64] == pytest.approx(0.25)
    assert samples[turned + SLEWED + 64 :] == pytest.approx(-0.25)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 6000), min_size=1, max_size=6))
def test_chunks_of_a_live_texture_are_the_same_samples(steps):
    rng = np.random.default_rng(0)
    a, b = (ll.sound(rng.uniform(-0.2, 0.2, 9000)) for _ in range(2))
    tapes = taped(*[(at, "knob:a", rng.random()) for at in range(0, 30_000, 640)])
    for texture in (
        ll.interp(a, b, ll.knob("a")).extend(2),
        ll.path([a, b, a], ll.knob("a").lag(0.1)).slow(2).early(0.02),
        a.scrub(ll.knob("a")),
        ll.cat(ll.interp(a, b, ll.knob("a")), b),
        ll.interp(a, b, ll.knob("a")).exact(),
    ):
        whole = live_rendering(tapes, texture, 500, 300).samples(0, 24_000)
        parted, at, one = [], 0, live_rendering(tapes, texture, 500, 300)
        for step in (*steps, 24_000):
            stop = min(at + step, 24_000)
            if stop > at:
                parted.append(one.samples(at, stop))
            at = stop
        assert np.array_equal(np.concatenate(parted), whole), texture


def test_norm_is_measured_with_knobs_at_their_start():
    a = ll.sound(np.random.default_rng(0).uniform(-0.2, 0.2, RATE))
    texture = (a * ll.knob("a", 1.0)).norm()
    gains = [
        live_rendering(taped((0, "knob:a", value)), texture).gains(np.zeros(1))[0, 0]
        for value in (0.1, 0.9)
    ]
    assert gains[0] == gains[1]


# Arrivals.


class Device:
    """A desk whose position a test moves, as a device of blocks does."""

    def __init__(self):
        self.noted = []
        self.shared = Shared.create(2, RATE)
        self.desk = Desk(self.shared, Tempo(60, RATE), note=self.noted.append)
        self.said = []
        self.arrivals = Arrivals(self.desk, self.said.append)
        self.now = self.due = 10**9
        self.shared.header[RUNNING] = 1

    def go_on(self, seconds, block=512, each=lambda now: None):
        """Let blocks be played for some seconds, with a round of the engine every 10 ms."""
        end = self.now + round(seconds * 1e9)
        while self.now < end:
            self.now += 10_000_000
            while self.due <= self.now:
                self.shared.header[FILLED] = self.due
                self.shared.header[POSITION] += block
                self.due += round(block / RATE * 1e9)
            each(self.now)
            self.arrivals.advance(self.now)

    @property
    def values(self):
        """What was noted of one source."""
        return [(one.at, one.source, one.value) for one in self.noted if isinstance(one, Taped)]


@pytest.mark.parametrize("block", [64, 512, 4096])
def test_values_come_at_the_pace_of_the_device_whatever_its_blocks(block):
    device = Device()
    device.go_on(4, block)
    sent = []

    def send(now):
        arrived = now - 7_300_000  # it was gathered, and lay in a pipe
        sent.append(arrived)
        device.arrivals.take([["knob:a", len(sent) / 1000, arrived, "me"]])

    device.go_on(4, block, send)
    device.go_on(0.2, block)
    at = np.array([one for one, _, _ in device.values])
    assert len(at) == len(sent)
    offset = at / RATE - np.array(sent) / 1e9
    assert np.abs(offset - np.median(offset)).max() < 0.005


def test_values_are_noted_in_order_on_the_grid_and_unchanged_ones_are_not():
    device = Device()
    device.go_on(1)
    now = device.now
    device.arrivals.take([["osc:/a:0", 1, now, ""], ["osc:/a:0", 1.0, now + 1000, ""]])
    device.arrivals.take([["osc:/a:0", 3, now + 50_000_000, ""], ["osc:/a:0", 2, now - 10**9, ""]])
    device.go_on(0.5)
    assert [value for _, _, value in device.values] == [2.0, 1.0, 3.0]
    places = [at for at, _, _ in device.values]
    assert places == sorted(places)
    assert all(at % 64 == 0 for at in places)


def test_bad_rows_and_floods_are_refused_and_cost_nothing_else():
    device = Device()
    device.go_on(1)
    bad = [
        *(None, 3, [], ["knob:a"], ["knob:a", "x", 0, ""], ["", 1.0, 0, ""], [3, 1.0, 0, ""]),
        *(["knob:a", float("nan"), 0, ""], ["a" * 300, 1.0, 0, ""], ["knob:a", 1.0, 0, 7]),
        ["knob:a", 1.0, float("inf"), ""],
    ]
    device.arrivals.take(bad)
    assert device.arrivals.refused == len(bad)
    for i in range(40):
        rows = [[f"osc:/{j}:0", i + 1.0, device.now, ""] for j in range(2000)]
        device.arrivals.take(rows)
        device.go_on(0.01)
    assert len(device.values) < 1.5 * MOST_A_SECOND
    assert device.arrivals.refused > 40 * 1000
    device.go_on(1.5)
    device.arrivals.take([["osc:/3:0", 0.5, device.now, ""]])
    device.go_on(0.2)
    assert device.values[-1][1:] == ("osc:/3:0", 0.5)


def test_a_knob_learns_what_is_moved_and_catches_up_with_it():
    device = Device()
    device.go_on(1)

    def send(source, *sent):
        for value in sent:
            device.arrivals.take([[source, value, device.now, "cc ch 1 nano"]])
            device.go_on(0.05)

    device.arrivals.turn("sea", 0.8, "the prompt", device.now)
    device.arrivals.learn(Learn("sea"))
    send("cc:64:1:x", 0.0, 1.0)  # the pedal is no knob
    send("cc:10:1:jittery", 0.5, 0.55, 0.45)
    send("cc:7:1:x", 0.0, 0.1, 0.2)
    assert device.said == ["knob 'sea' follows cc ch 1 nano"]
    send("cc:7:1:x", 0.6, 1.0, 0.5)
    turned = [value for _, source, value in device.values if source == "knob:sea"]
    assert turned[0] == 0.8
    assert turned[1] == pytest.approx(0.8 + 0.2 * 0.1 / 0.9, abs=1e-3)
    assert np.abs(np.diff(turned[:3])).max() < 0.12
    assert turned[-2:] == [1.0, 0.5]
    device.arrivals.forget("sea")
    send("cc:7:1:x", 0.1)
    assert turned == [value for _, source, value in device.values if source == "knob:sea"]
    with pytest.raises(EngineError, match="forget: no controller turns the knob 'sea'"):
        device.arrivals.forget("sea")


@given(st.floats(0, 1), st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_catching_up_never_leaves_the_range_and_meets_at_the_ends(knob, path):
    for before, now in itertools.pairwise(path):
        moved = caught_up(knob, before, now)
        assert 0.0 <= moved <= 1.0
        assert abs(moved - knob) <= 1.0
        if now in (0.0, 1.0) and now != before:
            assert moved == now
        knob = moved


def test_a_pace_that_jumps_begins_again():
    pace = Pace(RATE)
    for i in range(300):
        pace.observe(i * 10**7, i * 441)
    assert pace.sample(300 * 10**7) == pytest.approx(300 * 441, abs=2)
    pace.observe(301 * 10**7, 301 * 441 + 50_000)
    assert pace.sample(301 * 10**7) == pytest.approx(301 * 441 + 50_000, abs=1)


def test_what_follows_a_movement_is_played_by_a_knob_too():
    rng = np.random.default_rng(0)
    voice = ll.sound(rng.uniform(-0.2, 0.2, 4 * RATE))
    tapes = taped(*[(at, "knob:a", rng.random()) for at in range(0, 3 * RATE, 4410)])
    texture = ll.follow(ll.line(0, 1, 4), voice, window=0.5, drive=ll.knob("a"))
    whole = live_rendering(tapes, texture, 500, 300).samples(0, 30_000)
    still = live_rendering(taped(), texture, 500, 300).samples(0, 30_000)
    assert not np.array_equal(whole, still)
    one = live_rendering(tapes, texture, 500, 300)
    parts = [one.samples(a, a + 3000) for a in range(0, 30_000, 3000)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_render_takes_the_values_of_knobs_or_a_tape(tmp_path):
    from click.testing import CliRunner

    from latentlive.cli import main

    a, b = ll.sound(np.full(6400, 0.25)), ll.sound(np.full(6400, -0.25))
    for curve, start in (
        (ll.knob("sea"), {"sea": 1}),
        (ll.osc("/wrist/x"), {"/wrist/x": 1.0}),
        (ll.cc(74), {74: 1.0}),
    ):
        texture = ll.interp(a, b, curve).spread(0)
        at_end = ll.render(texture, model=ToySpace(), start=start)
        assert at_end[200:-200] == pytest.approx(-0.25)
        at_start = ll.render(texture, model=ToySpace())[200:-200]
        assert at_start == pytest.approx(0.25 - 0.5 * curve.start)
    with pytest.raises(ExpressionError, match="start: the value of 'sea' must be a number"):
        ll.render(a, model=ToySpace(), start={"sea": "high"})
    log, out = tmp_path / "evening.py", tmp_path / "out.wav"
    with ll.Engine(model="toy", silent=True, log=log) as live:
        live.d1 >> ll.sound(np.full(6400, 0.25, np.float32))
        live.turn("sea", 1)
        live.start()
        live.turn("sea", 0.25)
        live.wait_for(lambda: len(live.state.get("arrived", [])) > 0)
    words = ["render", "noise(1) * knob('sea')", "--seconds", "1", "--model", "toy", "-o", str(out)]
    for more, code, line in (
        (["--tape", str(log)], 0, ""),
        (["--start", "sea=0.7"], 0, ""),
        (["--start", "sea"], 1, "--start: write NAME=VALUE such as sea=0.7, got 'sea'"),
        (["--start", "=3"], 1, "--start: write NAME=VALUE such as sea=0.7, got '=3'"),
        (["--tape", str(tmp_path / "none.py")], 1, "log: cannot read"),
    ):
        done = CliRunner().invoke(main, [*words, *more])
        assert done.exit_code == code, done.output
        assert line in done.output
