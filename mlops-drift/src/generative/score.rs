//! [`Score`]: what an evaluator or a judge says, and [`ScoreSpec`]: its name and kind.

use std::{borrow::Cow, sync::Arc};

use mlops_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::profile::Value;

/// What kinds of score there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScoreKind {
    /// A number in `[0, 1]`, such as the share of claims that are supported.
    Bounded,
    /// Whether something is so.
    YesNo,
    /// A finite number, such as a count.
    Number,
    /// One of some names.
    Category,
}

/// A score.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Score {
    /// A number in `[0, 1]`.
    Bounded(f64),
    /// Whether something is so.
    YesNo(bool),
    /// A finite number.
    Number(f64),
    /// A name.
    Category(Cow<'static, str>),
}

impl Score {
    /// A count as a number.
    #[must_use]
    pub fn count(count: usize) -> Self {
        Self::Number(count as f64)
    }

    /// A category whose name is in the code.
    #[must_use]
    pub fn category(name: &'static str) -> Self {
        Self::Category(Cow::Borrowed(name))
    }

    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> ScoreKind {
        match self {
            Self::Bounded(_) => ScoreKind::Bounded,
            Self::YesNo(_) => ScoreKind::YesNo,
            Self::Number(_) => ScoreKind::Number,
            Self::Category(_) => ScoreKind::Category,
        }
    }

    /// As a value of a [`Profile`](crate::profile::Profile): "yes" is 1 and "no" is 0, so that a mean is a rate.
    #[must_use]
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Bounded(number) | Self::Number(number) => Value::Number(*number),
            Self::YesNo(yes) => Value::Number(f64::from(u8::from(*yes))),
            Self::Category(name) => Value::Category(name),
        }
    }
}

/// The name and kind of a score.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScoreSpec {
    /// What it is called: the name of its feature in a profile.
    pub name: Arc<str>,
    /// What kind it is.
    pub kind: ScoreKind,
}

impl ScoreSpec {
    /// A score of this name and kind.
    pub fn new(name: impl Into<Arc<str>>, kind: ScoreKind) -> Self {
        Self { name: name.into(), kind }
    }

    /// Whether this is a score of that kind, and within its bounds.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], naming the score: for one of another kind, a bounded one that is not in
    /// `[0, 1]`, and a number that is not finite.
    pub fn check(&self, score: &Score) -> Result<()> {
        let invalid =
            |reason: String| Err(Error::invalid("score", format!("`{}`: {reason}", self.name)));
        if score.kind() != self.kind {
            return invalid(format!("{:?} where {:?} was expected", score.kind(), self.kind));
        }
        match score {
            Score::Bounded(value) if !(0.0..=1.0).contains(value) => {
                invalid(format!("{value} is not in [0, 1]"))
            }
            Score::Number(value) if !value.is_finite() => invalid(format!("it is {value}")),
            _ => Ok(()),
        }
    }
}
