//! Errors of regressions.

use mlops_drift::performance::{Estimate, RegressionMetrics};
use proptest::prelude::*;

fn of(rows: &[(f64, f64)]) -> RegressionMetrics {
    let mut metrics = RegressionMetrics::default();
    rows.iter().for_each(|(predicted, actual)| metrics.observe(*predicted, *actual).unwrap());
    metrics
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

/// By numpy: `mean(e)`, `std(e, ddof=1) / sqrt(n)` and so on of e = predicted − actual; r2 as
/// `sklearn.metrics.r2_score`.
#[test]
fn golden() {
    let metrics = of(&[(2.5, 3.0), (0.0, -0.5), (2.0, 2.0), (8.0, 7.0)]);
    let same = |estimate: Option<Estimate>, value: f64, standard_error: f64| {
        let estimate = estimate.unwrap();
        assert!(close(estimate.value, value), "{estimate:?}");
        assert!(close(estimate.standard_error, standard_error), "{estimate:?}");
    };
    // Errors −0.5, 0.5, 0, 1.
    same(metrics.bias(), 0.25, 0.322_748_612_183_951_4);
    same(metrics.mean_absolute_error(), 0.5, 0.204_124_145_231_931_5);
    same(metrics.mean_squared_error(), 0.375, 0.216_506_350_946_109_66);
    same(
        metrics.root_mean_squared_error(),
        0.612_372_435_695_794_5,
        0.216_506_350_946_109_66 / (2.0 * 0.612_372_435_695_794_5),
    );
    assert!(close(metrics.r_squared().unwrap(), 0.948_608_137_044_967_9));
    assert_eq!(metrics.rows(), 4);
}

#[test]
fn what_is_not_defined_is_none() {
    for rows in [&[][..], &[(1.0, 2.0)]] {
        let metrics = of(rows);
        assert_eq!((metrics.bias(), metrics.root_mean_squared_error()), (None, None));
        assert_eq!(metrics.r_squared(), None);
    }
    assert_eq!(of(&[(1.0, 2.0), (3.0, 2.0)]).r_squared(), None);
    let exact = of(&[(1.0, 1.0), (2.0, 2.0)]);
    let none = Some(Estimate { value: 0.0, standard_error: 0.0 });
    assert_eq!((exact.root_mean_squared_error(), exact.r_squared()), (none, Some(1.0)));
}

#[test]
fn rows_that_are_not_finite_are_refused_and_change_nothing() {
    let mut metrics = of(&[(1.0, 2.0), (2.0, 2.0)]);
    let before = metrics;
    for (predicted, actual, named) in
        [(f64::NAN, 1.0, "prediction"), (1.0, f64::INFINITY, "outcome"), (1.0, -2e70, "-2e70")]
    {
        let error = metrics.observe(predicted, actual).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    assert_eq!(metrics, before);
}

proptest! {
    /// However rows are divided, the parts merge into the whole, far from 0 too.
    #[test]
    fn parts_merge_into_the_whole(
        rows in proptest::collection::vec((-10.0..10.0_f64, -10.0..10.0_f64), 2..60),
        cut in 0..60_usize,
        origin in prop_oneof![Just(0.0), Just(1e6)],
    ) {
        let rows: Vec<_> = rows.iter().map(|(p, a)| (p + origin, a + origin)).collect();
        let (left, right) = rows.split_at(cut.min(rows.len()));
        let (mut merged, whole) = (of(left), of(&rows));
        merged.merge(&of(right));
        let text = serde_json::to_string(&merged).unwrap();
        let merged: RegressionMetrics = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(merged.rows(), whole.rows());
        for figure in [
            RegressionMetrics::bias,
            RegressionMetrics::mean_absolute_error,
            RegressionMetrics::mean_squared_error,
        ] {
            let (a, b) = (figure(&merged).unwrap(), figure(&whole).unwrap());
            prop_assert!(close(a.value, b.value) && close(a.standard_error, b.standard_error));
        }
        match (merged.r_squared(), whole.r_squared()) {
            (Some(a), Some(b)) => prop_assert!((a - b).abs() <= 1e-6 * a.abs().max(1.0)),
            (a, b) => prop_assert_eq!(a, b),
        }
    }
}
