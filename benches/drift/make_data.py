"""Makes what the drift benchmarks compare: `make_data.py FOLDER`."""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS, COLUMNS, STREAM = 1_000_000, 20, 100_000


def table(random, shift):
    """Bells, two of which move."""
    return {f"x{i}": random.normal(shift if i < 2 else 0, 1, ROWS) for i in range(COLUMNS)}


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for name, shift in (("reference", 0), ("current", 0.3)):
        columns = table(random, shift)
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
        for i, values in enumerate(columns.values()):
            values.tofile(folder / f"{name}{i}.f64")
    random.normal(0, 1, STREAM).tofile(folder / "stream.f64")
    (random.random(STREAM) < 0.2).astype(float).tofile(folder / "errors.f64")
    # Of a classifier: calibrated scores, predictions and truth.
    scores = random.beta(2, 3, 2 * ROWS)
    scores.tofile(folder / "scores.f64")
    (random.random(2 * ROWS) < scores).astype(float).tofile(folder / "truth.f64")
    random.normal(0, 1, (4000, 32)).tofile(folder / "rows.f64")


if __name__ == "__main__":
    main()
