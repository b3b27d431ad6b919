//! Means of bounded scores, looked at all the time.

use mlops_core::{Error, random::RandomKey, stats::Interval};
use mlops_drift::generative::{Score, ScoreStream, StreamOptions, StreamState};

fn at(rate: f64) -> Interval {
    Interval { low: rate, high: rate }
}

fn stream(reference: Interval, tolerance: f64) -> ScoreStream {
    ScoreStream::new(reference, StreamOptions::default().with_tolerance(tolerance)).unwrap()
}

/// Whether there is an alarm within so many scores of this rate.
fn alarms(mut stream: ScoreStream, rate: f64, round: u64, count: usize) -> Option<StreamState> {
    let mut random = RandomKey::from_seed(11).derive("score stream").stream(round);
    (0..count).find_map(|_| {
        stream.update(f64::from(u8::from(random.next_unit() < rate))).unwrap();
        Some(stream.state()).filter(|state| *state != StreamState::Normal)
    })
}

/// Of 400 streams, 20 on the average would be too many; at most 20 and five standard deviations.
#[test]
fn alarms_are_seldom_false() {
    for (reference, tolerance, rate) in
        [(at(0.1), 0.0, 0.1), (at(0.1), 0.05, 0.15), (Interval { low: 0.02, high: 0.1 }, 0.0, 0.02)]
    {
        let alarm =
            |round: &u64| alarms(stream(reference, tolerance), rate, *round, 3000).is_some();
        let false_alarms = (0..400).filter(alarm).count();
        assert!(false_alarms <= 41, "{false_alarms} of 400 at {rate}");
    }
}

#[test]
fn what_moves_beyond_the_tolerance_is_found() {
    for round in 0..50 {
        let up = alarms(stream(at(0.1), 0.02), 0.2, round, 3000);
        let down = alarms(stream(at(0.3), 0.02), 0.2, round, 5000);
        assert_eq!((up, down), (Some(StreamState::Above), Some(StreamState::Below)), "{round}");
    }
}

#[test]
fn it_says_where_the_mean_is() {
    let mut stream = stream(at(0.5), 0.0);
    assert_eq!((stream.mean(), stream.interval().width(), stream.count()), (None, 1.0, 0));
    for score in [Score::YesNo(true), Score::Bounded(0.25), Score::YesNo(false)] {
        stream.update_score(&score).unwrap();
    }
    stream.update(0.75).unwrap();
    assert_eq!((stream.mean(), stream.count()), (Some(0.5), 4));
    assert!(stream.interval().contains(0.5));
    let text = serde_json::to_string(&stream).unwrap();
    assert_eq!(serde_json::from_str::<ScoreStream>(&text).unwrap(), stream);
    stream.reset();
    assert_eq!(stream, self::stream(at(0.5), 0.0));
}

#[test]
fn bad_inputs_are_refused_and_change_nothing() {
    let options = StreamOptions::default();
    for (low, high) in [(-0.1, 0.5), (0.5, 1.1), (0.6, 0.5), (f64::NAN, 0.5), (0.5, f64::NAN)] {
        assert!(ScoreStream::new(Interval { low, high }, options).is_err());
    }
    for options in [
        options.with_tolerance(-0.1),
        options.with_tolerance(f64::NAN),
        options.with_tolerance(f64::INFINITY),
        options.with_confidence(0.0),
        options.with_confidence(f64::NAN),
    ] {
        assert!(ScoreStream::new(at(0.5), options).is_err());
    }
    let mut stream = stream(at(0.5), 0.0);
    stream.update(0.5).unwrap();
    let before = stream.clone();
    for bad in [-1e-9, 1.000_001, f64::NAN, f64::INFINITY] {
        let error = stream.update(bad).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    }
    for score in [Score::Number(0.5), Score::category("x"), Score::Bounded(2.0)] {
        assert!(stream.update_score(&score).is_err());
    }
    assert_eq!(stream, before);
}
