"""Makes chunks_golden.json. Needs nannyml==0.13.1 (with numpy, scipy, pandas that it installs).

Two columns through time, and the distances and thresholds of NannyML's univariate drift: by size, with leftover rows
appended to the last chunk, and by calendar periods.
"""

import json
import os
import warnings
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import numpy as np
import pandas as pd
from nannyml import UnivariateDriftCalculator
from nannyml.chunk import CountBasedChunker, PeriodBasedChunker, SizeBasedChunker

warnings.filterwarnings("ignore")
rng = np.random.default_rng(88)


def data(n, start, drift):
    when = pd.to_datetime(start) + pd.to_timedelta(np.sort(rng.uniform(0, n / 8, n)).round(4), unit="D")
    trend = drift * np.arange(n) / n
    x = np.round(rng.normal(size=n) + trend, 2)
    x[rng.random(n) < 0.05] = np.nan
    s = np.where(rng.random(n) < 0.4 - 0.2 * trend, "a", np.where(rng.random(n) < 0.7, "b", "c")).astype(object)
    s[rng.random(n) < trend * 0.1] = "new"
    s[rng.random(n) < 0.05] = None
    return pd.DataFrame({"when": when.floor("s"), "x": x, "s": s})


METHODS = {"x": ["kolmogorov_smirnov", "wasserstein"], "s": ["jensen_shannon", "l_infinity"]}
reference, current = data(830, "2026-01-03", 0), data(620, "2026-04-20", 1)
cases = []
for name, chunker in [
    ({"size": 100}, SizeBasedChunker(100, incomplete="append")),
    ({"number": 7}, CountBasedChunker(7, incomplete="append")),
    ({"period": {"column": "when", "period": "week"}}, PeriodBasedChunker("when", "W")),
    ({"period": {"column": "when", "period": "month"}}, PeriodBasedChunker("when", "M")),
    ({"period": {"column": "when", "period": "quarter"}}, PeriodBasedChunker("when", "Q")),
]:
    calculator = UnivariateDriftCalculator(
        ["x", "s"],
        timestamp_column_name="when" if "period" in name else None,
        chunker=chunker,
        continuous_methods=METHODS["x"],
        categorical_methods=METHODS["s"],
    ).fit(reference)
    table = calculator.calculate(current).filter(period="all").to_df()
    series = []
    for column, methods in METHODS.items():
        for method in methods:
            found = table[(column, method)]
            is_reference = (table[("chunk", "chunk", "period")] == "reference").to_numpy()
            values = found["value"].to_numpy(dtype=float)
            series.append({
                "feature": column,
                "distance": method,
                "reference": values[is_reference].tolist(),
                "current": values[~is_reference].tolist(),
                "threshold": float(found["upper_threshold"].iloc[-1]),
                "alert": [bool(alert) for alert in found["alert"][~is_reference]],
            })
    cases.append({"by": name, "series": series})


def columns(frame):
    return {
        "when": [int(value.timestamp()) for value in frame["when"]],
        "x": [None if np.isnan(value) else value for value in frame["x"]],
        "s": frame["s"].tolist(),
    }


golden = {"reference": columns(reference), "current": columns(current), "cases": cases}
text = json.dumps(golden, separators=(",", ":")).replace('{"by"', '\n{"by"') + "\n"
Path(__file__).with_name("chunks_golden.json").write_text(text)
print(len(text))
