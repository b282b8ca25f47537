"""What changed from one state of the page to the next: a merge patch (RFC 7396).

States hold no None: in a patch it means that a key is gone.
"""

from __future__ import annotations

from typing import Any

State = dict[str, Any]


def difference(before: State, after: State) -> State:
    """Return what turns one state into another; lists are replaced whole.

    >>> difference({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"c": 4, "d": 3}})
    {'a': None, 'b': {'c': 4}}
    """
    patch: State = {key: None for key in before if key not in after}
    for key, value in after.items():
        known = before.get(key)
        if known is value or known == value:
            continue
        if isinstance(known, dict) and isinstance(value, dict):
            patch[key] = difference(known, value)
        else:
            patch[key] = value
    return patch


def merged(state: State, patch: State) -> State:
    """Return a state with a patch applied, as the page does it.

    >>> merged({"a": 1, "b": {"c": 2, "d": 3}}, {"a": None, "b": {"c": 4}})
    {'b': {'c': 4, 'd': 3}}
    """
    made = dict(state)
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, dict) and isinstance(made.get(key), dict):
            made[key] = merged(made[key], value)
        else:
            made[key] = value
    return made
