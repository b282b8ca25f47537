"""Evaluate a texture typed for ``latentlive render``."""

from __future__ import annotations

import linecache
from typing import Any

import numpy as np

import latentlive
from latentlive.errors import ExpressionError, LatentliveError, did_you_mean
from latentlive.latent import Joined
from latentlive.later import instead
from latentlive.prompt.calls import misused
from latentlive.prompt.scope import OF_THE_ENGINE
from latentlive.prompt.statement import escaped

FILE = "<rendered>"
"""The expression's file name in `linecache`."""


def evaluate(expression: str) -> Any:
    """Evaluate a typed expression with the public words and ``np`` in scope.

    Raises
    ------
    ExpressionError
        For anything but a latent, in one line.
    """
    scope: dict[str, Any] = {word: getattr(latentlive, word) for word in latentlive.WORDS}
    try:
        code = escaped(expression)
        linecache.cache[FILE] = (len(code), None, [code], FILE)
        value = eval(compile(code.strip(), FILE, "eval"), {**scope, "np": np})
    except LatentliveError:
        raise
    except SyntaxError as error:
        raise ExpressionError(f"render: {error.msg}, at column {error.offset}") from None
    except NameError as error:
        name = error.name or ""
        if name in OF_THE_ENGINE:
            raise ExpressionError(
                f"render: {name!r} belongs to the prompt; give the texture alone"
            ) from None
        hint = instead(name) or did_you_mean(name, scope)
        raise ExpressionError(f"render: no word {name!r}{hint}") from None
    except TypeError as error:
        told = misused(error, words=scope) or f"TypeError: {error}"
        raise ExpressionError(f"render: {told}") from None
    except Exception as error:  # noqa: BLE001 - a typed expression may raise anything
        raise ExpressionError(f"render: {type(error).__name__}: {error}") from None
    if not isinstance(value, latentlive.Latent | Joined):
        raise ExpressionError(f"render: expected a latent such as sound('gong'), got {value!r}")
    return value
