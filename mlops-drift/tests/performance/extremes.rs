//! Figures of numbers at either end of all there are.

use mlops_drift::performance::{
    Cbpe, Dle, Features, MulticlassCbpe, PerformanceMetrics, RegressionMetrics, average_precision,
    roc_auc,
};
use proptest::prelude::*;

fn value() -> impl Strategy<Value = f64> {
    let ends = [f64::MAX, 1e300, 1e155, 1e70, 1.0, 0.5, 1e-155, 1e-310, 5e-324, 0.0];
    let value = (prop::sample::select(ends.to_vec()), any::<bool>());
    value.prop_map(|(value, sign)| if sign { value } else { -value })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_finite_values_make_a_figure_that_is_no_number(
        values in prop::collection::vec(value(), 90),
        others in prop::collection::vec(value(), 90),
        outcomes in prop::collection::vec(any::<bool>(), 90),
    ) {
        let cbpe = Cbpe::fit(&values, &outcomes).and_then(|cbpe| {
            Ok((cbpe.estimate(&others, &outcomes)?, cbpe.check(&others, &outcomes)?))
        });
        let classes: Vec<usize> = (0..45).map(|row| row % 2).collect();
        let multiclass = MulticlassCbpe::fit(2, &values, &classes).and_then(|cbpe| {
            Ok((cbpe.estimate(&others, &classes)?, cbpe.check(&others, &classes)?))
        });
        let dle = Features::new(&values, 2).and_then(|features| {
            let (predicted, actual) = others.split_at(45);
            let dle: Dle = Dle::fit(features, predicted, actual, &Default::default())?;
            Ok((dle.estimate(features, predicted)?, dle.check(features, predicted, actual)?))
        });
        let mut metrics = RegressionMetrics::default();
        for (predicted, actual) in values.iter().zip(&others) {
            // Those beyond ±1e70 are refused.
            metrics.observe(*predicted, *actual).ok();
        }
        let found = [
            format!("{:?}", cbpe.ok()),
            format!("{:?}", multiclass.ok()),
            format!("{:?}", dle.ok()),
            format!("{:?}", PerformanceMetrics::Regression(metrics).figures(0.9).unwrap()),
            format!("{:?}", roc_auc(&values, &outcomes).and_then(|area| area.figure(0.9)).ok()),
            format!("{:?}", average_precision(&values, &outcomes).ok()),
        ];
        for found in found {
            prop_assert!(!found.contains("NaN") && !found.contains(" inf"), "{}", found);
        }
    }
}
