//! Reconstruction by principal components.

use mlops_drift::{
    multivariate::pca::{PcaOptions, PcaReference},
    ndarray::{Array2, Axis},
    stats::{Sample, ks},
};

use crate::rows::SplitMix64;

/// Columns that have half of their variance in common.
fn related(random: &mut SplitMix64, count: usize) -> Array2<f64> {
    let mut rows = random.independent(count, 5);
    for mut row in rows.rows_mut() {
        let common = random.bell();
        row += common;
    }
    rows
}

/// The same values in each column, and nothing in common.
fn shuffled(random: &mut SplitMix64, rows: &Array2<f64>) -> Array2<f64> {
    let mut shuffled = rows.clone();
    for mut column in shuffled.columns_mut() {
        for place in (1..column.len()).rev() {
            column.swap(place, (random.unit() * (place + 1) as f64) as usize);
        }
    }
    shuffled
}

fn fitted(rows: &Array2<f64>, seed: u64) -> PcaReference {
    PcaReference::fit(rows.view(), &PcaOptions::default().with_seed(seed)).unwrap()
}

#[test]
fn rows_of_a_plane_are_reconstructed() {
    let mut random = SplitMix64(1);
    let plane = |random: &mut SplitMix64, count| {
        let two = random.independent(count, 2);
        Array2::from_shape_fn((count, 4), |(i, j)| {
            let (a, b) = (two[[i, 0]], two[[i, 1]]);
            [a, b, a + b, a - 2.0 * b][j] * 10.0 + 50.0
        })
    };
    let rows = plane(&mut random, 200);
    let options = PcaOptions::default().with_explained(0.9999);
    let reference = PcaReference::fit(rows.view(), &options).unwrap();
    assert_eq!(reference.components(), 2);
    let mut current = plane(&mut random, 50);
    assert!(reference.errors(current.view()).unwrap().into_iter().all(|error| error < 1e-12));
    // Off the plane, however far from its middle.
    current.column_mut(2).map_inplace(|value| *value += 1.0);
    assert!(reference.errors(current.view()).unwrap().into_iter().all(|error| error > 0.01));
    assert!(reference.test(current.view()).unwrap().p_value < 1e-9);
}

#[test]
fn errors_and_what_is_reconstructed_add_up() {
    let rows = related(&mut SplitMix64(2), 100);
    let error = |explained| {
        let options = PcaOptions::default().with_explained(explained);
        let reference = PcaReference::fit(rows.view(), &options).unwrap();
        let errors = reference.errors(rows.view()).unwrap();
        (reference.components(), errors.iter().map(|error| error * error).sum::<f64>())
    };
    // With more components there is less error, and with all of them none.
    let found: Vec<_> = [0.01, 0.7, 0.85, 0.999_999].map(error).into();
    assert!(found.is_sorted_by(|a, b| a.0 < b.0 && a.1 > b.1), "{found:?}");
    assert!(found[0].0 == 1 && found[3].0 == 5 && found[3].1 < 1e-20, "{found:?}");
    // Half of the variance, and a fifth of the other half, is that of the first component, give or take what 50
    // rows tell.
    let share = 1.0 - found[0].1 / error_of_means(&rows);
    assert!((share - 0.6).abs() < 0.12, "{share}");
}

/// The sum of squares of all columns on the scale of their quartiles, about their means.
fn error_of_means(rows: &Array2<f64>) -> f64 {
    let standardizer = mlops_drift::multivariate::Standardizer::fit(rows.view()).unwrap();
    let scaled = standardizer.apply(rows.view()).unwrap();
    scaled.var_axis(Axis(0), 0.0).sum() * rows.nrows() as f64
}

#[test]
fn a_lost_correlation_is_found_where_no_column_has_changed() {
    let mut random = SplitMix64(3);
    let found = (0..40)
        .filter(|round| {
            let rows = related(&mut random, 400);
            let current = related(&mut random, 150);
            let current = shuffled(&mut random, &current);
            fitted(&rows, *round).test(current.view()).unwrap().p_value <= 0.05
        })
        .count();
    assert!(found >= 38, "{found}");
    let rows = related(&mut random, 400);
    let current = shuffled(&mut random, &rows);
    for (x, y) in rows.columns().into_iter().zip(current.columns()) {
        let sample = |values: Vec<f64>| Sample::new("values", values).unwrap();
        let result = ks::test(&sample(x.to_vec()), &sample(y.to_vec()), Default::default());
        assert_eq!(result.unwrap().p_value, 1.0);
    }
}

#[test]
fn false_alarms_are_nominal() {
    const ROUNDS: u32 = 1500;
    let mut random = SplitMix64(4);
    let alarms = (0..ROUNDS)
        .filter(|round| {
            let (rows, current) = (random.rows(80, 4), random.rows(40, 4));
            fitted(&rows, u64::from(*round)).test(current.view()).unwrap().p_value <= 0.05
        })
        .count();
    let share = alarms as f64 / f64::from(ROUNDS);
    // Four and a half standard deviations.
    let bound = 4.5 * (0.05 * 0.95 / f64::from(ROUNDS)).sqrt();
    assert!((share - 0.05).abs() < bound, "{share}");
}

#[test]
fn what_is_written_is_read_the_same() {
    let rows = related(&mut SplitMix64(5), 60);
    let reference = fitted(&rows, 0);
    let text = serde_json::to_string(&reference).unwrap();
    assert_eq!(serde_json::from_str::<PcaReference>(&text).unwrap(), reference);
    for (from, to) in [
        ("\"mean\":[", "\"mean\":[0.0,"),
        ("\"components\":[", "\"components\":[0.0,"),
        ("\"medians\":[", "\"medians\":[0.0,"),
    ] {
        assert!(text.contains(from));
        serde_json::from_str::<PcaReference>(&text.replace(from, to)).unwrap_err();
    }
}

#[test]
fn constants_have_no_errors() {
    let ones = Array2::from_elem((20, 3), 7.0);
    let reference = fitted(&ones, 0);
    assert_eq!(reference.components(), 0);
    assert_eq!(reference.test(ones.view()).unwrap().p_value, 1.0);
    assert!(reference.test((&ones + 1.0).view()).unwrap().p_value < 0.001);
}

#[test]
fn bad_input_is_named() {
    let rows = related(&mut SplitMix64(6), 20);
    let fit = |rows: &Array2<f64>, options| PcaReference::fit(rows.view(), &options);
    let options = PcaOptions::default();
    let few = rows.select(Axis(0), &[0; 19]);
    let error = fit(&few, options).unwrap_err().to_string();
    assert_eq!(error, "invalid reference: 19 rows; at least 20 are needed");
    let error = fit(&Array2::zeros((20, 257)), options).unwrap_err().to_string();
    assert_eq!(error, "principal components (columns) of 257 is over the limit of 256");
    for share in [0.0, 1.0, f64::NAN] {
        let error = fit(&rows, options.with_explained(share)).unwrap_err().to_string();
        assert_eq!(error, format!("invalid explained: {share} is not between 0 and 1"));
    }
    let reference = fitted(&rows, 0);
    let error = reference.test(Array2::zeros((2, 4)).view()).unwrap_err().to_string();
    assert_eq!(error, "invalid current: 4 columns, where the reference has 5");
    let error = reference.test(rows.select(Axis(0), &[1]).view()).unwrap_err().to_string();
    assert_eq!(error, "invalid current: 1 rows; at least 2 are needed");
    let mut nan = rows.clone();
    nan[[3, 4]] = f64::NAN;
    for result in [fit(&nan, options).map(drop), reference.test(nan.view()).map(drop)] {
        let error = result.unwrap_err().to_string();
        assert!(error.ends_with("row 3, column 4 is NaN; values must be finite"), "{error}");
    }
}
