"""Trains a classifier of handwritten digits and writes it with its test images.

    pip install scikit-learn skl2onnx onnxruntime && python3 make_digits.py

The images are the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin and
C. Kaynak, UCI Machine Learning Repository, 1998, CC BY 4.0), which scikit-learn carries: 1797 images
of 8x8 pixels from 0 to 16. A fifth of them is kept for testing and never trained on.

Writes models/digits/1/model.onnx (input FP32[batch,64]; outputs label INT64[batch] and probabilities
FP32[batch,10]) and test.csv: one image a line, 64 pixels, the true label, the label that Python's
onnxruntime predicts.
"""

import pathlib

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

HERE = pathlib.Path(__file__).parent

images, labels = load_digits(return_X_y=True)
images = images.astype(np.float32)
train_x, test_x, train_y, test_y = train_test_split(
    images, labels, test_size=360, random_state=0, stratify=labels
)
classifier = make_pipeline(
    MinMaxScaler(feature_range=(0, 1)),
    MLPClassifier(hidden_layer_sizes=(64,), max_iter=500, random_state=0),
)
classifier.fit(train_x, train_y)
model = to_onnx(
    classifier,
    initial_types=[("input", FloatTensorType([None, 64]))],
    options={"zipmap": False},
    target_opset=17,
)
# The names the protocol shows, and the same batch axis on every tensor.
for old, new in (("output_label", "label"), ("output_probability", "probabilities")):
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    for output in model.graph.output:
        if output.name == old:
            output.name = new
for value in (*model.graph.input, *model.graph.output):
    value.type.tensor_type.shape.dim[0].dim_param = "batch"

path = HERE / "models/digits/1/model.onnx"
path.parent.mkdir(parents=True, exist_ok=True)
path.write_bytes(model.SerializeToString())

session = onnxruntime.InferenceSession(path)
predicted = session.run(["label"], {"input": test_x})[0]
rows = np.column_stack([test_x.astype(int), test_y, predicted])
header = ",".join([f"pixel_{i}" for i in range(64)] + ["label", "onnxruntime"])
np.savetxt(HERE / "test.csv", rows, fmt="%d", delimiter=",", header=header, comments="")
print([(i.name, i.shape, i.type) for i in session.get_inputs() + session.get_outputs()])
print(f"accuracy {np.mean(predicted == test_y):.4f} on {len(test_y)} images, {path.stat().st_size} bytes")
