"""Makes evidently_golden.json. Needs evidently==0.7.23 (with numpy==2.4.6 scipy==1.17.1 pandas==2.3.3).

Data, and what Evidently's data drift preset says of it. Infinities are written as the strings "inf" and "-inf".
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from evidently import Dataset, Report
from evidently.presets import DataDriftPreset

warnings.filterwarnings("ignore")
rng = np.random.default_rng(4)


def floats(n, mean=0.0, scale=1.0, digits=2):
    return [round(float(v), digits) for v in rng.normal(mean, scale, n)]


def nulls(values, every):
    return [None if i % every == 1 else v for i, v in enumerate(values)]


def choice(n, values, shares=None):
    return [values[i] for i in rng.choice(len(values), n, p=shares)]


def kinds(n, shift):
    """A column of each kind; `shift` is 0 for data like any other."""
    return {
        "float": floats(n, shift),
        "float_nulls": nulls(floats(n, shift), 7),
        # With nulls too: without them only the column's own figure is cleaned of infinities, not the data set's.
        "float_inf": nulls(
            [math.inf if i % 11 == 3 else -math.inf if i % 13 == 5 else v for i, v in enumerate(floats(n, -shift))], 9
        ),
        "float_two": choice(n, [0.0, 1.0], [0.6 - shift / 4, 0.4 + shift / 4]),
        "float_four": choice(n, [0.5, 1.0, 2.5, 7.0], [0.4 - shift / 4, 0.3, 0.2, 0.1 + shift / 4]),
        "float_one": [3.5] * n,
        "int_many": [int(v) for v in rng.normal(100 + 20 * shift, 30, n)],
        "int_many_nulls": nulls([int(v) for v in rng.normal(100, 30, n)], 5),
        "int_few": choice(n, [1, 2, 3, 4, 10], [0.3 - shift / 4, 0.2, 0.2, 0.1, 0.2 + shift / 4]),
        "int_two": choice(n, [0, 1], [0.7 - shift / 4, 0.3 + shift / 4]),
        "int_few_nulls": nulls(choice(n, [1, 2, 3], [0.5, 0.2, 0.3]), 6),
        "bool": choice(n, [False, True], [0.5 + shift / 4, 0.5 - shift / 4]),
        "text_two": choice(n, ["no", "yes"], [0.8 - shift / 3, 0.2 + shift / 3]),
        "text_few": choice(n, ["a", "b", "c", "d", "e"], [0.3 - shift / 4, 0.2, 0.2, 0.2, 0.1 + shift / 4]),
        "text_nulls": nulls(choice(n, ["x", "y", "z"], [0.5 - shift / 4, 0.25, 0.25 + shift / 4]), 4),
        "text_many": choice(n, [f"k{i}" for i in range(25)]),
    }


def new_category(data):
    data["text_few"][3] = "new"
    data["int_few"][5] = 7
    return data


def dropped(data):
    """Without what Evidently cannot compare by a method that is forced on all."""
    return {name: values for name, values in data.items() if name != "float_one"}


def only(data, names):
    return {name: data[name] for name in names.split()}


FEW = "float float_four int_few text_two text_few"
SOME = "float float_nulls float_inf float_two float_one int_many int_few_nulls bool text_two text_nulls text_many"
NUMBERS = "float int_many int_few text_few"

CASES = [
    ("small, alike", kinds(120, 0), kinds(90, 0), {}),
    ("small, shifted", kinds(120, 0), kinds(90, 1), {}),
    ("small, a new category", kinds(150, 0), new_category(kinds(150, 0)), {}),
    ("small reference, larger current", kinds(80, 0), kinds(400, 0.4), {}),
    ("a thousand", only(kinds(1000, 0), FEW), only(kinds(60, 0.5), FEW), {}),
    ("a thousand and one, alike", only(kinds(1001, 0), FEW), only(kinds(300, 0), FEW), {}),
    ("a thousand and one, shifted", only(kinds(1001, 0), SOME), only(kinds(120, 0.7), SOME), {}),
    ("all by Jensen-Shannon", dropped(kinds(300, 0)), dropped(kinds(200, 0.3)), {"method": "jensenshannon"}),
    ("numbers by Wasserstein, threshold 0.3", dropped(kinds(90, 0)), dropped(kinds(110, 0.3)),
     {"num_method": "wasserstein", "num_threshold": 0.3}),
    ("numbers by Kolmogorov-Smirnov, categories by chi-square", only(kinds(1200, 0), NUMBERS), only(kinds(100, 0.1), NUMBERS),
     {"num_method": "ks", "cat_method": "chisquare", "cat_threshold": 0.2}),
    ("a share of 0.9", kinds(100, 0), kinds(100, 1), {"drift_share": 0.9}),
    ("unequal ranges", {"x": floats(60), "n": [int(v) for v in rng.integers(0, 40, 60)]},
     {"x": floats(40, 3, 2), "n": [int(v) for v in rng.integers(20, 90, 40)]}, {"method": "jensenshannon"}),
]


def plain(value):
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def run(name, reference, current, options):
    frames = [pd.DataFrame(reference), pd.DataFrame(current)]
    sets = [Dataset.from_pandas(frame) for frame in frames]
    snapshot = Report([DataDriftPreset(**options)], include_tests=True).run(sets[1], sets[0])
    result = snapshot.dict()
    columns = {}
    summary = None
    for metric in result["metrics"]:
        config = metric["config"]
        if config["type"].endswith("DriftedColumnsCount"):
            summary = {"count": int(metric["value"]["count"]), "share": metric["value"]["share"]}
        else:
            columns[config["column"]] = {
                "method": config["method"],
                "threshold": config["threshold"],
                "score": float(metric["value"]),
            }
    for test in result["tests"]:
        column = test["metric_config"]["params"].get("column")
        failed = str(getattr(test["status"], "value", test["status"])) == "FAIL"
        if column is None:
            summary["dataset_drift"] = failed
        else:
            columns[column]["drifted"] = failed
    definition = sets[1].data_definition
    for column in columns:
        columns[column]["type"] = definition.get_column_type(column).value
    return {
        "name": name,
        "options": options,
        "reference": {c: [plain(v) for v in values] for c, values in reference.items()},
        "current": {c: [plain(v) for v in values] for c, values in current.items()},
        "columns": columns,
        "summary": summary,
    }


if __name__ == "__main__":
    golden = [run(*case) for case in CASES]
    text = "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in golden) + "\n]\n"
    Path(__file__).with_name("evidently_golden.json").write_text(text)
    print(len(text))
