//! What a conformance suite is made of.

use std::{fmt, future::Future, pin::Pin};

use async_trait::async_trait;

/// Makes the subject of a suite: fresh for every case.
#[async_trait]
pub trait Build<S>: Sync {
    /// Whatever must outlive the subject, such as a temporary directory.
    type Guard: Send;

    /// A new subject.
    async fn build(&self) -> (S, Self::Guard);
}

/// One line of a contract, as a test.
pub struct Case<S> {
    /// The line's number in the trait's documentation.
    pub number: u32,
    /// What it says, in a few words.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(S) -> Pin<Box<dyn Future<Output = Outcome> + Send>>,
}

impl<S> fmt::Debug for Case<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("number", &self.number)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What running a case gives.
pub type Outcome = Result<(), Violation>;

/// How a subject breaks a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(pub String);

impl Violation {
    /// A violation described by `what`.
    pub fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl From<crate::Error> for Violation {
    fn from(error: crate::Error) -> Self {
        Self(format!("unexpected error: {}", error.report()))
    }
}

/// `Ok` if `holds`, else a [`Violation`] that says `what` was expected.
///
/// # Errors
/// The violation.
pub fn check(holds: bool, what: impl fmt::Display) -> Outcome {
    if holds { Ok(()) } else { Err(Violation::new(what)) }
}

/// What a suite found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Cases that held.
    pub passed: Vec<u32>,
    /// Cases that did not.
    pub failed: Vec<Failure>,
}

/// A case that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The contract line.
    pub number: u32,
    /// What it says.
    pub name: &'static str,
    /// How it was broken.
    pub violation: Violation,
}

impl Report {
    /// Panics with every failure, if there are any.
    ///
    /// # Panics
    /// If a case failed.
    pub fn assert_passed(&self) {
        assert!(self.failed.is_empty(), "the contract is broken:\n{self}");
    }

    /// The numbers of the contract lines that are broken.
    #[must_use]
    pub fn broken_lines(&self) -> Vec<u32> {
        self.failed.iter().map(|failure| failure.number).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Failure { number, name, violation } in &self.failed {
            writeln!(f, "{number}. {name}: {}", violation.0)?;
        }
        write!(f, "{} passed, {} failed", self.passed.len(), self.failed.len())
    }
}

/// Runs every case on a fresh subject.
pub(super) async fn run<S, B: Build<S>>(cases: &[Case<S>], builder: &B) -> Report {
    let mut report = Report::default();
    for case in cases {
        let (subject, guard) = builder.build().await;
        match (case.run)(subject).await {
            Ok(()) => report.passed.push(case.number),
            Err(violation) => {
                let Case { number, name, .. } = *case;
                report.failed.push(Failure { number, name, violation });
            }
        }
        drop(guard);
    }
    report
}

/// A table of [`Case`]s from async functions.
macro_rules! cases {
    ($($number:literal $function:ident: $name:literal;)*) => {
        vec![$($crate::testing::suite::Case {
            number: $number,
            name: $name,
            run: |subject| Box::pin($function(subject)),
        }),*]
    };
}
pub(super) use cases;

/// A table of [`Case`]s from plain functions, for traits that are not async.
macro_rules! sync_cases {
    ($($number:literal $function:ident: $name:literal;)*) => {
        vec![$($crate::testing::suite::Case {
            number: $number,
            name: $name,
            run: |subject| Box::pin(std::future::ready($function(subject))),
        }),*]
    };
}
pub(super) use sync_cases;
