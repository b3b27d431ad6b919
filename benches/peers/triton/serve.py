"""serve.py NAME MODEL PORT COUNTS: the Open Inference Protocol over HTTP

The server is the one inside the wheel nvidia-pytriton. Its Python backend takes the stub of this
Python's version from beside its library.
"""

import os
import pathlib
import shutil
import sys
import sysconfig

name, model, port, counts = sys.argv[1:]
port = int(port)
packages = pathlib.Path(sysconfig.get_paths()["purelib"])
server = packages / "pytriton/tritonserver"
version = f"{sys.version_info.major}.{sys.version_info.minor}"
stub = server / "backends/python/triton_python_backend_stub"
if not stub.exists():
    shutil.copy(server / f"python_backend_stubs/{version}/triton_python_backend_stub", stub)

dimensions = {"small": "[64]", "big": "[512]", "cnn": "[1, 28, 28]", "encoder": "[-1]"}[name]
kind = "TYPE_INT64" if name == "encoder" else "TYPE_FP32"
repository = pathlib.Path(counts + ".triton")
(repository / name / "1").mkdir(parents=True, exist_ok=True)
here = pathlib.Path(__file__).parent
text = (here / "model.py").read_text()
for placeholder, value in {
    "PATHS": [str(here.parent), str(packages)],
    "MODEL": model,
    "COUNTS": counts,
}.items():
    text = text.replace(placeholder, repr(value), 1)
(repository / name / "1/model.py").write_text(text)
(repository / name / "config.pbtxt").write_text(f"""
name: "{name}"
backend: "python"
max_batch_size: 64
input [{{ name: "input" data_type: {kind} dims: {dimensions} }}]
output [{{ name: "output" data_type: TYPE_FP32 dims: [10] }}]
instance_group [{{ count: 1 kind: KIND_CPU }}]
dynamic_batching {{ max_queue_delay_microseconds: 500 }}
""")
tritonserver = str(server / "bin/tritonserver")
os.environ["LD_LIBRARY_PATH"] = sysconfig.get_config_var("LIBDIR") + ":" + os.environ.get("LD_LIBRARY_PATH", "")
os.execv(
    tritonserver,
    [
        tritonserver,
        f"--model-repository={repository}",
        f"--backend-directory={server / 'backends'}",
        "--http-address=127.0.0.1",
        f"--http-port={port}",
        "--allow-grpc=false",
        "--allow-metrics=false",
    ],
)
