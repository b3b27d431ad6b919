"""serve.py NAME MODEL PORT COUNTS: the Open Inference Protocol in JSON"""

import json
import os
import pathlib
import socket
import sys


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


name, model, port, counts = sys.argv[1:]
folder = pathlib.Path(counts + ".mlserver")
folder.mkdir(exist_ok=True)
settings = {
    "host": "127.0.0.1",
    "http_port": int(port),
    "grpc_port": free_port(),
    "metrics_port": free_port(),
    "debug": False,
    "use_structured_logging": False,
}
model_settings = {
    "name": name,
    "implementation": "runtime.OnnxModel",
    "max_batch_size": 64,
    "max_batch_time": 0.0005,
    "parameters": {"extra": {"model": model, "counts": counts}},
}
(folder / "settings.json").write_text(json.dumps(settings))
(folder / "model-settings.json").write_text(json.dumps(model_settings))
os.environ["PYTHONPATH"] = str(pathlib.Path(__file__).parent)
mlserver = str(pathlib.Path(sys.executable).parent / "mlserver")
os.execv(mlserver, [mlserver, "start", str(folder)])
