"""Golden values of isotonic regression, written by `python make_golden.py`

scikit-learn==1.9.1 numpy==2.4.6

The points are made by the same rule in the test: a linear congruential generator, so that only the answers
are kept here.
"""

import json

import numpy as np
from sklearn.isotonic import IsotonicRegression


def numbers(seed, count, steps):
    """Multiples of 1/steps in [0, 1)."""
    state, made = seed, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        made.append((state >> 33) % steps / steps)
    return np.array(made)


cases = []
for seed in range(1, 41):
    count = 1 + seed * 3
    x = numbers(seed, count, 4 + 7 * (seed % 9))
    y = numbers(seed + 1000, count, 16) if seed % 2 else (numbers(seed + 1000, count, 16) < x).astype(float)
    fitted = IsotonicRegression(out_of_bounds="clip").fit(x, y)
    cases.append({"seed": seed, "at": fitted.predict(np.linspace(-0.1, 1.1, 25)).tolist()})
json.dump(cases, open("golden.json", "w"))
