//! What holds of every pair of samples.

use mlops_core::{Error, Result};
use mlops_drift::stats::{Sample, counts::*, ks};
use proptest::prelude::*;

/// Counts of both samples, each with at least one row, over at least one cell.
fn tables() -> impl Strategy<Value = (Vec<u64>, Vec<u64>)> {
    let count = prop_oneof![3 => 0_u64..4, 2 => 0_u64..100, 1 => 0_u64..1_000_000];
    prop::collection::vec((count.clone(), count), 1..40).prop_map(|pairs| {
        let (mut x, mut y): (Vec<u64>, Vec<u64>) = pairs.into_iter().unzip();
        *x.last_mut().unwrap() += u64::from(x.iter().all(|count| *count == 0));
        *y.first_mut().unwrap() += u64::from(y.iter().all(|count| *count == 0));
        (x, y)
    })
}

type Distance = fn(&[u64], &[u64]) -> Result<f64>;

/// Distances of the shares: symmetric, 0 for equal ones, in this range, whatever the sizes.
const OF_SHARES: [(&str, Distance, f64); 5] = [
    ("Hellinger", hellinger, 1.0),
    ("total variation", total_variation, 1.0),
    ("largest difference", largest_difference, 1.0),
    (
        "Jensen-Shannon",
        |x, y| jensen_shannon(x, y, &JensenShannonOptions::default()),
        0.832_554_611_157_698,
    ),
    ("Kolmogorov-Smirnov", |x, y| Ok(ks_bounds(x, y)?.lower), 1.0),
];

/// What else is symmetric and never negative.
const SYMMETRIC: [(&str, Distance); 7] = [
    ("chi-square", |x, y| Ok(chi_square(x, y, &ContingencyOptions::default())?.statistic)),
    ("chi-square, p", |x, y| Ok(chi_square(x, y, &ContingencyOptions::default())?.p_value)),
    ("G", |x, y| Ok(g_test(x, y, &ContingencyOptions::default())?.statistic)),
    ("G, p", |x, y| Ok(g_test(x, y, &ContingencyOptions::default())?.p_value)),
    ("PSI", |x, y| Ok(psi(x, y, &PsiOptions::default())?.value)),
    ("V", cramers_v),
    ("balanced V", |x, y| balanced_cramers_v(x, y, SparseCells::default())),
];

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-3)
}

proptest! {
    #[test]
    fn distances_of_shares((x, y) in tables(), times in 1_u64..50) {
        for (name, distance, most) in OF_SHARES {
            let found = distance(&x, &y).unwrap();
            prop_assert!((0.0..=most + 1e-12).contains(&found), "{} {}", name, found);
            prop_assert!(near(found, distance(&y, &x).unwrap()), "{}", name);
            let more: Vec<u64> = x.iter().map(|count| count * times).collect();
            prop_assert!(near(found, distance(&more, &y).unwrap()), "{}", name);
            prop_assert!(distance(&more, &x).unwrap() < 1e-7, "{}", name);
        }
    }

    #[test]
    fn the_order_of_samples_does_not_matter((x, y) in tables()) {
        for (name, distance) in SYMMETRIC {
            let found = distance(&x, &y).unwrap();
            prop_assert!(found >= 0.0 && found.is_finite(), "{} {}", name, found);
            prop_assert!(near(found, distance(&y, &x).unwrap()), "{}", name);
        }
    }

    #[test]
    fn cells_that_are_empty_in_both_say_nothing((x, y) in tables(), at in 0_usize..40) {
        let with = |counts: &[u64]| {
            let mut counts = counts.to_vec();
            counts.insert(at.min(counts.len()), 0);
            counts
        };
        let all = OF_SHARES.map(|(_, distance, _)| distance);
        for distance in all.into_iter().chain(SYMMETRIC.map(|(_, distance)| distance)) {
            prop_assert_eq!(distance(&x, &y).unwrap(), distance(&with(&x), &with(&y)).unwrap());
        }
        let kl = |x: &[u64], y: &[u64]| kl_divergence(x, y, &KlOptions::default()).unwrap();
        prop_assert!(kl(&x, &y) >= 0.0);
        prop_assert_eq!(kl(&x, &y), kl(&with(&x), &with(&y)));
        prop_assert!(kl(&x, &x) == 0.0);
    }

    #[test]
    fn distances_bound_one_another((x, y) in tables()) {
        let h = hellinger(&x, &y).unwrap();
        let tv = total_variation(&x, &y).unwrap();
        let js = jensen_shannon(&x, &y, &JensenShannonOptions::default()).unwrap();
        let bits = JensenShannonOptions::default().with_base(LogBase::Two);
        let bits = jensen_shannon(&x, &y, &bits).unwrap();
        // Le Cam; Lin 1991, theorem 3 (divergence in bits); Topsøe 2000 for the last.
        prop_assert!(h * h <= tv + 1e-12 && tv <= std::f64::consts::SQRT_2 * h + 1e-12);
        prop_assert!(bits * bits <= tv + 1e-12 && bits <= 1.0 + 1e-12);
        prop_assert!(ks_bounds(&x, &y).unwrap().lower <= tv + 1e-12);
        prop_assert!(largest_difference(&x, &y).unwrap() <= tv + 1e-12);
        let corrected = JensenShannonOptions::default().with_bias_correction(SparseCells::Keep);
        prop_assert!(jensen_shannon(&x, &y, &corrected).unwrap() <= js);
        prop_assert!(cramers_v(&x, &y).unwrap() <= 1.0);
    }

    #[test]
    fn bins_bound_the_statistics_of_rows(
        x in prop::collection::vec(-20.0_f64..20.0, 1..60),
        y in prop::collection::vec(-20.0_f64..30.0, 1..60),
        mut edges in prop::collection::btree_set(-25_i32..35, 0..12),
    ) {
        edges.insert(3);
        let edges: Vec<f64> = edges.into_iter().map(f64::from).collect();
        let bins = |values: &[f64]| {
            let mut counts = vec![0_u64; edges.len() + 1];
            let mut offsets = vec![0.0; edges.len() + 1];
            for value in values {
                let bin = edges.partition_point(|edge| edge <= value);
                counts[bin] += 1;
                offsets[bin] += value - edges[bin.saturating_sub(1)];
            }
            (counts, offsets)
        };
        let ((xs, x_offsets), (ys, y_offsets)) = (bins(&x), bins(&y));
        // By definition: both functions are steps between the values.
        let mut all: Vec<f64> = x.iter().chain(&y).copied().collect();
        all.sort_unstable_by(f64::total_cmp);
        let share = |values: &[f64], at: f64| {
            values.iter().filter(|value| **value <= at).count() as f64 / values.len() as f64
        };
        let gap = |at: f64| (share(&x, at) - share(&y, at)).abs();
        let d = all.iter().map(|at| gap(*at)).fold(0.0, f64::max);
        let w: f64 = all.windows(2).map(|pair| gap(pair[0]) * (pair[1] - pair[0])).sum();
        let bounds = ks_bounds(&xs, &ys).unwrap();
        prop_assert!(bounds.lower <= d + 1e-12 && d <= bounds.upper + 1e-12, "{} {:?}", d, bounds);
        let found = wasserstein_bins(
            &edges,
            BinSums { counts: &xs, offsets: &x_offsets },
            BinSums { counts: &ys, offsets: &y_offsets },
        ).unwrap();
        prop_assert!(found <= w + 1e-9, "{} {}", found, w);
        // The distance is never less than that of the means.
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        prop_assert!(found >= (mean(&x) - mean(&y)).abs() - 1e-9);
    }
}

#[test]
fn bad_counts_are_refused_by_everything() {
    let all = OF_SHARES.map(|(_, distance, _)| distance);
    let kl: Distance = |x, y| kl_divergence(x, y, &KlOptions::default());
    for distance in all.into_iter().chain(SYMMETRIC.map(|(_, distance)| distance)).chain([kl]) {
        for (x, y, which) in [
            (&[1, 2][..], &[1][..], "current counts"),
            (&[], &[], "reference counts"),
            (&[0, 0], &[1, 0], "reference counts"),
            (&[1, 0], &[0, 0], "current counts"),
        ] {
            let error = distance(x, y).unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { what, .. } if what == which));
        }
    }
}

#[test]
fn bad_options_are_refused() {
    for wrong in [-0.5, f64::NAN, f64::INFINITY] {
        let error = psi(&[1], &[1], &PsiOptions::default().with_pseudo_count(wrong)).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what: "pseudo-count", .. }));
        let options = KlOptions::default().with_pseudo_count(wrong);
        let error = kl_divergence(&[1], &[1], &options).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what: "pseudo-count", .. }));
    }
    let index = psi(&[5, 6], &[7, 8], &PsiOptions::default()).unwrap();
    for alpha in [0.0, 1.0, -1.0, f64::NAN] {
        let error = index.null_threshold(alpha).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what: "alpha", .. }));
    }
}

#[test]
fn bad_bins_are_refused() {
    let good = BinSums { counts: &[1, 1, 0], offsets: &[-1.0, 0.5, 0.0] };
    let edges = [0.0, 1.0];
    assert_eq!(wasserstein_bins(&edges, good, good).unwrap(), 0.0);
    for (edges, bins, which) in [
        (&[0.0, f64::NAN][..], good, "edges"),
        (&[1.0, 1.0], good, "edges"),
        (&[0.0], good, "current bins"),
        (&edges, BinSums { counts: &[1, 1, 0], offsets: &[0.0, 0.0, 0.5] }, "current bins"),
        (&edges, BinSums { counts: &[1, 1, 1], offsets: &[0.0, f64::NAN, 0.0] }, "current bins"),
        (&edges, BinSums { counts: &[1, 1, 1], offsets: &[0.0, 0.0] }, "current bins"),
    ] {
        let reference =
            if edges.len() == 1 { BinSums { counts: &[1, 1], offsets: &[0.0, 0.0] } } else { good };
        let error = wasserstein_bins(edges, reference, bins).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what, .. } if what == which), "{error}");
    }
}

#[test]
fn one_cell_is_no_difference() {
    let options = ContingencyOptions::default();
    for test in [chi_square, g_test] {
        let result = test(&[0, 5], &[0, 900], &options).unwrap();
        assert_eq!((result.statistic, result.p_value), (0.0, 1.0));
    }
    let index = psi(&[0, 5], &[0, 900], &PsiOptions::default()).unwrap();
    assert_eq!(
        (index.value, index.p_value(), index.null_threshold(0.05).unwrap()),
        (0.0, 1.0, 0.0)
    );
}

#[test]
fn edges_at_the_ends_of_all_numbers_overflow_nothing() {
    let edges = [f64::MIN, f64::MAX];
    let below = BinSums { counts: &[0, 9, 0], offsets: &[0.0, 1.0, 0.0] };
    let above = BinSums { counts: &[0, 0, 9], offsets: &[0.0, 0.0, 0.0] };
    assert_eq!(wasserstein_bins(&edges, below, above).unwrap(), f64::MAX);
    assert_eq!(wasserstein_bins(&edges, below, below).unwrap(), 0.0);
}

/// Where every value has a bin of its own, bins know what the values know.
#[test]
fn kolmogorov_smirnov_of_the_finest_bins_is_that_of_the_values() {
    for (n, m) in [(3_u32, 4_u32), (20, 20), (100, 37), (12_000, 11_000)] {
        // Values that come from the one sample and from the other, in some order.
        let mut state = 7_u64;
        let mut left = [n, m].map(u64::from);
        let (mut values, mut counts) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        for value in 0..n + m {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let which = usize::from((state >> 33) % (left[0] + left[1]) >= left[0]);
            left[which] -= 1;
            values[which].push(f64::from(value));
            counts[which].push(1);
            counts[1 - which].push(0);
        }
        let [x, y] = values;
        let x = Sample::new("reference", x).unwrap();
        let y = Sample::new("current", y).unwrap();
        let expected = ks::test(&x, &y, ks::KsOptions::default()).unwrap();
        let found = ks_test(&counts[0], &counts[1]).unwrap();
        assert!((found.statistic - expected.statistic).abs() < 1e-12, "{n} and {m}");
        let difference = (found.p_value / expected.p_value - 1.0).abs();
        assert!(difference < 1e-9, "{n} and {m}: {} {}", found.p_value, expected.p_value);
    }
}
