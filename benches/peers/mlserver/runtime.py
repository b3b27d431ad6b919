"""A model in onnxruntime behind MLServer's interface; started by serve.py."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent))

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse
from session import Model


class OnnxModel(MLModel):
    async def load(self):
        extra = self.settings.parameters.extra
        self.model = Model(extra["model"], extra["counts"])
        return True

    async def predict(self, payload):
        # Its batcher has joined the requests by now.
        rows = NumpyCodec.decode_input(payload.inputs[0])
        output = self.model.run([rows.astype(self.model.data_type, copy=False)])[0]
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("output", output)])
