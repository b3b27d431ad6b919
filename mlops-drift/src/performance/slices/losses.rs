//! [`SlicedLosses`]: the losses of each segment.

use std::sync::Arc;

use mlops_core::{Error, Result, stats::mean::Summary};
use serde::{Deserialize, Serialize};

use super::{Slicer, add_loss, check_loss, check_losses, check_parts};
use crate::profile::Value;

/// The losses of all rows, and of those in each segment of a [`Slicer`]: how many, their mean and their spread.
///
/// A loss is any finite number that should be small: 1 for a wrong class and 0 for a right one, the size of an
/// error, the negative logarithm of a probability. Replicas observe apart and [`merge`](Self::merge).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct SlicedLosses {
    slicer: Arc<Slicer>,
    all: Summary,
    /// Of the segments of each division after the other.
    segments: Vec<Summary>,
    /// Whether no loss was other than 0 and 1, so that there are exact tests.
    all_binary: bool,
}

/// As they are stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    slicer: Arc<Slicer>,
    all: Summary,
    segments: Vec<Summary>,
    all_binary: bool,
}

impl SlicedLosses {
    pub(super) fn new(slicer: Arc<Slicer>) -> Self {
        let segments = vec![Summary::default(); slicer.segments()];
        Self { slicer, all: Summary::default(), segments, all_binary: true }
    }

    /// Adds a row: a value for each feature of the reference profile, in its order, and its loss.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], naming the feature, for a value of the other kind; for fewer or more
    /// values than features, and a loss that is not finite or beyond ±1e140. Nothing is added then.
    pub fn observe(&mut self, row: &[Value<'_>], loss: f64) -> Result<()> {
        check_loss(loss)?;
        let cells = self.slicer.cells(row)?;
        let mut start = 0;
        for (first, second) in self.slicer.divisions() {
            let [rows, columns] = self.slicer.parts((first, second));
            let cell = cells[first] * columns + second.map_or(0, |second| cells[second]);
            add_loss(&mut self.segments[start + cell], loss);
            start += rows * columns;
        }
        add_loss(&mut self.all, loss);
        self.all_binary &= loss == 0.0 || loss == 1.0;
        Ok(())
    }

    /// Adds the rows of another.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it has other segments; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.check_same(other)?;
        for (mine, theirs) in self.segments.iter_mut().zip(&other.segments) {
            mine.merge(theirs);
        }
        self.all.merge(&other.all);
        self.all_binary &= other.all_binary;
        Ok(())
    }

    /// All rows.
    #[must_use]
    pub fn all(&self) -> &Summary {
        &self.all
    }

    /// What rows are divided into.
    #[must_use]
    pub fn slicer(&self) -> &Slicer {
        &self.slicer
    }

    /// The losses of each segment of each division.
    pub(super) fn divisions(&self) -> impl Iterator<Item = ((usize, Option<usize>), &[Summary])> {
        let mut left = self.segments.as_slice();
        self.slicer.divisions().map(move |division| {
            let (of_division, rest) = left.split_at(self.slicer.parts(division).iter().product());
            left = rest;
            (division, of_division)
        })
    }

    pub(super) fn is_binary(&self) -> bool {
        self.all_binary
    }

    pub(super) fn check_same(&self, other: &Self) -> Result<()> {
        if Arc::ptr_eq(&self.slicer, &other.slicer) || self.slicer == other.slicer {
            Ok(())
        } else {
            Err(Error::invalid("losses", "they are of other segments"))
        }
    }
}

impl TryFrom<Stored> for SlicedLosses {
    type Error = Error;

    fn try_from(Stored { slicer, all, segments, all_binary }: Stored) -> Result<Self> {
        if segments.len() != slicer.segments() {
            let reason = format!("{} for {} segments", segments.len(), slicer.segments());
            return Err(Error::invalid("losses", reason));
        }
        let losses = Self { slicer, all, segments, all_binary };
        check_losses(&losses.all)?;
        losses.divisions().try_for_each(|(_, parts)| check_parts(&losses.all, parts))?;
        Ok(losses)
    }
}
