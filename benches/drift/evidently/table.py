"""Evidently's drift report of two tables, with its page: prints the seconds of processor time. `table.py FOLDER`."""

import sys
import time
import warnings

warnings.filterwarnings("ignore")

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

folder = sys.argv[1]
started = time.process_time()
reference, current = (pd.read_parquet(f"{folder}/{name}.parquet") for name in ("reference", "current"))
definition = DataDefinition(numerical_columns=list(reference.columns))
datasets = (Dataset.from_pandas(frame, data_definition=definition) for frame in (current, reference))
report = Report([DataDriftPreset()]).run(*datasets)
report.save_html(f"{folder}/evidently.html")
report.json()
print(time.process_time() - started)
