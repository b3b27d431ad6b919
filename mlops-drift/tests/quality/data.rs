//! Rows that own what batches borrow.

use mlops_core::timestamp::Timestamp;
use mlops_drift::quality::{
    Batch, Check, Checker, CheckerOptions, Expectation, Finding, QualityReport, Suite, Values,
};

/// A column of any type.
#[derive(Debug, Clone)]
pub(crate) enum Owned {
    Integers(Vec<Option<i64>>),
    Numbers(Vec<Option<f64>>),
    Texts(Vec<Option<&'static str>>),
    Booleans(Vec<Option<bool>>),
    Times(Vec<Option<Timestamp>>),
}

impl Owned {
    pub(crate) fn values(&self, rows: std::ops::Range<usize>) -> Values<'_> {
        match self {
            Self::Integers(values) => Values::Integers(&values[rows]),
            Self::Numbers(values) => Values::Numbers(&values[rows]),
            Self::Texts(values) => Values::Texts(&values[rows]),
            Self::Booleans(values) => Values::Booleans(&values[rows]),
            Self::Times(values) => Values::Times(&values[rows]),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Numbers(values) => values.len(),
            Self::Texts(values) => values.len(),
            Self::Booleans(values) => values.len(),
            Self::Times(values) => values.len(),
        }
    }
}

pub(crate) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// The report on one batch.
pub(crate) fn report(checks: Vec<Expectation>, columns: &[(&str, Values<'_>)]) -> QualityReport {
    let suite = Suite::new("test", checks).unwrap();
    let mut checker = Checker::new(suite, &CheckerOptions::default()).unwrap();
    checker.observe(&Batch::new(columns).unwrap()).unwrap();
    checker.report(time(1000))
}

/// What is found of one check of one batch.
pub(crate) fn finding(check: Check, columns: &[(&str, Values<'_>)]) -> Finding {
    found(Expectation::new(check), columns)
}

pub(crate) fn found(expectation: Expectation, columns: &[(&str, Values<'_>)]) -> Finding {
    report(vec![expectation], columns).findings.remove(0)
}
