"""What the stock clients do besides inference: see `tritonclient_check.py`."""

import pathlib
import urllib.request

import grpc
import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton
from google.protobuf import descriptor_pb2
from google.protobuf.json_format import MessageToDict
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tritonclient.grpc import model_config_pb2, service_pb2

GENERATED = "../../mlops-serve/src/protocol/oip/grpc/generated"


def check_extensions(url, grpc_url, client, grpc_client, models, requests):
    metadata(client, grpc_client, models)
    statistics(client, grpc_client, requests)
    classification(client, grpc_client, models)
    raw(url, models)
    repository(client, grpc_client, models)
    deadline(client, grpc_client)
    health_and_reflection(grpc_url)
    same_as_published()


def plain(message):
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def metadata(client, grpc_client, models):
    """Both transports say the same of the server and of each model."""
    assert plain(grpc_client.get_server_metadata()) == client.get_server_metadata()
    for model in models:
        message = plain(grpc_client.get_model_metadata(model.name))
        for tensor in message["inputs"] + message["outputs"]:
            tensor["shape"] = [int(size) for size in tensor["shape"]]
        assert message == model.metadata, (message, model.metadata)
        config = client.get_model_config(model.name)
        message = plain(grpc_client.get_model_config(model.name))["config"]
        assert config["max_batch_size"] == message["max_batch_size"] > 0
        assert ("dynamic_batching" in config) == ("dynamic_batching" in message)
        for side in ("input", "output"):
            for ours, theirs in zip(config[side], message[side], strict=True):
                assert ours["data_type"] == theirs["data_type"], (ours, theirs)
                assert ours["dims"] == [int(size) for size in theirs["dims"]], (ours, theirs)
        shape = model.metadata["inputs"][0]["shape"]
        assert shape == [-1] + config["input"][0]["dims"]


def statistics(client, grpc_client, requests):
    """Every request is counted, in every phase."""
    stats = client.get_inference_statistics()["model_stats"]
    succeeded = 0
    for model in stats:
        phases = model["inference_stats"]
        succeeded += phases["success"]["count"]
        counts = {phases[f"compute_{phase}"]["count"] for phase in ("input", "infer", "output")}
        assert counts == {phases["success"]["count"]}, model
        assert phases["cache_hit"]["count"] == phases["cache_miss"]["count"] == 0
        int(model["version"])
        assert 0 < model["execution_count"] <= phases["success"]["count"] <= model["inference_count"]
        rows = sum(batch["batch_size"] * batch["compute_infer"]["count"] for batch in model["batch_stats"])
        assert rows == model["inference_count"], model
        one = client.get_inference_statistics(model["name"], model["version"])
        assert one["model_stats"] == [model]
    assert succeeded == requests, succeeded
    messages = plain(grpc_client.get_inference_statistics())["model_stats"]
    counts = [(m["name"], int(m["inference_count"]), int(m["execution_count"])) for m in messages]
    assert counts == [(m["name"], m["inference_count"], m["execution_count"]) for m in stats]


def classification(client, grpc_client, models):
    """The classes are those that the numbers have."""
    model = next(model for model in models if model.name == "digits")
    inputs = model.random_inputs(np.random.default_rng(7))
    reference = model.reference(inputs)
    name = next(name for name, array in reference.items() if array.ndim == 2)
    for module, its_client in ((triton, client), (triton_grpc, grpc_client)):
        value = module.InferInput("input", inputs["input"].shape, "FP32")
        value.set_data_from_numpy(inputs["input"])
        output = module.InferRequestedOutput(name, class_count=3)
        classes = its_client.infer("digits", [value], outputs=[output]).as_numpy(name)
        assert classes.shape == (len(inputs["input"]), 3)
        for row, scores in zip(classes, reference[name], strict=True):
            found = [entry.decode().split(":") for entry in row]
            best = np.argsort(-scores, kind="stable")[:3]
            values = [float(value) for value, _ in found]
            assert np.allclose(values, scores[best], rtol=1e-6, atol=1e-6), (found, scores)
            assert [int(index) for _, index in found] == list(best), (found, scores)


def raw(url, models):
    """A request that is nothing but the bytes of one row."""
    model = next(model for model in models if model.name == "digits")
    row = np.random.default_rng(8).uniform(0, 16, (1, 64)).astype(np.float32)
    request = urllib.request.Request(
        f"http://{url}/v2/models/digits/infer",
        data=row.tobytes(),
        headers={"Inference-Header-Content-Length": "0"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        length = int(response.headers["Inference-Header-Content-Length"])
        body = response.read()
    result = triton.InferenceServerClient.parse_response_body(body, header_length=length)
    for name, expected in model.reference({"input": row}).items():
        assert np.allclose(result.as_numpy(name), expected, rtol=1e-6, atol=1e-6), name


def repository(client, grpc_client, models):
    """The index has every model; models are loaded anew and unloaded by name, on both transports."""
    index = client.get_model_repository_index()
    assert sorted(entry["name"] for entry in index) == sorted(model.name for model in models)
    assert all(entry["state"] == "READY" for entry in index)
    assert plain(grpc_client.get_model_repository_index())["models"] == index
    for its_client in (client, grpc_client):
        its_client.load_model("digits")
        assert its_client.is_model_ready("digits")
        its_client.unload_model("digits")
        assert not its_client.is_model_ready("digits")
        assert client.is_server_ready(), "an unloaded model is not waited for"
        its_client.load_model("digits")
        assert its_client.is_model_ready("digits")
        for call in (its_client.load_model, its_client.unload_model):
            try:
                call("nobody")
            except triton.InferenceServerException as error:
                assert "nobody" in str(error), error
            else:
                raise AssertionError("a model that is not there was taken")


def deadline(client, grpc_client):
    """A timeout of one microsecond has passed before the model is asked."""
    for module, its_client in ((triton, client), (triton_grpc, grpc_client)):
        value = module.InferInput("input", [1, 64], "FP32")
        value.set_data_from_numpy(np.zeros((1, 64), np.float32))
        try:
            its_client.infer("digits", [value], timeout=1)
        except triton.InferenceServerException as error:
            assert "deadline exceeded" in str(error), error
        else:
            raise AssertionError("a microsecond was enough")


def health_and_reflection(grpc_url):
    with grpc.insecure_channel(grpc_url) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ("", "inference.GRPCInferenceService", "digits", "digits/1"):
            asked = health_pb2.HealthCheckRequest(service=service)
            assert health.Check(asked).status == health_pb2.HealthCheckResponse.SERVING, service
            assert next(health.Watch(asked)).status == health_pb2.HealthCheckResponse.SERVING
        services = ProtoReflectionDescriptorDatabase(channel).get_services()
        assert "inference.GRPCInferenceService" in services, services


def same_as_published():
    """Every message, field and call of ours has the published name, number and type."""
    ours = descriptor_pb2.FileDescriptorSet.FromString(
        (pathlib.Path(__file__).parent / GENERATED / "inference.bin").read_bytes()
    )
    published = {}
    for module in (service_pb2, model_config_pb2):
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        published |= {message.name: message for message in [*file.message_type, *file.enum_type, *file.service]}

    def same(ours, theirs):
        for part in ("field", "nested_type", "enum_type", "value", "method"):
            known = {item.name: item for item in getattr(theirs, part, ())}
            for item in getattr(ours, part, ()):
                other = known[item.name]
                for key in ("number", "type", "label", "type_name", "input_type", "output_type",
                            "client_streaming", "server_streaming"):
                    assert getattr(item, key, None) == getattr(other, key, None), (ours.name, item.name, key)
                assert item.HasField("oneof_index") == other.HasField("oneof_index") \
                    if hasattr(item, "oneof_index") else True, (ours.name, item.name)
                same(item, other)

    for file in ours.file:
        for item in [*file.message_type, *file.enum_type, *file.service]:
            same(item, published[item.name])
