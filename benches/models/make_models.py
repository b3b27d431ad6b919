"""Writes the two models of the benchmarks into a folder: small.onnx and big.onnx.

    pip install onnx numpy && python3 make_models.py FOLDER

Multi-layer perceptrons with random weights: 64-128-10 (38 kB), whose run is over before a thread has
woken up, and 512-2048-2048-512-10 (25 MB), which is worth a batch.
"""

import pathlib
import sys

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save


def perceptron(path, widths):
    random = np.random.default_rng(0)
    nodes, weights, last = [], [], "input"
    for layer, (rows, columns) in enumerate(zip(widths, widths[1:])):
        matrix = (random.standard_normal((rows, columns)) / np.sqrt(rows)).astype(np.float32)
        weights += [
            numpy_helper.from_array(matrix, f"w{layer}"),
            numpy_helper.from_array(np.zeros(columns, np.float32), f"b{layer}"),
        ]
        is_last = layer == len(widths) - 2
        out = "output" if is_last else f"linear{layer}"
        nodes.append(helper.make_node("Gemm", [last, f"w{layer}", f"b{layer}"], [out]))
        if not is_last:
            nodes.append(helper.make_node("Relu", [out], [f"relu{layer}"]))
        last = f"relu{layer}"
    tensor = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])
    graph = helper.make_graph(
        nodes, path.stem, [tensor("input", widths[0])], [tensor("output", widths[-1])], weights
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    save(model, path)


folder = pathlib.Path(sys.argv[1])
for name, widths in {"small": [64, 128, 10], "big": [512, 2048, 2048, 512, 10]}.items():
    version = folder / name / "1"
    version.mkdir(parents=True, exist_ok=True)
    perceptron(version / "model.onnx", widths)
