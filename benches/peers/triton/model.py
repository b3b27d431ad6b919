"""A model in onnxruntime behind Triton's Python backend; started by serve.py, which fills in the paths."""

import sys

sys.path[:0] = PATHS

import triton_python_backend_utils as triton
from session import Model


class TritonPythonModel:
    def initialize(self, arguments):
        self.model = Model(MODEL, COUNTS)

    def execute(self, requests):
        inputs = [triton.get_input_tensor_by_name(request, "input").as_numpy() for request in requests]
        try:
            outputs = self.model.run(inputs)
        except Exception as error:
            return [triton.InferenceResponse(error=triton.TritonError(str(error))) for _ in requests]
        return [triton.InferenceResponse([triton.Tensor("output", output)]) for output in outputs]
