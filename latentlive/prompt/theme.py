"""Colours of the prompt: a dark and a light theme, made for a projector.

Every pair of text and ground has a contrast of at least 7 to 1 (WCAG 2.1, level AAA). Words carry
all important information; colour alone carries none.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Colours as ``#rrggbb``.

    Parameters
    ----------
    ground, text : str
        Of the panel.
    prompt, good, coming, bad, quiet : str
        Text on the same ground: the prompt and names, playing layers, coming layers, faults,
        notes.
    chosen : str
        The ground of the selected completion.
    code : str
        A style of Pygments for typed code.
    """

    ground: str
    text: str
    prompt: str
    good: str
    coming: str
    bad: str
    quiet: str
    chosen: str
    code: str


THEMES = {
    "dark": Theme(
        ground="#101418",
        text="#f2f2f2",
        prompt="#7fd4ff",
        good="#8be28b",
        coming="#ffd866",
        bad="#ff9d9d",
        quiet="#b4bcc4",
        chosen="#1d3a4d",
        code="monokai",
    ),
    "light": Theme(
        ground="#f4f4f0",
        text="#101010",
        prompt="#00467a",
        good="#0b5416",
        coming="#6a4700",
        bad="#9a0000",
        quiet="#444a50",
        chosen="#ffffff",
        code="xcode",
    ),
}


def style(name: str) -> dict[str, str]:
    """Return a theme as a style of prompt_toolkit: class to colours.

    >>> style("dark")["panel.on"]
    'fg:#8be28b bg:#101418'
    """
    theme = THEMES[name]

    def on(colour: str, more: str = "") -> str:
        return f"fg:{colour} bg:{theme.ground}{more}"

    return {
        "prompt": f"bold {theme.prompt}",
        "prompt.dots": theme.prompt,
        "error": theme.bad,
        "note": theme.quiet,
        "echo": theme.prompt,
        "panel": on(theme.text),
        "panel.time": on(theme.text, " bold"),
        "panel.name": on(theme.prompt, " bold"),
        "panel.on": on(theme.good),
        "panel.bar": on(theme.good),
        "panel.empty": on(theme.quiet),
        "panel.coming": on(theme.coming, " bold"),
        "panel.bad": on(theme.bad, " bold"),
        "panel.note": on(theme.quiet),
        "panel.code": on(theme.text),
        "completion-menu.completion": on(theme.text),
        "completion-menu.completion.current": f"fg:{theme.text} bg:{theme.chosen} bold noreverse",
        "completion-menu.meta.completion": on(theme.quiet),
        "completion-menu.meta.completion.current": f"fg:{theme.text} bg:{theme.chosen} noreverse",
        "signature-toolbar": on(theme.text),
        "signature-toolbar current-name": on(theme.coming, " bold"),
        "signature-toolbar operator": on(theme.quiet),
        "validation-toolbar": on(theme.bad),
        "scrollbar.background": f"bg:{theme.ground}",
        "scrollbar.button": f"bg:{theme.quiet}",
    }
