//! How often a sample of the reference's own distribution is called different, through a profile.

use mlops_core::random::{RandomKey, RandomStream};
use mlops_drift::{
    profile::{Column, FeatureProfile, ProfileOptions},
    stats::counts::{ContingencyOptions, PsiOptions, chi_square, g_test, psi},
};

const ALPHA: f64 = 0.05;
const TRIALS: u64 = 1000;

type Draw = fn(&mut RandomStream) -> f64;

/// Heavy tails to the right, and an outlier in one row of a thousand.
fn skewed(stream: &mut RandomStream) -> f64 {
    let unit = stream.next_unit();
    if unit < 0.001 { 1e9 } else { -unit.ln() }
}

/// Half of them zero, the others whole numbers.
fn tied(stream: &mut RandomStream) -> f64 {
    if stream.next_below(2) == 0 { 0.0 } else { (-20.0 * stream.next_unit().ln()).round() }
}

/// How often each of the tests alarms, by itself.
fn rates(label: &str, value: Draw, n: usize, m: usize) -> [f64; 3] {
    let key = RandomKey::from_seed(11).derive(label);
    let mut alarms = [0_u32; 3];
    for trial in 0..TRIALS {
        let mut stream = key.stream(trial);
        let mut draw = |rows| (0..rows).map(|_| value(&mut stream)).collect::<Vec<_>>();
        let options = ProfileOptions::default();
        let reference = FeatureProfile::fit(Column::numeric(&draw(n)), &options).unwrap();
        let mut current = reference.empty_like();
        current.observe_column(Column::numeric(&draw(m))).unwrap();
        let (x, y) = (reference.counts(), current.counts());
        let sparse = reference.sparse_cells();
        let table = ContingencyOptions::default().with_sparse_cells(sparse);
        let index = PsiOptions::default().with_sparse_cells(sparse);
        for (count, p_value) in alarms.iter_mut().zip([
            chi_square(x, y, &table).unwrap().p_value,
            g_test(x, y, &table).unwrap().p_value,
            psi(x, y, &index).unwrap().p_value(),
        ]) {
            *count += u32::from(p_value < ALPHA);
        }
    }
    alarms.map(|count| f64::from(count) / TRIALS as f64)
}

#[test]
fn rates_are_nominal() {
    // Four standard errors of a rate of 5 % among so many trials.
    let bound = 4.0 * (ALPHA * (1.0 - ALPHA) / TRIALS as f64).sqrt();
    for (n, m) in [(500, 500), (2000, 100), (400, 1500), (1000, 1000)] {
        let values: [(&str, Draw); 2] = [("skewed", skewed), ("tied", tied)];
        for (name, value) in values {
            let label = format!("{name} {n} {m}");
            let rates = rates(&label, value, n, m);
            for (test, rate) in ["chi-square", "G", "PSI"].into_iter().zip(rates) {
                assert!((rate - ALPHA).abs() < bound, "{test}, {label}: {rate}");
            }
        }
    }
}

#[test]
fn a_shift_is_found() {
    let mut stream = RandomKey::from_seed(12).stream(0);
    let values: Vec<f64> = (0..2000).map(|_| skewed(&mut stream)).collect();
    let reference =
        FeatureProfile::fit(Column::numeric(&values), &ProfileOptions::default()).unwrap();
    let table = ContingencyOptions::default().with_sparse_cells(reference.sparse_cells());
    // Half a standard deviation, which the outlier of 1e9 does not hide; and all of it out of range.
    for shift in [0.5, -50.0, 1e12] {
        let mut current = reference.empty_like();
        let values: Vec<f64> = (0..200).map(|_| skewed(&mut stream) + shift).collect();
        current.observe_column(Column::numeric(&values)).unwrap();
        let result = chi_square(reference.counts(), current.counts(), &table).unwrap();
        assert!(result.p_value < 1e-10, "{shift}: {result:?}");
    }
}
