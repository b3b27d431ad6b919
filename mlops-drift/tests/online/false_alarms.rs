//! How often the defaults are wrong where nothing changes, whatever the unit.

use mlops_drift::online::{
    AdwinOptions, ChangeDetector, DdmOptions, EddmOptions, HddmAOptions, HddmWOptions,
    KswinOptions, PageHinkleyOptions, Signal,
};

use super::streams::{errors, gaussian};

fn changes(mut detector: impl ChangeDetector, values: impl Iterator<Item = f64>) -> usize {
    values.filter(|value| detector.update(*value) == Signal::Change).count()
}

#[test]
fn adwin_and_the_bounds_of_hoeffding_are_hardly_ever_wrong() {
    for rate in [0.02, 0.2, 0.5] {
        let values = || errors(11, rate).take(200_000);
        assert_eq!(changes(AdwinOptions::default().build().unwrap(), values()), 0, "{rate}");
        assert!(changes(HddmAOptions::default().build().unwrap(), values()) <= 4, "{rate}");
    }
}

#[test]
fn ddm_is_wrong_about_as_often_with_few_errors_as_with_many() {
    for rate in [0.001, 0.01, 0.2] {
        let default =
            changes(DdmOptions::default().build().unwrap(), errors(12, rate).take(200_000));
        assert!(default <= 10, "{rate}: {default}");
    }
    // With river every error after a hundred values without one is a change.
    let river = changes(DdmOptions::river().build().unwrap(), errors(12, 0.001).take(200_000));
    assert!(river > 50, "{river}");
}

#[test]
fn eddm_is_wrong_much_less_often_than_rivers() {
    let count = |options: &EddmOptions| -> usize {
        let streams = (0..200).map(|seed| errors(1000 + seed, 0.2).take(5000));
        streams.map(|values| changes(options.clone().build().unwrap(), values)).sum()
    };
    let (default, river) = (count(&EddmOptions::default()), count(&EddmOptions::river()));
    assert!(2 * default < river, "{default} {river}");
}

#[test]
fn kswin_is_as_often_wrong_for_any_continuous_distribution() {
    let count = |values: &mut dyn Iterator<Item = f64>| {
        changes(KswinOptions::default().build().unwrap(), values)
    };
    let normal = count(&mut gaussian(13).take(100_000));
    // Order is all it sees.
    assert_eq!(count(&mut gaussian(13).take(100_000).map(|x| (3.0 * x).exp())), normal);
    // One in about 100 000: six or more have a probability of less than 0.001.
    assert!(normal <= 5, "{normal}");
}

#[test]
fn the_unit_of_page_hinkley_is_the_standard_deviation() {
    let count = |unit: f64| {
        let detector = PageHinkleyOptions::default().build().unwrap();
        changes(detector, gaussian(14).take(200_000).map(|x| unit * x))
    };
    // One in 100 000 is asked for: seven or more have a probability of less than 0.005.
    assert!(count(1.0) <= 6, "{}", count(1.0));
    assert_eq!(count(1e-3), count(1.0));
    assert_eq!(count(1e6), count(1.0));
    // river: one in some 1600 values, and one in 30 if the unit is a tenth.
    let river = |unit: f64| {
        let detector = PageHinkleyOptions::river().build().unwrap();
        changes(detector, gaussian(14).take(50_000).map(|x| unit * x))
    };
    assert!(river(1.0) > 15 && river(10.0) > 1000 && river(0.01) == 0);
}

#[test]
fn the_first_error_after_many_values_is_no_change() {
    let values = || std::iter::repeat_n(0.0, 1000).chain([1.0]).cycle().take(50_050);
    assert_eq!(changes(DdmOptions::default().build().unwrap(), values()), 0);
    assert_eq!(changes(HddmAOptions::default().build().unwrap(), values()), 0);
    assert_eq!(changes(HddmWOptions::default().build().unwrap(), values()), 0);
}
