"""Writes golden.json beside this file: what the tests in this folder hold the crate to.

    python -m venv venv && venv/bin/pip install scipy==1.17.1 numpy==2.4.6 mpmath==1.3.0
    venv/bin/python make_golden.py

SciPy where SciPy is right; 50 digits of mpmath, or exact integers, where it is not. Samples are made by the
same rule here and in samples.rs, so that only seeds and results are kept.
"""

import json
import math
import pathlib
import warnings
from fractions import Fraction

import mpmath as mp
import numpy as np
import scipy
from scipy import stats

assert scipy.__version__ == "1.17.1", scipy.__version__
warnings.simplefilter("ignore")
mp.mp.dps = 50
MASK = (1 << 64) - 1


class SplitMix64:
    """Steele, Lea & Flood (2014)."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def unit(self):
        return (self.next() >> 11) * 2.0**-53


def value(random, kind):
    if kind == "uniform":
        return random.unit()
    if kind == "bell":
        return random.unit() + random.unit() + random.unit() + random.unit() - 2.0
    if kind == "heavy":
        u = random.unit()
        return u / (1.0 - u)
    if kind == "five":
        return math.floor(random.unit() * 5.0) * 1.0
    if kind == "forty":
        return math.floor(random.unit() * 40.0) / 8.0
    if kind == "constant":
        return 1.0
    raise ValueError(kind)


def samples(seed, n1, n2, kind, scale, shift):
    random = SplitMix64(seed)
    first = [value(random, kind) for _ in range(n1)]
    second = [value(random, kind) * scale + shift for _ in range(n2)]
    return np.array(first), np.array(second)


def number(x):
    """A JSON number; null for what SciPy has no number for."""
    x = float(x)
    return x if math.isfinite(x) else None


def one_sided_paths(n1, n2, reach):
    """The share of lattice paths on which i n2 - j n1 reaches `reach`, in exact integers."""
    inside = [0] * (n2 + 1)
    for i in range(n1 + 1):
        for j in range(n2 + 1):
            if i == 0 and j == 0:
                paths = 1
            else:
                paths = (inside[j] if i > 0 else 0) + (inside[j - 1] if j > 0 else 0)
            inside[j] = 0 if i * n2 - j * n1 >= reach else paths
    total = math.comb(n1 + n2, n1)
    return float(Fraction(total - inside[n2], total))


def reaches(a, b):
    """The largest F1 - F2 and F2 - F1, times n1 n2, in integers."""
    points = np.unique(np.concatenate([a, b]))
    f1 = np.searchsorted(np.sort(a), points, side="right").astype(object) * len(b)
    f2 = np.searchsorted(np.sort(b), points, side="right").astype(object) * len(a)
    return max(0, max(f1 - f2)), max(0, max(f2 - f1))


def cvm_limit(x):
    """P(omega^2 > x), by the series in Bessel functions, to enough digits to be subtracted from 1."""
    x = mp.mpf(x)
    with mp.workdps(60 + int(3.0 * float(x))):
        total = mp.mpf(0)
        k = 0
        while True:
            y = 4 * k + 1
            q = mp.mpf(y) ** 2 / (16 * x)
            term = mp.gamma(k + mp.mpf(1) / 2) / mp.factorial(k) / (mp.pi ** mp.mpf("1.5") * mp.sqrt(x))
            term *= mp.sqrt(y) * mp.exp(-q) * mp.besselk(mp.mpf(1) / 4, q)
            total += term
            if term < mp.mpf(10) ** (-mp.mp.dps + 5):
                return float(1 - total)
            k += 1


def cvm_asymptotic(a, b):
    n1, n2 = len(a), len(b)
    ranks = stats.rankdata(np.concatenate([a, b]))
    twice = lambda part: sum((Fraction(float(r)) - i) ** 2 for i, r in enumerate(np.sort(part), 1))
    u = n1 * twice(ranks[:n1]) + n2 * twice(ranks[n1:])
    k, n = n1 * n2, n1 + n2
    t = u / (k * n) - Fraction(4 * k - 1, 6 * n)
    mean = (1 + Fraction(1, n)) / 6
    variance = Fraction((n + 1) * (4 * k * n - 3 * (n1**2 + n2**2) - 2 * k), 180 * n**2 * k)
    d = t - mean
    tn = mp.mpf(1) / 6 + mp.mpf(d.numerator) / d.denominator / mp.sqrt(
        45 * mp.mpf(variance.numerator) / variance.denominator)
    return 1.0 if tn <= 0.003 else cvm_limit(tn)


def epps_singleton(a, b):
    """None where SciPy has no answer, or its covariance is too near singular for nine digits."""
    if min(len(a), len(b)) < 5:
        return None
    sigma = stats.iqr(np.concatenate([a, b])) / 2
    if sigma == 0:
        return None
    t = np.array([0.4, 0.8]).reshape(-1, 1) / sigma
    g = lambda x: np.vstack([np.cos(t * x), np.sin(t * x)])
    n = len(a) + len(b)
    covariance = n / len(a) * np.cov(g(a), bias=True) + n / len(b) * np.cov(g(b), bias=True)
    if np.linalg.cond(covariance) > 1e5:
        return None
    result = stats.epps_singleton_2samp(a, b)
    return [float(result.statistic), float(result.pvalue)]


def kolmogorov_limit(x):
    x = mp.mpf(x)
    if x > 0.5:
        return float(2 * mp.fsum((-1) ** (k - 1) * mp.exp(-2 * k**2 * x**2) for k in range(1, 60)))
    terms = (mp.exp(-(((2 * k - 1) * mp.pi / x) ** 2) / 8) for k in range(1, 60))
    return float(1 - mp.sqrt(2 * mp.pi) / x * mp.fsum(terms))


def kuiper_limit(x):
    x = mp.mpf(x)
    if x > 0.5:
        return float(2 * mp.fsum((4 * k**2 * x**2 - 1) * mp.exp(-2 * k**2 * x**2) for k in range(1, 60)))
    terms = (k**2 * mp.exp(-((mp.pi * k / x) ** 2) / 2) for k in range(1, 60))
    return float(1 - mp.sqrt(2 * mp.pi) * mp.pi**2 / x**3 * mp.fsum(terms))


def case(seed, n1, n2, kind, scale, shift):
    a, b = samples(seed, n1, n2, kind, scale, shift)
    above, below = reaches(a, b)
    ks = {method: stats.ks_2samp(a, b, method=method) for method in ("auto", "asymp")}
    asymptotic = lambda alternative: number(
        stats.ks_2samp(a, b, method="asymp", alternative=alternative).pvalue)
    small = n1 * n2 <= 40_000
    cvm = stats.cramervonmises_2samp(a, b)
    tied = len(np.unique(np.concatenate([a, b]))) == 1
    ad = None if tied or n1 + n2 < 4 else stats.anderson_ksamp(
        [a, b], variant="midrank")
    mwu = {alternative: stats.mannwhitneyu(a, b, alternative=alternative)
           for alternative in ("two-sided", "less", "greater")}
    bm = {alternative: stats.brunnermunzel(a, b, alternative=alternative)
          for alternative in ("two-sided", "less", "greater")}
    v = mp.mpf(above + below) / (n1 * n2)
    root = mp.sqrt(mp.mpf(n1 * n2) / (n1 + n2))
    welch = stats.ttest_ind(a, b, equal_var=False)
    student = stats.ttest_ind(a, b)
    return {
        "sample": [seed, n1, n2, kind, scale, shift],
        "ks": [number(ks["auto"].statistic), number(ks["auto"].pvalue), number(ks["asymp"].pvalue)],
        # "less" here is our name: the first sample tends to smaller values.
        "ks_less": [one_sided_paths(n1, n2, above) if small else None, asymptotic("greater")],
        "ks_greater": [one_sided_paths(n2, n1, below) if small else None, asymptotic("less")],
        "cvm": [number(cvm.statistic), number(cvm.pvalue),
                cvm_asymptotic(a, b) if n1 + n2 <= 5000 else None],
        "ad": None if ad is None else [number(ad.statistic), number(ad.pvalue)],
        "mwu": [number(mwu["two-sided"].statistic)] + [number(r.pvalue) for r in mwu.values()],
        "mwu_exact": [number(mwu["two-sided"].statistic),
                      number(stats.mannwhitneyu(a, b, method="exact").pvalue)]
        if len(np.unique(np.concatenate([a, b]))) == n1 + n2 and n1 * n2 <= 3000 else None,
        "es": epps_singleton(a, b),
        "bm": [number(bm["two-sided"].statistic)] + [number(r.pvalue) for r in bm.values()],
        "student": [number(student.statistic), number(student.pvalue)],
        "welch": [number(welch.statistic), number(welch.pvalue)],
        "w1": number(stats.wasserstein_distance(a, b)),
        "normed_w1": number(stats.wasserstein_distance(a, b) / np.std(a)) if np.std(a) > 0 else None,
        "energy": number(stats.energy_distance(a, b)),
        "kuiper": [float(v), kuiper_limit(v * (root + mp.mpf("0.155") + mp.mpf("0.24") / root))
                   if v > 0 else 1.0],
    }


def cases():
    kinds = ["uniform", "bell", "heavy", "five", "forty"]
    shifts = [0.0, 0.0, 0.25, 0.5, 1.0, 3.0]
    random = SplitMix64(2026)
    below = lambda bound: int(random.unit() * bound)
    for seed in range(260):
        largest = 6 if seed < 50 else 22 if seed < 130 else 60 if seed < 230 else 200
        n1, n2 = 2 + below(largest), 2 + below(largest)
        if seed % 4 == 0:
            n2 = n1
        yield case(seed, n1, n2, kinds[below(5)], [1.0, 1.0, 2.0][below(3)], shifts[below(6)])
    for seed, (n1, n2, kind, scale, shift) in enumerate([
        (5, 9, "constant", 1.0, 0.0), (6, 6, "constant", 1.0, 2.0), (8, 300, "bell", 1.0, 0.5),
        (20, 19, "uniform", 1.0, 0.125), (2000, 1000, "bell", 1.0, 0.0625), (900, 901, "heavy", 1.0, 0.25),
        (5000, 5000, "bell", 1.0, 0.03125), (4000, 3001, "bell", 1.0, 0.5), (10000, 9999, "uniform", 1.0, 0.0078125),
        (12000, 15000, "bell", 1.0, 0.03125), (20000, 30001, "heavy", 1.0, 0.0),
        (15000, 15000, "forty", 1.0, 0.5), (20000, 20000, "bell", 1.0, 0.5),
    ]):
        yield case(1000 + seed, n1, n2, kind, scale, shift)


def anderson_k():
    """The Anderson-Darling test of three and four samples: seed, kind, sizes, shift of the last, results."""
    random = SplitMix64(77)
    for seed in range(40):
        kind = ["bell", "heavy", "five", "forty"][seed % 4]
        sizes = [3 + int(random.unit() * 30) for _ in range(3 + seed % 2)]
        shift = [0.0, 0.0, 0.5, 1.0][int(random.unit() * 4)]
        values = SplitMix64(seed)
        parts = [np.array([value(values, kind) for _ in range(size)]) for size in sizes]
        parts[-1] = parts[-1] + shift
        result = stats.anderson_ksamp(parts, variant="midrank")
        yield [seed, kind, sizes, shift, float(result.statistic), float(result.pvalue)]


def kstwo():
    sizes = [1, 2, 3, 4, 5, 7, 10, 20, 50, 100, 139, 140, 141, 142, 200, 500, 1000, 1001, 3000, 5000, 10_000,
             100_000, 500_000, 1_000_000]
    scaled = [0.17, 0.2, 0.24, 0.26, 0.3, 0.4, 0.5, 0.6, 0.8, 0.86, 0.88, 1.0, 1.2, 1.4, 1.48, 1.49, 1.99, 2.01, 3.0,
              5.0, 8.0, 12.0, 16.0, 18.0, 18.5]
    for n in sizes:
        distances = [z / math.sqrt(n) for z in scaled] + [0.6 / n, 1.0 / n, 1.5 / n, 0.25, 0.49, 0.5, 0.51, 0.9,
                                                           1.0 - 0.5 / n, 1.0 - 1.5 / n]
        for d in distances:
            if 0.0 < d < 1.0:
                p = float(stats.kstwo.sf(d, n))
                if p > 1e-300:
                    yield [n, d, p]


def smirnov():
    """Birnbaum & Tingey's sum in 50 digits, over the terms that count."""
    for n, z in [(50, 0.3), (300, 1.0), (1200, 0.2), (1200, 2.5), (2000, 2.0), (2000, 18.0), (5000, 1.2), (8000, 0.95),
                 (8000, 10.0), (500_000, 0.5), (500_000, 2.0), (500_000, 10.0), (500_000, 18.4)]:
        d = z / math.sqrt(n)
        x = mp.mpf(d)
        j = np.arange(0, int(n * (1 - d)) + 1, dtype=float)
        p = d + j / n
        logs = (scipy.special.gammaln(n + 1) - scipy.special.gammaln(j + 1) - scipy.special.gammaln(n - j + 1)
                + (j - 1) * np.log(p) + (n - j) * np.log1p(-p))
        total = mp.mpf(0)
        inside = np.nonzero(logs > logs.max() - 50)[0]
        with mp.workdps(35):
            binomial = mp.loggamma(n + 1) - mp.loggamma(int(inside[0]) + 1) - mp.loggamma(n - int(inside[0]) + 1)
            binomial = mp.exp(binomial)
            last = int(inside[0])
            for index in inside:
                index = int(index)
                while last < index:
                    binomial = binomial * (n - last) / (last + 1)
                    last += 1
                share = x + mp.mpf(index) / n
                total += binomial * share ** (index - 1) * (1 - share) ** (n - index)
            yield [n, d, float(total * x)]


def limits():
    for x in [0.1, 0.2, 0.5, 0.8, 0.99, 1.0, 1.01, 1.5, 2.0, 4.0, 10.0, 18.5]:
        yield [x, kolmogorov_limit(x), kuiper_limit(x)]


golden = {
    "made_with": {"scipy": scipy.__version__, "numpy": np.__version__, "mpmath": mp.__version__},
    "kstwo": list(kstwo()),
    "smirnov": list(smirnov()),
    "limits": list(limits()),
    "cvm_limit": [[x, cvm_limit(x)] for x in [
        0.004, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.46136, 0.74346, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0, 70.0,
        100.0, 125.0, 139.0]],
    "anderson_k": list(anderson_k()),
    "cases": list(cases()),
}
path = pathlib.Path(__file__).with_name("golden.json")
lines = []
for name, part in golden.items():
    if isinstance(part, list):
        rows = ",\n".join(json.dumps(row) for row in part)
        lines.append(f"{json.dumps(name)}: [\n{rows}\n]")
    else:
        lines.append(f"{json.dumps(name)}: {json.dumps(part)}")
path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
