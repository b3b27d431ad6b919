"""Golden values of confidence-based estimates, written to golden_cbpe.json by `python make_golden_cbpe.py`

nannyml==0.13.1 numpy==1.26.4 pandas==2.2.3 scikit-learn==1.5.2

The rows are made by the same rule in the test, so that only the answers are kept here.
"""

import json

import nannyml
import numpy as np
import pandas as pd


def numbers(seed, count):
    """Multiples of 2^-30 in [0, 1)."""
    state, made = seed, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        made.append((state >> 33) % 2**30 / 2**30)
    return np.array(made)


def value(estimator, frame, metric):
    found = estimator.estimate(frame).filter(period="analysis").to_df()[(metric, "value")]
    assert len(found) == 1
    return float(found.iloc[0])


def binary(seed):
    reference, current = numbers(seed, 900), numbers(seed + 1, 400) ** 2
    assert len(set(current)) == 400
    outcome = (numbers(seed + 2, 900) < 0.1 + 0.7 * reference * reference).astype(int)
    frames = [
        pd.DataFrame({"score": score, "predicted": (score > 0.6).astype(int)}) for score in (reference, current)
    ]
    frames[0]["outcome"] = outcome
    metrics = ["accuracy", "precision", "recall", "specificity", "f1", "roc_auc", "average_precision"]
    estimator = nannyml.CBPE(
        metrics=metrics,
        y_pred_proba="score",
        y_pred="predicted",
        y_true="outcome",
        problem_type="classification_binary",
        chunk_number=1,
    ).fit(frames[0])
    assert estimator.needs_calibration
    return {"seed": seed} | {metric: value(estimator, frames[1], metric) for metric in metrics}


def multiclass(seed):
    def scores(first, count):
        a, b, c = (numbers(seed, count) for seed in (first, 31 * first + 7, 1009 * first + 3))
        total = a + b + c + 2.0**-30
        return [a / total, b / total, c / total]

    def frame(scores):
        frame = pd.DataFrame({f"score_{n}": score for n, score in enumerate(scores)})
        frame["predicted"] = np.argmax(np.stack(scores), axis=0)
        return frame

    reference, current = scores(seed, 1200), scores(seed + 10, 400)
    # The classes are not as likely as the scores say: their squares are.
    squares = [score * score for score in reference]
    draw = numbers(seed + 20, 1200) * (squares[0] + squares[1] + squares[2])
    outcome = (draw >= squares[0]).astype(int) + (draw >= squares[0] + squares[1])
    frames = [frame(reference), frame(current)]
    frames[0]["outcome"] = outcome
    assert all(len(set(score)) == 400 for score in current)
    metrics = ["accuracy", "precision", "recall", "specificity", "f1", "roc_auc"]
    estimator = nannyml.CBPE(
        metrics=[*metrics, "confusion_matrix"],
        y_pred_proba={n: f"score_{n}" for n in range(3)},
        y_pred="predicted",
        y_true="outcome",
        problem_type="classification_multiclass",
        chunk_number=1,
    ).fit(frames[0])
    kinds = [type(calibrator).__name__ for calibrator in estimator._calibrators.values()]
    assert kinds == ["IsotonicCalibrator"] * 3, kinds
    # Its names are of the true class, then of the predicted one.
    confusion = [
        [value(estimator, frames[1], f"true_{true}_pred_{predicted}") for predicted in range(3)] for true in range(3)
    ]
    figures = {metric: value(estimator, frames[1], metric) for metric in metrics}
    return {"seed": seed} | figures | {"confusion": confusion}


golden = {
    "binary": [binary(seed) for seed in (100, 200, 300)],
    "multiclass": [multiclass(seed) for seed in (400, 500, 600)],
}
json.dump(golden, open("golden_cbpe.json", "w"), indent=1)
