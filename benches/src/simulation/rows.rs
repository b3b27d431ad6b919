//! Tests of whole rows, and the test of counts that is looked at again and again.

use mlops_core::ndarray::Array2;
use mlops_drift::{
    multivariate::{
        domain_classifier::{self, DomainClassifierOptions},
        embedding::{EmbeddingOptions, EmbeddingReference},
        lsdd::{self, LsddOptions},
        mmd::{self, MmdOptions},
        random_features::{RandomFeatures, RandomFeaturesOptions},
    },
    stats::{counts::SequentialTest, permutation::PermutationOptions},
};

use super::{ALPHA, Promise, Simulation, draw::Draw};

/// How two samples of rows are told apart, with a seed.
type Test = fn(&Array2<f64>, &Array2<f64>, u64) -> mlops_core::Result<f64>;

const TESTS: [(&str, Test); 5] = [
    ("MMD", |a, b, seed| {
        let permutation = PermutationOptions::default().with_permutations(99).with_seed(seed);
        let options = MmdOptions::default().with_permutation(permutation);
        Ok(mmd::test(a.view(), b.view(), &options)?.test.p_value)
    }),
    ("LSDD", |a, b, seed| {
        let permutation = PermutationOptions::default().with_permutations(99).with_seed(seed);
        let options = LsddOptions::default().with_permutation(permutation);
        Ok(lsdd::test(a.view(), b.view(), &options)?.test.p_value)
    }),
    ("domain classifier", |a, b, seed| {
        let options = DomainClassifierOptions::default().with_seed(seed);
        Ok(domain_classifier::test(a.view(), b.view(), &options)?.test.p_value)
    }),
    ("MMD by random features", |a, b, seed| {
        let options = RandomFeaturesOptions::default().with_features(64).with_seed(seed);
        let features = RandomFeatures::fit(a.view(), &options)?;
        let mut sums = features.no_rows();
        features.observe_rows(b.view(), &mut sums)?;
        Ok(features.test(&sums)?.p_value)
    }),
    ("Mahalanobis shift", |a, b, seed| {
        let options = EmbeddingOptions::default().with_simulations(10).with_seed(seed);
        let reference = EmbeddingReference::fit(a.view(), &options)?;
        let mut mean = reference.no_rows();
        b.rows().into_iter().try_for_each(|row| mean.observe(&row.to_vec()))?;
        Ok(reference.mahalanobis(&mean)?.test.p_value)
    }),
];

pub(super) fn simulations() -> Vec<Simulation> {
    let mut all = Vec::new();
    for (name, test) in TESTS {
        // Laws in the limit are met from the one side or the other.
        let limit = name.ends_with("features") || name.ends_with("shift");
        let promise = if limit { Promise::Near } else { Promise::Nominal };
        all.push(Simulation::new(name, "rows of 4 bells, 200 v 60", promise, move |draw| {
            let (a, b) = (rows(draw, 200, 0.0), rows(draw, 60, 0.0));
            Ok(test(&a, &b, seed(draw))? <= ALPHA)
        }));
        all.push(Simulation::new(
            name,
            "one of 4 bells moved by 0.5, 200 v 60",
            Promise::Power,
            move |draw| {
                let (a, b) = (rows(draw, 200, 0.0), rows(draw, 60, 0.5));
                Ok(test(&a, &b, seed(draw))? <= ALPHA)
            },
        ));
    }
    for (data, promise, skew) in [
        ("5 categories, looked at 100 times", Promise::AtMost, 1),
        ("5 categories that become skewed, looked at 100 times", Promise::Power, 2),
    ] {
        all.push(Simulation::new("sequential test", data, promise, move |draw| {
            let mut test = SequentialTest::of_categories(&draw.counts(5, 1, 5000), 0, 5)?;
            let mut current = vec![0; 5];
            for _ in 0..100 {
                for (sum, more) in current.iter_mut().zip(draw.counts(5, skew, 50)) {
                    *sum += more;
                }
                if test.update(&current, 0)? <= ALPHA {
                    return Ok(true);
                }
            }
            Ok(false)
        }));
    }
    all
}

fn rows(draw: &mut Draw, rows: usize, shift: f64) -> Array2<f64> {
    Array2::from_shape_fn((rows, 4), |(_, column)| {
        draw.normal() + if column == 0 { shift } else { 0.0 }
    })
}

fn seed(draw: &mut Draw) -> u64 {
    (draw.uniform() * 1e15) as u64
}
