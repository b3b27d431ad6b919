//! Tests of two samples of values.

use mlops_core::stats::Alternative;
use mlops_drift::stats::{
    Sample, anderson_darling, brunner_munzel, cramer_von_mises, epps_singleton, ks, kuiper,
    mann_whitney,
    permutation::{self, PermutationOptions},
    t_test, wasserstein,
};

use super::{
    ALPHA, Promise, Simulation,
    draw::{Draw, Kind},
};

type Test = fn(&Sample, &Sample) -> mlops_core::Result<f64>;

/// The tests, and whether ties make them alarm less often than at the level.
const TESTS: [(&str, Test, bool); 9] = [
    ("Kolmogorov–Smirnov", |a, b| Ok(ks::test(a, b, ks::KsOptions::default())?.p_value), true),
    ("Kuiper", |a, b| Ok(kuiper::test(a, b).p_value), true),
    (
        "Cramér–von Mises",
        |a, b| Ok(cramer_von_mises::test(a, b, Default::default())?.p_value),
        true,
    ),
    ("Anderson–Darling", |a, b| Ok(anderson_darling::test(&[a, b])?.p_value), false),
    ("Mann–Whitney", |a, b| Ok(mann_whitney::test(a, b, Default::default())?.p_value), false),
    ("Brunner–Munzel", |a, b| Ok(brunner_munzel::test(a, b, Default::default())?.p_value), false),
    ("Epps–Singleton", |a, b| Ok(epps_singleton::test(a, b, Default::default())?.p_value), false),
    ("Welch t", |a, b| Ok(t_test::welch(a, b, Alternative::TwoSided)?.p_value), false),
    ("Student t", |a, b| Ok(t_test::student(a, b, Alternative::TwoSided)?.p_value), false),
];

pub(super) fn simulations() -> Vec<Simulation> {
    let mut all = Vec::new();
    for (name, test, ties_cost) in TESTS {
        for (kind, rows) in [
            (Kind::Bell, [300, 300]),
            (Kind::Bell, [2000, 300]),
            (Kind::HeavyTail, [300, 300]),
            (Kind::Ties, [300, 2000]),
        ] {
            let promise = match kind {
                Kind::Ties | Kind::Few if ties_cost => Promise::AtMost,
                // Of a mean that does not exist there is no test; it still does not alarm too often.
                Kind::HeavyTail if name.ends_with(" t") => Promise::AtMost,
                // The exact law has steps, and Kuiper's is approximate from the safe side.
                _ if ties_cost => Promise::AtMost,
                _ => Promise::Nominal,
            };
            all.push(Simulation::new(name, described(kind, rows), promise, move |draw| {
                let (a, b) = (draw.sample(kind, rows[0])?, draw.sample(kind, rows[1])?);
                Ok(test(&a, &b)? <= ALPHA)
            }));
        }
        all.push(Simulation::new(
            name,
            "300 v 300, one of them 10⁹",
            Promise::AtMost,
            move |draw| {
                let mut reference = draw.numbers(Kind::Bell, 300);
                reference[0] = 1e9;
                let reference = Sample::new("reference", reference)?;
                Ok(test(&reference, &draw.sample(Kind::Bell, 300)?)? <= ALPHA)
            },
        ));
        for (change, make) in CHANGES {
            all.push(Simulation::new(name, change, Promise::Power, move |draw| {
                let reference = draw.sample(Kind::Bell, 500)?;
                let current = (0..500).map(|_| make(draw)).collect();
                Ok(test(&reference, &Sample::new("current", current)?)? <= ALPHA)
            }));
        }
    }
    let data = "Wasserstein's distance of a bell, 100 v 60";
    all.push(Simulation::new("permutations", data, Promise::Nominal, |draw| {
        let (a, b) = (draw.sample(Kind::Bell, 100)?, draw.sample(Kind::Bell, 60)?);
        // With the same permutations in each try the rate would be theirs, not the method's.
        let seed = (draw.uniform() * 1e15) as u64;
        let options = PermutationOptions::default().with_permutations(99).with_seed(seed);
        Ok(permutation::test(&a, &b, options, wasserstein::distance)?.p_value <= ALPHA)
    }));
    all
}

type Number = fn(&mut Draw) -> f64;

/// What has happened to a bell, where something has.
const CHANGES: [(&str, Number); 2] = [
    ("a bell moved by 0.2, 500 v 500", |draw| draw.normal() + 0.2),
    ("a bell 1.3 times as wide, 500 v 500", |draw| draw.normal() * 1.3),
];

fn described(kind: Kind, [n, m]: [usize; 2]) -> String {
    let kind = match kind {
        Kind::Bell => "a bell",
        Kind::HeavyTail => "a heavy tail",
        Kind::Ties => "40 different values",
        Kind::Few => "5 different values",
    };
    format!("{kind}, {n} v {m}")
}
