"""The stock tritonclient against a model server, compared with Python's onnxruntime.

    python tritonclient_check.py URL MODELS

16 threads send random batches of every model under MODELS, as JSON and as binary data, and compare
every output with what onnxruntime computes in this process, to 1e-6. Exits non-zero at the first
difference.
"""

import pathlib
import sys
import threading

import numpy as np
import onnxruntime
import tritonclient.http as triton

URL, MODELS = sys.argv[1].removeprefix("http://"), pathlib.Path(sys.argv[2])
THREADS, REQUESTS, MAX_ROWS = 16, 60, 32
NUMPY = {"FP32": np.float32, "INT64": np.int64, "BOOL": np.bool_, "BYTES": np.object_}


class Model:
    """One model: what the server says of it, and the reference."""

    def __init__(self, client, path):
        self.name = path.parent.parent.name
        self.session = onnxruntime.InferenceSession(path)
        self.lock = threading.Lock()
        assert client.is_model_ready(self.name)
        self.metadata = client.get_model_metadata(self.name)
        names = {value.name for value in self.session.get_inputs()}
        assert {value["name"] for value in self.metadata["inputs"]} == names, self.metadata

    def random_inputs(self, random):
        rows, free = int(random.integers(1, MAX_ROWS + 1)), int(random.integers(1, 5))
        inputs = {}
        for spec in self.metadata["inputs"]:
            sizes = [rows] + [free if size < 0 else size for size in spec["shape"][1:]]
            if spec["datatype"] == "BYTES":
                words = [b"", b"word", "käse".encode(), bytes(random.integers(97, 122, 9, np.uint8))]
                array = random.choice(np.array(words, dtype=np.object_), sizes)
            else:
                array = random.uniform(0, 16, sizes).astype(NUMPY[spec["datatype"]])
            inputs[spec["name"]] = array
        return inputs

    def reference(self, inputs):
        texts = {
            name: np.vectorize(lambda word: word.decode(), otypes=[object])(array)
            if array.dtype == np.object_ else array
            for name, array in inputs.items()
        }
        names = [value["name"] for value in self.metadata["outputs"]]
        with self.lock:
            return dict(zip(names, self.session.run(names, texts)))


def check(name, got, expected):
    assert got.shape == expected.shape, (name, got.shape, expected.shape)
    if expected.dtype == np.object_:
        same = all(g == e.encode() for g, e in zip(got.ravel(), expected.ravel()))
    elif expected.dtype == np.float32:
        same = np.allclose(got, expected, rtol=1e-6, atol=1e-6)
    else:
        same = np.array_equal(got, expected)
    assert same, (name, got, expected)


def work(seed, models, failures):
    try:
        random = np.random.default_rng(seed)
        client = triton.InferenceServerClient(URL, connection_timeout=60, network_timeout=60)
        for number in range(REQUESTS):
            model = models[int(random.integers(len(models)))]
            inputs = model.random_inputs(random)
            binary_in, binary_out = bool(random.integers(2)), bool(random.integers(2))
            sent = []
            for spec in model.metadata["inputs"]:
                array = inputs[spec["name"]]
                value = triton.InferInput(spec["name"], array.shape, spec["datatype"])
                value.set_data_from_numpy(array, binary_data=binary_in)
                sent.append(value)
            outputs = [
                triton.InferRequestedOutput(spec["name"], binary_data=binary_out)
                for spec in model.metadata["outputs"]
            ]
            # Without a list of outputs the client asks for all of them as binary data.
            request_id = f"{seed}-{number}"
            result = client.infer(
                model.name, sent, request_id=request_id,
                outputs=outputs if random.integers(2) else None,
            )
            assert result.get_response()["id"] == request_id
            for name, expected in model.reference(inputs).items():
                got = result.as_numpy(name)
                if expected.dtype == np.object_ and got.dtype != np.object_:
                    got = got.astype(np.object_)
                if expected.dtype == np.object_:
                    got = np.array(
                        [g.encode() if isinstance(g, str) else g for g in got.ravel()],
                        dtype=np.object_,
                    ).reshape(got.shape)
                check(f"{model.name}.{name}", got, expected)
        client.close()
    except Exception as failure:  # noqa: BLE001 - told by the main thread
        failures.append(failure)


def errors(client):
    """The client understands our errors."""
    wrong = triton.InferInput("input", [1, 63], "FP32")
    wrong.set_data_from_numpy(np.zeros((1, 63), np.float32))
    for model, says in (("digits", "FP32[batch,64]"), ("nobody", "nobody")):
        try:
            client.infer(model, [wrong])
        except triton.InferenceServerException as error:
            assert says in str(error), error
        else:
            raise AssertionError(f"{model} took it")
    assert not client.is_model_ready("nobody")


client = triton.InferenceServerClient(URL)
assert client.is_server_live() and client.is_server_ready()
assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
models = [Model(client, path) for path in sorted(MODELS.glob("*/*/model.onnx"))]
errors(client)
failures = []
threads = [threading.Thread(target=work, args=(seed, models, failures)) for seed in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if failures:
    raise failures[0]
print(f"{THREADS * REQUESTS} requests for {[model.name for model in models]} answered alike")
