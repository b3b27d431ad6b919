//! [`SoakReport`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use mlops_core::model::ModelVersion;

use crate::{Result, rounds::median};

/// What came of a soak.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SoakReport {
    /// Requests sent, one row each.
    pub requests: u64,
    /// Those answered with their own answer.
    pub answered: u64,
    /// Those answered with another request's, or a wrong one.
    pub wrong: u64,
    /// Those that failed, by what was said.
    pub failed: BTreeMap<String, u64>,
    /// Rows that sessions have run.
    pub rows_run: u64,
    /// Times that the model was replaced.
    pub swaps: u64,
    /// The versions that answered.
    pub versions: BTreeSet<ModelVersion>,
    /// Memory resident after each swap, in bytes.
    pub resident: Vec<u64>,
    /// How long it took.
    pub elapsed: Duration,
}

impl SoakReport {
    /// How much more memory was resident in the last quarter than in the second, as a share. The
    /// first quarter is warm-up.
    #[must_use]
    pub fn growth(&self) -> f64 {
        let quarter = self.resident.len() / 4;
        let middle = |samples: &[u64]| median(samples.iter().map(|bytes| *bytes as f64).collect());
        let second = middle(&self.resident[quarter..2 * quarter]);
        middle(&self.resident[self.resident.len() - quarter..]) / second - 1.0
    }

    /// That nothing was lost, mixed up or run twice.
    ///
    /// # Errors
    /// What was.
    pub fn check(&self) -> Result<()> {
        let is_whole = self.answered == self.requests
            && self.rows_run == self.requests
            && self.wrong == 0
            && self.failed.is_empty();
        if is_whole {
            Ok(())
        } else {
            Err(format!("requests were lost or run twice: {self}").into())
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.answered += other.answered;
        self.wrong += other.wrong;
        self.swaps += other.swaps;
        for (what, count) in other.failed {
            *self.failed.entry(what).or_default() += count;
        }
    }
}

impl fmt::Display for SoakReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests in {:.1?}: {} answered, {} wrong, {:?} failed; {} rows run; {} swaps, {} \
             versions answered",
            self.requests,
            self.elapsed,
            self.answered,
            self.wrong,
            self.failed,
            self.rows_run,
            self.swaps,
            self.versions.len(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_of_the_last_quarter_over_the_second() {
        // Warm-up grows as it will; a spike is not growth.
        let resident = vec![10, 50, 100, 100, 100, 100, 900, 100, 100, 130, 130, 130];
        let report = SoakReport { resident, ..SoakReport::default() };
        assert!((report.growth() - 0.3).abs() < 1e-9);
    }

    #[test]
    fn whatever_is_amiss_is_an_error() {
        let whole = SoakReport { requests: 9, answered: 9, rows_run: 9, ..SoakReport::default() };
        whole.check().unwrap();
        let failed = BTreeMap::from([("closed".to_owned(), 1)]);
        for amiss in [
            SoakReport { answered: 8, ..whole.clone() },
            SoakReport { rows_run: 10, ..whole.clone() },
            SoakReport { wrong: 1, ..whole.clone() },
            SoakReport { failed, ..whole.clone() },
        ] {
            assert!(amiss.check().is_err(), "{amiss}");
        }
    }
}
