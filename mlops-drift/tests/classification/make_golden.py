"""Golden figures of classifiers, written by `python make_golden.py`

scikit-learn==1.9.1 statsmodels==0.14.6 scipy==1.17.1 numpy==2.4.6

The rows are made by the same rule in the test: a linear congruential generator, so that only the answers
are kept here.
"""

import json
import math

import numpy as np
from scipy import optimize, stats
from sklearn import metrics
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest


def numbers(seed, count, steps):
    """Multiples of 1/steps in [0, 1)."""
    state, made = seed, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        made.append((state >> 33) % steps / steps)
    return np.array(made)


def rows(seed, count, classes):
    """Actual and predicted classes, and probabilities: the actual class has most of them, often."""
    actual = (numbers(seed, count, 1 << 16) ** 2 * classes).astype(int)
    weights = 0.01 + numbers(seed + 1000, count * classes, 1 << 16).reshape(count, classes)
    weights[np.arange(count), actual] += numbers(seed + 2000, count, 1 << 16)
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    return actual, probabilities.argmax(axis=1), probabilities


def wilson(of, total):
    return [] if total == 0 else [float(of / total), *map(float, proportion_confint(of, total, 0.05, "wilson"))]


def calibration_error(actual, predicted, probabilities):
    confidence = probabilities[np.arange(len(actual)), predicted]
    error = 0.0
    for number in range(15):
        within = (confidence > number / 15) & (confidence <= (number + 1) / 15)
        if within.any():
            gap = abs((actual == predicted)[within].mean() - confidence[within].mean())
            error += within.mean() * gap
    return float(error)


def area(score, positive):
    """With DeLong's error by its definition, all pairs."""
    x, y = score[positive], score[~positive]
    pairs = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    error = math.sqrt(pairs.mean(axis=1).var(ddof=1) / len(x) + pairs.mean(axis=0).var(ddof=1) / len(y))
    return [float(metrics.roc_auc_score(positive, score)), error, float(metrics.average_precision_score(positive, score))]


def tstat(values):
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), values.std(ddof=1) / math.sqrt(len(values)))
    return [float(values.mean()), max(float(low), 0.0), float(high)]


def newcombe(area, m, n):
    """Newcombe (2006), part 2, method 5: the areas that the error they imply does not rule out."""
    size, z = (m + n) / 2 - 1, stats.norm.ppf(0.975)

    def excess(theta):
        spread = 1 + size * (1 - theta) / (2 - theta) + size * theta / (1 + theta)
        return (area - theta) ** 2 - z**2 * theta * (1 - theta) * spread / (m * n)

    low = optimize.brentq(excess, 1e-12, area - 1e-9, xtol=1e-14) if area > 0 else 0.0
    high = optimize.brentq(excess, area + 1e-9, 1 - 1e-12, xtol=1e-14) if area < 1 else 1.0
    return [low, high]


cases = []
for seed, count, classes in [(1, 40, 2), (2, 300, 2), (3, 500, 3), (4, 60, 5), (5, 1000, 10), (6, 3000, 2)]:
    actual, predicted, probabilities = rows(seed, count, classes)
    labels = list(range(classes))
    matrix = metrics.confusion_matrix(actual, predicted, labels=labels)
    present = [c for c in labels if matrix[c].sum() + matrix[:, c].sum() > 0]
    average = lambda figure, how: float(figure(actual, predicted, labels=present, average=how, zero_division=np.nan))
    kappa = cohens_kappa(matrix)
    own = probabilities[np.arange(count), actual]
    squares = (probabilities - np.eye(classes)[actual]) ** 2
    losses = squares[:, 1] if classes == 2 else squares.sum(axis=1)
    brier = metrics.brier_score_loss(actual, probabilities[:, 1] if classes == 2 else probabilities, labels=labels)
    assert abs(losses.mean() - brier) < 1e-12
    assert abs(-np.log(own).mean() - metrics.log_loss(actual, probabilities, labels=labels)) < 1e-12
    per_class = []
    for c in labels:
        hits, of, called = int(matrix[c, c]), int(matrix[c].sum()), int(matrix[:, c].sum())
        f1 = [2 * j / (1 + j) for j in wilson(hits, of + called - hits)]
        assert not f1 or abs(f1[0] - metrics.f1_score(actual == c, predicted == c)) < 1e-12
        per_class.append([wilson(hits, called), wilson(hits, of), wilson(count - of - called + hits, count - of), f1])
    case = {
        "seed": seed, "count": count, "classes": classes,
        "confusion": matrix.ravel().tolist(),
        "accuracy": wilson(int(matrix.trace()), count),
        "balanced_accuracy": float(metrics.balanced_accuracy_score(actual, predicted)),
        "macro_precision": average(metrics.precision_score, "macro"),
        "macro_f1": average(metrics.f1_score, "macro"),
        "weighted_precision": average(metrics.precision_score, "weighted"),
        "weighted_f1": average(metrics.f1_score, "weighted"),
        "matthews_correlation": float(metrics.matthews_corrcoef(actual, predicted)),
        "cohens_kappa": float(metrics.cohen_kappa_score(actual, predicted)),
        "kappa_error": float(kappa.std_kappa),
        "log_loss": tstat(-np.log(own)),
        "brier_score": tstat(losses),
        "calibration_error": calibration_error(actual, predicted, probabilities),
        "per_class": per_class,
    }
    if classes == 2:
        case["area"] = area(probabilities[:, 1], actual == 1)
        case["area_of_steps"] = area(np.floor(probabilities[:, 1] * 20) / 20, actual == 1)
    cases.append(case)

shares = []
for reference, current in [((900, 1000), (80, 100)), ((9, 10), (3, 8)), ((500, 1000), (520, 1000)), ((5, 5), (0, 4))]:
    low, high = confint_proportions_2indep(*current, *reference, method="newcomb")
    table = [[current[0], current[1] - current[0]], [reference[0], reference[1] - reference[0]]]
    expected = stats.contingency.expected_freq(table).min()
    ps = []
    for name, other in [("two-sided", "two-sided"), ("less", "smaller"), ("greater", "larger")]:
        if expected < 5:
            ps.append(float(stats.fisher_exact(table, name).pvalue))
        else:
            both = [current[0], reference[0]], [current[1], reference[1]]
            ps.append(float(proportions_ztest(*both, alternative=other)[1]))
    shares.append([*reference, *current, float(low), float(high), *ps])

means = []
for seed, n, m in [(1, 50, 30), (2, 2, 3), (3, 500, 20)]:
    a, b = numbers(seed, n, 1 << 16), numbers(seed + 500, m, 1 << 16) ** 2 * 3
    test = stats.ttest_ind(b, a, equal_var=False)
    interval = test.confidence_interval(0.95)
    less = stats.ttest_ind(b, a, equal_var=False, alternative="less").pvalue
    means.append([seed, n, m, float(b.mean() - a.mean()), float(interval.low), float(interval.high), float(test.pvalue), float(less)])

# Positive rows, negative rows, pairs in order.
orders = [(10, 15, 150), (2, 2, 0), (40, 3, 120), (1, 3, 2), (5, 1, 3)]
orders = [[m, n, pairs, *newcombe(pairs / (m * n), m, n)] for m, n, pairs in orders]

json.dump({"cases": cases, "shares": shares, "means": means, "orders": orders}, open("golden.json", "w"))
