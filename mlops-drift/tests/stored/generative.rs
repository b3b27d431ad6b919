//! Scores of generated texts.

use mlops_core::stats::Interval;
use mlops_drift::generative::{
    Agreement, PredictionPowered, PredictionPoweredSequence, PredictionPoweredSequenceOptions,
    ScoreStream, StreamOptions, Tuning,
};
use serde_json::json;

use crate::damage::{refused, survives};

#[test]
fn estimates_are_finite() {
    let mut pairs = PredictionPowered::new();
    for row in 0..40 {
        let score = f64::from(row % 7) / 7.0;
        pairs.observe_judged(score).unwrap();
        pairs.observe_labelled(score, f64::from(u8::from(row % 3 == 0))).unwrap();
    }
    survives(&pairs, |mut pairs| {
        let again = pairs;
        pairs.merge(&again);
        let of = |tuning| pairs.estimate(0.95, tuning).ok();
        let estimates = [Tuning::Power, Tuning::Fixed(0.0), Tuning::Fixed(1.0)].map(of);
        (estimates, pairs.bias(0.9).ok(), pairs.correlation())
    });
    refused(
        &pairs,
        &[
            ("/labelled/first/squares", json!(-1.0)),
            ("/labelled/second/count", json!(3)),
            ("/labelled/products", json!(1e9)),
            ("/judged/squares", json!(-1e-3)),
        ],
    );
}

#[test]
fn sequences_go_on() {
    let options = PredictionPoweredSequenceOptions::new(0.5).with_min_labels(5);
    let mut sequence = PredictionPoweredSequence::new(options).unwrap();
    for row in 0..200 {
        let score = f64::from(row % 7) / 7.0;
        sequence.update(score, (row % 2 == 0).then_some(score)).unwrap();
    }
    refused(
        &sequence,
        &[
            ("/labelling_rate", json!(0.0)),
            ("/labelling_rate", json!(1.5)),
            ("/min_labels", json!(1)),
            ("/labelled/first/squares", json!(-1.0)),
        ],
    );
}

#[test]
fn streams_go_on() {
    let reference = Interval { low: 0.1, high: 0.2 };
    let mut stream = ScoreStream::new(reference, StreamOptions::default()).unwrap();
    for row in 0..50 {
        stream.update(f64::from(row % 5) / 5.0).unwrap();
    }
    refused(&stream, &[("/normal/low", json!(0.3)), ("/sum", json!(1e300)), ("/sum", json!(-1.0))]);
}

#[test]
fn tables_of_agreement_work() {
    let mut agreement = Agreement::new(3).unwrap();
    for row in 0..30 {
        agreement.observe(row % 3, row % 2).unwrap();
    }
    survives(&agreement, |mut agreement| {
        let again = agreement.clone();
        agreement.merge(&again).unwrap();
        (agreement.kappa(0.95).unwrap(), agreement.shares(0), agreement.count())
    });
}
