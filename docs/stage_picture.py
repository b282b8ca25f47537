"""Draws the pictures of the stage view: the page as a real browser shows it.

    python docs/stage_picture.py                       # docs/stage-1280.png and so on
    python docs/stage_picture.py --session hand_on_the_map --folder /tmp

Plays a session without a device, for as long as the picture is in, and needs Chromium.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.chromium import Chromium  # noqa: E402

PICTURES = (
    ("stage-1280.png", (1280, 720), "dark", 108.3),
    ("stage-light.png", (1280, 720), "light", 109.2),
    ("stage-1920.png", (1920, 1080), "dark", 113.5),
)
"""File, size, theme, and the second of the session."""
ADDRESS = re.compile(r"the stage view is at (\S+)")
OPEN = 31.0
"""Seconds before the first picture at which the page opens: the meter shows half a minute."""

PRESS = "document.dispatchEvent(new KeyboardEvent('keydown', { key: 't' }))"


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--session", default="night_crossing")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs")
    given = parser.parse_args()
    command = [sys.executable, "-m", "latentlive.cli", "play", given.session, "--silent"]
    with tempfile.TemporaryDirectory() as folder:
        played = subprocess.Popen(
            [
                *command,
                "--stage",
                "0",
                "--out",
                f"{folder}/heard.flac",
                "--log",
                f"{folder}/log.py",
            ],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            draw(played, given.folder)
        finally:
            played.send_signal(2)
            played.wait(20)


def draw(played: subprocess.Popen[str], folder: Path) -> None:
    """Take the pictures."""
    assert played.stderr is not None
    found = next(filter(None, map(ADDRESS.search, played.stderr)))
    browser = Chromium()
    page = browser.page

    def wait(seconds: float) -> None:
        heard = page.value("window.stage.clock.heard() / window.stage.clock.rate")
        time.sleep(max(seconds - heard, 0.0))

    try:
        url = f"{found[1]}&theme=dark"
        page.go(url)
        page.wait("window.stage.state.clock.running", 60)
        begun = time.monotonic()
        page.go("about:blank")  # until then nothing need be drawn
        time.sleep(max(PICTURES[0][3] - OPEN - (time.monotonic() - begun), 0.0))
        page.go(url)
        page.wait("window.stage.map.chart && window.stage.state.clock.running")
        worn = "dark"
        for name, size, theme, seconds in PICTURES:
            wait(seconds - 1.0)
            page.resize(*size)
            if theme != worn:
                page.value(PRESS)
                worn = theme
            wait(seconds)
            picture = Image.open(io.BytesIO(page.picture())).convert("RGB")
            path = folder / name
            picture.quantize(192, dither=Image.Dither.NONE).save(path, optimize=True)
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB, {page.faults or 'no fault'}")
    finally:
        browser.close()


if __name__ == "__main__":
    main()
