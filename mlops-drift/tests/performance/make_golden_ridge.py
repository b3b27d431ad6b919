"""Golden values of ridge regression, written to golden_ridge.json by `python make_golden_ridge.py`

scikit-learn==1.9.1 numpy==2.4.6

The rows are made by the same rule in the test, so that only the answers are kept here.
"""

import json

import numpy as np
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def numbers(seed, count):
    """Multiples of 2^-30 in [0, 1)."""
    state, made = seed, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        made.append((state >> 33) % 2**30 / 2**30)
    return np.array(made)


def rows(seed, count):
    """Four columns: far from 0, small, constant, and nearly a combination of the first two."""
    a, b, c = (numbers(seed, count) for seed in (seed, 31 * seed + 7, 1009 * seed + 3))
    return np.stack([1000 + a, b * b / 128, np.full(count, 3.0), a - b + c / 64], axis=1)


cases = []
for seed in (1, 2, 3):
    reference, current = rows(seed, 200), rows(seed + 50, 40)
    losses = numbers(seed + 70, 200) * (reference[:, 0] - 999.5) + 16 * reference[:, 1]
    for penalty in (0, 0.5, 1, 100):
        model = LinearRegression() if penalty == 0 else Ridge(alpha=penalty)
        fitted = make_pipeline(StandardScaler(), model).fit(reference, losses)
        cases.append({"seed": seed, "penalty": penalty, "predicted": fitted.predict(current).tolist()})
json.dump(cases, open("golden_ridge.json", "w"))
