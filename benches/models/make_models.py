"""Writes the models of the benchmarks into a folder, NAME/1/model.onnx, and checks them.

    pip install -r ../requirements.txt && python3 make_models.py FOLDER

With random weights:
    small    perceptron 64-128-10 (38 kB), whose run is over before a thread has woken up
    big      perceptron 512-2048-2048-512-10 (25 MB), which is worth a batch
    cnn      two convolutions and a linear layer over 28x28 images
    encoder  two transformer layers, width 128, over up to 256 tokens; token 0 is padding
"""

import json
import pathlib
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper, save


class Graph:
    """Nodes and weights, as they are added."""

    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def add(self, operator, *inputs, outputs=1, **attributes):
        names = [f"{operator.lower()}{len(self.nodes)}_{n}" for n in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, values, dtype=np.float32):
        name = f"weight{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def random_weight(self, *shape, fan_in):
        return self.constant(self.random.standard_normal(shape) / np.sqrt(fan_in))

    def linear(self, value, rows, columns):
        weight = self.random_weight(rows, columns, fan_in=rows)
        return self.add("Gemm", value, weight, self.constant(np.zeros(columns)))

    def save(self, folder, name, result, data_type, shape):
        self.nodes.append(helper.make_node("Identity", [result], ["output"]))
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info("input", data_type, shape)],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 10])],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        checker.check_model(model)
        path = folder / name / "1" / "model.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        save(model, path)


def perceptron(folder, name, widths):
    graph, value = Graph(), "input"
    for layer, (rows, columns) in enumerate(zip(widths, widths[1:])):
        value = graph.linear(value, rows, columns)
        if layer < len(widths) - 2:
            value = graph.add("Relu", value)
    graph.save(folder, name, value, TensorProto.FLOAT, ["batch", widths[0]])


def convolutional(folder):
    graph, value = Graph(), "input"
    for inputs, outputs in [(1, 8), (8, 16)]:
        weight = graph.random_weight(outputs, inputs, 3, 3, fan_in=9 * inputs)
        value = graph.add("Relu", graph.add("Conv", value, weight, pads=[1] * 4))
        value = graph.add("MaxPool", value, kernel_shape=[2, 2], strides=[2, 2])
    value = graph.linear(graph.add("Flatten", value), 16 * 7 * 7, 10)
    graph.save(folder, "cnn", value, TensorProto.FLOAT, ["batch", 1, 28, 28])


def encoder(folder, width=128, heads=4, words=1000, longest=256):
    graph = Graph()
    ints = lambda *values: graph.constant(values, np.int64)
    matmul = lambda value, rows, columns: graph.add(
        "MatMul", value, graph.random_weight(rows, columns, fan_in=rows)
    )
    normalise = lambda value: graph.add(
        "LayerNormalization", value, graph.constant(np.ones(width)), graph.constant(np.zeros(width))
    )

    def split_heads(value, order):
        apart = graph.add("Reshape", value, ints(0, 0, heads, width // heads))
        return graph.add("Transpose", apart, perm=order)

    is_padding = graph.add("Equal", "input", ints(0))
    mask = graph.add("Cast", graph.add("Not", is_padding), to=TensorProto.FLOAT)
    # -10000 where there is padding: nothing is left of it after the softmax.
    penalty = graph.add("Mul", graph.add("Cast", is_padding, to=TensorProto.FLOAT), graph.constant(-1e4))
    penalty = graph.add("Unsqueeze", penalty, ints(1, 2))

    length = graph.add("Shape", "input", start=1, end=2)
    positions = graph.add("Slice", graph.random_weight(longest, width, fan_in=width), ints(0), length, ints(0))
    words = graph.random_weight(words, width, fan_in=width)
    value = graph.add("Add", graph.add("Gather", words, "input"), positions)
    for _ in range(2):
        query, key, content = (matmul(value, width, width) for _ in range(3))
        scores = graph.add("MatMul", split_heads(query, [0, 2, 1, 3]), split_heads(key, [0, 2, 3, 1]))
        scores = graph.add("Div", scores, graph.constant(np.sqrt(width / heads)))
        shares = graph.add("Softmax", graph.add("Add", scores, penalty), axis=-1)
        mixed = graph.add("MatMul", shares, split_heads(content, [0, 2, 1, 3]))
        mixed = graph.add("Transpose", mixed, perm=[0, 2, 1, 3])
        mixed = matmul(graph.add("Reshape", mixed, ints(0, 0, width)), width, width)
        value = normalise(graph.add("Add", value, mixed))
        hidden = graph.add("Relu", matmul(value, width, 4 * width))
        value = normalise(graph.add("Add", value, matmul(hidden, 4 * width, width)))

    kept = graph.add("Mul", value, graph.add("Unsqueeze", mask, ints(2)))
    total = graph.add("ReduceSum", kept, ints(1), keepdims=0)
    count = graph.add("ReduceSum", mask, ints(1), keepdims=1)
    mean = graph.add("Div", total, graph.add("Max", count, graph.constant(1.0)))
    graph.save(folder, "encoder", graph.linear(mean, width, 10), TensorProto.INT64, ["batch", "length"])
    # For model_server. The servers in Python pad too.
    rounding = {"geometric": {"smallest": 8, "growth_percent": 25}}
    padding = [{"dimension": "length", "rounding": rounding}]
    options = {"max_batch_size": 64, "padding": padding}
    (folder / "encoder" / "batcher.json").write_text(json.dumps(options))


def check(folder):
    """Each row is answered as if it were alone, padding changes nothing, a word unknown is an error."""
    random = np.random.default_rng(1)
    for name, shape in {"small": (64,), "big": (512,), "cnn": (1, 28, 28), "encoder": (24,)}.items():
        session = onnxruntime.InferenceSession(folder / name / "1" / "model.onnx")
        run = lambda rows: session.run(None, {"input": rows})[0]
        if name == "encoder":
            rows = random.integers(1, 1000, (3, *shape))
            padded = np.pad(rows, [(0, 0), (0, 40)])
            np.testing.assert_allclose(run(padded), run(rows), rtol=1e-4, atol=1e-5)
            try:
                run(np.full((1, 4), 2**31 - 1))
            except onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument:
                pass
            else:
                raise SystemExit("a word that the vocabulary does not hold was answered")
        else:
            rows = random.standard_normal((3, *shape), np.float32)
        together = run(rows)
        assert together.shape == (3, 10) and np.isfinite(together).all() and np.ptp(together) > 0.1, name
        alone = np.concatenate([run(row[None]) for row in rows])
        np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)


folder = pathlib.Path(sys.argv[1])
perceptron(folder, "small", [64, 128, 10])
perceptron(folder, "big", [512, 2048, 2048, 512, 10])
convolutional(folder)
encoder(folder)
check(folder)
