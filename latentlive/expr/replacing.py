"""Replace nodes of an expression; what holds none of them stays the same node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from latentlive.expr.node import Node


def replaced(root: Node, change: Callable[[Node], Node]) -> Node:
    """Return an expression with its nodes changed, those inside first.

    Parameters
    ----------
    root : Node
    change : function of a Node
        Returns what stands in its place, or the node itself.

    Example
    -------
    >>> replaced(sine(8) + 1, lambda node: sine(4) if node == sine(8) else node)
    sine(4) + 1
    """
    made: dict[str, Node] = {}
    for node in root.walk():
        now = node
        if any(made[inner.digest] != inner for inner in node.children):
            now = type(node)(**{name: _field(node, name, made) for name in node.kinds})
        made[node.digest] = change(now)
    return made[root.digest]


def _field(node: Node, name: str, made: dict[str, Node]) -> Any:
    kind, kept = node.kinds[name], dict[str, Any]()

    def keep(values: Any) -> str:
        key = str(len(kept))
        kept[key] = values
        return key

    plain = kind.plain(getattr(node, name), lambda inner: {"node": inner.digest}, keep)
    return kind.revive(plain, lambda ref: made[ref["node"]], lambda key: kept[key])
