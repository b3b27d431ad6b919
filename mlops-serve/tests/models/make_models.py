"""Writes the small models that the tests of mlops-serve load, into this folder.

    pip install onnx numpy && python3 make_models.py

Each model is there for one property; the function's name is the file's.
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

HERE = pathlib.Path(__file__).parent
TYPES = {
    "bool": T.BOOL, "uint8": T.UINT8, "uint16": T.UINT16, "uint32": T.UINT32, "uint64": T.UINT64,
    "int8": T.INT8, "int16": T.INT16, "int32": T.INT32, "int64": T.INT64, "fp16": T.FLOAT16,
    "bf16": T.BFLOAT16, "fp32": T.FLOAT, "fp64": T.DOUBLE, "bytes": T.STRING,
}


def value(name, element, shape):
    return helper.make_tensor_value_info(name, element, shape)


def save(name, nodes, inputs, outputs, initializers=(), opset=17, check=True, **options):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    if check:
        onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx", **options)


def identities():
    """One a type: x[batch, width] -> y, the same elements."""
    for name, element in TYPES.items():
        save(
            f"identity_{name}",
            [helper.make_node("Identity", ["x"], ["y"])],
            [value("x", element, ["batch", "width"])],
            [value("y", element, ["batch", "width"])],
        )


def scalar():
    """A scalar in, its double out: no axis at all."""
    save(
        "scalar",
        [helper.make_node("Add", ["x", "x"], ["y"])],
        [value("x", T.FLOAT, [])],
        [value("y", T.FLOAT, [])],
    )


def two_inputs():
    """Two inputs that share both symbols, two outputs of different types."""
    save(
        "two_inputs",
        [
            helper.make_node("Add", ["a", "b"], ["sum"]),
            helper.make_node("Less", ["a", "b"], ["less"]),
        ],
        [value("a", T.FLOAT, ["batch", "length"]), value("b", T.FLOAT, ["batch", "length"])],
        [value("sum", T.FLOAT, ["batch", "length"]), value("less", T.BOOL, ["batch", "length"])],
    )


def unnamed():
    """Dimensions without names: ONNX Runtime says nothing about their being equal."""
    save(
        "unnamed",
        [helper.make_node("MatMul", ["a", "b"], ["y"])],
        [value("a", T.FLOAT, [None, None]), value("b", T.FLOAT, [None, None])],
        [value("y", T.FLOAT, [None, None])],
    )


def fixed():
    """A batch axis of fixed size: not batchable."""
    save(
        "fixed",
        [helper.make_node("Neg", ["x"], ["y"])],
        [value("x", T.FLOAT, [2, 3])],
        [value("y", T.FLOAT, [2, 3])],
    )


def row_sum():
    """x[batch, 3] -> y[batch, 1]: enough to tell rows apart."""
    axes = numpy_helper.from_array(np.array([1], np.int64), "axes")
    save(
        "row_sum",
        [helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=1)],
        [value("x", T.FLOAT, ["batch", 3])],
        [value("y", T.FLOAT, ["batch", 1])],
        [axes],
    )


def positive_rows():
    """Declares a batch axis, but gives back only the rows whose sum is positive."""
    save(
        "positive_rows",
        [
            helper.make_node("ReduceSum", ["x", "axes"], ["sums"], keepdims=0),
            helper.make_node("Greater", ["sums", "zero"], ["keep"]),
            helper.make_node("Compress", ["x", "keep"], ["y"], axis=0),
        ],
        [value("x", T.FLOAT, ["batch", 3])],
        [value("y", T.FLOAT, [None, 3])],
        [
            numpy_helper.from_array(np.array([1], np.int64), "axes"),
            numpy_helper.from_array(np.array(0, np.float32), "zero"),
        ],
    )


def mixed_rows():
    """Divides by the sum over the whole batch: rows depend on their neighbours."""
    save(
        "mixed_rows",
        [
            helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=1),
            helper.make_node("Div", ["x", "sum"], ["y"]),
        ],
        [value("x", T.FLOAT, ["batch", 3])],
        [value("y", T.FLOAT, ["batch", 3])],
    )


def external():
    """Weights in a file beside the model."""
    weight = numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(3, 4), "w")
    save(
        "external",
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [value("x", T.FLOAT, ["batch", 3])],
        [value("y", T.FLOAT, ["batch", 4])],
        [weight],
        save_as_external_data=True,
        location="external.weights",
        size_threshold=0,
    )


def dense():
    """A matrix large enough to be shared between sessions, of small whole numbers: sums are exact."""
    weights = (np.arange(32 * 64) % 7 - 3).astype(np.float32).reshape(32, 64)
    save(
        "dense",
        [helper.make_node("Gemm", ["x", "weights", "bias"], ["y"])],
        [value("x", T.FLOAT, ["batch", 32])],
        [value("y", T.FLOAT, ["batch", 64])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.arange(64, dtype=np.float32), "bias"),
        ],
    )


def unsupported():
    """A type that the protocol cannot say, and a value that is not a tensor."""
    save(
        "float8",
        [helper.make_node("Cast", ["x"], ["y"], to=T.FLOAT8E4M3FN)],
        [value("x", T.FLOAT, ["batch"])],
        [value("y", T.FLOAT8E4M3FN, ["batch"])],
        opset=19,
    )
    save(
        "sequence",
        [helper.make_node("SplitToSequence", ["x"], ["y"], axis=0)],
        [value("x", T.FLOAT, ["batch"])],
        [helper.make_tensor_sequence_value_info("y", T.FLOAT, None)],
    )


def allocate():
    """x[batch]: as many zeros as x[0] says, so that a request can ask for too much memory."""
    first = [
        numpy_helper.from_array(np.array([n], np.int64), name)
        for n, name in ((0, "zero"), (1, "one"))
    ]
    save(
        "allocate",
        [
            helper.make_node("Slice", ["x", "zero", "one"], ["n"]),
            helper.make_node("ConstantOfShape", ["n"], ["y"]),
        ],
        [value("x", T.INT64, ["batch"])],
        [value("y", T.FLOAT, [None])],
        first,
    )


def loop():
    """Adds 1 to x, n times: runs for as long as a test wants to cancel it."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Add", ["state", "step"], ["next"]),
        ],
        "body",
        [value("i", T.INT64, []), value("go", T.BOOL, []), value("state", T.FLOAT, [1])],
        [value("go_on", T.BOOL, []), value("next", T.FLOAT, [1])],
        [numpy_helper.from_array(np.array([1], np.float32), "step")],
    )
    save(
        "loop",
        [helper.make_node("Loop", ["n", "yes", "x"], ["y"], body=body)],
        [value("n", T.INT64, []), value("x", T.FLOAT, [1])],
        [value("y", T.FLOAT, [1])],
        [numpy_helper.from_array(np.array(True), "yes")],
    )


def broken():
    """Files that are not models."""
    (HERE / "empty.onnx").write_bytes(b"")
    (HERE / "text.onnx").write_text("this is not a model\n")
    good = (HERE / "two_inputs.onnx").read_bytes()
    (HERE / "truncated.onnx").write_bytes(good[: len(good) // 2])
    save(
        "unknown_operator",
        [helper.make_node("NoSuchOperator", ["x"], ["y"])],
        [value("x", T.FLOAT, ["batch"])],
        [value("y", T.FLOAT, ["batch"])],
        check=False,
    )


for make in (
    identities, scalar, two_inputs, unnamed, fixed, row_sum, positive_rows, mixed_rows,
    external, dense, unsupported, allocate, loop, broken,
):
    make()
