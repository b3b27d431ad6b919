//! [`Segmenter`]: which part of a feature a value is in.

use std::fmt;

use mlops_core::{Error, Result, stats::mean::Summary};
use serde::{Deserialize, Serialize};

use crate::profile::{Categories, Edges, FeatureProfile, Value};

/// The values of one feature, in parts: ranges of a number or categories, and what is neither.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub(in crate::performance) enum Segmenter {
    /// Ranges between edges, no value, not finite.
    Number(Edges),
    /// Categories, all others, no value.
    Category(Categories),
}

/// As it is stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stored {
    Edges(Vec<f64>),
    Categories(Vec<String>),
}

/// Values of one or two features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Segment(pub Vec<SegmentPart>);

/// Values of one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentPart {
    /// Its name.
    pub feature: String,
    /// Which values.
    pub part: Part,
}

/// Which values of a feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// Numbers from one, which belongs to it, to another, which does not; without an end on one side, all
    /// that the reference did not have there.
    Range {
        /// The least.
        from: Option<f64>,
        /// What is above all of them.
        to: Option<f64>,
    },
    /// One category.
    Category(String),
    /// Categories that are not told apart, and new ones.
    OtherCategories,
    /// No value.
    Null,
    /// NaN and infinities.
    NotFinite,
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, SegmentPart { feature, part }) in self.0.iter().enumerate() {
            let and = if n > 0 { ", " } else { "" };
            write!(f, "{and}{feature} {part}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { from: Some(from), to: Some(to) } => write!(f, "from {from} to {to}"),
            Self::Range { from: Some(from), to: None } => write!(f, "from {from} on"),
            Self::Range { from: None, to: Some(to) } => write!(f, "below {to}"),
            Self::Range { from: None, to: None } => write!(f, "is any number"),
            Self::Category(name) => write!(f, "`{name}`"),
            Self::OtherCategories => write!(f, "is another category"),
            Self::Null => write!(f, "is null"),
            Self::NotFinite => write!(f, "is not finite"),
        }
    }
}

impl Segmenter {
    /// The cells that the profile counts.
    ///
    /// # Errors
    /// Those of the categories, which are the profile's.
    pub(in crate::performance) fn of(profile: &FeatureProfile) -> Result<Self> {
        match profile {
            FeatureProfile::Numeric(profile) => Ok(Self::Number(profile.edges().clone())),
            FeatureProfile::Categorical(profile) => {
                Self::category(profile.categories().names().iter().map(|name| &**name))
            }
        }
    }

    /// At most so many ranges with about equally many rows of the reference, beside what lies outside it, or
    /// as many of its most frequent categories.
    ///
    /// # Errors
    /// Those of the edges or categories, which are some of the profile's.
    pub(super) fn coarse(profile: &FeatureProfile, parts: usize) -> Result<Self> {
        match profile {
            FeatureProfile::Numeric(profile) => {
                let (edges, counts) = (profile.edges().as_slice(), profile.counts());
                let mut left: u64 = counts[1.min(edges.len())..edges.len()].iter().sum();
                let (mut kept, mut held) = (Vec::new(), 0);
                for (n, edge) in edges.iter().enumerate() {
                    // What lies below the first edge is outside the reference.
                    held += if n > 0 { counts[n] } else { 0 };
                    let parts_left = (parts + 1 - kept.len()) as u64;
                    let is_full = parts_left > 1 && held * parts_left >= left;
                    if n == 0 || n + 1 == edges.len() || is_full {
                        kept.push(*edge);
                        left -= held;
                        held = 0;
                    }
                }
                Ok(Self::Number(Edges::from_values(kept)?))
            }
            FeatureProfile::Categorical(profile) => {
                let counts = profile.counts().iter().copied();
                let mut names: Vec<_> = profile.categories().names().iter().zip(counts).collect();
                names.sort_by(|(a, rows_a), (b, rows_b)| rows_b.cmp(rows_a).then(a.cmp(b)));
                Self::category(names.iter().take(parts).map(|(name, _)| &***name))
            }
        }
    }

    /// These categories; that there may have been more makes no difference here.
    fn category<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self> {
        Ok(Self::Category(Categories::fit(names, Categories::MAX)?))
    }

    /// How many parts there are.
    pub(in crate::performance) fn parts(&self) -> usize {
        match self {
            Self::Number(edges) => edges.bins() + 2,
            Self::Category(categories) => categories.names().len() + 2,
        }
    }

    /// The part that a value of the feature of this name is in.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], naming the feature, for a value of the other kind.
    pub(in crate::performance) fn cell(&self, feature: &str, value: Value<'_>) -> Result<usize> {
        let parts = self.parts();
        let other_kind =
            |reason: String| Err(Error::invalid("row", format!("`{feature}` {reason}")));
        match (self, value) {
            (Self::Number(edges), Value::Number(value)) if value.is_finite() => {
                Ok(edges.bin(value))
            }
            (Self::Number(_), Value::Number(_)) | (Self::Category(_), Value::Null) => Ok(parts - 1),
            (Self::Number(_), Value::Null) => Ok(parts - 2),
            (Self::Category(categories), Value::Category(name)) => Ok(categories.cell(name)),
            (_, Value::Number(value)) => {
                other_kind(format!("is categorical, and got the number {value}"))
            }
            (_, Value::Category(name)) => {
                other_kind(format!("is numeric, and got the category `{name}`"))
            }
        }
    }

    /// The rows of each part in a profile that counts the same cells; `None` of one that counts others.
    pub(in crate::performance) fn rows(&self, profile: &FeatureProfile) -> Option<Vec<u64>> {
        let is_same = match (self, profile) {
            (Self::Number(edges), FeatureProfile::Numeric(profile)) => edges == profile.edges(),
            (Self::Category(categories), FeatureProfile::Categorical(profile)) => {
                categories.names() == profile.categories().names()
            }
            _ => false,
        };
        if !is_same {
            return None;
        }
        let mut rows = profile.counts().to_vec();
        rows.push(profile.nulls());
        if let FeatureProfile::Numeric(profile) = profile {
            let infinite = profile.positive_infinity().saturating_add(profile.negative_infinity());
            rows.push(profile.nan().saturating_add(infinite));
        }
        Some(rows)
    }

    /// What a part is.
    pub(in crate::performance) fn part(&self, cell: usize) -> Part {
        let parts = self.parts();
        match self {
            Self::Number(_) if cell + 1 == parts => Part::NotFinite,
            Self::Number(_) if cell + 2 == parts => Part::Null,
            Self::Number(edges) => {
                let edge = |n: usize| edges.as_slice().get(n).copied();
                Part::Range { from: cell.checked_sub(1).and_then(edge), to: edge(cell) }
            }
            Self::Category(_) if cell + 1 == parts => Part::Null,
            Self::Category(categories) => match categories.names().get(cell) {
                Some(name) => Part::Category(name.to_string()),
                None => Part::OtherCategories,
            },
        }
    }
}

impl From<Segmenter> for Stored {
    fn from(segmenter: Segmenter) -> Self {
        match segmenter {
            Segmenter::Number(edges) => Self::Edges(edges.as_slice().to_vec()),
            Segmenter::Category(categories) => {
                Self::Categories(categories.names().iter().map(ToString::to_string).collect())
            }
        }
    }
}

impl TryFrom<Stored> for Segmenter {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        match stored {
            Stored::Edges(edges) => Ok(Self::Number(Edges::from_values(edges)?)),
            Stored::Categories(names) => Self::category(names.iter().map(String::as_str)),
        }
    }
}

/// The largest size of a loss: the squares of as many as can be counted add up to a double.
const LARGEST: f64 = 1e140;

pub(in crate::performance) fn check_loss(loss: f64) -> Result<()> {
    if loss.abs() <= LARGEST {
        return Ok(());
    }
    Err(Error::invalid("loss", format!("it is {loss}")))
}

/// Whether these can be losses.
pub(in crate::performance) fn check_losses(losses: &Summary) -> Result<()> {
    let Summary { count, mean, variance } = *losses;
    let is_variance = (0.0..=4.0 * LARGEST * LARGEST).contains(&variance);
    if count <= 1 << 53 && mean.abs() <= LARGEST && is_variance {
        return Ok(());
    }
    let reason = format!("{count} with the mean {mean} and the variance {variance}");
    Err(Error::invalid("losses", reason))
}

/// Whether these can be the losses of the parts of all.
pub(in crate::performance) fn check_parts(all: &Summary, parts: &[Summary]) -> Result<()> {
    parts.iter().try_for_each(check_losses)?;
    let count = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.count));
    if count == all.count {
        return Ok(());
    }
    Err(Error::invalid("losses", format!("{count} in its parts, and {} of all", all.count)))
}

/// Adds a row to those of a part.
pub(in crate::performance) fn add_loss(losses: &mut Summary, loss: f64) {
    losses.merge(&Summary { count: 1, mean: loss, variance: 0.0 });
}
