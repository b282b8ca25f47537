"""Draws the README's picture: the real prompt, driven through tmux, as SVG.

    python docs/picture.py docs/prompt.svg

Needs tmux and ``rich``. The engine plays the starter sounds, on whatever device there is.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from latentlive.prompt.theme import THEMES

COLUMNS, ROWS = 92, 22
TYPED = (
    'd1 >> interp(sound("surf"), sound("choir-ah"), sine(16)).extend(6)',
    "d1.gain(-3).pan(perlin(8)).fade(4)",
    'd2 >> sound("gonk").slow(4)',
    'd2 >> sound("gong").slow(4)',
    'layer("night") >> path([sound("cricket"), sound("flute-a4"), prior(3)], saw(30))',
)
BEGUN = 'd2 >> interp(sound("gong"), sound("go'


@contextlib.contextmanager
def terminal(theme: str) -> Iterator[list[str]]:
    """Open the prompt in tmux; yield the command that speaks to it."""
    server = ["tmux", "-L", f"latentlive-{uuid.uuid4().hex}"]
    held = {name: value for name, value in os.environ.items() if name.startswith("LATENTLIVE_")}
    held |= {"PROMPT_TOOLKIT_COLOR_DEPTH": "DEPTH_24_BIT"}
    held |= {"PYTHONPATH": str(Path(__file__).parents[1])}
    prompt = [sys.executable, "-m", "latentlive.cli", "--theme", theme]
    size = ["-x", str(COLUMNS), "-y", str(ROWS)]
    settings = [f"{name}={value}" for name, value in held.items()]
    subprocess.run([*server, "new-session", "-d", *size, "env", *settings, *prompt], check=True)
    try:
        yield server
    finally:
        for key in ("C-c", "C-d"):
            subprocess.run([*server, "send-keys", key], capture_output=True)
            time.sleep(1)
        subprocess.run([*server, "kill-server"], capture_output=True)


def capture(theme: str) -> str:
    """Return what the terminal shows after the lines of `TYPED`, with its escape codes."""
    with terminal(theme) as server:

        def screen(*options: str) -> str:
            command = [*server, "capture-pane", "-p", *options]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout

        def until(text: str, seconds: float = 60.0) -> None:
            end = time.monotonic() + seconds
            while text not in screen():
                if time.monotonic() > end:
                    raise SystemExit(f"waited in vain for {text!r} in\n{screen()}")
                time.sleep(0.1)

        def keys(line: str) -> None:
            subprocess.run([*server, "send-keys", "-l", line], check=True)

        until("waiting for a texture")
        subprocess.run([*server, "send-keys", "C-l"], check=True)
        for line in TYPED:
            keys(line)
            time.sleep(0.5)
            subprocess.run([*server, "send-keys", "Enter"], check=True)
            until("bpm")
            time.sleep(1.5)
        until("night playing")
        keys(BEGUN)
        until("gong-low")
        time.sleep(2.0)
        return screen("-e")


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--theme", choices=sorted(THEMES), default="dark")
    options = parser.parse_args()
    theme = THEMES[options.theme]

    def colour(text: str) -> tuple[int, int, int]:
        return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)

    page = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor")
    for row in capture(options.theme).rstrip("\n").split("\n"):
        page.print(Text.from_ansi(row), no_wrap=True, crop=True)
    plain = [
        colour(c)
        for c in (
            theme.ground,
            theme.bad,
            theme.good,
            theme.coming,
            theme.prompt,
            theme.prompt,
            theme.prompt,
            theme.text,
        )
    ]
    drawn = TerminalTheme(colour(theme.ground), colour(theme.text), plain)
    page.save_svg(str(options.file), title="latentlive", theme=drawn)
    print(f"{options.file}: {options.file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
