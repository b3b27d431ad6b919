# river==0.23.0 scipy==1.17.1 numpy==2.4.6 typing_extensions==4.15.0
"""Writes golden.json, which tests/online/river.rs compares with: python make_golden.py

Streams are made by rules that tests/online/streams.rs follows too, so that the file has little more than
the indices of what river found.
"""

import json
import math
import pathlib
import platform
import sys

import numpy as np
import river
import scipy
from river import drift
from scipy import stats

PINNED = pathlib.Path(__file__).read_text().splitlines()[0]
for package in (river, scipy, np):
    wanted = f"{package.__name__}=={package.__version__}"
    if wanted not in PINNED:
        sys.exit(f"needs {PINNED}, not {wanted} (Python {platform.python_version()})")

MASK = (1 << 64) - 1


class SplitMix64:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        mixed = self.state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        return mixed ^ (mixed >> 31)

    def uniform(self):
        return (self.next() >> 11) * (1.0 / (1 << 53))

    def bell(self):
        total = 0.0
        for _ in range(12):
            total += self.uniform()
        return total - 6.0


def values_of(stream):
    if "values" in stream:
        return [float(value) for value in stream["values"]]
    random = SplitMix64(stream["seed"])
    values = []
    for segment in stream["segments"]:
        count = segment["count"]
        for n in range(count):
            match segment["kind"]:
                case "bernoulli":
                    values.append(float(random.uniform() < segment["share"]))
                case "normal":
                    values.append(segment["mean"] + segment["deviation"] * random.bell())
                case "ramp":
                    level = segment["from"] + (segment["to"] - segment["from"]) * float(n) / float(count)
                    values.append(level + segment["deviation"] * random.bell())
                case "integers":
                    values.append(float(math.floor(random.uniform() * segment["below"])))
    return values


def bernoulli(count, share):
    return {"kind": "bernoulli", "count": count, "share": share}


def normal(count, mean, deviation):
    return {"kind": "normal", "count": count, "mean": mean, "deviation": deviation}


def ramp(count, start, end, deviation):
    return {"kind": "ramp", "count": count, "from": start, "to": end, "deviation": deviation}


def integers(count, below):
    return {"kind": "integers", "count": count, "below": float(below)}


def constant(count, value):
    return normal(count, value, 0.0)


def rivers_own():
    """The streams of river/drift/test_drift_detectors.py."""
    np.random.seed(12345)
    first = np.concatenate((np.random.randint(2, size=1000), np.random.randint(8, size=1000)))
    np.random.seed(12345)
    second = np.concatenate(
        [
            [np.random.binomial(1, 0.2) for _ in range(1000)],
            [np.random.binomial(1, 0.8) for _ in range(1000)],
        ]
    )
    np.random.seed(12345)
    levels = (0.0, 0.25, 0.0, 0.25)
    third = np.concatenate([np.random.normal(level, 0.1, 500) > 0 for level in levels]).astype(int)
    named = {"river_1": first, "river_2": second, "river_3": third}
    return {name: {"values": [int(value) for value in values]} for name, values in named.items()}


RULES = {
    "errors_stable": [bernoulli(5000, 0.2)],
    "errors_rise": [bernoulli(2000, 0.1), bernoulli(2000, 0.3)],
    "errors_rise_little": [bernoulli(2500, 0.2), bernoulli(2500, 0.25)],
    "errors_fall": [bernoulli(2000, 0.4), bernoulli(2000, 0.1)],
    "errors_up_and_down": [bernoulli(800, share) for share in (0.1, 0.5, 0.1, 0.9, 0.5)],
    "errors_rare": [bernoulli(2000, 0.005), bernoulli(2000, 0.03)],
    "errors_frequent": [bernoulli(1500, 0.9), bernoulli(1500, 0.99), bernoulli(1500, 0.6)],
    "errors_gradual": [bernoulli(300, 0.1 + 0.05 * step) for step in range(12)],
    "errors_none_then_some": [bernoulli(500, 0.0), bernoulli(1500, 0.05)],
    "errors_all_then_some": [bernoulli(500, 1.0), bernoulli(1500, 0.7)],
    "errors_never": [bernoulli(1000, 0.0)],
    "errors_always": [bernoulli(1000, 1.0)],
    "errors_late": [bernoulli(4500, 0.3), bernoulli(500, 0.6)],
    "normal_stable": [normal(5000, 0.0, 1.0)],
    "normal_up": [normal(2000, 0.0, 1.0), normal(2000, 1.0, 1.0)],
    "normal_down": [normal(2000, 5.0, 1.0), normal(2000, 4.0, 1.0)],
    "normal_steps": [normal(700, mean, 0.5) for mean in (0.0, 2.0, -1.0, 0.5, 0.6, 4.0)],
    "normal_wider": [normal(2000, 0.0, 1.0), normal(2000, 0.0, 3.0)],
    "normal_narrower": [normal(2000, 1.0, 3.0), normal(2000, 1.0, 0.5)],
    "normal_small": [normal(2000, 0.2, 0.01), normal(2000, 0.25, 0.01)],
    "normal_large": [normal(2000, 1000.0, 50.0), normal(2000, 1100.0, 50.0)],
    "normal_offset": [normal(2000, 1e6, 1.0), normal(2000, 1e6 + 3.0, 1.0)],
    "ramp_slow": [ramp(5000, 0.0, 3.0, 1.0)],
    "ramp_fast": [ramp(1000, 0.0, 10.0, 0.5), ramp(1000, 10.0, 0.0, 0.5)],
    "ramp_bare": [ramp(3000, -5.0, 5.0, 0.0)],
    "constant": [constant(2000, 0.1)],
    "constant_zero": [constant(1000, 0.0)],
    "constant_step": [constant(1000, 3.0), constant(1000, 7.0), constant(1000, -2.0)],
    "integers": [integers(1500, 4), integers(1500, 8), integers(1500, 3)],
    "integers_wide": [integers(2000, 100), integers(2000, 130)],
}


def make_streams():
    streams = rivers_own()
    for seed, (name, segments) in enumerate(RULES.items()):
        streams[name] = {"seed": seed + 1, "segments": segments}
    return streams


def follow(detector, values):
    changes, warnings = [], []
    for index, value in enumerate(values):
        detector.update(value)
        if detector.drift_detected:
            changes.append(index)
        elif getattr(detector, "warning_detected", False):
            if warnings and warnings[-1][1] == index:
                warnings[-1][1] = index + 1
            else:
                warnings.append([index, index + 1])
    return changes, warnings


def adwin(delta=0.002, clock=32, min_window=5, grace_period=10):
    options = {
        "delta": delta,
        "clock": clock,
        "min_window": min_window,
        "grace_period": grace_period,
        "compat": "river",
    }
    detector = drift.ADWIN(
        delta=delta, clock=clock, min_window_length=min_window, grace_period=grace_period
    )

    def final():
        return {
            "width": detector.width,
            "mean": detector.estimation,
            "variance": detector.variance / detector.width,
        }

    return "adwin", options, detector, final


def ddm(warm_up=30, warning=2.0, change=3.0):
    options = {"warm_up": warm_up, "min_errors": 0.0, "warning": warning, "change": change}
    detector = drift.binary.DDM(
        warm_start=warm_up, warning_threshold=warning, drift_threshold=change
    )
    return "ddm", options, detector, lambda: {"error_rate": detector._p.get()}


def eddm(min_errors=30, warning=0.95, change=0.9):
    options = {"min_errors": min_errors, "warning": warning, "change": change, "compat": "river"}
    detector = drift.binary.EDDM(warm_start=min_errors, alpha=warning, beta=change)
    return "eddm", options, detector, lambda: {"mean_distance": detector._error_distances.mean.get()}


def hddm_a(change=0.001, warning=0.005, direction="up"):
    options = {"change": change, "warning": warning, "direction": direction}
    detector = drift.binary.HDDM_A(
        drift_confidence=change, warning_confidence=warning, two_sided_test=direction == "both"
    )
    return "hddm_a", options, detector, lambda: {"mean": detector._z.get()}


def hddm_w(change=0.001, warning=0.005, weight=0.05, direction="up"):
    options = {
        "change": change,
        "warning": warning,
        "weight": weight,
        "direction": direction,
        "compat": "river",
    }
    detector = drift.binary.HDDM_W(
        drift_confidence=change,
        warning_confidence=warning,
        lambda_val=weight,
        two_sided_test=direction == "both",
    )
    return "hddm_w", options, detector, lambda: {"mean": detector._total.ewma}


def kswin(alpha, recent):
    # With twice the recent values there is nothing to choose from the older ones.
    options = {"alpha": alpha, "window_size": 2 * recent, "recent_size": recent, "compat": "river"}
    detector = drift.KSWIN(alpha=alpha, window_size=2 * recent, stat_size=recent, seed=42)

    def final():
        full = len(detector.window) == 2 * recent
        return {"p_value": float(detector.p_value)} if full else {}

    return "kswin", options, detector, final


def page_hinkley(warm_up=30, tolerance=0.005, threshold=50.0, forgetting=1 - 0.0001, direction="both"):
    options = {
        "warm_up": warm_up,
        "tolerance": tolerance,
        "threshold": {"value": threshold},
        "forgetting": forgetting,
        "direction": direction,
        "compat": "river",
    }
    detector = drift.PageHinkley(
        min_instances=warm_up,
        delta=tolerance,
        threshold=threshold,
        alpha=forgetting,
        mode=direction,
    )
    return "page_hinkley", options, detector, dict


def make_cases(streams):
    plans = []
    for name in streams:
        is_binary = name.startswith("errors") or name in ("river_2", "river_3")
        plans += [
            (name, adwin()),
            (name, adwin(clock=1)),
            (name, adwin(delta=0.2, clock=8, min_window=2, grace_period=4)),
            (name, page_hinkley()),
            (name, page_hinkley(direction="up")),
            (name, page_hinkley(direction="down")),
            (name, page_hinkley(warm_up=100, tolerance=0.1, threshold=10.0, forgetting=1.0)),
            (name, kswin(1e-4, 100)),
            (name, kswin(0.005, 30)),
        ]
        if is_binary:
            plans += [
                (name, ddm()),
                (name, ddm(warm_up=100, warning=1.5, change=2.5)),
                (name, eddm()),
                (name, eddm(min_errors=10, warning=0.8, change=0.75)),
                (name, hddm_a()),
                (name, hddm_a(direction="both")),
                (name, hddm_a(change=0.05, warning=0.2, direction="both")),
                (name, hddm_w()),
                (name, hddm_w(direction="both")),
                (name, hddm_w(change=0.01, warning=0.1, weight=0.2, direction="both")),
            ]
    cases = []
    for name, (kind, options, detector, final) in plans:
        changes, warnings = follow(detector, values_of(streams[name]))
        cases.append(
            {
                "stream": name,
                "detector": kind,
                "options": options,
                "changes": changes,
                "warnings": warnings,
                "final": final(),
            }
        )
    return cases


def make_comparisons(streams):
    comparisons = []
    for name in ("normal_up", "normal_wider", "integers", "ramp_fast", "errors_rise", "constant"):
        values = values_of(streams[name])
        for window, recent in ((100, 30), (60, 30), (137, 41), (300, 100)):
            for index in range(window - 1, len(values), 331):
                older = values[index + 1 - window : index + 1 - recent]
                newer = values[index + 1 - recent : index + 1]
                result = stats.ks_2samp(older, newer, method="exact")
                comparisons.append(
                    {
                        "stream": name,
                        "window": window,
                        "recent": recent,
                        "index": index,
                        "statistic": float(result.statistic),
                        "p_value": float(result.pvalue),
                    }
                )
    return comparisons


def run_length(threshold, slack):
    """Page's integral equation at the Gauss-Legendre nodes of a rule with 400 of them."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    states = np.concatenate(([0.0], 0.5 * threshold * (nodes + 1.0)))
    kernel = np.empty((401, 401))
    kernel[:, 0] = stats.norm.cdf(slack - states)
    kernel[:, 1:] = 0.5 * threshold * weights * stats.norm.pdf(states[None, 1:] - states[:, None] + slack)
    return float(np.linalg.solve(np.eye(401) - kernel, np.ones(401))[0])


def make_run_lengths():
    plan = [(h, k) for k in (0.05, 0.25, 0.5, 1.0) for h in (0.0, 0.5, 2.0, 4.0, 8.0)] + [(20.0, 0.25), (40.0, 0.1)]
    return [{"threshold": h, "slack": k, "length": run_length(h, k)} for h, k in plan]


def main():
    streams = make_streams()
    golden = {
        "river": river.__version__,
        "streams": streams,
        "cases": make_cases(streams),
        "kolmogorov_smirnov": make_comparisons(streams),
        "run_lengths": make_run_lengths(),
    }
    path = pathlib.Path(__file__).with_name("golden.json")
    lines = json.dumps(golden, separators=(",", ":")).replace('{"stream"', '\n{"stream"')
    path.write_text(lines + "\n")
    print(path, path.stat().st_size, "bytes,", len(golden["cases"]), "cases")


if __name__ == "__main__":
    main()
