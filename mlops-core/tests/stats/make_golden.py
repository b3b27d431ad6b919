"""Writes golden.json: what mpmath, scipy and statsmodels say of the functions of `mlops_core::stats`.

    python -m venv venv
    venv/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.14.6 mpmath==1.3.0
    venv/bin/python make_golden.py  # a minute

Special functions and distributions are computed at 60 digits. Tests, intervals and corrections are those of
scipy and statsmodels. Of online testing and confidence sequences no package is at hand: the formulas of the
papers are written out here over whole arrays, in another way than the crate goes about it.
"""

import json
import math
import pathlib
import warnings

import mpmath as mp
import numpy as np
import scipy.special
import scipy.stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

mp.mp.dps = 60
SMALLEST = mp.mpf("1e-300")
random = np.random.default_rng(20171128)


# Special functions -----------------------------------------------------------------------------------


def incomplete_gamma(a, x):
    """P and Q."""
    a, x = mp.mpf(a), mp.mpf(x)
    prefix = mp.exp(a * mp.log(x) - x - mp.loggamma(a + 1))
    if x < a + 1:
        total = term = mp.mpf(1)
        n = 0
        while term > total * mp.mpf("1e-40"):
            n += 1
            term *= x / (a + n)
            total += term
        return prefix * total, 1 - prefix * total
    b = x + 1 - a
    c, d = mp.mpf("1e400"), 1 / b
    value = d
    n = 0
    while True:
        n += 1
        b += 2
        d = 1 / (b - n * (n - a) * d)
        c = b - n * (n - a) / c
        value *= c * d
        if abs(c * d - 1) < mp.mpf("1e-40"):
            return 1 - prefix * a * value, prefix * a * value


def beta_fraction(a, b, x, y):
    """I_x(a, b) for x below the mean, by the continued fraction DLMF 8.17.22."""
    prefix = mp.exp(a * mp.log(x) + b * mp.log(y) + mp.loggamma(a + b) - mp.loggamma(a + 1) - mp.loggamma(b))
    c, d = mp.mpf(1), 1 / (1 - (a + b) * x / (a + 1))
    value = d
    m = 0
    while True:
        m += 1
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = value
        for step in (even, odd):
            d = 1 / (1 + step * d)
            c = 1 + step / c
            value *= c * d
        if abs(value / before - 1) < mp.mpf("1e-40"):
            return prefix * value


def incomplete_beta(a, b, x, y):
    """I_x(a, b) and its complement, for y = 1 - x."""
    a, b, x, y = map(mp.mpf, (a, b, x, y))
    if x < (a + 1) / (a + b + 2):
        lower = beta_fraction(a, b, x, y)
        return lower, 1 - lower
    upper = beta_fraction(b, a, y, x)
    return 1 - upper, upper


for a, x in [(0.5, 0.2), (3.5, 9.0), (100, 90), (100, 130)]:
    assert abs(incomplete_gamma(a, x)[1] - mp.gammainc(a, x, mp.inf, regularized=True)) < mp.mpf("1e-35")
for a, b, x in [(0.5, 0.5, 0.3), (3, 7.5, 0.9), (40, 60, 0.4)]:
    exact = mp.betainc(a, b, 0, mp.mpf(x), regularized=True)
    assert abs(incomplete_beta(a, b, x, 1 - mp.mpf(x))[0] - exact) < mp.mpf("1e-35")


def stirling():
    cases = []
    for n in [1e-3, 0.1, 0.5, 0.99, 1, 1.5, 2, 3.25, 7, 9.99, 10, 10.01, 15, 33.3, 100, 1e4, 1e9, 1e15]:
        n_ = mp.mpf(n)
        error = mp.loggamma(n_ + 1) - mp.log(2 * mp.pi * n_) / 2 - n_ * mp.log(n_) + n_
        cases.append([float(n), float(error)])
    return cases


def deviances():
    cases = []
    for x in [0.3, 1, 17, 1e3, 1e6, 1e9]:
        for ratio in [1e-3, 0.2, 0.45, 0.9, 0.999, 1.000001, 1.05, 2.2, 2.5, 40]:
            np_ = float(x * ratio)
            exact = mp.mpf(x) * mp.log(mp.mpf(x) / mp.mpf(np_)) + mp.mpf(np_) - mp.mpf(x)
            cases.append([float(x), np_, float(exact)])
    return cases


def choices():
    pairs = [(5, 2), (30, 15), (100, 3), (1000, 999), (10**6, 5 * 10**5), (10**6, 7), (10**9, 3 * 10**8), (2**52, 12345)]
    return [[n, k, float(mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1))] for n, k in pairs]


def gammas():
    cases = []
    for a in [0.1, 0.5, 1, 1.5, 2.5, 10, 50.5, 100, 1e3, 9.9e3, 1.01e4, 1e5, 1e6, 1e8, 1e9]:
        zs = [-30, -3, 0, 3, 30] if a > 1e7 else [-36, -20, -8, -3, -1, -0.1, 0, 0.1, 1, 3, 8, 20, 36]
        points = {float(a + z * math.sqrt(a)) for z in zs}
        if a < 1e4:
            points |= {a * factor for factor in [1e-6, 0.01, 0.5, 2.0, 5.0]}
        if a < 200:
            points |= {50.0, 300.0, 680.0}
        for x in sorted(points):
            if x > 0:
                p, q = incomplete_gamma(a, x)
                if min(p, q) > SMALLEST:
                    cases.append([float(a), x, float(p), float(q)])
    while len(cases) < 400:
        a = 10 ** random.uniform(-1, 6)
        x = a + 8 * random.normal() * math.sqrt(a)
        if x > 0:
            p, q = incomplete_gamma(a, x)
            if min(p, q) > SMALLEST:
                cases.append([a, x, float(p), float(q)])
    return cases


def betas():
    cases = []
    pairs = [
        (0.5, 0.5), (1, 1), (2, 3), (0.05, 4), (0.5, 10), (10, 0.5), (5, 500), (500, 5.5), (1e3, 1e3), (2e4, 3.25),
        (1e6, 0.5), (0.5, 1e6), (1e6, 1e6), (1e6, 3), (3e5, 7e5), (1e8, 2.5), (2e8, 1e8), (1e9, 1e9),
    ]
    for a, b in pairs:
        mean, deviation = a / (a + b), math.sqrt(a * b / (a + b) ** 2 / (a + b + 1))
        zs = [-30, -3, 0, 4, 30] if min(a, b) > 1e7 else [-35, -10, -3, -1, 0, 0.5, 2, 5, 20, 35]
        points = {mean + z * deviation for z in zs}
        if a + b < 1e4:
            points |= {1e-9, 1e-3, 0.1, 0.5, 0.9, 0.999}
        for x in sorted(points):
            if 0 < x < 1:
                lower, upper = incomplete_beta(a, b, x, 1 - mp.mpf(x))
                if min(lower, upper) > SMALLEST:
                    cases.append([float(a), float(b), x, float(lower), float(upper)])
    # Parameters whose sum is not a double.
    while len(cases) < 400:
        a, b = 10 ** random.uniform(-1.5, 6), 10 ** random.uniform(-1.5, 6)
        x = a / (a + b) + 8 * random.normal() * math.sqrt(a * b / (a + b) ** 2 / (a + b + 1))
        if 0 < x < 1:
            lower, upper = incomplete_beta(a, b, x, 1 - mp.mpf(x))
            if min(lower, upper) > SMALLEST:
                cases.append([float(a), float(b), x, float(lower), float(upper)])
    return cases


# Distributions ---------------------------------------------------------------------------------------


def newton(x, f, density, target):
    """The root of f(x) = target, f falling, from a good start."""
    x = mp.mpf(x)
    for _ in range(60):
        step = (f(x) - target) / density(x)
        x += step
        if abs(step) < abs(x) * mp.mpf("1e-35"):
            return x
    raise ArithmeticError("no root")


def normals():
    values = [-37.5, -30, -12.3, -5, -1.96, -1, -0.1, 0, 1e-9, 0.3, 1, 2.5758, 6, 8.3, 15, 26, 37.5]
    cases = []
    for x in values:
        pdf = mp.exp(-mp.mpf(x) ** 2 / 2) / mp.sqrt(2 * mp.pi)
        cases.append([x, float(pdf), float(mp.erfc(-mp.mpf(x) / mp.sqrt(2)) / 2), float(mp.erfc(mp.mpf(x) / mp.sqrt(2)) / 2)])
    return cases


def normal_quantiles():
    cases = []
    for p in [1e-300, 1e-100, 1e-20, 1e-12, 1e-11, 1e-5, 0.001, 0.025, 0.0749, 0.0751, 0.3, 0.4999, 0.6, 0.925, 0.95, 0.999, 1 - 1e-10]:
        start = -mp.mpf(scipy.special.ndtri(p))
        root = newton(start, lambda x: mp.erfc(x / mp.sqrt(2)) / 2, lambda x: mp.npdf(x), mp.mpf(p))
        cases.append([p, float(-root)])
    return cases


def chi_squares():
    cases = []
    for dof in [1, 2, 3, 5, 10.5, 100, 1e4, 1e6]:
        for p in [1e-280, 1e-50, 1e-9, 0.01, 0.3, 0.5, 0.9, 0.99, 1 - 2.0**-30]:
            a = mp.mpf(dof) / 2
            density = lambda x: mp.exp((a - 1) * mp.log(x) - x - mp.loggamma(a))
            tail = lambda x: incomplete_gamma(a, x)[1]
            start = scipy.stats.chi2.ppf(p, dof) / 2
            if not start > 0:
                start = float(mp.exp((mp.log(p) + mp.loggamma(a + 1)) / a))
            if start < 1e-300:
                continue
            # On the logarithm, which is straight enough wherever the root is.
            x = mp.mpf(start)
            for _ in range(80):
                lower = incomplete_gamma(a, x)[0]
                step = mp.log(lower / mp.mpf(p)) * lower / (x * density(x))
                x *= mp.exp(-step)
                if abs(step) < mp.mpf("1e-30"):
                    break
            else:
                raise ArithmeticError("no root")
            cases.append([float(dof), p, float(2 * x)])
    return cases


def student_ts():
    cases = []
    for dof in [0.5, 1, 2, 3.7, 5, 30, 1e3, 2e6, 1e9]:
        for t in [1e-8, 0.01, 0.5, 1, 1.96, 3, 5, 10, 20, 36, 100, 1e5, 1e12, 1e60, 1e200]:
            dof_, square = mp.mpf(dof), mp.mpf(t) ** 2
            x, y = dof_ / (dof_ + square), square / (dof_ + square)
            tail = incomplete_beta(dof_ / 2, mp.mpf(1) / 2, x, y)[0] / 2 if x > mp.mpf("1e-300") else None
            if tail is None:
                # The leading term.
                a = dof_ / 2
                tail = mp.exp(a * mp.log(x) - mp.log(a) - mp.log(mp.beta(a, mp.mpf(1) / 2))) / 2
            if tail > SMALLEST:
                cases.append([float(dof), t, float(tail)])
    while len(cases) < 250:
        dof, t = 10 ** random.uniform(-0.5, 6), 10 ** random.uniform(-3, 2)
        dof_, square = mp.mpf(dof), mp.mpf(t) ** 2
        tail = incomplete_beta(dof_ / 2, mp.mpf(1) / 2, dof_ / (dof_ + square), square / (dof_ + square))[0] / 2
        if tail > SMALLEST:
            cases.append([dof, t, float(tail)])
    return cases


def student_t_quantiles():
    cases = []
    for dof in [0.7, 1, 2, 4.5, 30, 1e3, 2e6]:
        for p in [1e-290, 1e-40, 1e-6, 0.005, 0.025, 0.2, 0.26, 0.499, 0.4999999]:
            dof_ = mp.mpf(dof)
            density = lambda t: mp.exp(
                mp.loggamma((dof_ + 1) / 2) - mp.loggamma(dof_ / 2) - mp.log(dof_ * mp.pi) / 2 - (dof_ + 1) / 2 * mp.log1p(t * t / dof_)
            )
            tail = lambda t: incomplete_beta(dof_ / 2, mp.mpf(1) / 2, dof_ / (dof_ + t * t), t * t / (dof_ + t * t))[0] / 2
            t = mp.mpf(max(-scipy.stats.t.ppf(p, dof), 1e-12))
            if not mp.isfinite(t):
                t = mp.mpf(2) ** 30
            for _ in range(200):
                now = tail(t)
                step = mp.log(now / mp.mpf(p)) * now / (t * density(t))
                t *= mp.exp(min(step, mp.mpf(50)))
                if abs(step) < mp.mpf("1e-30"):
                    break
            else:
                raise ArithmeticError("no root")
            if t < mp.mpf("1e300"):
                cases.append([float(dof), p, float(-t)])
    return cases


def binomials():
    cases = []
    for n, p in [(1, 0.3), (10, 0.5), (57, 0.01), (1000, 0.2), (10**6, 0.5), (10**6, 1e-6), (10**6, 0.999), (10**8, 0.25), (10**9, 1e-3)]:
        deviation = math.sqrt(n * p * (1 - p))
        for k in sorted({round(n * p + z * deviation) for z in [-30, -5, -1, 0, 1, 3, 10, 34]} | {0, n}):
            if 0 <= k <= n:
                p_ = mp.mpf(p)
                pmf = mp.exp(
                    mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1) + k * mp.log(p_) + (n - k) * mp.log1p(-p_)
                )
                upper, lower = incomplete_beta(k + 1, n - k, p_, 1 - p_) if k < n else (mp.mpf(0), mp.mpf(1))
                if pmf > SMALLEST:
                    cases.append([k, n, p, float(pmf), float(lower), float(upper)])
    return cases


def hypergeometrics():
    cases = []
    tables = [
        (10, 4, 8), (30, 15, 15), (100, 7, 50), (1000, 300, 20), (20000, 10000, 500), (10**6, 10**3, 10**5),
        (10**6, 4 * 10**5, 6 * 10**5), (10**9, 10**4, 10**6), (10**9, 5 * 10**8, 10**5), (10**9, 3 * 10**8, 2 * 10**7),
    ]
    for total, successes, draws in tables:
        mean = total * (successes / total) * (draws / total)
        deviation = math.sqrt(mean * (1 - successes / total) * (total - draws) / (total - 1))
        low, high = max(0, draws + successes - total), min(draws, successes)
        ln_choose = lambda n, k: mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)

        def pmf(k):
            if not low <= k <= high:
                return mp.mpf(0)
            return mp.exp(ln_choose(successes, k) + ln_choose(total - successes, draws - k) - ln_choose(total, draws))

        def outwards(k, step):
            term = result = pmf(k)
            while low <= k + step <= high and term > result * mp.mpf("1e-30"):
                if step > 0:
                    term *= mp.mpf((successes - k) * (draws - k)) / ((k + 1) * (total - successes - draws + k + 1))
                else:
                    term *= mp.mpf(k * (total - successes - draws + k)) / ((successes - k + 1) * (draws - k + 1))
                k += step
                result += term
            return result

        for k in sorted({round(mean + z * deviation) for z in [-30, -6, -1, 0, 1, 4, 12, 35]} | {low, high}):
            if low <= k <= high and pmf(k) > SMALLEST:
                if k < mean:
                    lower = outwards(k, -1)
                    upper = 1 - lower
                else:
                    upper = outwards(k + 1, 1) if k < high else mp.mpf(0)
                    lower = 1 - upper
                cases.append([k, total, successes, draws, float(pmf(k)), float(lower), float(upper)])
    return cases


# Tests and intervals ---------------------------------------------------------------------------------

ALTERNATIVES = {"two-sided": "two-sided", "less": "smaller", "greater": "larger"}


def sample(size):
    kind = random.integers(4)
    if kind == 0:
        values = random.normal(random.normal(), random.exponential() + 0.01, size)
    elif kind == 1:
        values = random.integers(0, 4, size).astype(float)
    elif kind == 2:
        values = 1e3 + random.exponential(1.0, size)
    else:
        values = random.standard_t(2, size) * 1e-3
    values = np.round(values, 4)
    if np.ptp(values) == 0:
        values[0] += 1.0
    return values


def means():
    cases = []
    for _ in range(250):
        x, y = sample(random.integers(2, 25)), sample(random.integers(2, 25))
        if random.random() < 0.1:
            y = y * 0 + 3.0
        case = {"x": x.tolist(), "y": y.tolist(), "mean": float(mp.fsum(map(mp.mpf, x.tolist())) / len(x))}
        exact = [mp.mpf(value) for value in x.tolist()]
        center = mp.fsum(exact) / len(x)
        case["variance"] = float(mp.fsum((value - center) ** 2 for value in exact) / (len(x) - 1))
        for name, other in ALTERNATIVES.items():
            student = scipy.stats.ttest_ind(x, y, alternative=name)
            welch = scipy.stats.ttest_ind(x, y, equal_var=False, alternative=name)
            z = CompareMeans(DescrStatsW(x), DescrStatsW(y)).ztest_ind(alternative=other, usevar="unequal")
            case[name] = [[float(v) for v in pair] for pair in [(student.statistic, student.pvalue), (welch.statistic, welch.pvalue), z]]
        interval = scipy.stats.ttest_1samp(x, 0.0).confidence_interval(0.9)
        case["interval"] = [float(interval.low), float(interval.high)]
        cases.append(case)
    return cases


def proportions():
    cases = []
    for _ in range(300):
        n, m = int(10 ** random.uniform(0, 5)), int(10 ** random.uniform(0, 5))
        a, c = int(random.integers(0, n + 1)), int(random.integers(0, m + 1))
        if random.random() < 0.4:
            rate = random.uniform(0, 0.1)
            a, c = int(random.binomial(n, rate)), int(random.binomial(m, rate))
        case = {"counts": [a, n, c, m]}
        for name, other in ALTERNATIVES.items():
            z = proportions_ztest([a, c], [n, m], alternative=other) if 0 < a + c < n + m else (0.0, 1.0)
            case[name] = [float(v) for v in z]
        case["wilson"] = [float(v) for v in proportion_confint(a, n, alpha=0.05, method="wilson")]
        exact = scipy.stats.binomtest(a, n).proportion_ci(0.95, method="exact")
        case["clopper_pearson"] = [float(exact.low), float(exact.high)]
        case["newcombe"] = [float(v) for v in confint_proportions_2indep(a, n, c, m, method="newcomb", compare="diff", alpha=0.05)]
        cases.append(case)
    return cases


def fishers():
    cases = []
    for index in range(500):
        table = random.integers(0, [4, 10, 40, 300, 3000][index % 5], (2, 2))
        if index % 7 == 0:
            table[1] = table[0][::-1]
        if index % 11 == 0:
            table[1, 1] = table[0, 1]
            table[1, 0] = max(0, table[0, 0] - 1)
        case = {"table": table.tolist()}
        for name in ALTERNATIVES:
            result = scipy.stats.fisher_exact(table, alternative=name)
            odds = float(result.statistic)
            case[name] = ["inf" if math.isinf(odds) else 1.0 if math.isnan(odds) else odds, float(result.pvalue)]
        cases.append(case)
    return cases


def corrections():
    cases = []
    methods = {"bonferroni": "bonferroni", "holm": "holm", "benjamini_hochberg": "fdr_bh", "benjamini_yekutieli": "fdr_by"}
    for _ in range(150):
        size = int(random.integers(1, 40))
        p_values = np.round(random.beta(0.5, 2, size), int(random.integers(1, 9)))
        case = {"p_values": p_values.tolist()}
        for name, method in methods.items():
            case[name] = [float(v) for v in multipletests(p_values, method=method)[1]]
        cases.append(case)
    return cases


# Online testing --------------------------------------------------------------------------------------


def online():
    cases = []
    for index in range(8):
        count, alpha = 300, [0.05, 0.2][index % 2]
        wealth = [0.5, 0.1][index // 2 % 2] * alpha
        false = random.random(count) < [0.0, 0.1, 0.5, 0.9][index // 2]
        p_values = np.round(np.where(false, random.beta(0.1, 10, count), random.random(count)), 9)
        times = np.arange(1, 400, dtype=float)
        lord = 0.07720838 * np.log(np.maximum(times, 2)) / (times * np.exp(np.sqrt(np.log(times))))
        saffron = times**-1.6 * 0.4374901658
        case = {"alpha": alpha, "wealth": wealth / alpha, "p_values": p_values.tolist()}

        levels, rejections = [], []
        for t in range(1, count + 1):
            level = wealth * lord[t - 1]
            for j, tau in enumerate(rejections):
                level += (alpha - wealth if j == 0 else alpha) * lord[t - tau - 1]
            levels.append(float(level))
            if p_values[t - 1] <= level:
                rejections.append(t)
        case["lord"] = {"levels": levels, "rejections": len(rejections)}

        threshold = 0.5
        candidates = p_values <= threshold
        levels, rejections = [], []
        for t in range(1, count + 1):
            level = wealth * saffron[t - candidates[: t - 1].sum() - 1]
            for j, tau in enumerate(rejections):
                weight = alpha - wealth if j == 0 else alpha
                level += weight * saffron[t - tau - candidates[tau : t - 1].sum() - 1]
            level = min(threshold, (1 - threshold) * level)
            levels.append(float(level))
            if p_values[t - 1] <= level:
                rejections.append(t)
        case["saffron"] = {"levels": levels, "rejections": len(rejections)}
        cases.append(case)
    return cases


def sequences():
    cases = []
    for index in range(6):
        count, alpha = 250, [0.05, 0.1, 0.01][index % 3]
        x = np.round(random.beta([0.2, 5][index % 2], [0.3, 1, 40][index % 3], count), 6)
        t = np.arange(1, count + 1)
        means = (0.5 + np.cumsum(x)) / (t + 1)
        before = np.concatenate([[0.5], means[:-1]])
        variances = (0.25 + np.cumsum((x - means) ** 2)) / (t + 1)
        variances_before = np.concatenate([[0.25], variances[:-1]])

        def bets(level):
            return np.sqrt(2 * np.log(2 / level) / (variances_before * t * np.log(1 + t)))

        stakes = np.minimum(bets(alpha), 0.5)
        psi = (-np.log(1 - stakes) - stakes) / 4
        center = np.cumsum(stakes * x) / np.cumsum(stakes)
        half = (np.log(2 / alpha) + np.cumsum(4 * (x - before) ** 2 * psi)) / np.cumsum(stakes)
        case = {"confidence": 1 - alpha, "x": x.tolist()}
        case["bernstein"] = [np.maximum(center - half, 0).tolist(), np.minimum(center + half, 1).tolist()]

        null = [0.5, 0.3, 0.05][index % 3]
        higher = np.cumprod(1 + np.minimum(bets(0.05), 0.5 / null) * (x - null))
        lower = np.cumprod(1 - np.minimum(bets(0.05), 0.5 / (1 - null)) * (x - null))
        case["null"] = null
        case["e_values"] = (0.5 * higher + 0.5 * lower).tolist()

        rho = math.sqrt((-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / 500)
        center = np.array([np.mean(x[:n]) for n in t])
        spread = np.array([np.std(x[:n]) for n in t])
        half = spread * np.sqrt(2 * (t * rho**2 + 1) / (t**2 * rho**2) * np.log(np.sqrt(t * rho**2 + 1) / alpha))
        case["asymptotic"] = [(center - half).tolist(), (center + half).tolist()]
        cases.append(case)
    return cases


def main():
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    golden = {}
    for function in [
        stirling, deviances, choices, gammas, betas, normals, normal_quantiles, chi_squares, student_ts, student_t_quantiles,
        binomials, hypergeometrics, means, proportions, fishers, corrections, online, sequences,
    ]:
        golden[function.__name__] = function()
        print(function.__name__, len(golden[function.__name__]), flush=True)
    sections = [f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]" for name, cases in golden.items()]
    text = "{\n" + ",\n".join(sections) + "\n}\n"
    assert "NaN" not in text and "Infinity" not in text
    pathlib.Path(__file__).with_name("golden.json").write_text(text)


if __name__ == "__main__":
    main()
