"""Expressions as JSON: a flat table of nodes, each once, children first, arrays beside it.

`load` trusts no data: it takes only declared words with their fields, and references to earlier
nodes; every value passes the checks of typed code.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ExpressionError
from latentlive.expr.fields import array_digest, shown
from latentlive.expr.node import Node, operators

MAX_NODES = 100_000


def dump(root: Node) -> dict[str, Any]:
    """Return the expression as plain JSON data; `load` returns an equal one."""
    index: dict[str, int] = {}
    nodes: list[list[Any]] = []
    arrays: dict[str, list[Any]] = {}

    def keep(values: NDArray[Any]) -> str:
        digest = array_digest(values)
        data = base64.b64encode(values.tobytes()).decode("ascii")
        arrays.setdefault(digest, [values.dtype.str, list(values.shape), data])
        return digest

    for node in root.walk():
        fields = {
            name: kind.plain(getattr(node, name), lambda n: {"node": index[n.digest]}, keep)
            for name, kind in node.kinds.items()
        }
        index[node.digest] = len(nodes)
        nodes.append([node.tag, fields])
    return {"nodes": nodes, "arrays": arrays}


def load(data: Any) -> Node:
    """Return the expression that `dump` wrote.

    Raises
    ------
    ExpressionError
        For anything that `dump` cannot have written, in one line.
    """
    if not isinstance(data, dict) or set(data) != {"nodes", "arrays"}:
        raise ExpressionError("load: expected an object with 'nodes' and 'arrays'")
    table, arrays = data["nodes"], data["arrays"]
    if not isinstance(table, list) or not 0 < len(table) <= MAX_NODES:
        raise ExpressionError(f"load: 'nodes' must list 1 to {MAX_NODES} nodes")
    if not isinstance(arrays, dict):
        raise ExpressionError("load: 'arrays' must be an object")
    kept = {str(digest): _array(entry) for digest, entry in arrays.items()}
    known, made = operators(), list[Node]()

    def node(ref: Any) -> Node:
        at = ref.get("node") if isinstance(ref, dict) else None
        if type(at) is not int or not 0 <= at < len(made):
            raise ExpressionError(f"load: {shown(ref)} refers to no earlier node")
        return made[at]

    def stored(digest: Any) -> NDArray[Any]:
        if not isinstance(digest, str) or digest not in kept:
            raise ExpressionError(f"load: no array {shown(digest)}")
        return kept[digest]

    for entry in table:
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], dict)):
            raise ExpressionError(f"load: expected [tag, fields], got {shown(entry)}")
        tag, fields = entry
        cls = known.get(tag) if isinstance(tag, str) else None
        if cls is None:
            raise ExpressionError(f"load: no operator {shown(tag)}")
        if set(fields) != set(cls.kinds):
            raise ExpressionError(f"load: {tag} has the fields {', '.join(cls.kinds)}")
        made.append(cls(**{n: k.revive(fields[n], node, stored) for n, k in cls.kinds.items()}))
    return made[-1]


def _array(entry: Any) -> NDArray[Any]:
    try:
        dtype, shape, text = entry
        if dtype not in ("<f2", "<f4", "<f8"):
            raise ValueError(dtype)
        sides = [int(side) for side in shape]
        raw = base64.b64decode(text, validate=True)
        if len(raw) != math.prod(sides) * np.dtype(dtype).itemsize:
            raise ValueError("size")
        return np.frombuffer(raw, dtype).reshape(sides)
    except (ValueError, TypeError, binascii.Error):
        raise ExpressionError("load: an array is [type, shape, base64 of its bytes]") from None


def dumps(root: Node) -> str:
    """Return the expression as one line of JSON."""
    return json.dumps(dump(root), separators=(",", ":"))


def loads(text: str) -> Node:
    """Return the expression that `dumps` wrote."""
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise ExpressionError("load: not JSON") from None
    return load(data)
