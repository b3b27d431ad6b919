//! The mean time between false alarms is the one asked for.

use mlops_drift::online::{
    ChangeDetector, CusumOptions, Direction, PageHinkleyOptions, Reference, Signal, Threshold,
};

use super::streams::gaussian;

/// Values between alarms on average, in a stream long enough for about a thousand.
fn mean_time(mut detector: impl ChangeDetector, expected: f64) -> f64 {
    let values = (expected * 1000.0) as usize;
    let alarms =
        gaussian(21).take(values).filter(|value| detector.update(*value) == Signal::Change).count();
    values as f64 / alarms as f64
}

/// A thousand alarms are off by 3 % in one of three simulations.
fn assert_near(actual: f64, expected: f64) {
    assert!((actual / expected - 1.0).abs() < 0.1, "{actual}, not {expected}");
}

#[test]
fn of_cusum_with_a_known_reference() {
    for (asked, slack, direction) in
        [(200.0, 0.5, Direction::Both), (500.0, 0.25, Direction::Up), (500.0, 1.0, Direction::Down)]
    {
        let detector = CusumOptions::default()
            .with_reference(Reference::Known { mean: 5.0, scale: 2.0 })
            .with_slack(slack)
            .with_direction(direction)
            .with_threshold(Threshold::MeanTimeBetweenFalseAlarms(asked))
            .build()
            .unwrap();
        assert_near(mean_time(Rescaled(detector), asked), asked);
    }
}

/// Shows values in the unit of the known reference.
#[derive(Debug)]
struct Rescaled<D>(D);

impl<D: ChangeDetector> ChangeDetector for Rescaled<D> {
    fn update(&mut self, value: f64) -> Signal {
        self.0.update(2.0 * value + 5.0)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

#[test]
fn of_cusum_that_learns_its_reference() {
    // Few values are learned from before scores count: if those were not exact, it would show here.
    let warm_up = 10;
    for asked in [100.0, 500.0] {
        let detector = CusumOptions::default()
            .with_reference(Reference::Running { warm_up })
            .with_threshold(Threshold::MeanTimeBetweenFalseAlarms(asked))
            .build()
            .unwrap();
        let expected = asked + f64::from(warm_up);
        assert_near(mean_time(detector, expected), expected);
    }
}

#[test]
fn of_page_hinkley() {
    for (asked, tolerance) in [(300.0, 0.25), (500.0, 0.5)] {
        let options = PageHinkleyOptions::default()
            .with_tolerance(tolerance)
            .with_threshold(Threshold::MeanTimeBetweenFalseAlarms(asked));
        let expected = asked + f64::from(options.warm_up);
        assert_near(mean_time(options.build().unwrap(), expected), expected);
    }
}
