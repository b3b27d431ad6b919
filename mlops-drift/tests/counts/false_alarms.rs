//! How often samples of one distribution are called different.

use mlops_core::random::{RandomKey, RandomStream};
use mlops_drift::stats::counts::*;

const ALPHA: f64 = 0.05;
const TRIALS: u64 = 2000;

/// How many of so many rows fall into each cell, where cells have these cumulated shares.
fn draw(stream: &mut RandomStream, cumulated: &[f64], rows: u64) -> Vec<u64> {
    let mut counts = vec![0; cumulated.len()];
    for _ in 0..rows {
        let unit = stream.next_unit();
        let cell = cumulated.partition_point(|share| *share <= unit);
        counts[cell.min(cumulated.len() - 1)] += 1;
    }
    counts
}

fn cumulated(weights: impl Iterator<Item = f64>) -> Vec<f64> {
    let weights: Vec<f64> = weights.collect();
    let total: f64 = weights.iter().sum();
    weights
        .iter()
        .scan(0.0, |sum, weight| {
            *sum += weight / total;
            Some(*sum)
        })
        .collect()
}

fn equal(cells: u32) -> Vec<f64> {
    cumulated((0..cells).map(|_| 1.0))
}

/// As categories are: a few frequent, many rare.
fn zipf(cells: u32) -> Vec<f64> {
    cumulated((1..=cells).map(|rank| f64::from(rank).recip()))
}

/// How often each of the tests alarms, by itself.
fn rates(label: &str, shares: &[f64], [n, m]: [u64; 2], sparse: SparseCells) -> [f64; 3] {
    let key = RandomKey::from_seed(4).derive(label);
    let table = ContingencyOptions::default().with_sparse_cells(sparse);
    let psi_options = PsiOptions::default().with_sparse_cells(sparse);
    let mut alarms = [0_u32; 3];
    for trial in 0..TRIALS {
        let mut stream = key.stream(trial);
        let reference = draw(&mut stream, shares, n);
        let current = draw(&mut stream, shares, m);
        let index = psi(&reference, &current, &psi_options).unwrap();
        let above = index.value > index.null_threshold(ALPHA).unwrap();
        // The same law, asked the other way.
        assert_eq!(above, index.p_value() < ALPHA);
        for (count, alarm) in alarms.iter_mut().zip([
            chi_square(&reference, &current, &table).unwrap().p_value < ALPHA,
            g_test(&reference, &current, &table).unwrap().p_value < ALPHA,
            above,
        ]) {
            *count += u32::from(alarm);
        }
    }
    alarms.map(|count| f64::from(count) / TRIALS as f64)
}

#[test]
fn rates_are_nominal() {
    // Four standard errors of a rate of 5 % among so many trials.
    let bound = 4.0 * (ALPHA * (1.0 - ALPHA) / TRIALS as f64).sqrt();
    for (label, shares, sizes, sparse) in [
        ("4 equal", equal(4), [400, 400], SparseCells::JoinCategories),
        ("4 equal, unequal sizes", equal(4), [2000, 60], SparseCells::JoinCategories),
        ("4 zipf, unequal sizes", zipf(4), [2000, 60], SparseCells::JoinCategories),
        ("100 equal", equal(100), [600, 600], SparseCells::JoinCategories),
        ("100 equal, few rows", equal(100), [200, 200], SparseCells::JoinNeighbours),
        ("100 equal, unequal sizes", equal(100), [2000, 300], SparseCells::JoinNeighbours),
        ("100 zipf, unequal sizes", zipf(100), [2000, 500], SparseCells::JoinCategories),
    ] {
        let rates = rates(label, &shares, sizes, sparse);
        for (test, rate) in ["chi-square", "G", "PSI"].into_iter().zip(rates) {
            assert!((rate - ALPHA).abs() < bound, "{test}, {label}: {rate}");
        }
    }
}

#[test]
fn few_rows_alarm_no_more_than_nominally() {
    let table = ContingencyOptions::default();
    let bound = 4.0 * (ALPHA * (1.0 - ALPHA) / TRIALS as f64).sqrt();
    // A handful of rows; and a category of which hardly any row is expected, beside frequent ones.
    for (shares, n, m) in
        [([0.9, 0.05, 0.05], 1000, 8), ([0.6, 0.39, 0.01], 2000, 100), ([0.6, 0.39, 0.01], 40, 40)]
    {
        let shares = cumulated(shares.into_iter());
        let key = RandomKey::from_seed(5);
        for test in [chi_square, g_test] {
            let alarms: u32 = (0..TRIALS)
                .map(|trial| {
                    let mut stream = key.stream(trial);
                    let reference = draw(&mut stream, &shares, n);
                    let current = draw(&mut stream, &shares, m);
                    u32::from(test(&reference, &current, &table).unwrap().p_value < ALPHA)
                })
                .sum();
            let rate = f64::from(alarms) / TRIALS as f64;
            assert!(rate <= ALPHA + bound, "{shares:?} {n} {m}: {rate}");
        }
    }
}

#[test]
fn what_differs_is_found() {
    let table = ContingencyOptions::default();
    // A new category, and one that is gone.
    let gone = chi_square(&[500, 300, 200, 0], &[120, 80, 0, 40], &table).unwrap();
    assert!(gone.p_value < 1e-10, "{gone:?}");
    // Twenty rows that are all new, beside ten thousand.
    for test in [chi_square, g_test] {
        let new = test(&[9000, 1000, 0], &[0, 0, 20], &table).unwrap();
        assert!(new.p_value < 1e-10, "{new:?}");
    }
    // Twenty rows of one rare category out of a hundred.
    let mut one = vec![0; 100];
    one[7] = 20;
    for sparse in [SparseCells::JoinCategories, SparseCells::JoinNeighbours] {
        let options = table.with_sparse_cells(sparse);
        let found = chi_square(&[100; 100], &one, &options).unwrap();
        assert!(found.p_value < 1e-3, "{sparse:?} {found:?}");
    }
}

#[test]
fn chance_does_not_make_a_distance() {
    // 100 categories, 2000 rows against 1000: without the correction every trial is above 0.1.
    let key = RandomKey::from_seed(6);
    let shares = zipf(100);
    let corrected = JensenShannonOptions::default().with_bias_correction(SparseCells::default());
    for trial in 0..200 {
        let mut stream = key.stream(trial);
        let reference = draw(&mut stream, &shares, 2000);
        let current = draw(&mut stream, &shares, 1000);
        let plain = jensen_shannon(&reference, &current, &JensenShannonOptions::default()).unwrap();
        assert!(plain > 0.1, "{plain}");
        let found = jensen_shannon(&reference, &current, &corrected).unwrap();
        assert!(found < 0.1, "{found}");
        let v = balanced_cramers_v(&reference, &current, SparseCells::default()).unwrap();
        assert!(v < 0.15, "{v}");
    }
}

#[test]
fn what_is_new_does_not_drown_in_what_is_frequent() {
    // Half of the current rows are new, in place of one of two categories or bins that are frequent.
    for sparse in
        [SparseCells::JoinCategories, SparseCells::JoinNeighbours, SparseCells::JoinQuantiles]
    {
        let table = ContingencyOptions::default().with_sparse_cells(sparse);
        for (x, y) in [
            ([0, 5000, 5000, 0], [0, 50, 0, 50]),
            ([0, 5000, 5000, 0], [50, 0, 50, 0]),
            ([0, 500, 480, 20], [0, 100, 0, 100]),
            ([0, 500, 500, 0], [0, 0, 0, 40]),
        ] {
            for test in [chi_square, g_test] {
                let found = test(&x, &y, &table).unwrap();
                assert!(found.p_value < 1e-9, "{sparse:?} {x:?} {y:?} {found:?}");
            }
            let index = psi(&x, &y, &PsiOptions::default().with_sparse_cells(sparse)).unwrap();
            assert!(index.value > 0.5 && index.p_value() < 1e-9, "{sparse:?} {x:?} {y:?}");
        }
    }
}
