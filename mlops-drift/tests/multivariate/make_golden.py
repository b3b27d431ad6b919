"""Writes golden.json beside this file: what the tests in this folder hold the crate to.

    python -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
    venv/bin/python make_golden.py

Scalings, covariances and classifiers are scikit-learn's; discrepancies are restated here by their formulas, from all
pairs of rows. Rows are made by the same rule here and in rows.rs, so that only seeds and results are kept.
"""

import json
import pathlib

import numpy as np
import scipy
import sklearn
from scipy import integrate, stats
from scipy.spatial.distance import cdist, pdist
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import RobustScaler

assert (np.__version__, scipy.__version__, sklearn.__version__) == ("2.4.6", "1.17.1", "1.9.1")
MASK = (1 << 64) - 1


class SplitMix64:
    """Steele, Lea & Flood (2014)."""

    def __init__(self, seed):
        self.state = seed

    def unit(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 11) / (1 << 53)

    def bell(self):
        return self.unit() + self.unit() + self.unit() + self.unit() - 2.0

    def rows(self, count, columns):
        """Each row has a part in common, so that columns are correlated, in units of 1, 2, 3, …"""
        made = np.empty((count, columns))
        for i in range(count):
            common = self.bell()
            for j in range(columns):
                made[i, j] = (self.bell() + 0.5 * common) * (j + 1)
        return made


def mmd(x, y, bandwidth):
    def sum_of(a, b):
        return np.exp(-cdist(a, b, "sqeuclidean") / (2 * bandwidth**2)).sum()

    n, m = len(x), len(y)
    return (
        (sum_of(x, x) - n) / (n * (n - 1)) + (sum_of(y, y) - m) / (m * (m - 1)) - 2 * sum_of(x, y) / (n * m)
    )


def scaled(rows):
    return np.clip(RobustScaler(unit_variance=True).fit_transform(rows), -10, 10)


def lsdd(x, y):
    """With all rows as centres, for each regularisation."""
    rows = scaled(np.vstack([x, y]))
    bandwidth = np.median(pdist(rows))
    squares = cdist(rows, rows, "sqeuclidean")
    kernels = np.exp(-squares / (2 * bandwidth**2))
    products = np.exp(-squares / (4 * bandwidth**2))
    h = kernels[: len(x)].mean(axis=0) - kernels[len(x) :].mean(axis=0)
    found = {}
    for exponent in range(-3, 2):
        theta = np.linalg.solve(products + 10.0**exponent * np.eye(len(rows)), h)
        found[str(exponent)] = 2 * h @ theta - theta @ products @ theta
    return bandwidth, found


def weights(x, y, l2, quadratic):
    rows = scaled(np.vstack([x, y]))
    if quadratic:
        d = rows.shape[1]
        products = [rows[:, i] * rows[:, j] for i in range(d) for j in range(i, d)]
        rows = scaled(np.column_stack([rows, *products]))
    labels = np.repeat([0, 1], [len(x), len(y)])
    model = LogisticRegression(C=1 / l2, solver="newton-cholesky", tol=1e-14, max_iter=1000)
    return model.fit(rows, labels).coef_[0].tolist()


def stratified(pairs):
    """The sum of U, and its two-sided probability from the normal limit."""
    total, excess, variance = 0.0, 0.0, 0.0
    for a, b in pairs:
        n, m = len(a), len(b)
        ranks = stats.rankdata(np.concatenate([a, b]))
        u = ranks[:n].sum() - n * (n + 1) / 2
        total += u
        excess += u - n * m / 2
        # Of ranks without replacement.
        variance += n * m / (n + m) * ranks.var(ddof=1)
    return [total, 2 * stats.norm.sf(max(abs(excess) - 0.5, 0) / np.sqrt(variance))]


def weighted_chi_square(eigenvalues, value):
    """The probability of at least this value (Imhof 1961)."""
    w = np.array(eigenvalues)

    def term(u):
        angle = 0.5 * np.arctan(w * u).sum() - 0.5 * value * u
        return np.sin(angle) / (u * np.exp(0.25 * np.log1p((w * u) ** 2).sum()))

    parts = [integrate.quad(term, a, b, limit=2000, epsabs=1e-13)[0] for a, b in zip(EDGES, EDGES[1:])]
    return 0.5 + sum(parts) / np.pi


EDGES = [0, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512]

samples = []
for seed, n, m, d, shift in [(1, 12, 9, 1, 0.0), (2, 30, 40, 2, 0.5), (3, 80, 50, 5, 0.1), (4, 60, 120, 8, 0.0)]:
    random = SplitMix64(seed)
    x, y = random.rows(n, d), random.rows(m, d) + shift
    pooled = np.vstack([x, y])
    bandwidth = np.median(pdist(pooled))
    covariance = LedoitWolf().fit(pooled)
    bandwidth_scaled, lsdds = lsdd(x, y)
    folds = [(x[i::3, 0].round(1), y[i::3, 0].round(1)) for i in range(3)]
    samples.append(
        {
            "seed": seed, "reference": n, "current": m, "columns": d, "shift": shift,
            "bandwidth": bandwidth, "mmd": mmd(x, y, bandwidth), "mmd_narrow": mmd(x, y, 0.7),
            "scaled": scaled(pooled)[-1].tolist(),
            "lsdd_bandwidth": bandwidth_scaled, "lsdd": lsdds,
            "linear": weights(x, y, 10.0, False),
            "quadratic": weights(x, y, 1.0, True) if d <= 2 else [],
            "intensity": covariance.shrinkage_, "shrunk": covariance.covariance_[0].tolist(),
            "stratified": stratified(folds),
        }
    )

laws = []
for eigenvalues in [[1.0] * 6, [3.0, 1.0, 1.0, 0.5, 0.1], [0.5**i for i in range(12)], [1.0, *[0.05] * 40]]:
    dof = sum(eigenvalues) ** 2 / sum(w * w for w in eigenvalues)
    for p in [0.3, 0.1, 0.05, 0.01, 0.001]:
        value = stats.chi2.isf(p, dof) * sum(eigenvalues) / dof
        laws.append({"eigenvalues": eigenvalues, "value": value, "p_value": weighted_chi_square(eigenvalues, value)})

path = pathlib.Path(__file__).with_name("golden.json")
path.write_text(json.dumps({"samples": samples, "laws": laws}, indent=1) + "\n")
