//! Quantiles of latencies.

use std::time::Duration;

use mlops_core::random::RandomKey;
use mlops_drift::performance::LatencyHistogram;
use proptest::prelude::*;

fn of(latencies: &[f64]) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::default();
    latencies.iter().for_each(|latency| histogram.observe(Duration::from_secs_f64(*latency)));
    histogram
}

proptest! {
    /// Within 1 % of the order statistic, from a microsecond to an hour.
    #[test]
    fn quantiles_are_within_a_hundredth(logs in proptest::collection::vec(-13.8_f64..8.1, 1..80), p in 0.0_f64..=1.0) {
        let mut latencies: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
        latencies.sort_by(f64::total_cmp);
        let rank = (p * latencies.len() as f64).ceil() as usize;
        let expected = latencies[rank.max(1) - 1];
        let found = of(&latencies).quantile(p).unwrap().unwrap();
        prop_assert!((found / expected - 1.0).abs() < 0.01, "{found} {expected}");
    }

    #[test]
    fn parts_merge_into_the_whole(latencies in proptest::collection::vec(0.0_f64..5000.0, 0..60), cut in 0_usize..60) {
        let (left, right) = latencies.split_at(cut.min(latencies.len()));
        let (mut merged, whole) = (of(left), of(&latencies));
        merged.merge(&of(right));
        let text = serde_json::to_string(&merged).unwrap();
        prop_assert_eq!(serde_json::from_str::<LatencyHistogram>(&text).unwrap(), whole);
    }
}

#[test]
fn ends() {
    let nothing = LatencyHistogram::default();
    assert_eq!((nothing.requests(), nothing.quantile(0.5).unwrap()), (0, None));
    assert_eq!(nothing.quantile_bounds(0.5, 0.9).unwrap(), (None, None));
    // Shorter and longer than all bins: they are taken for their ends.
    let short = of(&[0.0, 1e-9]);
    assert_eq!(short.quantile(1.0).unwrap(), Some(1e-6));
    let mut long = LatencyHistogram::default();
    long.observe(Duration::MAX);
    assert!((3600.0..3720.0).contains(&long.quantile(0.0).unwrap().unwrap()));
    // Nothing is known of an upper end there.
    for _ in 0..100 {
        long.observe(Duration::from_secs(10_000));
    }
    let (low, high) = long.quantile_bounds(0.5, 0.9).unwrap();
    assert!(low.unwrap() > 3600.0 && high.is_none());
}

#[test]
fn bad_input_is_refused() {
    let histogram = of(&[1.0]);
    for p in [-0.1, 1.1, f64::NAN] {
        assert!(histogram.quantile(p).is_err() && histogram.quantile_bounds(p, 0.9).is_err());
    }
    assert!(histogram.quantile_bounds(0.0, 0.9).is_err());
    assert!(histogram.quantile_bounds(0.5, 1.0).is_err());
    for wrong in ["[]", "[1,2,3]", "{}"] {
        serde_json::from_str::<LatencyHistogram>(wrong).unwrap_err();
    }
    let text = serde_json::to_string(&histogram).unwrap();
    let huge = text.replacen("[0,0", "[9007199254740992,9007199254740992", 1);
    assert_ne!(text, huge);
    serde_json::from_str::<LatencyHistogram>(&huge).unwrap_err();
}

/// By `scipy.stats.binom`: of 100 requests, for the median at 95 %, the 40th and the 61st (Conover 1999,
/// §3.2, as R's `quantileCI`); for the 99th percentile there is no upper end.
#[test]
fn ranks_of_bounds_are_those_of_the_binomial_distribution() {
    let latencies: Vec<f64> = (1..=100).map(f64::from).collect();
    let histogram = of(&latencies);
    let (low, high) = histogram.quantile_bounds(0.5, 0.95).unwrap();
    let near = |end: Option<f64>, rank: f64| (end.unwrap() / rank - 1.0).abs() < 0.02;
    assert!(near(low, 40.0) && near(high, 61.0), "{low:?} {high:?}");
    let (low, high) = histogram.quantile_bounds(0.99, 0.95).unwrap();
    assert!(near(low, 97.0) && high.is_none(), "{low:?} {high:?}");
}

/// The bounds hold the quantile at least as often as they say, and not much more often.
#[test]
fn bounds_cover() {
    let mut random = RandomKey::from_seed(1).stream(0);
    let rounds = 2000;
    for (p, truth) in [(0.5_f64, 2.0_f64.ln()), (0.95, 20.0_f64.ln())] {
        let mut missed = 0;
        for _ in 0..rounds {
            let latencies: Vec<f64> = (0..300).map(|_| -(1.0 - random.next_unit()).ln()).collect();
            let (low, high) = of(&latencies).quantile_bounds(p, 0.9).unwrap();
            missed += usize::from(!(low.unwrap() <= truth && truth <= high.unwrap()));
        }
        let share = missed as f64 / f64::from(rounds);
        assert!(share < 0.10 + 4.0 * (0.09 / f64::from(rounds)).sqrt(), "{p}: {share}");
        assert!(share > 0.03, "{p}: {share}");
    }
}
