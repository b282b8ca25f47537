"""How long an installation takes, how much it fills, and when it first sounds.

    python -m benchmarks.install

Each tool installs this checkout without extras into a place of its own; then `first_light` plays
there from an empty cache. "Sounds" is the time from the command to its first cell being heard.
What is downloaded comes from whatever index pip is set to, so seconds depend on the line; pip has
its own cache from the second tool on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent


def with_pip(place: Path) -> Path:
    """Install with pip into a virtual environment; return the command."""
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    subprocess.run([place / "bin/pip", "install", "--quiet", ROOT], check=True)
    return place / "bin/latentlive"


def with_pipx(place: Path) -> Path:
    """Install with pipx; return the command."""
    own = {"PIPX_HOME": str(place), "PIPX_BIN_DIR": str(place / "bin")}
    command = ["pipx", "install", "--quiet", "--python", sys.executable, ROOT]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **own})
    return place / "bin/latentlive"


def with_uv(place: Path) -> Path:
    """Install with uv; return the command."""
    own = {"UV_TOOL_DIR": str(place), "UV_TOOL_BIN_DIR": str(place / "bin")}
    command = ["uv", "tool", "install", "--quiet", "--python", sys.executable, ROOT]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **own})
    return place / "bin/latentlive"


def sounds(command: Path, folder: Path) -> float:
    """Return the seconds until a piece is heard, from an empty cache."""
    words = ["play", "first_light", "--silent", "--out", str(folder / "mix.wav"), "--seconds", "1"]
    own = {"LATENTLIVE_CACHE": str(folder / "cache")}
    begun = time.monotonic()
    process = subprocess.Popen(
        [command, *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **own},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("0:00.0"):
            heard = time.monotonic() - begun
    process.wait()
    return heard


def filled(place: Path) -> float:
    """Return what a folder fills [MB]."""
    files = (path for path in place.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


def main() -> None:
    """Print a row for each tool."""
    tools: dict[str, Callable[[Path], Path]] = {
        "pip": with_pip,
        "pipx": with_pipx,
        "uv": with_uv,
    }
    print("| with | installed in | fills | sounds after |\n|---|--:|--:|--:|")
    for name, install in tools.items():
        if name != "pip" and shutil.which(name) is None:
            print(f"| {name} | not here | | |")
            continue
        with tempfile.TemporaryDirectory() as scratch:
            place, begun = Path(scratch, "place"), time.monotonic()
            command = install(place)
            took = time.monotonic() - begun
            heard = sounds(command, Path(scratch))
            print(f"| {name} | {took:.1f} s | {filled(place):.0f} MB | {heard:.1f} s |", flush=True)


if __name__ == "__main__":
    main()
