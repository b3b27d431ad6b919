# Python 3.11, ppi-python 0.2.3, statsmodels 0.15.0, numpy 2.4.6, scipy 1.17.1
"""Golden values of prediction-powered means and of Cohen's kappa; writes golden.json beside it."""

import json
import pathlib

import numpy as np
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate
from ppi_py.ppi import _calc_lam_glm
from statsmodels.stats.inter_rater import cohens_kappa


def judged(rng, truth, kind):
    """Scores of a judge of this kind."""
    if kind == "good":
        return np.where(rng.random(len(truth)) < 0.9, truth, 1 - truth)
    if kind == "noisy":
        return np.clip(0.7 * truth + 0.3 * rng.random(len(truth)), 0, 1)
    if kind == "useless":
        return rng.random(len(truth))
    if kind == "contrary":
        return 1 - truth
    if kind == "large":
        return 1e6 + 3 * truth + rng.normal(size=len(truth))
    return truth.copy()


def estimates(y, f, u):
    out = []
    for lam in (None, 0.0, 0.3, 1.0):
        if lam is None:
            point = ppi_mean_pointestimate(y, f, u, lam=1)
            used = _calc_lam_glm(
                y - point, f - point, u - point, np.eye(1), clip=True, optim_mode="overall"
            )
        else:
            used = lam
        for confidence in (0.95, 0.8):
            low, high = ppi_mean_ci(y, f, u, alpha=1 - confidence, lam=lam)
            mean = ppi_mean_pointestimate(y, f, u, lam=lam)
            out.append(
                {
                    "tuning": lam,
                    "confidence": confidence,
                    "lambda": float(used),
                    "mean": float(np.squeeze(mean)),
                    "low": float(np.squeeze(low)),
                    "high": float(np.squeeze(high)),
                }
            )
    return out


def main():
    rng = np.random.default_rng(7)
    means = []
    for kind in ("good", "noisy", "useless", "contrary", "large", "perfect"):
        for n, more in ((12, 40), (60, 200), (50, 20)):
            if kind in ("noisy", "perfect"):
                truth = rng.beta(2, 3, n + more)
            else:
                truth = (rng.random(n + more) < 0.3).astype(float)
            truth = np.round(truth, 4)
            scores = np.round(judged(rng, truth, kind), 4)
            y, f, u = truth[:n], scores[:n], scores[n:]
            means.append(
                {
                    "labels": y.tolist(),
                    "scores": f.tolist(),
                    "judged": u.tolist(),
                    "estimates": estimates(y, f, u),
                }
            )
    kappas = []
    for table in (
        [[40, 20], [10, 30]],
        [[90, 1], [2, 0]],
        [[0, 5], [7, 0]],
        [[5, 5], [5, 5]],
        [[30, 4, 1], [6, 22, 9], [0, 3, 25]],
        rng.integers(0, 20, (5, 5)).tolist(),
    ):
        result = cohens_kappa(np.array(table))
        kappas.append({"table": table, "kappa": result.kappa, "error": result.std_kappa})
    golden = {"means": means, "kappas": kappas}
    path = pathlib.Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


main()
