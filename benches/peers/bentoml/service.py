"""POST /infer {"input": rows}; started by serve.py, which sets the environment."""

import os
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent))

import bentoml
import numpy as np
from session import Model

# Rows of one length stack by themselves; rows of tokens are padded.
Rows = list[list[int]] if os.environ["PEER_NAME"] == "encoder" else np.ndarray


@bentoml.service(workers=1, traffic={"timeout": 60}, metrics={"enabled": False}, logging={"access": {"enabled": False}})
class Server:
    def __init__(self):
        self.model = Model(os.environ["PEER_MODEL"], os.environ["PEER_COUNTS"])

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def infer(self, input: Rows) -> np.ndarray:
        if isinstance(input, list):
            return np.concatenate(self.model.run([np.asarray([row], np.int64) for row in input]))
        return self.model.run([input.astype(np.float32, copy=False)])[0]
