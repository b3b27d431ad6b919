//! Tests of counts.

use mlops_drift::stats::counts::{
    ContingencyOptions, PsiOptions, SparseCells, chi_square, g_test, psi,
};

use super::{ALPHA, Promise, Simulation};

type Test = fn(&[u64], &[u64]) -> mlops_core::Result<f64>;

const TESTS: [(&str, Test); 4] = [
    ("chi-square", |x, y| Ok(chi_square(x, y, &ContingencyOptions::default())?.p_value)),
    ("chi-square as scipy", |x, y| Ok(chi_square(x, y, &ContingencyOptions::scipy())?.p_value)),
    ("G", |x, y| Ok(g_test(x, y, &ContingencyOptions::default())?.p_value)),
    ("stability index", |x, y| Ok(psi(x, y, &PsiOptions::default())?.p_value())),
];

pub(super) fn simulations() -> Vec<Simulation> {
    let mut all = Vec::new();
    for (name, test) in TESTS {
        for (of, skew, rows) in [
            (4, 1, [500, 500]),
            (100, 1, [2000, 1000]),
            (100, 1, [300, 300]),
            (1000, 3, [3000, 300]),
        ] {
            let data = format!("{of} categories{}, {} v {}", skewed(skew), rows[0], rows[1]);
            // With many empty cells scipy's statistic has another law; ours joins them.
            let promise = if name.ends_with("scipy") { Promise::Power } else { Promise::AtMost };
            all.push(Simulation::new(name, data, promise, move |draw| {
                let [x, y] = rows.map(|rows| draw.counts(of, skew, rows));
                Ok(test(&x, &y)? <= ALPHA)
            }));
        }
        for (of, rows) in [(4, [500, 500]), (100, [2000, 1000])] {
            let data = format!("{of} categories that become skewed, {} v {}", rows[0], rows[1]);
            all.push(Simulation::new(name, data, Promise::Power, move |draw| {
                let x = draw.counts(of, 1, rows[0]);
                let mut y = draw.counts(of, 1, rows[1] * 9 / 10);
                for (more, count) in draw.counts(of, 2, rows[1] / 10).into_iter().zip(&mut y) {
                    *count += more;
                }
                Ok(test(&x, &y)? <= ALPHA)
            }));
        }
    }
    all.push(Simulation::new(
        "chi-square of bins at quantiles",
        "100 bins, 3000 v 300",
        Promise::AtMost,
        |draw| {
            let options =
                ContingencyOptions::default().with_sparse_cells(SparseCells::JoinQuantiles);
            // Thirty rows of the reference between its quantiles, whatever it is.
            let mut edges: Vec<f64> = (0..3000).map(|_| draw.uniform()).collect();
            edges.sort_unstable_by(f64::total_cmp);
            let edges: Vec<f64> = edges.into_iter().skip(30).step_by(30).collect();
            let mut current = vec![0; edges.len() + 1];
            for _ in 0..300 {
                let value = draw.uniform();
                current[edges.partition_point(|edge| *edge <= value)] += 1;
            }
            let reference = vec![30; edges.len() + 1];
            Ok(chi_square(&reference, &current, &options)?.p_value <= ALPHA)
        },
    ));
    all
}

fn skewed(skew: i32) -> &'static str {
    if skew > 1 { ", most of them rare" } else { "" }
}
