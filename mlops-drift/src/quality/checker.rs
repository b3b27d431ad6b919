//! [`Checker`]: sees rows, and says whether they are as expected.

use std::sync::Arc;

use mlops_core::{Error, Result, timestamp::Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Batch, Finding, QualityReport, Suite, Values, Verdict,
    probe::{Outcome, Probe, View},
    row_ranges::RowRanges,
};
use crate::profile::Profile;

/// Sees the rows of a data set in batches, and says whether they are as a [`Suite`] expects.
///
/// Its memory does not grow with the rows, except for what is different: values of columns that are to be
/// unique, up to [`CheckerOptions::max_keys`].
///
/// Rows are numbered, so that a report can name them and an order can be checked across batches. A batch
/// that does not [say](Batch::starting_at) where it starts follows the one before it. Several checkers of one
/// data set, in threads or processes of their own, start at the rows that they are given
/// ([`starting_at`](Self::starting_at)); those of independent streams start so far apart that they never
/// meet, such as `replica << 40`. A row that is observed twice is an error.
#[derive(Debug, Clone)]
pub struct Checker {
    suite: Arc<Suite>,
    options: CheckerOptions,
    reference: Option<Arc<Profile>>,
    entries: Vec<Entry>,
    seen: RowRanges,
    next_row: u64,
}

/// How much a [`Checker`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CheckerOptions {
    /// How many different values are told apart exactly, for each expectation about them; about 60 bytes
    /// each. Beyond that a sample of them is kept, and what it cannot decide is
    /// [`Insufficient`](Verdict::Insufficient). At least 1.
    pub max_keys: usize,
    /// How many failing rows a finding shows.
    pub samples: usize,
}

impl Default for CheckerOptions {
    /// 2^20 values, and five rows.
    fn default() -> Self {
        Self { max_keys: 1 << 20, samples: 5 }
    }
}

impl CheckerOptions {
    /// With this many values told apart.
    #[must_use]
    pub fn with_max_keys(mut self, max_keys: usize) -> Self {
        self.max_keys = max_keys;
        self
    }

    /// With this many failing rows shown.
    #[must_use]
    pub fn with_samples(mut self, samples: usize) -> Self {
        self.samples = samples;
        self
    }
}

/// An expectation, and what is known of it.
#[derive(Debug, Clone)]
struct Entry {
    probe: Probe,
    columns: Vec<Box<str>>,
    /// Where the columns were the last time.
    places: Vec<usize>,
    /// The first row from which on it could not be checked, and why.
    fault: Option<(u64, String)>,
}

impl Checker {
    /// Nothing seen yet.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `max_keys` is 0.
    pub fn new(suite: impl Into<Arc<Suite>>, options: &CheckerOptions) -> Result<Self> {
        let suite = suite.into();
        if options.max_keys == 0 {
            return Err(Error::invalid("checker options", "`max_keys` is 0"));
        }
        let entry = |expectation| {
            let (probe, columns) = Probe::new(expectation, options)?;
            Ok(Entry { probe, places: vec![0; columns.len()], columns, fault: None })
        };
        let entries = suite.expectations().iter().map(entry).collect::<Result<_>>()?;
        let options = *options;
        let seen = RowRanges::default();
        Ok(Self { suite, options, reference: None, entries, seen, next_row: 0 })
    }

    /// Gives it the profile of a reference, for expectations about
    /// [distributions](super::Check::Distribution).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if rows have been seen already.
    pub fn with_reference(mut self, reference: impl Into<Arc<Profile>>) -> Result<Self> {
        if self.seen.rows() > 0 {
            return Err(Error::invalid("reference", "it comes after rows"));
        }
        let reference = reference.into();
        for entry in &mut self.entries {
            entry.probe.set_reference(&reference);
        }
        self.reference = Some(reference);
        Ok(self)
    }

    /// Numbers the rows from this one on.
    #[must_use]
    pub fn starting_at(mut self, row: u64) -> Self {
        self.next_row = row;
        self
    }

    /// Looks at some rows.
    ///
    /// What is wrong with the data is for the report to say. A column that is missing, or of a type that an
    /// expectation says nothing about, makes that expectation an [error](Verdict::Error).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if a row was observed already; [`Error::TooLarge`] if batches leave more than
    /// 65536 gaps between them. Nothing is counted then.
    pub fn observe(&mut self, batch: &Batch<'_>) -> Result<()> {
        let first_row = batch.first_row().unwrap_or(self.next_row);
        let rows = batch.rows() as u64;
        self.seen.check(first_row, rows)?;
        self.seen.insert(first_row, rows);
        self.next_row = first_row + rows;
        let mut columns: Vec<Values<'_>> = Vec::new();
        for Entry { probe, columns: names, places, fault } in &mut self.entries {
            columns.clear();
            let mut missing = None;
            for (name, place) in names.iter().zip(places) {
                match batch.column(name, place) {
                    Some(values) => columns.push(values),
                    None => missing = missing.or(Some(name)),
                }
            }
            let result = match missing {
                Some(name) => {
                    probe.skip(first_row, rows);
                    Err(format!("column `{name}` is missing"))
                }
                None => probe.observe(&View { batch, columns: &columns, first_row }),
            };
            // A batch without rows has nothing that could be checked.
            if let Err(reason) = result
                && rows > 0
            {
                first(fault, (first_row, reason));
            }
        }
        Ok(())
    }

    /// Adds the rows of another checker of the same suite, with the same options and reference.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if suites, options or references differ, or both have seen the same row;
    /// [`Error::TooLarge`] as for [`observe`](Self::observe). Nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        let invalid = |reason: &str| Err(Error::invalid("checker", reason));
        if !Arc::ptr_eq(&self.suite, &other.suite) && self.suite != other.suite {
            return invalid("it is of another suite");
        }
        if self.options != other.options {
            return invalid("its options differ");
        }
        if self.reference != other.reference {
            return invalid("its reference differs");
        }
        let mut seen = self.seen.clone();
        for (start, end) in other.seen.iter() {
            seen.check(start, end - start)?;
            seen.insert(start, end - start);
        }
        self.seen = seen;
        self.next_row = self.next_row.max(other.next_row);
        for (mine, theirs) in self.entries.iter_mut().zip(&other.entries) {
            mine.probe.merge(&theirs.probe);
            if let Some(fault) = &theirs.fault {
                first(&mut mine.fault, fault.clone());
            }
        }
        Ok(())
    }

    /// Rows seen.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.seen.rows()
    }

    /// What is to be said of the rows seen so far. `now` is what [freshness](super::Check::Fresh) is measured
    /// from.
    #[must_use]
    pub fn report(&self, now: Timestamp) -> QualityReport {
        let findings = self.suite.expectations().iter().zip(&self.entries);
        let findings = findings.map(|(expectation, Entry { probe, fault, .. })| {
            let outcome = probe.outcome(expectation, self.seen.rows(), now);
            let outcome = match fault {
                // What was seen of it is not all that there was.
                Some((row, reason)) => Outcome {
                    verdict: Verdict::Error(format!("{reason}, from row {row} on")),
                    observed: None,
                    detail: None,
                    ..outcome
                },
                None => outcome,
            };
            let Outcome { verdict, observed, detail, rows, failing, samples } = outcome;
            Finding {
                expectation: expectation.clone(),
                expected: expectation.to_string(),
                verdict,
                observed,
                detail,
                rows,
                failing,
                samples,
            }
        });
        QualityReport {
            suite: self.suite.name().to_owned(),
            checked_at: now,
            rows: self.seen.rows(),
            findings: findings.collect(),
        }
    }
}

/// Keeps the fault of the lower row.
fn first(mine: &mut Option<(u64, String)>, theirs: (u64, String)) {
    if mine.as_ref().is_none_or(|mine| theirs < *mine) {
        *mine = Some(theirs);
    }
}
