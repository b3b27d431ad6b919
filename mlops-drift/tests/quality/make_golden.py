"""Makes golden.json beside this file: what pandas says of the checks of a small table. Needs numpy==2.4.6 and
pandas==3.1.1; run it without arguments.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

assert (np.__version__, pd.__version__) == ("2.4.6", "3.1.1")

ROWS = 240
rng = np.random.default_rng(4)


def some(values, share=0.1):
    """The values, a share of them missing."""
    return [None if rng.random() < share else value for value in values]


plans = np.array(["free", "pro", "team", "", "größer"])
columns = {
    "id": [int(v) for v in rng.permutation(ROWS + 20)[:ROWS]],
    "age": some([int(v) for v in rng.integers(-3, 130, ROWS)]),
    "limit": some([int(v) for v in rng.integers(40, 100, ROWS)]),
    "score": some([float(v) for v in rng.normal(1000, 3, ROWS).round(2)]),
    "plan": some([str(v) for v in plans[rng.integers(0, 5, ROWS)]]),
    "group": [int(v) for v in rng.integers(0, 12, ROWS)],
}
frame = pd.DataFrame(
    {
        name: pd.array(values, dtype=dtype)
        for (name, values), dtype in zip(
            columns.items(), ["Int64", "Int64", "Int64", "Float64", "string", "Int64"]
        )
    }
)
age, limit, score, plan, group = (frame[c] for c in ["age", "limit", "score", "plan", "group"])
golden = []


def rows(expectation, judged, fails):
    """A check of rows: which are judged, and which of them fail."""
    failing = (judged & fails.fillna(False)).to_numpy(dtype=bool)
    golden.append(
        {
            "expectation": expectation,
            "rows": int(judged.sum()),
            "failing": int(failing.sum()),
            "samples": [int(row) for row in np.flatnonzero(failing)],
            "observed": float(failing.sum() / judged.sum()),
        }
    )


def figure(expectation, observed, count):
    """A check of a figure, whose range is around it."""
    golden.append({"expectation": expectation, "rows": int(count), "observed": float(observed)})


every = pd.Series(True, index=frame.index)
rows({"expect": "not_null", "column": "age"}, every, age.isna())
rows({"expect": "between", "column": "age", "min": 0, "max": 120}, age.notna(), ~age.between(0, 120))
rows({"expect": "between", "column": "score", "above": 998.5, "below": 1002.25}, score.notna(),
     ~score.between(998.5, 1002.25, inclusive="neither"))
rows({"expect": "in_set", "column": "plan", "values": ["free", "pro"]}, plan.notna(), ~plan.isin(["free", "pro"]))
rows({"expect": "length", "column": "plan", "min": 1, "max": 4}, plan.notna(), ~plan.str.len().between(1, 4))
rows({"expect": "matches", "column": "plan", "pattern": "^[a-z]{2,4}$"}, plan.notna(), ~plan.str.contains("^[a-z]{2,4}$"))
rows({"expect": "compare", "left": "age", "is": "<=", "right": "limit"}, age.notna() & limit.notna(), age > limit)
rows({"expect": "compare", "left": "age", "is": "!=", "right": "limit"}, age.notna() & limit.notna(), age == limit)
rows({"expect": "sum", "columns": ["age", "limit"], "equals": "score", "tolerance": 880.5},
     age.notna() & limit.notna() & score.notna(), (age + limit - score).abs() > 880.5)
before = age.ffill().shift()
rows({"expect": "ordered", "column": "age", "order": "increasing"}, age.notna(), age < before)
rows({"expect": "ordered", "column": "age", "order": "strictly_decreasing"}, age.notna(), age >= before)
repeated = {
    "unique": ({"expect": "unique", "column": "age"}, ["age"]),
    "together": ({"expect": "unique", "columns": ["plan", "group"]}, ["plan", "group"]),
}
for expectation, names in repeated.values():
    there = frame[names].notna().all(axis=1)
    rows(expectation, there, frame[there].duplicated(names).reindex(frame.index, fill_value=False))
rows({"expect": "unique", "column": "id"}, every, frame["id"].duplicated())

figure({"expect": "mean", "column": "score", "min": 0}, np.mean(score.dropna().to_numpy(float)), score.count())
figure({"expect": "mean", "column": "age", "min": 0}, age.mean(), age.count())
figure({"expect": "standard_deviation", "column": "score", "min": 0}, score.std(), score.count())
figure({"expect": "distinct", "column": "plan", "min": 0}, plan.nunique(), plan.count())
figure({"expect": "row_count", "min": 0}, ROWS, ROWS)
quantiles = [
    {"column": name, "probability": p, "value": float(np.quantile(values, p, method="inverted_cdf"))}
    for name, values in [("score", score.dropna().to_numpy(float)), ("age", age.dropna().to_numpy(float))]
    for p in [0.01, 0.25, 0.5, 0.9, 0.99]
]

text = json.dumps({"columns": columns, "checks": golden, "quantiles": quantiles}, ensure_ascii=False)
Path(__file__).with_name("golden.json").write_text(text + "\n")
