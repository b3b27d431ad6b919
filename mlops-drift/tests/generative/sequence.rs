//! Means from judge scores and few labels, looked at all the time.

use mlops_core::{
    Error,
    random::RandomKey,
    stats::confidence_sequence::{AsymptoticOptions, AsymptoticSequence},
};
use mlops_drift::generative::{PredictionPoweredSequence, PredictionPoweredSequenceOptions};

const RATE: f64 = 0.1;

/// A stream of exchanges: truth, what the judge says, and whether it is labelled.
fn stream(round: u64, count: usize) -> impl Iterator<Item = (f64, f64, bool)> {
    let mut random = RandomKey::from_seed(5).derive("ppi sequence").stream(round);
    (0..count).map(move |_| {
        let truth = f64::from(u8::from(random.next_unit() < 0.3));
        // Biased and of another scale, but informative.
        let judged = 0.5 + 0.3 * truth + 0.2 * random.next_unit();
        (truth, judged, random.next_unit() < RATE)
    })
}

fn sequence() -> PredictionPoweredSequence {
    PredictionPoweredSequence::new(PredictionPoweredSequenceOptions::new(RATE)).unwrap()
}

/// 200 sequences of 5000 exchanges, looked at after each: of 95 %, 10 are missed on the average, and more
/// than 22 with a probability of one in ten thousand.
#[test]
fn the_mean_is_covered_at_all_times() {
    let mut missed = 0;
    for round in 0..200 {
        let mut sequence = sequence();
        let is_missed = stream(round, 5000).any(|(truth, judged, is_labelled)| {
            sequence.update(judged, is_labelled.then_some(truth)).unwrap();
            sequence.interval().is_some_and(|interval| !interval.contains(0.3))
        });
        missed += u32::from(is_missed);
    }
    assert!(missed <= 22, "{missed} of 200");
}

#[test]
fn it_is_narrower_than_labels_alone() {
    let mut powered = sequence();
    let options = AsymptoticOptions::default().with_narrowest_at(1000);
    let mut labels = AsymptoticSequence::new(options).unwrap();
    for (truth, judged, is_labelled) in stream(0, 20_000) {
        powered.update(judged, is_labelled.then_some(truth)).unwrap();
        if is_labelled {
            labels.update(truth).unwrap();
        }
    }
    let [both, alone] = [powered.interval(), labels.interval()].map(Option::unwrap);
    assert!(both.contains(0.3) && both.width() < 0.6 * alone.width(), "{both:?} {alone:?}");
    assert!((powered.mean() - 0.3).abs() < 0.02, "{}", powered.mean());
    assert_eq!((powered.count(), powered.labels()), (20_000, labels.count()));
}

#[test]
fn nothing_is_said_before_there_are_labels() {
    let mut sequence = sequence();
    for _ in 0..1000 {
        sequence.update(0.5, None).unwrap();
    }
    assert_eq!((sequence.interval(), sequence.labels()), (None, 0));
    for _ in 0..49 {
        sequence.update(0.5, Some(1.0)).unwrap();
    }
    assert_eq!(sequence.interval(), None);
    sequence.update(0.5, Some(1.0)).unwrap();
    assert!(sequence.interval().is_some());
}

#[test]
fn it_survives_a_restart() {
    let mut rows = stream(1, 2000);
    let mut sequence = sequence();
    let mut take = |sequence: &mut PredictionPoweredSequence| {
        for (truth, judged, is_labelled) in rows.by_ref().take(1000) {
            sequence.update(judged, is_labelled.then_some(truth)).unwrap();
        }
    };
    take(&mut sequence);
    let text = serde_json::to_string(&sequence).unwrap();
    let mut restarted: PredictionPoweredSequence = serde_json::from_str(&text).unwrap();
    assert_eq!(restarted, sequence);
    take(&mut restarted);
    assert_eq!(restarted.count(), 2000);
}

#[test]
fn bad_inputs_are_refused_and_change_nothing() {
    let refused = |options| {
        let error = PredictionPoweredSequence::new(options).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    };
    let options = PredictionPoweredSequenceOptions::new;
    [0.0, -0.1, 1.1, f64::NAN].into_iter().for_each(|rate| refused(options(rate)));
    refused(options(0.1).with_min_labels(1));
    refused(options(0.1).with_sequence(AsymptoticOptions::default().with_confidence(1.0)));

    let mut sequence = sequence();
    sequence.update(0.5, Some(1.0)).unwrap();
    let before = sequence.clone();
    for bad in [f64::NAN, f64::INFINITY, 1e200] {
        assert!(sequence.update(bad, None).is_err());
        assert!(sequence.update(bad, Some(1.0)).is_err());
        assert!(sequence.update(0.5, Some(bad)).is_err());
    }
    assert_eq!(sequence, before);
}
