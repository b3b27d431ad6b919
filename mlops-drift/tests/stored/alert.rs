//! Alerts.

use mlops_core::{alert::Severity, timestamp::Timestamp};
use mlops_drift::alert::{AlertTracker, Judgement, TrackerOptions};
use serde_json::json;

use crate::damage::{refused, survives};

fn tracker() -> AlertTracker {
    let mut tracker = AlertTracker::new(TrackerOptions::default().with_hits(2, 3)).unwrap();
    for second in 0..3 {
        tracker.update(Timestamp::from_micros(second), Judgement::Bad(Severity::Warning));
    }
    tracker
}

#[test]
fn a_tracker_goes_on() {
    survives(&tracker(), |mut tracker| {
        let judgements = [Judgement::Bad(Severity::Critical), Judgement::Between, Judgement::Good];
        for (second, judgement) in judgements.into_iter().cycle().take(9).enumerate() {
            tracker.update(Timestamp::from_micros(second as i64), judgement);
        }
        tracker
    });
}

#[test]
fn its_options_are_checked() {
    let of = |option: &'static str, value| (option, json!(value));
    refused(
        &tracker(),
        &[
            of("/options/window", 0),
            of("/options/window", 65),
            of("/options/hits", 0),
            of("/options/hits", 4),
            of("/options/recoveries", 0),
        ],
    );
}
