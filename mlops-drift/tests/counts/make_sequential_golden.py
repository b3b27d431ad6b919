"""Makes sequential_golden.json beside this file. Needs numpy==2.4.6 and scipy==1.17.1; run it without arguments.

A case is the reference's counts of at most 15 categories and of all others, counts since the start, and the
p-value. The largest likelihood in the confidence set is found from the primal side: shares on its boundary.
"""

import json
from pathlib import Path

import numpy as np
import scipy
from scipy.optimize import brentq
from scipy.special import gammaln, logsumexp, xlogy

assert (np.__version__, scipy.__version__) == ("2.4.6", "1.17.1")

DELTA = 1e-6
random = np.random.default_rng(20261122)


def ln_marginal(counts, prior):
    return (
        gammaln(prior.sum())
        - gammaln(prior.sum() + counts.sum())
        + (gammaln(prior + counts) - gammaln(prior)).sum()
    )


def p_value(reference, current):
    c, x = np.append(reference, 0.0), np.append(current, 0.0)
    free = len(c) - 1
    radius = brentq(
        lambda r: free * (1 + np.log(r / free)) - r - np.log(DELTA), free, 1000, xtol=1e-12
    )
    least = xlogy(c, c / c.sum()).sum() - radius

    def shares(ln_mu):
        weights = x + np.exp(ln_mu) * c
        return weights / weights.sum()

    inside = lambda ln_mu: xlogy(c, np.maximum(shares(ln_mu), 1e-300)).sum() - least
    scale = np.log(x.sum() / c.sum())
    if inside(scale - 30) >= 0:
        p = shares(scale - 30)
    else:
        p = shares(brentq(inside, scale - 30, scale + 30, xtol=1e-13))
    shares_before = (c + 0.5) / (c + 0.5).sum()
    mixture = logsumexp([ln_marginal(x, rows * shares_before) for rows in (16, 128, 1024)])
    ln_e = mixture - np.log(3) - xlogy(x, p).sum()
    return min(1.0, DELTA + np.exp(-ln_e))


cases = []
for cells in (2, 3, 5, 10, 16):
    for before, after in ((50, 200), (2000, 300), (2000, 20_000), (100_000, 1000)):
        # Few of all lie between its ends, 10^-6 and 1: three of these, and one of those.
        wanted = {True: 3, False: 1}
        for _ in range(300):
            change = random.uniform(0, 1) ** 2
            p = random.dirichlet(np.full(cells, 2.0))
            q = (1 - change) * p + change * random.dirichlet(np.full(cells, 2.0))
            reference, current = random.multinomial(before, p), random.multinomial(after, q)
            value = p_value(reference, current)
            between = bool(2e-6 < value < 0.99)
            if wanted[between] > 0:
                wanted[between] -= 1
                case = {"reference": reference.tolist(), "current": current.tolist()}
                cases.append(case | {"p_value": value})

lines = ",\n".join(json.dumps(case) for case in cases)
(Path(__file__).parent / "sequential_golden.json").write_text(f"[{lines}]\n")
