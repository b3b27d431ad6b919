"""The same work by peers and by us, in turn, in processor time.

`compare.py DRIFT DRIFT_REPORT EVIDENTLY_PYTHON NANNYML_PYTHON FOLDER`
"""

import os

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
os.environ.update({name: "1" for name in THREADS})
# They would tell their makers of each run.
os.environ.update({"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"})

import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROUNDS = 5


def seconds(work):
    started = time.process_time()
    work()
    return time.process_time() - started


def two_sample(folder):
    from scipy import stats

    reference, current = (np.fromfile(folder / f"{name}0.f64") for name in ("reference", "current"))
    tests = {
        "ks": stats.ks_2samp,
        "wasserstein": stats.wasserstein_distance,
        "energy": stats.energy_distance,
        "mann_whitney": stats.mannwhitneyu,
        "cramer_von_mises": stats.cramervonmises_2samp,
        "anderson_darling": lambda x, y: stats.anderson_ksamp([x, y], variant="midrank"),
        "epps_singleton": stats.epps_singleton_2samp,
        "brunner_munzel": stats.brunnermunzel,
        "welch": lambda x, y: stats.ttest_ind(x, y, equal_var=False),
    }
    return {f"two_sample/{name}": lambda test=test: test(reference, current) for name, test in tests.items()}


def online(folder):
    from river import drift
    from river.drift import binary

    numbers, errors = (np.fromfile(folder / f"{name}.f64").tolist() for name in ("stream", "errors"))

    def follow(detector, values):
        for value in values:
            detector.update(value)

    detectors = {
        "adwin": (drift.ADWIN, numbers),
        "page_hinkley": (drift.PageHinkley, numbers),
        "kswin": (drift.KSWIN, numbers),
        "ddm": (binary.DDM, errors),
        "eddm": (binary.EDDM, errors),
        "hddm_a": (binary.HDDM_A, errors),
        "hddm_w": (binary.HDDM_W, errors),
    }
    return {
        f"online/{name}": lambda make=make, values=values: follow(make(), values)
        for name, (make, values) in detectors.items()
    }


def mmd(folder):
    """The algorithm of alibi-detect: one kernel matrix, indexed anew for each permutation."""
    rows = np.fromfile(folder / "rows.f64").reshape(4000, 32).astype(np.float32)

    def test():
        n = 2000
        squares = (rows**2).sum(1)
        distances = np.maximum(squares[:, None] + squares[None] - 2 * rows @ rows.T, 0)
        kernel = np.exp(-distances / np.median(distances[:n, :n][np.triu_indices(n, 1)]))
        np.fill_diagonal(kernel, 0)

        def unbiased(order):
            permuted = kernel[order][:, order]
            within = permuted[:n, :n].sum() + permuted[n:, n:].sum()
            return within / (n * (n - 1)) - 2 * permuted[:n, n:].mean()

        random = np.random.default_rng(0)
        observed = unbiased(np.arange(2 * n))
        return np.mean([unbiased(random.permutation(2 * n)) >= observed for _ in range(100)])

    return {"multivariate/mmd": test}


def of_process(command):
    """Of a process, from its start to its end."""
    before = os.times()
    code = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    after = os.times()
    # A report says by its status that there is drift.
    assert code in (0, 1), command
    return after.children_user - before.children_user + after.children_system - before.children_system


def printed(command):
    """Of the work in a program that prints it, without what it takes to start."""
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    case, report, evidently, nannyml, folder = sys.argv[1:]
    here, folder = Path(__file__).parent, Path(folder)

    def compare(name, theirs, ours, rounds=ROUNDS):
        pairs = [(theirs(), ours()) for _ in range(rounds)]
        them, us = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
        ratio = statistics.median(them / us for them, us in pairs)
        print(f"| {name} | {them:.4g} | {us:.4g} | {ratio:.1f} |", flush=True)

    print("| | CPU, s | ours, s | ratio |\n| --- | --- | --- | --- |")
    for peer, cases in {"scipy": two_sample, "river": online, "alibi's algorithm": mmd}.items():
        for name, work in cases(folder).items():
            ours = [case, "case", name, folder]
            compare(f"{name.split('/')[1]}, {peer}", lambda: seconds(work), lambda: printed(ours))
    cbpe = [nannyml, here / "nannyml/run.py", "cbpe", folder]
    compare("cbpe, NannyML", lambda: printed(cbpe), lambda: printed([case, "case", "performance/cbpe", folder]))
    ours = [report, "--reference", folder / "reference.parquet", "--current", folder / "current.parquet"]
    ours += ["--format", "html", "--out", folder / "report.html"]
    table = [nannyml, here / "nannyml/run.py", "table", folder]
    compare("table 1 M × 20, NannyML", lambda: printed(table), lambda: of_process(ours), 3)
    table = [evidently, here / "evidently/table.py", folder]
    compare("table 1 M × 20, Evidently", lambda: printed(table), lambda: of_process(ours), 1)


if __name__ == "__main__":
    main()
