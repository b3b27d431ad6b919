"""NannyML's drift of two tables, or its estimate of performance: prints the seconds of processor time. `run.py table|cbpe FOLDER`."""

import sys
import time
import warnings

warnings.filterwarnings("ignore")

import nannyml
import numpy as np
import pandas as pd

what, folder = sys.argv[1:]
if what == "table":
    started = time.process_time()
    reference, current = (pd.read_parquet(f"{folder}/{name}.parquet") for name in ("reference", "current"))
    methods = ["kolmogorov_smirnov", "wasserstein", "jensen_shannon"]
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=list(reference.columns), continuous_methods=methods, chunk_number=10
    )
    calculator.fit(reference).calculate(current)
else:
    scores, truth = (np.fromfile(f"{folder}/{name}.f64") for name in ("scores", "truth"))
    rows = pd.DataFrame({"score": scores, "predicted": (scores >= 0.5).astype(int), "truth": truth.astype(int)})
    half = len(rows) // 2
    started = time.process_time()
    estimator = nannyml.CBPE(
        problem_type="classification_binary",
        y_pred_proba="score",
        y_pred="predicted",
        y_true="truth",
        metrics=["roc_auc", "f1", "accuracy"],
        chunk_number=1,
    ).fit(rows[:half])
    estimator.estimate(rows[half:])
print(time.process_time() - started)
