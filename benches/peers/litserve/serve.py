"""serve.py NAME MODEL PORT COUNTS: POST /predict {"input": row}"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent))

import litserve
import numpy as np
from session import Model


class Api(litserve.LitAPI):
    def setup(self, device):
        self.model = Model(sys.argv[2], sys.argv[4])

    def decode_request(self, request):
        return np.asarray(request["input"], self.model.data_type)

    def batch(self, inputs):
        return inputs

    def predict(self, inputs):
        return self.model.run(inputs)

    def unbatch(self, outputs):
        return outputs

    def encode_response(self, output):
        return {"output": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Api(max_batch_size=64), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[3]), generate_client_file=False, log_level="warning")
