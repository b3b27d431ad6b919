//! How shares of rows are tested: of nulls, of values that are not finite, of unseen categories.

use mlops_core::{
    Result,
    stats::{
        Alternative, normal,
        proportion::{Proportion, fisher_exact_test, needs_exact_test, two_proportion_test},
    },
};

use super::{
    evidence::{Aspect, Effect, Measure, Method},
    finding::Finding,
};

/// Rows of new categories expected of either side, below which the normal distribution does not serve.
const MIN_EXPECTED: f64 = 10.0;

/// Tests whether the shares of `(rows that have it, all rows)` differ. `None` if it is all or nothing in
/// both, or one has no rows: there is nothing to test then, and a test of it would only cost the others
/// their power (Tarone 1990, "A modified Bonferroni method for discrete data").
pub(super) fn test(
    aspect: Aspect,
    reference: (u64, u64),
    current: (u64, u64),
    threshold: f64,
) -> Result<Option<Finding>> {
    if reference.1 == 0 || current.1 == 0 {
        return Ok(None);
    }
    let reference = Proportion::new(reference.0, reference.1)?;
    let current = Proportion::new(current.0, current.1)?;
    let both = [reference, current];
    let sum = |of: fn(&Proportion) -> u64| both.iter().map(|side| of(side) as f64).sum::<f64>();
    let (with, without) = (sum(Proportion::successes), sum(Proportion::failures));
    if with == 0.0 || without == 0.0 {
        return Ok(None);
    }
    let (n, m) = (reference.trials() as f64, current.trials() as f64);
    let test = two_proportion_test(&reference, &current, Alternative::TwoSided)?;
    let (method, statistic) = if needs_exact_test(&reference, &current) {
        (Method::FisherExact, current.successes() as f64)
    } else {
        (Method::ProportionsZ, test.statistic)
    };
    let value = (reference.estimate() - current.estimate()).abs();
    // A difference of the threshold's size makes the shares at least half as large on average.
    let share = (with.min(without) / (n + m)).max(threshold / 2.0);
    let z_at_threshold = threshold / (share * (1.0 - share) * (n.recip() + m.recip())).sqrt();
    Ok(Some(Finding {
        aspect,
        method,
        statistic,
        p_value: test.p_value,
        effect: Effect { measure: Measure::ShareDifference, value, threshold },
        p_at_threshold: 2.0 * normal::sf(z_at_threshold),
    }))
}

/// Tests whether rows of categories that the reference never had are more than its own rare categories let
/// expect; `rare` is how many categories it has one row and two rows of.
///
/// The reference has no row that it never had, so its share of them is no measure. But a row of its own
/// that is alone in its category would have been new to the others: the share of those estimates how
/// much of the reference's distribution it has not seen (Good 1953; Robbins 1968), with the variance
/// `(N₁ + 2 N₂) / n²` (Esty 1983).
pub(super) fn unseen(
    rare: [u64; 2],
    reference_rows: u64,
    unseen: u64,
    rows: u64,
    threshold: f64,
) -> Result<Option<Finding>> {
    if reference_rows == 0 || rows == 0 {
        return Ok(None);
    }
    let [ones, twos] = rare;
    let (n, m) = (reference_rows as f64, rows as f64);
    let (expected, share) = (ones as f64 / n, unseen as f64 / m);
    // Of both together, for the part of the variance that the current rows have.
    let pooled = (ones + unseen) as f64 / (n + m);
    let deviation = ((ones + 2 * twos) as f64 / (n * n) + pooled * (1.0 - pooled) / m).sqrt();
    let least_expected = (ones + unseen) as f64 * n.min(m) / (n + m);
    let (method, statistic, p_value) = if least_expected < MIN_EXPECTED {
        let table = [[unseen, rows - unseen], [ones, reference_rows - ones]];
        let exact = fisher_exact_test(table, Alternative::Greater)?;
        (Method::FisherExact, unseen as f64, exact.p_value)
    } else {
        let z = (share - expected) / deviation;
        (Method::ProportionsZ, z, normal::sf(z))
    };
    Ok(Some(Finding {
        aspect: Aspect::Unseen,
        method,
        statistic,
        p_value,
        effect: Effect {
            measure: Measure::ShareDifference,
            value: (share - expected).max(0.0),
            threshold,
        },
        // A difference of the threshold's size is at least that of the current rows' own share.
        p_at_threshold: normal::sf(
            threshold / deviation.max((threshold * (1.0 - threshold) / m).sqrt()),
        ),
    }))
}
