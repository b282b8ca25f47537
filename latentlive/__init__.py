"""latentlive: a live-coding language and prompt for latent audio spaces.

The words of the language are the names below; ``render`` and ``Engine`` make them sound::

    import latentlive as ll

    samples = ll.render(ll.interp(ll.sound("gong"), ll.sound("rain"), ll.sine(8)))
    with ll.Engine() as live:
        live.d1 >> ll.sound("gong").extend(8)

Importing is free: it opens no device, starts no process, and loads a name at its first use.
``docs/make_words.py`` writes ``__init__.pyi``, which gives type checkers the source of each name.
"""

from importlib import import_module
from typing import Any

_LANGUAGE = {
    "latentlive.curves": "Bend Brown Cc Cosine Env Fit Gate Isaw Key Knob Level Line Num=number "
    "Osc Perlin Rand Saw Seq Sine Square Touch Tri Velocity brown2 cosine2 isaw2 perlin2 rand2 "
    "saw2 sine2 square2 track tri2 xy",
    "latentlive.expr.fields": "array",
    "latentlive.latent": "Cluster Euclid Excerpts Improvise Improvised Interp Near Path Roam Slerp "
    "Sound Steps Strokes Tour Z between blend cat contour drift follow noise place prior silence "
    "swarm",
}
"""The words of expressions by module; the word of a class is its name in lower case."""

_BESIDE = {
    "latentlive.client": "Engine",
    "latentlive.corpus": "Corpus",
    "latentlive.curves": "Curve",
    "latentlive.errors": "DeviceError EngineError ExpressionError LatentliveError ModelError "
    "SoundError",
    "latentlive.latent": "Latent dumps loads",
    "latentlive.models": "load_model",
    "latentlive.renderer": "render",
}
"""Further names for scripts, by module."""


def _homes(names: dict[str, str], lower: bool) -> dict[str, tuple[str, str]]:
    """Return each public name's module, and its name there."""
    found = {}
    for module, listed in names.items():
        for entry in listed.split():
            name, _, word = entry.partition("=")
            found[word or (name.lower() if lower else name)] = module, name
    return found


_HOMES = _homes(_LANGUAGE, lower=True) | _homes(_BESIDE, lower=False)

WORDS = tuple(sorted(_homes(_LANGUAGE, lower=True)))
"""The words of expressions: in scope at the prompt, in sessions, and in ``latentlive render``."""

__all__ = ["WORDS", *_HOMES]


def __getattr__(name: str) -> Any:
    """Load a name at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'latentlive' has no attribute {name!r}")
    module, there = _HOMES[name]
    value = getattr(import_module(module), there)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
