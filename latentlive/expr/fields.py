"""Kinds of fields: each checks, prints and serialises the values of an operator's field."""

from __future__ import annotations

import hashlib
import math
import numbers
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ExpressionError, did_you_mean
from latentlive.ground.names import normal

if TYPE_CHECKING:
    from latentlive.expr.node import Node

MAX_DENOMINATOR = 10**6

MOST_BEATS = 1e6
"""More than eleven days at a tempo of 60: a larger number is a typing error."""
MAX_LITERAL = 64
"""Arrays up to this size print as a list; larger ones as ``array('digest')``."""


def shown(value: object) -> str:
    """Return a value as an error message shows it: short, on one line."""
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."


class Kind:
    """The kind of a field. `place` names operator and field in messages: ``sine: period``."""

    typed: ClassVar[bool] = True
    """Whether code gives the field; one that it does not give follows from the others."""

    def coerce(self, value: Any, place: str) -> Any:
        """Return the value in canonical form, or raise ExpressionError."""
        raise NotImplementedError

    def code(self, value: Any, nested: Callable[[Node], str]) -> str:
        """Return the code that evaluates to the value."""
        return repr(value)

    def plain(self, value: Any, ref: Callable[[Node], Any], keep: Callable[[Any], str]) -> Any:
        """Return the value as JSON data; `ref` refers to a node, `keep` stores an array."""
        return value

    def revive(self, data: Any, node: Callable[[Any], Node], kept: Callable[[Any], Any]) -> Any:
        """Return the value that `plain` wrote; `coerce` checks it afterwards."""
        return data

    def nodes(self, value: Any) -> Sequence[Node]:
        """Return the nodes inside the value, in print order."""
        return ()


def _finite(value: Any, place: str, unit: str) -> float:
    of = f" of{unit}" if unit else ""
    if isinstance(value, bool) or not isinstance(value, numbers.Real | np.number):
        raise ExpressionError(f"{place} must be a number{of}, got {shown(value)}")
    try:
        result = float(value)
    except OverflowError:  # a whole number of more than 308 digits
        result = math.inf
    if not math.isfinite(result):
        raise ExpressionError(f"{place} must be a finite number{of}, got {result:g}")
    return result + 0.0  # turns -0.0 into 0.0


class Number(Kind):
    """A finite float within bounds, with its unit."""

    def __init__(
        self,
        unit: str = "",
        *,
        above: float = -math.inf,
        least: float = -math.inf,
        most: float = math.inf,
    ) -> None:
        self.unit = f" {unit}" if unit else ""
        self.above, self.least, self.most = above, least, most

    def coerce(self, value: Any, place: str) -> float:
        """Return the value as a float."""
        result = _finite(value, place, self.unit)
        if not result > self.above:
            raise ExpressionError(f"{place} must be > {self.above:g}{self.unit}, got {result:g}")
        if result < self.least:
            raise ExpressionError(f"{place} must be >= {self.least:g}{self.unit}, got {result:g}")
        if result > self.most:
            raise ExpressionError(f"{place} must be <= {self.most:g}{self.unit}, got {result:g}")
        return result

    def code(self, value: float, nested: Callable[[Node], str]) -> str:
        """Return the number, whole ones without a point."""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


class Beats(Number):
    """Beats within bounds, at most `MOST_BEATS` in either direction.

    Example
    -------
    >>> Beats(least=0.0).coerce(2, "fade: beats")
    2.0
    """

    def __init__(self, *, above: float = -math.inf, least: float = -MOST_BEATS) -> None:
        super().__init__("beats", above=above, least=least, most=MOST_BEATS)


class Whole(Kind):
    """A whole number within bounds."""

    def __init__(self, unit: str = "", *, least: int = 0, most: int = 2**63 - 1) -> None:
        self.unit = f" {unit}" if unit else ""
        self.least, self.most = least, most

    def coerce(self, value: Any, place: str) -> int:
        """Return the value as an int; 3.0 is 3, 3.5 is refused."""
        result = _finite(value, place, self.unit)
        if not result.is_integer():
            of = f" of{self.unit}" if self.unit else ""
            raise ExpressionError(f"{place} must be a whole number{of}, got {shown(value)}")
        exact = int(value)
        if not self.least <= exact <= self.most:
            raise ExpressionError(
                f"{place} must lie in {self.least} to {self.most}{self.unit}, got {exact}"
            )
        return exact


class Ratio(Kind):
    """A positive fraction: 4, 0.5, 1/3 and Fraction(3, 2) keep their exact value."""

    def coerce(self, value: Any, place: str) -> Fraction:
        """Return the value as a Fraction."""
        if isinstance(value, Fraction):
            exact = value
        else:
            exact = Fraction(_finite(value, place, "")).limit_denominator(MAX_DENOMINATOR)
        if exact <= 0:
            raise ExpressionError(f"{place} must be > 0, got {shown(value)}")
        if not Fraction(1, MAX_DENOMINATOR) <= exact <= MAX_DENOMINATOR:
            raise ExpressionError(f"{place} must lie in 1e-6 to 1e6, got {float(exact):g}")
        if exact.denominator > MAX_DENOMINATOR:
            raise ExpressionError(
                f"{place} must be a ratio of whole numbers up to 1000000, got {exact}"
            )
        return exact

    def code(self, value: Fraction, nested: Callable[[Node], str]) -> str:
        """Return ``4`` or ``1/3``."""
        return str(value)

    def plain(self, value: Fraction, ref: Any, keep: Any) -> list[int]:
        """Return numerator and denominator."""
        return [value.numerator, value.denominator]

    def revive(self, data: Any, node: Any, kept: Any) -> Fraction:
        """Return the fraction of a [numerator, denominator] pair."""
        if not (isinstance(data, list) and len(data) == 2 and all(type(n) is int for n in data)):
            raise ExpressionError(f"load: a ratio is [numerator, denominator], got {shown(data)}")
        if data[1] == 0:
            raise ExpressionError("load: a ratio's denominator is 0")
        return Fraction(data[0], data[1])


class Text(Kind):
    """A string, normalised for comparing names; not empty unless that is allowed."""

    def __init__(self, empty: bool = False) -> None:
        self.empty = empty

    def coerce(self, value: Any, place: str) -> str:
        """Return the value; refuse it unless it is text."""
        if not isinstance(value, str) or not (value.strip() or self.empty):
            raise ExpressionError(f"{place} must be a name in quotes, got {shown(value)}")
        return normal(value)


class Choice(Kind):
    """One of a few words."""

    def __init__(self, *options: str) -> None:
        self.options = options

    def coerce(self, value: Any, place: str) -> str:
        """Return the value; refuse it unless it is one of the options."""
        if not isinstance(value, str) or value not in self.options:
            known = " or ".join(repr(o) for o in self.options)
            hint = did_you_mean(value, self.options) if isinstance(value, str) else ""
            raise ExpressionError(f"{place} must be {known}, got {shown(value)}{hint}")
        return value


_arrays: weakref.WeakValueDictionary[str, NDArray[Any]] = weakref.WeakValueDictionary()


def array_digest(values: NDArray[Any]) -> str:
    """Return the digest of an array's type, shape and bytes."""
    head = f"{values.dtype.str}{values.shape}".encode()
    return hashlib.blake2b(head + values.tobytes(), digest_size=16).hexdigest()


def array(digest: str) -> NDArray[Any]:
    """Return a large array of an expression in this process, by its digest."""
    try:
        return _arrays[digest]
    except (KeyError, TypeError):
        raise ExpressionError(f"array: none here has the digest {shown(digest)}") from None


class Array(Kind):
    """A non-empty array of finite numbers with a fixed number of axes, kept read-only."""

    def __init__(self, dtype: type[np.floating[Any]], ndim: int = 1) -> None:
        self.dtype, self.ndim = np.dtype(dtype), ndim

    def coerce(self, value: Any, place: str) -> NDArray[Any]:
        """Return the one read-only array with this content."""
        try:
            values = np.array(value, dtype=self.dtype, order="C") + self.dtype.type(0)
        except (TypeError, ValueError, OverflowError):
            raise ExpressionError(f"{place} must be numbers, got {shown(value)}") from None
        self._check_axes(values, place)
        if not np.isfinite(values).all():
            raise ExpressionError(f"{place} must be finite, got NaN or infinity")
        values.flags.writeable = False
        return _arrays.setdefault(array_digest(values), values)

    def _check_axes(self, values: NDArray[Any], place: str) -> None:
        if values.ndim != self.ndim or values.size == 0:
            raise ExpressionError(
                f"{place} must be a non-empty array with {self.ndim} axis, got shape {values.shape}"
            )

    def code(self, value: NDArray[Any], nested: Callable[[Node], str]) -> str:
        """Return a list literal, or a reference to a large array."""
        if value.size > MAX_LITERAL:
            return f"array({array_digest(value)!r})"
        return repr(value.astype(np.float64).tolist())

    def plain(self, value: NDArray[Any], ref: Any, keep: Callable[[Any], str]) -> Any:
        """Return a reference to the stored array."""
        return {"array": keep(value)}

    def revive(self, data: Any, node: Any, kept: Callable[[Any], Any]) -> Any:
        """Return the stored array."""
        if not isinstance(data, dict) or list(data) != ["array"]:
            raise ExpressionError(f"load: expected an array, got {shown(data)}")
        return kept(data["array"])


class Waveform(Array):
    """An array of samples, of one channel [shape=(n,)] or two [shape=(n, 2)].

    Whole numbers of 8 to 32 bits scale by their type to -1..1.

    Example
    -------
    >>> Waveform(np.float32).coerce(np.int16([16384, -32768]), "sound: source").tolist()
    [0.5, -1.0]
    """

    def coerce(self, value: Any, place: str) -> NDArray[Any]:
        """Return the one read-only array with these samples."""
        values = np.asarray(value) if isinstance(value, np.ndarray | np.generic) else None
        if values is None or values.dtype.kind not in "iu":
            return super().coerce(value, place)
        if values.dtype.itemsize <= 4:
            half = 2.0 ** (8 * values.dtype.itemsize - 1)
            middle = half if values.dtype.kind == "u" else 0.0
            value = (values.astype(np.float64) - middle) / half
        elif np.abs(values, dtype=np.float64).max(initial=0.0) > 1.0:
            raise ExpressionError(
                f"{place} of {values.dtype} has no full scale; give int16, or floats from -1 to 1"
            )
        return super().coerce(value, place)

    def _check_axes(self, values: NDArray[Any], place: str) -> None:
        if values.ndim != 2 or not values.size:
            super()._check_axes(values, place)
        elif values.shape[1] != 2:
            raise ExpressionError(
                f"{place} must have shape (n,), or (n, 2) for two channels, "
                f"got shape {values.shape}"
            )


class Child(Kind):
    """Another node of a given family; `convert` turns numbers and arrays into nodes."""

    def __init__(self, family: Callable[[Any, str], Node]) -> None:
        self.family = family

    def coerce(self, value: Any, place: str) -> Node:
        """Return the value as a node."""
        return self.family(value, place)

    def code(self, value: Node, nested: Callable[[Node], str]) -> str:
        """Return the child's code."""
        return nested(value)

    def plain(self, value: Node, ref: Callable[[Node], Any], keep: Any) -> Any:
        """Return a reference to the child."""
        return ref(value)

    def revive(self, data: Any, node: Callable[[Any], Node], kept: Any) -> Node:
        """Return the child of the reference."""
        return node(data)

    def nodes(self, value: Node) -> Sequence[Node]:
        """Return the child."""
        return (value,)


class Maybe(Kind):
    """A value of another kind, or None."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def coerce(self, value: Any, place: str) -> Any:
        """Return None unchanged, anything else coerced by the kind."""
        return None if value is None else self.kind.coerce(value, place)

    def code(self, value: Any, nested: Callable[[Node], str]) -> str:
        """Return ``None`` or the kind's code."""
        return "None" if value is None else self.kind.code(value, nested)

    def plain(self, value: Any, ref: Any, keep: Any) -> Any:
        """Return None, or the kind's data."""
        return None if value is None else self.kind.plain(value, ref, keep)

    def revive(self, data: Any, node: Any, kept: Any) -> Any:
        """Return None, or the value loaded by the kind."""
        return None if data is None else self.kind.revive(data, node, kept)

    def nodes(self, value: Any) -> Sequence[Node]:
        """Return the nodes of the kind, if it is one."""
        return () if value is None else self.kind.nodes(value)


class Pairs(Kind):
    """A non-empty sequence of pairs of nodes."""

    def __init__(
        self, first: Callable[[Any, str], Node], second: Callable[[Any, str], Node]
    ) -> None:
        self.first, self.second = first, second

    def coerce(self, value: Any, place: str) -> tuple[tuple[Node, Node], ...]:
        """Return the pairs as tuples."""
        pairs = []
        for i, pair in enumerate(value):
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise ExpressionError(f"{place}[{i}] must be a pair, got {shown(pair)}")
            pairs.append(
                (self.first(pair[0], f"{place}[{i}]"), self.second(pair[1], f"{place}[{i}]"))
            )
        if not pairs:
            raise ExpressionError(f"{place} needs at least 1, got 0")
        return tuple(pairs)

    def code(self, value: Any, nested: Callable[[Node], str]) -> str:
        """Return a list of the pairs' code."""
        return "[" + ", ".join(f"({nested(a)}, {nested(b)})" for a, b in value) + "]"

    def plain(self, value: Any, ref: Callable[[Node], Any], keep: Any) -> Any:
        """Return references to the nodes of the pairs."""
        return [[ref(a), ref(b)] for a, b in value]

    def revive(self, data: Any, node: Callable[[Any], Node], kept: Any) -> Any:
        """Return the pairs of the references."""
        if not (isinstance(data, list) and all(isinstance(d, list) for d in data)):
            raise ExpressionError(f"load: expected a list of pairs, got {shown(data)}")
        return [[node(ref) for ref in pair] for pair in data]

    def nodes(self, value: Any) -> Sequence[Node]:
        """Return all nodes, pair by pair."""
        return [node for pair in value for node in pair]


class Children(Kind):
    """A non-empty sequence of nodes."""

    def __init__(self, family: Callable[[Any, str], Node], least: int = 1) -> None:
        self.family, self.least = family, least

    def coerce(self, value: Any, place: str) -> tuple[Node, ...]:
        """Return the nodes as a tuple."""
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise ExpressionError(f"{place} must be a list, got {shown(value)}")
        nodes = tuple(self.family(v, f"{place}[{i}]") for i, v in enumerate(value))
        if len(nodes) < self.least:
            raise ExpressionError(f"{place} needs at least {self.least}, got {len(nodes)}")
        return nodes

    def code(self, value: tuple[Node, ...], nested: Callable[[Node], str]) -> str:
        """Return a list of the children's code."""
        return "[" + ", ".join(nested(v) for v in value) + "]"

    def plain(self, value: tuple[Node, ...], ref: Callable[[Node], Any], keep: Any) -> Any:
        """Return references to the children."""
        return [ref(v) for v in value]

    def revive(self, data: Any, node: Callable[[Any], Node], kept: Any) -> Any:
        """Return the children of the references."""
        if not isinstance(data, list):
            raise ExpressionError(f"load: expected a list of nodes, got {shown(data)}")
        return [node(d) for d in data]

    def nodes(self, value: tuple[Node, ...]) -> Sequence[Node]:
        """Return the children."""
        return value


class Either(Kind):
    """A name, a node or an array, by type; takes only the given kinds."""

    def __init__(
        self, what: str, values: Array, text: Text | None = None, node: Child | None = None
    ) -> None:
        self.what, self.text, self.values, self.node = what, text, values, node

    def _pick(self, value: Any, place: str = "load") -> Kind:
        from latentlive.expr.node import Node

        if self.text and isinstance(value, str):
            return self.text
        if self.node and (isinstance(value, Node) or (isinstance(value, dict) and "node" in value)):
            return self.node
        if isinstance(value, np.ndarray | list | tuple | dict):
            return self.values
        raise ExpressionError(f"{place} must be {self.what}, got {shown(value)}")

    def coerce(self, value: Any, place: str) -> Any:
        """Return the value, coerced by the kind that fits."""
        return self._pick(value, place).coerce(value, place)

    def code(self, value: Any, nested: Callable[[Node], str]) -> str:
        """Return the code of the kind that fits."""
        return self._pick(value).code(value, nested)

    def plain(self, value: Any, ref: Any, keep: Any) -> Any:
        """Return the data from the kind that fits."""
        return self._pick(value).plain(value, ref, keep)

    def revive(self, data: Any, node: Any, kept: Any) -> Any:
        """Return the value from the kind that fits."""
        return self._pick(data).revive(data, node, kept)

    def nodes(self, value: Any) -> Sequence[Node]:
        """Return the node, if it is one."""
        return self._pick(value).nodes(value)


def declared(kind: Kind, *, default: Any = MISSING, typed: str = "") -> Any:
    """Declare a field of an operator; `typed` is what its argument is called, if not as the field.

    An operator's `make` takes it by that name.
    """
    return field(default=default, metadata={"kind": kind, "typed": typed})


def number(unit: str = "", *, default: Any = MISSING, typed: str = "", **bounds: float) -> Any:
    """Declare a number field, with its unit and bounds (above, least, most)."""
    return declared(Number(unit, **bounds), default=default, typed=typed)


def positive(*, default: Any = MISSING) -> Any:
    """Declare a number field above 0."""
    return declared(Number(above=0.0), default=default)


def lasting(*, default: Any = MISSING) -> Any:
    """Declare a field for a duration in beats."""
    return declared(Beats(above=0.0, least=1.0 / MOST_BEATS), default=default)


def whole(unit: str = "", *, default: Any = MISSING, **bounds: int) -> Any:
    """Declare a whole-number field, with its unit and bounds (least, most)."""
    return declared(Whole(unit, **bounds), default=default)


def ratio(*, default: Any = MISSING) -> Any:
    """Declare a factor field, kept as a fraction."""
    return declared(Ratio(), default=default)


def choice(*options: str, default: Any = MISSING) -> Any:
    """Declare a field for one of a few words."""
    return declared(Choice(*options), default=default)


def child(family: Callable[[Any, str], Node], *, default: Any = MISSING) -> Any:
    """Declare a field for another node."""
    return declared(Child(family), default=default)
