"""Session files: cells, moments, names, errors with their line."""

from __future__ import annotations

import re

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.errors import ExpressionError
from latentlive.prompt.recital import play
from latentlive.prompt.scope import first_line
from latentlive.prompt.session import find_session, parse, read_session
from latentlive.starter import synthesise

TEXT = """# a comment before everything
x = 1
# %% sea
y = 2

# %% 00:01:12.480 {"sample": 3196416, "beat": 72.48}
z = 3
# %% 01:00:00 last one
# only a comment
w = 4
# %% empty
# nothing
"""


def test_cells_have_names_moments_and_lines():
    cells = [(c.name, c.moment, c.line) for c in parse(TEXT)]
    assert cells == [
        ("line 1", None, 1),
        ("sea", None, 4),
        ("line 7", 72.48, 7),
        ("last one", 3600.0, 9),
    ]


def test_moments_must_rise():
    with pytest.raises(ExpressionError, match=r"cell 'b' \(line 4\) comes before the one above"):
        parse("# %% 00:00:05 a\nx\n# %% 00:00:04 b\ny\n")


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r"])
def test_only_the_breaks_of_lines_end_them(break_, tmp_path):
    rows = [
        "a = 'x\fy\x85z\u2028'",
        "#%% 00:00:05",
        "b = 1",
        "\f",
        "#\t%%  00:00:06 last",
        "",
        "1 / 0",
    ]
    file = tmp_path / "piece.py"
    file.write_text("\ufeff#%% first" + break_ + break_.join(rows), "utf-8", newline="")
    found = parse(read_session(file))
    assert [(c.name, c.moment, c.line) for c in found] == [
        ("first", None, 2),
        ("line 4", 5.0, 4),
        ("last", 6.0, 7),
    ]
    held = {}
    exec(compile(found[0].code, "piece.py", "exec"), held)
    assert held["a"] == "x\fy\x85z\u2028"


def test_what_is_almost_a_moment_is_refused():
    for name in ("0:12 gong", "00:60:00", "00:00:12,5 gong", "1:2"):
        with pytest.raises(
            ExpressionError, match=r"a moment is written 00:01:12\.480, got .*line 2"
        ):
            parse(f"# %% {name}\nx\n")
    assert parse("# %% 3 gongs\nx\n")[0].name == "3 gongs"


def test_shipped_sessions_parse_and_compile():
    for name in ("first_light",):
        path = find_session(name)
        for cell in parse(path.read_text()):
            compile(cell.code, str(path), "exec")


def test_errors_name_their_line():
    with pytest.raises(ZeroDivisionError) as caught:
        exec(compile("\n\n1/0", "piece.py", "exec"), {})
    said = first_line(caught.value, "piece.py")
    assert said == "line 3: ZeroDivisionError: division by zero"


def test_a_cue_told_in_a_cell_with_a_moment_lands_there_and_the_log_holds_the_cells(tmp_path):
    log, file = tmp_path / "log.py", tmp_path / "scene.py"
    file.write_text(
        "# %% begin\nd1 >> prior(1)\nwith cue('drop'):\n    d2 >> prior(2)\n"
        "# %% 00:00:04.500 now\ngo('drop')\n"
    )
    said = []
    with ll.Engine(model="toy", silent=True, hold=True, log=log) as live:
        play(live, file, seconds=5.5, say=said.append)
        since = {one["name"]: one["since"] for one in live.state["layers"]}
        assert -60 < live.state["meter_db"] < 0  # what the panel's meter shows
    assert said == ["0:00.0  begin", "0:04.5  now"]
    assert since["d2"] == -(-round(4.5 * 44100) // 64) * 64
    text = log.read_text()
    assert text.index("d1 >> prior(1)") < text.index("now {") < text.index("go('drop')")


def test_first_light_begins_audibly_within_half_a_second(tmp_path):
    first = parse(find_session("first_light").read_text())[0]
    for name in set(re.findall(r'sound\("([\w-]+)"\)', first.code)):
        soundfile.write(tmp_path / f"{name}.wav", synthesise(name), 44100)
    (tmp_path / "first.py").write_text(first.code)
    out = tmp_path / "heard.wav"
    with ll.Engine(corpus=tmp_path, silent=True, hold=True, out=out) as live:
        play(live, tmp_path / "first.py", seconds=0.6)
    heard = soundfile.read(out)[0][:22050]
    assert 10 * np.log10(np.mean(heard**2)) > -40  # of full scale


def test_in_first_light_a_cello_glides_up_until_it_is_a_flute(tmp_path):
    texture = re.search(
        r"d3 >> (.+)", find_session("first_light").read_text(encoding="utf-8")
    ).group(1)
    for name in ("cello-d4", "flute-a4"):
        soundfile.write(tmp_path / f"{name}.wav", synthesise(name), 44100)
    heard = ll.render(eval(texture, vars(ll).copy()), 5.0, model="spectral", corpus=tmp_path)
    strongest = []
    for middle in (0.5, 2.5, 4.5):
        part = heard[round((middle - 0.25) * 44100) :][:22050]
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
        strongest.append(200 + 2 * int(np.argmax(power[100:300])))
    assert abs(strongest[0] - 294) < 20  # D4
    assert 315 < strongest[1] < 415  # neither, where a crossfade would have both
    assert abs(strongest[2] - 440) < 20  # A4
