"""The stage view at the prompt: ``stage()`` opens it, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import webbrowser
from typing import Any

from latentlive.client.control import Control
from latentlive.errors import EngineError, ExpressionError
from latentlive.expr.fields import shown
from latentlive.ground.files import fresh_file, working_folder
from latentlive.ground.launch import command, launched
from latentlive.ground.system import apart

PANELS = ("map", "layers", "plan", "code")
START = 20.0
"""Seconds for the page to be served."""

THEMES = ("", "dark", "light")


class Showing(Control):
    """An engine, as an audience sees it."""

    _stage: subprocess.Popen[bytes] | None = None
    _stage_url = ""

    def stage(
        self,
        *panels: str | None,
        theme: str = "",
        size: float = 1.0,
        offset: float = 0.0,
        port: int = 0,
        host: str = "",
        public: bool = False,
        browser: bool = True,
    ) -> None:
        """Show the performance on one page, for the projector and the second screen.

        The page shows the map of sounds with what plays lit up, each layer's way on it, layers,
        plan and code. Opened by the address that is told, it points too: a click auditions a
        sound, a click with shift inserts its name at the prompt, dragging moves ``xy("pad")``.
        Called again, it changes what is shown. ``stage(None)`` closes it.

        Parameters
        ----------
        panels : 'map', 'layers', 'plan' or 'code'
            What is shown, by default all.
        theme : str
            'dark' or 'light'; by default as the browser's.
        size : float [0.5 to 3]
            Of letters.
        offset : float [seconds, -2 to 2]
            How much later the picture is than the sound at the device.
        port : int
            0 takes a free one.
        host : str
            Where it is served; by default this machine alone, or all its addresses if `public`.
        public : bool
            Whether other machines may look; they cannot point.
        browser : bool
            Whether to open a browser, where there is a screen.

        Raises
        ------
        EngineError
            ``stage: cannot listen on port 80: Permission denied; --stage 0 takes a free one``

        Example
        -------
        ``stage()``, ``stage("map", "code", theme="light")``, ``stage(None)``
        """
        if panels == (None,):
            if not self.close_stage():
                raise EngineError("stage: it is not open; stage() opens it")
            return
        show = chosen(panels, theme, size, offset)
        if self._stage is not None and self._stage.poll() is None:
            if port or public or host:
                raise EngineError("stage: it is open already; stage(None) closes it first")
            assert self._stage.stdin is not None
            with contextlib.suppress(OSError):
                self._stage.stdin.write(json.dumps({"show": show}).encode() + b"\n")
                self._stage.stdin.flush()
            self._say(f"the stage view is at {self._stage_url}")
            return
        told = self._open_stage(show, host, port, public)
        self._stage_url = told["url"]
        self._say(f"the stage view is at {told['url']}")
        if public:
            self._say(f"others see it, and only see it, at {told['looks']}")
        if browser and screen_is_there():
            with contextlib.suppress(webbrowser.Error, OSError):
                webbrowser.open(told["url"])

    def _open_stage(self, show: dict[str, Any], host: str, port: int, public: bool) -> Any:
        served = ["--engine", str(self.welcome.pid), "--host", host, "--port", str(port)]
        served += ["--show", json.dumps(show)] + ["--public"] * public
        with fresh_file(working_folder("log") / f"stage-{self.welcome.pid}.log") as faults:
            process = launched(command("latentlive.stage.main", *served), faults, **apart())
        assert process.stdout is not None
        late = threading.Timer(START, process.kill)
        late.start()
        try:
            line = process.stdout.readline()
        finally:
            late.cancel()
        try:
            told = json.loads(line)
        except ValueError:
            told = {"op": "refused", "error": "stage: its process ended while it started"}
        if told.get("op") != "listening":
            process.wait()
            raise EngineError(str(told.get("error")))
        self._stage = process
        return told

    def tell(self, line: str) -> None:
        """Tell the performer a line."""
        self._say(line)

    def close_stage(self) -> bool:
        """Close the stage view; return whether it was open."""
        process, self._stage = self._stage, None
        if process is None or process.poll() is not None:
            return False
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        return True


def chosen(
    panels: tuple[str | None, ...], theme: str = "", size: float = 1.0, offset: float = 0.0
) -> dict[str, Any]:
    """Return what is to be shown as data for the page.

    Raises
    ------
    ExpressionError
        ``stage: shows 'map', 'layers', 'plan', 'code', got 'maps'``
    """
    for panel in panels:
        if panel not in PANELS:
            listed = ", ".join(map(repr, PANELS))
            raise ExpressionError(f"stage: shows {listed}, got {shown(panel)}")
    if theme not in THEMES:
        raise ExpressionError(f"stage: theme is 'dark' or 'light', got {shown(theme)}")
    return {
        "panels": list(dict.fromkeys(panels)) or list(PANELS),
        "theme": theme,
        "size": within(size, 0.5, 3.0, "size", "times"),
        "offset": within(offset, -2.0, 2.0, "offset", "seconds"),
    }


def within(value: Any, least: float, most: float, name: str, unit: str) -> float:
    """Return a number between bounds, or refuse it."""
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not least <= value <= most:
        raise ExpressionError(
            f"stage: {name} must be {least:g} to {most:g} {unit}, got {shown(value)}"
        )
    return float(value)


def screen_is_there() -> bool:
    """Return whether a browser would open a window, not take the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
