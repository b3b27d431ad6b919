"""serve.py NAME MODEL PORT COUNTS"""

import os
import pathlib
import sys

name, model, port, counts = sys.argv[1:]
os.environ.update(PEER_NAME=name, PEER_MODEL=model, PEER_COUNTS=counts, BENTOML_DO_NOT_TRACK="1")
bentoml = str(pathlib.Path(sys.executable).parent / "bentoml")
here = str(pathlib.Path(__file__).parent)
os.execv(
    bentoml,
    [bentoml, "serve", "service:Server", "--working-dir", here, "--host", "127.0.0.1", "--port", port],
)
