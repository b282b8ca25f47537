"""Feed-forward networks as ONNX graphs, written without torch and run on one thread.

One thread a worker, since two threads on two busy cores wait for each other; a window's bits do
not depend on its batch, so that chunked rendering equals whole rendering.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Step = tuple[str, str, str, str]
"""(operation, inputs parted by blanks, output, weight prefix or '')"""


def session(
    steps: Sequence[Step],
    weights: Mapping[str, F32],
    inputs: tuple[str, int],
    outputs: Sequence[tuple[str, int]],
) -> Any:
    """Return an onnxruntime session of Linear layers and element-wise functions.

    Parameters
    ----------
    steps : sequence of (operation, input, output, weight prefix)
        Operation 'Linear' reads ``prefix.weight`` [shape=(out, in)] and, where there is one,
        ``prefix.bias``; any other is an element-wise ONNX operation.
    inputs, outputs : (name, width)
    """
    from onnx import TensorProto, helper, numpy_helper

    nodes, stored = [], []
    for operation, source, target, prefix in steps:
        if operation != "Linear":
            nodes.append(helper.make_node(operation, source.split(), [target]))
            continue
        names = [n for n in (f"{prefix}.weight", f"{prefix}.bias") if n in weights]
        stored += [numpy_helper.from_array(weights[n], n) for n in names]
        nodes.append(helper.make_node("Gemm", [source, *names], [target], transB=1))

    def value(name: str, width: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["windows", width])

    graph = helper.make_graph(
        nodes, "space", [value(*inputs)], [value(*o) for o in outputs], stored
    )
    return opened(graph)


def opened(graph: Any) -> Any:
    """Return a session of an ONNX graph, on one thread."""
    import onnxruntime
    from onnx import helper

    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
