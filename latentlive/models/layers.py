"""Networks as lists of layers, written into ONNX: linear, convolutions, scales, activations.

Signals are [windows, channels] before a linear layer and [windows, channels, time] before a
convolution. The tensors of layer ``name`` are ``name.weight`` and ``name.bias``, as torch lays them
out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ModelError

F32 = NDArray[np.float32]
Weights = Mapping[str, F32]


class Linear(NamedTuple):
    """``weight @ x + bias`` [weight shape=(out, in)]."""

    name: str


class Scale(NamedTuple):
    """``weight * x + bias``, a number a channel: a trained batch normalisation, which is this.

    `in_time` where windows have a time axis.
    """

    name: str
    in_time: bool = False


class Conv(NamedTuple):
    """A convolution in time, `padding` zeros on both sides [weight shape=(out, in, kernel)]."""

    name: str
    stride: int = 1
    padding: int = 0
    dilation: int = 1


class Deconv(NamedTuple):
    """A transposed convolution in time [weight shape=(in, out, kernel)]."""

    name: str
    stride: int = 1
    padding: int = 0
    extra: int = 0


class Leaky(NamedTuple):
    """A leaky ReLU: negative numbers are multiplied by the slope."""

    slope: float


class Plain(NamedTuple):
    """An element-wise ONNX operation without parameters: Relu, Sigmoid, Tanh."""

    operation: str


class Reflect(NamedTuple):
    """Padding by reflection on both sides [samples]."""

    size: int


class Shape(NamedTuple):
    """Another shape of each window's numbers."""

    shape: tuple[int, ...]


@dataclass(frozen=True)
class Residual:
    """The sum of two branches; an empty one passes its input on."""

    layers: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()


Layer = Linear | Scale | Conv | Deconv | Leaky | Plain | Reflect | Shape | Residual


def scaled(name: str, tensors: Mapping[str, NDArray[Any]], epsilon: float = 1e-5) -> dict[str, F32]:
    """Return the two tensors of the `Scale` that a trained batch normalisation is.

    Parameters
    ----------
    name : str
        Of its tensors: ``name.weight``, ``name.bias``, ``name.running_mean`` and
        ``name.running_var``.
    """
    try:
        weight, bias, mean, variance = (
            np.asarray(tensors[f"{name}.{part}"], np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
    except KeyError as error:
        raise ModelError(f"model: it lacks {error.args[0]}") from None
    scale = weight / np.sqrt(variance + epsilon)
    return {
        f"{name}.weight": scale.astype(np.float32),
        f"{name}.bias": (bias - scale * mean).astype(np.float32),
    }


def normed(name: str, tensors: Mapping[str, NDArray[Any]]) -> dict[str, F32]:
    """Return the tensors of a convolution that is stored as direction and length (weight norm)."""
    try:
        length = np.asarray(tensors[f"{name}.weight_g"], np.float64)
        direction = np.asarray(tensors[f"{name}.weight_v"], np.float64)
        bias = np.asarray(tensors[f"{name}.bias"], np.float32)
    except KeyError as error:
        raise ModelError(f"model: it lacks {error.args[0]}") from None
    norm = np.sqrt((direction**2).sum(axis=(1, 2), keepdims=True))
    weight = direction / np.maximum(norm, 1e-12) * length
    return {f"{name}.weight": weight.astype(np.float32), f"{name}.bias": bias}


class Network:
    """A list of layers, run on one thread.

    Parameters
    ----------
    layers : sequence of Layer
    weights : mapping of name to array
    shape : tuple of int
        Of one window's input.

    Raises
    ------
    ModelError
        If the layers do not fit one another.

    Example
    -------
    >>> weights = {"a.weight": np.eye(2, dtype=np.float32), "a.bias": np.zeros(2, np.float32)}
    >>> Network([Linear("a"), Plain("Relu")], weights, (2,))(np.float32([[1.0, -1.0]]))
    array([[1., 0.]], dtype=float32)
    """

    def __init__(self, layers: Sequence[Layer], weights: Weights, shape: tuple[int, ...]) -> None:
        from onnx import TensorProto, helper

        from latentlive.models.graph import opened

        graph = _Graph(weights)
        last = graph.through(layers, "x")
        inputs = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["windows", *shape])
        output = helper.make_tensor_value_info(last, TensorProto.FLOAT, None)
        try:
            self._session = opened(
                helper.make_graph(graph.nodes, "layers", [inputs], [output], graph.stored)
            )
            self(np.zeros((1, *shape), np.float32))
        except Exception as error:  # noqa: BLE001 - whatever the runtime raises for a bad graph
            reason = str(error).splitlines()[0].split(" : ")[-1][:200]
            raise ModelError(f"model: its layers do not fit one another: {reason}") from None

    def __call__(self, x: F32) -> F32:
        """Return the output for some windows [shape=(windows, ...)]."""
        y: F32 = self._session.run(None, {"x": np.ascontiguousarray(x, np.float32)})[0]
        return y


def matrix(columns: F32) -> Network:
    """Return a network that multiplies rows by a matrix [shape=(in, out)].

    On one thread, as other layers: numpy's products have other bits on other numbers of threads.
    """
    weights = {
        "matrix.weight": np.ascontiguousarray(columns.T, np.float32),
        "matrix.bias": np.zeros(columns.shape[1], np.float32),
    }
    return Network([Linear("matrix")], weights, (columns.shape[0],))


class _Graph:
    """ONNX nodes and tensors of a list of layers."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.stored: list[Any] = []
        self._names: Iterator[int] = count()
        self._kept: set[str] = set()

    def through(self, layers: Sequence[Layer], source: str) -> str:
        """Add layers, and return the name of their output."""
        for layer in layers:
            source = self._added(layer, source)
        return source

    def _added(self, layer: Layer, source: str) -> str:
        match layer:
            case Linear(name):
                return self._node("Gemm", [source, *self._tensors(name)], transB=1)
            case Scale(name, in_time):
                weight, bias = self._tensors(name, (-1, 1) if in_time else (-1,))
                return self._node("Add", [self._node("Mul", [source, weight]), bias])
            case Conv(name, stride, padding, dilation):
                return self._node(
                    "Conv",
                    [source, *self._tensors(name)],
                    strides=[stride],
                    pads=[padding, padding],
                    dilations=[dilation],
                )
            case Deconv(name, stride, padding, extra):
                return self._node(
                    "ConvTranspose",
                    [source, *self._tensors(name)],
                    strides=[stride],
                    pads=[padding, padding],
                    output_padding=[extra],
                )
            case Leaky(slope):
                return self._node("LeakyRelu", [source], alpha=slope)
            case Plain(operation):
                return self._node(operation, [source])
            case Reflect(size):
                pads = self._constant(np.array([0, 0, size, 0, 0, size], np.int64))
                return self._node("Pad", [source, pads], mode="reflect")
            case Shape(shape):
                wanted = self._constant(np.array([0, *shape], np.int64))
                return self._node("Reshape", [source, wanted])
            case Residual(layers, shortcut):
                branches = self.through(layers, source), self.through(shortcut, source)
                return self._node("Add", list(branches))

    def _node(self, operation: str, sources: list[str], **settings: Any) -> str:
        from onnx import helper

        target = f"t{next(self._names)}"
        self.nodes.append(helper.make_node(operation, sources, [target], **settings))
        return target

    def _constant(self, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        name = f"c{next(self._names)}"
        self.stored.append(numpy_helper.from_array(values, name))
        return name

    def _tensors(self, name: str, shape: tuple[int, ...] = ()) -> list[str]:
        """Store a layer's tensors once, in another shape if one is given; return their names."""
        from onnx import numpy_helper

        names = [f"{name}.weight", f"{name}.bias"]
        for one in names:
            if one not in self.weights:
                raise ModelError(f"model: it lacks {one}")
            if one not in self._kept:
                self._kept.add(one)
                tensor = self.weights[one]
                self.stored.append(
                    numpy_helper.from_array(tensor.reshape(shape or tensor.shape), one)
                )
        return names
