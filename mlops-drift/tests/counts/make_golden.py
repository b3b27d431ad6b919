"""Makes golden.json beside this file. Needs numpy==2.4.6, scipy==1.17.1 and mpmath==1.3.0; run it without arguments.

A case is two rows of counts over the same cells, at these positions on a line, and what scipy says of
them. Where scipy has no function the formula is written out in numpy. G is computed by mpmath, with 50
digits: of large samples that hardly differ, scipy's loses all but a few to cancellation. Infinity is null.
"""

import json
import math
from pathlib import Path

import mpmath
import numpy as np
import scipy
from scipy import stats
from scipy.spatial.distance import jensenshannon

assert (np.__version__, scipy.__version__, mpmath.__version__) == ("2.4.6", "1.17.1", "1.3.0")
mpmath.mp.dps = 50

random = np.random.default_rng(20261121)


def tables():
    """Counts of both samples: alike and different, sparse and rich, with empty cells, of unequal sizes."""
    for cells in [1, 2, 2, 3, 5, 10, 30]:
        for sizes in [(10, 10), (50, 1000), (3000, 7), (500, 500), (1_000_000, 40_000)]:
            for change in [0.0, 0.0, 0.1, 0.5, 1.0]:
                p = random.dirichlet(np.full(cells, 0.7))
                q = (1 - change) * p + change * random.dirichlet(np.full(cells, 0.7))
                yield random.multinomial(sizes[0], p), random.multinomial(sizes[1], q / q.sum())
    # Disjoint, equal, proportional, and tails far beyond what chance allows.
    yield np.array([5, 0]), np.array([0, 7])
    yield np.array([3, 4, 5]), np.array([3, 4, 5])
    yield np.array([3, 4, 5]), np.array([300, 400, 500])
    yield np.array([1000, 0, 10]), np.array([0, 1000, 10])
    yield np.array([700, 300, 10]), np.array([300, 700, 10])
    yield np.array([100_000, 100_000, 5]), np.array([98_000, 102_000, 9])
    yield np.array([1, 0]), np.array([0, 1])
    yield np.array([1, 0, 0]), np.array([1, 0, 0])


def pair(result):
    return [result.statistic, result.pvalue]


def finite(x):
    return None if math.isinf(x) else float(x)


def likelihood_ratio(table, yates):
    """G and its p-value, of counts moved towards what is expected by up to one half if asked for."""
    rows, columns = [int(n) for n in table.sum(axis=1)], [int(n) for n in table.sum(axis=0)]
    if len(columns) == 1:
        return [0.0, 1.0]
    g = mpmath.mpf(0)
    for i, row in enumerate(table):
        for j, observed in enumerate(row):
            expected = mpmath.mpf(rows[i] * columns[j]) / sum(rows)
            off = int(observed) - expected
            if yates and len(columns) == 2:
                off -= mpmath.sign(off) * min(abs(off), mpmath.mpf("0.5"))
            if expected + off > 0:
                g += 2 * (expected + off) * mpmath.log1p(off / expected)
    theirs = stats.chi2_contingency(table, correction=yates, lambda_="log-likelihood").statistic
    assert abs(theirs - float(g)) <= 1e-14 * sum(rows) + 1e-12 * float(g), (theirs, g)
    return [float(g), stats.chi2.sf(float(g), len(columns) - 1)]


def case(x, y):
    keep = (x + y) > 0
    positions = np.cumsum(random.exponential(size=len(x))) - 2.0
    line = positions[keep]
    a, b = x[keep], y[keep]
    table = np.array([a, b])
    cells, n, m = len(a), a.sum(), b.sum()
    total, p, q = n + m, a / n, b / m
    plain = stats.chi2_contingency(table, correction=False)
    g = likelihood_ratio(table, yates=False)
    if cells > 1:
        factor = 1 + (total / n + total / m - 1) * ((total / (a + b)).sum() - 1) / (6 * total * (cells - 1))
        williams = [g[0] / factor, stats.chi2.sf(g[0] / factor, cells - 1)]
        v = stats.contingency.association(table, method="cramer")
    else:
        williams, v = [0.0, 1.0], 0.0
    smooth = [(a + 0.5) / (n + cells / 2), (b + 0.5) / (m + cells / 2)]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p == q, 0.0, (p - q) * np.log(p / q))
    return {
        "reference": x.tolist(),
        "current": y.tolist(),
        "positions": positions.tolist(),
        "chi_square": pair(plain),
        "chi_square_yates": pair(stats.chi2_contingency(table)),
        "g": g,
        "g_yates": likelihood_ratio(table, yates=True),
        "g_williams": [float(value) for value in williams],
        "kl": finite(stats.entropy(p, q)),
        "kl_smooth": stats.entropy(*smooth),
        "jensen_shannon": jensenshannon(p, q),
        "jensen_shannon_2": jensenshannon(p, q, base=2),
        "jensen_shannon_corrected": math.sqrt(
            max(0.0, jensenshannon(p, q) ** 2 - (cells - 1) * (1 / n + 1 / m) / 8)
        ),
        "hellinger": math.sqrt(0.5 * ((np.sqrt(p) - np.sqrt(q)) ** 2).sum()),
        "total_variation": 0.5 * np.abs(p - q).sum(),
        "largest_difference": np.abs(p - q).max(),
        "psi": finite(terms.sum()),
        "psi_smooth": max(0.0, float(((p - q) * np.log((a + 0.5) * m / ((b + 0.5) * n))).sum())),
        "psi_threshold": float((1 / n + 1 / m) * stats.chi2.isf(0.05, cells - 1)) if cells > 1 else 0.0,
        "cramers_v": float(v),
        "balanced_cramers_v": math.sqrt(
            max(0.0, 0.5 * ((p - q) ** 2 / (p + q)).sum() - (cells - 1) * (1 / n + 1 / m) / 4)
        ),
        "ks": np.abs(np.cumsum(p) - np.cumsum(q)).max(),
        "wasserstein": stats.wasserstein_distance(line, line, a, b),
    }


def main():
    cases = [case(np.asarray(x), np.asarray(y)) for x, y in tables()]
    # One raw sample, so that the sums above are held to scipy's own statistic of rows.
    for entry in cases:
        x, y, line = entry["reference"], entry["current"], entry["positions"]
        if sum(x) + sum(y) < 5000:
            d = stats.ks_2samp(np.repeat(line, x), np.repeat(line, y), method="asymp").statistic
            assert abs(d - entry["ks"]) < 1e-12, (d, entry["ks"])
    text = json.dumps(cases, default=float)
    Path(__file__).with_name("golden.json").write_text(text.replace("}, {", "},\n{") + "\n")


if __name__ == "__main__":
    main()
