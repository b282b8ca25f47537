"""The page in a real browser: what an audience sees, and what a performer points at."""

from __future__ import annotations

import re
from queue import SimpleQueue

import pytest

from latentlive.prompt.editors import Listener


def texts(page, selector):
    """Return what the elements of a selector say."""
    code = f"[...document.querySelectorAll({selector!r})].map((one) => one.textContent)"
    return page.value(code)


def spot(page, name):
    """Return where on the page a sound is."""
    return page.value(
        f"""(() => {{
            const map = window.stage.map, at = map.chart.names.indexOf({name!r});
            const box = map.canvas.getBoundingClientRect();
            return [box.left + map.x(map.chart.x[at]), box.top + map.y(map.chart.y[at])];
        }})()"""
    )


def row(page, name):
    """Return the row of a sound."""
    return page.value(
        f"window.stage.map.chart.rows[window.stage.map.chart.names.indexOf({name!r})]"
    )


def test_the_page_shows_three_layers_of_a_playing_engine(page, played):
    page.wait("document.querySelectorAll('#layers li.playing').length === 3")
    assert texts(page, "#layers .name") == ["d1", "d2", "d3"]
    assert texts(page, "#layers .code")[0] == "interp(sound('gong'), sound('rain'), sine(8))"
    page.wait("Object.keys(window.stage.state.ways).length === 3")
    assert "60 bpm" in texts(page, "#tempo")
    assert page.faults == []


def test_the_cell_that_landed_is_marked(page):
    page.wait("document.querySelector('#code .landed')")
    assert 'xy("pad").x' in texts(page, "#code .landed")[0]


def test_the_map_is_drawn_with_what_is_heard_lit(page):
    page.wait("window.stage.map.lights.size > 0")
    lit = page.value("[...window.stage.map.lights.keys()].map((at) => stage.map.chart.names[at])")
    assert set(lit) & {"gong", "rain", "bell-tree", "choir-ah", "surf", "anvil", "harp-c5"}
    colours = page.value(
        """(() => {
            const map = window.stage.map, all = new Set();
            const { data } = map.pen.getImageData(0, 0, map.canvas.width, map.canvas.height);
            for (let at = 0; at < data.length; at += 4 * 7) {
                all.add(`${data[at]} ${data[at + 1]} ${data[at + 2]}`);
            }
            return all.size;
        })()"""
    )
    assert colours > 100


def test_the_spectrum_of_what_is_heard_is_drawn(page):
    page.wait("window.stage.state.engine.bands.length === 24")
    page.wait(
        """(() => {
            const canvas = document.querySelector('#master'), pen = canvas.getContext('2d');
            const { data } = pen.getImageData(canvas.width - 40, 0, 40, canvas.height);
            return new Set(new Uint32Array(data.buffer)).size > 5;
        })()"""
    )
    assert page.faults == []


def test_a_point_lies_between_the_two_sounds_of_a_mix(page):
    page.wait("window.stage.state.ways.d1")
    ways = page.value("window.stage.state.ways.d1")
    chart = page.value("window.stage.map.chart")
    ends = [chart["names"].index(name) for name in ("gong", "rain")]
    low, high = (min(chart["x"][n] for n in ends), max(chart["x"][n] for n in ends))
    places = [
        x for one in ways.values() for x, much in zip(one["x"], one["m"], strict=True) if much
    ]
    assert places
    assert all(low - 1e-3 <= x <= high + 1e-3 for x in places)
    assert max(places) - min(places) > 0.2 * (high - low)


def test_the_page_follows_a_redefinition(page, played):
    played.run('d2 >> sound("tuba").extend(3)')
    page.wait("[...document.querySelectorAll('#layers .code')][1].textContent.includes('tuba')")
    page.wait("document.querySelector('#code .landed').textContent.includes('tuba')")
    page.wait(f"Object.values(stage.state.ways.d2).some((one) => one.lit[{row(page, 'tuba')}])")
    assert page.faults == []


def test_effects_are_shown_beside_the_level_of_their_layer(page, played):
    played.run("d1.lpf(900).reverb(0.3)")
    page.wait("document.querySelector('#layers .more').textContent.includes('lpf(900)')")
    later = page.value("stage.state.clock.position") + 2 * 44100
    page.wait(f"stage.state.clock.position > {later} && stage.state.layers.d1.level > -80")
    assert page.faults == []


def test_a_refused_line_is_shown_with_its_error(page, played):
    with pytest.raises(Exception, match="gnog"):
        played.run('d1 >> sound("gnog")')
    page.wait("document.querySelector('#code .error')")
    assert "no 'gnog' in corpus" in texts(page, "#code .error")[-1]


def test_a_click_auditions_a_sound(page, played):
    page.click(*spot(page, "gong"))

    def heard(state):
        shown = {one["name"]: one for one in state["layers"]}
        return shown.get("preview1", {}).get("state") == "playing"

    played.wait(heard)
    preview = next(one for one in played.engine.state["layers"] if one["name"] == "preview1")
    assert preview["code"] == "sound('gong').loop(1)"
    assert preview["gain"] == "-12"
    assert texts(page, "#layers .name") == ["d1", "d2", "d3"]


def test_hovering_names_a_sound(page):
    page.mouse("move", *spot(page, "cello-d4"))
    page.wait("stage.map.chart.names[stage.map.pointed] === 'cello-d4'")


def test_a_click_with_shift_and_a_lasso_insert_names_at_the_prompt(page, played):
    given = []

    def insert(text, engine):
        given.append((text, engine))
        return ""

    listener = Listener(SimpleQueue(), insert)
    try:
        x, y = spot(page, "gong")
        page.click(x, y, shift=True)
        played.wait(lambda state: given)
        assert given.pop() == ("sound('gong')", played.engine.welcome.pid)
        around = [(x - 60, y - 60), (x + 60, y - 60), (x + 60, y + 60), (x - 60, y + 60)]
        page.drag(around, shift=True)
        played.wait(lambda state: given)
        text = given.pop()[0]
        assert re.fullmatch(r"\[sound\('.*'\)\]", text)
        assert "sound('gong')" in text
    finally:
        listener.close()


def test_without_a_prompt_a_line_says_so(page):
    page.click(*spot(page, "gong"), shift=True)
    page.wait("document.querySelector('#line').textContent.includes('no prompt is open')")


def test_dragging_moves_the_pad_and_is_logged_with_its_sender(page, played):
    x, y, wide = page.value(
        """(() => { const box = stage.map.canvas.getBoundingClientRect();
        return [box.left, box.top, box.width]; })()"""
    )
    way = [(x + wide * part, y + 0.4 * wide) for part in (0.3, 0.5, 0.7, 0.9)]
    page.drag(way)
    played.wait(lambda state: any(one[0] == "knob:pad.x" for one in state["arrived"]))
    page.wait("stage.state.knobs['pad.x'] > 0.85")
    values = played.tapes("knob:pad.x")
    assert values[-1][0] == pytest.approx(0.93, abs=0.03)
    assert {by for _, by in values} == {"stage"}
    assert played.tapes("knob:pad.y")


def test_the_picture_is_that_of_what_is_heard(page):
    late = page.value("stage.state.clock.latency + stage.clock.offset")
    apart = page.value("stage.clock.ahead + performance.now() / 1000 - stage.clock.heard() / 44100")
    assert apart == pytest.approx(late, abs=0.01)


def test_time_can_be_held(chromium, page, played):
    page.go(f"{played.url}&at=44100")
    page.wait("stage.state.clock && document.querySelector('#time').textContent === '0:01'")


def test_a_reload_shows_the_same(page):
    before = texts(page, "#layers .code")
    page.call("Page.reload")
    page.wait("window.stage.map.chart && window.stage.state.clock.running")
    page.wait("document.querySelectorAll('#layers li').length === 3")
    assert texts(page, "#layers .code") == before
    assert page.faults == []


def test_without_the_token_the_page_shows_and_points_at_nothing(page, played):
    page.go(f"http://127.0.0.1:{played.port}/")
    page.wait("window.stage.map.chart && window.stage.state.layers")
    assert page.value("stage.points") is False
    page.click(*spot(page, "surf"))
    page.click(*spot(page, "surf"), shift=True)
    assert page.faults == []
    assert not any(
        "surf" in one["code"] for one in played.engine.state["layers"] if "preview" in one
    )


def test_a_wrong_token_is_refused_and_the_page_says_so(page, played):
    page.go(f"http://127.0.0.1:{played.port}/")
    page.wait("window.stage")
    page.value("location.search = '?token=wrong'")
    page.wait("document.body.textContent.includes('wrong token')")


def test_what_is_shown_can_be_chosen(page, played):
    said = len(played.said)
    played.engine.stage("map", theme="light", browser=False)
    assert played.said[said:] == [f"the stage view is at {played.url}"]
    page.wait("document.documentElement.dataset.theme === 'light'")
    page.wait("getComputedStyle(document.querySelector('#side')).display === 'none'")
    played.engine.stage("code", "layers", theme="dark", size=1.2, browser=False)
    page.wait("getComputedStyle(document.querySelector('#map')).display === 'none'")
    shown = page.value("[...document.querySelectorAll('#side section')].map((one) => one.id)")
    assert shown[-3:] == ["code", "layers", "knobs"]
    played.engine.stage(browser=False)
    page.wait("getComputedStyle(document.querySelector('#map')).display !== 'none'")


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_nothing_overlaps_and_letters_are_large(page, size):
    page.resize(*size)
    boxes = page.value(
        """['#bar', '#map', '#layers', '#code', '#line'].map((one) => {
            const box = document.querySelector(one).getBoundingClientRect();
            return [box.left, box.top, box.right, box.bottom]; })"""
    )
    page.wait(
        """(() => {
            const list = document.querySelector('#code ol').getBoundingClientRect();
            const row = document.querySelector('#code .landed').getBoundingClientRect();
            return row.top >= list.top - 1 && row.bottom <= list.bottom + 1;
        })()"""
    )
    page.resize(1280, 720)
    for n, a in enumerate(boxes):
        assert a[2] <= size[0] + 1, a
        assert a[3] <= size[1] + 1, a
        for b in boxes[n + 1 :]:
            assert a[2] <= b[0] + 1 or b[2] <= a[0] + 1 or a[3] <= b[1] + 1 or b[3] <= a[1] + 1
    letters = page.value(
        "parseFloat(getComputedStyle(document.querySelector('#code li')).fontSize)"
    )
    assert letters >= 15
