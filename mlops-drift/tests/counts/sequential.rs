//! A test that is looked at all the time.

use mlops_core::random::{RandomKey, RandomStream};
use mlops_drift::{profile::NumericProfile, stats::counts::SequentialTest};

const ALPHA: f64 = 0.05;
const TRIALS: u64 = 300;

/// How many of so many rows fall to each category; the last one of all are others, of which there are none.
fn draw(stream: &mut RandomStream, shares: &[f64], rows: u64, counts: &mut [u64]) {
    for _ in 0..rows {
        let unit = stream.next_unit();
        let mut below = 0.0;
        let cell = shares.iter().position(|share| {
            below += share;
            unit < below
        });
        counts[cell.unwrap_or(shares.len() - 1)] += 1;
    }
}

/// How many streams alarm at any look, and after how many rows half of them have.
fn alarms(
    label: &str,
    [before, after]: [&[f64]; 2],
    reference_rows: u64,
    looks: u64,
    batch: u64,
) -> (u64, u64) {
    let key = RandomKey::from_seed(5).derive(label);
    let mut firsts: Vec<u64> = (0..TRIALS)
        .filter_map(|trial| {
            let mut stream = key.stream(trial);
            let mut reference = vec![0; before.len() + 1];
            draw(&mut stream, before, reference_rows, &mut reference);
            let distinct = before.len() as u64;
            let mut test = SequentialTest::of_categories(&reference, 0, distinct).unwrap();
            let mut current = vec![0; reference.len()];
            (1..=looks).find_map(|look| {
                draw(&mut stream, after, batch, &mut current);
                (test.update(&current, 0).unwrap() <= ALPHA).then_some(look * batch)
            })
        })
        .collect();
    firsts.sort_unstable();
    let half = firsts.get(TRIALS as usize / 2).copied().unwrap_or(u64::MAX);
    (firsts.len() as u64, half)
}

fn equal(cells: u32) -> Vec<f64> {
    (0..cells).map(|_| f64::from(cells).recip()).collect()
}

/// At most as many alarms as a rate of `ALPHA` explains, four standard errors above it.
fn assert_nominal(label: &str, alarms: u64) {
    let bound = ALPHA * TRIALS as f64 + 4.0 * (TRIALS as f64 * ALPHA * (1.0 - ALPHA)).sqrt();
    assert!((alarms as f64) < bound, "{label}: {alarms} of {TRIALS}");
}

#[test]
fn looking_all_the_time_alarms_at_most_at_the_nominal_rate() {
    let skewed = [0.9, 0.05, 0.03, 0.01, 0.005, 0.005];
    for (label, shares, reference, looks, batch) in [
        ("two", equal(2), 200, 200, 20),
        ("six of a small reference", skewed.to_vec(), 100, 200, 50),
        ("six", skewed.to_vec(), 5000, 100, 50),
        ("a hundred", equal(100), 300, 100, 50),
        ("a thousand, chosen by rows that are chance", equal(1000), 1000, 50, 100),
    ] {
        let (alarms, _) = alarms(label, [&shares, &shares], reference, looks, batch);
        assert_nominal(label, alarms);
    }
}

#[test]
fn bins_at_quantiles_of_their_reference_alarm_at_most_at_the_nominal_rate() {
    let key = RandomKey::from_seed(6);
    for (bins, rows) in [(96, 200), (96, 2000), (255, 300)] {
        let alarms = (0..TRIALS).filter(|trial| {
            let mut stream = key.derive(&format!("{bins} {rows}")).stream(*trial);
            let mut exponential = || -stream.next_unit().max(1e-300).ln();
            let values: Vec<f64> = (0..rows).map(|_| exponential()).collect();
            let reference = NumericProfile::fit(&values, 0, bins).unwrap();
            let mut test = SequentialTest::of_bins(reference.counts(), 0).unwrap();
            let mut current = reference.empty_like();
            (0..40).any(|_| {
                (0..100).for_each(|_| current.observe(exponential()));
                test.update(current.counts(), 0).unwrap() <= ALPHA
            })
        });
        assert_nominal("bins", alarms.count() as u64);
    }
}

#[test]
fn a_change_is_found() {
    let before = equal(10);
    // A tenth of the rows has moved from one half of the cells to the other.
    let after: Vec<f64> = (0..10).map(|cell| if cell < 5 { 0.08 } else { 0.12 }).collect();
    let (alarms, half) = alarms("a tenth", [&before, &after], 20_000, 80, 100);
    assert_eq!(alarms, TRIALS);
    assert!(half <= 2000, "half of them after {half} rows");
    // A cell that was never seen, and rows without a value.
    let mut test = SequentialTest::of_categories(&[500, 500, 0], 0, 2).unwrap();
    assert!(test.update(&[100, 100, 0], 0).unwrap() > 0.5);
    assert!(test.clone().update(&[120, 120, 40], 0).unwrap() < 0.01);
    assert!(test.update(&[120, 120, 0], 40).unwrap() < 0.01);
    // All values above the range of a reference.
    let mut bins = SequentialTest::of_bins(&[0, 100, 100, 100, 0], 0).unwrap();
    assert!(bins.update(&[0, 0, 0, 0, 60], 0).unwrap() < 0.001);
}

#[test]
fn the_p_value_is_the_least_so_far_until_a_reset() {
    let mut test = SequentialTest::of_categories(&[5000, 5000, 0], 0, 2).unwrap();
    assert_eq!((test.p_value(), test.rows()), (1.0, 0));
    assert_eq!(test.update(&[0, 0, 0], 0).unwrap(), 1.0);
    let found = test.update(&[100, 0, 0], 0).unwrap();
    assert!((1e-6..1e-5).contains(&found), "{found}");
    assert_eq!(test.update(&[10_000, 10_000, 0], 0).unwrap(), found);
    test.reset();
    assert_eq!(test.update(&[500, 500, 0], 0).unwrap(), 1.0);
}

#[test]
fn the_largest_counts_are_no_numbers_beyond_number() {
    for huge in [1 << 40, u64::MAX] {
        let mut test = SequentialTest::of_bins(&[huge, huge, 1], huge).unwrap();
        let p_value = test.update(&[huge, 1, huge], 0).unwrap();
        assert!((1e-6..=1.0).contains(&p_value), "{p_value}");
    }
    let mut one = SequentialTest::of_bins(&[1], 0).unwrap();
    assert_eq!(one.update(&[1_000_000], 0).unwrap(), 1.0);
    let mut null = SequentialTest::of_bins(&[0], 100).unwrap();
    assert_eq!(null.update(&[0], 100_000).unwrap(), 1.0);
}

#[test]
fn what_is_no_count_of_the_same_cells_is_refused() {
    let error = SequentialTest::of_bins(&[0, 0], 0).unwrap_err().to_string();
    assert_eq!(error, "invalid reference counts: no rows in any cell");
    assert!(SequentialTest::of_categories(&[], 0, 0).is_err());
    let mut test = SequentialTest::of_bins(&[5, 5], 0).unwrap();
    let error = test.update(&[1], 0).unwrap_err().to_string();
    assert_eq!(error, "invalid current counts: 1 cells, where the reference counts have 2");
    test.update(&[1, 1], 1).unwrap();
    let error = test.update(&[1, 1], 0).unwrap_err().to_string();
    assert_eq!(error, "invalid current counts: 2 rows since the start, and there were 3");
}

#[derive(serde::Deserialize)]
struct Golden {
    reference: Vec<u64>,
    current: Vec<u64>,
    p_value: f64,
}

#[test]
fn values_are_those_of_the_definition() {
    let cases: Vec<Golden> = serde_json::from_str(include_str!("sequential_golden.json")).unwrap();
    for Golden { reference, current, p_value } in cases {
        let mut test = SequentialTest::of_categories(&reference, 0, 0).unwrap();
        let found = test.update(&current, 0).unwrap();
        assert!(
            (found / p_value - 1.0).abs() < 1e-6,
            "{reference:?} {current:?}: {found} {p_value}"
        );
    }
}
