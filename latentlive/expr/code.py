"""Print a node as the code that you would type; ``:=`` names a shared part once."""

from __future__ import annotations

import dataclasses
from collections import Counter

from latentlive.expr.node import Node

FORMS = ("call", "method", "literal", "name", "spread")
"""Forms without an infix sign: ``sine(8)``, ``x.rev()``, ``3``, ``silence``, ``cat(a, b)``."""


def code(root: Node) -> str:
    """Return code that evaluates to `root`, linear in the number of distinct nodes."""
    uses = Counter(c.digest for node in root.walk() for c in node.children)
    named: dict[str, str] = {}

    def shared(node: Node) -> bool:
        return bool(node.children) and uses[node.digest] > 1

    def whole(node: Node, literal: bool) -> str:
        """Print a node; `literal` allows a bare number in place of a curve."""
        if node.digest in named:
            return named[node.digest]
        if not shared(node):
            return spelled(node, literal)
        name = named[node.digest] = f"_s{len(named) + 1}"
        return f"({name} := {spelled(node, literal)})"

    def spelled(node: Node, literal: bool) -> str:
        fields = [f for f in dataclasses.fields(node) if node.kinds[f.name].typed]  # type: ignore[arg-type]
        values = [(f, node.kinds[f.name], getattr(node, f.name)) for f in fields]
        if node.form == "literal":
            text = values[0][1].code(values[0][2], argument)
            return text if literal else f"{node.word}({text})"
        if node.form == "name":
            return node.word
        if node.form == "spread":
            items = values[0][1].code(values[0][2], argument)
            return f"{node.word}({items[1:-1]})"
        if node.form not in ("call", "method"):
            return f" {node.form} ".join(operand(value) for _, _, value in values)
        receiver = ""
        if node.form == "method":
            receiver = f"{operand(values.pop(0)[2], literal=False)}."
        words, skipped = [], False
        for f, kind, value in values:
            if f.default is not dataclasses.MISSING and same(value, kind.coerce(f.default, "")):
                skipped = True  # later arguments need their names
            else:
                named_as = f"{f.metadata.get('typed') or f.name}=" if skipped else ""
                words.append(named_as + kind.code(value, argument))
        return f"{receiver}{node.word}({', '.join(words)})"

    def argument(node: Node) -> str:
        return whole(node, literal=True)

    def operand(node: Node, literal: bool = True) -> str:
        text = whole(node, literal)
        infix = node.form not in FORMS
        negative = node.form == "literal" and text.startswith("-")
        return f"({text})" if (infix or negative) and not shared(node) else text

    return whole(root, literal=False)


def same(value: object, default: object) -> bool:
    """Return whether a field has its default; an array is none."""
    return type(value) is type(default) and bool(value == default)
