//! Figures that follow from the order of the scores: expected area under the ROC curve and average
//! precision.

/// Rows of one score.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tied {
    /// How many there are, how many of them are expected to be positive, and the variance of that.
    pub(super) rows: f64,
    pub(super) positive: f64,
    pub(super) variance: f64,
}

/// A figure, and for each group what one positive row more in it would change.
#[derive(Debug)]
pub(super) struct Ranked {
    pub(super) value: f64,
    pub(super) changes: Vec<f64>,
}

/// The area under the receiver operating characteristic of groups by rising score.
///
/// It is the expected number of pairs of a positive and a negative row that are in order, ties counting
/// half, by the expected number of such pairs. A row is no pair with itself. `None` where no pair is
/// expected.
pub(super) fn roc_auc(groups: &[Tied]) -> Option<Ranked> {
    let all = total(groups);
    let negative = all.rows - all.positive;
    let pairs = all.positive * negative - all.variance;
    if pairs <= 0.0 {
        return None;
    }
    let (mut below_positive, mut below_negative, mut ordered) = (0.0, 0.0, 0.0);
    let mut changes = Vec::with_capacity(groups.len());
    for tied in groups {
        let tied_negative = tied.rows - tied.positive;
        ordered +=
            tied.positive * below_negative + 0.5 * (tied.positive * tied_negative - tied.variance);
        let above_positive = all.positive - below_positive - tied.positive;
        // What a positive row here gains below it and loses above it.
        changes.push(below_negative + 0.5 * tied_negative - above_positive - 0.5 * tied.positive);
        below_positive += tied.positive;
        below_negative += tied_negative;
    }
    let value = ordered / pairs;
    for gain in &mut changes {
        *gain = (*gain - value * (negative - all.positive)) / pairs;
    }
    Some(Ranked { value, changes })
}

/// The average precision of groups by rising score: `Σ Δrecall · precision` from the largest score down,
/// rows of one score being found together (`average_precision_score` of scikit-learn), in expectation.
/// `None` where no positive row is expected.
pub(super) fn average_precision(groups: &[Tied]) -> Option<Ranked> {
    let all = total(groups);
    if all.positive <= 0.0 {
        return None;
    }
    // From the largest score down: how many were found, and how many of those are positive.
    let (mut found, mut found_positive, mut sum) = (0.0, 0.0, 0.0);
    let mut changes = vec![0.0; groups.len()];
    for (tied, change) in groups.iter().zip(&mut changes).rev() {
        found += tied.rows;
        found_positive += tied.positive;
        *change = found_positive / found;
        // The mean of a product of two counts that have these rows in common has their variance in it.
        sum += (tied.positive * found_positive + tied.variance) / found;
    }
    let value = sum / all.positive;
    // A positive row more raises the precision at its own score and at all below it.
    let (mut found, mut at_or_below) = (all.rows, 0.0);
    for (tied, change) in groups.iter().zip(&mut changes) {
        at_or_below += tied.positive / found;
        found -= tied.rows;
        *change = (*change + at_or_below - value) / all.positive;
    }
    Some(Ranked { value, changes })
}

fn total(groups: &[Tied]) -> Tied {
    groups.iter().fold(Tied::default(), |sum, tied| Tied {
        rows: sum.rows + tied.rows,
        positive: sum.positive + tied.positive,
        variance: sum.variance + tied.variance,
    })
}
