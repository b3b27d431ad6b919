"""A model in onnxruntime, the same for every server in Python: one thread, batches joined and split here."""

import mmap
import pathlib
import struct

import numpy as np
import onnxruntime


class Model:
    """Runs requests together. Counts its runs, and the requests in them, in a file of two integers."""

    def __init__(self, path, counts):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        pathlib.Path(counts).touch()
        with open(counts, "r+b") as file:
            file.truncate(16)
            self.counts = mmap.mmap(file.fileno(), 16)

    @property
    def data_type(self):
        return np.int64 if "int64" in self.session.get_inputs()[0].type else np.float32

    def run(self, requests):
        """The outputs of these inputs, each with a batch axis of its own."""
        if self.data_type == np.int64:
            # Token 0 is padding.
            longest = max(request.shape[1] for request in requests)
            requests = [np.pad(request, [(0, 0), (0, longest - request.shape[1])]) for request in requests]
        rows = [len(request) for request in requests]
        output = self.session.run(None, {"input": np.concatenate(requests)})[0]
        runs, total = struct.unpack("qq", self.counts[:])
        self.counts[:] = struct.pack("qq", runs + 1, total + sum(rows))
        return np.split(output, np.cumsum(rows)[:-1])
