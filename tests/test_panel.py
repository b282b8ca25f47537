"""The panel: every line within its width, what matters in words; themes that can be read."""

from __future__ import annotations

import itertools
import math

import pytest

from latentlive.prompt.panel import panel, styled
from latentlive.prompt.theme import THEMES, style

LAYER = {"name": "d1", "state": "playing", "gain": "-3", "ready": 1.5, "error": ""}
LAYER["code"] = "interp(sound('surf'), sound('choir-ah'), sine(16)).extend(6)" * 3
STATE = {
    "ready": True,
    "running": True,
    "seconds": 75.25,
    "beat": 75.25,
    "bpm": 60.0,
    "device": "ci",
    "underflows": 2,
    "missing": 100,
    "layers": [LAYER],
}
FULL = {
    **STATE,
    "load": 0.93,
    "meter_db": -12.0,
    "layers": [
        LAYER,
        {**LAYER, "name": "d2", "state": "failed", "error": "sound: gone"},
        {**LAYER, "name": "d3", "state": "changing", "ready": 0.2, "late": True},
        {**LAYER, "name": "a_layer_of_a_very_long_name", "gain": "perlin(8).range(-30, 0)"},
    ],
    "plan": [
        {"name": "drop", "when": "go", "beat": None, "ready": 8.0, "layers": ["d1", "d2"]},
        {"name": "at 96", "when": None, "beat": 96.0, "ready": None, "layers": []},
    ],
}


def test_the_panel_shows_what_matters():
    assert panel(STATE) == [
        "1:15.2  beat 75.2  60 bpm  dropouts 3  ci",
        "  d1 playing     -3 dB ######..  1.5s " + str(LAYER["code"])[:39] + "...",
    ]
    lines = panel(FULL, 90)
    assert "=========--- -12.0 dB  load 93%  dropouts 3" in lines[0]
    assert lines[2].strip() == "d2 failed: sound: gone"
    assert lines[3].startswith("      d3 late ")
    assert lines[4].startswith("a_layer_ playing  curve dB ")
    assert len({line.index(" dB ") for line in (lines[1], lines[3], lines[4])}) == 1
    assert lines[5] == " cue drop  go  ########  8.0s ready  d1 d2"
    assert lines[6].startswith(" cue at 96  beat 96  ........")


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("height", [2, 4, 100])
def test_the_panel_fits(width, height):
    for state in (
        {},
        STATE,
        FULL,
        {"ended": "gone"},
        {**STATE, "hangs": True},
        {**STATE, "ready": False},
    ):
        lines = panel(state, width, height)
        assert 1 <= len(lines) <= height
        assert all(len(line) <= width for line in lines)
    assert len(panel(FULL, width, 4)) == 4
    assert "4 more" in panel(FULL, width, 4)[-1]


def test_a_tempo_that_moves_is_shown_to_one_decimal():
    assert "  72.3 bpm  " in panel({**STATE, "bpm": 72.345678})[0]
    assert "  120 bpm  " in panel({**STATE, "bpm": 119.99})[0]


def test_the_panel_says_when_it_starts_warms_up_and_ends():
    assert panel({}) == ["starting the engine ..."]
    assert panel({**STATE, "ready": False})[0].startswith("warming up")
    assert panel({**STATE, "running": False})[0].startswith("ready, waiting for a texture")
    assert panel({"ended": "the engine is gone"}) == ["leave (Ctrl-D): the engine is gone"]
    assert "no sound device" in panel({**STATE, "device": None})[0]


def test_an_engine_that_does_not_answer_is_told_of_in_place_of_its_time():
    lines = panel({**STATE, "hangs": True})
    assert lines[0] == "the engine does not answer: panic() ends it"
    assert len(lines) == len(panel(STATE))


@pytest.mark.parametrize(("level", "bar"), [(0.0, 12), (-48.0, 0), (-math.inf, 0), (3.0, 12)])
def test_the_meter(level, bar):
    assert panel({**STATE, "meter_db": level})[0].count("=") == bar


def luminance(colour):
    """Return the relative luminance of ``#rrggbb`` (WCAG 2.1)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", sorted(THEMES))
def test_every_colour_can_be_read_in_a_projectors_light(name):
    theme = THEMES[name]
    inks = (theme.text, theme.prompt, theme.good, theme.coming, theme.bad, theme.quiet)
    for ink in inks:
        assert contrast(ink, theme.ground) >= 7.0, ink
    assert contrast(theme.text, theme.chosen) >= 7.0
    for one, other in itertools.combinations(inks, 2):
        assert one != other


@pytest.mark.parametrize("name", sorted(THEMES))
def test_every_style_of_the_panel_has_a_colour(name):
    used = {word for line in styled(FULL) for word, _ in line if word}
    used |= {word for line in styled({}) for word, _ in line}
    assert {f"panel.{word}" for word in used} <= set(style(name))


def test_what_is_frozen_or_measured_is_told_with_how_far_it_is():
    rows = [
        {"name": "river", "done": 0.42, "told": "42%, about 38 s left", "doing": "freezing"},
        {"name": "directions", "done": 0.0, "told": "waits", "doing": "measuring"},
    ]
    lines = panel({**STATE, "freezing": rows}, 60)
    assert lines[-2:] == [
        " freezing river  ###..... 42%, about 38 s left",
        " measuring directions  ........ waits",
    ]
