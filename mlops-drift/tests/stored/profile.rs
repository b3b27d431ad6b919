//! Profiles, and whatever is made of one that was read.

use mlops_core::timestamp::Timestamp;
use mlops_drift::{
    compare::{CompareOptions, compare},
    monitor::{FeatureMap, Monitor, MonitorOptions},
    performance::{LossProfile, SliceOptions, Slicer},
    profile::{Column, Origin, Profile, ProfileOptions, Value},
};

use crate::damage::survives;

#[test]
fn a_profile_works_wherever_one_is_taken() {
    let numbers: Vec<f64> = (0..60).map(|row| f64::from(row * row % 41) / 4.0).collect();
    let names: Vec<&str> = (0..60).map(|row| ["a", "b", "c", "d"][row * row % 4]).collect();
    let flags: Vec<f64> = (0..60).map(|row| f64::from(row % 2)).collect();
    let columns = [
        ("number", Column::Numeric { values: &numbers, nulls: 5 }),
        ("name", Column::Categorical { values: &names, nulls: 5 }),
        ("flag", Column::Numeric { values: &flags, nulls: 5 }),
    ];
    let options = ProfileOptions::default().with_bins(8).with_categories(3);
    let origin = Origin::new("test", Timestamp::EPOCH);
    let reference = Profile::fit(&columns, origin, &options).unwrap();
    survives(&reference, |read| {
        let map = FeatureMap::nowhere(&read);
        let monitor = Monitor::new(&read, map, &MonitorOptions::default()).unwrap();
        for number in [0.0, 5.0, f64::NAN, 1e300] {
            let row = [Value::Number(number), Value::Category("e"), Value::Number(1.0)];
            // One of the features may be gone.
            monitor.observe_row(&row, Timestamp::EPOCH).ok();
        }
        let checked = monitor.check(Timestamp::from_micros(1 << 50)).map(|windows| {
            windows
                .into_iter()
                .map(|window| (window.comparison, window.readings))
                .collect::<Vec<_>>()
        });
        let losses = LossProfile::new(&read).and_then(|mut losses| {
            for loss in [0.5, 1.0] {
                losses.observe(&[Value::Null, Value::Null, Value::Null], loss)?;
            }
            losses.root_causes(&read, None)
        });
        (
            checked.ok(),
            monitor.look().map(|look| (look.features, look.comparison)).ok(),
            compare(&read, &read, &CompareOptions::default()).ok(),
            losses.ok(),
            Slicer::new(&read, &SliceOptions::default()).is_ok(),
        )
    });
}
