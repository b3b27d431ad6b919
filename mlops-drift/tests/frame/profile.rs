//! The profile of a frame is that of its columns.

use mlops_core::timestamp::Timestamp;
use mlops_drift::{
    frame::{self, FrameOptions, polars::prelude::*},
    profile::{Column as Values, FeatureProfile, Origin, Profile, ProfileOptions},
};

use super::data::{frame, named, uniform};

fn origin() -> Origin {
    Origin::new("data", Timestamp::EPOCH)
}

#[test]
fn a_profile_is_what_the_columns_themselves_give() {
    let values = uniform(1, 3000);
    let names = named(&uniform(2, 3000), &["a", "b", "c", "d", "e"]);
    let data = frame(vec![Column::new("s".into(), &names), Column::new("x".into(), &values)]);
    // Two of the five categories are among the others.
    let options = ProfileOptions::default().with_bins(20).with_categories(3);
    let found =
        frame::profile(&data, origin(), &FrameOptions::default().with_profile(options)).unwrap();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let columns = [("s", Values::categorical(&names)), ("x", Values::numeric(&values))];
    assert_eq!(found, Profile::fit(&columns, origin(), &options).unwrap());
}

#[test]
fn beyond_the_limits_every_row_is_counted() {
    let rows = 400_000;
    let mut texts = named(&uniform(2, rows), &["a", "b"]);
    for (row, text) in texts.iter_mut().enumerate().filter(|(row, _)| row % 4 == 0) {
        *text = row.to_string();
    }
    let data =
        frame(vec![Column::new("x".into(), uniform(1, rows)), Column::new("s".into(), &texts)]);
    let options = FrameOptions::default().with_max_values(1000).with_max_categories(50);
    let profile = frame::profile(&data, origin(), &options).unwrap();
    assert_eq!(profile.rows(), rows as u64);
    let FeatureProfile::Numeric(x) = profile.feature("x").unwrap() else { panic!("of numbers") };
    assert_eq!(x.rows(), rows as u64);
    // The edges are quantiles of the sample, so about equally many of all rows are between them.
    let share = rows as f64 / 96.0;
    let inner = &x.counts()[1..x.counts().len() - 1];
    assert!(inner.iter().all(|count| (*count as f64 / share - 1.0).abs() < 0.1), "{inner:?}");

    let FeatureProfile::Categorical(s) = profile.feature("s").unwrap() else { panic!("of texts") };
    let names: Vec<&str> = s.categories().names().iter().map(|name| &**name).collect();
    assert_eq!((names, s.categories().is_complete()), (vec!["a", "b"], false));
    let exact = |name: &str| texts.iter().filter(|text| *text == name).count() as u64;
    assert_eq!(s.counts(), [exact("a"), exact("b"), rows as u64 / 4]);
}
