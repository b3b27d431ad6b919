//! What is kept of the rows for each kind of check, so that it can be judged at the end.
//!
//! Everything here is a commutative monoid: looking at rows in batches and merging gives the same in
//! any order, bit for bit. Sums are exact, samples are the least of their kind, and what is kept of a set
//! depends on its members alone.

mod columns;
mod distinct;
mod distribution;
mod exact_sum;
mod freshness;
mod hash;
mod keys;
mod moments;
mod number;
mod order;
mod pairs;
mod predicate;
mod quantile;
mod tally;
mod types;
mod unique;

use std::sync::Arc;

use mlops_core::{Result, timestamp::Timestamp};

use self::{
    columns::ColumnsProbe, distinct::DistinctProbe, distribution::DistributionProbe,
    freshness::FreshnessProbe, moments::MomentsProbe, pairs::PairsProbe, predicate::PredicateProbe,
    quantile::QuantileProbe, types::TypeProbe, unique::UniqueProbe,
};
pub(super) use self::{
    hash::{Key, key},
    keys::{KeySet, Offer},
    order::OrderProbe,
};
use super::{Batch, Check, CheckerOptions, Expectation, Range, Sample, Values, Verdict};
use crate::profile::Profile;

/// What a probe is shown.
pub(super) struct View<'a> {
    pub(super) batch: &'a Batch<'a>,
    /// The columns that the probe asked for.
    pub(super) columns: &'a [Values<'a>],
    pub(super) first_row: u64,
}

/// What a probe has to say.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) verdict: Verdict,
    pub(super) observed: Option<f64>,
    pub(super) detail: Option<String>,
    pub(super) rows: u64,
    pub(super) failing: u64,
    pub(super) samples: Vec<Sample>,
}

impl Outcome {
    /// A verdict on a figure, or on none.
    fn new(verdict: Verdict, observed: Option<f64>, rows: u64) -> Self {
        let samples = Vec::new();
        Self { verdict, observed, detail: None, rows, failing: 0, samples }
    }

    fn insufficient(reason: impl Into<String>, rows: u64) -> Self {
        Self::new(Verdict::Insufficient(reason.into()), None, rows)
    }

    fn error(reason: impl Into<String>, rows: u64) -> Self {
        Self::new(Verdict::Error(reason.into()), None, rows)
    }

    /// Passed, if it holds.
    fn judged(holds: bool, observed: f64, rows: u64) -> Self {
        let verdict = if holds { Verdict::Passed } else { Verdict::Failed };
        Self::new(verdict, Some(observed), rows)
    }
}

/// What is kept for one expectation.
#[derive(Debug, Clone)]
pub(super) enum Probe {
    Predicate(PredicateProbe),
    Pairs(PairsProbe),
    Order(OrderProbe),
    Unique(UniqueProbe),
    Type(TypeProbe),
    Moments(MomentsProbe),
    Quantile(QuantileProbe),
    Distinct(DistinctProbe),
    Distribution(DistributionProbe),
    Freshness(FreshnessProbe),
    Columns(ColumnsProbe),
    /// The checker counts rows itself.
    RowCount(Range),
}

impl Probe {
    /// For this expectation, with the columns that it is to be shown.
    pub(super) fn new(
        expectation: &Expectation,
        options: &CheckerOptions,
    ) -> Result<(Self, Vec<Box<str>>)> {
        let columns = expectation.check.columns().into_iter().map(Box::from).collect();
        let samples = options.samples;
        let probe = match &expectation.check {
            check @ (Check::NotNull { .. }
            | Check::Finite { .. }
            | Check::Between { .. }
            | Check::InSet { .. }
            | Check::Matches { .. }
            | Check::Length { .. }) => Self::Predicate(PredicateProbe::new(check, samples)?),
            Check::Compare { operator, .. } => Self::Pairs(PairsProbe::compare(*operator, samples)),
            Check::Sum { tolerance, .. } => Self::Pairs(PairsProbe::sum(*tolerance, samples)),
            Check::Ordered { order, .. } => Self::Order(OrderProbe::new(*order, samples)),
            Check::Unique { .. } | Check::NoDuplicateRows => {
                Self::Unique(UniqueProbe::new(options))
            }
            Check::Type { data_type, .. } => Self::Type(TypeProbe::new(*data_type, samples)),
            Check::Mean { range, .. } => Self::Moments(MomentsProbe::mean(*range)),
            Check::StandardDeviation { range, .. } => {
                Self::Moments(MomentsProbe::standard_deviation(*range))
            }
            Check::Quantile { probability, range, .. } => {
                Self::Quantile(QuantileProbe::new(*probability, *range))
            }
            Check::Distinct { range, .. } => {
                Self::Distinct(DistinctProbe::new(*range, options.max_keys))
            }
            Check::Distribution { column, alpha, min_effect } => {
                Self::Distribution(DistributionProbe::new(column, *alpha, *min_effect))
            }
            Check::Fresh { max_age, .. } => Self::Freshness(FreshnessProbe::new(*max_age)),
            Check::RowCount { range } => Self::RowCount(*range),
            Check::Columns { names, extra, order } => {
                Self::Columns(ColumnsProbe::new(names, *extra, *order))
            }
        };
        Ok((probe, columns))
    }

    pub(super) fn set_reference(&mut self, reference: &Arc<Profile>) {
        if let Self::Distribution(probe) = self {
            probe.set_reference(reference);
        }
    }

    /// Looks at rows.
    ///
    /// # Errors
    /// The reason, if they cannot be looked at.
    pub(super) fn observe(&mut self, view: &View<'_>) -> Result<(), String> {
        match self {
            Self::Predicate(probe) => probe.observe(view),
            Self::Pairs(probe) => probe.observe(view),
            Self::Order(probe) => probe.observe(view.columns[0], view.first_row),
            Self::Unique(probe) => {
                probe.observe(view);
                Ok(())
            }
            Self::Type(probe) => {
                probe.observe(view);
                Ok(())
            }
            Self::Moments(probe) => probe.observe(view.columns[0]),
            Self::Quantile(probe) => probe.observe(view.columns[0]),
            Self::Distinct(probe) => {
                probe.observe(view);
                Ok(())
            }
            Self::Distribution(probe) => probe.observe(view.columns[0]),
            Self::Freshness(probe) => probe.observe(view.columns[0]),
            Self::Columns(probe) => {
                probe.observe(view.batch);
                Ok(())
            }
            Self::RowCount(_) => Ok(()),
        }
    }

    /// Adds what the probe of another checker, for the same expectation, has seen.
    /// Takes note of rows that do not have the columns.
    pub(super) fn skip(&mut self, first_row: u64, rows: u64) {
        if let Self::Order(probe) = self {
            probe.skip(first_row, rows);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Predicate(mine), Self::Predicate(theirs)) => mine.merge(theirs),
            (Self::Pairs(mine), Self::Pairs(theirs)) => mine.merge(theirs),
            (Self::Order(mine), Self::Order(theirs)) => mine.merge(theirs),
            (Self::Unique(mine), Self::Unique(theirs)) => mine.merge(theirs),
            (Self::Type(mine), Self::Type(theirs)) => mine.merge(theirs),
            (Self::Moments(mine), Self::Moments(theirs)) => mine.merge(theirs),
            (Self::Quantile(mine), Self::Quantile(theirs)) => mine.merge(theirs),
            (Self::Distinct(mine), Self::Distinct(theirs)) => mine.merge(theirs),
            (Self::Distribution(mine), Self::Distribution(theirs)) => mine.merge(theirs),
            (Self::Freshness(mine), Self::Freshness(theirs)) => mine.merge(theirs),
            (Self::Columns(mine), Self::Columns(theirs)) => mine.merge(theirs),
            // Expectations are the same, so the kinds are: there is nothing to add to a range.
            _ => {}
        }
    }

    /// What is to be said after so many rows.
    pub(super) fn outcome(&self, expectation: &Expectation, rows: u64, now: Timestamp) -> Outcome {
        let mostly = expectation.mostly;
        match self {
            Self::Predicate(probe) => probe.outcome(mostly),
            Self::Pairs(probe) => probe.outcome(mostly),
            Self::Order(probe) => probe.outcome(mostly),
            Self::Unique(probe) => probe.outcome(mostly),
            Self::Type(probe) => probe.outcome(),
            Self::Moments(probe) => probe.outcome(),
            Self::Quantile(probe) => probe.outcome(),
            Self::Distinct(probe) => probe.outcome(),
            Self::Distribution(probe) => probe.outcome(),
            Self::Freshness(probe) => probe.outcome(now),
            Self::Columns(probe) => probe.outcome(),
            Self::RowCount(range) => {
                let (low, high) = range.integers();
                let count = i64::try_from(rows).unwrap_or(i64::MAX);
                Outcome::judged(low <= count && count <= high, rows as f64, rows)
            }
        }
    }
}

/// That a check says nothing about a column of this type.
fn wrong_type(wanted: &str, values: Values<'_>) -> String {
    format!("it is about {wanted}, and the column is of type {}", values.data_type())
}
