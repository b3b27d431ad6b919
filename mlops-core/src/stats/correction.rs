//! [`Correction`]: p-values of many tests, adjusted for their number.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How p-values of a family of tests are adjusted. A test whose adjusted p-value is at most α is a
/// discovery; which error is then at most α depends on the method.
///
/// Values equal those of `multipletests` of statsmodels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Correction {
    /// The probability of any false discovery: `n p`.
    Bonferroni,
    /// The same, and never less powerful: Holm (1979), stepping down. The i-th smallest p-value is
    /// multiplied by `n + 1 - i`.
    Holm,
    /// The expected share of discoveries that are false, if the tests are independent or positively
    /// dependent: Benjamini and Hochberg (1995), stepping up. The i-th smallest is multiplied by `n / i`.
    #[default]
    BenjaminiHochberg,
    /// The same, however the tests depend on one another: Benjamini and Yekutieli (2001). As above, times
    /// `1 + ½ + … + 1/n`.
    BenjaminiYekutieli,
}

impl Correction {
    /// The adjusted p-values, in the order given. Of no tests there are none.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] with the index of a p-value that is not in `[0, 1]`.
    pub fn adjust(&self, p_values: &[f64]) -> Result<Vec<f64>> {
        if let Some(index) = p_values.iter().position(|p| !(0.0..=1.0).contains(p)) {
            let reason = format_args!("p-value {index} is {}, not in [0, 1]", p_values[index]);
            return Err(Error::invalid("p-values", reason));
        }
        let count = p_values.len();
        let n = count as f64;
        if *self == Self::Bonferroni {
            return Ok(p_values.iter().map(|p| (p * n).min(1.0)).collect());
        }
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_unstable_by(|i, j| p_values[*i].total_cmp(&p_values[*j]));
        let mut adjusted = vec![0.0; count];
        if *self == Self::Holm {
            let mut largest = 0.0_f64;
            for (rank, index) in order.into_iter().enumerate() {
                largest = largest.max(p_values[index] * (count - rank) as f64);
                adjusted[index] = largest.min(1.0);
            }
        } else {
            let penalty = match self {
                Self::BenjaminiYekutieli => (1..=count).map(|i| 1.0 / i as f64).sum(),
                _ => 1.0,
            };
            let mut smallest = 1.0_f64;
            for (rank, index) in order.into_iter().enumerate().rev() {
                smallest = smallest.min(p_values[index] * (n * penalty / (rank + 1) as f64));
                adjusted[index] = smallest;
            }
        }
        Ok(adjusted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Correction; 4] = [
        Correction::Bonferroni,
        Correction::Holm,
        Correction::BenjaminiHochberg,
        Correction::BenjaminiYekutieli,
    ];

    #[test]
    fn what_is_no_probability_is_refused_with_its_index() {
        for bad in [-1e-9, 1.000_001, f64::NAN, f64::INFINITY] {
            for correction in ALL {
                let error = correction.adjust(&[0.5, 0.1, bad]).unwrap_err();
                assert!(
                    error.to_string().starts_with("invalid p-values: p-value 2 is "),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn one_test_is_left_alone_and_none_are_none() {
        for correction in ALL {
            assert_eq!(correction.adjust(&[0.03]).unwrap(), [0.03]);
            assert!(correction.adjust(&[]).unwrap().is_empty());
        }
    }

    proptest! {
        #[test]
        fn laws(p_values in prop::collection::vec(prop_oneof![0.0_f64..=1.0, Just(0.01)], 1..50)) {
            let [bonferroni, holm, bh, by] = ALL.map(|correction| correction.adjust(&p_values).unwrap());
            for (index, p) in p_values.iter().enumerate() {
                let (slack, p) = (1.0 + 1e-12, *p);
                prop_assert!(p <= bh[index] * slack && bh[index] <= holm[index] * slack);
                prop_assert!(holm[index] <= bonferroni[index] * slack && bonferroni[index] <= 1.0);
                prop_assert!(bh[index] <= by[index] * slack && by[index] <= 1.0);
            }
            // The order of p-values is kept, and equal ones stay equal.
            for adjusted in [holm, bh, by] {
                for (i, p) in p_values.iter().enumerate() {
                    for (j, q) in p_values.iter().enumerate() {
                        prop_assert!(p > q || adjusted[i] <= adjusted[j], "{p} {q} {adjusted:?}");
                    }
                }
            }
        }
    }
}
