//! What scipy says, as `make_golden.py` wrote it down.

use mlops_core::stats::TestResult;
use mlops_drift::stats::counts::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    reference: Vec<u64>,
    current: Vec<u64>,
    positions: Vec<f64>,
    chi_square: [f64; 2],
    chi_square_yates: [f64; 2],
    g: [f64; 2],
    g_yates: [f64; 2],
    g_williams: [f64; 2],
    kl: Option<f64>,
    kl_smooth: f64,
    jensen_shannon: f64,
    jensen_shannon_2: f64,
    jensen_shannon_corrected: f64,
    hellinger: f64,
    total_variation: f64,
    largest_difference: f64,
    psi: Option<f64>,
    psi_smooth: f64,
    psi_threshold: f64,
    cramers_v: f64,
    balanced_cramers_v: f64,
    ks: f64,
    wasserstein: f64,
}

fn cases() -> Vec<Case> {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden.json")).unwrap();
    assert!(cases.len() > 150, "{}", cases.len());
    cases
}

#[track_caller]
fn close(found: f64, expected: f64, case: &Case) {
    let off = (found - expected).abs();
    assert!(
        off <= 1e-10 && off <= 1e-9 * expected.abs() || off <= 1e-12 || found == expected,
        "{found} is not {expected}\n{:?}\n{:?}",
        case.reference,
        case.current
    );
}

/// Tails too: a p-value far below 1e-12 must be right relative to itself.
#[track_caller]
fn same(found: TestResult, [statistic, p_value]: [f64; 2], case: &Case) {
    let off = (found.statistic - statistic).abs();
    assert!(off <= 1e-10_f64.max(1e-9 * statistic), "{} is not {statistic}", found.statistic);
    // How far the p-value moves if the statistic is off by a part in 10^13 of itself, as sums of floats are.
    let slack = 1e-9 + 1e-12 * statistic;
    let off = (found.p_value - p_value).abs();
    assert!(
        off <= slack * p_value || p_value < 1e-300,
        "p {} is not {p_value}\n{:?}\n{:?}",
        found.p_value,
        case.reference,
        case.current
    );
}

#[test]
fn chi_square_is_scipys() {
    let plain = ContingencyOptions::scipy().with_correction(Correction::None);
    for case in cases() {
        let (x, y) = (&case.reference, &case.current);
        same(chi_square(x, y, &plain).unwrap(), case.chi_square, &case);
        same(chi_square(x, y, &ContingencyOptions::scipy()).unwrap(), case.chi_square_yates, &case);
    }
}

#[test]
fn few_rows_in_two_cells_are_tested_exactly() {
    // scipy.stats.fisher_exact([[8, 2], [1, 5]]).pvalue
    for test in [chi_square, g_test] {
        let result = test(&[8, 2], &[1, 5], &ContingencyOptions::default()).unwrap();
        assert!((result.p_value - 0.034_965_034_965_034_95).abs() < 1e-14, "{result:?}");
    }
}

#[test]
fn g_is_scipys() {
    let plain = ContingencyOptions::scipy().with_correction(Correction::None);
    let williams = ContingencyOptions::default().with_sparse_cells(SparseCells::Keep);
    for case in cases() {
        let (x, y) = (&case.reference, &case.current);
        same(g_test(x, y, &plain).unwrap(), case.g, &case);
        same(g_test(x, y, &ContingencyOptions::scipy()).unwrap(), case.g_yates, &case);
        same(g_test(x, y, &williams).unwrap(), case.g_williams, &case);
    }
}

#[test]
fn divergences_are_scipys() {
    for case in cases() {
        let (x, y) = (&case.reference, &case.current);
        let plain = KlOptions::default().with_pseudo_count(0.0);
        let infinite = f64::INFINITY;
        close(kl_divergence(x, y, &plain).unwrap(), case.kl.unwrap_or(infinite), &case);
        close(kl_divergence(x, y, &KlOptions::default()).unwrap(), case.kl_smooth, &case);
        let options = JensenShannonOptions::default();
        // Where shares are equal scipy's distance is the root of its rounding errors.
        let jensen_shannon = |options| jensen_shannon(x, y, &options).unwrap().powi(2);
        close(jensen_shannon(options), case.jensen_shannon.powi(2), &case);
        close(
            jensen_shannon(options.with_base(LogBase::Two)),
            case.jensen_shannon_2.powi(2),
            &case,
        );
        close(
            jensen_shannon(options.with_bias_correction(SparseCells::Keep)),
            case.jensen_shannon_corrected.powi(2),
            &case,
        );
    }
}

#[test]
fn distances_are_as_defined() {
    for case in cases() {
        let (x, y) = (&case.reference, &case.current);
        close(hellinger(x, y).unwrap(), case.hellinger, &case);
        close(total_variation(x, y).unwrap(), case.total_variation, &case);
        close(largest_difference(x, y).unwrap(), case.largest_difference, &case);
        close(cramers_v(x, y).unwrap(), case.cramers_v, &case);
        let balanced = balanced_cramers_v(x, y, SparseCells::Keep).unwrap();
        close(balanced.powi(2), case.balanced_cramers_v.powi(2), &case);
        let options = PsiOptions::default().with_sparse_cells(SparseCells::Keep);
        let smooth = psi(x, y, &options).unwrap();
        close(smooth.value, case.psi_smooth, &case);
        close(smooth.null_threshold(0.05).unwrap(), case.psi_threshold, &case);
        let plain = psi(x, y, &options.with_pseudo_count(0.0)).unwrap();
        close(plain.value, case.psi.unwrap_or(f64::INFINITY), &case);
    }
}

#[test]
fn ordered_cells_have_scipys_statistics() {
    for case in cases() {
        let (x, y) = (&case.reference, &case.current);
        let bounds = ks_bounds(x, y).unwrap();
        close(bounds.lower, case.ks, &case);
        // A bin begins at each position but the first, whose rows are below their anchor.
        let edges = &case.positions[1..];
        let offsets = |counts: &[u64]| {
            let mut offsets = vec![0.0; counts.len()];
            if let Some(edge) = edges.first() {
                offsets[0] = counts[0] as f64 * (case.positions[0] - edge);
            }
            offsets
        };
        let found = wasserstein_bins(
            edges,
            BinSums { counts: x, offsets: &offsets(x) },
            BinSums { counts: y, offsets: &offsets(y) },
        );
        close(found.unwrap(), case.wasserstein, &case);
    }
}
