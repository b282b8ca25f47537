"""What an installation may lack: packages that only some commands need come with extras."""

from __future__ import annotations

import importlib.util
import sys


def lacking(word: str, extra: str, *modules: str) -> str:
    """Return the line that refuses a word whose modules are not installed; empty if all are.

    Nothing is imported.

    Parameters
    ----------
    word : str
        A command, or a word of the prompt.
    extra : str
        What installs the modules.
    modules : str

    Example
    -------
    >>> lacking("train", "train", "json", "no_torch")
    "train: needs no_torch: pip install 'latentlive[train]'"
    """
    for module in modules:
        if not _there(module):
            package = {"sklearn": "scikit-learn"}.get(module, module)
            return f"{word}: needs {package}: pip install 'latentlive[{extra}]'"
    return ""


def _there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ValueError:  # loaded without a specification, or forbidden
        return sys.modules.get(module) is not None
