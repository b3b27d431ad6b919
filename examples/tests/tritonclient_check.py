"""The stock tritonclient against a model server, compared with Python's onnxruntime.

    python tritonclient_check.py HTTP_ADDRESS GRPC_ADDRESS MODELS

Threads send random batches of every model under MODELS over REST (as JSON and as binary data, plain
and compressed) and over gRPC (alone and in streams), and compare every output with what onnxruntime
computes in this process, to 1e-6. Then the extensions are checked. Exits non-zero at the first
difference.
"""

import pathlib
import queue
import sys
import threading

import numpy as np
import onnxruntime
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton

from tritonclient_extensions import check_extensions

URL, GRPC, MODELS = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
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


def as_bytes(array):
    """The client gives strings as `str` from JSON and as `bytes` from binary data."""
    encoded = [g.encode() if isinstance(g, str) else g for g in array.ravel()]
    return np.array(encoded, dtype=np.object_).reshape(array.shape)


def compare(model, inputs, result):
    for name, expected in model.reference(inputs).items():
        got = result.as_numpy(name)
        check(f"{model.name}.{name}", as_bytes(got) if expected.dtype == np.object_ else got, expected)


class Rest:
    """Requests over REST, in every form."""

    def __init__(self):
        self.client = triton.InferenceServerClient(URL, connection_timeout=60, network_timeout=60)

    def infer(self, random, model, inputs, request_id):
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
        algorithms = [None, "gzip", "deflate"]
        # Without a list of outputs the client asks for all of them as binary data.
        result = self.client.infer(
            model.name, sent, request_id=request_id,
            outputs=outputs if random.integers(2) else None,
            request_compression_algorithm=algorithms[random.integers(3)],
            response_compression_algorithm=algorithms[random.integers(3)],
        )
        assert result.get_response()["id"] == request_id
        return result

    def close(self):
        self.client.close()


class Grpc:
    """Requests over gRPC, alone and in a stream."""

    def __init__(self):
        self.client = triton_grpc.InferenceServerClient(GRPC)
        self.answers = queue.Queue()
        self.client.start_stream(lambda result, error: self.answers.put((result, error)))

    def infer(self, random, model, inputs, request_id):
        sent = []
        for spec in model.metadata["inputs"]:
            array = inputs[spec["name"]]
            value = triton_grpc.InferInput(spec["name"], array.shape, spec["datatype"])
            value.set_data_from_numpy(array)
            sent.append(value)
        outputs = [triton_grpc.InferRequestedOutput(spec["name"]) for spec in model.metadata["outputs"]]
        outputs = outputs if random.integers(2) else None
        if random.integers(2):
            self.client.async_stream_infer(model.name, sent, request_id=request_id, outputs=outputs)
            result, error = self.answers.get(timeout=60)
            assert error is None, error
        else:
            result = self.client.infer(
                model.name, sent, request_id=request_id, outputs=outputs, client_timeout=60,
                priority=int(random.integers(3)), compression_algorithm=[None, "gzip"][random.integers(2)],
            )
        assert result.get_response().id == request_id
        return result

    def close(self):
        self.client.stop_stream()
        self.client.close()


def work(seed, models, failures):
    try:
        random = np.random.default_rng(seed)
        transport = Rest() if seed % 2 else Grpc()
        for number in range(REQUESTS):
            model = models[int(random.integers(len(models)))]
            inputs = model.random_inputs(random)
            compare(model, inputs, transport.infer(random, model, inputs, f"{seed}-{number}"))
        transport.close()
    except Exception as failure:  # noqa: BLE001 - told by the main thread
        failures.append(failure)


def errors(client, module):
    """The client understands our errors."""
    wrong = module.InferInput("input", [1, 63], "FP32")
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
grpc_client = triton_grpc.InferenceServerClient(GRPC)
assert grpc_client.is_server_live() and grpc_client.is_server_ready()
errors(client, triton)
errors(grpc_client, triton_grpc)
failures = []
threads = [threading.Thread(target=work, args=(seed, models, failures)) for seed in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if failures:
    raise failures[0]
check_extensions(URL, GRPC, client, grpc_client, models, THREADS * REQUESTS)
print(f"{THREADS * REQUESTS} requests for {[model.name for model in models]} answered alike")
