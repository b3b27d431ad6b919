"""Writes two months of made-up customers, october.csv and november.csv: 1500 rows each.

    python3 make_customers.py

What changes from one to the other: income rises, customers leave the free plan, and the days since the last
login are missing for a third of the rows. Age, device and visits stay as they are.
"""

import csv
import pathlib
import random

HERE = pathlib.Path(__file__).parent
ROWS = 1500
NAMES = ["age", "income", "plan", "device", "visits", "days_since_login"]


def month(seed, income, plans, missing):
    draw = random.Random(seed)
    for _ in range(ROWS):
        login = "" if draw.random() < missing else draw.randrange(31)
        yield [
            18 + int(60 * draw.betavariate(2, 3)),
            round(draw.lognormvariate(income, 0.4)),
            draw.choices(["free", "pro", "team"], plans)[0],
            draw.choices(["phone", "laptop", "tablet"], [5, 4, 1])[0],
            int(draw.gammavariate(2, 4)),
            login,
        ]


for name, rows in [
    ("october.csv", month(10, 10.4, [60, 30, 10], 0.01)),
    ("november.csv", month(11, 10.6, [40, 45, 15], 0.33)),
]:
    with open(HERE / name, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NAMES)
        writer.writerows(rows)
