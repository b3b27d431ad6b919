//! Evaluators of what models write, references of their scores, and estimates with few labels.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod adversarial;
mod agreement;
mod evaluators;
mod pii;
mod prediction_powered;
mod reference;
mod sequence;
mod stream;

use mlops_drift::generative::{Evaluator, Exchange, Score};

/// The score of this name that an evaluator gives to a response.
#[track_caller]
fn score_of(evaluator: &dyn Evaluator, exchange: &Exchange<'_>, name: &str) -> Option<Score> {
    let place = evaluator.scores().iter().position(|spec| &*spec.name == name).unwrap();
    let scores = evaluator.evaluate(exchange);
    assert_eq!(scores.len(), evaluator.scores().len());
    let score = scores[place].clone();
    if let Some(score) = &score {
        evaluator.scores()[place].check(score).unwrap();
    }
    score
}

/// Whether a figure is the golden one, to this share of it.
#[track_caller]
fn assert_close(actual: f64, expected: f64, tolerance: f64) {
    let error = (actual - expected).abs();
    assert!(error <= tolerance * expected.abs().max(1.0), "{actual} instead of {expected}");
}

/// The golden values; see `make_golden.py`.
fn golden() -> serde_json::Value {
    serde_json::from_str(include_str!("golden.json")).unwrap()
}
