"""The node: frozen, printed as code, equal exactly when the digests are.

After tinygrad's UOp (a node's repr evaluates to the node) and dask-expr (repr, token and pickle
follow from declared fields).
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    NoReturn,
    TypeVar,
    cast,
    dataclass_transform,
    overload,
)

from latentlive.errors import ExpressionError, WordError, did_you_mean
from latentlive.expr.declaration import Declared
from latentlive.expr.fields import (
    array_digest,
    child,
    choice,
    declared,
    lasting,
    number,
    positive,
    ratio,
    whole,
)
from latentlive.later import instead

MAX_DEPTH = 150
"""The deepest nesting of an expression."""

MAX_COST = 4096
"""Most queries of an innermost node for one moment: averages multiply."""

LAYER_WORDS = {
    **{"gain": "-6", "amp": "0.5", "pan": "0.5", "out": "3", "fade": "4", "quant": "4"},
    **{"lead": "0.5", "xfade": "4", "morph": "8", "wide": "1", "stop": "8", "rename": "'sea'"},
    **{"hpf": "200", "lpf": "800", "comb": "110", "drive": "12", "comp": "-18", "echo": "0.5"},
    **{"reverb": "0.25", "width": "0.5", "send": "'hall', -12"},
    **dict.fromkeys(("jump", "mute", "unmute", "solo", "restart", "dry"), ""),
}
"""Words of layers that performers try on latents, each with an example's argument."""

INNER = frozenset({"at", "children", "depth", "digest", "family", "form", "kinds", "length"}) | {
    *("span", "tag", "values", "walk", "word", "asks", "called", "cost", "followed"),
}
"""Internal names of a node: no hint suggests them, no list shows them."""

SIGNS = {"+": "add", "-": "sub", "*": "mul", "/": "truediv"}
"""Python's names of the infix signs."""

T = TypeVar("T", bound="type[Node]")
F = TypeVar("F", bound=Callable[..., Any])

_operators: dict[str, type[Node]] = {}


def operators() -> dict[str, type[Node]]:
    """Return every declared operator by its tag, such as ``curve.sine``."""
    return dict(_operators)


class Node(Declared):
    """One frozen piece of an expression; subclasses are declared with `operator`."""

    family: ClassVar[str]
    followed: ClassVar[tuple[type[Node], ...]] = ()
    tag: ClassVar[str]
    form: ClassVar[str]
    asks: ClassVar[int] = 1
    depth: int
    cost: int
    __array_ufunc__ = None  # makes a numpy number leave arithmetic to the node

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "depth", 1 + max((c.depth for c in self.children), default=0))
        if self.depth > MAX_DEPTH:
            raise ExpressionError(
                f"{self.word}: an expression may nest {MAX_DEPTH} deep, this one nests deeper"
            )

        cost = self.asks * max((c.cost for c in self.children), default=1)
        object.__setattr__(self, "cost", cost)
        if cost > MAX_COST:
            raise ExpressionError(
                f"{self.word}: averages of averages ask what is inside {cost} times a moment, "
                f"{MAX_COST} is the most; take one average over a longer span"
            )

    @cached_property
    def children(self) -> tuple[Node, ...]:
        """The nodes inside this one, in print order."""
        return tuple(
            c for name, kind in self.kinds.items() for c in kind.nodes(getattr(self, name))
        )

    @cached_property
    def digest(self) -> str:
        """The digest of the tag and the fields' canonical values, 32 hexadecimal digits."""
        plain = {
            name: kind.plain(getattr(self, name), lambda n: n.digest, array_digest)
            for name, kind in self.kinds.items()
        }
        text = json.dumps([self.tag, plain], sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def walk(self) -> Iterator[Node]:
        """Yield every distinct node once, children before parents, this one last."""
        seen: set[str] = set()
        stack: list[tuple[Node, bool]] = [(self, False)]
        while stack:
            node, opened = stack.pop()
            if opened:
                yield node
            elif node.digest not in seen:
                seen.add(node.digest)
                stack.append((node, True))
                stack.extend((c, False) for c in reversed(node.children))

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_"):
                raise AttributeError(name)
            cls = type(self)
            words = [w for w in dir(cls) if not w.startswith("_") and w not in INNER]
            hint = instead(name) or did_you_mean(name, words)
            if name in LAYER_WORDS:
                hint = f"; it is a layer's word: (d1 >> ...).{name}({LAYER_WORDS[name]})"
            raise WordError(f"{cls.word}: a {cls.family} has no .{name}(){hint}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.digest == other.digest

    def __hash__(self) -> int:
        return int(self.digest[:15], 16)

    def __repr__(self) -> str:
        from latentlive.expr.code import code

        return code(self)


@overload
def operator(cls: T) -> T: ...
@overload
def operator(
    *, word: str = "", form: str = "call", make: Callable[..., Any] | None = None
) -> Callable[[T], T]: ...


@dataclass_transform(
    frozen_default=True,
    eq_default=False,
    field_specifiers=(declared, number, lasting, positive, whole, ratio, choice, child),
)
def operator(
    cls: T | None = None,
    *,
    word: str = "",
    form: str = "call",
    make: Callable[..., Any] | None = None,
) -> T | Callable[[T], T]:
    """Declare an operator: its fields give constructor, repr, digest and JSON.

    A word after a dot, or a sign between two operands, becomes a method of the family with the
    class's docstring, and of the families that the family follows.

    Parameters
    ----------
    word : str
        The operator's word; by default its sign, or the class name in lower case.
    form : 'call', 'method', 'spread', 'name', 'literal', or an infix sign such as '+'
        ``sine(8)``, ``x.extend(4)`` (the first field is the receiver), ``cat(a, b)`` (the one
        field's items are the arguments), ``silence``, ``3``, ``a + b``.
    make : function of the receiver and the arguments, or of two operands
        Makes the node instead of the constructor: to fold two in a row into one, say.
    """

    def declare(cls: T) -> T:
        made = cast("Any", dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls))
        infix = not form.isalpha()
        made.word = word or (form if infix else cls.__name__.lower())
        made.form = form
        made.kinds = {
            f.name: f.metadata["kind"] for f in dataclasses.fields(made) if "kind" in f.metadata
        }
        made.tag = f"{made.family}.{made.word}"
        made.__setattr__ = made.__delattr__ = _unchanging
        if made.tag in _operators:
            raise TypeError(f"the operator {made.tag!r} is declared twice")
        _operators[made.tag] = made
        if form == "method":
            _attach(made, made.word, make or _constructor(made), made)
        elif infix:
            _attach_sign(made, make or made)
        return cast("T", made)

    return declare if cls is None else declare(cls)


def method_of(family: type[Node]) -> Callable[[F], F]:
    """Make a function a method of a family, with its own name and docstring."""

    def attach(function: F) -> F:
        _attach(family, function.__name__, function, function)
        return function

    return attach


def _attach(cls: type[Node], word: str, function: Callable[..., Any], told: Any) -> None:
    """Make a function a method of a class's family, and of the families it follows."""
    family = cast("type[Node]", next(b for b in cls.__mro__ if "family" in vars(b)))
    said = cast("Any", function)
    said.__name__, said.__qualname__ = word, f"{family.__name__}.{word}"
    said.__doc__ = told.__doc__
    for owner in (family, *family.followed):
        setattr(owner, word, said)


def _constructor(made: type[Node]) -> Callable[..., Any]:
    """Return a class's constructor as a method; its receiver is the first field."""

    def construct(self: Node, *given: Any, **named: Any) -> Any:
        return cast("Any", made)(self, *given, **named)

    # The first parameter is the self of __init__, the second the receiver.
    _, receiver, *rest = inspect.signature(made.__init__).parameters.values()
    parameters = [receiver.replace(name="self", annotation=inspect.Parameter.empty), *rest]
    cast("Any", construct).__signature__ = inspect.Signature(parameters)
    construct.__module__ = made.__module__
    return construct


def _attach_sign(made: type[Node], make: Callable[[Any, Any], Any]) -> None:
    """Let a node stand on either side of a sign."""
    name = SIGNS[made.form]
    _attach(made, f"__{name}__", lambda self, other: make(self, other), made)
    _attach(made, f"__r{name}__", lambda self, other: make(other, self), made)


def _unchanging(node: Node, name: str, *_: object) -> NoReturn:
    """Refuse to change a node: expressions share it, and its digest identifies it."""
    raise WordError(
        f"{node.word}: .{name} cannot be set: an expression stays as it is; write another"
    )
