"""Requests and answers as messages, made and read by stock clients: `ask`, then `check`."""

import asyncio
import sys

import nats
import numpy as np
import onnxruntime
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput

ROWS = np.random.default_rng(7).random((200, 64), dtype=np.float32)


def message(rows, number, binary):
    tensor = InferInput("input", rows.shape, "FP32")
    tensor.set_data_from_numpy(rows, binary_data=binary)
    outputs = [InferRequestedOutput("probabilities", binary_data=binary)] if binary else None
    return InferenceServerClient.generate_request_body([tensor], outputs=outputs, request_id=str(number))


async def ask(jetstream):
    for number, row in enumerate(ROWS):
        body, length = message(row[None], number, binary=number % 2 == 0)
        headers = {"Inference-Header-Content-Length": str(length)} if length else None
        await jetstream.publish("requests.digits", body, headers=headers)
    # A batch, and the bytes of one row alone.
    body, length = message(ROWS[:5], 1000, binary=True)
    headers = {"Inference-Header-Content-Length": str(length)}
    await jetstream.publish("requests.digits", body, headers=headers)
    headers = {"inference-header-content-length": "0"}
    await jetstream.publish("requests.digits", ROWS[0].tobytes(), headers=headers)
    # Three that are wrong: an empty message, half a row, another model's input.
    await jetstream.publish("requests.digits", b"")
    await jetstream.publish("requests.digits", ROWS[0].tobytes()[:100], headers=headers)
    await jetstream.publish("requests.digits", b'{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}]}')


async def check(jetstream, model):
    session = onnxruntime.InferenceSession(model)
    expected = session.run(["probabilities"], {"input": ROWS})[0]
    subscription = await jetstream.pull_subscribe("answers.>", "checker")
    seen = set()
    for answer in await subscription.fetch(202, timeout=10):
        length = int(answer.headers["inference-header-content-length"])
        result = InferenceServerClient.parse_response_body(answer.data, header_length=length)
        number = result.get_response().get("id")
        found = result.as_numpy("probabilities")
        rows = {"1000": slice(0, 5), None: slice(0, 1)}.get(number) or slice(int(number), int(number) + 1)
        np.testing.assert_allclose(found, expected[rows], atol=1e-6)
        seen.add(number)
    assert len(seen) == 202, len(seen)
    dead = await jetstream.pull_subscribe("dead.>", "gravedigger")
    codes = sorted(letter.headers["error-code"] for letter in await dead.fetch(3, timeout=10))
    assert codes == ["invalid_argument", "invalid_tensor", "invalid_tensor"], codes


async def main():
    what, url, model = sys.argv[1:]
    client = await nats.connect(url)
    jetstream = client.jetstream()
    await (ask(jetstream) if what == "ask" else check(jetstream, model))
    await client.drain()


asyncio.run(main())
