//! Whatever comes: a verdict, and figures that are numbers.

use mlops_core::timestamp::Timestamp;
use mlops_drift::{
    compare::{CompareOptions, Comparer, Comparison, Numbers, compare},
    profile::{Column, Origin, Profile, ProfileOptions},
    report::{Report, Section},
};
use proptest::prelude::*;

/// Any values, at either end of all there are, and nulls.
fn column() -> impl Strategy<Value = (Vec<f64>, u64)> {
    let ends = [f64::INFINITY, f64::NAN, f64::MAX, 1e300, 1e155, 1.0, 2.0, 1e-155, 5e-324, 0.0];
    let value = (prop::sample::select(ends.to_vec()), any::<bool>(), -1e9..1e9_f64, 0..3_u8);
    let value = value.prop_map(|(end, sign, other, which)| match which {
        0 => other,
        _ if sign => end,
        _ => -end,
    });
    (prop::collection::vec(value, 0..60), prop::sample::select(vec![0_u64, 1, 50, 1 << 51]))
}

fn by_profiles(
    (reference, nulls): &(Vec<f64>, u64),
    (current, current_nulls): &(Vec<f64>, u64),
) -> Option<Comparison> {
    let column = Column::Numeric { values: reference, nulls: *nulls };
    let origin = Origin::new("test", Timestamp::EPOCH);
    // Without rows there is no reference.
    let fitted = Profile::fit(&[("x", column)], origin, &ProfileOptions::default()).ok()?;
    let mut counted = fitted.empty_like();
    let column = Column::Numeric { values: current, nulls: *current_nulls };
    counted.observe_columns(&[("x", column)]).unwrap();
    Some(compare(&fitted, &counted, &CompareOptions::default()).unwrap())
}

fn by_values(reference: &(Vec<f64>, u64), current: &(Vec<f64>, u64)) -> Comparison {
    let [reference, current] =
        [reference, current].map(|(values, nulls)| Numbers::new(values.clone(), *nulls).unwrap());
    let mut comparer =
        Comparer::new(&CompareOptions::default(), reference.rows(), current.rows()).unwrap();
    comparer.numbers("x", &reference, &current).unwrap();
    comparer.finish().unwrap()
}

proptest! {
    #[test]
    fn any_columns_have_a_verdict_and_a_report(reference in column(), current in column()) {
        let compared = by_profiles(&reference, &current);
        for comparison in compared.into_iter().chain([by_values(&reference, &current)]) {
            let figures = format!("{comparison:?}");
            prop_assert!(!figures.contains("NaN") && !figures.contains(" inf"), "{figures}");
            let report = Report::new("title", Timestamp::EPOCH, "then", "now")
                .with_section(Section::Drift(comparison));
            // What is read is checked.
            let read = Report::from_json("report", &report.to_json().unwrap()).unwrap();
            prop_assert_eq!(&read, &report);
            prop_assert!(!read.to_text().is_empty());
        }
    }
}
